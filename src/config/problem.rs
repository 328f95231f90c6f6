//! One mistake of the user's, and where it stands.

use std::fmt;

use crate::visible::without_keys;
use crate::words::nearest;

/// A range of bytes in one of the files that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// In the order in which the files were read.
    pub file: usize,
    pub start: usize,
    pub end: usize,
}

impl At {
    pub fn new(file: usize, start: usize, end: usize) -> Self {
        At { file, start, end }
    }

    /// No place in particular: something is missing.
    pub fn whole(file: usize) -> Self {
        At::new(file, usize::MAX, usize::MAX)
    }
}

/// A mistake: what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub at: At,
    pub message: String,
    /// Stands under the marked text; may be empty.
    pub label: String,
    /// The other place that belongs to the mistake, with its own label.
    pub other: Option<(At, &'static str)>,
    pub help: Option<String>,
}

impl Problem {
    pub fn new(at: At, message: impl Into<String>) -> Self {
        Problem { at, message: message.into(), label: String::new(), other: None, help: None }
    }

    /// Why a text is not what it should be: "is not a duration; write 365d" says what is wrong, then what to
    /// do.
    pub fn refused(at: At, text: &str, why: &str) -> Self {
        let (wrong, help) = why.split_once("; ").unwrap_or((why, ""));
        let problem = Problem::new(at, format!("{} {wrong}", quoted(text)));
        Problem { help: Some(help.to_owned()).filter(|help| !help.is_empty()), ..problem }
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Points at the earlier of two definitions.
    pub fn first(self, at: At) -> Self {
        self.other(at, "first here")
    }

    pub fn other(mut self, at: At, label: &'static str) -> Self {
        self.other = Some((at, label));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The user's text in double quotes, escaped, and cut where it would fill the terminal. What may be a key is
/// left out.
pub fn quoted(text: &str) -> impl fmt::Display {
    const LONGEST: usize = 64;
    let text = &without_keys(text);
    if text.chars().nth(LONGEST).is_none() {
        format!("{text:?}")
    } else {
        let head: String = text.chars().take(LONGEST).collect();
        format!("{head:?}…")
    }
}

/// A list that still fits a few lines.
const SHOWN: usize = 16;

/// `did you mean …` for a misspelt word, else the words that exist.
pub fn suggestion<'w>(word: &str, known: impl Iterator<Item = &'w str> + Clone) -> String {
    if let Some(known) = nearest(word, known.clone()).first() {
        return format!("did you mean `{known}`?");
    }
    let count = known.clone().count();
    let listed: Vec<&str> = known.take(SHOWN).collect();
    let more = if count > SHOWN { ", …" } else { "" };
    format!("known here: {}{more}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_word_or_lists_all() {
        let known = ["node", "user", "cluster"];
        let suggest = |word| suggestion(word, known.into_iter());
        assert_eq!(suggest("noed"), "did you mean `node`?");
        assert_eq!(suggest("Node"), "did you mean `node`?");
        assert_eq!(suggest("banana"), "known here: node, user, cluster");
        assert_eq!(suggest(&"x".repeat(100_000)), "known here: node, user, cluster");
    }

    #[test]
    fn long_text_is_cut_and_control_characters_are_escaped() {
        assert_eq!(quoted("a\u{1b}[31m").to_string(), r#""a\u{1b}[31m""#);
        assert_eq!(quoted(&"x".repeat(1000)).to_string().chars().count(), 67);
    }
}
