//! Content hashes and their written, versioned encoding.
//!
//! # Encoding, version 1
//!
//! A recipe is a set of named fields. The hash of a recipe is the first 16 bytes of BLAKE3 in its
//! key-derivation mode with the context string [`DERIVATION_CONTEXT`] over, for each field in the byte order
//! of the names:
//!
//! ```text
//! len(name) as u32 LE | name | tag, one byte | len(value) as u64 LE | value
//! ```
//!
//! | tag | value |
//! |---|---|
//! | `t` | text: its UTF-8 bytes |
//! | `n` | integer: u64 LE |
//! | `s` | set of texts: for each in byte order, len as u64 LE, then its bytes |
//! | `h` | another recipe's hash: its 16 bytes |
//!
//! A field at its neutral value is not a field: adding one to the code changes no hash. Variants are
//! written as fixed texts. There are no floats, no times and no ordinals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::json::json_as_text;

/// Names the encoding; a new encoding gets a new string.
pub const DERIVATION_CONTEXT: &str = "kpki derivation encoding v1";

/// Writes bytes as hexadecimal digits, in a buffer that never grows: they may be a secret.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    let mut digits = String::with_capacity(bytes.len() * 2);
    digits.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten());
    digits
}

/// The first 128 bits of a BLAKE3 digest, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of public bytes. Never call it on a secret: a digest of a short secret tells it.
    pub fn of(bytes: &[u8]) -> Self {
        Digest::truncated(&blake3::hash(bytes))
    }

    fn truncated(hash: &blake3::Hash) -> Self {
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        Digest(short)
    }

    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Digest(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        blake3_hex(text, &mut bytes).ok_or("is not a digest of 32 hexadecimal digits")?;
        Ok(Digest(bytes))
    }
}

fn blake3_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
    if text.len() != bytes.len() * 2 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    for (pair, byte) in text.as_bytes().chunks_exact(2).zip(bytes) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(())
}

json_as_text!(Digest);

/// One value of a recipe's field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Integer(u64),
    Set(BTreeSet<String>),
    Recipe(Digest),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Integer(number) => number.fmt(f),
            Value::Recipe(digest) => digest.fmt(f),
            Value::Set(members) => {
                for (index, member) in members.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{member}")?;
                }
                Ok(())
            }
        }
    }
}

/// A recipe's fields: what is hashed, what `why` prints and what the lock keeps are all read from here,
/// so an explanation cannot drift from the hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    /// Neutral when empty.
    pub fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.0.insert(name, Value::Text(value));
        }
        self
    }

    /// Neutral at `neutral`.
    pub fn integer(mut self, name: &'static str, value: u64, neutral: u64) -> Self {
        if value != neutral {
            self.0.insert(name, Value::Integer(value));
        }
        self
    }

    /// Neutral when empty.
    pub fn set(mut self, name: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        let values: BTreeSet<String> = values.into_iter().collect();
        if !values.is_empty() {
            self.0.insert(name, Value::Set(values));
        }
        self
    }

    pub fn recipe(mut self, name: &'static str, value: Digest) -> Self {
        self.0.insert(name, Value::Recipe(value));
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// The hash in the encoding that this module's head writes down.
    pub fn hash(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(DERIVATION_CONTEXT);
        hasher.update(&self.encode());
        Digest::truncated(&hasher.finalize())
    }

    /// What [`hash`](Self::hash) covers.
    pub fn encode(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(256);
        for (name, value) in &self.0 {
            line.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
            line.extend_from_slice(name.as_bytes());
            match value {
                Value::Text(text) => sized(&mut line, b't', text.as_bytes()),
                Value::Integer(number) => sized(&mut line, b'n', &number.to_le_bytes()),
                Value::Recipe(digest) => sized(&mut line, b'h', &digest.0),
                Value::Set(members) => {
                    let mut bytes = Vec::new();
                    for member in members {
                        bytes.extend_from_slice(&(member.len() as u64).to_le_bytes());
                        bytes.extend_from_slice(member.as_bytes());
                    }
                    sized(&mut line, b's', &bytes);
                }
            }
        }
        line
    }
}

fn sized(line: &mut Vec<u8>, tag: u8, value: &[u8]) {
    line.push(tag);
    line.extend_from_slice(&(value.len() as u64).to_le_bytes());
    line.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neutral_field_changes_no_hash() {
        let before = Fields::default().text("subject", "CN=a").integer("revision", 2, 1);
        let after =
            before.clone().text("new-text", "").integer("new-number", 7, 7).set("new-set", []);
        assert_eq!(before.hash(), after.hash());
        assert_ne!(before.hash(), before.clone().integer("new-number", 8, 7).hash());
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        let one = Fields::default().text("a", "bc").hash();
        let other = Fields::default().text("ab", "c").hash();
        assert_ne!(one, other);
        let set = |members: &[&str]| {
            Fields::default().set("s", members.iter().map(ToString::to_string)).hash()
        };
        assert_ne!(set(&["ab", "c"]), set(&["a", "bc"]));
        assert_eq!(set(&["b", "a"]), set(&["a", "b"]));
    }

    /// The encoding of the module's head, spelled out by hand over BLAKE3.
    #[test]
    fn the_encoding_is_the_written_one() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&[3, 0, 0, 0]);
        bytes.extend_from_slice(b"eku");
        bytes.push(b's');
        bytes.extend_from_slice(&[14, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(b"server");
        bytes.extend_from_slice(&[8, 0, 0, 0]);
        bytes.extend_from_slice(b"revision");
        bytes.push(b'n');
        bytes.extend_from_slice(&[8, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        let expected = blake3::Hasher::new_derive_key("kpki derivation encoding v1")
            .update(&bytes)
            .finalize()
            .to_hex();
        let got =
            Fields::default().integer("revision", 2, 1).set("eku", ["server".to_owned()]).hash();
        assert_eq!(got.to_string(), expected.as_str().get(..32).unwrap());
    }
}
