//! What a PKCS#10 certification request asks for (RFC 2986).

use std::collections::BTreeSet;

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::FactsError;
use super::distinguished_name::DistinguishedName;
use super::pem::{self, MAX_CERTIFICATE};
use super::public_key::PublicKey;
use super::sans::Sans;
use crate::hash::Digest;
use crate::name::San;

/// A request is a wish of whoever wrote it: nothing in it is granted by being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    pub subject: DistinguishedName,
    pub public_key: PublicKey,
    pub sans: BTreeSet<San>,
    pub other_sans: Vec<String>,
    /// Asks to become a CA.
    pub asks_for_ca: bool,
    /// Asks for any extension, SANs among them.
    pub asks_for_extensions: bool,
    /// Signed by the key that it names: proof that the requester holds it.
    pub is_signature_valid: bool,
    pub digest: Digest,
}

impl RequestFacts {
    pub fn from_pem(text: &[u8]) -> Result<Self, FactsError> {
        Self::from_der(&request_in_pem(text)?)
    }

    pub fn from_der(der: &[u8]) -> Result<Self, FactsError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(FactsError::new("holds a request larger than 64 KiB"));
        }
        let parsed = match X509CertificationRequest::from_der(der) {
            Ok(([], parsed)) => parsed,
            Ok(_) => return Err(FactsError::new("holds bytes after its request")),
            Err(_) => return Err(FactsError::new("holds a malformed certificate request")),
        };
        let info = &parsed.certification_request_info;
        let mut sans = Sans::default();
        let (mut asks_for_ca, mut asks_for_extensions) = (false, false);
        for extension in parsed.requested_extensions().into_iter().flatten() {
            asks_for_extensions = true;
            match extension {
                ParsedExtension::SubjectAlternativeName(names) => {
                    names.general_names.iter().for_each(|name| sans.add(name));
                }
                ParsedExtension::BasicConstraints(constraints) => asks_for_ca |= constraints.ca,
                ParsedExtension::ParseError { .. } => {
                    return Err(FactsError::new("asks for a malformed extension"));
                }
                _ => {}
            }
        }
        Ok(RequestFacts {
            subject: DistinguishedName::of_parsed(&info.subject),
            public_key: PublicKey::from_spki_der(info.subject_pki.raw)?,
            sans: sans.sans,
            other_sans: sans.other,
            asks_for_ca,
            asks_for_extensions,
            is_signature_valid: parsed.verify_signature().is_ok(),
            digest: Digest::of(der),
        })
    }
}

/// The one request of a file, in DER, not parsed yet.
pub fn request_in_pem(text: &[u8]) -> Result<Vec<u8>, FactsError> {
    let mut blocks = pem::blocks(text)?;
    match blocks.as_mut_slice() {
        [block] if is_request(&block.label) => Ok(std::mem::take(&mut *block.der)),
        [block] if block.label.ends_with("PRIVATE KEY") => Err(FactsError::new(
            "holds a private key where a certificate request belongs",
        )),
        [] => Err(FactsError::new("holds no PEM block")),
        _ => Err(FactsError::new(
            "holds something other than one CERTIFICATE REQUEST block",
        )),
    }
}

pub fn request_pem(der: &[u8]) -> String {
    pem::encode("CERTIFICATE REQUEST", der)
}

/// Old tools write the second (RFC 7468 7).
fn is_request(label: &str) -> bool {
    label == "CERTIFICATE REQUEST" || label == "NEW CERTIFICATE REQUEST"
}
