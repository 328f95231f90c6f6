//! The house keeps its floors, its rooms and its proportions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The table in `src/lib.rs`: module, floor.
fn floors() -> BTreeMap<String, u8> {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let mut floors = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let Some((floor, modules)) = line.split_once(" | ") else {
            continue;
        };
        let Ok(floor) = floor.parse() else { continue };
        for module in modules.split('[').skip(1) {
            let name = module.split(']').next().unwrap().trim_matches('`');
            floors.insert(name.to_owned(), floor);
        }
    }
    floors
}

fn sources() -> Vec<(PathBuf, String)> {
    rust_files("src")
}

fn rust_files(root: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(root), &mut found);
    found.sort();
    found
}

/// The top-level module that a file belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap();
    let first = inside.components().next().unwrap().as_os_str();
    first.to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Code without comments and without the unit tests at the end of a file.
fn code(text: &str) -> String {
    text.split("#[cfg(test)]")
        .next()
        .unwrap()
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every `crate::NAME` and every name in `use crate::{…}`.
fn imports(code: &str) -> Vec<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| {
            let rest = rest.trim_start();
            let names = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap(),
                None => rest,
            };
            let braces = rest.starts_with('{');
            names
                .split(',')
                .take(if braces { usize::MAX } else { 1 })
                .map(|name| {
                    name.trim()
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                        .collect()
                })
                .collect::<Vec<String>>()
        })
        .collect()
}

#[test]
fn modules_import_from_lower_floors_only() {
    let floors = floors();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = module(&path);
        if own == "lib" || own == "main" {
            continue;
        }
        let floor = floors.get(&own).unwrap_or_else(|| panic!("{own} has no floor in src/lib.rs"));
        for import in imports(&code(&text)) {
            if import == own {
                continue;
            }
            match floors.get(&import) {
                Some(lower) if lower < floor => {}
                Some(_) => wrong.push(format!("{} imports {import}", path.display())),
                // An item of the crate root, such as a macro: there is none.
                None => wrong.push(format!("{} imports unknown {import}", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_has_a_floor() {
    let floors = floors();
    let text = fs::read_to_string("src/lib.rs").unwrap();
    for line in text.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let name = line.trim_end_matches(';');
        assert!(floors.contains_key(name), "{name} has no floor in src/lib.rs");
    }
}

/// What may be used where: a word of code, and the files (by prefix) that may hold it.
const ROOMS: &[(&str, &[&str])] = &[
    ("std::fs", &["src/sources/", "src/store/", "src/command/"]),
    ("rustix::fs", &["src/sources/", "src/store/", "src/command/"]),
    ("SystemTime", &["src/command/"]),
    ("Instant", &["src/command/"]),
    ("SystemRandom", &["src/build/"]),
    ("getrandom", &["src/build/"]),
    ("println!", &[]),
    ("eprintln!", &[]),
    ("print!", &[]),
    ("eprint!", &[]),
    ("std::io::stdout", &["src/command/terminal.rs"]),
    ("granit_parser", &["src/pod/"]),
    ("anstream", &["src/command/terminal.rs"]),
    ("indicatif", &["src/command/"]),
    ("process::exit", &[]),
    ("Command::new", &["src/command/git/guarded.rs"]),
    (
        "env::var",
        &[
            "src/command/terminal.rs",
            "src/command/machine.rs",
            "src/command/git/guarded.rs",
            "src/command/defect.rs",
        ],
    ),
    ("x509_parser", &["src/facts/"]),
    ("rcgen", &["src/build/"]),
    ("kdl::", &["src/config/"]),
    ("use age::", &["src/build/seal.rs", "src/sealed/parse.rs"]),
    (" age::", &["src/build/seal.rs", "src/sealed/parse.rs"]),
    ("(age::", &["src/build/seal.rs", "src/sealed/parse.rs"]),
    // Its randomness is age's own.
    ("Encryptor", &["src/build/seal.rs"]),
    ("rpassword", &["src/command/terminal.rs"]),
];

#[test]
fn files_clock_randomness_and_printing_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        let path = path.to_str().unwrap();
        for (word, rooms) in ROOMS {
            if code.contains(word) && !rooms.iter().any(|room| path.starts_with(room)) {
                wrong.push(format!("{path} uses {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Secrets cannot be shown by accident.
#[test]
fn secret_types_have_no_debug_display_or_serialize() {
    let text = fs::read_to_string("src/secret.rs").unwrap();
    for word in ["Debug", "Display", "Serialize"] {
        assert!(!code(&text).contains(word), "Secret has {word}");
    }
    let text = fs::read_to_string("src/build/key.rs").unwrap();
    let definition = text.split("pub struct PrivateKey").next().unwrap();
    let derives = definition.rsplit("\n\n").next().unwrap();
    assert!(!derives.contains("derive("), "PrivateKey derives: {derives}");
}

#[test]
fn files_stay_small() {
    let mut lengths: Vec<usize> = Vec::new();
    for (path, text) in sources() {
        let length = text.lines().count();
        assert!(length <= 425, "{} has {length} lines", path.display());
        lengths.push(length);
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap();
    assert!(median <= 180, "the median file has {median} lines");
}

#[test]
fn nothing_is_called_utils_or_manager() {
    for (path, _) in sources() {
        let path = path.to_str().unwrap().to_lowercase();
        for word in ["util", "manager", "helper", "misc", "common"] {
            assert!(!path.contains(word), "{path}");
        }
    }
}

/// rustfmt leaves comments alone.
#[test]
fn comments_stand_within_110_columns() {
    let mut wide = Vec::new();
    for (path, text) in ["src", "tests", "benches", "examples"].into_iter().flat_map(rust_files) {
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") && line.chars().count() > 110 {
                wide.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}
