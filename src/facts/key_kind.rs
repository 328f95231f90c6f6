//! What arithmetic a public key is for, told from its SubjectPublicKeyInfo, and whether Go reads it.

use std::fmt;

use super::spki::{EC, ED25519, P256, P384, RSA, modulus_bits, split_spki};
use super::{der, encoding};

/// RSA keys of every size are one kind: their size is a fact, not a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Of the modulus, and the public exponent (the largest number there is where it is no less).
    Rsa {
        bits: usize,
        exponent: u64,
    },
    EcdsaP256,
    EcdsaP384,
    Ed25519,
    /// One that kpki neither makes nor signs with.
    Other(OtherKey),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OtherKey {
    EcdsaP224,
    EcdsaP521,
    Secp256k1,
    /// Parameters instead of a name (RFC 5480 2.1.1 forbids them).
    ExplicitCurve,
    OtherCurve,
    Ed448,
    X25519,
    X448,
    RsaPss,
    Dsa,
    MlDsa44,
    MlDsa65,
    MlDsa87,
    Unknown,
}

/// By OID: RFC 8410 3, RFC 4055 1.2, RFC 3279 2.3.2, RFC 9881 2.
const ALGORITHMS: [(&[u8], OtherKey); 8] = [
    (&[0x2b, 0x65, 0x6e], OtherKey::X25519),
    (&[0x2b, 0x65, 0x6f], OtherKey::X448),
    (&[0x2b, 0x65, 0x71], OtherKey::Ed448),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], OtherKey::RsaPss),
    (DSA, OtherKey::Dsa),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11], OtherKey::MlDsa44),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12], OtherKey::MlDsa65),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13], OtherKey::MlDsa87),
];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];

/// By OID: RFC 5480 2.1.1.1, SEC 2.
const CURVES: [(&[u8], KeyKind); 5] = [
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], KeyKind::Other(OtherKey::EcdsaP224)),
    (P256, KeyKind::EcdsaP256),
    (P384, KeyKind::EcdsaP384),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], KeyKind::Other(OtherKey::EcdsaP521)),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], KeyKind::Other(OtherKey::Secp256k1)),
];

impl fmt::Display for KeyKind {
    /// As the description writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa { bits, exponent } => {
                write!(f, "rsa-{bits}")?;
                match exponent {
                    exponent if is_usual_exponent(*exponent) => Ok(()),
                    0x1_0000_0000.. => f.write_str(" with a public exponent of more than 32 bits"),
                    small => write!(f, " with the public exponent {small}"),
                }
            }
            KeyKind::EcdsaP256 => f.write_str("ecdsa-p256"),
            KeyKind::EcdsaP384 => f.write_str("ecdsa-p384"),
            KeyKind::Ed25519 => f.write_str("ed25519"),
            KeyKind::Other(other) => f.write_str(match other {
                OtherKey::EcdsaP224 => "ecdsa-p224",
                OtherKey::EcdsaP521 => "ecdsa-p521",
                OtherKey::Secp256k1 => "ecdsa-secp256k1",
                OtherKey::ExplicitCurve => "ecdsa with explicit parameters",
                OtherKey::OtherCurve => "ecdsa on another curve",
                OtherKey::Ed448 => "ed448",
                OtherKey::X25519 => "x25519",
                OtherKey::X448 => "x448",
                OtherKey::RsaPss => "rsa-pss",
                OtherKey::Dsa => "dsa",
                OtherKey::MlDsa44 => "ml-dsa-44",
                OtherKey::MlDsa65 => "ml-dsa-65",
                OtherKey::MlDsa87 => "ml-dsa-87",
                OtherKey::Unknown => "another algorithm",
            }),
        }
    }
}

impl KeyKind {
    pub fn is_rsa(self) -> bool {
        matches!(self, KeyKind::Rsa { .. })
    }

    /// Whether a certificate over it can be shown in TLS 1.3 by Go (`signatureSchemesForCertificate` of
    /// crypto/tls): it reads more kinds than it shows, P-224 among them.
    pub fn is_for_tls(self) -> bool {
        match self {
            KeyKind::Rsa { .. } | KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::Ed25519 => {
                true
            }
            KeyKind::Other(other) => matches!(
                other,
                OtherKey::EcdsaP521 | OtherKey::MlDsa44 | OtherKey::MlDsa65 | OtherKey::MlDsa87
            ),
        }
    }

    /// RS256, ES256, ES384 and ES512 (`signerFromRSAPrivateKey` and `signerFromECDSAPrivateKey` of
    /// Kubernetes' pkg/serviceaccount).
    pub fn can_sign_tokens(self) -> bool {
        match self {
            KeyKind::Rsa { .. } | KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => true,
            KeyKind::Ed25519 => false,
            KeyKind::Other(other) => other == OtherKey::EcdsaP521,
        }
    }

    /// What FIPS 186-5 A.1.1 asks of an RSA key's exponent and Go still reads: odd, from 2^16 + 1 to 2^31 -
    /// 1. Smaller ones make signatures that can be forged where padding is read carelessly.
    pub fn has_weak_exponent(self) -> bool {
        matches!(self, KeyKind::Rsa { exponent, .. } if !is_usual_exponent(exponent))
    }

    /// `None`: the SubjectPublicKeyInfo is none, or no RSA key where it says so.
    pub(super) fn of(spki: &[u8]) -> Option<Self> {
        let (algorithm, bits) = split_spki(spki)?;
        let (oid, parameters) = der::expect(der::OID, algorithm)?;
        let other = || ALGORITHMS.iter().find(|(known, _)| *known == oid).map(|(_, kind)| *kind);
        Some(match oid {
            RSA => rsa(der::only(der::SEQUENCE, bits)?)?,
            EC => match der::only(der::OID, parameters) {
                Some(curve) => {
                    let known = CURVES.iter().find(|(known, _)| *known == curve);
                    known.map_or(KeyKind::Other(OtherKey::OtherCurve), |(_, kind)| *kind)
                }
                None => KeyKind::Other(OtherKey::ExplicitCurve),
            },
            ED25519 => KeyKind::Ed25519,
            _ => KeyKind::Other(other().unwrap_or(OtherKey::Unknown)),
        })
    }
}

fn is_usual_exponent(exponent: u64) -> bool {
    exponent % 2 == 1 && (65_537..1 << 31).contains(&exponent)
}

/// RSAPublicKey of RFC 8017 A.1.1: two positive numbers and nothing else.
fn rsa(key: &[u8]) -> Option<KeyKind> {
    let (_, exponent) = der::expect(der::INTEGER, key)?;
    let exponent = der::only(der::INTEGER, exponent)?;
    encoding::check(&der::element(der::SEQUENCE, &[key])).ok()?;
    if exponent.first()? & 0x80 != 0 {
        return None;
    }
    let add = |sum: u64, byte: &u8| sum.checked_mul(256)?.checked_add(u64::from(*byte));
    Some(KeyKind::Rsa {
        bits: modulus_bits(key)?,
        exponent: exponent.iter().try_fold(0, add).unwrap_or(u64::MAX),
    })
}
