//! Texts as YAML scalars: what may stand unquoted, and how the rest is quoted.

use std::fmt::Write as _;

use granit_parser::ScalarStyle;

/// Where a scalar is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub json: bool,
    /// Between brackets, where commas and brackets end a plain scalar.
    pub flow: bool,
}

/// Writes a text in the style of its neighbour, or in the nearest one that can hold it.
pub(super) fn write(text: &str, style: ScalarStyle, place: Place) -> String {
    if place.json {
        return double_quoted(text);
    }
    match style {
        ScalarStyle::SingleQuoted if text.chars().all(printable) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        // The neighbour of a block scalar is not one for that.
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded
            if fits_plain(text, place.flow) && reads_as_text(text) =>
        {
            text.to_owned()
        }
        _ => double_quoted(text),
    }
}

/// JSON's escapes are YAML's, too; a few characters are fine in JSON alone.
fn double_quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for character in json.chars() {
        if printable(character) {
            quoted.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(quoted, "\\u{:04x}", u32::from(character));
        }
    }
    quoted
}

/// Line breaks of any kind, the byte order mark and controls only stand as escapes.
fn printable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn fits_plain(text: &str, flow: bool) -> bool {
    let starts_badly = text
        .starts_with(|first: char| first.is_whitespace() || "?:,[]{}#&*!|>'\"%@`".contains(first));
    let dash = text == "-" || text.starts_with("- ") || text.starts_with("---");
    let blank_after_colon = text.contains(": ") || text.contains(":\u{a0}") || text.ends_with(':');
    let breaks_flow = flow && (text.contains([',', '[', ']', '{', '}']) || text.contains("::"));
    !text.is_empty()
        && text.chars().all(printable)
        && text.trim() == text
        && !(starts_badly || dash || blank_after_colon || breaks_flow)
        && !text.contains(" #")
        && !text.contains("{{")
}

/// Whether every reader takes the plain scalar for a text: Kubernetes reads YAML 1.1, where `no` is a
/// boolean and `017` a number. In doubt the answer is no.
pub(super) fn reads_as_text(plain: &str) -> bool {
    let word = plain.to_ascii_lowercase();
    let is_word = matches!(
        word.as_str(),
        "" | "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "=" | "<<"
    );
    let starts_like_number = plain.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let number_only = word.chars().all(|c| c.is_ascii_hexdigit() || "+-.:_xotz infa".contains(c));
    !(is_word || (starts_like_number && number_only))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Place = Place { json: false, flow: false };
    const FLOW: Place = Place { json: false, flow: true };

    fn plain(text: &str, place: Place) -> String {
        write(text, ScalarStyle::Plain, place)
    }

    #[test]
    fn plain_only_where_it_stays_the_same_text() {
        for text in
            ["--a=/b", "--modes=Node,RBAC", "--x=a#b", "https://h:1", "a-b", "ü", "--a=[::1]:2"]
        {
            assert_eq!(plain(text, BLOCK), text);
        }
        for text in [
            "",
            " a",
            "a ",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "- a",
            "-",
            "---",
            "[a",
            "{a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "'a",
            "\"a",
            "|",
            ">",
            "no",
            "NO",
            "Yes",
            "null",
            "~",
            "1",
            "-1",
            "0x1f",
            "1e5",
            "2024-01-01",
            "10:20",
            ".5",
            ".inf",
            "-.INF",
            ".nan",
            "a\tb",
            "a\nb",
            "\u{feff}a",
            "a\u{85}b",
            "{{a}}",
        ] {
            assert!(plain(text, BLOCK).starts_with('"'), "{text:?}");
        }
        assert_eq!(plain("--a=b", FLOW), "--a=b");
        for text in ["--a=b,c", "--a=[x", "a]", "a}b"] {
            assert!(plain(text, FLOW).starts_with('"'), "{text:?}");
        }
    }

    #[test]
    fn quotes() {
        assert_eq!(write("it's", ScalarStyle::SingleQuoted, BLOCK), "'it''s'");
        assert_eq!(write("a\nb", ScalarStyle::SingleQuoted, BLOCK), r#""a\nb""#);
        assert_eq!(
            write("a\"\\\u{85}\u{7f}", ScalarStyle::DoubleQuoted, BLOCK),
            r#""a\"\\\u0085\u007f""#
        );
        let json = Place { json: true, flow: true };
        assert_eq!(plain("--a=b", json), r#""--a=b""#);
    }
}
