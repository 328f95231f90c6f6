//! How every key and serial number of a reproducible cluster follows from its seed.
//!
//! # The schedule, version 2: frozen
//!
//! A stream is the extended output of BLAKE3 in its key-derivation mode with the context string
//! [`CONTEXT`] over these texts, each after its length in bytes as u64 LE:
//!
//! ```text
//! seed | cluster's name | purpose | name | detail | revision | counter in decimal
//! ```
//!
//! By purpose, name, detail and revision:
//!
//! - An ECDSA key (`key`, artifact, `ecdsa-p256` or `ecdsa-p384`, revision) takes 32 or 48 bytes as a scalar;
//!   if it is 0 or too large, the next counter (FIPS 186-5 A.2.2).
//! - An Ed25519 key (`key`, artifact, `ed25519`, revision) takes 32 bytes: the private key of RFC 8032.
//! - An RSA prime (`prime-p` or `prime-q`, artifact, `rsa-2048` …, revision) takes half as many bits, the two
//!   highest and the lowest set: where the search starts.
//! - A serial number (`serial`, the issuer's public key (DER, hexadecimal BLAKE3), the certificate without it
//!   (likewise), empty) takes 16 bytes, the first `& 0x7f | 0x40`.
//!
//! An RSA prime is the first number p at or after the start, in steps of two, that is prime with p - 1 no
//! multiple of 65537; if it outgrows its bits, or both primes share their first 100 bits (FIPS 186-5 A.1.3),
//! the next counter. The larger one is p. So a key depends on mathematics only, never on how a library draws
//! candidates.
//!
//! The serial number follows from everything else that the certificate says: whatever is equal has an equal
//! one, and nothing else has.
//!
//! The name keeps clusters apart that are given one seed: neither's administrator is the other's. Version 1
//! had no name.

use zeroize::Zeroize as _;

use super::seed_pattern::pattern;
use crate::facts::PublicKey;
use crate::hash::Digest;
use crate::secret::Secret;

pub const CONTEXT: &str = "kpki 2026-11-27 reproducible key schedule v2";
const ID_CONTEXT: &str = "kpki 2026-11-27 seed identifier v2";

/// What all keys of a reproducible cluster follow from: at least 128 bits, and the cluster's name.
#[derive(Clone)]
pub struct Seed {
    bytes: Secret,
    cluster: Box<str>,
}

/// 128 bits, in hexadecimal digits.
const SHORTEST: usize = 32;

impl Seed {
    /// One line of hexadecimal digits; lines that start with `#` and empty ones do not count.
    pub fn parse(file: &[u8], cluster: &str) -> Result<Seed, &'static str> {
        let is_text = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
        let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(is_text);
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
            match (value(*high), value(*low)) {
                (Some(high), Some(low)) => bytes.push(high << 4 | low),
                _ => return Err("is not one line of hexadecimal digits"),
            }
        }
        let seed = Seed { bytes: Secret::new(bytes), cluster: cluster.into() };
        if !rest.is_empty() {
            return Err("has half a byte at its end");
        }
        match pattern(seed.bytes.expose()) {
            Some(why) => Err(why),
            None => Ok(seed),
        }
    }

    /// The same seed for a cluster of another name.
    pub fn of_cluster(&self, name: &str) -> Seed {
        Seed { cluster: name.into(), ..self.clone() }
    }

    /// Tells seeds of named clusters apart and nothing else: it may be published, and does not show that two
    /// clusters share a seed.
    pub fn id(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
        field(&mut hasher, self.bytes.expose());
        field(&mut hasher, self.cluster.as_bytes());
        let id = Digest::of(hasher.finalize().as_bytes());
        hasher.zeroize();
        id
    }

    pub(super) fn stream(&self, purpose: &Purpose<'_>, counter: u32, out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        field(&mut hasher, self.bytes.expose());
        field(&mut hasher, self.cluster.as_bytes());
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
    pub fn serial(&self, issuer: &PublicKey, draft: &[u8]) -> [u8; 16] {
        let hex = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let (issuer, draft) = (hex(issuer.spki()), hex(draft));
        let purpose = Purpose { what: "serial", name: &issuer, detail: &draft, revision: "" };
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

fn value(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "8a1d03f5c94e7b2260de91af38c75b14";

    #[test]
    fn a_seed_is_one_line_of_at_least_128_bits() {
        for text in [
            OK.to_owned(),
            format!("{OK}\n"),
            format!("# a comment\n\n{OK}\r\n"),
            OK.to_uppercase(),
            format!("{OK}f07e5c1290b4a3d86e"),
        ] {
            assert!(Seed::parse(text.as_bytes(), "lab").is_ok(), "{text}");
        }
        let short: String = OK.chars().take(30).collect();
        for (text, why) in [
            (String::new(), "is not one line"),
            ("# nothing\n".into(), "is not one line"),
            (format!("{OK}\n{OK}\n"), "is not one line"),
            (format!("{short}zz"), "is not one line"),
            (short, "is shorter than 128 bits"),
            (format!("{OK}0"), "has half a byte"),
            ("0".repeat(64), "repeats itself"),
            (format!("{OK}{OK}"), "repeats itself"),
        ] {
            let error = Seed::parse(text.as_bytes(), "lab").err().unwrap();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }

    #[test]
    fn its_identifier_tells_seeds_and_clusters_apart() {
        let id = |text: &str, cluster| Seed::parse(text.as_bytes(), cluster).ok().unwrap().id();
        let other = OK.replace('f', "e");
        assert_eq!(id(OK, "lab"), id(&OK.to_uppercase(), "lab"));
        assert_ne!(id(OK, "lab"), id(&other, "lab"));
        assert_ne!(id(OK, "lab"), id(&format!("{OK}00"), "lab"));
        assert_ne!(id(OK, "lab"), id(OK, "prod"));
        let renamed = Seed::parse(OK.as_bytes(), "lab").ok().unwrap().of_cluster("prod");
        assert_eq!(renamed.id(), id(OK, "prod"));
    }
}
