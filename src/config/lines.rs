//! Notes where each block stands, and each value in it that gives power.

use super::block::Block;
use super::fields::SAN;
use super::reader::Reader;
use super::secrets::RECIPIENT;
use super::tree::Scalar;
use super::{bind, ca, certificate, user};
use crate::spec::Lines;

/// Words whose every value is worth a line of its own.
const FIELDS: [&str; 9] = [
    SAN.word(),
    user::GROUP.word(),
    bind::GROUP.word(),
    certificate::ORGANIZATION.word(),
    user::CSR.word(),
    ca::CERTIFICATE.word(),
    RECIPIENT.word(),
    bind::ROLE.word(),
    bind::CLUSTER_ROLE.word(),
];

pub fn note<'b>(blocks: impl Iterator<Item = &'b Block<'b>>, reader: &Reader<'_>) -> Lines {
    let mut lines = Lines::default();
    for block in blocks {
        let name = block.name.and_then(|name| text(&name.scalar)).unwrap_or("");
        let word = block.shape.word;
        lines.add_block(word, name, reader.origin(block.at));
        note_values(block, word, name, &mut lines, reader);
        for inner in &block.blocks {
            note_values(inner, word, name, &mut lines, reader);
        }
    }
    lines
}

fn note_values(block: &Block<'_>, word: &str, name: &str, lines: &mut Lines, reader: &Reader<'_>) {
    for (field, value) in block.all().filter(|(field, _)| FIELDS.contains(field)) {
        if let Some(text) = text(&value.scalar) {
            lines.add_value(word, name, field, text, reader.origin(value.at));
        }
    }
}

fn text(scalar: &Scalar) -> Option<&str> {
    match scalar {
        Scalar::Text(text) => Some(text),
        _ => None,
    }
}
