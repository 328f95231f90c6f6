//! What a certificate says.

use std::collections::BTreeSet;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage as ParsedUsages, ParsedExtension};
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AlgorithmIdentifier, X509Version};

use super::distinguished_name::DistinguishedName;
use super::key_usage::{ExtendedKeyUsage, KeyUsage};
use super::pem::MAX_CERTIFICATE;
use super::public_key::PublicKey;
use super::sans::Sans;
use super::{FactsError, encoding};
use crate::hash::Digest;
use crate::name::San;
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    /// Big-endian, without leading zeros.
    pub serial: Vec<u8>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub public_key: PublicKey,
    pub is_ca: bool,
    pub path_len: Option<u32>,
    pub key_usage: KeyUsage,
    pub extended_key_usage: BTreeSet<ExtendedKeyUsage>,
    pub sans: BTreeSet<San>,
    /// Names that Kubernetes does not check, as text: `email:jane@example.com`.
    pub other_sans: Vec<String>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    /// Of the whole DER.
    pub digest: Digest,
    /// `ecdsa-with-SHA256`, or an OID in dots.
    pub signature_algorithm: String,
}

impl CertificateFacts {
    pub fn from_der(der: &[u8]) -> Result<Self, FactsError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(FactsError::new("holds a certificate larger than 64 KiB"));
        }
        let parsed = match X509Certificate::from_der(der) {
            Ok(([], parsed)) => Ok(parsed),
            Ok(_) => return Err(FactsError::new("holds bytes after its certificate")),
            Err(_) => Err(FactsError::new("holds a malformed certificate")),
        };
        encoding::check(der).map_err(not_der)?;
        let parsed = parsed?;
        // RFC 5280 4.1.2.2: a serial number is positive.
        if parsed.raw_serial().first().is_some_and(|byte| *byte >= 0x80) {
            return Err(FactsError::new(
                "holds a certificate with a negative serial number, so Kubernetes does not read it",
            ));
        }
        // RFC 5280 4.1.2.1. To Go an older certificate has no extensions, whatever stands there.
        let version = parsed.version();
        if version.0 > X509Version::V3.0
            || version != X509Version::V3 && !parsed.extensions().is_empty()
        {
            return Err(FactsError::new(
                "holds a certificate with extensions that is not of version 3, so Kubernetes does not read it",
            ));
        }
        // RFC 5280 4.1.1.2.
        if parsed.signature_algorithm != parsed.tbs_certificate.signature {
            return Err(FactsError::new(
                "holds a certificate that names two signature algorithms, so Kubernetes does not read it",
            ));
        }
        let mut facts = CertificateFacts {
            subject: DistinguishedName::from_der(parsed.subject().as_raw())?,
            issuer: DistinguishedName::from_der(parsed.issuer().as_raw())?,
            serial: without_zeros(parsed.raw_serial()),
            not_before: timestamp(&parsed.validity().not_before),
            not_after: timestamp(&parsed.validity().not_after),
            public_key: PublicKey::from_spki_der(parsed.public_key().raw)?,
            is_ca: false,
            path_len: None,
            key_usage: KeyUsage::NONE,
            extended_key_usage: BTreeSet::new(),
            sans: BTreeSet::new(),
            other_sans: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
            digest: Digest::of(der),
            signature_algorithm: signature_algorithm(&parsed.signature_algorithm),
        };
        facts.read_extensions(&parsed)?;
        Ok(facts)
    }

    /// The identifier that certificates issued by this one carry: its SKI, or without one the
    /// identifier of its key (RFC 5280 4.2.1.1).
    pub fn key_id(&self) -> Vec<u8> {
        self.subject_key_id.clone().unwrap_or_else(|| self.public_key.key_identifier().to_vec())
    }

    pub fn can_sign_certificates(&self) -> bool {
        self.is_ca && self.key_usage.contains(KeyUsage::KEY_CERT_SIGN)
    }

    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    fn read_extensions(&mut self, parsed: &X509Certificate<'_>) -> Result<(), FactsError> {
        let extensions = parsed.extensions();
        for (position, extension) in extensions.iter().enumerate() {
            // RFC 5280 4.2. Which of two counts is undefined, so readers could disagree about a name.
            if extensions.iter().take(position).any(|earlier| earlier.oid == extension.oid) {
                return Err(FactsError::new("holds a certificate with one extension twice"));
            }
            // Of one that nobody here knows the content is its writer's matter.
            if !extension.parsed_extension().unsupported() {
                encoding::check(extension.value).map_err(not_der)?;
            }
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => {
                    self.is_ca = constraints.ca;
                    self.path_len = constraints.path_len_constraint;
                }
                ParsedExtension::KeyUsage(usage) => {
                    self.key_usage = KeyUsage::from_bits(usage.flags);
                }
                ParsedExtension::ExtendedKeyUsage(usages) => {
                    self.extended_key_usage = extended_key_usages(usages);
                }
                ParsedExtension::SubjectAlternativeName(names) => {
                    let mut sans = Sans::default();
                    names.general_names.iter().for_each(|name| sans.add(name));
                    (self.sans, self.other_sans) = (sans.sans, sans.other);
                }
                ParsedExtension::SubjectKeyIdentifier(id) => {
                    self.subject_key_id = Some(id.0.to_vec());
                }
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                ParsedExtension::ParseError { .. } => {
                    return Err(FactsError::new(format!(
                        "holds a certificate with a malformed extension {}",
                        extension.oid
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn not_der(why: &'static str) -> FactsError {
    FactsError::new(format!(
        "holds a certificate that is not DER, so Kubernetes does not read it: {why}"
    ))
}

fn timestamp(time: &ASN1Time) -> Timestamp {
    Timestamp::from_unix(time.timestamp())
}

/// DER puts a zero before a first bit of one, which is no part of the number.
fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().skip_while(|b| *b == 0).collect()
}

fn extended_key_usages(usages: &ParsedUsages<'_>) -> BTreeSet<ExtendedKeyUsage> {
    let named = [
        (usages.server_auth, ExtendedKeyUsage::Server),
        (usages.client_auth, ExtendedKeyUsage::Client),
    ];
    // x509-parser turns these into flags; RFC 5280 4.2.1.12 has their numbers.
    let others = [
        (usages.any, "2.5.29.37.0"),
        (usages.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usages.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usages.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usages.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let other = |text: String| ExtendedKeyUsage::Other(text);
    named
        .into_iter()
        .filter_map(|(set, usage)| set.then_some(usage))
        .chain(others.into_iter().filter(|(set, _)| *set).map(|(_, oid)| other(oid.into())))
        .chain(usages.other.iter().map(|oid| other(oid.to_string())))
        .collect()
}

/// The names that OpenSSL prints.
pub(super) fn signature_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let oid: &Oid<'_> = algorithm.oid();
    match oid.as_bytes() {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] => "ecdsa-with-SHA256".into(),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => "ecdsa-with-SHA384".into(),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04] => "ecdsa-with-SHA512".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05] => "sha1WithRSAEncryption".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b] => "sha256WithRSAEncryption".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c] => "sha384WithRSAEncryption".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d] => "sha512WithRSAEncryption".into(),
        [0x2b, 0x65, 0x70] => "ED25519".into(),
        _ => oid.to_string(),
    }
}
