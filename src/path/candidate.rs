//! Whether one certificate may stand above another (`CheckSignatureFrom`, `isValid`, `findPotentialParents`
//! of crypto/x509).

use super::reason::Reason;
use crate::facts::extension::ALTERNATIVE_NAMES;
use crate::facts::{CertificateFacts, SignatureCheck, check_signature};
use crate::holdings::Certificate;
use crate::time::Timestamp;

/// What makes a certificate useless in any place of a path.
pub(super) fn judge_itself(one: &Certificate, at: Timestamp) -> Result<(), Reason> {
    let facts = &one.facts;
    if let Some(extension) = facts.unhandled_critical_extension() {
        return Err(Reason::critical(extension));
    }
    if at < facts.not_before {
        return Err(Reason::NotYetValid { from: facts.not_before });
    }
    // The last second counts.
    if at > facts.not_after {
        return Err(Reason::Expired { until: facts.not_after });
    }
    Ok(())
}

pub(super) fn is_in(one: &Certificate, pool: &[&Certificate]) -> bool {
    pool.iter().any(|known| known.der == one.der)
}

/// Those of the issuer's name, byte for byte, each once; the ones whose key identifier fits first, since the
/// number of tries is limited.
pub(super) fn candidates<'a>(
    child: &Certificate,
    pool: &[&'a Certificate],
) -> Vec<&'a Certificate> {
    let mut found: Vec<&Certificate> = Vec::new();
    for one in pool.iter().filter(|one| one.facts.subject.der() == child.facts.issuer.der()) {
        if !is_in(one, &found) {
            found.push(one);
        }
    }
    let named = child.facts.authority_key_id.as_deref().unwrap_or_default();
    found.sort_by_key(|one| {
        let own = one.facts.subject_key_id.as_deref().unwrap_or_default();
        match (own == named, own.is_empty() || named.is_empty()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    });
    found
}

/// `None`: it is not the one that signed. An error: it is, and must not have, or does not count.
pub(super) fn judge<'a>(
    path: &[&'a Certificate],
    candidate: &'a Certificate,
    is_anchor: bool,
    at: Timestamp,
) -> Result<Option<()>, (Reason, &'a Certificate)> {
    let Some(child) = path.last().copied() else { return Ok(None) };
    let facts = &candidate.facts;
    if is_known(facts, path) {
        return Ok(None);
    }
    let (algorithm, key) = (child.facts.signature_algorithm.clone(), facts.public_key.kind());
    match check_signature(&child.der, &facts.public_key) {
        SignatureCheck::Fits => {}
        SignatureCheck::DoesNotFit | SignatureCheck::OtherKindOfKey => return Ok(None),
        SignatureCheck::Weak => return Err((Reason::WeakSignature { algorithm }, child)),
        SignatureCheck::UnknownAlgorithm => {
            return Err((Reason::UnknownSignature { algorithm, key }, child));
        }
        SignatureCheck::UnusableKey => return Err((Reason::UnusableKey { key }, child)),
        SignatureCheck::Unchecked => {
            return Err((Reason::UncheckedSignature { algorithm, key }, child));
        }
    }
    may_sign(facts, is_anchor).map_err(|reason| (reason, candidate))?;
    judge_itself(candidate, at).map_err(|reason| (reason, candidate))?;
    // The leaf is none of those that a path length counts; a self-issued CA is one.
    let below = path.len() - 1;
    match facts.path_len {
        Some(limit) if usize::try_from(limit).is_ok_and(|limit| below > limit) => {
            Err((Reason::PathTooLong { limit, below }, candidate))
        }
        _ => Ok(Some(())),
    }
}

/// Only version 3 can say that it is a CA; an anchor of an older one is taken at its place's word.
fn may_sign(facts: &CertificateFacts, is_anchor: bool) -> Result<(), Reason> {
    let states_constraints = facts.states_basic_constraints();
    let is_old_anchor = is_anchor && facts.version < 3 && !states_constraints;
    if !facts.is_ca && !is_old_anchor {
        return Err(Reason::NotACa { states_constraints });
    }
    if !facts.allows_cert_sign() {
        return Err(Reason::NoCertSign);
    }
    Ok(())
}

/// Whether the same CA stands in the path already: cross-signed CAs could go round for ever.
fn is_known(facts: &CertificateFacts, path: &[&Certificate]) -> bool {
    let names = |facts: &CertificateFacts| {
        facts.extension(ALTERNATIVE_NAMES).map(|names| names.value.clone())
    };
    let own = names(facts);
    for one in path {
        let is_the_same = one.facts.subject.der() == facts.subject.der()
            && one.facts.public_key == facts.public_key;
        if is_the_same {
            match (&own, names(&one.facts)) {
                (Some(own), Some(other)) if *own != other => {}
                (Some(_), Some(_)) | (None, None) => return true,
                // Where one has SANs and the other has none, Go looks no further.
                _ => return false,
            }
        }
    }
    false
}
