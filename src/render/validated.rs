//! A description without mistakes.

use std::fmt::Write as _;

use super::style::STRONG;
use super::text::{counted, harmless, paragraph};
use crate::graph::Graph;
use crate::spec::Spec;

/// What it describes, and what is legal and worth knowing.
pub fn validated(spec: &Spec, graph: &Graph, notes: &[String], columns: usize) -> String {
    let mut text = String::new();
    for note in notes {
        text.push_str(&paragraph("", 2, &harmless(&format!("note: {note}")), columns));
    }
    let _ = writeln!(
        text,
        "no mistake in the description of {}: {}, {}, {}\n{STRONG}next:{STRONG:#} kpki plan",
        spec.cluster.name,
        counted(spec.nodes.len(), "node"),
        counted(spec.users.len(), "user"),
        counted(graph.len(), "artifact"),
    );
    text
}
