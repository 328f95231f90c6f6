//! The public half of a key: a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) and what kind of key it is.

use super::key_kind::KeyKind;
use super::key_refusal;
use super::pem::{self, Block};
use super::spki::split_spki;
use super::{FactsError, der};
use crate::algorithm::KeyAlgorithm;
use crate::hash::{Digest, hexadecimal};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    spki: Box<[u8]>,
    kind: KeyKind,
}

impl PublicKey {
    pub fn from_spki_der(bytes: &[u8]) -> Result<Self, FactsError> {
        let kind = KeyKind::of(bytes)
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
            KeyKind::Rsa { .. } | KeyKind::Other(_) => None,
        }
    }

    /// Why Go's crypto/x509, and so Kubernetes, does not read a certificate with it; reads after `a public
    /// key`.
    pub fn refused_by_go(&self) -> Option<&'static str> {
        key_refusal::refused_by_go(self.kind, &self.spki)
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

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?} {})", self.kind, self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::spki::RSA;

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
