//! `secrets { … }`: whom every secret below `out/` is sealed to.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Block, Shape, many};
use super::files::below;
use super::problem::{At, Problem, quoted};
use super::reader::Reader;
use super::tree::Value;
use crate::sealed::Recipient;
use crate::sources::Sources;

pub const SHAPE: Shape = Shape {
    word: "secrets",
    example: None,
    fields: &[many("recipient"), many("recipients-file")],
};

/// Of one recipients file.
const LIMIT: usize = 64 * 1024;
/// Every secret grows with every recipient.
const MOST: usize = 100;
/// An identity's line and an ssh key's block: what must never be quoted.
pub const IDENTITIES: [&str; 2] = ["AGE-SECRET-KEY-", "PRIVATE KEY-----"];

/// `None`: secrets rest in the clear.
pub fn read(
    block: Option<&Block<'_>>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Option<BTreeSet<Recipient>> {
    let block = block?;
    let before = reader.problems.len();
    let mut all = BTreeMap::new();
    for (recipient, at) in recipients(block, reader) {
        all.insert(recipient, at);
    }
    for value in block.many("recipients-file") {
        if let Some(path) = reader.text(value, "recipients-file") {
            file(path, value, &mut all, sources, reader);
        }
    }
    if all.is_empty() && reader.problems.len() == before {
        reader.problem(
            Problem::new(block.at, "`secrets` names no recipient")
                .label("nobody could open them")
                .help(
                    "add recipient \"age1…\": the public key that `age-keygen -o key.txt` prints",
                ),
        );
    }
    if all.len() > MOST {
        let message = format!("more than {MOST} recipients");
        let help = "every secret is sealed to each of them; give a team one key";
        reader.problem(Problem::new(block.at, message).help(help));
    }
    Some(all.into_keys().collect())
}

/// Those that a block names itself: `secrets` or a `node`.
pub fn recipients(block: &Block<'_>, reader: &mut Reader<'_>) -> Vec<(Recipient, At)> {
    reader.list(block, "recipient")
}

/// As `age -R` reads it: a recipient a line, with empty lines and comments.
fn file(
    path: &str,
    value: &Value,
    all: &mut BTreeMap<Recipient, At>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) {
    let refuse = |message: String, help: &str| Problem::new(value.at, message).help(help);
    let Some(full) = below(reader.folder(value.at), path) else {
        let message = format!("{} leads out of the description's folder", quoted(path));
        reader.problem(refuse(message, "copy the file beside the description"));
        return;
    };
    let text = match sources.read(&full, LIMIT) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| format!("{full} is not UTF-8 text")),
        Err(error) => Err(error.to_string()),
    };
    let text = match text {
        Ok(text) => text,
        Err(message) => {
            reader.problem(refuse(message, "a recipients file has a public key a line"));
            return;
        }
    };
    let upper = text.to_ascii_uppercase();
    if IDENTITIES.iter().any(|secret| upper.contains(secret)) {
        reader.problem(refuse(
            format!("{full} holds a secret key"),
            "only public keys belong there; a key that was committed or shared must be replaced",
        ));
        return;
    }
    let mut found = 0;
    let lines = (1..).zip(text.lines().map(str::trim));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        found += 1;
        match line.parse::<Recipient>() {
            Ok(recipient) if all.contains_key(&recipient) => {
                let message = format!("{full}:{number}: {} stands twice", recipient.short_name());
                reader.problem(refuse(message, "delete one of the two"));
            }
            Ok(recipient) => {
                all.insert(recipient, value.at);
            }
            Err(why) => {
                let why = why.to_string();
                let (wrong, help) = why.split_once("; ").unwrap_or((&why, "correct that line"));
                reader.problem(refuse(format!("{full}:{number} {wrong}"), help));
            }
        }
    }
    if found == 0 {
        let message = format!("{full} holds no recipient");
        reader.problem(refuse(message, "a recipients file has a public key a line"));
    }
}
