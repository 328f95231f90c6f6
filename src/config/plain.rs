//! The plainest form of a node, read without the `kdl` crate: `word "text" name="text"` on one line.
//!
//! A large cluster is thousands of such lines, and kdl needs most of an empty plan's time for them. Whatever
//! has another form (a block, a number, an escape, a letter beyond ASCII) is left to kdl.

use super::problem::At;
use super::tree::{Node, Scalar, Value, Word};

/// The node that `text` is, with places in `file` from `base` on. `None`: it has another form.
pub fn node(text: &str, file: usize, base: usize) -> Option<Node> {
    let mut reader = Reader { text, file, base, position: 0 };
    let word = reader.word()?;
    let (mut values, mut properties) = (Vec::new(), Vec::new());
    while reader.space() {
        if reader.at(b'"') {
            values.push(reader.string()?);
        } else if reader.is_at_end() {
            break;
        } else {
            let name = reader.word()?;
            reader.take(b'=')?;
            properties.push((name, reader.string()?));
        }
    }
    // Comments and what `/-` hides are spaces by now.
    let rest = text.get(reader.position..)?;
    rest.bytes().all(|byte| matches!(byte, b' ' | b'\n')).then_some(())?;
    Some(Node { word, values, properties, children: Vec::new() })
}

struct Reader<'t> {
    text: &'t str,
    file: usize,
    base: usize,
    position: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn at(&self, byte: u8) -> bool {
        self.peek() == Some(byte)
    }

    fn is_at_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'\n'))
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let is_there = self.at(byte);
        self.position += usize::from(is_there);
        is_there.then_some(())
    }

    /// Whether there was any.
    fn space(&mut self) -> bool {
        let start = self.position;
        while self.take(b' ').is_some() {}
        self.position > start
    }

    fn run(&mut self, goes_on: impl Fn(u8) -> bool) -> std::ops::Range<usize> {
        let start = self.position;
        while self.peek().is_some_and(&goes_on) {
            self.position += 1;
        }
        start..self.position
    }

    fn place(&self, start: usize, end: usize) -> At {
        At::new(self.file, self.base + start, self.base + end)
    }

    /// An identifier that is none of KDL's keywords (KDL 2.0.0, 3.1 and 3.10).
    fn word(&mut self) -> Option<Word> {
        let range = self.run(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let text = self.text.get(range.clone())?;
        let is_plain = text.starts_with(|first: char| first.is_ascii_lowercase())
            && !matches!(text, "true" | "false" | "null" | "inf" | "nan");
        let at = self.place(range.start, range.end);
        is_plain.then(|| Word { text: text.into(), at })
    }

    fn string(&mut self) -> Option<Value> {
        let start = self.position;
        self.take(b'"')?;
        let inside =
            self.run(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\');
        let text = self.text.get(inside)?.into();
        self.take(b'"')?;
        let at = self.place(start, self.position);
        Some(Value { scalar: Scalar::Text(text), at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plainest_form_is_read() {
        for (text, is_plain) in [
            (r#"node "w1" address="10.0.0.21""#, true),
            ("node\n", true),
            ("node \"a\"   \n\n  \n", true),
            (r#"node "w1"address="x""#, false),
            (r#"node "a""b""#, false),
            (r#"node "a" { }"#, false),
            ("node \"a\"; ", false),
            (r#"node "a" b=1"#, false),
            (r#"node "a" b"#, false),
            (r#"node true="a""#, false),
            (r#"node "\n""#, false),
            ("node \"é\"", false),
            ("node #true", false),
            (r##"node #"a"#"##, false),
            (r#"node """a""""#, false),
            (r#""node" "a""#, false),
            (r#"(t)node "a""#, false),
            (r#"node a = "b""#, false),
            (r#"node "a" \"#, false),
            ("node\t\"a\"", false),
            (" node", false),
            ("", false),
        ] {
            assert_eq!(node(text, 0, 0).is_some(), is_plain, "{text}");
        }
    }
}
