//! Secrets that lie open in a file, told by content and not by name: what must not get into a repository.
//!
//! A private key counts with its body: a text that only names the line with which one begins is none. One
//! that is encrypted is not in the clear.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;
use schemars::JsonSchema;
use serde::Serialize;
use zeroize::Zeroizing;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Plaintext {
    /// In PEM, of any kind: PKCS#8, SEC1, PKCS#1, OpenSSH, PGP.
    PrivateKey,
    /// In PEM, and that in base64: a Secret's manifest.
    EncodedPrivateKey,
    /// A kubeconfig with `client-key-data`.
    Kubeconfig,
    /// `AGE-SECRET-KEY-1…`
    AgeIdentity,
}

impl fmt::Display for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Plaintext::PrivateKey => "private key",
            Plaintext::EncodedPrivateKey => "private key in base64",
            Plaintext::Kubeconfig => "kubeconfig with a key",
            Plaintext::AgeIdentity => "age identity",
        })
    }
}

/// Every kind once.
pub fn plaintext_in(bytes: &[u8]) -> BTreeSet<Plaintext> {
    let mut found = BTreeSet::new();
    if has_private_key(bytes) {
        found.insert(Plaintext::PrivateKey);
    }
    if after(bytes, b"client-key-data").any(|rest| starts_with_base64(skip(rest, b"\"':"))) {
        found.insert(Plaintext::Kubeconfig);
    } else if base64_texts(bytes).any(|text| has_private_key(&text)) {
        found.insert(Plaintext::EncodedPrivateKey);
    }
    if after(bytes, AGE_KEY).any(|rest| text_of_age_key(rest).is_some()) {
        found.insert(Plaintext::AgeIdentity);
    }
    found
}

pub(super) const BEGIN: &[u8] = b"-----BEGIN ";
pub(super) const DASHES: &[u8] = b"-----";
pub(super) const AGE_KEY: &[u8] = b"AGE-SECRET-KEY-";
/// The longest label is `ENCRYPTED PRIVATE KEY`, or shorter.
const LABEL: usize = 40;
/// So much base64 is no accident.
const BODY: usize = 16;

fn has_private_key(bytes: &[u8]) -> bool {
    after(bytes, BEGIN).any(|rest| private_key(rest).is_some())
}

/// Label and body of a private key of which this comes after `-----BEGIN `.
pub(super) fn private_key(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let near = rest.get(..LABEL + DASHES.len()).unwrap_or(rest);
    let (label, rest) = rest.split_at(memmem::find(near, DASHES)?);
    let label = label.strip_suffix(b" BLOCK").unwrap_or(label);
    let body = rest.get(DASHES.len()..)?;
    let is_key = label.ends_with(b"PRIVATE KEY") && !label.starts_with(b"ENCRYPTED");
    (is_key && has_body(body)).then_some((label, body))
}

/// Base64 comes next, after line ends (in a JSON or YAML string they are escaped) and headers. The headers of
/// RFC 1421 say that it is encrypted.
fn has_body(mut rest: &[u8]) -> bool {
    for _ in 0..HEADERS {
        rest = skip(rest, b"\"'\\nr+,");
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
        let name = rest.iter().take(HEADER).take_while(is_name).count();
        if rest.get(name) != Some(&b':') {
            break;
        }
        let line = rest.get(..HEADER).unwrap_or(rest);
        let line = line.split(|byte| b"\n\\".contains(byte)).next().unwrap_or(line);
        if memmem::find(line, b"ENCRYPTED").is_some() {
            return false;
        }
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    starts_with_base64(rest)
}

/// So many headers, none of them longer, are before a body.
const HEADERS: usize = 8;
const HEADER: usize = 256;

fn starts_with_base64(rest: &[u8]) -> bool {
    let text = rest.iter().take(BODY);
    text.take_while(|byte| is_base64(**byte)).count() == BODY
}

/// The rest of a bech32 text of 32 bytes, or of more for newer kinds of keys.
pub(super) fn text_of_age_key(rest: &[u8]) -> Option<&[u8]> {
    const LEAST: usize = 50;
    const MOST: usize = 4096;
    let is_part = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'-';
    let length = rest.iter().take(MOST).take_while(is_part).count();
    rest.get(..length).filter(|_| length >= LEAST)
}

/// Shorter words are words.
const LINE: usize = 20;

/// What stands in base64, in one line or in several, decoded.
pub(super) fn base64_texts(bytes: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let decoder = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            rest = rest.get(long_word(rest)?..)?;
            let (text, after) = run(rest);
            rest = after;
            // A last group of one character says nothing.
            let whole = text.len() - usize::from(text.len() % 4 == 1);
            if let Ok(decoded) = decoder.decode(text.get(..whole)?) {
                return Some(Zeroizing::new(decoded));
            }
        }
    })
}

/// Where the first word begins that is no shorter than a line.
fn long_word(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        // From its end: a word that ends in here is too short, and so are those before it.
        let line = bytes.get(start..start + LINE)?;
        match line.iter().rposition(|byte| !is_base64(*byte)) {
            Some(end) => start += end + 1,
            None => return Some(start),
        }
    }
}

fn word(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_base64(**byte)).count()
}

/// A word of base64 and, where it is long, the words of the lines after it.
fn run(bytes: &[u8]) -> (Zeroizing<Vec<u8>>, &[u8]) {
    let mut text = Zeroizing::new(Vec::new());
    let mut rest = bytes;
    loop {
        let length = word(rest);
        let (here, after) = rest.split_at(length);
        text.extend_from_slice(here);
        rest = after;
        let next = rest.trim_ascii_start();
        let goes_on = length >= LINE && next.len() < rest.len() && word(next) > 0;
        if !goes_on {
            return (text, rest);
        }
        rest = next;
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// What follows each place where `needle` stands.
pub(super) fn after<'b>(bytes: &'b [u8], needle: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
    memmem::find_iter(bytes, needle).filter_map(|at| bytes.get(at + needle.len()..))
}

/// Without white space and these characters at the start.
fn skip<'b>(bytes: &'b [u8], characters: &[u8]) -> &'b [u8] {
    let skipped =
        bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || characters.contains(byte));
    bytes.get(skipped.count()..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_word_of_a_line_s_length(text in "([a-c ]{0,12}|[abc]{15,25}|[ .]{1,3}){0,8}") {
            let bytes = text.as_bytes();
            let starts = (0..bytes.len()).filter(|at| *at == 0 || !is_base64(bytes[at - 1]));
            let naive = starts.into_iter().find(|at| word(&bytes[*at..]) >= LINE);
            prop_assert_eq!(long_word(bytes), naive);
        }
    }
}
