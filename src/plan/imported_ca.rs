//! Judging a certificate authority that the user brings: it is only checked.

use std::rc::Rc;

use super::ca::renewal_window;
use super::ca_traces::empty_key;
use super::context::{After, PlanContext};
use super::issuer::{IssuerAfter, IssuerKey};
use super::{Action, Note, Reason};
use crate::content::certificate_entry;
use crate::graph::{DerivationId, ImportedCa};
use crate::spec::CaName;

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, ca: &ImportedCa) -> After {
    let world = context.world;
    let facts = &ca.brought.facts;
    if let Some(empty) = empty_key(context, id) {
        return context.block(id, None, empty);
    }
    let here = world.survey.public_part(id).certificate();
    let known = context.entry(id).and_then(|entry| entry.public_key);
    let is_another = [known, here.map(|facts| facts.public_key.digest())]
        .into_iter()
        .flatten()
        .any(|key| key != facts.public_key.digest());
    if is_another && !context.intent.allows_replacing(&world.graph.get(id).name) {
        let why = format!("{} holds another key than the CA on record", ca.brought.path);
        return context.block_replacement(id, why);
    }
    if let Some(why) = ended(context, ca) {
        return context.block(id, None, why);
    }
    let window = renewal_window(context, id, facts.not_after.since(facts.not_before));
    if world.now >= facts.not_after.minus(window) {
        context.plan.notes.push(Note::BroughtExpiring { derivation: id, until: facts.not_after });
    }
    for one in ca.brought.above.iter().filter(|_| ca.ca == CaName::Kubernetes) {
        let (subject, until) = (one.facts.subject.to_string(), one.facts.not_after);
        if world.now >= until.minus(window) {
            context.plan.notes.push(Note::ChainExpiring { derivation: id, subject, until });
        }
    }
    let issuer = IssuerAfter {
        subject: facts.subject.clone(),
        key: if is_another { IssuerKey::New } else { IssuerKey::Identified(facts.key_id()) },
        not_after: facts.not_after,
    };
    context.issuers.insert(id, Rc::new(issuer));
    let reason = match here {
        Some(here) if here.digest == facts.digest => {
            context.keep_minted(id, certificate_entry(world.graph.get(id), facts));
            return After::Kept(facts.digest);
        }
        Some(here) => {
            Reason::changed("certificate", here.digest.to_string(), facts.digest.to_string())
        }
        None => Reason::New,
    };
    context.step(id, Action::Render, vec![reason])
}

/// Whoever reads what it signs refuses it now. A written start of all validities is no clock.
fn ended(context: &PlanContext<'_>, ca: &ImportedCa) -> Option<String> {
    let (facts, now) = (&ca.brought.facts, context.world.now);
    let why = if now > facts.not_after {
        format!("expired on {}", facts.not_after)
    } else if now < facts.not_before && context.world.graph.not_before().is_none() {
        format!("is not valid before {}", facts.not_before)
    } else {
        return None;
    };
    let path = &ca.brought.path;
    Some(format!("{path} {why}: bring a certificate over the same key that is valid now"))
}
