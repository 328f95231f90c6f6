//! A CA certificate that the user brings, judged once when it is read.

use std::sync::Arc;

use super::files::below;
use super::problem::quoted;
use crate::algorithm::KeyAlgorithm;
use crate::facts::{CertificateFacts, certificates_in_pem};
use crate::sources::Sources;
use crate::spec::BroughtCa;

const LIMIT: usize = 64 * 1024;

type Refusal = (String, &'static str);

/// The CA, and the kind of its key.
pub fn read(
    path: &str,
    folder: &str,
    sources: &Sources,
) -> Result<(BroughtCa, KeyAlgorithm), Refusal> {
    let full = below(folder, path).ok_or_else(|| {
        (
            format!("{} leads out of the description's folder", quoted(path)),
            "copy the certificate beside the description and name it from there",
        )
    })?;
    let bytes = sources
        .read(&full, LIMIT)
        .map_err(|error| (error.to_string(), "a brought CA is one certificate in PEM form"))?;
    let der = only_certificate(&bytes, &full)?;
    let (facts, key) = facts(&der, &full)?;
    Ok((BroughtCa { path: Arc::from(full.as_str()), der, facts }, key))
}

fn only_certificate(bytes: &[u8], path: &str) -> Result<Vec<u8>, Refusal> {
    let pem = || {
        (
            format!("{path} is not one certificate in PEM form"),
            "it starts with -----BEGIN CERTIFICATE-----; convert DER with `openssl x509 -inform DER`",
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|_| pem())?;
    // Looked for before parsing, and never shown: the file is about to be committed.
    if text.contains("PRIVATE KEY") {
        return Err((
            format!("{path} holds a private key"),
            "only the certificate belongs there; a key that was committed or shared must be replaced",
        ));
    }
    let mut certificates = certificates_in_pem(bytes).map_err(|_| pem())?;
    match (certificates.pop(), certificates.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), others) => Err((
            format!("{path} holds {} certificates instead of one", others + 1),
            "keep the CA's own certificate only; the chain above it is not needed",
        )),
        (None, _) => Err(pem()),
    }
}

fn facts(der: &[u8], path: &str) -> Result<(CertificateFacts, KeyAlgorithm), Refusal> {
    let facts = CertificateFacts::from_der(der)
        .map_err(|error| (format!("{path} {error}"), "it may be damaged or cut; copy it again"))?;
    if !facts.is_ca {
        return Err((
            format!("{path} is not a CA certificate"),
            "its basicConstraints must say CA:TRUE (RFC 5280 4.2.1.9)",
        ));
    }
    if !facts.can_sign_certificates() {
        return Err((
            format!("{path} may not sign certificates"),
            "its keyUsage must hold keyCertSign (RFC 5280 4.2.1.3)",
        ));
    }
    // kubeadm and kube-controller-manager sign with RSA and ECDSA only.
    let key = facts
        .public_key
        .algorithm()
        .filter(|key| *key != KeyAlgorithm::Ed25519)
        .ok_or_else(|| {
            let kind = facts.public_key.kind();
            (
                format!("{path} has a key that kpki cannot sign with: {kind}"),
                "use RSA with 2048, 3072 or 4096 bits (exponent 65537), or ECDSA with P-256 or P-384",
            )
        })?;
    Ok((facts, key))
}
