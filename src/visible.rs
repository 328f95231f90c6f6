//! What a reader sees of a text that somebody else wrote: nothing that acts on a terminal, that turns the
//! order of what stands beside it, or that is there and shows nothing.

mod keys;

use std::fmt::Write as _;
use std::path::Path;

pub use keys::{HINT, holds_key, is_end_of_key, masked, without_keys};

/// Characters that show nothing of themselves, or not the same everywhere: the general categories Cc, Cf, Zl,
/// Zp and Co of UnicodeData.txt, the noncharacters, Default_Ignorable_Code_Point of DerivedCoreProperties.txt
/// (of Unicode 14.0, with the Egyptian controls of 15.0; DI covers code points that are not assigned yet),
/// and the blank symbols whose category is So or Lo. Sorted; both ends belong to a range.
const HIDDEN: [(char, char); 41] = [
    ('\0', '\u{1f}'),            // Cc
    ('\u{7f}', '\u{9f}'),        // Cc: DEL, and C1, which terminals read as ESC with another byte
    ('\u{ad}', '\u{ad}'),        // Cf: soft hyphen
    ('\u{34f}', '\u{34f}'),      // DI: combining grapheme joiner
    ('\u{600}', '\u{605}'),      // Cf: Arabic number signs
    ('\u{61c}', '\u{61c}'),      // Cf: Arabic letter mark
    ('\u{6dd}', '\u{6dd}'),      // Cf
    ('\u{70f}', '\u{70f}'),      // Cf
    ('\u{890}', '\u{891}'),      // Cf
    ('\u{8e2}', '\u{8e2}'),      // Cf
    ('\u{115f}', '\u{1160}'),    // DI: Hangul fillers
    ('\u{17b4}', '\u{17b5}'),    // DI: Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),    // Cf, DI: Mongolian separators
    ('\u{200b}', '\u{200f}'),    // Cf: zero width, and marks of direction
    ('\u{2028}', '\u{202e}'),    // Zl, Zp, Cf: embedding and override of direction
    ('\u{2060}', '\u{206f}'),    // Cf, DI: joiner, invisible operators, isolates of direction
    ('\u{2800}', '\u{2800}'),    // So: Braille blank
    ('\u{3164}', '\u{3164}'),    // DI: Hangul filler
    ('\u{e000}', '\u{f8ff}'),    // Co
    ('\u{fdd0}', '\u{fdef}'),    // noncharacters
    ('\u{fe00}', '\u{fe0f}'),    // DI: variation selectors
    ('\u{feff}', '\u{feff}'),    // Cf: byte order mark
    ('\u{ffa0}', '\u{ffa0}'),    // DI: half-width Hangul filler
    ('\u{fff0}', '\u{fffb}'),    // DI, Cf: interlinear annotation
    ('\u{fffe}', '\u{ffff}'),    // noncharacters; so are the last two of every plane, below
    ('\u{110bd}', '\u{110bd}'),  // Cf
    ('\u{110cd}', '\u{110cd}'),  // Cf
    ('\u{13430}', '\u{1343f}'),  // Cf: Egyptian format controls
    ('\u{13441}', '\u{13442}'),  // Lo: Egyptian blanks
    ('\u{16fe4}', '\u{16fe4}'),  // Mn: Khitan filler
    ('\u{1bca0}', '\u{1bca3}'),  // Cf: shorthand format controls
    ('\u{1d159}', '\u{1d159}'),  // So: musical null notehead
    ('\u{1d173}', '\u{1d17a}'),  // Cf: musical format controls
    ('\u{1fffe}', '\u{1ffff}'),  // noncharacters
    ('\u{2fffe}', '\u{2ffff}'),  // noncharacters
    ('\u{3fffe}', '\u{3ffff}'),  // noncharacters
    ('\u{4fffe}', '\u{4ffff}'),  // noncharacters
    ('\u{5fffe}', '\u{5ffff}'),  // noncharacters
    ('\u{6fffe}', '\u{cffff}'),  // noncharacters, and planes in which nothing is assigned
    ('\u{dfffe}', '\u{e0fff}'),  // noncharacters; DI: tags, variation selectors
    ('\u{efffe}', '\u{10ffff}'), // noncharacters; Co
];

/// Whether a character can hide something, or make a line look like another one (CVE-2021-42574). A line end
/// and a tab are among them; the ordinary spaces of Unicode are not.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let at = HIDDEN.partition_point(|(_, last)| *last < c);
    HIDDEN.get(at).is_some_and(|(first, _)| *first <= c)
}

/// A text in one line, for a reader: what is hidden stands as an escape, and so does what joins the character
/// before it, every space but the ASCII one, and a backslash.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            _ => push(&mut out, c),
        }
    }
    out
}

/// The same for formats that have an escape of their own for a backslash.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut out, c);
    }
    out
}

/// A path in one line.
pub fn path(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// The first of many, and of the others the number.
pub fn at_most(most: usize, all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = all.into_iter().collect();
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// A text of several lines, and nothing else that acts on a terminal.
pub fn lines(text: &str) -> String {
    keeping(text, |_| 0)
}

/// The same for a text of our own in which colours stand (SGR, ECMA-48 8.3.117).
pub fn styled_lines(text: &str) -> String {
    keeping(text, |rest| {
        let Some(behind) = rest.strip_prefix("\u{1b}[") else {
            return 0;
        };
        let parameters = behind.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        if parameters.starts_with('m') { rest.len() - parameters.len() + 1 } else { 0 }
    })
}

/// As it is but for what is hidden; `style` says how many bytes of a rest are meant.
fn keeping(text: &str, style: impl Fn(&str) -> usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let styled = rest.get(..style(rest)).unwrap_or("");
        let length = if styled.is_empty() {
            match c {
                '\n' | '\t' => out.push(c),
                // A calendar's lines end so (RFC 5545 3.1), and a terminal takes both for one line end.
                '\r' if rest.starts_with("\r\n") => out.push(c),
                _ => push(&mut out, c),
            }
            c.len_utf8()
        } else {
            out.push_str(styled);
            styled.len()
        };
        rest = rest.get(length..).unwrap_or("");
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        ' '..='~' => out.push(c),
        _ if is_hidden(c) && !c.is_control() => out.extend(c.escape_unicode()),
        _ => out.extend(c.escape_debug()),
    }
}

/// A JSON document in which nothing is hidden: outside of strings there is only ASCII, and in a string
/// `\u009b` is the same character (RFC 8259, section 7).
pub fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if is_hidden(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// More marks on one letter than any language writes reach into the lines above and below.
const MARKS: usize = 2;

/// Lines of a file as a report shows them: one character for each, so that columns stay what they are. Tabs
/// and line ends stay, letters of every script and their marks, too.
pub fn excerpt(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_mark = !is_hidden(c) && joins(c);
        marks = if is_mark { marks + 1 } else { 0 };
        out.push(match c {
            ' '..='~' | '\t' | '\n' => c,
            '\r' if chars.peek() == Some(&'\n') => c,
            // Unicode has pictures of the C0 controls, in their order.
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACED),
            '\u{7f}' => '\u{2421}',
            _ if is_hidden(c) || marks > MARKS => REPLACED,
            _ if is_mark || c.is_whitespace() || c.escape_debug().len() == 1 => c,
            _ => REPLACED,
        });
    }
    out
}

const REPLACED: char = char::REPLACEMENT_CHARACTER;

/// Whether a character is drawn upon the one before it. Rust escapes such a one only where nothing is before
/// it.
fn joins(c: char) -> bool {
    !c.is_ascii() && c.escape_debug().len() > 1 && format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests;
