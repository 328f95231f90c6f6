//! Keys from a seed, and signatures that are the same every time: RustCrypto's arithmetic.
//!
//! ring draws its own randomness, for a key and for an ECDSA signature. What stands here is five times slower
//! at P-256 and a function of its inputs. `schedule.rs` says what follows from what.

use p256::ecdsa::signature::Signer as _;
use zeroize::Zeroizing;

use super::KeyError;
use super::form::{Curve, KeyMaterial};
use super::rsa_key::{Prime, rsa_key};
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

fn rsa(seed: &Seed, purpose: &Purpose<'_>, bits: u32) -> Result<KeyMaterial, KeyError> {
    rsa_key(bits, |prime, counter, start| {
        let what = match prime {
            Prime::P => "prime-p",
            Prime::Q => "prime-q",
        };
        seed.stream(&Purpose { what, ..*purpose }, counter, start);
        Ok(())
    })
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
