//! Judging a leaf: kept while the public facts of its certificate satisfy the wish.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ca_traces::{RevisionChange, revision_changed};
use super::context::{After, PlanContext};
use super::issuer::{IssuerAfter, IssuerKey};
use super::minted::{Case, Consent, Evidence, PrivateKey, Verdict, Wish, Wished};
use super::validity::{another_start, another_validity, expiry, future};
use super::{Action, Note, PublicPart, Reason};
use crate::content::certificate_entry;
use crate::facts::{CertificateFacts, DistinguishedName, ExtendedKeyUsage};
use crate::graph::{DerivationId, Leaf};
use crate::spec::Usage;
use crate::state::Entry;

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, leaf: &Leaf) -> After {
    let world = context.world;
    let Some(issuer) = context.issuers.get(&leaf.issuer).map(Rc::clone) else {
        return below_no_ca(context, id);
    };
    if let Some(why) = keeps_its_key(context, id, leaf) {
        return context.block(id, None, why);
    }
    let public = context.evidence(id);
    let key = private_key(context, id, leaf, public);
    let wished = wished(context, id, leaf, &issuer, (public, key));
    let name = &world.graph.get(id).name;
    let case = Case {
        public,
        key,
        made: context.entry(id).is_some(),
        wish: wished.wish,
        consent: Consent::OnlyIfLost { given: context.intent.allows_losing_key(name) },
    };
    match (case.verdict(), world.survey.public_part(id).certificate()) {
        (Verdict::Keep, Some(facts)) => {
            let expected = certificate_entry(world.graph.get(id), facts);
            if leaf.brought.is_some() {
                context.keep_or_repair(id, expected);
            } else {
                context.keep_minted(id, expected);
            }
            return After::Kept(facts.digest);
        }
        (Verdict::KeyMismatch, _) => return context.key_mismatch(id),
        (Verdict::AskForNewKey, _) => {
            return context.ask_for_lost_key(id, &wished, "certificate");
        }
        _ => {}
    }
    match context.making(id, case, wished) {
        Some((action, reasons)) => sign(context, id, leaf, &issuer, (action, reasons)),
        None => After::Unavailable,
    }
}

/// The CA is blocked: nothing below it can be said.
fn below_no_ca(context: &mut PlanContext<'_>, id: DerivationId) -> After {
    match context.world.survey.public_part(id).certificate() {
        Some(facts) => {
            context.keep_as_it_is(id);
            After::Kept(facts.digest)
        }
        None => After::Unavailable,
    }
}

/// A new key is asked for where it is the user's own; why there is none, in words.
fn keeps_its_key(context: &PlanContext<'_>, id: DerivationId, leaf: &Leaf) -> Option<String> {
    let world = context.world;
    let path = &leaf.brought.as_ref()?.path;
    let known = context.entry(id).is_some()
        || context.key_is_here(id)
        || world.survey.public_part(id).path().is_some();
    let asked = known && context.intent.rekeys(&world.graph.get(id).name);
    asked.then(|| format!("its key is the user's own; bring another {path}"))
}

fn private_key(
    context: &PlanContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    public: Evidence,
) -> PrivateKey {
    if leaf.brought.is_some() {
        return PrivateKey::NotNeeded;
    }
    match context.private_key(id) {
        // A certificate needs the public key alone; a kubeconfig around it needs the private one.
        PrivateKey::Gone
            if public == Evidence::Sound && context.world.graph.kubeconfig_of(id).is_none() =>
        {
            PrivateKey::NotNeeded
        }
        key => key,
    }
}

/// What is asked of it, beginning with what no certificate that is here can change.
fn wished(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    issuer: &IssuerAfter,
    here: (Evidence, PrivateKey),
) -> Wished {
    let world = context.world;
    if context.intent.rekeys(&world.graph.get(id).name) {
        return Wished::new_key(vec![Reason::RekeyRequested]);
    }
    if let Some(renamed) = context.renamed(id) {
        return Wished::new_key(vec![renamed]);
    }
    if context.forced.contains(&id) {
        return Wished::new_key(vec![Reason::ReplacementAllowed]);
    }
    let entry = context.entry(id);
    match (here, world.survey.public_part(id)) {
        ((Evidence::Sound, _), PublicPart::Certificate { facts, .. }) => {
            let mut reasons = match &leaf.brought {
                None => another_key(leaf, facts, entry),
                Some(_) => Vec::new(),
            };
            let wish = if reasons.is_empty() { Wish::NewEvidence } else { Wish::NewKey };
            reasons.extend(another_brought_key(leaf, facts));
            reasons.extend(another_issuer(context, id, leaf, issuer, facts));
            reasons.extend(differences(leaf, facts));
            reasons.extend(another_life(context, id, leaf, issuer, facts));
            if reasons.is_empty() || context.held.contains(&id) {
                Wished::as_it_is()
            } else {
                Wished { wish, reasons }
            }
        }
        // Without the certificate, too, a raised revision is a new key.
        ((Evidence::Missing | Evidence::Unreadable, PrivateKey::Here), _) => {
            match revision_changed(entry, &leaf.revision.to_string()) {
                Some(change) => Wished::new_key(change.reasons()),
                None => Wished::as_it_is(),
            }
        }
        _ => Wished::as_it_is(),
    }
}

fn sign(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    issuer: &IssuerAfter,
    (action, reasons): (Action, Vec<Reason>),
) -> After {
    let start = context.start();
    let wished = start.plus(leaf.policy.validity.value);
    let end = wished.min(issuer.not_after);
    if end <= start {
        return context.block(id, None, "its CA has expired; bring a renewed CA certificate");
    }
    if end < wished {
        context.plan.notes.push(Note::Clamped { derivation: id, until: end });
    }
    context.step(id, action, reasons)
}

fn another_brought_key(leaf: &Leaf, facts: &CertificateFacts) -> Option<Reason> {
    let brought = &leaf.brought.as_ref()?.facts.public_key;
    (facts.public_key != *brought).then(|| {
        let (old, new) = (facts.public_key.digest(), brought.digest());
        Reason::changed("key", old.to_string(), new.to_string())
    })
}

fn another_issuer(
    context: &PlanContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    issuer: &IssuerAfter,
    facts: &CertificateFacts,
) -> Option<Reason> {
    let world = context.world;
    let name = &world.graph.get(leaf.issuer).name;
    match &issuer.key {
        IssuerKey::New => Some(Reason::DependencyRebuilt { name: name.clone() }),
        IssuerKey::Identified(key_id) => {
            if facts.issuer != issuer.subject {
                return Some(Reason::another_issuer(&facts.issuer, &issuer.subject));
            }
            if !world.survey.is_unsigned(id) {
                return None;
            }
            if facts.authority_key_id.as_ref().is_some_and(|own| own != key_id) {
                return Some(Reason::another_issuer(&facts.issuer, &issuer.subject));
            }
            let path = world.survey.public_part(id).path()?.clone();
            let why = format!("is damaged: {name} did not sign it");
            Some(Reason::OutputUnreadable { path, why })
        }
        IssuerKey::Unopened => None,
    }
}

/// What of its validity is not as described, or asks for a renewal.
fn another_life(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    issuer: &IssuerAfter,
    facts: &CertificateFacts,
) -> Vec<Reason> {
    let now = context.world.now;
    let wished = leaf.policy.validity.value;
    let mut reasons = Vec::new();
    reasons.extend(another_start(facts, leaf.not_before));
    reasons.extend(future(facts, leaf.not_before, now));
    let clamped = facts.not_after == issuer.not_after;
    if let Some(reason) = another_validity(facts, wished, leaf.not_before, now)
        .filter(|_| !clamped || facts.not_after.since(facts.not_before) >= wished)
    {
        reasons.push(reason);
    } else if facts.not_after > issuer.not_after {
        let end = format!("{} (its CA's end)", issuer.not_after.date());
        reasons.push(Reason::changed("validity", facts.not_after.date(), end));
    }
    let end = context.start().plus(wished).min(issuer.not_after);
    let due = now >= facts.not_after.minus(leaf.policy.renew_before().value);
    if due && leaf.not_before.is_some() {
        context.plan.ending.push(id);
    } else if due && end > facts.not_after {
        reasons.push(expiry(facts.not_after, now));
    }
    if context.intent.renews(&context.world.graph.get(id).name) {
        reasons.push(Reason::RenewRequested);
    }
    reasons
}

/// Why the key on record will not do.
fn another_key(leaf: &Leaf, facts: &CertificateFacts, entry: Option<&Entry>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if entry.is_some_and(|entry| entry.content.is_some()) {
        reasons.push(Reason::changed("request", "brought", ""));
    }
    let raised = revision_changed(entry, &leaf.revision.to_string());
    reasons.extend(raised.iter().flat_map(RevisionChange::reasons));
    if facts.public_key.algorithm() != Some(leaf.policy.key.value) {
        let (old, new) = (facts.public_key.kind().to_string(), leaf.policy.key.value.to_string());
        reasons.push(Reason::changed("key", old, new));
    }
    reasons
}

/// What the certificate says otherwise than the description wants.
fn differences(leaf: &Leaf, facts: &CertificateFacts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !names(leaf, &facts.subject) {
        let (old, new) = (facts.subject.to_string(), leaf.subject.to_string());
        reasons.push(Reason::changed("subject", old, new));
    }
    let wanted = extended_key_usage(leaf.usage);
    if facts.extended_key_usage != wanted || facts.is_ca {
        let authority = if facts.is_ca { "CA " } else { "" };
        let old = format!("{authority}{}", list(&facts.extended_key_usage));
        reasons.push(Reason::changed("usage", old, list(&wanted)));
    }
    let missing: BTreeSet<_> = leaf.sans.difference(&facts.sans).collect();
    let surplus: BTreeSet<_> = facts.sans.difference(&leaf.sans).collect();
    if !missing.is_empty() {
        reasons.push(Reason::changed("san", "", list(&missing)));
    }
    if !surplus.is_empty() || !facts.other_sans.is_empty() {
        let mut old = list(&surplus);
        for other in &facts.other_sans {
            if !old.is_empty() {
                old.push_str(", ");
            }
            old.push_str(other);
        }
        reasons.push(Reason::changed("san", old, ""));
    }
    reasons
}

/// Whether a subject on record is the described one to Kubernetes, which sees a user and groups: their order,
/// the RDNs that they stand in and the string types are the matter of whoever wrote it.
fn names(leaf: &Leaf, subject: &DistinguishedName) -> bool {
    let user = leaf.common_name.as_ref().map(ToString::to_string);
    subject.says_the_same(&leaf.subject)
        || subject.beyond_user_and_groups().is_none()
            && subject.common_name() == user
            && subject.organizations() == leaf.organizations
}

/// The usages as a certificate says them.
pub fn extended_key_usage(usage: Usage) -> BTreeSet<ExtendedKeyUsage> {
    [
        usage.server().then_some(ExtendedKeyUsage::Server),
        usage.client().then_some(ExtendedKeyUsage::Client),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
