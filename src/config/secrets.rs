//! `secrets { … }`: whom every secret below `out/` is sealed to.

use std::collections::{BTreeMap, BTreeSet};

use super::block::Block;
use super::files::below;
use super::problem::{At, Problem, quoted};
use super::reader::Reader;
use super::shape::{Many, Shape, many, word};
use super::tree::Value;
use crate::sealed::{LIST_LIMIT, NotAList, Recipient, listed};
use crate::sources::Sources;
use crate::spec::Setting;

pub const SHAPE: Shape = Shape {
    word: "secrets",
    means: "Seals every secret below out/ with age, so that it can be committed; and says to whom. At most 100.",
    fields: &[RECIPIENT.field, RECIPIENTS_FILE.field],
    shows: "secrets {\n    \
        recipient \"age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg\"\n    \
        recipients-file \"ops.txt\"\n}",
    ..Shape::PLAIN
};

/// Of a `node`, too.
pub const RECIPIENT: Many<Recipient> = many(
    word("recipient")
        .means("Who opens the secrets.")
        .text("public keys: age1…, ssh-ed25519 AAAA… or ssh-rsa AAAA…")
        .sample("\"age1fkzj9rnwurrg4uudls9ztm9fwzvupntwtdu9zx065h26st9x89as35pqga\""),
);
const RECIPIENTS_FILE: Many<String> = many(
    word("recipients-file")
        .means("Who opens the secrets: files with a public key on each line.")
        .text("files beside this one or below")
        .sample("\"ops.txt\""),
);

/// Every secret grows with every recipient.
const MOST: usize = 100;

/// `None`: secrets rest in the clear.
pub fn read(
    block: Option<&Block<'_>>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Option<Setting<BTreeSet<Recipient>>> {
    let block = block?;
    let before = reader.problems.len();
    let mut all = BTreeMap::new();
    for (recipient, at) in reader.list(block, RECIPIENT) {
        all.insert(recipient, at);
    }
    for value in block.many(RECIPIENTS_FILE) {
        if let Some(path) = reader.text(value, RECIPIENTS_FILE.word()) {
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
    Some(reader.setting(all.into_keys().collect(), block.at))
}

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
    let bytes = match sources.read(&full, LIST_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => {
            let help = NotAList::Empty.help();
            reader.problem(refuse(error.to_string(), help));
            return;
        }
    };
    let lines = match listed(&bytes) {
        Ok(lines) => lines,
        Err(why) => {
            reader.problem(refuse(format!("{full} {why}"), why.help()));
            return;
        }
    };
    for (number, line) in lines {
        match line {
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
}
