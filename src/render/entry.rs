//! One thing that a reviewer reads of: the same for a terminal and for Markdown.

use std::fmt::Write as _;

use anstyle::Style;

use super::markdown;
use super::style::{CHANGE, DANGER, GOOD, MINOR, STRONG, paint};
use super::text::{harmless, paragraph};
use crate::shell;

/// What stands before an entry, and in which colour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign(&'static str, Style);

impl Sign {
    pub const STOPS: Sign = Sign("x", DANGER);
    pub const GOES_ON: Sign = Sign("~", CHANGE);
    pub const ESCALATION: Sign = Sign("!", CHANGE);
    pub const GAIN: Sign = Sign("+", GOOD);
    pub const LOSS: Sign = Sign("-", MINOR);
    pub const KEPT: Sign = Sign("=", MINOR);

    fn in_markdown(self) -> &'static str {
        // GitHub and GitLab colour this one.
        if self.0 == Sign::STOPS.0 { "!" } else { self.0 }
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    sign: Sign,
    head: String,
    is_name: bool,
    sentences: Vec<String>,
    /// Lines that stay whole: commands, which are copied.
    copied: Vec<String>,
}

impl Entry {
    pub fn new(sign: Sign, head: String) -> Self {
        Entry { sign, head, is_name: false, sentences: Vec::new(), copied: Vec::new() }
    }

    /// What a person decides, by the name of what it is about.
    pub fn decision(name: &str, why: String, allow: Option<&str>) -> Self {
        let entry = Entry { is_name: true, ..Entry::new(Sign::STOPS, name.to_owned()) };
        entry.sentences([why]).only_with(allow)
    }

    pub fn sentences(mut self, sentences: impl IntoIterator<Item = String>) -> Self {
        self.sentences.extend(sentences);
        self
    }

    pub fn copied(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.copied.extend(lines);
        self
    }

    /// The consent that it takes.
    pub fn only_with(self, allow: Option<&str>) -> Self {
        self.copied(allow.map(|allow| format!("only with --allow {}", shell::quoted(allow))))
    }

    pub fn text(&self, columns: usize) -> String {
        let head = harmless(&self.head);
        let head = if self.is_name { paint(STRONG, &head) } else { head };
        let Sign(sign, style) = self.sign;
        self.lines(&paint(style, sign), &head, harmless, columns)
    }

    pub fn markdown(&self, columns: usize) -> String {
        let head = markdown::line(&self.head);
        self.lines(self.sign.in_markdown(), &head, markdown::line, columns)
    }

    fn lines(&self, sign: &str, head: &str, shown: fn(&str) -> String, columns: usize) -> String {
        let mut text = paragraph(&format!("{sign} "), 2, head, columns);
        for sentence in &self.sentences {
            text.push_str(&paragraph("    ", 4, &shown(sentence), columns));
        }
        for line in &self.copied {
            let _ = writeln!(text, "    {}", shown(line));
        }
        text
    }
}
