//! Judging a certificate that the cluster signed: the answer to a request. It is imported, never built.

use super::context::{After, PlanContext};
use super::signed_by_cluster::{is_answered, key_on_record, request_id};
use super::{Action, Reason};
use crate::content::cluster_signed_entry;
use crate::facts::PublicKey;
use crate::graph::{ClusterSigned, DerivationId};
use crate::hash::Digest;

pub(super) fn judge(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    signed: &ClusterSigned,
) -> After {
    let world = context.world;
    let after_request = context.after(signed.request);
    let submitted = matches!(after_request, After::Kept(_))
        && !world.graph.manifest_of(signed.request).is_some_and(|id| context.has_step(id));
    let Some(facts) = world.survey.public_part(id).certificate() else {
        if submitted {
            context.plan.waiting.push(id);
        }
        context.keep_as_it_is(id);
        return After::Unavailable;
    };
    let made_anew = matches!(after_request, After::Rebuilt { .. });
    let answered = !made_anew && is_answered(world, id, signed);
    let expected = cluster_signed_entry(
        world.graph,
        id,
        answered.then(|| request_id(world, signed.request)).flatten(),
        facts,
    );
    // Nothing is built: the line is written along with whatever else changes.
    context.plan.kept.push((id, expected.clone()));
    match context.entry(id) {
        Some(entry) if made_anew || *entry == expected => {}
        None if made_anew => {}
        known => {
            let reason = if known.is_some() { Reason::LockOutdated } else { Reason::NotInLock };
            context.step(id, Action::Record, vec![reason]);
        }
    }
    if submitted && !answered {
        context.plan.waiting.push(id);
    }
    if key_after(context, signed.request) == Some(facts.public_key.digest()) {
        return After::Kept(facts.digest);
    }
    // Of an earlier key, which may be nowhere but in the old kubeconfig: both stay as they are.
    After::Unavailable
}

/// The key of a request once the plan is carried out; `None`: a new one, or none that is known.
fn key_after(context: &PlanContext<'_>, id: DerivationId) -> Option<Digest> {
    let world = context.world;
    if let Some(brought) = world.graph.brought_request(id) {
        return Some(brought.facts.public_key.digest());
    }
    if matches!(context.after(id), After::Rebuilt { new_key: true }) {
        return None;
    }
    let recorded = || context.entry(id).and_then(|entry| entry.public_key);
    key_on_record(world, id).map(PublicKey::digest).or_else(recorded)
}
