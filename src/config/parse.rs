//! Text to [`Node`]s: the only place that knows the `kdl` crate.
//!
//! kdl reads about 1 MB/s, so a long text is cut at its top-level nodes and read on all cores; and the
//! plainest nodes are read without it.

use std::ops::Range;

use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};
use rayon::prelude::*;

use super::plain;
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
    let pieces: Vec<_> =
        pieces(&checked).into_par_iter().map(|range| parse_piece(&checked, range, file)).collect();
    for (more, refused) in pieces {
        nodes.extend(more);
        problems.extend(refused);
    }
    (nodes, problems)
}

/// Plain nodes one by one, and what is between them as one text.
fn parse_piece(checked: &Checked, piece: Range<usize>, file: usize) -> (Vec<Node>, Vec<Problem>) {
    let (mut nodes, mut problems) = (Vec::new(), Vec::new());
    let mut others = piece.start..piece.start;
    let mut parse_others = |others: Range<usize>, nodes: &mut Vec<Node>| {
        if !others.is_empty() {
            match parse_with_kdl(&checked.clean, others, file) {
                Ok(more) => nodes.extend(more),
                Err(problem) => problems.push(*problem),
            }
        }
    };
    let first = checked.nodes.partition_point(|start| *start < piece.start);
    let starts = checked.nodes.get(first..).unwrap_or(&[]);
    for (index, start) in starts.iter().enumerate() {
        if *start >= piece.end {
            break;
        }
        let end = starts.get(index + 1).map_or(piece.end, |next| piece.end.min(*next));
        let text = checked.clean.get(*start..end).unwrap_or("");
        match plain::node(text, file, *start) {
            Some(node) => {
                parse_others(others.start..*start, &mut nodes);
                nodes.push(node);
                others = end..end;
            }
            None => others.end = end,
        }
    }
    parse_others(others.start..piece.end, &mut nodes);
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

fn parse_with_kdl(
    clean: &str,
    range: Range<usize>,
    file: usize,
) -> Result<Vec<Node>, Box<Problem>> {
    let place = Place { file, base: range.start };
    let text = clean.get(range).unwrap_or("");
    match KdlDocument::parse_v2(text) {
        Ok(document) => Ok(document.nodes().iter().map(|node| place.node(node)).collect()),
        // The check before lets nothing through that kdl refuses; one message is enough if it did.
        Err(error) => {
            let first = error.diagnostics.first();
            let (start, end) =
                first.map_or((0, 0), |d| (d.span.offset(), d.span.offset() + d.span.len()));
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
        Word { text: word.value().into(), at: self.at(span.offset(), span.offset() + span.len()) }
    }

    fn value(self, entry: &KdlEntry) -> Value {
        let end = entry.span().offset() + entry.span().len();
        let length = entry.format().map_or(entry.span().len(), |format| format.value_repr.len());
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_kdl_alone(text: &str) -> (Vec<Node>, usize) {
        let checked = check(text, 0);
        let refused = checked.problems.len();
        match parse_with_kdl(&checked.clean, 0..checked.clean.len(), 0) {
            Ok(nodes) => (nodes, refused),
            Err(_) => (Vec::new(), refused + 1),
        }
    }

    proptest! {
        /// The short way gives what kdl gives, in order and with places.
        #[test]
        fn plain_nodes_are_read_as_kdl_reads_them(
            parts in prop::collection::vec(
                prop_oneof![
                    4 => r#"[a-z][a-z-]{0,4}( "[ -~&&[^"\\]]{0,4}"| [a-z]{1,5}="[!-~&&[^"\\]]{0,3}"){0,3} {0,2}(\n|\n\n|; |\n// c\n)"#,
                    1 => r"[a-z]{1,3} [0-9]{1,3}\n",
                    1 => r#"[a-z]{1,3} "a" \{ b "c"; d e="f" \}\n"#,
                    1 => r#"/- [a-z]{1,3} "x"\n"#,
                    1 => r#"[a-z]{1,3} "\\t" \\\n "b"\n"#,
                    1 => "[ \n]{1,3}",
                ],
                0..12,
            )
        ) {
            let text = parts.concat();
            let (nodes, problems) = parse(&text, 0);
            let (expected, refused) = with_kdl_alone(&text);
            prop_assert_eq!(problems.len(), refused, "{}", text);
            prop_assert_eq!(nodes, expected, "{}", text);
        }
    }
}
