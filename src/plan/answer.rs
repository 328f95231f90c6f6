//! Judging a certificate that the cluster signed: the answer to a request. It is imported, never built.

use super::judge::{After, Judge};
use super::rendered::keep_as_it_is;
use super::request::{key_on_record, request_id};
use super::validity::BACKDATE;
use super::{Action, Reason, World};
use crate::facts::{CertificateFacts, DistinguishedName, ExtendedKeyUsage, PublicKey};
use crate::graph::{Accepted, DerivationId, Recipe, Request};
use crate::hash::Digest;
use crate::spec::Policy;
use crate::state::Entry;
use crate::time::Timestamp;

pub(super) fn judge(judge: &mut Judge<'_>, id: DerivationId, accepted: &Accepted) -> After {
    let world = judge.world;
    let after_request = judge.after(accepted.request).clone();
    let submitted = matches!(after_request, After::Kept(_))
        && !world.graph.manifest_of(accepted.request).is_some_and(|id| judge.has_step(id));
    let Some(facts) = world.survey.witness(id).certificate() else {
        if submitted {
            judge.plan.waiting.push(id);
        }
        keep_as_it_is(judge, id);
        return After::Unavailable;
    };
    let made_anew = matches!(after_request, After::Rebuilt { .. });
    let answered = !made_anew && is_answered(world, id, accepted);
    let expected = accepted_entry(
        world,
        id,
        answered.then(|| request_id(world, accepted.request)).flatten(),
        facts,
    );
    // Nothing is built: the line is written along with whatever else changes.
    judge.plan.kept.push((id, expected.clone()));
    match judge.entry(id) {
        Some(entry) if made_anew || *entry == expected => {}
        None if made_anew => {}
        known => {
            let reason = if known.is_some() { Reason::LockOutdated } else { Reason::NotInLock };
            judge.step(id, Action::Record, vec![reason]);
        }
    }
    if submitted && !answered {
        judge.plan.waiting.push(id);
    }
    if key_after(judge, accepted.request) == Some(facts.public_key.digest()) {
        return After::Kept(facts.digest);
    }
    // Of an earlier key, which may be nowhere but in the old kubeconfig: both stay as they are.
    After::Unavailable
}

/// The key of a request once the plan is carried out; `None`: a new one, or none that is known.
fn key_after(judge: &Judge<'_>, id: DerivationId) -> Option<Digest> {
    let world = judge.world;
    if let Some(brought) = world.graph.brought_request(id) {
        return Some(brought.facts.public_key.digest());
    }
    if matches!(judge.after(id), After::Rebuilt { new_key: true }) {
        return None;
    }
    let recorded = || judge.entry(id).and_then(|entry| entry.public_key);
    key_on_record(world, id).map(PublicKey::digest).or_else(recorded)
}

/// The line of an accepted certificate. Over a brought key it names the request, as a leaf's does.
pub fn accepted_entry(
    world: World<'_>,
    id: DerivationId,
    request: Option<Digest>,
    facts: &CertificateFacts,
) -> Entry {
    let derivation = world.graph.get(id);
    let brought = world.graph.brought_request(id);
    Entry {
        request,
        content: brought
            .filter(|brought| brought.facts.public_key == facts.public_key)
            .map(|brought| brought.facts.digest),
        ..Entry::of_certificate(derivation.hash, derivation.recipe.revision(), facts)
    }
}

/// Issued by this authority; an authority key identifier need not be there.
pub(super) fn is_of(facts: &CertificateFacts, subject: &DistinguishedName, key_id: &[u8]) -> bool {
    facts.issuer == *subject && facts.authority_key_id.as_deref().is_none_or(|id| id == key_id)
}

/// When an accepted certificate comes up for renewal. The controller-manager may have cut its life
/// (`--cluster-signing-duration`) below any `renew-before`, and it must not be due from its first day.
pub fn renew_from(facts: &CertificateFacts, policy: &Policy) -> Timestamp {
    let life = facts.not_after.since(facts.not_before);
    let wanted = policy.renew_before().value;
    let window = if life.plus(BACKDATE) < policy.validity.value {
        wanted.min(life.divided_by(3))
    } else {
        wanted
    };
    facts.not_after.minus(window)
}

/// Whether the certificate that is here is the answer to the request that is here.
pub fn is_answered(world: World<'_>, answer: DerivationId, accepted: &Accepted) -> bool {
    let (Some(facts), Some(id)) =
        (world.survey.witness(answer).certificate(), request_id(world, accepted.request))
    else {
        return false;
    };
    match world.lock.entries.get(&world.graph.get(answer).name) {
        Some(entry) => entry.request == Some(id) && entry.certificate == Some(facts.digest),
        None => seems_answered(world, accepted, facts),
    }
}

/// Without a line in the lock: a certificate that satisfies the wish counts. One that is due might have been
/// renewed already, so its request rather waits than is made a second time.
fn seems_answered(world: World<'_>, accepted: &Accepted, facts: &CertificateFacts) -> bool {
    let Recipe::Request(request) = &world.graph.get(accepted.request).recipe else {
        return false;
    };
    let issuer = world.survey.witness(accepted.issuer).certificate();
    let last = issuer.map_or(facts.not_after, |issuer| issuer.not_after);
    let end = world.now.plus(request.policy.validity.value).min(last);
    refusal(request, facts).is_none()
        && world.survey.witness(accepted.request).public_key() == Some(&facts.public_key)
        && facts.not_after.since(facts.not_before) <= request.policy.validity.value.plus(BACKDATE)
        && issuer.is_none_or(|issuer| is_of(facts, &issuer.subject, &issuer.key_id()))
        && (world.now < renew_from(facts, &request.policy) || end <= facts.not_after)
}

/// Why a certificate is not what the description asks for, whoever signed it. Kubernetes' signer writes the
/// subject anew (several organizations become one RDN), so names are compared as sets.
pub fn refusal(request: &Request, facts: &CertificateFacts) -> Option<String> {
    if let Some(more) = facts.subject.beyond_user_and_groups() {
        return Some(format!("it names {more}, which the request does not"));
    }
    let common_name = facts.subject.common_name().unwrap_or_default();
    if common_name != request.common_name.as_str() {
        return Some(format!(
            "its common name is {common_name:?}, the description's is {:?}",
            request.common_name.as_str()
        ));
    }
    let organizations = facts.subject.organizations();
    if organizations != request.organizations {
        return Some(format!(
            "its groups are {organizations:?}, the description's are {:?}",
            request.organizations
        ));
    }
    if facts.is_ca || !facts.extended_key_usage.contains(&ExtendedKeyUsage::Client) {
        return Some("it is not for client authentication".to_owned());
    }
    None
}
