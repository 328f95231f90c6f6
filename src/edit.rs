//! Byte-preserving changes: what a person wrote stays as it is, except for the ranges named here.

use std::ops::Range;

/// One range of a text and what stands there afterwards. An empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the old text.
    pub range: Range<usize>,
    pub text: String,
}

impl Edit {
    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Edit { range, text: text.into() }
    }

    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Edit::replace(at..at, text)
    }
}

/// A list of edits that does not fit its text: a mistake of the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("an edit of {0:?} ends outside of the text")]
    OutOfRange(Range<usize>),
    #[error("an edit of {0:?} cuts a character")]
    CutsCharacter(Range<usize>),
    #[error("an edit of {0:?} starts before the one at {1:?} ends")]
    Overlap(Range<usize>, Range<usize>),
}

/// Applies every edit at once; all ranges are of `source`. The list is sorted, and insertions at one
/// place come in the order in which they are given.
pub fn apply(source: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut result = String::with_capacity(source.len());
    let mut last = 0..0;
    for edit in edits {
        let range = edit.range.clone();
        if range.start > range.end || range.end > source.len() {
            return Err(EditError::OutOfRange(range));
        }
        if range.start < last.end {
            return Err(EditError::Overlap(range, last));
        }
        if source.get(range.clone()).is_none() {
            return Err(EditError::CutsCharacter(range));
        }
        // Both ends are boundaries that were checked, so there is always something to take.
        result.push_str(source.get(last.end..range.start).unwrap_or_default());
        result.push_str(&edit.text);
        last = range;
    }
    result.push_str(source.get(last.end..).unwrap_or_default());
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_edit_changes_nothing() {
        assert_eq!(apply("a\r\nü", &[]).unwrap(), "a\r\nü");
        assert_eq!(apply("", &[]).unwrap(), "");
    }

    #[test]
    fn ranges_are_of_the_old_text() {
        let edits = [
            Edit::insert(0, "> "),
            Edit::replace(1..3, ""),
            Edit::replace(3..4, "long text"),
            Edit::insert(6, "!"),
        ];
        assert_eq!(apply("abcdef", &edits).unwrap(), "> along textef!");
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let edits = [Edit::insert(1, "1"), Edit::insert(1, "2"), Edit::replace(1..2, "3")];
        assert_eq!(apply("ab", &edits).unwrap(), "a123");
    }

    #[test]
    fn outside_of_the_text() {
        let outside = apply("ab", &[Edit::insert(3, "")]);
        assert_eq!(outside, Err(EditError::OutOfRange(3..3)));
        #[allow(clippy::reversed_empty_ranges, reason = "the mistake under test")]
        let reversed = apply("ab", &[Edit::replace(2..1, "")]);
        assert!(matches!(reversed, Err(EditError::OutOfRange(_))));
        let far = apply("ab", &[Edit::replace(0..usize::MAX, "")]);
        assert!(matches!(far, Err(EditError::OutOfRange(_))));
    }

    #[test]
    fn overlapping_or_unsorted() {
        let overlap = apply("abc", &[Edit::replace(0..2, ""), Edit::replace(1..3, "")]);
        assert_eq!(overlap, Err(EditError::Overlap(1..3, 0..2)));
        let unsorted = apply("abc", &[Edit::insert(2, ""), Edit::insert(1, "")]);
        assert_eq!(unsorted, Err(EditError::Overlap(1..1, 2..2)));
    }

    #[test]
    fn inside_of_a_character() {
        let cut = apply("aü", &[Edit::insert(2, "x")]);
        assert_eq!(cut, Err(EditError::CutsCharacter(2..2)));
    }
}
