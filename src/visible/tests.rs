#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use super::*;

/// By hand, from the code charts of Unicode.
const BAD: [u32; 63] = [
    0x00,
    0x07,
    0x08,
    0x0b,
    0x0c,
    0x1b,
    0x7f,
    0x80,
    0x85,
    0x90,
    0x9b,
    0x9d,
    0x9f,
    0xad,
    0x34f,
    0x600,
    0x61c,
    0x115f,
    0x1160,
    0x17b4,
    0x17b5,
    0x180b,
    0x180e,
    0x180f,
    0x200b,
    0x200c,
    0x200d,
    0x200e,
    0x200f,
    0x2028,
    0x2029,
    0x202a,
    0x202e,
    0x2060,
    0x2064,
    0x2065,
    0x2066,
    0x2069,
    0x206f,
    0x2800,
    0x3164,
    0xe000,
    0xfdd0,
    0xfe00,
    0xfe0f,
    0xfeff,
    0xffa0,
    0xfff0,
    0xfff9,
    0xfffb,
    0xffff,
    0x13430,
    0x1343f,
    0x1bca0,
    0x1bca3,
    0x1d159,
    0x1d173,
    0x1d17a,
    0xe0001,
    0xe0041,
    0xe007f,
    0xe0100,
    0x0010_ffff,
];

fn bad() -> impl Iterator<Item = char> {
    BAD.into_iter().map(|code| char::from_u32(code).unwrap())
}

#[test]
fn the_table_is_sorted_and_has_no_gap_of_its_own_making() {
    for pair in HIDDEN.windows(2) {
        assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:?}");
    }
}

#[test]
fn nothing_hidden_gets_through() {
    for c in bad() {
        assert!(is_hidden(c), "{c:?}");
        let text = format!("a{c}b");
        for shown in
            [printable(&text), harmless(&text), lines(&text), styled_lines(&text), excerpt(&text)]
        {
            assert!(!shown.contains(is_hidden), "{shown:?}");
            assert!(shown.starts_with('a') && shown.ends_with('b'), "{shown:?}");
        }
        assert_eq!(excerpt(&text).chars().count(), 3);
        let document = serde_json::to_string(&text).unwrap();
        let shown = json(&document);
        assert!(!shown.contains(is_hidden), "{shown:?}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }
}

/// Rust's own table knows a control, and most of what cannot be printed; what it calls printable and is
/// hidden stands in the table with a reason.
#[test]
fn whatever_rust_calls_a_control_is_hidden_and_no_letter_or_digit_is() {
    for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
        assert!(!c.is_control() || is_hidden(c), "{c:?}");
        let text = harmless(&c.to_string());
        assert!(!text.contains(is_hidden), "{c:?}");
        if c.is_alphanumeric() && is_hidden(c) {
            let fillers =
                ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{13441}', '\u{13442}'];
            assert!(fillers.contains(&c), "{c:?}");
        }
    }
}

#[test]
fn letters_of_every_script_are_shown() {
    let text = "Straße, Привет, 東京, שלום, مرحبا, e\u{301}, हिन्दी, ไทย, ✓ → …";
    assert_eq!(excerpt(text), text);
    assert_eq!(harmless("Straße שלום 東京 → …"), "Straße שלום 東京 → …");
    // Marks beyond what a language writes are not.
    let stacked = excerpt(&format!("e{}x", "\u{301}".repeat(9)));
    assert_eq!(stacked.matches('\u{301}').count(), MARKS);
    assert_eq!(stacked.chars().count(), 11);
}

#[test]
fn lines_of_a_file_keep_their_columns() {
    assert_eq!(excerpt("a\tb\r\nc\rd\u{1b}\u{7f}\u{9b}\u{202e}"), "a\tb\r\nc␍d␛␡\u{fffd}\u{fffd}");
}

#[test]
fn colours_of_our_own_stay_and_nothing_else_of_a_terminal() {
    let text = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: a\u{1b}[2Jb\u{1b}]0;x\u{7}\n\tc";
    assert_eq!(
        styled_lines(text),
        "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: a\\u{1b}[2Jb\\u{1b}]0;x\\u{7}\n\tc"
    );
    assert_eq!(lines("a\u{1b}[31m\r\nb\rc\n"), "a\\u{1b}[31m\r\nb\\rc\n");
}

#[test]
fn what_would_act_on_the_terminal_is_escaped() {
    assert_eq!(printable("a\u{1b}[31m\u{202e}\"b\"\\\n"), "a\\u{1b}[31m\\u{202e}\"b\"\\\\\\n");
    assert_eq!(harmless("\\\u{3164}\u{a0}e\u{301}"), "\\\\u{3164}\\u{a0}e\\u{301}");
}
