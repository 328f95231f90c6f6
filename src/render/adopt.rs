//! What was taken over from the nodes, what was left to them, and what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::engine::Adoption;
use crate::graph::FilePart;
use crate::plan::Reason;
use crate::spec::Role;
use crate::visible::printable;

/// `written`: it was done, and would be otherwise. `known`: the description was here before.
pub fn adopt_report(adoption: &Adoption, written: bool, known: bool) -> String {
    let mut text = String::new();
    taken(&mut text, adoption, written, known);
    left(&mut text, adoption);
    if !adoption.remarks.is_empty() {
        text.push_str("\nnoticed\n");
        for remark in &adoption.remarks {
            let _ = writeln!(text, "  {}", printable(remark)); // a String takes everything
        }
    }
    due(&mut text, adoption);
    next(&mut text, adoption, written);
    text
}

fn taken(text: &mut String, adoption: &Adoption, written: bool, known: bool) {
    let spec = &adoption.project.spec;
    let mut roles: BTreeMap<Role, usize> = BTreeMap::new();
    for node in &spec.nodes {
        *roles.entry(node.role).or_default() += 1;
    }
    let roles: Vec<String> =
        roles.iter().map(|(role, count)| format!("{count} {}", role.as_str())).collect();
    let verb = if written { "took over" } else { "would take over" };
    if known && adoption.files.is_empty() {
        text.push_str("nothing to take in: out/ has all that the nodes have\n");
        return;
    }
    if known {
        let verb = if written { "took in" } else { "would take in" };
        let _ =
            writeln!(text, "{verb} {} files that are newer on the nodes:", adoption.files.len());
        for path in adoption.files.keys() {
            let _ = writeln!(text, "  out/{path}");
        }
        return;
    }
    let certificates = adoption.project.graph.ids().filter(|id| {
        adoption.project.graph.placements_of(*id, FilePart::Certificate).next().is_some()
    });
    let _ = writeln!(
        text,
        "{verb} {} ({}): {} certificates; no file on any node changes",
        spec.cluster.name,
        roles.join(", "),
        certificates.count(),
    );
}

/// One line for what is the same on several nodes.
fn left(text: &mut String, adoption: &Adoption) {
    let mut by_file: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for left in &adoption.left {
        by_file.entry((&left.path, left.why)).or_default().insert(left.node.as_str());
    }
    if by_file.is_empty() {
        return;
    }
    text.push_str("\nleft alone, as it is on the nodes\n");
    for ((path, why), nodes) in by_file {
        let nodes: Vec<&str> = nodes.into_iter().collect();
        let _ = writeln!(text, "  /{}  {why} ({})", printable(path), nodes.join(", "));
    }
}

fn due(text: &mut String, adoption: &Adoption) {
    let steps = adoption.plan.steps.iter();
    let due = steps.filter(|step| {
        let by_time =
            |reason: &Reason| matches!(reason, Reason::Expired { .. } | Reason::Expiring { .. });
        step.reasons.iter().any(by_time)
    });
    let due: Vec<_> = due.collect();
    if due.is_empty() {
        text.push_str("\nthe plan that follows: nothing to do\n");
        return;
    }
    text.push_str("\nthe plan that follows: what is due\n");
    for step in due {
        let name = &adoption.project.graph.get(step.derivation).name;
        let reasons: Vec<String> = step.reasons.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {name}  {}", reasons.join(", "));
    }
}

fn next(text: &mut String, adoption: &Adoption, written: bool) {
    let first = adoption.project.spec.nodes.first();
    let node = first.map_or("NODE", |node| node.name.as_str());
    text.push_str(if written {
        "\nnext: kpki plan; then on each node, or against a copy of it: "
    } else {
        "\nnext: run it again with --write, then kpki plan; "
    });
    let _ = writeln!(text, "kpki install {node} --root / --dry-run");
}
