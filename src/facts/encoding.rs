//! Whether bytes are DER to the letter (X.690 8 to 11), as far as Go's parser insists on it.
//!
//! Parsers differ in what else they let pass, and Kubernetes refuses a whole file for one such byte: it must
//! be told where the file is brought, and not when the cluster does not start.

use super::der::{self, Element};

/// Deeper than any certificate; 64 KiB could nest to 16,000.
const DEPTH: usize = 24;

const CONSTRUCTED: u8 = 0x20;
const CLASS: u8 = 0xc0;

/// The error reads after `is not DER: `. All of `input` is one element.
pub fn check(input: &[u8]) -> Result<(), &'static str> {
    match der::split(input) {
        Some((element, [])) => one(element, DEPTH),
        Some(_) => Err("something follows its end"),
        None => Err(BROKEN),
    }
}

const BROKEN: &str = "a length is cut, indefinite or longer than it need be";

fn one(element: Element<'_>, depth: usize) -> Result<(), &'static str> {
    let Element { tag, body, .. } = element;
    if tag & CONSTRUCTED != 0 {
        return if tag & CLASS == 0 && tag != der::SEQUENCE && tag != der::SET {
            Err("a text or number is in pieces")
        } else {
            all(body, depth)
        };
    }
    let (is_right, why) = match tag {
        0x01 => (matches!(body, [0 | 0xff]), "a BOOLEAN is neither 0x00 nor 0xff"),
        der::INTEGER | 0x0a => (is_minimal(body), "a number is longer than it need be"),
        der::BIT_STRING => (has_clean_end(body), "a BIT STRING has bits behind its end"),
        der::NULL => (body.is_empty(), "a NULL is not empty"),
        der::OID => (is_identifier(body), "an OBJECT IDENTIFIER is cut or longer than it need be"),
        0x17 => (is_time(body, 13), "a time is not in seconds and UTC"),
        0x18 => (is_time(body, 15), "a time is not in seconds and UTC"),
        0x00 | 0x10 | 0x11 => (false, "it has a type that is none"),
        _ => (true, ""),
    };
    is_right.then_some(()).ok_or(why)
}

fn all(mut input: &[u8], depth: usize) -> Result<(), &'static str> {
    let depth = depth.checked_sub(1).ok_or("it is nested too deep")?;
    while !input.is_empty() {
        let (element, rest) = der::split(input).ok_or(BROKEN)?;
        one(element, depth)?;
        input = rest;
    }
    Ok(())
}

/// X.690 8.3.2: the first nine bits are not all alike.
fn is_minimal(number: &[u8]) -> bool {
    match number {
        [] => false,
        [0, second, ..] => *second >= 0x80,
        [0xff, second, ..] => *second < 0x80,
        _ => true,
    }
}

/// X.690 8.6.2 and 11.2.1.
fn has_clean_end(bits: &[u8]) -> bool {
    match bits {
        [0] => true,
        [unused @ 0..=7, .., last] => last.trailing_zeros() >= u32::from(*unused),
        _ => false,
    }
}

/// X.690 8.19.2: no number begins with empty bits, and the last one ends.
fn is_identifier(oid: &[u8]) -> bool {
    let mut begins = true;
    let is_minimal = oid.iter().all(|byte| {
        let is_padding = begins && *byte == 0x80;
        begins = *byte < 0x80;
        !is_padding
    });
    is_minimal && begins && !oid.is_empty()
}

/// X.690 11.7 and 11.8; RFC 5280 4.1.2.5 allows no fractions.
fn is_time(text: &[u8], length: usize) -> bool {
    let digits = text.strip_suffix(b"Z");
    text.len() == length && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, from X.690.
    #[test]
    fn only_one_form_is_der() {
        for (bytes, is_der) in [
            (&[0x30, 0][..], true),
            (&[0x30, 3, 2, 1, 0], true),
            (&[0x30, 3, 2, 1, 0, 0], false),
            (&[0x30, 0x81, 3, 2, 1, 0], false),
            (&[0x30, 0x82, 0, 3, 2, 1, 0], false),
            (&[0x30, 0x83, 0, 0, 3, 2, 1, 0], false),
            (&[0x30, 0x80, 2, 1, 0, 0, 0], false),
            (&[0x30, 4, 2, 1, 0], false),
            (&[0x30, 2, 2, 0], false),
            (&[2, 2, 0, 0x7f], false),
            (&[2, 2, 0, 0x80], true),
            (&[2, 2, 0xff, 0x80], false),
            (&[2, 2, 0xff, 0x7f], true),
            (&[1, 1, 0], true),
            (&[1, 1, 0xff], true),
            (&[1, 1, 1], false),
            (&[1, 2, 0, 0], false),
            (&[5, 0], true),
            (&[5, 1, 0], false),
            (&[3, 1, 0], true),
            (&[3, 1, 1], false),
            (&[3, 0], false),
            (&[3, 2, 5, 0xa0], true),
            (&[3, 2, 5, 0xa1], false),
            (&[3, 2, 8, 0], false),
            (&[6, 3, 0x55, 4, 3], true),
            (&[6, 4, 0x55, 0x80, 4, 3], false),
            (&[6, 3, 0x55, 4, 0x83], false),
            (&[6, 0], false),
            // A UTF8String and an OCTET STRING in pieces.
            (&[0x2c, 3, 0x0c, 1, b'a'], false),
            (&[0x24, 3, 4, 1, b'a'], false),
            // A SEQUENCE that is said to hold no elements, and a tag of more than one byte.
            (&[0x10, 0], false),
            (&[0xbf, 0x1f, 0], false),
            (&[0xa0, 3, 2, 1, 0], true),
            (&[0xa0, 4, 2, 2, 0, 1], false),
            (&[0x17, 5, b'2', b'6', b'0', b'1', b'Z'], false),
        ] {
            assert_eq!(check(bytes).is_ok(), is_der, "{bytes:02x?}");
        }
        let time = |tag, text: &str| check(&der::element(tag, &[text.as_bytes()])).is_ok();
        assert!(time(0x17, "260101000000Z"));
        assert!(!time(0x17, "2601010000Z"));
        assert!(!time(0x17, "260101000000+0000"));
        assert!(time(0x18, "20500101000000Z"));
        assert!(!time(0x18, "20500101000000.5Z"));
    }

    #[test]
    fn depth_has_an_end() {
        let nested =
            |levels| (0..levels).fold(vec![5, 0], |inner, _| der::element(0x30, &[&inner]));
        assert!(check(&nested(20)).is_ok());
        assert!(check(&nested(5000)).is_err());
    }
}
