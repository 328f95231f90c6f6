//! A description in its usual form: every line indented by its blocks, no white space at the end of a line,
//! no empty lines in a row. What stands in a line stays as somebody aligned it, and so do all comments.
//!
//! kdl's own formatting does more than that: it takes quotes away that this language wants, and empty lines
//! and columns that a reader wants.

use std::fmt::Write as _;

use super::tokens::{Kind, Token, Tokens};

const STEP: usize = 4;

/// `None`: the text is no description, or would be another one.
pub fn formatted(text: &str) -> Option<String> {
    let mut tokens = Tokens::new(text, 0);
    let all: Vec<Token> = tokens.by_ref().collect();
    if !tokens.problems.is_empty() {
        return None;
    }
    let result = Lines::of(text, &all).formatted();
    // Whatever this does to the text, the words stay.
    let mut again = Tokens::new(&result, 0);
    let after: Vec<Token> = again.by_ref().collect();
    let is_same = again.problems.is_empty() && words(text, &all) == words(&result, &after);
    is_same.then_some(result)
}

/// All that has a meaning, and every comment.
fn words<'t>(text: &'t str, tokens: &[Token]) -> Vec<(Kind, &'t str)> {
    let mut words = Vec::new();
    for token in tokens {
        let word = text.get(token.start..token.end).unwrap_or("").trim_end();
        match (token.kind, words.last()) {
            // Empty lines mean nothing.
            (Kind::End, None | Some((Kind::End, _))) => {}
            (Kind::End, _) => words.push((Kind::End, "")),
            (kind, _) => words.push((kind, word)),
        }
    }
    // The last line may have no end.
    while words.pop_if(|(kind, _)| *kind == Kind::End).is_some() {}
    words
}

/// A line as the tokens see it.
#[derive(Default)]
struct Line<'t> {
    /// Without indentation and white space at its end; over several lines where a comment is.
    text: &'t str,
    /// Blocks that are open around it.
    depth: usize,
    /// It goes on with a node of the line before.
    goes_on: bool,
    /// Columns before the first word, as it was written.
    indent: usize,
    /// Where the comment begins that ends it, counted from its first word; 0: it is nothing else.
    comment: Option<usize>,
}

struct Lines<'t> {
    lines: Vec<Line<'t>>,
    end: &'static str,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str, tokens: &[Token]) -> Self {
        let mut lines = Vec::new();
        let (mut depth, mut start, mut goes_on) = (0usize, 0usize, false);
        let mut inside: Vec<&Token> = Vec::new();
        for token in tokens {
            let word = text.get(token.start..token.end).unwrap_or("");
            let is_continued = token.kind == Kind::Comment && word.starts_with('\\');
            let ends = token.kind == Kind::End && word != ";" || is_continued;
            if !ends {
                inside.push(token);
                continue;
            }
            let end = if is_continued { token.start + word.trim_end().len() } else { token.start };
            lines.push(line(text, (start, end), &inside, &mut depth, goes_on));
            (start, goes_on) = (token.end, is_continued);
            inside.clear();
        }
        lines.push(line(text, (start, text.len()), &inside, &mut depth, goes_on));
        Lines { lines, end: if text.contains("\r\n") { "\r\n" } else { "\n" } }
    }

    fn formatted(&self) -> String {
        let mut result = String::new();
        let (mut is_empty, mut above) = (true, None);
        for line in &self.lines {
            if line.text.is_empty() && !line.goes_on {
                is_empty |= !result.is_empty();
                above = None;
                continue;
            }
            if is_empty && !result.is_empty() {
                result.push_str(self.end);
            }
            is_empty = false;
            let steps = line.depth + usize::from(line.goes_on);
            let usual = STEP * steps;
            // A comment that goes on below the one before stays below it.
            let indent = match (line.comment, above) {
                (Some(0), Some((column, now))) if column == line.indent => now,
                _ => usual,
            };
            above = line
                .comment
                .map(|at| (line.indent + at, indent + at))
                .filter(|_| line.comment != Some(0) || indent != usual);
            let _ = write!(result, "{:indent$}{}{}", "", line.text, self.end);
        }
        result
    }
}

fn line<'t>(
    text: &'t str,
    (start, end): (usize, usize),
    inside: &[&Token],
    depth: &mut usize,
    goes_on: bool,
) -> Line<'t> {
    let whole = text.get(start..end).unwrap_or("").trim_end();
    let words = whole.trim_start();
    let indent = whole.len() - words.len();
    let first = start + indent;
    let closes = inside.iter().take_while(|token| token.kind == Kind::Close).count();
    let around = depth.saturating_sub(closes);
    for token in inside {
        match token.kind {
            Kind::Open => *depth += 1,
            Kind::Close => *depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let columns = |bytes: usize| words.get(..bytes).unwrap_or("").chars().count();
    let comment = inside.last().filter(|token| token.kind == Kind::Comment);
    let comment = comment.map(|token| columns(token.start.saturating_sub(first)));
    Line { text: words, depth: around, goes_on, indent, comment }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_indented_by_their_blocks() {
        for (text, expected) in [
            ("", ""),
            ("\n\n", ""),
            ("a", "a\n"),
            ("  a  \n\n\n\n b\t\n\n", "a\n\nb\n"),
            ("a {\nb {\n\tc\n}\n}\n", "a {\n    b {\n        c\n    }\n}\n"),
            ("a { b; c\n  d }\n", "a { b; c\n    d }\n"),
            ("a \"x\" \\\n \"y\"\n", "a \"x\" \\\n    \"y\"\n"),
            ("a {\r\n b\r\n}\r\n", "a {\r\n    b\r\n}\r\n"),
            // What stands in a line was aligned by somebody.
            (
                "a   \"x\"    // why\nbb  \"y\"    // so\n",
                "a   \"x\"    // why\nbb  \"y\"    // so\n",
            ),
            (
                "a {\nb    // why\n     // goes on\n// of c\nc\n}\n",
                "a {\n    b    // why\n         // goes on\n    // of c\n    c\n}\n",
            ),
            ("/* a\n   b */\n  c\n", "/* a\n   b */\nc\n"),
            (
                "a {\n//b \"c\"\n/-d {\ne\n}\n}\n",
                "a {\n    //b \"c\"\n    /-d {\n        e\n    }\n}\n",
            ),
        ] {
            assert_eq!(formatted(text).as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(formatted("a \"open\nb\n"), None);
    }

    fn descriptions() -> Vec<String> {
        let mut waiting = vec!["examples".into(), "tests/good-descriptions".into()];
        let mut found = Vec::new();
        while let Some(folder) = waiting.pop() {
            let folder: std::path::PathBuf = folder;
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else if path.extension().is_some_and(|end| end == "kdl") {
                    found.push(std::fs::read_to_string(path).unwrap());
                }
            }
        }
        assert!(found.len() > 10, "{}", found.len());
        found
    }

    /// Whatever is done to the white space at a line's begin and end is undone; the form is a fixed point.
    fn is_settled(text: &str) {
        let once = formatted(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(formatted(&once).as_deref(), Some(once.as_str()));
    }

    #[test]
    fn a_formatted_description_stays() {
        for text in descriptions() {
            is_settled(&text);
        }
    }

    proptest! {
        #[test]
        fn any_indentation_comes_to_one_form(seed in prop::collection::vec(0usize..9, 64)) {
            for text in descriptions() {
                // A comment below another one would move with it.
                if text.contains("/*") || text.contains(" //") { continue; }
                let form = formatted(&text).unwrap();
                let mut columns = seed.iter().cycle();
                let mut ragged = String::new();
                for line in text.lines() {
                    let (before, after) = (columns.next().unwrap(), columns.next().unwrap());
                    let _ = writeln!(ragged, "{:before$}{}{:after$}", "", line.trim_start(), "");
                }
                prop_assert_eq!(formatted(&ragged), Some(form));
            }
        }

        #[test]
        fn what_is_no_text_of_ours_is_left_or_settles(
            parts in prop::collection::vec(
                prop_oneof![
                    Just("a "), Just("{"), Just("}"), Just("\n"), Just("  "), Just("\t"), Just("// x"),
                    Just("/* \n */"), Just("\\\n"), Just("\"q\" "), Just(";"), Just("/-"), Just("\r\n"),
                ],
                0..24,
            )
        ) {
            let text = parts.concat();
            if let Some(once) = formatted(&text) {
                prop_assert_eq!(formatted(&once), Some(once));
            }
        }
    }
}
