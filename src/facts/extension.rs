//! One extension of a certificate, as it stands there, and those that have a name (RFC 5280 4.2).

use std::fmt;

use x509_parser::oid_registry::Oid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// In dots.
    pub oid: String,
    pub is_critical: bool,
    pub value: Box<[u8]>,
    /// Whether Go's crypto/x509 acts upon it. A critical one that it does not act upon makes it refuse every
    /// chain with this certificate.
    pub is_handled: bool,
}

impl Extension {
    pub(super) fn new(oid: &Oid<'_>, is_critical: bool, value: &[u8]) -> Self {
        Extension { oid: oid.to_string(), is_critical, value: value.into(), is_handled: false }
    }

    pub fn name(&self) -> Option<&'static str> {
        NAMES.iter().find(|(oid, _)| *oid == self.oid).map(|(_, name)| *name)
    }
}

impl fmt::Display for Extension {
    /// `name constraints (2.5.29.30)`, or an OID alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.oid),
            None => f.write_str(&self.oid),
        }
    }
}

pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub const KEY_USAGE: &str = "2.5.29.15";
pub const ALTERNATIVE_NAMES: &str = "2.5.29.17";
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub const DISTRIBUTION_POINTS: &str = "2.5.29.31";
pub const POLICIES: &str = "2.5.29.32";
pub const POLICY_MAPPINGS: &str = "2.5.29.33";
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
pub const POLICY_CONSTRAINTS: &str = "2.5.29.36";
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
pub const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";

/// The names of RFC 5280 4.2, RFC 6962 3, RFC 6960 4.2.2.2.1, RFC 7633 4 and RFC 3739 3.2.6, of Netscape and
/// Microsoft.
const NAMES: [(&str, &str); 38] = [
    ("2.5.29.9", "subject directory attributes"),
    (SUBJECT_KEY_ID, "subject key identifier"),
    (KEY_USAGE, "key usage"),
    ("2.5.29.16", "private key usage period"),
    (ALTERNATIVE_NAMES, "subject alternative names"),
    ("2.5.29.18", "issuer alternative names"),
    (BASIC_CONSTRAINTS, "basic constraints"),
    (NAME_CONSTRAINTS, "name constraints"),
    (DISTRIBUTION_POINTS, "CRL distribution points"),
    (POLICIES, "certificate policies"),
    (POLICY_MAPPINGS, "policy mappings"),
    (AUTHORITY_KEY_ID, "authority key identifier"),
    (POLICY_CONSTRAINTS, "policy constraints"),
    (EXTENDED_KEY_USAGE, "extended key usage"),
    ("2.5.29.46", "freshest CRL"),
    (INHIBIT_ANY_POLICY, "inhibit any policy"),
    (AUTHORITY_ACCESS, "authority information access"),
    ("1.3.6.1.5.5.7.1.11", "subject information access"),
    ("1.3.6.1.5.5.7.1.24", "TLS feature"),
    ("1.3.6.1.4.1.11129.2.4.2", "certificate transparency"),
    ("1.3.6.1.4.1.11129.2.4.3", "precertificate"),
    ("1.3.6.1.5.5.7.1.3", "qualified certificate statements"),
    ("1.3.6.1.5.5.7.48.1.5", "OCSP no check"),
    ("2.16.840.1.113730.1.1", "Netscape certificate type"),
    ("2.16.840.1.113730.1.2", "Netscape base URL"),
    ("2.16.840.1.113730.1.3", "Netscape revocation URL"),
    ("2.16.840.1.113730.1.4", "Netscape CA revocation URL"),
    ("2.16.840.1.113730.1.7", "Netscape renewal URL"),
    ("2.16.840.1.113730.1.8", "Netscape CA policy URL"),
    ("2.16.840.1.113730.1.12", "Netscape server name"),
    ("2.16.840.1.113730.1.13", "Netscape comment"),
    ("1.3.6.1.4.1.311.20.2", "Microsoft template name"),
    ("1.3.6.1.4.1.311.21.1", "Microsoft CA version"),
    ("1.3.6.1.4.1.311.21.2", "Microsoft previous CA certificate"),
    ("1.3.6.1.4.1.311.21.7", "Microsoft template"),
    ("1.3.6.1.4.1.311.21.10", "Microsoft application policies"),
    ("1.3.6.1.4.1.311.25.2", "Microsoft security identifier"),
    ("1.2.840.113533.7.65.0", "Entrust version"),
];
