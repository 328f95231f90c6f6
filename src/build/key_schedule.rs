//! How every key and serial number of a reproducible cluster follows from its seed.
//!
//! # The schedule, version 1: frozen
//!
//! A stream is the extended output of BLAKE3 in its key-derivation mode with the context string
//! [`CONTEXT`] over these texts, each after its length in bytes as u64 LE:
//!
//! ```text
//! seed | purpose | name | detail | revision | counter in decimal
//! ```
//!
//! | what | purpose, name, detail, revision | from the stream |
//! |---|---|---|
//! | ECDSA key | `key`, artifact, `ecdsa-p256` or `ecdsa-p384`, revision | 32 or 48 bytes as a scalar; if it is 0 or too large, the next counter (FIPS 186-5 A.2.2) |
//! | Ed25519 key | `key`, artifact, `ed25519`, revision | 32 bytes: the private key of RFC 8032 |
//! | RSA prime | `prime-p` or `prime-q`, artifact, `rsa-2048` …, revision | half as many bits, the two highest and the lowest set: where the search starts |
//! | serial number | `serial`, the issuer's public key (DER, hexadecimal BLAKE3), the certificate without it (likewise), empty | 16 bytes, the first `& 0x7f \| 0x40` |
//!
//! An RSA prime is the first number p at or after the start, in steps of two, that is prime with p - 1 no multiple of
//! 65537; if it outgrows its bits, or both primes share their first 100 bits (FIPS 186-5 A.1.3), the next counter.
//! The larger one is p. So a key depends on mathematics only, never on how a library draws candidates.
//!
//! The serial number follows from everything else that the certificate says: whatever is equal has an equal one, and
//! nothing else has.

use zeroize::Zeroize as _;

use crate::facts::PublicKey;
use crate::hash::Digest;
use crate::secret::Secret;

pub const CONTEXT: &str = "kpki 2026-11-24 reproducible key schedule v1";
const ID_CONTEXT: &str = "kpki 2026-11-24 seed identifier v1";

/// What all keys of a reproducible cluster follow from: at least 128 bits.
#[derive(Clone)]
pub struct Seed(Secret);

/// 128 bits, in hexadecimal digits.
const SHORTEST: usize = 32;

impl Seed {
    /// One line of hexadecimal digits; lines that start with `#` and empty ones do not count.
    pub fn parse(file: &[u8]) -> Result<Seed, &'static str> {
        let is_text = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
        let mut lines = file
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(is_text);
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err("is not one line of hexadecimal digits");
        };
        if line.len() < SHORTEST {
            return Err("is shorter than 128 bits (32 hexadecimal digits)");
        }
        // Allocated once, so that nothing is left behind by growing.
        let mut bytes = Vec::with_capacity(line.len() / 2);
        let (pairs, rest) = line.as_chunks::<2>();
        for [high, low] in pairs {
            match (hexadecimal(*high), hexadecimal(*low)) {
                (Some(high), Some(low)) => bytes.push(high << 4 | low),
                _ => return Err("is not one line of hexadecimal digits"),
            }
        }
        let seed = Seed(Secret::new(bytes));
        let bytes = seed.0.expose();
        if !rest.is_empty() {
            return Err("has half a byte at its end");
        }
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err("is one byte again and again, which anybody guesses");
        }
        Ok(seed)
    }

    /// Tells seeds apart and nothing else: it may be published.
    pub fn id(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
        field(&mut hasher, self.0.expose());
        let id = Digest::of(hasher.finalize().as_bytes());
        hasher.zeroize();
        id
    }

    pub(super) fn stream(&self, purpose: &Purpose<'_>, counter: u32, out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        field(&mut hasher, self.0.expose());
        for text in [purpose.what, purpose.name, purpose.detail, purpose.revision] {
            field(&mut hasher, text.as_bytes());
        }
        field(&mut hasher, counter.to_string().as_bytes());
        let mut reader = hasher.finalize_xof();
        reader.fill(out);
        reader.zeroize();
        hasher.zeroize();
    }

    /// A certificate's serial number, from its to-be-signed part with any other one in its place.
    pub(super) fn serial(&self, issuer: &PublicKey, draft: &[u8]) -> [u8; 16] {
        let hex = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let (issuer, draft) = (hex(issuer.spki()), hex(draft));
        let purpose = Purpose {
            what: "serial",
            name: &issuer,
            detail: &draft,
            revision: "",
        };
        let mut serial = [0; 16];
        self.stream(&purpose, 0, &mut serial);
        let [first, ..] = &mut serial;
        *first = *first & 0x7f | 0x40;
        serial
    }
}

/// What a stream is for.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    pub what: &'static str,
    pub name: &'a str,
    pub detail: &'a str,
    pub revision: &'a str,
}

fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn hexadecimal(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_one_line_of_at_least_128_bits() {
        let ok = "00112233445566778899aabbccddeeff";
        let short = "00112233445566778899aabbccddee";
        for text in [
            ok.to_owned(),
            format!("{ok}\n"),
            format!("# a comment\n\n{ok}\r\n"),
            ok.to_uppercase(),
            format!("{ok}{ok}"),
        ] {
            assert!(Seed::parse(text.as_bytes()).is_ok(), "{text}");
        }
        for (text, why) in [
            (String::new(), "is not one line"),
            ("# nothing\n".into(), "is not one line"),
            (format!("{ok}\n{ok}\n"), "is not one line"),
            (format!("{short}zz"), "is not one line"),
            (short.into(), "is shorter than 128 bits"),
            (format!("{ok}0"), "has half a byte"),
            ("0".repeat(64), "one byte again and again"),
            ("ab".repeat(32), "one byte again and again"),
        ] {
            let error = Seed::parse(text.as_bytes()).err().unwrap();
            assert!(
                error.starts_with(why) || error.contains(why),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn its_identifier_tells_seeds_apart() {
        let id = |text: &str| Seed::parse(text.as_bytes()).ok().unwrap().id();
        let one = "00112233445566778899aabbccddeeff";
        assert_eq!(id(one), id(&one.to_uppercase()));
        assert_ne!(id(one), id("00112233445566778899aabbccddeefe"));
        assert_ne!(id(one), id(&format!("{one}00")));
    }
}
