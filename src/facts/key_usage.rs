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

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExtendedKeyUsage::Server => "server",
            ExtendedKeyUsage::Client => "client",
            ExtendedKeyUsage::Other(oid) => oid,
        })
    }
}
