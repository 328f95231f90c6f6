//! Judging a certificate authority: an anchor, never replaced by accident.

use std::collections::HashMap;

use super::anchor::{empty_key, key_path, mentioned, revision_changed};
use super::issuer_name::{issued_by_another, subject_on_record};
use super::judge::{After, Judge};
use super::validity::{another_start, expiry, future, rounded, validity_matches};
use super::{Action, Note, Reason, Witness};
use crate::facts::{CertificateFacts, DistinguishedName};
pub(super) use crate::graph::Authority as Recipe;
use crate::graph::{Content, DerivationId, Graph, Issuance, Revision};
use crate::state::Entry;
use crate::time::{Span, Timestamp};

/// What a leaf must know of its issuer once the plan is carried out.
#[derive(Debug, Clone)]
pub(super) struct IssuerAfter {
    pub subject: DistinguishedName,
    pub key: IssuerKey,
    pub not_after: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) enum IssuerKey {
    /// Nothing issued by another key stays.
    New,
    /// Leaves carry this authority key identifier.
    Identified(Vec<u8>),
    /// Its certificate is lost and only apply may open the key: no leaf can be held against it.
    Unopened,
}

/// The demands of the leaves below an authority.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LongestLeaf {
    validity: Span,
    renew_before: Span,
}

impl LongestLeaf {
    pub(super) fn window(self, validity: Span) -> Span {
        let needed = self.validity.plus(self.renew_before);
        needed.min(validity.divided_by(2))
    }
}

pub(super) fn longest_leaves(graph: &Graph) -> HashMap<DerivationId, LongestLeaf> {
    let mut longest: HashMap<DerivationId, LongestLeaf> = HashMap::new();
    for id in graph.ids() {
        let (issuer, policy) = match &graph.get(id).recipe {
            crate::graph::Recipe::Leaf(leaf) => (leaf.issuer, &leaf.policy),
            crate::graph::Recipe::Accepted(accepted) => match &graph.get(accepted.request).recipe {
                crate::graph::Recipe::Request(request) => (accepted.issuer, &request.policy),
                _ => continue,
            },
            _ => continue,
        };
        let entry = longest.entry(issuer).or_default();
        entry.validity = entry.validity.max(policy.validity.value);
        entry.renew_before = entry.renew_before.max(policy.renew_before().value);
    }
    longest
}

pub(super) fn judge(judge: &mut Judge<'_>, id: DerivationId, recipe: &Recipe) -> After {
    match &recipe.issuance {
        Issuance::Brought(_) => judge_brought(judge, id, recipe),
        Issuance::SelfSigned { .. } => judge_own(judge, id, recipe),
    }
}

fn judge_own(judge: &mut Judge<'_>, id: DerivationId, recipe: &Recipe) -> After {
    let Issuance::SelfSigned { subject, validity, not_before, .. } = &recipe.issuance else {
        return After::Unavailable;
    };
    if let Some(why) = judge.made_otherwise(id) {
        return judge.block(id, None, why);
    }
    let world = judge.world;
    let name = &world.graph.get(id).name;
    let replace = judge.intent.allows_replacing(name);
    let fresh = IssuerAfter {
        subject: subject.clone(),
        key: IssuerKey::New,
        not_after: judge.start().plus(validity.value),
    };
    let make = |judge: &mut Judge<'_>, action, reason| {
        judge.issuers.insert(id, fresh.clone());
        judge.step(id, action, vec![reason])
    };
    let unusable = empty_key(judge, id).or_else(|| judge.renamed_anchor(id));
    if let Some(empty) = unusable {
        return if replace {
            make(judge, Action::Replace, Reason::ReplacementAllowed)
        } else {
            judge.block_replacement(id, empty)
        };
    }
    let (path, facts) = match world.survey.witness(id) {
        Witness::Certificate { path, facts, .. } => (path, facts),
        missing => {
            return judge_without_certificate(judge, id, recipe, missing, replace, &fresh);
        }
    };
    let entry = judge.entry(id);
    let another_key = entry
        .and_then(|entry| entry.public_key)
        .is_some_and(|known| known != facts.public_key.digest());
    if another_key && !replace {
        return judge.mixed(id, path.clone());
    }
    let blocked_by = wants_another_key(recipe, facts, entry)
        .or_else(|| (judge.intent.rekeys(name) || another_key).then(|| REPLACES_ALL.to_owned()));
    if judge.forced.contains(&id) {
        return make(judge, Action::Replace, Reason::ReplacementAllowed);
    }
    match blocked_by {
        Some(_) if replace => return make(judge, Action::Replace, Reason::ReplacementAllowed),
        Some(why) => return judge.block_replacement(id, why),
        None => {}
    }
    let mut reasons = Vec::new();
    let life = facts.not_after.since(facts.not_before);
    reasons.extend(another_start(facts, *not_before));
    reasons.extend(future(facts, *not_before, world.now));
    if !validity_matches(life, validity.value, not_before.is_some()) {
        reasons.push(Reason::InputChanged {
            field: "validity",
            old: rounded(life).to_string(),
            new: validity.value.to_string(),
        });
    }
    if !facts.can_sign_certificates() {
        reasons.push(Reason::InputChanged {
            field: "usage",
            old: "not a CA".into(),
            new: "CA".into(),
        });
    }
    let window = renewal_window(judge, id, validity.value);
    let due = world.now >= facts.not_after.minus(window);
    if due && not_before.is_some() {
        judge.plan.ending.push(id);
    } else if due && world.now.plus(validity.value) > facts.not_after {
        reasons.push(expiry(facts.not_after, world.now));
    }
    if judge.intent.renews(name) {
        reasons.push(Reason::RenewRequested);
    }
    if reasons.is_empty() {
        judge.issuers.insert(
            id,
            IssuerAfter {
                subject: facts.subject.clone(),
                key: IssuerKey::Identified(facts.key_id()),
                not_after: facts.not_after,
            },
        );
        keep_certificate(judge, id, facts);
        return After::Kept(facts.digest);
    }
    if !judge.key_can_be_had(id) && replace {
        return make(judge, Action::Replace, Reason::ReplacementAllowed);
    }
    if !judge.key_can_be_had(id) {
        return judge.block_replacement(
            id,
            format!(
                "it must be issued again ({}), and its key is not here; run this where the key is, or put it at out/{}",
                reasons
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
                key_path(judge, id)
            ),
        );
    }
    judge.issuers.insert(
        id,
        IssuerAfter {
            subject: subject_on_record(world, id, subject),
            key: IssuerKey::Identified(facts.public_key.key_identifier().to_vec()),
            ..fresh
        },
    );
    judge.step(id, Action::Reissue, reasons)
}

/// The certificate is gone everywhere. The key alone is enough to issue it again: same subject, same key,
/// so every leaf stays valid.
fn judge_without_certificate(
    judge: &mut Judge<'_>,
    id: DerivationId,
    recipe: &Recipe,
    witness: &Witness,
    replace: bool,
    fresh: &IssuerAfter,
) -> After {
    let known = judge.entry(id).is_some();
    let key = judge.key_is_here(id);
    if key && !replace {
        let asked = judge.intent.rekeys(&judge.world.graph.get(id).name);
        let why = raised(recipe, judge.entry(id))
            .or_else(|| asked.then(|| REPLACES_ALL.to_owned()))
            .or_else(|| issued_by_another(judge.world, id, &fresh.subject));
        if let Some(why) = why {
            return judge.block_replacement(id, why);
        }
    }
    let reason = match witness {
        Witness::Unreadable { path, why } => {
            Reason::OutputUnreadable { path: path.clone(), why: why.clone() }
        }
        _ => match judge.world.graph.placements_of(id, Content::Certificate).next() {
            Some(place) => Reason::OutputMissing { path: place.path.clone() },
            None => Reason::New,
        },
    };
    let (action, reason, issuer_key) = if replace && (known || key || mentioned(judge, id)) {
        (Action::Replace, Reason::ReplacementAllowed, IssuerKey::New)
    } else if key {
        (Action::Reissue, reason, IssuerKey::Unopened)
    } else if judge.world.graph.is_key_derived(id) && (known || mentioned(judge, id)) {
        (Action::Create, reason, IssuerKey::Unopened)
    } else if known {
        return judge.block_replacement(id, "its certificate and its key are both lost");
    } else if mentioned(judge, id) {
        return judge.block_replacement(
            id,
            "certificates of this CA are here, but neither its certificate nor its key",
        );
    } else {
        (Action::Create, Reason::New, IssuerKey::New)
    };
    let subject = match action {
        Action::Replace => fresh.subject.clone(),
        _ => subject_on_record(judge.world, id, &fresh.subject),
    };
    judge.issuers.insert(id, IssuerAfter { subject, key: issuer_key, ..fresh.clone() });
    judge.step(id, action, vec![reason])
}

fn raised(recipe: &Recipe, entry: Option<&Entry>) -> Option<String> {
    let Issuance::SelfSigned { revision, .. } = &recipe.issuance else {
        return None;
    };
    revision_changed(entry, &Revision::of(*revision).to_string()).map(|change| change.to_string())
}

const REPLACES_ALL: &str = "a new CA key replaces every certificate below it";

fn judge_brought(judge: &mut Judge<'_>, id: DerivationId, recipe: &Recipe) -> After {
    let Issuance::Brought(brought) = &recipe.issuance else {
        return After::Unavailable;
    };
    let world = judge.world;
    let name = &world.graph.get(id).name;
    let facts = &brought.facts;
    if let Some(empty) = empty_key(judge, id) {
        return judge.block(id, None, empty);
    }
    let replace = judge.intent.allows_replacing(name);
    let here = world.survey.witness(id).certificate();
    let known = judge.entry(id).and_then(|entry| entry.public_key);
    let another = [known, here.map(|facts| facts.public_key.digest())]
        .into_iter()
        .flatten()
        .any(|key| key != facts.public_key.digest());
    if another && !replace {
        return judge.block_replacement(
            id,
            format!("{} holds another key than the CA on record", brought.path),
        );
    }
    let window = renewal_window(judge, id, facts.not_after.since(facts.not_before));
    if world.now >= facts.not_after.minus(window) {
        judge.plan.notes.push(Note::BroughtExpiring { derivation: id, until: facts.not_after });
    }
    judge.issuers.insert(
        id,
        IssuerAfter {
            subject: facts.subject.clone(),
            key: if another { IssuerKey::New } else { IssuerKey::Identified(facts.key_id()) },
            not_after: facts.not_after,
        },
    );
    match here {
        Some(here) if here.digest == facts.digest => {
            keep_certificate(judge, id, facts);
            After::Kept(facts.digest)
        }
        Some(here) => {
            let reason = Reason::InputChanged {
                field: "certificate",
                old: here.digest.to_string(),
                new: facts.digest.to_string(),
            };
            judge.step(id, Action::Render, vec![reason])
        }
        None => judge.step(id, Action::Render, vec![Reason::New]),
    }
}

fn keep_certificate(judge: &mut Judge<'_>, id: DerivationId, facts: &CertificateFacts) {
    if !judge.key_can_be_had(id) {
        judge.plan.absent.push(id);
    }
    let expected = certificate_entry(judge, id, facts);
    judge.keep_or_repair(id, expected);
}

/// The lock's line for a certificate that stays.
pub(super) fn certificate_entry(
    judge: &Judge<'_>,
    id: DerivationId,
    facts: &CertificateFacts,
) -> Entry {
    let derivation = judge.world.graph.get(id);
    Entry::of_certificate(derivation.hash, derivation.recipe.revision(), facts)
}

fn wants_another_key(
    recipe: &Recipe,
    facts: &CertificateFacts,
    entry: Option<&Entry>,
) -> Option<String> {
    let Issuance::SelfSigned { subject, key, explicit_key, .. } = &recipe.issuance else {
        return None;
    };
    if !facts.is_self_issued() {
        return Some(format!(
            "the CA on record was brought, {} issued it; name it with `certificate`",
            facts.issuer
        ));
    }
    if !facts.subject.says_the_same(subject) {
        return Some(format!(
            "the description names the subject {subject}, the CA on record is {}",
            facts.subject
        ));
    }
    if *explicit_key && facts.public_key.algorithm() != Some(key.value) {
        return Some(format!(
            "the description asks for {}, the key on record is {}",
            key.value,
            facts.public_key.kind()
        ));
    }
    raised(recipe, entry)
}

/// A CA renews when what is left is less than its longest leaf needs, but never before half of its own
/// life: else a CA shorter than its leaves would renew for ever.
fn renewal_window(judge: &Judge<'_>, id: DerivationId, validity: Span) -> Span {
    let longest = judge.longest.get(&id).copied().unwrap_or_default();
    longest.window(validity)
}
