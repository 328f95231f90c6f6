//! What a certificate says.

use std::collections::BTreeSet;

use x509_parser::oid_registry::Oid;

use super::alternative_names::AlternativeNames;
use super::distinguished_name::DistinguishedName;
use super::extension::{BASIC_CONSTRAINTS, Extension};
use super::key_usage::{ExtendedKeyUsage, KeyUsage};
use super::name_constraints::NameConstraints;
use super::parts::Parts;
use super::pem::MAX_CERTIFICATE;
use super::policies::Policies;
use super::public_key::PublicKey;
use super::refused::Refused;
use super::{FactsError, der, encoding, extensions};
use crate::hash::Digest;
use crate::name::San;
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// 1, 2 or 3. Extensions are of version 3 alone.
    pub version: u32,
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    /// Big-endian, without leading zeros.
    pub serial: Vec<u8>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub public_key: PublicKey,
    pub is_ca: bool,
    pub path_len: Option<u32>,
    /// None where the extension is absent: then the key may be used for anything.
    pub key_usage: KeyUsage,
    /// None where the extension is absent: then it may be shown as anything.
    pub extended_key_usage: BTreeSet<ExtendedKeyUsage>,
    pub sans: BTreeSet<San>,
    /// Names that Kubernetes does not check, as text: `email:jane@example.com`.
    pub other_sans: Vec<String>,
    /// Every name as Go sees it.
    pub alternative_names: Box<AlternativeNames>,
    pub name_constraints: Box<NameConstraints>,
    pub policies: Box<Policies>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    /// Of the whole DER.
    pub digest: Digest,
    /// `ecdsa-with-SHA256`, or an OID in dots.
    pub signature_algorithm: String,
    /// All of them, in their order.
    pub extensions: Vec<Extension>,
}

/// What a certificate says, and why Go's crypto/x509 does not read it, if it does not.
///
/// For those who show a certificate or say what is wrong with it. Whoever builds on one takes
/// [`CertificateFacts::from_der`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub facts: CertificateFacts,
    pub refused: Option<Refused>,
}

impl CertificateFacts {
    /// # Errors
    ///
    /// What is no certificate, and one that Kubernetes does not read.
    pub fn from_der(der: &[u8]) -> Result<Self, FactsError> {
        let Reading { facts, refused } = Self::read(der)?;
        match refused {
            None => Ok(facts),
            Some(why) => Err(FactsError::new(format!("holds a certificate {why}"))),
        }
    }

    /// Everything that can be told of it, whether Kubernetes reads it or not.
    pub fn read(der: &[u8]) -> Result<Reading, FactsError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(FactsError::new("holds a certificate larger than 64 KiB"));
        }
        if der::split(der).is_some_and(|(_, after)| !after.is_empty()) {
            return Err(FactsError::new("holds bytes after its certificate"));
        }
        let not_der = encoding::check(der).map_err(Refused::NotDer).err();
        let parts = Parts::of(der).map_err(|part| {
            FactsError::new(match &not_der {
                Some(why) => format!("holds a certificate {why}"),
                None => format!("holds a malformed certificate ({part})"),
            })
        })?;
        let public_key = PublicKey::from_spki_der(parts.public_key)?;
        let refused = not_der.or_else(|| outside_of_extensions(&parts, &public_key));
        let mut extensions: Vec<Extension> = (parts.extensions.iter())
            .map(|one| Extension::new(&Oid::new(one.oid.into()), one.is_critical, one.value))
            .collect();
        let (said, malformed) = extensions::read(&mut extensions);
        let refused = refused.or(malformed);
        let facts = CertificateFacts {
            version: parts.version,
            subject: DistinguishedName::from_der(parts.subject)?,
            issuer: DistinguishedName::from_der(parts.issuer)?,
            serial: without_zeros(parts.serial),
            not_before: parts.not_before,
            not_after: parts.not_after,
            public_key,
            is_ca: said.is_ca,
            path_len: said.path_len,
            key_usage: said.key_usage,
            extended_key_usage: said.extended_key_usage,
            sans: said.sans.sans,
            other_sans: said.sans.other,
            alternative_names: said.alternative_names.into(),
            name_constraints: said.name_constraints.into(),
            policies: said.policies.into(),
            subject_key_id: said.subject_key_id,
            authority_key_id: said.authority_key_id,
            digest: Digest::of(der),
            signature_algorithm: signature_algorithm(parts.algorithms.0),
            extensions,
        };
        Ok(Reading { facts, refused })
    }

    /// The identifier that certificates issued by this one carry: its SKI, or without one the
    /// identifier of its key (RFC 5280 4.2.1.1).
    pub fn key_id(&self) -> Vec<u8> {
        self.subject_key_id.clone().unwrap_or_else(|| self.public_key.key_identifier().to_vec())
    }

    /// RFC 5280 6.1.4 (k) and (n): a key usage counts where it is stated.
    pub fn can_sign_certificates(&self) -> bool {
        self.is_ca && self.allows_cert_sign()
    }

    /// Whether its key usage, if it states any, has cert sign.
    pub fn allows_cert_sign(&self) -> bool {
        self.key_usage == KeyUsage::NONE || self.key_usage.contains(KeyUsage::KEY_CERT_SIGN)
    }

    pub fn states_basic_constraints(&self) -> bool {
        self.extension(BASIC_CONSTRAINTS).is_some()
    }

    /// By its OID in dots.
    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// The first critical extension that Go does not act upon: no chain with it is accepted.
    pub fn unhandled_critical_extension(&self) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.is_critical && !extension.is_handled)
    }

    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

fn outside_of_extensions(parts: &Parts<'_>, key: &PublicKey) -> Option<Refused> {
    let (inner, outer) = parts.algorithms;
    if parts.serial.first().is_some_and(|byte| *byte >= 0x80) {
        return Some(Refused::NegativeSerial);
    }
    if parts.version > 3 || parts.has_misplaced_extensions {
        return Some(Refused::ExtensionsInOldVersion);
    }
    if inner != outer {
        return Some(Refused::TwoSignatureAlgorithms);
    }
    key.refused_by_go().map(Refused::Key)
}

/// DER puts a zero before a first bit of one, which is no part of the number.
fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().skip_while(|b| *b == 0).collect()
}

/// The names that OpenSSL prints, from an AlgorithmIdentifier's content.
fn signature_algorithm(algorithm: &[u8]) -> String {
    let oid = der::expect(der::OID, algorithm).map_or(&[][..], |(oid, _)| oid);
    match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] => "ecdsa-with-SHA256".into(),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => "ecdsa-with-SHA384".into(),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04] => "ecdsa-with-SHA512".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05] => "sha1WithRSAEncryption".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b] => "sha256WithRSAEncryption".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c] => "sha384WithRSAEncryption".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d] => "sha512WithRSAEncryption".into(),
        [0x2b, 0x65, 0x70] => "ED25519".into(),
        _ => Oid::new(oid.into()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::made::{Made, element, general_name, name, oid, sequence};

    type Change = fn(&mut Made);

    /// `parser.go` of Go's crypto/x509 refuses each, and OpenSSL shows most of them without a word.
    #[test]
    fn what_go_does_not_read_can_be_shown_and_not_be_built_on() {
        let cases: &[(Change, &str)] = &[
            (|made| made.serial = vec![0x80], "with a negative serial number"),
            (|made| made.more.push(("2.5.29.14", true, element(4, &[b"id"]))), "marked critical"),
            (|made| made.more.push(("2.5.29.35", true, sequence(&[]))), "marked critical"),
            (|made| made.more.push(("1.3.6.1.5.5.7.1.1", true, sequence(&[]))), "marked critical"),
            (
                |made| made.more = vec![("1.2.3", false, vec![]), ("1.2.3", false, vec![])],
                "with one extension twice, so Kubernetes does not read it: 1.2.3",
            ),
            (
                |made| {
                    made.more.push(("2.5.29.17", false, sequence(&[&element(0x87, &[&[1; 8]])])));
                },
                "an IP address of 8 bytes",
            ),
            (|made| made.sans.push("IP:::ffff:10.0.0.1".into()), "10.0.0.1 written as one of IPv6"),
            (|made| made.sans.push("DNS:caf\u{e9}".into()), "a DNS name is not ASCII"),
            (|made| made.sans.push("URI:https://a b/".into()), "a URI cannot be read"),
            (
                |made| made.permitted.push("IP:10.0.0.0/255.0.255.0".into()),
                "an IP constraint with the mask 255.0.255.0",
            ),
            (
                |made| made.more.push(("2.5.29.30", true, sequence(&[]))),
                "malformed extension name constraints (2.5.29.30)",
            ),
            (
                |made| made.more.push(("2.5.29.19", true, sequence(&[&element(2, &[&[0xff]])]))),
                "malformed extension basic constraints (2.5.29.19)",
            ),
            (
                |made| {
                    let policy = sequence(&[&oid("1.2.3")]);
                    made.more.push(("2.5.29.32", false, sequence(&[&policy, &policy])));
                },
                "malformed extension certificate policies (2.5.29.32)",
            ),
        ];
        for (change, why) in cases {
            let mut made = Made::leaf("shown");
            change(&mut made);
            let der = made.self_signed();
            let reading = CertificateFacts::read(&der).unwrap();
            assert_eq!(reading.facts.subject.to_string(), "CN=shown");
            let refused = reading.refused.map(|refused| refused.to_string()).unwrap_or_default();
            assert!(refused.contains(why), "{why}: {refused}");
            let error = CertificateFacts::from_der(&der).unwrap_err().to_string();
            assert_eq!(error, format!("holds a certificate {refused}"));
        }
    }

    #[test]
    fn what_go_reads_is_read_whatever_another_parser_says_of_it() {
        let cases: &[Change] = &[
            |made| made.serial = vec![0],
            |made| made.usages = Some(vec![]),
            |made| made.more.push(("2.5.29.17", true, sequence(&[&general_name("dir:x")]))),
            |made| made.more.push(("2.5.29.18", false, vec![0x30, 0x80])),
            |made| made.more.push(("2.16.840.1.113730.1.1", false, vec![1])),
            |made| made.more.push(("1.3.6.1.4.1.11129.2.4.2", false, vec![9, 9])),
            |made| made.sans.push("DNS:a b".into()),
            |made| made.sans.push("email:no address".into()),
            |made| made.version = 1,
            |made| made.subject = name(0x14, "t61"),
        ];
        for (number, change) in cases.iter().enumerate() {
            let mut made = Made::leaf("shown");
            change(&mut made);
            let read = CertificateFacts::from_der(&made.self_signed());
            assert!(read.is_ok(), "{number}: {read:?}");
        }
    }

    /// RFC 5280 6.1.4 (n): if a key usage extension is present.
    #[test]
    fn a_ca_without_a_key_usage_may_sign() {
        let ca = Made::ca("openssl", 1);
        for (usage, may_sign) in [(None, true), (Some(0x0400), true), (Some(0x8000), false)] {
            let der = Made { key_usage: usage, ..ca.clone() }.self_signed();
            let facts = CertificateFacts::from_der(&der).unwrap();
            assert_eq!(facts.can_sign_certificates(), may_sign);
        }
        let leaf = CertificateFacts::from_der(&Made::leaf("leaf").self_signed()).unwrap();
        assert!(!leaf.can_sign_certificates());
    }
}
