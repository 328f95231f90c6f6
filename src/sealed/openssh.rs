//! OpenSSH's private keys (PROTOCOL.key in its sources), as far as it takes to keep some from age.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Whether age may read it: age 0.12 panics at a number of zero bytes alone, which no key has, and a commit
/// can hold any file. What is no such key is not judged.
pub(super) fn is_readable(file: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(file) else {
        return false;
    };
    let Some((_, key)) = text.split_once(BEGIN) else {
        return true;
    };
    let Some((key, _)) = key.split_once(END) else {
        return false;
    };
    // In its final size: an outgrown buffer would keep a part of the key.
    let mut digits = Zeroizing::new(Vec::with_capacity(key.len()));
    digits.extend(key.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let key = STANDARD.decode(&*digits).map(Zeroizing::new);
    key.is_ok_and(|key| judge(&key).is_some())
}

fn judge(key: &[u8]) -> Option<()> {
    let mut rest = key.strip_prefix(MAGIC)?;
    let cipher = string(&mut rest)?;
    let (_derivation, _options) = (string(&mut rest)?, string(&mut rest)?);
    rest = rest.get(4..)?; // how many keys
    has_no_zero(string(&mut rest)?)?;
    if cipher == b"none" {
        // Behind two equal numbers that tell a right passphrase.
        has_no_zero(string(&mut rest)?.get(8..)?)?;
    }
    Some(())
}

/// Until the padding, which is no string.
fn has_no_zero(mut strings: &[u8]) -> Option<()> {
    while let Some(string) = string(&mut strings) {
        if !string.is_empty() && string.iter().all(|byte| *byte == 0) {
            return None;
        }
    }
    Some(())
}

/// Four bytes of length, and what they say (RFC 4251, section 5).
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (string, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(string)
}
