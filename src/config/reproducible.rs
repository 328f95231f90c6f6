//! `reproducible { … }`: every key from a seed, every date from the description.

use std::sync::Arc;

use super::block::Block;
use super::files::below;
use super::problem::{Problem, quoted};
use super::reader::Reader;
use super::shape::{One, Shape, one, word};
use crate::spec::Reproducible;
use crate::state::is_in_out;
use crate::time::Timestamp;

pub const SHAPE: Shape = Shape {
    word: "reproducible",
    means: "For labs: every key follows from a seed and every date from the description, so that two applies \
        make the same files. Whoever has the seed has every key.",
    fields: &[SEED_FILE.field, NOT_BEFORE.field],
    needs: &["seed-file \"lab.seed\"", "not-before \"2026-01-01T00:00:00Z\""],
    shows: "reproducible {\n    seed-file \"lab.seed\"\n    not-before \"2026-01-01T00:00:00Z\"\n}",
    ..Shape::PLAIN
};

pub const SEED_FILE: One<String> = one(word("seed-file")
    .means("The seed, as kpki init --lab writes one.")
    .text("a file beside this one or below")
    .required()
    .sample("\"lab.seed\""));
pub const NOT_BEFORE: One<Timestamp> = one(word("not-before")
    .means("From when on every certificate is valid.")
    .text("a time in UTC, 2026-01-01T00:00:00Z")
    .required()
    .sample("\"2026-01-01T00:00:00Z\""));

/// The seed itself is not read here: only what makes keys needs it.
pub fn read(block: &Block<'_>, reader: &mut Reader<'_>) -> Option<Reproducible> {
    for (field, example) in [
        (SEED_FILE.field, "seed-file \"lab.seed\""),
        (NOT_BEFORE.field, "not-before \"2026-01-01T00:00:00Z\""),
    ] {
        if block.written(field).is_none() {
            let problem =
                Problem::new(block.at, format!("`reproducible` needs a `{}`", field.word));
            reader.problem(problem.help(format!("add {example}")));
        }
    }
    let seed_file = seed_file(block, reader);
    let not_before = reader.one(block, NOT_BEFORE);
    Some(Reproducible { seed_file: seed_file?, not_before: not_before? })
}

fn seed_file(block: &Block<'_>, reader: &mut Reader<'_>) -> Option<Arc<str>> {
    let value = block.one(SEED_FILE)?;
    let text = reader.text(value, SEED_FILE.word())?;
    let path = below(reader.folder(value.at), text);
    let help = "put the seed beside this file or below, and name it from there";
    match path {
        None => {
            let message = format!("{} leads out of the description's folder", quoted(text));
            reader.problem(Problem::new(value.at, message).help(help));
            None
        }
        Some(path) if is_in_out(&path) => {
            let message = format!("{} is where kpki writes", quoted(text));
            reader.problem(Problem::new(value.at, message).help(help));
            None
        }
        Some(path) => Some(Arc::from(path)),
    }
}
