//! Public keys that Go's crypto/x509 does not read (`parsePublicKey`), and no certificate with one.

use super::curve::Curve;
use super::der;
use super::key_kind::{KeyKind, OtherKey};
use super::spki::split_spki;

/// Why Go's parser refuses the key; reads after `a public key`. One of an
/// algorithm that Go does not know is read, and then no signature of it is accepted.
pub(super) fn refused_by_go(kind: KeyKind, spki: &[u8]) -> Option<&'static str> {
    let Some((algorithm, bits)) = split_spki(spki) else {
        return Some("that is malformed");
    };
    let parameters = der::expect(der::OID, algorithm).map_or(algorithm, |(_, rest)| rest);
    let (is_right, why) = match kind {
        KeyKind::Rsa { .. } if parameters != [der::NULL, 0] => {
            (false, "for RSA with parameters that are not NULL")
        }
        KeyKind::Rsa { exponent, .. } => {
            let modulus =
                der::only(der::SEQUENCE, bits).and_then(|key| der::expect(der::INTEGER, key));
            let is_positive =
                modulus.is_some_and(|(number, _)| number.first().is_some_and(|b| *b < 0x80));
            let is_exponent = (1..1 << 63).contains(&exponent);
            (
                is_positive && is_exponent,
                "for RSA whose modulus or exponent is not positive, or too large",
            )
        }
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => (is_point(kind, bits), NO_POINT),
        KeyKind::Ed25519 => (
            parameters.is_empty() && bits.len() == 32,
            "for Ed25519 with parameters, or of another length than 32 bytes",
        ),
        KeyKind::Other(other) => match other {
            OtherKey::EcdsaP224 | OtherKey::EcdsaP521 => (is_point(kind, bits), NO_POINT),
            OtherKey::Secp256k1 => (false, "on the curve secp256k1"),
            OtherKey::ExplicitCurve => (false, "on a curve that it describes instead of naming it"),
            OtherKey::OtherCurve => (false, "on another curve than P-224, P-256, P-384 and P-521"),
            OtherKey::Dsa => (is_dsa(parameters, bits), "for DSA that is malformed"),
            _ => (true, ""),
        },
    };
    (!is_right).then_some(why)
}

/// Uncompressed, as Go reads it; the two usual curves in code that is made for them.
fn is_point(kind: KeyKind, bits: &[u8]) -> bool {
    let is_uncompressed = bits.first() == Some(&4);
    is_uncompressed
        && match kind {
            KeyKind::EcdsaP256 => p256::PublicKey::from_sec1_bytes(bits).is_ok(),
            KeyKind::EcdsaP384 => p384::PublicKey::from_sec1_bytes(bits).is_ok(),
            kind => Curve::of(kind).is_some_and(|curve| curve.is_point(bits)),
        }
}

const NO_POINT: &str = "that is no uncompressed point of its curve";

/// Three positive numbers and a fourth (RFC 3279 2.3.2).
fn is_dsa(parameters: &[u8], bits: &[u8]) -> bool {
    let numbers = der::expect(der::SEQUENCE, parameters).and_then(|(all, _)| der::elements(all));
    let is_positive = |number: &der::Element<'_>| {
        let first = number.body.first();
        number.tag == der::INTEGER
            && first.is_some_and(|byte| *byte < 0x80)
            && number.body.iter().any(|byte| *byte != 0)
    };
    let is_key = der::split(bits).is_some_and(|(key, _)| is_positive(&key));
    is_key && numbers.is_some_and(|all| all.len() >= 3 && all.iter().take(3).all(is_positive))
}
