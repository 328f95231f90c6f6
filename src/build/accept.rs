//! Checks a certificate that somebody else signed against the request that it should answer.

use super::BuildError;
use super::verify::verify;
use crate::facts::{CertificateFacts, certificates_in_pem};
use crate::graph::{ClusterSigned, DerivationId, Recipe};
use crate::plan::{BACKDATE, World, is_answered, refusal};
use crate::spec::Usage;
use crate::time::{Span, Timestamp};

/// A certificate that will do.
pub struct Checked {
    pub facts: CertificateFacts,
    pub notes: Vec<String>,
    /// The very one that was accepted before.
    pub is_here_already: bool,
}

/// The leaf in DER, and how many CA certificates stand behind it. A signer may send its chain along; the leaf
/// must be signed by the cluster CA itself, so nobody needs it.
pub fn one_certificate(bytes: &[u8]) -> Result<(Vec<u8>, usize), String> {
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty; is the request approved and signed yet (kubectl get csr)?".into());
    }
    // DER starts with a SEQUENCE.
    if bytes.first() == Some(&0x30) {
        return Ok((bytes.to_vec(), 0));
    }
    // Base64 of `-----BEGIN`: what the API has in status.certificate.
    if bytes.trim_ascii().starts_with(b"LS0tLS1CRUdJTi") {
        return Err("it is base64 of the certificate; decode it first: base64 -d".into());
    }
    let mut all = certificates_in_pem(bytes).map_err(|error| format!("it {error}"))?.into_iter();
    let leaf = all.next().ok_or("it holds no certificate")?;
    let mut others = 0;
    for other in all {
        let facts = CertificateFacts::from_der(&other).map_err(|error| format!("it {error}"))?;
        if !facts.is_ca {
            return Err("it holds several certificates; keep the one that was signed".into());
        }
        others += 1;
    }
    Ok((leaf, others))
}

/// The error reads after `is not accepted for users/jane: `.
pub fn check(
    world: World<'_>,
    id: DerivationId,
    accepted: &ClusterSigned,
    der: &[u8],
    now: Timestamp,
) -> Result<Checked, String> {
    let facts = CertificateFacts::from_der(der).map_err(|error| format!("it {error}"))?;
    let Recipe::Request(request) = &world.graph.get(accepted.request).recipe else {
        return Err("it answers no request".into());
    };
    let asked = world
        .survey
        .public_part(accepted.request)
        .public_key()
        .ok_or("no request of it was made yet: kpki apply first")?;
    if *asked != facts.public_key {
        return Err("it is for another key than that of the request".into());
    }
    if let Some(why) = refusal(request, &facts) {
        return Err(why);
    }
    let name = &world.graph.get(accepted.issuer).name;
    let issuer = world.survey.public_part(accepted.issuer);
    let issuer = issuer.der().ok_or_else(|| format!("the certificate of {name} is not here"))?;
    if now >= facts.not_after {
        return Err(format!("it expired on {}", facts.not_after.date()));
    }
    if now < facts.not_before {
        return Err(format!("it is not valid before {}: is the clock right?", facts.not_before));
    }
    verify(der, issuer, Some(Usage::Client), now).map_err(|error| match error {
        BuildError::Authority(why) => format!("Kubernetes refuses it because of {name}: {why}"),
        error => format!("it is not a client certificate signed by {name} ({error})"),
    })?;
    let here = world.survey.public_part(id).certificate();
    let answered = is_answered(world, id, accepted);
    let is_the_same = here.is_some_and(|here| here.digest == facts.digest);
    if is_the_same && !answered && world.lock.entries.contains_key(&world.graph.get(id).name) {
        return Err("it is the one that is here already, which the waiting request replaces".into());
    }
    if here.is_some_and(|here| {
        let is_valid = here.not_before <= now;
        is_valid && facts.not_before < here.not_before && here.public_key == facts.public_key
    }) {
        return Err("it is older than the one that is here".into());
    }
    Ok(Checked {
        notes: notes(&facts, request.policy.validity.value),
        facts,
        is_here_already: is_the_same && answered,
    })
}

fn notes(facts: &CertificateFacts, asked: Span) -> Vec<String> {
    let life = facts.not_after.since(facts.not_before);
    if life.plus(BACKDATE) >= asked {
        return Vec::new();
    }
    vec![format!(
        "asked for {asked}, signed for {}: the controller-manager's --cluster-signing-duration, or its CA's end",
        life.in_words()
    )]
}
