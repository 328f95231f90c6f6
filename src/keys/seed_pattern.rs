//! What nobody drew: seeds that a person types or copies, and that others try first.
//!
//! Each rule refuses a random seed less than once in ten million times.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

/// Why these bytes are a pattern; reads after the file's name. They are at least 16.
pub(super) fn pattern(bytes: &[u8]) -> Option<&'static str> {
    // They are the seed, too.
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = Zeroizing::new(digits.collect::<Vec<u8>>());
    if repeats(&digits) {
        Some("repeats itself, which anybody guesses")
    } else if counts(bytes, 256, 3) || counts(&digits, 16, 2) {
        Some("counts in regular steps, which anybody guesses")
    } else if is_poor(bytes) {
        Some("has too few different bytes to be random")
    } else {
        None
    }
}

/// The whole is some beginning of at most half its length, again and again.
fn repeats(digits: &[u8]) -> bool {
    let again = |period: usize| {
        let later = digits.iter().skip(period);
        later.zip(digits).all(|(later, earlier)| later == earlier)
    };
    (1..=digits.len() / 2).any(again)
}

/// More than one in `few` steps from a value to the next, or to the one after that, up to four further, are
/// equal: runs, counters up and down, several of them in turn.
fn counts(values: &[u8], modulus: u16, few: usize) -> bool {
    (1..=4).any(|apart| {
        let mut steps = vec![0_usize; usize::from(modulus)];
        for (from, to) in values.iter().zip(values.iter().skip(apart)) {
            let step = (u16::from(*to) + modulus - u16::from(*from)) % modulus;
            if let Some(count) = steps.get_mut(usize::from(step)) {
                *count += 1;
            }
        }
        let most = steps.iter().max().copied().unwrap_or_default();
        most * few > values.len().saturating_sub(apart)
    })
}

/// Of 16 random bytes all but one or two differ from each other, and of 128 still three in four.
fn is_poor(bytes: &[u8]) -> bool {
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    different.len() <= (bytes.len() / 2).min(64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Entropy;

    fn of_hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
        let (pairs, _) = digits.as_chunks::<2>();
        pairs.iter().map(|[high, low]| high << 4 | low).collect()
    }

    #[test]
    fn what_a_person_types_is_found() {
        for text in [
            "00000000000000000000000000000000",
            "abababababababababababababababab",
            "deadbeefdeadbeefdeadbeefdeadbeef",
            "0123456789abcdef0123456789abcdef",
            "0123456789ABCDEF0123456789ABCDEF",
            "fedcba9876543210fedcba9876543210",
            "0123456789abcdeffedcba9876543210",
            "123456789012345678901234567890123456",
            "12345678901234567890123456789012",
            "123123123123123123123123123123123123",
            "000102030405060708090a0b0c0d0e0f",
            "0f0e0d0c0b0a09080706050403020100",
            "101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff",
            "ffeeddccbbaa99887766554433221100",
            "00ff01fe02fd03fc04fb05fa06f907f8",
            "00000001000000020000000300000004",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            // The digits 0 to f as ASCII.
            "30313233343536373839616263646566",
            "3031323334353637383961626364656630313233343536373839616263646566",
            // "aaaabbbbccccdddd", "abcdefghijklmnop", "passwordpassword"
            "61616161626262626363636364646464",
            "6162636465666768696a6b6c6d6e6f70",
            "70617373776f726470617373776f7264",
            "00000000000000000000000000000001",
            "80000000000000000000000000000000",
            "11111111222222223333333344444444",
            "deadbeefcafebabedeadbeefcafebabe",
            "8a1d03f5c94e7b2260de91af38c75b148a1d03f5c94e7b2260de91af38c75b14",
        ] {
            assert!(pattern(&of_hex(text)).is_some(), "{text}");
        }
    }

    /// NIST's and RFCs' test vectors that look random, and what is drawn.
    #[test]
    fn what_is_drawn_is_not() {
        for text in [
            // RFC 8032 7.1, RFC 7748 6.1, RFC 6979 A.2.5
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "77076d0a7318a57d3c16c17251b26645",
            "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        ] {
            assert_eq!(pattern(&of_hex(text)), None, "{text}");
        }
        let entropy = Entropy::system();
        for length in [16, 17, 20, 24, 32, 48, 64, 128, 512, 2000] {
            for _ in 0..100 {
                let mut bytes = vec![0; length];
                entropy.fill(&mut bytes).unwrap();
                assert_eq!(pattern(&bytes), None, "{bytes:?}");
            }
        }
    }
}
