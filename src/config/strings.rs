//! The quoted texts, raw texts and keywords among the tokens.

use super::problem::quoted;
use super::tokens::{Kind, Tokens, is_forbidden, is_line_end, is_word};

pub const UNCLOSED_TEXT: &str = "this text is not closed on its line";

impl Tokens<'_> {
    /// A double-quoted text on one line.
    pub(super) fn quoted_text(&mut self) -> Kind {
        let start = self.position;
        if self.rest().starts_with("\"\"\"") {
            return self.several_lines(start);
        }
        self.skip(1);
        let mut kind = Kind::Text;
        loop {
            let at = self.position;
            match self.peek() {
                Some('"') => {
                    self.skip(1);
                    return kind;
                }
                None => return self.unclosed(start),
                Some(c) if is_line_end(c) => return self.unclosed(start),
                Some('\\') => {
                    if let Some(length) = escape_length(self.rest()) {
                        self.skip(length);
                    } else {
                        self.skip(1);
                        let next =
                            self.peek().filter(|c| !is_line_end(*c)).map_or(0, char::len_utf8);
                        if self.peek() != Some('"') {
                            self.skip(next);
                        }
                        self.refuse(at, at + 1 + next, "this is not an escape").help = Some(
                            r#"a backslash is written `\\`; others are \" \n \r \t \b \f \s \u{…}"#
                                .into(),
                        );
                        kind = Kind::Bad;
                    }
                }
                Some(c) if is_forbidden(c) => {
                    self.forbidden(c);
                    kind = Kind::Bad;
                }
                Some(c) => self.skip(c.len_utf8()),
            }
        }
    }

    /// `#"…"#` with any number of `#`, or a keyword.
    pub(super) fn hash(&mut self) -> Kind {
        let start = self.position;
        let rest = self.rest();
        let hashes = rest.bytes().take_while(|b| *b == b'#').count();
        if rest.as_bytes().get(hashes) == Some(&b'"') {
            self.skip(hashes);
            if self.rest().starts_with("\"\"\"") {
                return self.several_lines(start);
            }
            self.skip(1);
            let mut kind = Kind::Text;
            loop {
                match self.peek() {
                    None => return self.unclosed(start),
                    Some(c) if is_line_end(c) => return self.unclosed(start),
                    Some('"') => {
                        self.skip(1);
                        let closing =
                            self.rest().bytes().take(hashes).take_while(|b| *b == b'#').count();
                        if closing == hashes {
                            self.skip(hashes);
                            return kind;
                        }
                    }
                    Some(c) if is_forbidden(c) => {
                        self.forbidden(c);
                        kind = Kind::Bad;
                    }
                    Some(c) => self.skip(c.len_utf8()),
                }
            }
        }
        self.skip(hashes);
        self.skip_while(is_word);
        let word = self.text.get(start..self.position).unwrap_or("");
        if matches!(word, "#true" | "#false" | "#null") {
            return Kind::Value;
        }
        self.refuse(start, self.position, format!("{} is not a keyword", quoted(word))).help =
            Some("the keywords are #true, #false and #null; a comment starts with `//`".into());
        Kind::Bad
    }

    fn several_lines(&mut self, start: usize) -> Kind {
        // The opening marks are three quotes behind any hashes.
        let hashes = self.position - start;
        self.skip(3);
        let end = self.position;
        let closing = format!("\"\"\"{}", "#".repeat(hashes));
        let length = self.rest().find(&closing).map_or(self.rest().len(), |at| at + closing.len());
        self.skip(length);
        self.refuse(start, end, "texts over several lines have no use here").help =
            Some("write it on one line in plain double quotes".into());
        Kind::Bad
    }

    fn unclosed(&mut self, start: usize) -> Kind {
        let end = self.position;
        self.refuse(start, end, UNCLOSED_TEXT).help = Some("add the closing quote".into());
        Kind::Bad
    }
}

fn escape_length(text: &str) -> Option<usize> {
    let after = text.strip_prefix('\\')?;
    if after.starts_with(['"', '\\', 'b', 'f', 'n', 'r', 't', 's']) {
        return Some(2);
    }
    let (hex, _) = after.strip_prefix("u{")?.split_once('}')?;
    let valid = (1..=6).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let scalar = valid.then(|| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32))?;
    scalar.map(|_| hex.len() + 4)
}
