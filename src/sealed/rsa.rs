//! An ssh-rsa key as OpenSSH writes it (RFC 4253, section 6.6), beyond what age's reader asks of it.

use crypto_bigint::BoxedUint;
use crypto_primes::{Flavor, is_prime};

/// As Go's crypto/ssh has it, with which age reads: an odd one from 3, of at most 24 bits.
const EXPONENTS: std::ops::Range<u32> = 3..1 << 24;

const OPEN: &str =
    "is an RSA key that everybody can open, or nobody; copy the whole line of the .pub file";

/// What a key says, if it is written as RFC 4251, section 5 has it, with nothing behind it. To be asked
/// before age reads it: age 0.12 panics at a number of zero bytes alone.
pub(super) fn parts(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = blob;
    let (kind, exponent, modulus) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    let is_number = |digits: &[u8]| match digits {
        [0, next, ..] => *next >= 0x80,
        [first, ..] => (1..0x80).contains(first),
        [] => false,
    };
    let is_key = kind == b"ssh-rsa" && is_number(exponent) && is_number(modulus);
    (is_key && rest.is_empty()).then_some((exponent, modulus))
}

/// Of a modulus that is not too large. The error reads after the recipient's name.
pub(super) fn check((exponent, modulus): (&[u8], &[u8])) -> Result<(), &'static str> {
    let exponent = (exponent.len() <= 4).then(|| {
        let digits = exponent.iter();
        digits.fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
    });
    match exponent {
        // With 1 a secret is only encoded; with an even one nobody can have the inverse.
        Some(exponent) if EXPONENTS.contains(&exponent) && exponent % 2 == 1 => {}
        _ => return Err(OPEN),
    }
    // Everybody can divide by these, and a prime needs no division. Other factors that are easy to find
    // cannot be seen.
    let divides = |factor: u32| {
        let digits = modulus.iter();
        digits.fold(0, |left, byte| ((left << 8) | u32::from(*byte)) % factor) == 0
    };
    if (2..SMALL).any(divides) || is_prime(Flavor::Any, &BoxedUint::from_be_slice_vartime(modulus))
    {
        return Err(OPEN);
    }
    Ok(())
}

const SMALL: u32 = 2048;

/// Four bytes of length, and what they say (RFC 4251, section 5).
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (string, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(string)
}
