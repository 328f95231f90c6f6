//! Every folder of `bad-descriptions/` is a description with mistakes and the exact text that a user sees.
//! `UPDATE_EXPECTED=1 cargo test` rewrites the texts; read each one that changed.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use kpki::config::{Report, load};
use kpki::sources::Sources;

use crate::testkit::{copy, entries_of, printed, tool};

#[test]
fn every_bad_description_has_its_report() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad-descriptions");
    let cases = entries_of(all);
    assert!(cases.len() >= 45);
    let mut wrong = Vec::new();
    let mut with_keys = 0;
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let (folder, keys) = with_fresh_keys(&case);
        let found = match load(&Sources::Folder(folder.path().to_owned()), "cluster.kdl", None) {
            Ok(_) => "no mistake found\n".to_owned(),
            Err(report) => {
                let coloured = report.render(true);
                assert!(!shows(&coloured, &keys), "{name} shows a key in colour");
                report.render(false)
            }
        };
        assert!(!shows(&found, &keys), "{name} shows a key");
        with_keys += keys.len();
        assert!(!found.contains('\u{1b}'), "{name}: colour without being asked");
        let mistakes = found.matches("error: ").count();
        let helps = found.matches("= help: ").count();
        assert_eq!(mistakes, helps, "{name}: a mistake without a next step\n{found}");
        let expected = case.join("expected.txt");
        if update {
            std::fs::write(expected, found).unwrap();
        } else if std::fs::read_to_string(expected).unwrap_or_default() != found {
            wrong.push(format!("--- {name}\n{found}"));
        }
    }
    assert_eq!(with_keys, 5);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A line that stands for a key: no key is kept in a repository, not even the shape of one.
const MARKER: &str = "@fresh ";
/// How a line of an age identity file begins.
const IDENTITY: &str = "AGE-SECRET-KEY-";
/// What PEM calls a key, and how OpenSSL makes one.
const KEYS: [(&str, &str); 2] = [
    ("PRIVATE KEY", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
    ("EC PRIVATE KEY", "ecparam -name prime256v1 -genkey -noout"),
];

/// A copy of a case with a key in the place of each marker, and those keys.
fn with_fresh_keys(case: &Path) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    copy(case, folder.path());
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        assert!(!text.contains("PRIVATE KEY-----"), "{}", path.display());
        let Some(marker) = text.lines().find(|line| line.starts_with(MARKER)) else {
            continue;
        };
        let label = &marker[MARKER.len()..];
        let key = if label == IDENTITY {
            let file = printed(&mut tool("age-keygen"));
            let line = file.lines().find(|line| line.starts_with(label)).unwrap();
            format!("{line}\n")
        } else {
            let (_, arguments) = KEYS.iter().find(|(known, _)| *known == label).unwrap();
            let key = printed(tool("openssl").args(arguments.split(' ')));
            assert!(key.starts_with(&format!("-----BEGIN {label}-----\n")));
            key
        };
        std::fs::write(path, text.replace(&format!("{marker}\n"), &key)).unwrap();
        keys.push(key);
    }
    (folder, keys)
}

/// Whether a text has a piece of a key in it.
fn shows(text: &str, keys: &[String]) -> bool {
    let lines = keys.iter().flat_map(|key| key.lines());
    lines.filter(|line| !line.starts_with('-')).any(|line| {
        let pieces = line.as_bytes().windows(12);
        pieces.map(|piece| std::str::from_utf8(piece).unwrap()).any(|piece| text.contains(piece))
    })
}

/// By hand, from the code charts of Unicode: what a terminal obeys, what turns the order of a line, what
/// shows nothing.
const HOSTILE: [std::ops::RangeInclusive<u32>; 24] = [
    0x01..=0x08,
    0x0b..=0x0c,
    0x0e..=0x1f,
    0x7f..=0x9f,
    0xad..=0xad,
    0x34f..=0x34f,
    0x61c..=0x61c,
    0x115f..=0x1160,
    0x17b4..=0x17b5,
    0x180b..=0x180f,
    0x200b..=0x200f,
    0x2028..=0x202e,
    0x2060..=0x206f,
    0x2800..=0x2800,
    0x3164..=0x3164,
    0xe000..=0xe001,
    0xfe00..=0xfe0f,
    0xfeff..=0xfeff,
    0xffa0..=0xffa0,
    0xfff9..=0xfffb,
    0x1bca0..=0x1bca3,
    0x1d173..=0x1d17a,
    0xe0000..=0xe007f,
    0xe0100..=0xe01ef,
];

#[test]
fn no_hidden_character_may_stand_anywhere_or_is_shown() {
    const BEFORE: &str =
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";
    let shown = |text: String, code: u32, is_raw: bool| {
        let sources =
            Sources::Memory([("cluster.kdl".to_owned(), text.clone().into_bytes())].into());
        let report = load(&sources, "cluster.kdl", None).expect_err(&text).render(false);
        let bad = |c: char| c != '\n' && HOSTILE.iter().any(|range| range.contains(&u32::from(c)));
        assert!(!report.contains(bad), "{report:?}");
        if is_raw {
            let name = format!("character U+{code:04X} is not allowed");
            assert!(report.contains(&name) && report.contains("cluster.kdl:3:"), "{report}");
        }
    };
    for code in HOSTILE.into_iter().flatten() {
        let c = char::from_u32(code).unwrap();
        for line in [
            format!("user \"x\" {{ group \"a{c}31mRED\" }}"),
            format!("user \"x\" {{ group #\"a{c}b\"# }}"),
            format!("user x{c}y"),
            format!("{c}user \"x\""),
            format!("user \"x\" // {c} user"),
            format!("user \"x\" /* {c} /* {c} */ */"),
            format!("user \\ // {c} z\n\"x\""),
            format!("/- user \"x{c}\" // {c}"),
            format!("user \"x\" {{ // {c}\n }}"),
        ] {
            shown(format!("{BEFORE}{line}\n"), code, true);
        }
        for line in ["user", "include", "manifests", "nonsense", "certificate \"a\" san="] {
            shown(format!("{BEFORE}{line} \"a\\u{{{code:x}}}b\"\n"), code, false);
        }
    }
}

/// kdl needs a second of one core for 1 MiB of anything; the rest allows for a busy machine. What these
/// tests guard against takes minutes or overflows the stack.
const LIMIT: Duration = Duration::from_secs(4);

fn report(text: impl Into<Vec<u8>>) -> Report {
    let text = text.into();
    let start = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
    let sources = Sources::Memory([("cluster.kdl".to_owned(), text)].into());
    let started = Instant::now();
    let report = load(&sources, "cluster.kdl", None).expect_err("a mistake");
    let text = report.render(true);
    assert!(started.elapsed() < LIMIT, "{start:?} took {:?}", started.elapsed());
    assert!(text.len() < 20_000, "{} bytes of report", text.len());
    for problem in report.problems() {
        assert!(problem.help.is_some(), "{}: no next step", problem.message);
    }
    report
}

fn first(text: impl Into<Vec<u8>>) -> String {
    report(text).problems()[0].message.clone()
}

const MIB: usize = 1024 * 1024;
/// A debug build reads slowly.
const BULK: usize = if cfg!(debug_assertions) { MIB / 4 } else { MIB };

#[test]
fn deep_blocks() {
    for unit in ["a {", "a {\n", "{", "a { b; "] {
        let message = first(unit.repeat(BULK / unit.len()));
        assert!(
            message.contains("nested more than 16") || message.contains("a block stands"),
            "{message}"
        );
    }
    assert_eq!(
        first(format!("{}{}", "a {\n".repeat(17), "}\n".repeat(17))),
        "blocks are nested more than 16 deep"
    );
}

#[test]
fn deep_comments() {
    for unit in ["/*", "/*/*", "/* * / "] {
        let message = first(unit.repeat(BULK / unit.len()));
        assert!(message.contains("nested more") || message.contains("never closed"), "{message}");
    }
    // Wide, not deep: kdl alone would overflow its stack on these.
    for inside in ["*", "/ ", "* ", "é*"] {
        let text = format!("/* {} */\nclusterr \"lab\"", inside.repeat(BULK / inside.len() / 2));
        assert!(first(text).starts_with("unknown word"));
    }
}

#[test]
fn nested_slashdash() {
    for unit in ["/-", "/- a {", "/- a { b /-{ c ", "a /-", "a /-/-", "/-\n"] {
        let message = first(unit.repeat(BULK / unit.len() / 2));
        assert!(message.contains("/-"), "{unit}: {message}");
    }
    assert!(first("/- a { /- b { /- c { d; } } }\n").contains("nested more than twice"));
}

#[test]
fn junk_in_bulk() {
    for unit in [
        "a)",
        "a]",
        "a=",
        "}",
        ";",
        "a}b",
        "\"",
        "\"a\"",
        "#",
        "#\"",
        "\\",
        "(",
        "(a)b ",
        "=",
        ",",
        "a=1=2 ",
        "\u{202e}",
        "é",
        "a\u{2028}",
        "\"\\",
        "a \"\\u{110000}\"\n",
        "<<<<<<<\n",
        "\r",
        "node \"a\" node=\"b\"\n",
        "node\n",
        "0",
        "-",
        "node 1 2 3\n",
        "x \"\"\"\n",
        "#\"\"\"\n",
        "include \"x\"\n",
        "include \"cluster.kdl\"\n",
        "node \"n\" address=\"10.0.0.1\"\n",
        "ca \"etcd\"\n",
        "certificate \"c\" node=\"x\"\n",
        "a=\"b\"",
        "node \"\u{1b}[31m\"\n",
    ] {
        report(unit.repeat(BULK / unit.len()));
    }
    report(format!("node {}\n", "\"x\" ".repeat(BULK / 4 - 8)));
    report(format!("node \"a\" {{ san {}\n}}\n", "\"x\" ".repeat(BULK / 4 - 8)));
    report(format!("node \"a\" {}\n", "k=1 ".repeat(BULK / 4 - 8)));
    report(format!("{} 1\n", "x".repeat(BULK - 8)));
    report(format!("node \"{}\"\n", "x".repeat(BULK - 16)));
}

#[test]
fn not_text() {
    assert!(first(b"cluster \"l\xffab\"".to_vec()).contains("not UTF-8"));
    assert!(first("a\nb\0").contains("NUL byte in line 2"));
    assert!(first(vec![b'a'; MIB + 1]).contains("larger than 1 MiB"));
    assert!(first("").contains("no `cluster`"));
}

#[test]
fn all_files_together_have_a_limit() {
    let mut includes = String::new();
    for n in 0..9 {
        let _ = writeln!(includes, "include \"{n}.kdl\"");
    }
    let mut files =
        std::collections::BTreeMap::from([("cluster.kdl".to_owned(), includes.into_bytes())]);
    for n in 0..9 {
        files.insert(format!("{n}.kdl"), "// filler\n".repeat(100_000).into_bytes());
    }
    let report = load(&Sources::Memory(files), "cluster.kdl", None).unwrap_err();
    assert!(
        report
            .problems()
            .iter()
            .any(|problem| problem.message.contains("larger than 3 MiB in all"))
    );
}

mod any_text {
    use super::*;
    use proptest::prelude::*;

    const VALID: &str = include_str!("../good-descriptions/full.kdl");

    fn never_panics(text: impl Into<Vec<u8>>) {
        let sources = Sources::Memory([("cluster.kdl".to_owned(), text.into())].into());
        match load(&sources, "cluster.kdl", None) {
            Ok(_) => {}
            Err(report) => {
                // What the syntax check lets through, kdl reads.
                let refused =
                    report.problems().iter().find(|problem| problem.message == "this is not KDL");
                assert!(refused.is_none(), "{}", report.render(false));
                let _ = report.render(true);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn loads_or_reports(text in "\\PC{0,200}") {
            never_panics(text);
        }

        #[test]
        fn loads_or_reports_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            never_panics(bytes);
        }

        #[test]
        fn loads_or_reports_what_looks_like_kdl(
            words in proptest::collection::vec(prop::sample::select(vec![
                "node", "\"cp1\"", "a", "=", " ", " ", " ", "\n", "\n", "{", "}", ";", "/-", "/*", "*/", "//", "1", "-", "+1", ".5", "1.5",
                "#true", "#", "#\"x\"#", "##\"x\"#\"##", "\"\"", "\"\\n\"", "\\", "\\\n", "\\ // c\n", "(", ")", "\u{feff}", "\r\n", "\u{a0}",
                "\u{85}", "0x1", "1e5", "true", "é", "-inf", "#inf", ",", "\"a\\u{41}\"", "[", "--", "+", "-.", "\u{2028}",
            ]), 0..24),
        ) {
            never_panics(words.concat());
        }

        #[test]
        fn survives_mutation(at in 0..VALID.len(), cut in 0..40usize, insert in "[\\PC\n\"{}=#/* -]{0,4}") {
            let mut bytes = VALID.as_bytes().to_vec();
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, insert.bytes());
            never_panics(bytes);
        }
    }
}
