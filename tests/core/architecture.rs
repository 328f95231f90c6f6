//! The house keeps its floors, its rooms and its proportions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::testkit::files_below;

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
    let files = files_below(Path::new(root)).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let mut found: Vec<_> =
        files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
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

/// A room is a folder; its first lines tell a newcomer what belongs there.
#[test]
fn every_room_says_what_it_may_import_and_what_must_not_be_in_it() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.ends_with("mod.rs")) {
        if path.components().count() == 3 {
            let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
            let head: String = lines.collect();
            for words in ["ay import ", "Never here: "] {
                assert!(head.contains(words), "{} does not say \"{words}\"", path.display());
            }
        }
    }
    let lines = fs::read_to_string("src/lib.rs").unwrap().lines().count();
    assert!(lines <= 110, "a newcomer reads {lines} lines of src/lib.rs");
}

/// What may be used where: a word of code, and the files (by prefix) that may hold it.
const ROOMS: &[(&str, &[&str])] = &[
    ("std::fs", &["src/sources/", "src/store/", "src/command/"]),
    ("rustix::fs", &["src/sources/", "src/store/", "src/command/"]),
    ("SystemTime", &["src/command/clock.rs"]),
    ("Instant", &["src/command/", "src/live/socket"]),
    ("TcpStream", &["src/live/socket"]),
    ("std::net::To", &["src/live/socket"]),
    ("ToSocketAddrs", &["src/live/socket"]),
    ("rustls::", &["src/live/socket"]),
    ("SystemRandom", &["src/keys/"]),
    ("getrandom", &[]),
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
    ("use age::", &["src/sealed/seal.rs", "src/sealed/parse.rs"]),
    (" age::", &["src/sealed/seal.rs", "src/sealed/parse.rs"]),
    ("(age::", &["src/sealed/seal.rs", "src/sealed/parse.rs"]),
    // Its randomness is age's own.
    ("Encryptor", &["src/sealed/seal.rs"]),
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
    let text = fs::read_to_string("src/keys/private_key.rs").unwrap();
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

/// Modules are `pub` for the tests, so rustc does not tell what nobody uses.
#[test]
fn public_items_are_used() {
    let ident = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let mut items = Vec::new();
    for (path, text) in sources() {
        let mut is_exported = false;
        for line in code(&text).lines() {
            let public =
                line.trim_start().strip_prefix("pub").and_then(|rest| rest.split_once(' '));
            let public = public.map_or("", |(_, rest)| rest);
            is_exported |= public.starts_with("use ");
            if !is_exported {
                for word in line.split(ident) {
                    *named.entry(word.to_owned()).or_default() += 1;
                }
                let words: Vec<&str> = public.split(ident).collect();
                let kinds = ["const", "static", "fn", "struct", "enum", "trait", "type"];
                let name = words.iter().position(|word| !kinds.contains(word)).filter(|at| *at > 0);
                items.extend(name.map(|at| (words[at].to_owned(), path.clone())));
            }
            is_exported &= !line.ends_with(';');
        }
    }
    let unused: Vec<_> = items.iter().filter(|(name, _)| named[name] == 1).collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

/// A file as a module: its path, and what it names with `use` or in full.
struct Imports {
    /// `pub use` by the name that others see.
    exported: BTreeMap<String, Vec<String>>,
    named: BTreeSet<Vec<String>>,
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(|segment| segment.trim().to_owned()).collect()
}

/// `a::{b, c::{d, e as f}}` one by one.
fn expanded(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let inside = rest.rsplit_once('}').unwrap().0;
    let mut depth = 0;
    let parts = inside.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expanded(&format!("{prefix}{}", part.trim()))).collect()
}

/// From the root of the crate; `None` for another crate's.
fn from_root(
    module: &[String],
    path: &str,
    modules: &BTreeSet<Vec<String>>,
) -> Option<Vec<String>> {
    let mut path = segments(path);
    path.retain(|segment| !segment.is_empty());
    let mut base = module.to_vec();
    let ups =
        path.iter().take_while(|segment| matches!(segment.as_str(), "super" | "self")).count();
    for up in path.drain(..ups) {
        if up == "super" {
            base.pop();
        }
    }
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    match path.first() {
        Some(first) if first == "crate" => return Some(path.split_off(1)),
        Some(first) if ups == 0 => {
            base.push(first.clone());
            if !modules.contains(&base) {
                return None;
            }
            base.pop();
        }
        _ => {}
    }
    base.extend(path);
    Some(base)
}

fn imports_of(module: &[String], code: &str, modules: &BTreeSet<Vec<String>>) -> Imports {
    let mut found = Imports { exported: BTreeMap::new(), named: BTreeSet::new() };
    let mut rest = String::new();
    let mut statement: Option<(bool, String)> = None;
    for line in code.lines().map(str::trim) {
        let (is_public, used) = match line.strip_prefix("pub").and_then(|line| line.split_once(' '))
        {
            Some((_, used)) => (true, used),
            None => (false, line),
        };
        match (&mut statement, used.strip_prefix("use ")) {
            (Some((_, tree)), _) => tree.push_str(line),
            (None, Some(tree)) => statement = Some((is_public, tree.to_owned())),
            // Where an item is seen is no import.
            (None, None) if line.starts_with("pub(in ") => {
                rest.extend([line.split_once(')').unwrap().1, "\n"]);
            }
            (None, None) => rest.extend([line, "\n"]),
        }
        if line.ends_with(';')
            && let Some((is_public, tree)) = statement.take()
        {
            for path in expanded(tree.trim_end_matches(';')) {
                let Some(path) = from_root(module, &path, modules) else { continue };
                if is_public && let Some(name) = path.last() {
                    found.exported.insert(name.clone(), path.clone());
                }
                // A parent that shows what its child has does not import it.
                if !(is_public && path.starts_with(module)) {
                    found.named.insert(path);
                }
            }
        }
    }
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let full = words.filter(|word| word.contains("::") && !word.ends_with("::"));
    let full = full.filter_map(|word| from_root(module, word, modules));
    found.named.extend(full);
    found
}

#[test]
fn files_of_a_room_import_each_other_in_no_circle() {
    let texts: BTreeMap<Vec<String>, String> = (sources().into_iter())
        .map(|(path, text)| {
            let path = path.with_extension("").strip_prefix("src").unwrap().to_owned();
            let module: Vec<String> =
                path.iter().map(|part| part.to_str().unwrap().into()).collect();
            let module = match module.split_last() {
                Some((last, above)) if last == "mod" => above.to_vec(),
                _ => module,
            };
            (module, code(&text))
        })
        .collect();
    let modules: BTreeSet<Vec<String>> = texts.keys().cloned().collect();
    let imports: BTreeMap<_, _> =
        texts.iter().map(|(module, code)| (module, imports_of(module, code, &modules))).collect();
    let module_of = |path: &[String]| {
        (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|path| modules.contains(path))
    };
    // The file where a path ends, through what others only show.
    let target = |path: &Vec<String>| {
        let mut path = path.clone();
        loop {
            let module = module_of(&path)?;
            let shown = path.get(module.len()).and_then(|name| imports[&module].exported.get(name));
            match shown {
                Some(next) if *next != path => path = next.clone(),
                _ => return Some(module),
            }
        }
    };
    let next: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> = (imports.iter())
        .map(|(module, imports)| {
            let targets = imports.named.iter().filter_map(target);
            (
                *module,
                targets.filter(|target| target != *module && target[0] == module[0]).collect(),
            )
        })
        .collect();
    let reached = |from: &Vec<String>| {
        let mut found = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(module) = waiting.pop() {
            waiting.extend(next[module].iter().filter(|module| found.insert((*module).clone())));
        }
        found
    };
    let mut rooms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for module in modules.iter().filter(|module| reached(module).contains(*module)) {
        rooms.entry(&module[0]).or_default().push(module.join("::"));
    }
    assert!(rooms.is_empty(), "{rooms:#?}");
}
