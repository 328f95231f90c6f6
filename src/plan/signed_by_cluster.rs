//! Certificates that the cluster signs: what a request asks for, and which certificate answers it.

use super::World;
use super::validity::BACKDATE;
use crate::content::signing_request;
use crate::facts::{CertificateFacts, DistinguishedName, ExtendedKeyUsage, PublicKey};
use crate::graph::{ClusterSigned, DerivationId, Recipe, Rendered, Request};
use crate::hash::Digest;
use crate::manifest;
use crate::spec::Policy;
use crate::time::Timestamp;

/// The object around a request as it is on disk.
pub fn signing_request_on_disk(
    world: World<'_>,
    request: DerivationId,
) -> Option<manifest::SigningRequest<'_>> {
    let public_part = world.survey.public_part(request);
    match &world.graph.get(world.graph.manifest_of(request)?).recipe {
        Recipe::Rendered(Rendered::SigningRequest(recipe)) => {
            Some(signing_request(recipe, public_part.input()?))
        }
        _ => None,
    }
}

/// What the certificate must answer.
pub fn request_id(world: World<'_>, request: DerivationId) -> Option<Digest> {
    signing_request_on_disk(world, request).map(|manifest| manifest.id())
}

/// The key that a request is made over: its own, or before it is first made that of the certificate which was
/// signed here.
pub fn key_on_record(world: World<'_>, id: DerivationId) -> Option<&PublicKey> {
    let own = world.survey.public_part(id).public_key();
    let first = !world.lock.entries.contains_key(&world.graph.get(id).name);
    own.or_else(|| {
        let answer = world.graph.answer_to(id).filter(|_| first)?;
        world.survey.public_part(answer).public_key()
    })
}

/// Issued by this CA; an authority key identifier need not be there.
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
pub fn is_answered(world: World<'_>, answer: DerivationId, signed: &ClusterSigned) -> bool {
    let (Some(facts), Some(id)) =
        (world.survey.public_part(answer).certificate(), request_id(world, signed.request))
    else {
        return false;
    };
    match world.lock.entries.get(&world.graph.get(answer).name) {
        Some(entry) => entry.request == Some(id) && entry.certificate == Some(facts.digest),
        None => seems_answered(world, signed, facts),
    }
}

/// Without a line in the lock: a certificate that satisfies the wish counts. One that is due might have been
/// renewed already, so its request rather waits than is made a second time.
fn seems_answered(world: World<'_>, signed: &ClusterSigned, facts: &CertificateFacts) -> bool {
    let Recipe::Request(request) = &world.graph.get(signed.request).recipe else {
        return false;
    };
    let issuer = world.survey.public_part(signed.issuer).certificate();
    let last = issuer.map_or(facts.not_after, |issuer| issuer.not_after);
    let end = world.now.plus(request.policy.validity.value).min(last);
    refusal(request, facts).is_none()
        && world.survey.public_part(signed.request).public_key() == Some(&facts.public_key)
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
