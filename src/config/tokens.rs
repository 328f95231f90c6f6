//! A description's text as tokens, each with its place.
//!
//! The words of KDL 2.0 (<https://kdl.dev/spec/>), less what a description never needs: type annotations,
//! strings over several lines, numbers other than decimal ones. Every refusal is a [`Problem`] and scanning
//! goes on behind it.

use super::problem::{At, Problem, quoted};
use crate::visible::is_hidden;

/// Block comments may hold others; kdl's grammar is recursive there.
const COMMENT_DEPTH: usize = 16;

pub const MERGE_CONFLICT: &str = "a merge conflict was left in this file";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line end or `;`.
    End,
    Open,
    Close,
    Equals,
    /// `/-`
    Slashdash,
    /// A name or text value, quoted or bare.
    Text,
    /// A number or `#true`, `#false`, `#null`: never a name.
    Value,
    /// Comment: blanked, else nothing.
    Comment,
    /// Refused already; stands where a name or value would.
    Bad,
}

#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// White space or a comment stands before it, or it begins the line.
    pub spaced: bool,
}

pub struct Tokens<'t> {
    pub(super) text: &'t str,
    file: usize,
    pub(super) position: usize,
    spaced: bool,
    pub problems: Vec<Problem>,
}

/// KDL knows others, at which no editor and no diff begins a line: a comment would end where nobody sees it.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

/// KDL's table of unicode spaces.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Nowhere in a description, in a comment neither: more than KDL forbids.
pub(super) fn is_forbidden(c: char) -> bool {
    is_hidden(c) && !is_line_end(c) && c != '\t'
}

impl<'t> Tokens<'t> {
    pub fn new(text: &'t str, file: usize) -> Self {
        Tokens { text, file, position: 0, spaced: true, problems: Vec::new() }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or("")
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.position = self.text.len().min(self.position.saturating_add(bytes));
    }

    pub(super) fn refuse(
        &mut self,
        start: usize,
        end: usize,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.problems.push(Problem::new(At::new(self.file, start, end), message));
        let last = self.problems.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "pushed just now")]
        &mut self.problems[last]
    }

    /// Skips characters while `more` holds, for at most the rest of the text.
    pub(super) fn skip_while(&mut self, more: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.skip(rest.find(|c| !more(c)).unwrap_or(rest.len()));
    }

    fn comment(&mut self) {
        let start = self.position;
        let (mut depth, mut refused) = (0usize, false);
        let mut at = start;
        let bytes = self.text.as_bytes();
        loop {
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    at += 2;
                    if depth > COMMENT_DEPTH && !refused {
                        refused = true;
                        self.refuse(
                            at - 2,
                            at,
                            format!("comments are nested more than {COMMENT_DEPTH} deep"),
                        )
                        .help = Some("close a comment with `*/` before the next one".into());
                    }
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                }
                (Some(_), _) => at += 1,
                (None, _) => {
                    self.refuse(start, start + 2, "this comment is never closed").help =
                        Some("close it with `*/`".into());
                    break;
                }
            }
        }
        self.position = at.min(self.text.len());
        self.look_through(start);
    }

    /// What a comment must not hold, from `start` on.
    fn look_through(&mut self, start: usize) {
        let comment = self.text.get(start..self.position).unwrap_or("");
        let mut chars = comment.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let at = start + at;
            if is_forbidden(c) {
                let mut end = at + c.len_utf8();
                while let Some((_, c)) = chars.next_if(|(_, c)| is_forbidden(*c)) {
                    end += c.len_utf8();
                }
                self.refuse_hidden(at, end, c);
            } else if c == '\r' && self.text.as_bytes().get(at + 1) != Some(&b'\n') {
                self.refuse_return(at);
            }
        }
    }

    fn refuse_return(&mut self, at: usize) {
        self.refuse(at, at + 1, "a carriage return stands alone").help =
            Some("it can hide what a line says; end lines with a line feed".into());
    }

    fn refuse_hidden(&mut self, start: usize, end: usize, c: char) {
        self.refuse(
            start,
            end,
            format!("character U+{:04X} is not allowed in a description", u32::from(c)),
        )
        .help = Some("it can hide what a line says: delete it".into());
    }

    pub(super) fn forbidden(&mut self, c: char) {
        let at = self.position;
        self.skip_while(is_forbidden);
        self.refuse_hidden(at, self.position, c);
    }

    /// A bare name, number or what somebody took for one.
    fn word(&mut self) -> Kind {
        let start = self.position;
        loop {
            self.skip_while(|c| is_word(c) && c != '/');
            // A comment may follow a word directly; any other slash belongs to an unquoted value.
            if self.peek() != Some('/') || self.rest().starts_with("/*") {
                break;
            }
            self.skip(1);
        }
        let word = self.text.get(start..self.position).unwrap_or("");
        let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
        let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit());
        let wrong = if matches!(word, "true" | "false" | "null") {
            Some((
                format!("{word} is written #{word}"),
                "KDL 2 marks keywords with `#`; quote it if you mean the word".to_owned(),
            ))
        } else if matches!(word, "inf" | "-inf" | "nan") {
            Some((format!("{word} needs quotes"), format!("write \"{word}\"")))
        } else if numeric && !is_number(unsigned)
            || unsigned.starts_with('.')
            || word.contains(['/', '\\', '[', ']'])
        {
            Some((
                format!("{} needs quotes", quoted(word).to_string().trim_matches('"')),
                format!(
                    "write {} in quotes, like every address, network, duration and version",
                    quoted(word)
                ),
            ))
        } else {
            None
        };
        match wrong {
            Some((message, help)) => {
                self.refuse(start, self.position, message).help = Some(help);
                Kind::Bad
            }
            None if numeric => Kind::Value,
            None => Kind::Text,
        }
    }

    /// A backslash at the end of a line, maybe with a comment behind it.
    fn line_goes_on(&mut self) -> bool {
        let behind = self.rest().trim_start_matches('\\').trim_start_matches(is_space);
        let behind = match behind.strip_prefix("//") {
            Some(comment) => comment.trim_start_matches(|c| !is_line_end(c)),
            None => behind,
        };
        let mut rest = behind.chars();
        if !rest.next().is_none_or(is_line_end) {
            return false;
        }
        let behind = behind.strip_prefix("\r\n").unwrap_or(rest.as_str());
        self.skip(self.rest().len() - behind.len());
        true
    }

    /// What `git merge` leaves behind; each marker takes a whole line.
    fn merge_marker(&mut self) -> bool {
        let start = self.position;
        let at_line_start = start == 0 || self.text.as_bytes().get(start - 1) == Some(&b'\n');
        let marker = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
        if !at_line_start || !marker.iter().any(|marker| self.rest().starts_with(marker)) {
            return false;
        }
        self.skip_while(|c| !is_line_end(c));
        let end = self.position;
        self.refuse(start, end, MERGE_CONFLICT).help =
            Some("keep one side and delete the marker lines".into());
        true
    }
}

pub(super) fn is_word(c: char) -> bool {
    !(is_line_end(c)
        || is_space(c)
        || is_forbidden(c)
        || matches!(c, '(' | ')' | '{' | '}' | ';' | '"' | '#' | '='))
}

/// Whole numbers, and decimal fractions that are refused by name later; kdl reads both.
fn is_number(unsigned: &str) -> bool {
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 30 && part.bytes().all(|b| b.is_ascii_digit())
    };
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.position;
            let spaced = self.spaced;
            let c = self.peek()?;
            self.spaced = true;
            let kind = match c {
                '\u{feff}' if start == 0 => {
                    self.skip(c.len_utf8());
                    // Blanked like a comment: editors on Windows write it, and it means nothing.
                    Kind::Comment
                }
                c if is_space(c) => {
                    self.skip_while(is_space);
                    continue;
                }
                '<' | '=' | '>' | '|' if self.merge_marker() => Kind::Bad,
                c if is_line_end(c) => {
                    let pair = self.rest().starts_with("\r\n");
                    self.skip(if pair { 2 } else { 1 });
                    if c == '\r' && !pair {
                        self.refuse_return(start);
                    }
                    Kind::End
                }
                ';' => {
                    self.skip(1);
                    Kind::End
                }
                '{' => {
                    self.skip(1);
                    Kind::Open
                }
                '}' => {
                    self.skip(1);
                    self.spaced = false;
                    Kind::Close
                }
                '=' => {
                    self.skip(1);
                    Kind::Equals
                }
                '"' => {
                    self.spaced = false;
                    self.quoted_text()
                }
                '#' => {
                    self.spaced = false;
                    self.hash()
                }
                '/' if self.rest().starts_with("//") => {
                    self.skip_while(|c| !is_line_end(c));
                    self.look_through(start);
                    Kind::Comment
                }
                '/' if self.rest().starts_with("/*") => {
                    self.comment();
                    Kind::Comment
                }
                '/' if self.rest().starts_with("/-") => {
                    self.skip(2);
                    Kind::Slashdash
                }
                '\\' if self.line_goes_on() => {
                    self.look_through(start);
                    Kind::Comment
                }
                '(' | ')' => {
                    // The whole annotation if it ends soon.
                    let near = self.rest().bytes().take(64).take_while(|b| *b != b'\n');
                    let close = near.enumerate().find(|(_, b)| *b == b')');
                    self.skip(close.filter(|_| c == '(').map_or(1, |(at, _)| at + 1));
                    let end = self.position;
                    self.refuse(start, end, "type annotations have no use here").help =
                        Some("delete the parentheses; quote a text that holds them".into());
                    Kind::Bad
                }
                c if is_forbidden(c) => {
                    self.forbidden(c);
                    Kind::Bad
                }
                _ => {
                    self.spaced = false;
                    self.word()
                }
            };
            return Some(Token { kind, start, end: self.position, spaced });
        }
    }
}
