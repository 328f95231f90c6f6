//! A CA certificate that the user brings, alone or with those above it, judged once when it is read.

use std::sync::Arc;

use super::chain::{self, Link, Refusal};
use super::files::below;
use super::problem::quoted;
use crate::algorithm::KeyAlgorithm;
use crate::facts::{CertificateFacts, KeyUsage, certificates_in_pem};
use crate::sources::Sources;
use crate::spec::{BroughtCa, ChainCertificate};

const LIMIT: usize = 64 * 1024;

pub struct Brought {
    pub ca: BroughtCa,
    /// The kind of its key.
    pub key: KeyAlgorithm,
    /// What works, and somebody should know.
    pub remarks: Vec<String>,
}

pub fn read(path: &str, folder: &str, sources: &Sources) -> Result<Brought, Vec<Refusal>> {
    let full = below(folder, path).ok_or_else(|| {
        refused(
            format!("{} leads out of the description's folder", quoted(path)),
            "copy the certificate beside the description and name it from there",
        )
    })?;
    let bytes = sources.read(&full, LIMIT).map_err(|error| {
        refused(error.to_string(), "a brought CA is a certificate in PEM form, or a chain of them")
    })?;
    let links = links(&bytes, &full)?;
    let mut mistakes = Vec::new();
    let mut key = None;
    if let Some(first) = links.first() {
        match signer(&first.facts, &full) {
            Ok(algorithm) => key = Some(algorithm),
            Err(refusal) => mistakes.push(refusal),
        }
    }
    mistakes.extend(chain::mistakes(&full, &links));
    let mut links = links.into_iter();
    let (Some(key), Some(first), []) = (key, links.next(), mistakes.as_slice()) else {
        return Err(mistakes);
    };
    let above = links.map(|link| ChainCertificate { der: link.der, facts: link.facts });
    let ca = BroughtCa {
        path: Arc::from(full.as_str()),
        der: first.der,
        facts: first.facts,
        above: above.collect(),
    };
    Ok(Brought { key, remarks: remarks(&ca), ca })
}

fn refused(what: String, help: &str) -> Vec<Refusal> {
    vec![(what, help.to_owned())]
}

/// Every certificate of the file, with its place in it.
fn links(bytes: &[u8], path: &str) -> Result<Vec<Link>, Vec<Refusal>> {
    let pem = || {
        refused(
            format!("{path} is not a certificate in PEM form"),
            "it starts with -----BEGIN CERTIFICATE-----; convert DER with `openssl x509 -inform DER`",
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|_| pem())?;
    // Looked for before parsing, and never shown: the file is about to be committed.
    if text.contains("PRIVATE KEY") {
        return Err(refused(
            format!("{path} holds a private key"),
            "only certificates belong there; a key that was committed or shared must be replaced",
        ));
    }
    let certificates = certificates_in_pem(bytes).map_err(|_| pem())?;
    let only = certificates.len() == 1;
    let lines = text.lines().zip(1..).filter(|(line, _)| line.trim() == BEGIN);
    let mut lines = lines.map(|(_, number)| number);
    let mut links = Vec::new();
    let mut mistakes = Vec::new();
    for (der, number) in certificates.into_iter().zip(1..) {
        let place = match lines.next().filter(|_| !only) {
            None => path.to_owned(),
            Some(line) => format!("{path}:{line}: certificate {number}"),
        };
        match CertificateFacts::from_der(&der) {
            Ok(facts) => {
                let place = if only { place } else { format!("{place}, {},", facts.subject) };
                links.push(Link { der, facts, place });
            }
            Err(error) => {
                let help = "it may be damaged or cut; copy it again";
                mistakes.push((format!("{place} {error}"), help.to_owned()));
            }
        }
    }
    if mistakes.is_empty() { Ok(links) } else { Err(mistakes) }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// The kind of the key of the CA that signs.
fn signer(facts: &CertificateFacts, path: &str) -> Result<KeyAlgorithm, Refusal> {
    if !facts.is_ca {
        return Err((
            format!("{path} is not a CA certificate"),
            "its basicConstraints must say CA:TRUE (RFC 5280 4.2.1.9)".into(),
        ));
    }
    if !facts.allows_cert_sign() {
        return Err((
            format!("{path} may not sign certificates"),
            "its keyUsage must hold keyCertSign (RFC 5280 4.2.1.3)".into(),
        ));
    }
    // kubeadm and kube-controller-manager sign with RSA and ECDSA only.
    let key = facts.public_key.algorithm().filter(|key| *key != KeyAlgorithm::Ed25519);
    key.ok_or_else(|| {
        let kind = facts.public_key.kind();
        (
            format!("{path} has a key that kpki cannot sign with: {kind}"),
            "use RSA with 2048, 3072 or 4096 bits (exponent 65537), or ECDSA with P-256 or P-384"
                .into(),
        )
    })
}

fn remarks(ca: &BroughtCa) -> Vec<String> {
    let mut remarks = Vec::new();
    let (path, facts) = (&ca.path, &ca.facts);
    // RFC 5280 6.1.4 (n) lets it sign, and 4.2.1.3 demands the extension all the same.
    if facts.key_usage == KeyUsage::NONE {
        remarks.push(format!(
            "{path}: {} has no keyUsage; Kubernetes takes it, but a CA must have one with keyCertSign (RFC 5280 \
             4.2.1.3), and other programs may insist on it",
            facts.subject
        ));
    }
    remarks
}

/// The root is not in the file: what that means for whom.
pub fn without_root(ca: &BroughtCa) -> Option<String> {
    let last = ca.above.last().map_or(&ca.facts, |last| &last.facts);
    (!last.is_self_issued()).then(|| {
        format!(
            "{}: the certificate of {}, which issued {}, is not in it; Kubernetes takes the CA as it is, but \
             clients based on OpenSSL (Python, say) want a root: put the certificates above it into the file, the \
             root last",
            ca.path, last.issuer, last.subject
        )
    })
}
