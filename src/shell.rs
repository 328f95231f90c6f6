//! Commands that a reader may copy into a POSIX shell.

use std::path::Path;

use crate::visible::harmless;

/// One word of a command line, as the shell hands it on: plain ones stay bare, of any other every character
/// stands for itself (POSIX.1-2024, Shell Command Language, 2.2.2 Single-Quotes).
pub fn quoted(word: &str) -> String {
    // `a=b` alone is an assignment; in an option it is none.
    let inside = |c: char| c.is_ascii_alphanumeric() || "%+,-./:@_".contains(c);
    let equals = word.starts_with("--") && !word.starts_with("--=");
    let plain = word.chars().all(|c| inside(c) || equals && c == '=');
    if plain && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A path as an operand: one that starts with a dash would be read as an option (XBD 12.2, guideline 10).
pub fn operand(path: &str) -> String {
    if path.starts_with('-') { quoted(&format!("./{path}")) } else { quoted(path) }
}

/// The same, in one printable line. A name that is none in itself is shown with escapes, and then not found:
/// it never becomes another file's.
pub fn path(path: &Path) -> String {
    operand(&harmless(&path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn plain_words_stay_bare() {
        for word in [
            "kpki",
            "--allow",
            "replace:ca/kubernetes",
            "--peer-urls=https://[::1]:2380",
            "a.b_c-d",
            "-",
            "10%",
        ] {
            assert_eq!(quoted(word) == word, !word.contains('['), "{word}");
        }
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("a=b"), "'a=b'");
        assert_eq!(operand("-rf"), "./-rf");
        assert_eq!(operand("-r f"), "'./-r f'");
    }

    /// The shell itself is the judge: what arrives is what was meant, and nothing ran.
    #[test]
    fn a_shell_hands_on_every_word_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = (1..=0x7f_u8).map(|byte| char::from(byte).to_string());
        let hostile = [
            "$(touch x)",
            "`touch x`",
            "${IFS}",
            "$PATH",
            "'; touch x; '",
            "\"; touch x; \"",
            "a\\",
            "a\\'b",
            "-rf",
            "*",
            "?",
            "[a-z]",
            "{a,b}",
            "~",
            "~root",
            "#no",
            "!!",
            "a b",
            "a\tb",
            "a\nb",
            "|",
            "||",
            "&",
            "<x",
            ">x",
            ";",
            "(x)",
            "%",
            "=",
            "a=b",
            "A=b",
            "é",
            "\u{202e}",
            "''",
            "'",
            "\\",
            "if",
            "-",
            "--",
            "",
        ];
        let words: Vec<String> = bytes.chain(hostile.map(str::to_owned)).collect();
        let line: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let script = format!("printf '%s\\0' {}", line.join(" "));
        let ran =
            Command::new("/bin/sh").args(["-c", &script]).current_dir(&folder).output().unwrap();
        let arrived = String::from_utf8(ran.stdout).unwrap();
        let expected = words.join("\0") + "\0";
        assert_eq!(arrived, expected);
        assert!(std::fs::read_dir(folder).unwrap().next().is_none());
    }
}
