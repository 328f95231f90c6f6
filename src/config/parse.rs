//! Text to [`Node`]s: the only place that knows the `kdl` crate.
//!
//! kdl reads about 1 MB/s, so a long text is cut at its top-level nodes and read on all cores.

use std::ops::Range;

use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};
use rayon::prelude::*;

use super::problem::{At, Problem};
use super::syntax::{Checked, check};
use super::tree::{Node, Scalar, Value, Word};

/// Below this size one core is done before others have started.
const WORTH_CUTTING: usize = 64 * 1024;
/// Small enough to keep all cores busy to the end.
const PIECE: usize = 16 * 1024;

/// The nodes without a mistake in their syntax, and the mistakes of the others.
pub fn parse(text: &str, file: usize) -> (Vec<Node>, Vec<Problem>) {
    let mut checked = check(text, file);
    let mut problems = std::mem::take(&mut checked.problems);
    let mut nodes = Vec::new();
    let pieces: Vec<_> = pieces(&checked)
        .into_par_iter()
        .map(|range| parse_piece(&checked.clean, range, file))
        .collect();
    for piece in pieces {
        match piece {
            Ok(more) => nodes.extend(more),
            Err(problem) => problems.push(*problem),
        }
    }
    (nodes, problems)
}

fn pieces(checked: &Checked) -> Vec<Range<usize>> {
    let length = checked.clean.len();
    if length < WORTH_CUTTING {
        return std::iter::once(0..length).collect();
    }
    let mut pieces = Vec::with_capacity(length / PIECE + 1);
    let mut start = 0;
    for node in &checked.nodes {
        if node - start >= PIECE {
            pieces.push(start..*node);
            start = *node;
        }
    }
    pieces.push(start..length);
    pieces
}

fn parse_piece(clean: &str, range: Range<usize>, file: usize) -> Result<Vec<Node>, Box<Problem>> {
    let place = Place {
        file,
        base: range.start,
    };
    let text = clean.get(range).unwrap_or("");
    match KdlDocument::parse_v2(text) {
        Ok(document) => Ok(document
            .nodes()
            .iter()
            .map(|node| place.node(node))
            .collect()),
        // The check before lets nothing through that kdl refuses; one message is enough if it did.
        Err(error) => {
            let first = error.diagnostics.first();
            let (start, end) = first.map_or((0, 0), |d| {
                (d.span.offset(), d.span.offset() + d.span.len())
            });
            let why = first.and_then(|d| d.message.clone()).unwrap_or_default();
            let problem = Problem::new(place.at(start, end), "this is not KDL");
            Err(Box::new(problem.label(why.to_lowercase())))
        }
    }
}

/// Shifts a piece's offsets to those of its file.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    base: usize,
}

impl Place {
    fn at(self, start: usize, end: usize) -> At {
        At::new(self.file, self.base + start, self.base + end)
    }

    fn word(self, word: &KdlIdentifier) -> Word {
        let span = word.span();
        Word {
            text: word.value().into(),
            at: self.at(span.offset(), span.offset() + span.len()),
        }
    }

    fn value(self, entry: &KdlEntry) -> Value {
        let end = entry.span().offset() + entry.span().len();
        let length = entry
            .format()
            .map_or(entry.span().len(), |format| format.value_repr.len());
        Value {
            scalar: match entry.value() {
                KdlValue::String(text) => Scalar::Text(text.as_str().into()),
                KdlValue::Integer(number) => Scalar::Integer(*number),
                KdlValue::Float(number) => Scalar::Fraction(*number),
                KdlValue::Bool(value) => Scalar::Bool(*value),
                KdlValue::Null => Scalar::Null,
            },
            at: self.at(end.saturating_sub(length), end),
        }
    }

    /// Recursion is safe: the check limits the depth.
    fn node(self, node: &KdlNode) -> Node {
        let (mut values, mut properties) = (Vec::new(), Vec::new());
        for entry in node.entries() {
            match entry.name() {
                Some(name) => properties.push((self.word(name), self.value(entry))),
                None => values.push(self.value(entry)),
            }
        }
        let children = node.children().map_or(&[][..], KdlDocument::nodes);
        Node {
            word: self.word(node.name()),
            values,
            properties,
            children: children.iter().map(|child| self.node(child)).collect(),
        }
    }
}
