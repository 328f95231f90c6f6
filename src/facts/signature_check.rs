//! Whether a certificate's signature is of a key, as Go's crypto/x509 judges it (`checkSignature`).

use ring::signature::{self as ring_signature, UnparsedPublicKey, VerificationAlgorithm};

use super::curve::Curve;
use super::key_kind::{KeyKind, OtherKey};
use super::public_key::PublicKey;
use super::signature_scheme::{Hash, Scheme};
use super::{der, rsa_signature};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureCheck {
    Fits,
    /// Of another key, or the certificate was changed after it was signed.
    DoesNotFit,
    /// It names an algorithm that a key of this kind has nothing to do with.
    OtherKindOfKey,
    /// MD5 or SHA-1.
    Weak,
    /// Go knows the algorithm of the signature or of the key as little as its parameters.
    UnknownAlgorithm,
    /// Go does not use the key: it is too small, or of a strange exponent.
    UnusableKey,
    /// kpki cannot tell. Never to be taken for one that fits.
    Unchecked,
}

pub fn check_signature(certificate: &[u8], key: &PublicKey) -> SignatureCheck {
    let Some((signed, algorithm, signature)) = parts(certificate) else {
        return SignatureCheck::DoesNotFit;
    };
    let scheme = Scheme::of(algorithm);
    match (scheme, key.kind()) {
        (_, KeyKind::Other(kind)) if !is_known(kind) => SignatureCheck::UnknownAlgorithm,
        (Scheme::Weak, _) => SignatureCheck::Weak,
        (Scheme::Unknown, _) | (_, KeyKind::Other(OtherKey::Dsa)) => {
            SignatureCheck::UnknownAlgorithm
        }
        (Scheme::RsaPkcs1(hash), KeyKind::Rsa { bits, exponent }) => {
            rsa_size(bits, exponent).unwrap_or_else(|| pkcs1(hash, bits, key, signed, signature))
        }
        (Scheme::RsaPss(hash), KeyKind::Rsa { bits, exponent }) => rsa_size(bits, exponent)
            .unwrap_or_else(|| match bits {
                2048..=8192 => ring_check(pss(hash), key, signed, signature),
                _ => SignatureCheck::Unchecked,
            }),
        (Scheme::Ecdsa(hash), kind) => match ecdsa(hash, kind) {
            Some(algorithm) => ring_check(algorithm, key, signed, signature),
            None => own_check(hash, kind, key, signed, signature),
        },
        (Scheme::Ed25519, KeyKind::Ed25519) => {
            ring_check(&ring_signature::ED25519, key, signed, signature)
        }
        (
            Scheme::MlDsa,
            KeyKind::Other(OtherKey::MlDsa44 | OtherKey::MlDsa65 | OtherKey::MlDsa87),
        ) => SignatureCheck::Unchecked,
        _ => SignatureCheck::OtherKindOfKey,
    }
}

/// The signed bytes, the AlgorithmIdentifier's content and the signature.
fn parts(certificate: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (signed, rest) = der::split(der::only(der::SEQUENCE, certificate)?)?;
    let (algorithm, rest) = der::expect(der::SEQUENCE, rest)?;
    match der::only(der::BIT_STRING, rest)? {
        [0, signature @ ..] => Some((signed.whole, algorithm, signature)),
        _ => None,
    }
}

/// To Go's `getPublicKeyAlgorithmFromOID`.
fn is_known(kind: OtherKey) -> bool {
    match kind {
        OtherKey::EcdsaP224
        | OtherKey::EcdsaP521
        | OtherKey::Dsa
        | OtherKey::MlDsa44
        | OtherKey::MlDsa65
        | OtherKey::MlDsa87 => true,
        OtherKey::Secp256k1
        | OtherKey::ExplicitCurve
        | OtherKey::OtherCurve
        | OtherKey::Ed448
        | OtherKey::X25519
        | OtherKey::X448
        | OtherKey::RsaPss
        | OtherKey::Unknown => false,
    }
}

/// What crypto/rsa refuses whatever was signed; `None`: nothing.
fn rsa_size(bits: usize, exponent: u64) -> Option<SignatureCheck> {
    let is_exponent = exponent % 2 == 1 && (2..1 << 31).contains(&exponent);
    (bits < 1024 || !is_exponent).then_some(SignatureCheck::UnusableKey)
}

fn ring_check(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &PublicKey,
    signed: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    let key = UnparsedPublicKey::new(algorithm, key.bits());
    fits(key.verify(signed, signature).is_ok())
}

/// On a curve, or with a hash on it, that ring does not have.
fn own_check(
    hash: Hash,
    kind: KeyKind,
    key: &PublicKey,
    signed: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    let Some(curve) = Curve::of(kind) else { return SignatureCheck::OtherKindOfKey };
    let hashed = ring::digest::digest(hash.algorithm(), signed);
    fits(curve.verifies(key.bits(), hashed.as_ref(), signature))
}

fn fits(it_does: bool) -> SignatureCheck {
    if it_does { SignatureCheck::Fits } else { SignatureCheck::DoesNotFit }
}

fn ecdsa(hash: Hash, kind: KeyKind) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (hash, kind) {
        (Hash::Sha256, KeyKind::EcdsaP256) => &ring_signature::ECDSA_P256_SHA256_ASN1,
        (Hash::Sha384, KeyKind::EcdsaP256) => &ring_signature::ECDSA_P256_SHA384_ASN1,
        (Hash::Sha256, KeyKind::EcdsaP384) => &ring_signature::ECDSA_P384_SHA256_ASN1,
        (Hash::Sha384, KeyKind::EcdsaP384) => &ring_signature::ECDSA_P384_SHA384_ASN1,
        _ => return None,
    })
}

fn pss(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
        Hash::Sha384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
        Hash::Sha512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
    }
}

fn pkcs1(
    hash: Hash,
    bits: usize,
    key: &PublicKey,
    signed: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    let algorithm: &dyn VerificationAlgorithm = match hash {
        Hash::Sha256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
    };
    match bits {
        2048..=8192 => ring_check(algorithm, key, signed, signature),
        ..2048 => fits(rsa_signature::verified(hash, key.bits(), signed, signature).is_some()),
        _ => SignatureCheck::Unchecked,
    }
}
