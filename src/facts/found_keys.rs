//! The private keys of a file that has them in the clear, wherever in it they stand: what
//! [`super::plaintext`] finds, brought into a form that can be read.

use zeroize::Zeroizing;

use super::plaintext::{AGE_KEY, BEGIN, DASHES, after, base64_texts, private_key, text_of_age_key};
use crate::secret::Secret;

/// A longer body is none of a key.
const BODY: usize = 64 << 10;

/// Keys in PEM, a block each, and identities of age, a line each.
pub fn private_keys_in(bytes: &[u8]) -> Vec<Secret> {
    let mut found: Vec<Secret> = pem_blocks(bytes).collect();
    // As in a kubeconfig or in a Secret.
    for text in base64_texts(bytes) {
        found.extend(pem_blocks(&text));
    }
    let identities = after(bytes, AGE_KEY).filter_map(text_of_age_key);
    found.extend(identities.map(|rest| Secret::new([AGE_KEY, rest].concat())));
    found
}

fn pem_blocks(bytes: &[u8]) -> impl Iterator<Item = Secret> {
    after(bytes, BEGIN).filter_map(private_key).map(pem)
}

/// What may be escaped, indented or folded, in lines of its own.
fn pem((label, body): (&[u8], &[u8])) -> Secret {
    let end = body.len().min(BODY);
    let body = body.get(..end).unwrap_or(body);
    let end = body.windows(DASHES.len()).position(|at| at == DASHES);
    let body = body.get(..end.unwrap_or(body.len())).unwrap_or(body);
    // In its final size: an outgrown buffer would keep a part of the key.
    let room = body.len() + body.len() / LINE + 2 * (label.len() + BEGIN.len() + DASHES.len()) + 8;
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    for part in [BEGIN, label, DASHES, b"\n"] {
        text.extend_from_slice(part);
    }
    let mut bytes = body.iter();
    let mut column = 0;
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' {
            // A line's end in a string, as JSON and YAML write it.
            bytes.next();
        } else if byte.is_ascii_alphanumeric() || b"+/=".contains(byte) {
            text.push(*byte);
            column += 1;
            if column % LINE == 0 {
                text.push(b'\n');
            }
        }
    }
    for part in [b"\n-----END ", label, DASHES, b"\n"] {
        text.extend_from_slice(part);
    }
    Secret::new(std::mem::take(&mut *text))
}

const LINE: usize = 64;
