//! The text of an attribute of a name, as Go's crypto/x509 reads it (`parseASN1String` in its parser.go).
//!
//! Kubernetes is Go, so what Go reads is what a name says, and a certificate with a value that Go does not
//! read is none to Kubernetes. Nothing here guesses: what is read in two ways by two versions of Go is not
//! read.

use super::der;

const NUMERIC_STRING: u8 = 0x12;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;

/// What a value says. The error reads after the attribute's name: `CN is a UniversalString`.
pub fn decode(tag: u8, value: &[u8]) -> Result<String, String> {
    let is_text = match tag {
        der::PRINTABLE_STRING => value.iter().copied().all(is_printable_in_go),
        NUMERIC_STRING => value.iter().all(|b| b.is_ascii_digit() || *b == b' '),
        IA5_STRING => value.is_ascii(),
        // Latin-1 to newer versions of Go, the bytes as they are to older ones.
        T61_STRING if !value.is_ascii() => {
            return Err("is a T61String beyond ASCII, which versions of Go read differently".into());
        }
        der::UTF8_STRING | T61_STRING => true,
        BMP_STRING => return basic_plane(value).ok_or_else(|| broken(tag)),
        _ => return Err(format!("is {}", kind(tag))),
    };
    let text = is_text.then(|| String::from_utf8(value.to_vec()).ok());
    text.flatten().ok_or_else(|| broken(tag))
}

/// Whether every reader there is takes it for the same text (RFC 5280 4.1.2.4 asks for these two).
pub fn is_usual(tag: u8) -> bool {
    matches!(tag, der::UTF8_STRING | der::PRINTABLE_STRING)
}

/// X.680 41.4: the characters of a PrintableString.
pub fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

/// With an article: `a BMPString`.
pub fn kind(tag: u8) -> String {
    match tag {
        der::INTEGER => "an INTEGER".into(),
        der::BIT_STRING => "a BIT STRING".into(),
        der::OCTET_STRING => "an OCTET STRING".into(),
        der::UTF8_STRING => "a UTF8String".into(),
        NUMERIC_STRING => "a NumericString".into(),
        der::PRINTABLE_STRING => "a PrintableString".into(),
        T61_STRING => "a T61String".into(),
        IA5_STRING => "an IA5String".into(),
        0x1a => "a VisibleString".into(),
        0x1b => "a GeneralString".into(),
        0x1c => "a UniversalString".into(),
        BMP_STRING => "a BMPString".into(),
        _ => format!("of the ASN.1 type {tag:#04x}"),
    }
}

fn broken(tag: u8) -> String {
    format!("is {} with a character that has no place there", kind(tag))
}

/// Wildcards and ampersands are in too many certificates for Go to refuse them.
fn is_printable_in_go(byte: u8) -> bool {
    is_printable(byte) || b"*&".contains(&byte)
}

/// Two bytes a character, without those that UTF-16 uses for others and those that are none; a zero at the
/// end is no part of it.
fn basic_plane(value: &[u8]) -> Option<String> {
    let value = value.strip_suffix(&[0, 0]).unwrap_or(value);
    let (pairs, rest) = value.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let character = |pair: &[u8; 2]| {
        let point = u32::from(u16::from_be_bytes(*pair));
        let is_none = matches!(point, 0xfdd0..=0xfdef | 0xfffe | 0xffff);
        char::from_u32(point).filter(|_| !is_none)
    };
    pairs.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, from parseASN1String of Go 1.25.
    #[test]
    fn texts_are_what_go_reads() {
        for (tag, value, text) in [
            (0x0c, "é".as_bytes(), Some("é")),
            (0x0c, b"\xe9", None),
            (0x0c, b"\xc0\x80", None),
            (0x0c, b"", Some("")),
            (0x13, b"system:node:w1", Some("system:node:w1")),
            (0x13, b"*.lab & co", Some("*.lab & co")),
            (0x13, b"a@b", None),
            (0x13, b"a_b", None),
            (0x13, "é".as_bytes(), None),
            (0x12, b"12 3", Some("12 3")),
            (0x12, b"12a", None),
            (0x16, b"a@b", Some("a@b")),
            (0x16, b"\x80", None),
            (0x14, b"dev", Some("dev")),
            // "é" in old versions of Go, "Ã©" in new ones.
            (0x14, "é".as_bytes(), None),
            (0x1e, b"\0a\x20\xac", Some("a\u{20ac}")),
            (0x1e, b"\0a\0\0", Some("a")),
            (0x1e, b"\0a\0", None),
            (0x1e, b"\xd8\x3d\xde\x00", None),
            (0x1e, b"\xfd\xd0", None),
            (0x1e, b"\xff\xff", None),
            (0x1c, b"\0\0\0a", None),
            (0x1a, b"a", None),
            (0x1b, b"a", None),
            (0x04, b"a", None),
            (0x02, b"\x01", None),
            (0x03, b"\0a", None),
            (0x80, b"a", None),
            (0x2c, b"\x0c\x01a", None),
        ] {
            let read = decode(tag, value).ok();
            assert_eq!(read.as_deref(), text, "{tag:#04x} {value:02x?}");
        }
    }
}
