//! Runs a page and compares. `UPDATE_EXPECTED=1` writes what is printed into the page.

use std::fmt::Write as _;
use std::path::Path;

use super::parts::{Block, Part, parts};
use crate::testkit::{path_with_kpki, said, shell};

fn run(script: &str, folder: &Path) -> std::process::Output {
    let mut shell = shell(folder, &format!("{script}\n"));
    // What this machine has set for Git is not under test.
    shell.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    shell.env("PATH", path_with_kpki()).env("COLUMNS", "80").output().unwrap()
}

/// Runs a console block; gives it with what was really printed.
fn replay(block: &Block, folder: &Path) -> String {
    let mut text = String::new();
    for command in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(text, "$ {command}").unwrap();
        // In a terminal both streams would be seen.
        text.push_str(&said(&run(command, folder)));
    }
    text
}

/// `jane-0123456789`: the name of a request ends in a digest.
fn without_request_ids(word: &str) -> String {
    let is_id = |part: &str| part.len() == 10 && part.chars().all(|c| c.is_ascii_hexdigit());
    let parts = word.split('-').map(|part| if is_id(part) { "HEX" } else { part });
    parts.collect::<Vec<_>>().join("-")
}

/// Digits and digests by their shape, and runs of spaces (columns) as one.
fn shape(text: &str) -> String {
    let mut shaped = String::new();
    for line in text.lines() {
        let words: Vec<String> = line
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| {
                // A digest, a serial number or a revision, with the punctuation around it.
                let bare = word.trim_matches(['(', ')', ',', ';']);
                if bare.len() >= 12 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == ':') {
                    return word.replace(bare, "HEX");
                }
                // Of an ssh key that the page has just made.
                if word.starts_with("SHA256:") {
                    return "SHA256".to_owned();
                }
                let mut out = String::new();
                for c in without_request_ids(word).chars() {
                    if c.is_ascii_digit() {
                        if !out.ends_with('#') {
                            out.push('#');
                        }
                    } else {
                        out.push(c);
                    }
                }
                out
            })
            .collect();
        shaped.push_str(&words.join(" "));
        shaped.push('\n');
    }
    shaped
}

/// The page with other texts in its blocks.
fn updated(page: &str, real: &[(&Block, String)]) -> String {
    let mut lines: Vec<&str> = page.lines().collect();
    for (block, text) in real.iter().rev() {
        let end = block.line + block.text.lines().count();
        lines.splice(block.line..end, text.lines());
    }
    lines.join("\n") + "\n"
}

/// A block ```` ```kdl NAME ```` is written to that file of the folder; a block ```` ```console ```` holds
/// commands (`$ …`) and exactly what they print there. Dates, ages and digests differ from day to day and are
/// compared by their shape.
pub fn runs(path: &str, folder: &Path) {
    let page = std::fs::read_to_string(path).unwrap();
    let parts = parts(&page);
    let mut again = Vec::new();
    let mut folder = folder.to_owned();
    let mut written: Vec<(&str, &str)> = Vec::new();
    let mut real = Vec::new();
    for part in &parts {
        match part {
            Part::Block(block) if block.info == "console" => {
                real.push((block, replay(block, &folder)));
            }
            Part::Block(block) => {
                if let Some(name) = block.info.strip_prefix("kdl ") {
                    std::fs::write(folder.join(name), &block.text).unwrap();
                    written.retain(|(known, _)| *known != name);
                    written.push((name, &block.text));
                }
            }
            Part::Setup { line, script } => {
                let output = run(&format!("set -eu\n{script}"), &folder);
                assert!(output.status.success(), "{path}:{line}\n{}", said(&output));
            }
            Part::Again => {
                let fresh = tempfile::tempdir().unwrap();
                fresh.path().clone_into(&mut folder);
                again.push(fresh);
                for (name, text) in &written {
                    std::fs::write(folder.join(name), text).unwrap();
                }
            }
        }
    }
    // A fence that the parser does not see would be a command that nobody runs.
    assert_eq!(page.matches("```console\n").count(), real.len(), "{path}");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(path, updated(&page, &real)).unwrap();
        return;
    }
    let wrong = real.iter().filter(|(block, text)| shape(text) != shape(&block.text));
    let wrong: Vec<String> =
        wrong.map(|(block, text)| format!("{path}:{}\n{text}", block.line)).collect();
    assert!(wrong.is_empty(), "really printed:\n\n{}", wrong.join("\n\n"));
}
