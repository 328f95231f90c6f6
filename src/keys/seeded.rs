//! Keys from a seed, and signatures that are the same every time: RustCrypto's arithmetic.
//!
//! ring draws its own randomness, for a key and for an ECDSA signature. What stands here is five times slower
//! at P-256 and a function of its inputs. `schedule.rs` says what follows from what.

use crypto_bigint::{BoxedUint, Resize};
use crypto_primes::{Flavor, is_prime};
use p256::ecdsa::signature::Signer as _;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use zeroize::Zeroizing;

use super::KeyError;
use super::form::{Curve, KeyMaterial};
use super::schedule::{Purpose, Seed};
use crate::algorithm::KeyAlgorithm;

/// The key of an artifact.
pub(super) fn key(
    seed: &Seed,
    algorithm: KeyAlgorithm,
    name: &str,
    revision: &str,
) -> Result<KeyMaterial, KeyError> {
    let purpose = Purpose { what: "key", name, detail: algorithm.as_str(), revision };
    match algorithm {
        KeyAlgorithm::EcdsaP256 => ecdsa(seed, &purpose, Curve::P256),
        KeyAlgorithm::EcdsaP384 => ecdsa(seed, &purpose, Curve::P384),
        KeyAlgorithm::Ed25519 => {
            let mut private = Zeroizing::new(vec![0; 32]);
            seed.stream(&purpose, 0, &mut private);
            Ok(KeyMaterial::Ed25519 { seed: private, public: None })
        }
        KeyAlgorithm::Rsa2048 => rsa(seed, &purpose, 2048),
        KeyAlgorithm::Rsa3072 => rsa(seed, &purpose, 3072),
        KeyAlgorithm::Rsa4096 => rsa(seed, &purpose, 4096),
    }
}

fn ecdsa(seed: &Seed, purpose: &Purpose<'_>, curve: Curve) -> Result<KeyMaterial, KeyError> {
    for counter in 0..TRIES {
        let mut scalar = Zeroizing::new(vec![0; scalar_length(curve)]);
        seed.stream(purpose, counter, &mut scalar);
        if let Some(point) = point(curve, &scalar) {
            return Ok(KeyMaterial::Ecdsa { curve, scalar, point });
        }
    }
    Err(KeyError::unusable("cannot be made"))
}

/// A big integer has no Drop of its own, so each of ours wipes itself, and the finished key does. Not wiped
/// is what the crates work with and let go: the powers and Montgomery forms of the primality test, the
/// totients from which the private exponent is computed, and what lies on the stack. They stay in this
/// process's memory, which writes no core file.
fn rsa(seed: &Seed, purpose: &Purpose<'_>, bits: u32) -> Result<KeyMaterial, KeyError> {
    let failed = || KeyError::unusable("cannot be made");
    for counter in 0..TRIES {
        let search = |what| prime(seed, &Purpose { what, ..*purpose }, counter, bits / 2);
        let (Some(p), Some(q)) = (search("prime-p"), search("prime-q")) else {
            continue;
        };
        let (mut p, mut q) = if *p < *q { (q, p) } else { (p, q) };
        let distance = Zeroizing::new(p.wrapping_sub(&*q));
        if distance.bit_width() + 100 <= bits / 2 {
            continue;
        }
        // The numbers move: there is no second copy.
        let (p, q) = (std::mem::take(&mut *p), std::mem::take(&mut *q));
        let key =
            rsa::PrivateKey::from_p_q(p, q, BoxedUint::from(EXPONENT)).map_err(|_| failed())?;
        let document = key.to_pkcs1_der().map_err(|_| failed())?;
        return KeyMaterial::from_pkcs1(document.as_bytes())?.ok_or_else(failed);
    }
    Err(failed())
}

/// `None`: the search outgrew its bits.
fn prime(
    seed: &Seed,
    purpose: &Purpose<'_>,
    counter: u32,
    bits: u32,
) -> Option<Zeroizing<BoxedUint>> {
    let mut bytes = Zeroizing::new(vec![0; bits as usize / 8]);
    seed.stream(purpose, counter, &mut bytes);
    if let Some(highest) = bytes.first_mut() {
        *highest |= 0xc0;
    }
    if let Some(lowest) = bytes.last_mut() {
        *lowest |= 1;
    }
    let start = Zeroizing::new(BoxedUint::from_be_slice(&bytes, bits).ok()?);
    // Together the remainders tell the number. In its final size: an outgrown buffer would keep some.
    let mut sieve = Zeroizing::new(Vec::with_capacity(small_primes().count()));
    sieve.extend(small_primes().map(|prime| (prime, remainder(&bytes, prime))));
    let start_by_exponent = remainder(&bytes, EXPONENT);
    let mut step = 0_u32;
    loop {
        let divisible =
            sieve.iter().any(|(prime, rest)| (rest + step % prime).is_multiple_of(*prime));
        let suits = !divisible && (start_by_exponent + step % EXPONENT) % EXPONENT != 1;
        if suits {
            let sum = start.concatenating_add(BoxedUint::from(step).resize(bits));
            let sum = Zeroizing::new(sum);
            if sum.bit_width() > bits {
                return None;
            }
            let candidate = Zeroizing::new((&*sum).resize(bits));
            if is_prime(Flavor::Any, &*candidate) {
                return Some(candidate);
            }
        }
        step = step.checked_add(2)?;
    }
}

/// RFC 6979. `None`: not a key of that curve.
pub(super) fn sign_ecdsa(curve: Curve, scalar: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    match curve {
        Curve::P256 => {
            let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
            let signature: p256::ecdsa::DerSignature = key.sign(message);
            Some(signature.as_bytes().to_vec())
        }
        Curve::P384 => {
            let key = p384::ecdsa::SigningKey::from_slice(scalar).ok()?;
            let signature: p384::ecdsa::DerSignature = key.sign(message);
            Some(signature.as_bytes().to_vec())
        }
    }
}

/// The public half, uncompressed; `None`: the scalar is 0 or not below the curve's order.
fn point(curve: Curve, scalar: &[u8]) -> Option<Vec<u8>> {
    match curve {
        Curve::P256 => {
            let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
            Some(key.verifying_key().to_sec1_point(false).as_bytes().to_vec())
        }
        Curve::P384 => {
            let key = p384::ecdsa::SigningKey::from_slice(scalar).ok()?;
            Some(key.verifying_key().to_sec1_point(false).as_bytes().to_vec())
        }
    }
}

fn scalar_length(curve: Curve) -> usize {
    match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
    }
}

/// No counter is ever used up: the chance that the first does not do is below 2^-31.
const TRIES: u32 = 1000;
const EXPONENT: u32 = 65537;

/// Odd ones, to spare most candidates the expensive test.
fn small_primes() -> impl Iterator<Item = u32> {
    const BELOW: u32 = 4000;
    (3..BELOW).step_by(2).filter(|number| {
        let mut divisors = (3..).step_by(2).take_while(|divisor| divisor * divisor <= *number);
        divisors.all(|divisor| number % divisor != 0)
    })
}

fn remainder(number: &[u8], modulus: u32) -> u32 {
    let rest = number
        .iter()
        .fold(0_u64, |rest, byte| (rest * 256 + u64::from(*byte)) % u64::from(modulus));
    u32::try_from(rest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }

    /// `SEQUENCE { INTEGER r, INTEGER s }`, by hand.
    fn der(r: &str, s: &str) -> Vec<u8> {
        let length = |content: &[u8]| u8::try_from(content.len()).unwrap();
        let integer = |hex: &str| {
            let mut value = bytes(hex);
            while value[0] == 0 && value[1] < 0x80 {
                value.remove(0);
            }
            if value[0] >= 0x80 {
                value.insert(0, 0);
            }
            [&[2, length(&value)], &value[..]].concat()
        };
        let content = [integer(r), integer(s)].concat();
        [&[0x30, length(&content)], &content[..]].concat()
    }

    /// RFC 6979, appendices A.2.5 and A.2.6.
    #[test]
    fn signatures_are_those_of_rfc_6979() {
        const P256: &str = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
        const P384: &str = "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8\
                            96D5724E4C70A825F872C9EA60D2EDF5";
        for (curve, key, message, r, s) in [
            (
                Curve::P256,
                P256,
                "sample",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                Curve::P256,
                P256,
                "test",
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            ),
            (
                Curve::P384,
                P384,
                "sample",
                "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C\
                 81A648152E44ACF96E36DD1E80FABE46",
                "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F\
                 A329C145786E679E7B82C71A38628AC8",
            ),
        ] {
            let signature = sign_ecdsa(curve, &bytes(key), message.as_bytes()).unwrap();
            assert_eq!(signature, der(r, s), "{message}");
        }
    }

    #[test]
    fn a_scalar_outside_the_curve_is_no_key() {
        assert_eq!(point(Curve::P256, &[0; 32]), None);
        assert_eq!(point(Curve::P256, &[0xff; 32]), None);
        assert_eq!(point(Curve::P384, &[0xff; 48]), None);
        assert!(point(Curve::P256, &[1; 32]).is_some());
    }
}
