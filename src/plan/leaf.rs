//! Judging a leaf: kept while the public facts of its certificate satisfy the wish.

use std::collections::BTreeSet;

use super::anchor::{RevisionChange, revision_changed};
use super::authority::IssuerKey;
use super::judge::{After, Judge};
use super::validity::{another_start, expiry, future, rounded, validity_matches};
use super::{Action, Allow, NamePattern, Note, Reason, Witness, World};
use crate::facts::{CertificateFacts, ExtendedKeyUsage};
use crate::graph::{DerivationId, Leaf};
use crate::spec::Usage;
use crate::state::Entry;

pub(super) fn judge(judge: &mut Judge<'_>, id: DerivationId, leaf: &Leaf) -> After {
    let world = judge.world;
    let name = &world.graph.get(id).name;
    let Some(issuer) = judge.issuers.get(&leaf.issuer).cloned() else {
        // The authority is blocked or mixed: nothing below it can be said.
        return match world.survey.witness(id).certificate() {
            Some(facts) => {
                let expected = judge.entry(id).cloned();
                if let Some(entry) = expected {
                    judge.plan.kept.push((id, entry));
                }
                After::Kept(facts.digest)
            }
            None => After::Unavailable,
        };
    };
    let entry = judge.entry(id);
    let key_is_here = judge.key_is_here(id);
    let brought = leaf.brought.as_ref();
    let start = judge.start();
    let wished_end = start.plus(leaf.policy.validity.value);
    let end = wished_end.min(issuer.not_after);
    let sign = |judge: &mut Judge<'_>, action, reasons| {
        if end <= start {
            return judge.block(id, None, "its CA has expired; bring a renewed CA certificate");
        }
        if end < wished_end {
            judge.plan.notes.push(Note::Clamped { derivation: id, until: end });
        }
        judge.step(id, action, reasons)
    };
    let lost = |judge: &mut Judge<'_>, why: String| {
        if judge.world.graph.is_key_derived(id) {
            let reasons = judge.all_missing(id);
            return sign(judge, Action::Create, reasons);
        }
        if judge.intent.allows_losing_key(name) {
            sign(judge, Action::Rekey, vec![Reason::ReplacementAllowed])
        } else {
            let allow = Allow::LostKey(NamePattern::Exact(name.clone()));
            judge.block(id, Some(allow), why)
        }
    };
    let revision = revision_changed(entry, &leaf.revision.to_string());
    let known = entry.is_some() || key_is_here || world.survey.witness(id).path().is_some();
    if judge.intent.rekeys(name) && known {
        let Some(brought) = brought else {
            return sign(judge, Action::Rekey, vec![Reason::RekeyRequested]);
        };
        let path = &brought.path;
        let why = format!("its key is the user's own; bring another {path}");
        return judge.block(id, None, why);
    }
    if let Some(renamed) = judge.renamed(id) {
        return sign(judge, Action::Rekey, vec![renamed]);
    }
    if judge.forced.contains(&id) {
        return sign(judge, Action::Rekey, vec![Reason::ReplacementAllowed]);
    }
    let (path, facts) = match (world.survey.witness(id), &revision) {
        (Witness::Certificate { path, facts, .. }, _) => (path, facts),
        (Witness::Missing, _) if brought.is_some() && entry.is_none() => {
            return sign(judge, Action::Create, vec![Reason::New]);
        }
        // Without the certificate, too, a raised revision is a new key.
        (_, Some(change)) if key_is_here && brought.is_none() => {
            let reason = new_revision(change);
            return sign(judge, Action::Rekey, vec![reason]);
        }
        (Witness::Unreadable { path, why }, _) if key_is_here || brought.is_some() => {
            let (path, why) = (path.clone(), why.clone());
            let reason = Reason::OutputUnreadable { path, why };
            return sign(judge, Action::Reissue, vec![reason]);
        }
        (Witness::Unreadable { path, why }, _) => {
            let why = format!("out/{path} {why}, and its key is not here");
            return lost(judge, why);
        }
        _ if key_is_here || brought.is_some() => {
            let (stale, _) = judge.stale_copies(id);
            let reasons = stale.into_iter().map(|(_, _, reason)| reason).collect();
            return sign(judge, Action::Reissue, reasons);
        }
        _ if entry.is_some() => {
            return lost(judge, "its certificate and its key are both gone".to_owned());
        }
        _ => return sign(judge, Action::Create, vec![Reason::New]),
    };
    let key_is_another = entry
        .and_then(|entry| entry.public_key)
        .is_some_and(|known| known != facts.public_key.digest());
    if key_is_another {
        return judge.mixed(id, path.clone());
    }
    let mut reasons = Vec::new();
    let needs_key = match brought {
        None => {
            another_key(leaf, facts, entry, &mut reasons);
            !reasons.is_empty()
        }
        Some(brought) => {
            if facts.public_key != brought.facts.public_key {
                reasons.push(Reason::InputChanged {
                    field: "key",
                    old: facts.public_key.digest().to_string(),
                    new: brought.facts.public_key.digest().to_string(),
                });
            }
            false
        }
    };
    let issuer_name = &world.graph.get(leaf.issuer).name;
    match &issuer.key {
        IssuerKey::New => reasons.push(Reason::DependencyRebuilt { name: issuer_name.clone() }),
        IssuerKey::Identified(key_id) => {
            if facts.issuer != issuer.subject || facts.authority_key_id.as_ref() != Some(key_id) {
                let reason = Reason::another_name("issuer", &facts.issuer, &issuer.subject);
                reasons.push(reason);
            } else if world.survey.is_unsigned(id) {
                reasons.push(Reason::OutputUnreadable {
                    path: path.clone(),
                    why: format!("is damaged: {issuer_name} did not sign it"),
                });
            }
        }
        IssuerKey::Unopened => {}
    }
    differences(leaf, facts, &mut reasons);
    let life = facts.not_after.since(facts.not_before);
    let wished = leaf.policy.validity.value;
    let clamped = life < wished && facts.not_after == issuer.not_after;
    reasons.extend(another_start(facts, leaf.not_before));
    reasons.extend(future(facts, leaf.not_before, world.now));
    if !validity_matches(life, wished, leaf.not_before.is_some()) && !clamped {
        reasons.push(Reason::InputChanged {
            field: "validity",
            old: rounded(life).to_string(),
            new: wished.to_string(),
        });
    } else if facts.not_after > issuer.not_after {
        reasons.push(Reason::InputChanged {
            field: "validity",
            old: facts.not_after.date(),
            new: format!("{} (its CA's end)", issuer.not_after.date()),
        });
    }
    let renew_from = facts.not_after.minus(leaf.policy.renew_before().value);
    if world.now >= renew_from && leaf.not_before.is_some() {
        judge.plan.ending.push(id);
    } else if world.now >= renew_from && end > facts.not_after {
        reasons.push(expiry(facts.not_after, world.now));
    }
    if judge.intent.renews(name) {
        reasons.push(Reason::RenewRequested);
    }
    if reasons.is_empty() {
        if brought.is_none() && !judge.key_can_be_had(id) {
            judge.plan.absent.push(id);
        }
        let expected = leaf_entry(world, id, leaf, facts);
        judge.keep_or_repair(id, expected);
        return After::Kept(facts.digest);
    }
    if needs_key {
        return sign(judge, Action::Rekey, reasons);
    }
    // A certificate needs the public key alone; a kubeconfig around it needs the private one.
    if brought.is_none() && !judge.key_can_be_had(id) && world.graph.kubeconfig_of(id).is_some() {
        let because = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return lost(
            judge,
            format!("it must be issued again ({because}), and its key is not here"),
        );
    }
    sign(judge, Action::Reissue, reasons)
}

fn new_revision(change: &RevisionChange) -> Reason {
    Reason::InputChanged {
        field: "revision",
        old: change.known.clone(),
        new: change.wanted.clone(),
    }
}

/// The lock's line. That of a certificate over a brought key names the request, too: the key is not kpki's.
pub fn leaf_entry(
    world: World<'_>,
    id: DerivationId,
    leaf: &Leaf,
    facts: &CertificateFacts,
) -> Entry {
    let derivation = world.graph.get(id);
    Entry {
        content: leaf.brought.as_ref().map(|brought| brought.facts.digest),
        ..Entry::of_certificate(derivation.hash, derivation.recipe.revision(), facts)
    }
}

/// Why the key on record will not do.
fn another_key(
    leaf: &Leaf,
    facts: &CertificateFacts,
    entry: Option<&Entry>,
    reasons: &mut Vec<Reason>,
) {
    if entry.is_some_and(|entry| entry.content.is_some()) {
        reasons.push(Reason::InputChanged {
            field: "request",
            old: "brought".into(),
            new: String::new(),
        });
    }
    let raised = revision_changed(entry, &leaf.revision.to_string());
    reasons.extend(raised.iter().map(new_revision));
    if facts.public_key.algorithm() != Some(leaf.policy.key.value) {
        reasons.push(Reason::InputChanged {
            field: "key",
            old: facts.public_key.kind().to_string(),
            new: leaf.policy.key.value.to_string(),
        });
    }
}

/// What the certificate says otherwise than the description wants.
fn differences(leaf: &Leaf, facts: &CertificateFacts, reasons: &mut Vec<Reason>) {
    if !facts.subject.says_the_same(&leaf.subject) {
        let reason = Reason::another_name("subject", &facts.subject, &leaf.subject);
        reasons.push(reason);
    }
    let wanted = extended_key_usage(leaf.usage);
    if facts.extended_key_usage != wanted || facts.is_ca {
        reasons.push(Reason::InputChanged {
            field: "usage",
            old: list(&facts.extended_key_usage),
            new: list(&wanted),
        });
    }
    let missing: BTreeSet<_> = leaf.sans.difference(&facts.sans).collect();
    let surplus: BTreeSet<_> = facts.sans.difference(&leaf.sans).collect();
    if !missing.is_empty() {
        reasons.push(Reason::InputChanged {
            field: "san",
            old: String::new(),
            new: list(&missing),
        });
    }
    if !surplus.is_empty() || !facts.other_sans.is_empty() {
        let mut old = list(&surplus);
        for other in &facts.other_sans {
            if !old.is_empty() {
                old.push_str(", ");
            }
            old.push_str(other);
        }
        reasons.push(Reason::InputChanged { field: "san", old, new: String::new() });
    }
}

pub(super) fn extended_key_usage(usage: Usage) -> BTreeSet<ExtendedKeyUsage> {
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
