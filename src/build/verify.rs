//! Checks a certificate against its issuer: by the rules of those who will read it, and with another
//! implementation than the one that made it.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::BuildError;
use crate::facts::certificate::CertificateFacts;
use crate::facts::{ExtendedKeyUsage, der};
use crate::holdings::Certificate;
use crate::path::{Reader, validate};
use crate::spec::Usage;
use crate::time::Timestamp;

/// Does `issuer` vouch for `certificate` in this use at this time? `None` is for a CA: only names, dates and
/// signature are checked, since webpki takes no CA as the end of a chain.
///
/// # Errors
///
/// [`BuildError::Authority`] where the issuer itself stands in the way: what it may sign is not for kpki to
/// say.
pub fn verify(
    certificate: &[u8],
    issuer: &[u8],
    usage: Option<Usage>,
    at: Timestamp,
) -> Result<(), BuildError> {
    let Some(usage) = usage else {
        return verify_authority(certificate, issuer, at);
    };
    verify_as_kubernetes(certificate, issuer, usage, at)?;
    verify_with_webpki(certificate, issuer, usage, at)
}

fn verify_as_kubernetes(
    certificate: &[u8],
    issuer: &[u8],
    usage: Usage,
    at: Timestamp,
) -> Result<(), BuildError> {
    let read = |der| Certificate::from_der(der).map_err(|error| BuildError::verify(error.0));
    let (leaf, anchor) = (read(certificate)?, read(issuer)?);
    // A clock that is behind the CA's first day is for plan to see.
    let at = at.max(anchor.facts.not_before);
    for (wanted, usage) in
        [(usage.server(), ExtendedKeyUsage::Server), (usage.client(), ExtendedKeyUsage::Client)]
    {
        if !wanted {
            continue;
        }
        let reader =
            Reader { anchors: &[&anchor], intermediates: &[], usage: Some(&usage), name: None, at };
        validate(&leaf, &reader).map_err(|refusal| {
            if refusal.certificate.der == anchor.der {
                BuildError::Authority(refusal.to_string())
            } else {
                BuildError::verify(refusal.to_string())
            }
        })?;
    }
    Ok(())
}

/// It ignores the dates, the usages and the extensions of a trust anchor.
fn verify_with_webpki(
    certificate: &[u8],
    issuer: &[u8],
    usage: Usage,
    at: Timestamp,
) -> Result<(), BuildError> {
    let issuer = CertificateDer::from(issuer);
    let anchor = anchor_from_trusted_cert(&issuer).map_err(|error| failure(&error))?;
    let certificate = CertificateDer::from(certificate);
    let leaf = EndEntityCert::try_from(&certificate).map_err(|error| failure(&error))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(at.unix().unsigned_abs()));
    for (wanted, purpose) in
        [(usage.server(), KeyUsage::server_auth()), (usage.client(), KeyUsage::client_auth())]
    {
        if wanted {
            leaf.verify_for_usage(
                ALL_VERIFICATION_ALGS,
                std::slice::from_ref(&anchor),
                &[],
                now,
                purpose,
                None,
                None,
            )
            .map_err(|error| failure(&error))?;
        }
    }
    Ok(())
}

fn verify_authority(certificate: &[u8], issuer: &[u8], at: Timestamp) -> Result<(), BuildError> {
    let read = |der| CertificateFacts::from_der(der).map_err(|error| BuildError::verify(error.0));
    let (facts, issuer_facts) = (read(certificate)?, read(issuer)?);
    if !facts.is_ca || !issuer_facts.is_ca {
        return Err(BuildError::verify("it is not a CA certificate"));
    }
    if facts.issuer != issuer_facts.subject {
        return Err(BuildError::verify("it was issued under another name"));
    }
    if !(facts.not_before..=facts.not_after).contains(&at) {
        return Err(BuildError::verify(format!(
            "it is valid from {} to {}, not at {at}",
            facts.not_before, facts.not_after
        )));
    }
    let signature_fails = || BuildError::verify("its signature is not of that issuer's key");
    let (tbs, signature) = signed_parts(certificate).ok_or_else(signature_fails)?;
    let issuer = CertificateDer::from(issuer);
    let issuer = EndEntityCert::try_from(&issuer).map_err(|error| failure(&error))?;
    ALL_VERIFICATION_ALGS
        .iter()
        .any(|algorithm| issuer.verify_signature(*algorithm, tbs, signature).is_ok())
        .then_some(())
        .ok_or_else(signature_fails)
}

/// The signed bytes and the signature over them.
fn signed_parts(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tbs, rest) = der::split(der::only(der::SEQUENCE, certificate)?)?;
    let (_algorithm, rest) = der::split(rest)?;
    match der::only(der::BIT_STRING, rest)? {
        [0, signature @ ..] => Some((tbs.whole, signature)),
        _ => None,
    }
}

fn failure(error: &webpki::Error) -> BuildError {
    BuildError::verify(error.to_string())
}
