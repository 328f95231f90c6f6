//! A CA certificate that the user brings, judged once when it is read.

use std::sync::Arc;

use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::public_key::PublicKey;

use super::files::below;
use super::problem::quoted;
use crate::algorithm::KeyAlgorithm;
use crate::name::CommonName;
use crate::sources::Sources;
use crate::spec::BroughtCa;
use crate::time::Span;

const LIMIT: usize = 64 * 1024;

/// What later checks need to know of a certificate.
pub struct Facts {
    /// The DER of the SubjectPublicKeyInfo: two certificates with the same one are the same CA.
    pub public_key: Vec<u8>,
    /// None if there is none that a description could say.
    pub common_name: Option<CommonName>,
    pub key: KeyAlgorithm,
    pub validity: Span,
}

type Refusal = (String, &'static str);

pub fn read(path: &str, folder: &str, sources: &Sources) -> Result<(BroughtCa, Facts), Refusal> {
    let full = below(folder, path).ok_or_else(|| {
        (
            format!("{} leads out of the description's folder", quoted(path)),
            "copy the certificate beside the description and name it from there",
        )
    })?;
    let bytes = sources.read(&full, LIMIT).map_err(|error| {
        (
            error.to_string(),
            "a brought CA is one certificate in PEM form",
        )
    })?;
    let der = only_certificate(&bytes, &full)?;
    let facts = facts(&der, &full)?;
    let brought = BroughtCa {
        path: Arc::from(full.as_str()),
        der,
    };
    Ok((brought, facts))
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
    let blocks = pem::parse_many(text).map_err(|_| pem())?;
    match blocks.as_slice() {
        [block] if block.tag() == "CERTIFICATE" => Ok(block.contents().to_vec()),
        [_, _, ..] => Err((
            format!(
                "{path} holds {} PEM blocks instead of one certificate",
                blocks.len()
            ),
            "keep the CA's own certificate only; the chain above it is not needed",
        )),
        _ => Err(pem()),
    }
}

fn facts(der: &[u8], path: &str) -> Result<Facts, Refusal> {
    let broken = || {
        (
            format!("{path} is not an X.509 certificate"),
            "it may be damaged or cut; copy it again",
        )
    };
    let (rest, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| broken())?;
    if !rest.is_empty() {
        return Err((
            format!("{path} has bytes behind its certificate"),
            "export the certificate again",
        ));
    }
    let is_ca = matches!(certificate.basic_constraints(), Ok(Some(basic)) if basic.value.ca);
    if !is_ca {
        return Err((
            format!("{path} is not a CA certificate"),
            "its basicConstraints must say CA:TRUE (RFC 5280 4.2.1.9)",
        ));
    }
    let signs = matches!(certificate.key_usage(), Ok(Some(usage)) if usage.value.key_cert_sign());
    if !signs {
        return Err((
            format!("{path} may not sign certificates"),
            "its keyUsage must hold keyCertSign (RFC 5280 4.2.1.3)",
        ));
    }
    let validity = certificate.validity();
    let seconds = validity
        .not_after
        .timestamp()
        .saturating_sub(validity.not_before.timestamp());
    let common_name = certificate.subject().iter_common_name().next();
    Ok(Facts {
        public_key: certificate.public_key().raw.to_vec(),
        common_name: common_name.and_then(|name| name.as_str().ok()?.parse().ok()),
        key: algorithm(&certificate).ok_or_else(|| {
            (
                format!("{path} has a key that kpki cannot sign with"),
                "use RSA with 2048, 3072 or 4096 bits, or ECDSA with P-256 or P-384",
            )
        })?,
        validity: Span::seconds(u64::try_from(seconds).unwrap_or(0)),
    })
}

/// None for kinds that kpki or the readers of a CA (kubeadm, kube-controller-manager) do not sign with.
fn algorithm(certificate: &X509Certificate<'_>) -> Option<KeyAlgorithm> {
    let info = certificate.public_key();
    let kind = &info.algorithm.algorithm;
    if *kind == OID_SIG_ED25519 {
        return None;
    }
    if *kind == OID_PKCS1_RSAENCRYPTION {
        let Ok(PublicKey::RSA(key)) = info.parsed() else {
            return None;
        };
        return match key.key_size() {
            2048 => Some(KeyAlgorithm::Rsa2048),
            3072 => Some(KeyAlgorithm::Rsa3072),
            4096 => Some(KeyAlgorithm::Rsa4096),
            _ => None,
        };
    }
    if *kind != OID_KEY_TYPE_EC_PUBLIC_KEY {
        return None;
    }
    let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    [
        (OID_EC_P256, KeyAlgorithm::EcdsaP256),
        (OID_NIST_EC_P384, KeyAlgorithm::EcdsaP384),
    ]
    .into_iter()
    .find(|(known, _)| *known == curve)
    .map(|(_, algorithm)| algorithm)
}
