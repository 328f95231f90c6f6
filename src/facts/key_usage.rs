//! What a key may be used for: the two extensions of RFC 5280 4.2.1.3 and 4.2.1.12.

use std::fmt;

/// A set of key usages; empty where the extension is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyUsage(u16);

impl KeyUsage {
    // Bit n of the extension's BIT STRING is bit n here.
    pub const DIGITAL_SIGNATURE: KeyUsage = KeyUsage(1);
    pub const CONTENT_COMMITMENT: KeyUsage = KeyUsage(1 << 1);
    pub const KEY_ENCIPHERMENT: KeyUsage = KeyUsage(1 << 2);
    pub const DATA_ENCIPHERMENT: KeyUsage = KeyUsage(1 << 3);
    pub const KEY_AGREEMENT: KeyUsage = KeyUsage(1 << 4);
    pub const KEY_CERT_SIGN: KeyUsage = KeyUsage(1 << 5);
    pub const CRL_SIGN: KeyUsage = KeyUsage(1 << 6);
    pub const ENCIPHER_ONLY: KeyUsage = KeyUsage(1 << 7);
    pub const DECIPHER_ONLY: KeyUsage = KeyUsage(1 << 8);

    pub const NAMES: [(KeyUsage, &'static str); 9] = [
        (KeyUsage::DIGITAL_SIGNATURE, "digital signature"),
        (KeyUsage::CONTENT_COMMITMENT, "content commitment"),
        (KeyUsage::KEY_ENCIPHERMENT, "key encipherment"),
        (KeyUsage::DATA_ENCIPHERMENT, "data encipherment"),
        (KeyUsage::KEY_AGREEMENT, "key agreement"),
        (KeyUsage::KEY_CERT_SIGN, "cert sign"),
        (KeyUsage::CRL_SIGN, "crl sign"),
        (KeyUsage::ENCIPHER_ONLY, "encipher only"),
        (KeyUsage::DECIPHER_ONLY, "decipher only"),
    ];

    pub const NONE: KeyUsage = KeyUsage(0);

    pub fn from_bits(bits: u16) -> Self {
        KeyUsage(bits & 0x1ff)
    }

    #[must_use]
    pub const fn and(self, other: KeyUsage) -> Self {
        KeyUsage(self.0 | other.0)
    }

    pub fn contains(self, other: KeyUsage) -> bool {
        self.0 & other.0 == other.0
    }

    /// What kpki writes: RSA alone enciphers (RFC 8813 3, RFC 9295 3).
    pub fn expected(is_ca: bool, is_rsa: bool) -> Self {
        let mut usage = KeyUsage::DIGITAL_SIGNATURE;
        if is_ca {
            usage = usage.and(KeyUsage::KEY_CERT_SIGN);
        }
        if is_rsa {
            usage = usage.and(KeyUsage::KEY_ENCIPHERMENT);
        }
        usage
    }
}

impl fmt::Display for KeyUsage {
    /// The names that Kubernetes' CertificateSigningRequest uses: `digital signature, key encipherment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (usage, name) in KeyUsage::NAMES {
            if self.contains(usage) {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// Whom a certificate may be shown as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtendedKeyUsage {
    Server,
    Client,
    /// Any other, as its OID in dots.
    Other(String),
}

/// RFC 5280 4.2.1.12, RFC 4945 5.1.3.12, RFC 4556 3.2.2, RFC 9336 3 and others. Those that Kubernetes'
/// CertificateSigningRequest has are called as there.
const USAGES: [(&str, &str); 28] = [
    ("2.5.29.37.0", "any"),
    ("1.3.6.1.5.5.7.3.3", "code signing"),
    ("1.3.6.1.5.5.7.3.4", "email protection"),
    ("1.3.6.1.5.5.7.3.5", "ipsec end system"),
    ("1.3.6.1.5.5.7.3.6", "ipsec tunnel"),
    ("1.3.6.1.5.5.7.3.7", "ipsec user"),
    ("1.3.6.1.5.5.7.3.8", "timestamping"),
    ("1.3.6.1.5.5.7.3.9", "ocsp signing"),
    ("1.3.6.1.5.5.7.3.13", "eap over ppp"),
    ("1.3.6.1.5.5.7.3.14", "eap over lan"),
    ("1.3.6.1.5.5.7.3.17", "ipsec ike"),
    ("1.3.6.1.5.5.7.3.21", "ssh client"),
    ("1.3.6.1.5.5.7.3.22", "ssh server"),
    ("1.3.6.1.5.5.7.3.36", "document signing"),
    ("1.3.6.1.5.5.8.2.2", "ike intermediate"),
    ("1.3.6.1.5.2.3.4", "kerberos client"),
    ("1.3.6.1.5.2.3.5", "kerberos kdc"),
    ("1.3.6.1.4.1.311.10.3.3", "microsoft sgc"),
    ("2.16.840.1.113730.4.1", "netscape sgc"),
    ("1.3.6.1.4.1.311.20.2.2", "microsoft smart card logon"),
    ("1.3.6.1.4.1.311.20.2.1", "microsoft enrollment agent"),
    ("1.3.6.1.4.1.311.10.3.4", "microsoft encrypted file system"),
    ("1.3.6.1.4.1.311.10.3.12", "microsoft document signing"),
    ("1.3.6.1.4.1.311.10.12.1", "microsoft any application policy"),
    ("1.3.6.1.4.1.311.21.5", "microsoft ca exchange"),
    ("1.3.6.1.4.1.311.21.6", "microsoft key recovery agent"),
    ("1.3.6.1.4.1.311.21.19", "microsoft directory replication"),
    ("2.23.133.8.3", "tpm attestation"),
];

impl fmt::Display for ExtendedKeyUsage {
    /// By its name, if it has one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExtendedKeyUsage::Server => "server",
            ExtendedKeyUsage::Client => "client",
            ExtendedKeyUsage::Other(oid) => USAGES
                .iter()
                .find(|(known, _)| known == oid)
                .map_or(oid.as_str(), |(_, name)| *name),
        })
    }
}
