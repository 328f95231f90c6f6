//! Key stores in binary forms, told by their first bytes. What a password keeps is not looked into.

use super::der;

/// PKCS#12 1.2.840.113549.1.12.10.1: 1 a key, 2 a key under a password.
const BAGS: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
/// Java's KeyStore: JKS and JCEKS.
const JAVA: [[u8; 4]; 2] = [[0xfe, 0xed, 0xfe, 0xed], [0xce, 0xce, 0xce, 0xce]];

/// The name of a store that has a private key in it; one of certificates alone is none.
pub fn key_store(bytes: &[u8]) -> Option<&'static str> {
    if is_pkcs12(bytes) {
        let at = |at: &[u8]| at.starts_with(&BAGS) && matches!(at.last(), Some(1 | 2));
        return bytes.windows(BAGS.len() + 1).any(at).then_some("PKCS#12");
    }
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    (JAVA.contains(magic) && has_key_entry(rest).unwrap_or(true)).then_some("a Java key store")
}

/// RFC 7292 4: version 3, then the contents.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let version = || der::expect(der::INTEGER, der::only(der::SEQUENCE, bytes)?);
    matches!(version(), Some(([3], rest)) if der::expect(der::SEQUENCE, rest).is_some())
}

/// Version and count, then entries: a tag (1 a key, 2 a certificate), an alias, a date, and what it is.
/// `None`: it cannot be told.
fn has_key_entry(bytes: &[u8]) -> Option<bool> {
    let (_version, rest) = bytes.split_first_chunk::<4>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    for _ in 0..u32::from_be_bytes(*count) {
        let (tag, after) = rest.split_first_chunk::<4>()?;
        if *tag != [0, 0, 0, 2] {
            return Some(true);
        }
        let after = after_text(after)?.get(8..)?;
        let (length, after) = after_text(after)?.split_first_chunk::<4>()?;
        rest = after.get(usize::try_from(u32::from_be_bytes(*length)).ok()?..)?;
    }
    Some(false)
}

/// After a text with its length in two bytes.
fn after_text(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.get(usize::from(u16::from_be_bytes(*length))..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(tags: &[u8]) -> Vec<u8> {
        let entry = |tag: &u8| {
            let head = [0, 0, 0, *tag, 0, 1, b'a', 0, 0, 0, 0, 0, 0, 0, 0];
            [&head[..], &[0, 5], b"X.509", &[0, 0, 0, 2, 1, 2]].concat()
        };
        let count = u8::try_from(tags.len()).unwrap();
        let head = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, count];
        [&head[..], &tags.iter().flat_map(entry).collect::<Vec<_>>()].concat()
    }

    #[test]
    fn a_store_of_certificates_alone_is_no_secret() {
        assert_eq!(key_store(&java(&[2, 2])), None);
        assert_eq!(key_store(&java(&[2, 1])), Some("a Java key store"));
        // Cut off: it may have one.
        assert_eq!(key_store(&java(&[2, 2])[..40]), Some("a Java key store"));
        for other in [&b""[..], b"\x30", b"\x30\x03\x02\x01\x03", b"-----BEGIN"] {
            assert_eq!(key_store(other), None);
        }
    }
}
