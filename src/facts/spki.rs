//! The parts of a SubjectPublicKeyInfo (RFC 5280 4.1.2.7).

use super::der;

// RFC 8017 A.1, RFC 5480 2.1.1, RFC 8410 3.
pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The AlgorithmIdentifier's content and the bit string's value.
pub fn split_spki(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, rest) = der::expect(der::SEQUENCE, der::only(der::SEQUENCE, spki)?)?;
    match der::only(der::BIT_STRING, rest)? {
        [0, bits @ ..] => Some((algorithm, bits)),
        _ => None,
    }
}

/// The size of the integer that `input` starts with.
pub fn modulus_bits(input: &[u8]) -> Option<usize> {
    let (modulus, _) = der::expect(der::INTEGER, input)?;
    let zeros = modulus.iter().take_while(|b| **b == 0).count();
    let first = modulus.get(zeros)?;
    let lead = usize::try_from(first.leading_zeros()).ok()?;
    Some((modulus.len() - zeros) * 8 - lead)
}
