//! What a PKCS#10 certification request asks for (RFC 2986).

use std::collections::BTreeSet;

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;

use super::alternative_names::general_names;
use super::distinguished_name::DistinguishedName;
use super::pem::{self, MAX_CERTIFICATE};
use super::public_key::PublicKey;
use super::sans::Sans;
use super::{FactsError, der, encoding};
use crate::hash::Digest;
use crate::name::San;

/// Which extensions a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedExtensions {
    None,
    /// One list, in which there is nothing but what the key is used for. Go reads the lists of several
    /// attributes (`parseCSRExtensions` of crypto/x509).
    Usages,
    /// SANs or any other.
    Others,
}

/// A request is a wish of whoever wrote it: nothing in it is granted by being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    pub subject: DistinguishedName,
    pub public_key: PublicKey,
    pub sans: BTreeSet<San>,
    pub other_sans: Vec<String>,
    /// Asks to become a CA.
    pub asks_for_ca: bool,
    pub extensions: AskedExtensions,
    /// What else it says beside its subject, by name or OID: `challengePassword`.
    pub other_attributes: Vec<String>,
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
        let malformed = || FactsError::new("holds a malformed certificate request");
        let parsed = match X509CertificationRequest::from_der(der) {
            Ok(([], parsed)) => Ok(parsed),
            Ok(_) => return Err(FactsError::new("holds bytes after its request")),
            Err(_) => Err(malformed()),
        };
        encoding::check(der).map_err(not_der)?;
        let parsed = parsed?;
        let info = &parsed.certification_request_info;
        let mut sans = Sans::default();
        let attributes = attributes(info.raw).ok_or_else(malformed)?;
        let lists: Vec<&[u8]> = (attributes.iter())
            .filter_map(|(oid, values)| (*oid == EXTENSION_REQUEST).then_some(*values))
            .collect();
        let is_one_list = match lists.as_slice() {
            [only] => der::split(only).is_some_and(|(_, rest)| rest.is_empty()),
            _ => false,
        };
        let mut says_more = false;
        let mut count = 0;
        let mut asks_for_ca = false;
        let requested =
            info.iter_attributes().find_map(|attribute| match attribute.parsed_attribute() {
                ParsedCriAttribute::ExtensionRequest(requested) => Some(&requested.extensions),
                _ => None,
            });
        for extension in requested.into_iter().flatten() {
            count += 1;
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(_) => {
                    says_more = true;
                    let names = general_names(extension.value).ok_or_else(malformed)?;
                    for name in names {
                        sans.add(name);
                    }
                }
                ParsedExtension::BasicConstraints(constraints) => asks_for_ca |= constraints.ca,
                ParsedExtension::ParseError { .. } => {
                    return Err(FactsError::new("asks for a malformed extension"));
                }
                ParsedExtension::KeyUsage(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::SubjectKeyIdentifier(_) => {}
                _ => says_more = true,
            }
        }
        let extensions = match lists.as_slice() {
            [] => AskedExtensions::None,
            _ if is_one_list && count > 0 && !says_more && !asks_for_ca => AskedExtensions::Usages,
            _ => AskedExtensions::Others,
        };
        Ok(RequestFacts {
            subject: DistinguishedName::from_der(info.subject.as_raw())?,
            public_key: PublicKey::from_spki_der(info.subject_pki.raw)?,
            sans: sans.sans,
            other_sans: sans.other,
            asks_for_ca,
            extensions,
            other_attributes: attributes
                .iter()
                .filter_map(|(oid, _)| other_attribute(oid))
                .collect(),
            is_signature_valid: parsed.verify_signature().is_ok(),
            digest: Digest::of(der),
        })
    }
}

// RFC 2985 5.4.
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
const CHALLENGE_PASSWORD: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07];

/// All attributes of a CertificationRequestInfo (RFC 2986 4.1), none passed over: each type with its values.
fn attributes(info: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let (version, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, info)?)?;
    let (_subject, rest) = der::expect(der::SEQUENCE, rest)?;
    let (_key, rest) = der::expect(der::SEQUENCE, rest)?;
    // Some writers leave out an empty set of them.
    let mut rest = match rest {
        [] => rest,
        rest => der::only(der::context(0), rest)?,
    };
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (attribute, after) = der::expect(der::SEQUENCE, rest)?;
        let (oid, values) = der::expect(der::OID, attribute)?;
        all.push((oid, der::only(der::SET, values)?));
        rest = after;
    }
    (version == [0]).then_some(all)
}

fn other_attribute(oid: &[u8]) -> Option<String> {
    match oid {
        EXTENSION_REQUEST => None,
        CHALLENGE_PASSWORD => Some("challengePassword".into()),
        other => Some(Oid::new(other.into()).to_string()),
    }
}

fn not_der(why: &'static str) -> FactsError {
    FactsError::new(format!(
        "holds a certificate request that is not DER, so Kubernetes does not read it: {why}"
    ))
}

/// The one request of a file, in DER, not parsed yet.
pub fn request_in_pem(text: &[u8]) -> Result<Vec<u8>, FactsError> {
    let mut blocks = pem::blocks(text)?;
    match blocks.as_mut_slice() {
        [block] if is_request(&block.label) => Ok(std::mem::take(&mut *block.der)),
        [block] if block.label.ends_with("PRIVATE KEY") => {
            Err(FactsError::new("holds a private key where a certificate request belongs"))
        }
        [] => Err(FactsError::new("holds no PEM block")),
        _ => Err(FactsError::new("holds something other than one CERTIFICATE REQUEST block")),
    }
}

pub fn request_pem(der: &[u8]) -> String {
    pem::encode("CERTIFICATE REQUEST", der)
}

/// Old tools write the second (RFC 7468 7).
fn is_request(label: &str) -> bool {
    label == "CERTIFICATE REQUEST" || label == "NEW CERTIFICATE REQUEST"
}
