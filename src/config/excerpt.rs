//! Lines of a file as a report shows them: character for character, so that a mark stays under what it marks.

use crate::visible::{excerpt, holds_key, is_end_of_key, masked};

pub struct Excerpt {
    pub text: String,
    /// Something was put in the place of what may be a key.
    pub hides_key: bool,
    /// Where the original lines begin, and where in `text`.
    starts: Vec<(usize, usize)>,
}

/// Bytes on each side of a mark: more than a report shows of one line, less than a line may have.
const AROUND: usize = 1024;

impl Excerpt {
    /// `before` is the line before the first one; of a long line only what is near a mark counts.
    pub fn of<'t>(text: &'t str, mut before: &'t str, marks: &[usize]) -> Self {
        let mut all = Excerpt {
            text: String::with_capacity(text.len().min(8 * AROUND)),
            hides_key: false,
            starts: Vec::new(),
        };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            all.starts.push((start, all.text.len()));
            let end = start + line.len();
            let near = || {
                let inside = marks.iter().filter(|mark| (start..=end).contains(*mark));
                inside.map(|mark| mark - start)
            };
            let from = near().min().unwrap_or(0).saturating_sub(AROUND);
            let to = near().max().unwrap_or(0).saturating_add(AROUND);
            let (from, to) = (line.floor_char_boundary(from), line.ceil_char_boundary(to));
            let head = line.get(..from).unwrap_or("").chars().count();
            all.text.extend(std::iter::repeat_n('.', head));
            all.push(line.get(from..to).unwrap_or(""), before);
            if to < line.len() && line.ends_with('\n') {
                all.text.push('\n');
            }
            before = line;
            start = end;
        }
        all
    }

    fn push(&mut self, line: &str, before: &str) {
        let before = before.get(..before.floor_char_boundary(AROUND)).unwrap_or("");
        let is_end = is_end_of_key(line, before);
        if is_end || holds_key(line) {
            self.hides_key = true;
            self.text.push_str(&excerpt(&masked(line, is_end)));
        } else {
            self.text.push_str(&excerpt(line));
        }
    }

    /// Where the character at `offset` of the original stands.
    pub fn offset(&self, original: &str, offset: usize) -> usize {
        let line = self.starts.partition_point(|(start, _)| *start <= offset);
        let Some((start, shown)) = self.starts.get(line.saturating_sub(1)).copied() else {
            return 0;
        };
        let end = self.starts.get(line).map_or(self.text.len(), |(_, next)| *next);
        let count = original.get(start..offset).map_or(usize::MAX, |head| head.chars().count());
        let shown_line = self.text.get(shown..end).unwrap_or("").trim_end_matches('\n');
        let there = shown_line.char_indices().nth(count);
        shown + there.map_or(shown_line.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stay_where_they_are() {
        let text = "a\u{9b}é \u{202e}東\u{e0041}x\r\nb";
        let shown = Excerpt::of(text, "", &[]);
        assert_eq!(shown.text, "a\u{fffd}é \u{fffd}東\u{fffd}x\r\nb");
        assert!(!shown.hides_key);
        for (offset, c) in text.char_indices() {
            let there = shown.text.get(shown.offset(text, offset)..).unwrap();
            let there = there.chars().next().unwrap();
            assert!(there == c || there == '\u{fffd}' || c == '\r', "{c:?}");
        }
        assert_eq!(shown.offset(text, text.len()), shown.text.len());
        assert_eq!(shown.offset(text, 999), shown.text.len());
    }

    #[test]
    fn of_a_long_line_only_the_part_around_a_mark_is_read_and_columns_stay() {
        let text = format!("first\n{}é\u{9b}X{}\nlast", "東".repeat(9000), "y".repeat(9000));
        let mark = text.find('X').unwrap();
        let shown = Excerpt::of(&text, "", &[mark]);
        assert!(shown.text.len() < 9000 + 4 * AROUND, "{}", shown.text.len());
        let there = shown.offset(&text, mark);
        assert!(shown.text.get(there..).unwrap().starts_with("Xyyy"));
        let column =
            |text: &str, at: usize| text.get(..at).unwrap().lines().last().unwrap().chars().count();
        assert_eq!(column(&shown.text, there), column(&text, mark));
        assert!(shown.text.starts_with("first\n") && shown.text.ends_with("y\nlast"));
        let last = shown.offset(&text, text.len() - 4);
        assert_eq!(shown.text.get(last..), Some("last"));
    }
}
