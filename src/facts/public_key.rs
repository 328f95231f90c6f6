//! The public half of a key: a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) and what kind of key it is.

use super::pem::{self, Block};
use super::{FactsError, der, encoding};
use crate::algorithm::KeyAlgorithm;
use crate::hash::{Digest, hexadecimal};

// RFC 8017 A.1, RFC 5480 2.1.1, RFC 8410 3.
pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What arithmetic a key is for. RSA keys of every size are one kind: their size is a fact, not a scheme.
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
    Other,
}

impl std::fmt::Display for KeyKind {
    /// As the description writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
            KeyKind::Other => f.write_str("another algorithm"),
        }
    }
}

impl KeyKind {
    pub fn is_rsa(self) -> bool {
        matches!(self, KeyKind::Rsa { .. })
    }

    /// What FIPS 186-5 A.1.1 asks of an RSA key's exponent and Go still reads: odd, from 2^16 + 1 to 2^31 -
    /// 1. Smaller ones make signatures that can be forged where padding is read carelessly.
    pub fn has_weak_exponent(self) -> bool {
        matches!(self, KeyKind::Rsa { exponent, .. } if !is_usual_exponent(exponent))
    }
}

fn is_usual_exponent(exponent: u64) -> bool {
    exponent % 2 == 1 && (65_537..1 << 31).contains(&exponent)
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    spki: Box<[u8]>,
    kind: KeyKind,
}

impl PublicKey {
    pub fn from_spki_der(bytes: &[u8]) -> Result<Self, FactsError> {
        let kind = kind_of(bytes)
            .ok_or_else(|| FactsError::new("holds a malformed public key (SPKI, RFC 5280)"))?;
        Ok(PublicKey { spki: bytes.into(), kind })
    }

    pub fn from_pem(text: &[u8]) -> Result<Self, FactsError> {
        let blocks = pem::blocks(text)?;
        match blocks.as_slice() {
            [Block { label, der, .. }] if label == "PUBLIC KEY" => Self::from_spki_der(der),
            _ => Err(FactsError::new("holds something other than one PUBLIC KEY block")),
        }
    }

    /// From an AlgorithmIdentifier, which PKCS#8 has as well, and the bit string's value.
    pub(crate) fn of_parts(algorithm: &[u8], bits: &[u8]) -> Result<Self, FactsError> {
        let bits = der::element(der::BIT_STRING, &[&[0], bits]);
        Self::from_spki_der(&der::element(der::SEQUENCE, &[algorithm, &bits]))
    }

    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.spki)
    }

    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// None for a kind, size or exponent that kpki does not make.
    pub fn algorithm(&self) -> Option<KeyAlgorithm> {
        match self.kind {
            kind if kind.has_weak_exponent() => None,
            KeyKind::Rsa { bits: 2048, .. } => Some(KeyAlgorithm::Rsa2048),
            KeyKind::Rsa { bits: 3072, .. } => Some(KeyAlgorithm::Rsa3072),
            KeyKind::Rsa { bits: 4096, .. } => Some(KeyAlgorithm::Rsa4096),
            KeyKind::EcdsaP256 => Some(KeyAlgorithm::EcdsaP256),
            KeyKind::EcdsaP384 => Some(KeyAlgorithm::EcdsaP384),
            KeyKind::Ed25519 => Some(KeyAlgorithm::Ed25519),
            KeyKind::Rsa { .. } | KeyKind::Other => None,
        }
    }

    pub fn is_rsa(&self) -> bool {
        self.kind.is_rsa()
    }

    /// Of the SPKI: the same key has the same digest, whoever certified it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.spki)
    }

    /// SHA-256 of the SPKI, as kubeadm's `--discovery-token-ca-cert-hash` and
    /// `openssl pkey -pubout -outform DER | sha256sum` have it.
    pub fn fingerprint(&self) -> String {
        let hash = ring::digest::digest(&ring::digest::SHA256, &self.spki);
        format!("sha256:{}", hexadecimal(hash.as_ref()))
    }

    /// RFC 7093 2, method 1: the leftmost 160 bits of SHA-256 over the bit string's value. Go does the same
    /// since 1.25, and so does kubeadm.
    pub fn key_identifier(&self) -> [u8; 20] {
        let hash = ring::digest::digest(&ring::digest::SHA256, self.bits());
        // A SHA-256 is 32 bytes, so there always are 20.
        hash.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The value of the bit string: a point, an RSAPublicKey.
    pub(crate) fn bits(&self) -> &[u8] {
        split_spki(&self.spki).map_or(&[], |(_, bits)| bits)
    }
}

/// The AlgorithmIdentifier's content and the bit string's value.
fn split_spki(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, rest) = der::expect(der::SEQUENCE, der::only(der::SEQUENCE, spki)?)?;
    match der::only(der::BIT_STRING, rest)? {
        [0, bits @ ..] => Some((algorithm, bits)),
        _ => None,
    }
}

fn kind_of(spki: &[u8]) -> Option<KeyKind> {
    let (algorithm, bits) = split_spki(spki)?;
    let (oid, parameters) = der::expect(der::OID, algorithm)?;
    Some(match oid {
        RSA => rsa(der::only(der::SEQUENCE, bits)?)?,
        EC => match der::only(der::OID, parameters) {
            Some(P256) => KeyKind::EcdsaP256,
            Some(P384) => KeyKind::EcdsaP384,
            _ => KeyKind::Other,
        },
        ED25519 => KeyKind::Ed25519,
        _ => KeyKind::Other,
    })
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

/// The size of the integer that `input` starts with.
pub(crate) fn modulus_bits(input: &[u8]) -> Option<usize> {
    let (modulus, _) = der::expect(der::INTEGER, input)?;
    let zeros = modulus.iter().take_while(|b| **b == 0).count();
    let first = modulus.get(zeros)?;
    let lead = usize::try_from(first.leading_zeros()).ok()?;
    Some((modulus.len() - zeros) * 8 - lead)
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?} {})", self.kind, self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa_spki(exponent: &[u8]) -> Vec<u8> {
        let mut modulus = vec![0, 0x80];
        modulus.resize(257, 1);
        let modulus = der::element(der::INTEGER, &[&modulus]);
        let exponent = der::element(der::INTEGER, &[exponent]);
        let key = der::element(der::SEQUENCE, &[&modulus, &exponent]);
        let algorithm = der::element(der::OID, &[RSA]);
        let algorithm = der::element(der::SEQUENCE, &[&algorithm, &[der::NULL, 0]]);
        let bits = der::element(der::BIT_STRING, &[&[0], &key]);
        der::element(der::SEQUENCE, &[&algorithm, &bits])
    }

    /// FIPS 186-5 A.1.1 (odd, from 2^16 + 1 on), and crypto/rsa of Go (below 2^31).
    #[test]
    fn an_exponent_is_usual_or_told() {
        for (exponent, kind) in [
            (&[1, 0, 1][..], "rsa-2048"),
            (&[1, 0, 3], "rsa-2048"),
            (&[0x7f, 0xff, 0xff, 0xff], "rsa-2048"),
            (&[0], "rsa-2048 with the public exponent 0"),
            (&[1], "rsa-2048 with the public exponent 1"),
            (&[3], "rsa-2048 with the public exponent 3"),
            (&[1, 0, 0], "rsa-2048 with the public exponent 65536"),
            (&[1, 0, 2], "rsa-2048 with the public exponent 65538"),
            (&[0, 0x80, 0, 0, 1], "rsa-2048 with the public exponent 2147483649"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 1], "rsa-2048 with a public exponent of more than 32 bits"),
        ] {
            let key = PublicKey::from_spki_der(&rsa_spki(exponent)).unwrap();
            assert_eq!(key.kind().to_string(), kind);
            assert_eq!(key.algorithm().is_some(), kind == "rsa-2048");
        }
        for exponent in [&[][..], &[0xff], &[0, 3], &[0, 1, 0, 1]] {
            assert!(PublicKey::from_spki_der(&rsa_spki(exponent)).is_err());
        }
    }
}
