//! The README's commands are run and its descriptions parsed, so that it cannot lie.
//!
//! A block ```` ```kdl NAME ```` is written to the file NAME of a fresh folder; a block ```` ```console ````
//! holds commands (`$ …`) and exactly what they print there. Dates, ages and digests differ from day to day
//! and are compared by their shape. `UPDATE_EXPECTED=1` writes what is printed into the README.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use kpki::config;
use kpki::sources::Sources;

use crate::testkit::{path_with_kpki, said, shell};

pub struct Block {
    /// Of the line that opens it, from 1.
    pub line: usize,
    /// Three backticks, or more where the text has three.
    pub fence: String,
    pub info: String,
    pub text: String,
}

pub fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in readme.lines().enumerate() {
        let info = line.trim_start_matches('`');
        let fence = line.strip_suffix(info).unwrap_or_default();
        match &mut open {
            None if fence.len() >= 3 => {
                open = Some(Block {
                    line: index + 1,
                    fence: fence.to_owned(),
                    info: info.to_owned(),
                    text: String::new(),
                });
            }
            None => {}
            Some(block) if line == block.fence => blocks.extend(open.take()),
            Some(block) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    blocks
}

fn run(command: &str, folder: &Path) -> String {
    let mut shell = shell(folder, &format!("{command}\n"));
    let shell = shell.env("PATH", path_with_kpki()).env("COLUMNS", "80");
    // In a terminal both would be seen.
    said(&shell.output().unwrap())
}

/// Runs a console block; gives it with what was really printed.
pub fn replay(block: &Block, folder: &Path) -> String {
    let mut text = String::new();
    for command in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(text, "$ {command}").unwrap();
        text.push_str(&run(command, folder));
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
pub fn shape(text: &str) -> String {
    let mut shaped = String::new();
    for line in text.lines() {
        let words: Vec<String> = line
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| {
                let hex =
                    word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
                if hex {
                    return "HEX".to_owned();
                }
                // Of an ssh key that the README has just made.
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

#[test]
fn commands_print_what_the_readme_says() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut updated = readme.clone();
    let mut ran = 0;
    let mut wrong = Vec::new();
    for block in blocks(&readme) {
        match block.info.split_once(' ') {
            Some(("kdl", name)) => {
                std::fs::write(folder.path().join(name), &block.text).unwrap();
            }
            _ if block.info == "console" => {
                ran += 1;
                let real = replay(&block, folder.path());
                if shape(&real) != shape(&block.text) {
                    wrong.push(format!("README.md:{}\n{real}", block.line));
                }
                updated = updated.replacen(
                    &format!("{0}console\n{1}{0}", block.fence, block.text),
                    &format!("{0}console\n{real}{0}", block.fence),
                    1,
                );
            }
            _ => {}
        }
    }
    assert!(ran >= 8, "only {ran} console blocks");
    if update {
        std::fs::write("README.md", updated).unwrap();
    } else {
        assert!(wrong.is_empty(), "really printed:\n\n{}", wrong.join("\n\n"));
    }
}

/// Every description in the README is one, alone or with the two lines that a cluster needs.
#[test]
fn descriptions_are_accepted() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let mut parsed = 0;
    for block in blocks(&readme) {
        if block.info != "kdl" {
            continue;
        }
        let mut text = block.text.clone();
        if !text.lines().any(|line| line.starts_with("cluster ")) {
            text.push_str("cluster \"lab\" { endpoint \"api.lab\" }\n");
        }
        if !text.contains("role=\"control-plane\"") {
            text.push_str("node \"base\" role=\"control-plane\" address=\"10.9.0.1\"\n");
        }
        let mut files = BTreeMap::from([("cluster.kdl".to_owned(), text.clone().into_bytes())]);
        files.insert("nodes.kdl".into(), b"node \"w9\" address=\"10.9.0.9\"\n".to_vec());
        let brought = std::fs::read("tests/good-descriptions/root.crt").unwrap();
        files.insert("company-ca.crt".into(), brought);
        let chain = std::fs::read("tests/good-descriptions/chain.crt").unwrap();
        files.insert("company-chain.crt".into(), chain);
        // A public key whose secret half nobody has.
        files.insert(
            "ops.txt".into(),
            b"age1xe27wruxchpsz79vnaqvxfafqhqpffghdp4ss8sylkypf24htdvsrjklk2\n".to_vec(),
        );
        let request = std::fs::read("examples/users/omar.csr").unwrap();
        files.insert("omar.csr".into(), request);
        let scheduler = std::fs::read("examples/static-pods/manifests/kube-scheduler.yaml");
        files.insert("manifests/kube-scheduler.yaml".into(), scheduler.unwrap());
        if let Err(report) = config::load(&Sources::Memory(files), "cluster.kdl", None) {
            panic!("README.md:{}\n{}", block.line, report.render(false));
        }
        parsed += 1;
    }
    assert!(parsed >= 6, "only {parsed} descriptions");
}

/// What the reference names is what the grammar knows, and the other way round.
#[test]
fn exit_codes_are_the_written_ones() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    for (code, kind) in [
        (1, kpki::error::Kind::Refused),
        (3, kpki::error::Kind::NeedsAllow),
        (64, kpki::error::Kind::Usage),
        (70, kpki::error::Kind::Internal),
        (75, kpki::error::Kind::Busy),
    ] {
        assert_eq!(kind.exit_code(), code);
        assert!(readme.contains(&format!("| {code} |")), "exit code {code}");
    }
}
