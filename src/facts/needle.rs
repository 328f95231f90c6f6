//! Where a few bytes stand among many (Horspool, "Practical fast searching in strings", 1980): every file of
//! a tree is looked through for several.

pub(super) struct Needle<'n> {
    bytes: &'n [u8],
    /// By the byte that lies under the needle's last one: how far the needle may be moved on.
    moves: [u8; 256],
}

impl<'n> Needle<'n> {
    pub fn new(bytes: &'n [u8]) -> Self {
        // A longer needle is moved on less than it could be.
        let far = |distance: usize| u8::try_from(distance).unwrap_or(u8::MAX);
        let mut moves = [far(bytes.len()); 256];
        for (distance, byte) in bytes.iter().rev().enumerate().skip(1) {
            if let Some(known) = moves.get_mut(usize::from(*byte)) {
                *known = far(distance).min(*known);
            }
        }
        Needle { bytes, moves }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// An empty one stands nowhere.
    pub fn position(&self, bytes: &[u8]) -> Option<usize> {
        let last = self.bytes.last()?;
        let mut at = 0;
        loop {
            let here = bytes.get(at..at + self.bytes.len())?;
            let end = here.last()?;
            if end == last && here == self.bytes {
                return Some(at);
            }
            at += usize::from(*self.moves.get(usize::from(*end))?);
        }
    }
}

/// Whether the part stands anywhere in it.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    Needle::new(part).position(bytes).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_place() {
        for (bytes, needle, at) in [
            (&b""[..], &b"a"[..], None),
            (b"a", b"", None),
            (b"a", b"a", Some(0)),
            (b"ba", b"a", Some(1)),
            (b"--------BEGIN ", b"-----BEGIN ", Some(3)),
            (b"-----BEGIN", b"-----BEGIN ", None),
            (b"abcabcabd", b"abcabd", Some(3)),
            (b"aaab", b"aab", Some(1)),
        ] {
            assert_eq!(Needle::new(needle).position(bytes), at, "{bytes:?} {needle:?}");
        }
        let long = [vec![b'x'; 300], vec![b'y']].concat();
        let hay = [vec![b'x'; 700], vec![b'y']].concat();
        assert_eq!(Needle::new(&long).position(&hay), Some(400));
        assert!(contains(&hay, b"xy") && !contains(&hay, b"yx"));
    }

    proptest! {
        #[test]
        fn as_a_look_at_every_place(hay in "[abc]{0,60}", needle in "[abc]{1,5}") {
            let found = Needle::new(needle.as_bytes()).position(hay.as_bytes());
            prop_assert_eq!(found, hay.find(&needle));
        }
    }
}
