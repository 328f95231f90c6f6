//! Points of Curve25519 as public keys.
//!
//! A private key times the base point is in the subgroup of prime order, whatever the key (RFC 7748, section
//! 5: it is a multiple of the cofactor). With a point of small order the shared secret is zero, and known to
//! everybody (section
//! 6.1); a point that is no multiple of the base point, or a second encoding of one, is nobody's key.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::montgomery::MontgomeryPoint;

/// 2^255 - 19, little-endian, as are the coordinates.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// A u-coordinate as X25519 writes it. What X25519 reads may have a stray top bit and be the prime or more;
/// age puts the bytes as they are into what it derives, so that the holder of the key would derive something
/// else.
pub(super) fn is_public_key(u: [u8; 32]) -> bool {
    let is_canonical = u.iter().rev().lt(PRIME.iter().rev());
    // Both signs are of the same order; a u that is not on the curve is on its twist.
    let point = MontgomeryPoint(u).to_edwards(0);
    is_canonical && point.is_some_and(|point| has_prime_order(&point))
}

pub(super) fn has_prime_order(point: &EdwardsPoint) -> bool {
    !point.is_small_order() && point.is_torsion_free()
}
