//! The little DER that kpki reads and writes itself: one element at a time (X.690 8.1, 10.1).

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const UTF8_STRING: u8 = 0x0c;
pub const PRINTABLE_STRING: u8 = 0x13;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// The tag `[number]` of an element that holds others.
pub const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// One element: its tag, what it holds, and all of it with tag and length.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    pub body: &'a [u8],
    pub whole: &'a [u8],
}

/// The first element of `input` and what follows it. A length has the one form that DER allows (X.690 10.1),
/// and a tag is one byte, as all are that certificates and keys have.
pub fn split(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        // Three bytes of length are 16 MiB, more than any limit on input lets in.
        let count = usize::from(first & 0x7f);
        if !(1..=3).contains(&count) {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        let length = bytes.iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
        if bytes.first() == Some(&0) || length < 0x80 {
            return None;
        }
        (length, rest)
    };
    let (body, after) = rest.split_at_checked(length)?;
    let whole = input.get(..input.len() - after.len())?;
    Some((Element { tag, body, whole }, after))
}

/// What the first element of `input` holds, if it has this tag; and what follows it.
pub fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (element, rest) = split(input)?;
    (element.tag == tag).then_some((element.body, rest))
}

/// What the one element of `input` holds; nothing may follow it.
pub fn only(tag: u8, input: &[u8]) -> Option<&[u8]> {
    let (body, rest) = expect(tag, input)?;
    rest.is_empty().then_some(body)
}

/// All elements of `input`, one after the other.
pub fn elements(mut input: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        let (element, rest) = split(input)?;
        all.push(element);
        input = rest;
    }
    Some(all)
}

/// An INTEGER's content that is not negative; the largest number there is where it is no less.
pub fn unsigned(number: &[u8]) -> Option<u32> {
    if number.first()? & 0x80 != 0 || number.len() > 8 {
        return None;
    }
    let number = number.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

/// An element that holds `parts`, one after the other.
///
/// The buffer is made in its final size, so that nothing secret stays behind in an outgrown one.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 2 + size_of::<usize>());
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let zeros = bytes.iter().take_while(|b| **b == 0).count();
            let count = bytes.len() - zeros;
            out.push(0x80 | u8::try_from(count).unwrap_or(0));
            out.extend(bytes.iter().skip(zeros));
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(tag in 0_u8..0x1f, class in 0_u8..8, body in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let tag = class << 5 | tag;
            let whole = element(tag, &[&body]);
            let (read, rest) = split(&whole).unwrap();
            prop_assert_eq!((read.tag, read.body, read.whole), (tag, &body[..], &whole[..]));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut rest = &bytes[..];
            while let Some((_, after)) = split(rest) {
                rest = after;
            }
        }
    }
}
