//! `leaf "NAME" { … }` in a node's block: what one leaf of that node says.
//!
//! A cluster that somebody else made has certificates that follow from no version: renewing keeps an old
//! subject, and names are what they were when the certificate was made.

use std::collections::BTreeMap;

use super::block::Block;
use super::fields::{GROUP, KEY, RENEW_BEFORE, SAN, SERVER, VALIDITY};
use super::groups;
use super::held::Review;
use super::policy::Written;
use super::problem::{At, Problem, quoted, suggestion};
use super::reader::{Reader, Seen};
use super::shape::{Shape, Values};
use crate::graph::{Artifact, Graph};
use crate::name::NodeName;
use crate::profile::{Home, LEAVES, LeafRow};
use crate::spec::LeafOverride;

pub const SHAPE: Shape = Shape {
    word: "leaf",
    example: Some("apiserver"),
    names: Values::OneOf(names),
    means: "What one certificate of this node says, instead of what follows from everything else. For those \
        that follow from no rule, such as those of a cluster that was taken over.",
    fields: &[
        SAN.field
            .means("All names of a serving certificate, and no others.")
            .follows("those of the node, the component and the cluster")
            .sample("\"cp1\" \"kubernetes\" \"10.0.0.11\" \"10.96.0.1\""),
        GROUP
            .field
            .means("All organizations of the certificate.")
            .text("names of groups; #null for none")
            .follows("those of the version")
            .sample("\"system:masters\""),
        KEY.field,
        VALIDITY.field,
        RENEW_BEFORE.field,
        SERVER.field.sample("\"https://10.0.0.11:6443\"").above(&[]),
    ],
    knows,
    shows: "node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\" {\n    \
        leaf \"scheduler\" key=\"rsa-2048\" validity=\"3650d\"\n}",
    ..Shape::PLAIN
};

/// Each with the file that holds it.
fn names() -> Vec<(&'static str, &'static str)> {
    LEAVES.iter().map(|row| (row.name, row.home.file())).collect()
}

fn knows(name: &str, word: &str) -> bool {
    LEAVES.iter().filter(|row| row.name == name).all(|row| match word {
        _ if word == SAN.word() => row.usage.server(),
        _ if word == SERVER.word() => is_in_kubeconfig(row),
        _ => true,
    })
}

fn is_in_kubeconfig(row: &LeafRow) -> bool {
    matches!(row.home, Home::Kubeconfig { .. })
}

/// A block of a node, and where it stands.
pub struct LeafDraft {
    pub at: At,
    pub row: &'static LeafRow,
    pub written: Written,
    says: LeafOverride,
}

pub fn read(blocks: &[Block<'_>], reader: &mut Reader<'_>) -> Vec<LeafDraft> {
    let mut seen = Seen::new();
    blocks.iter().filter_map(|block| draft(block, &mut seen, reader)).collect()
}

fn draft(block: &Block<'_>, seen: &mut Seen, reader: &mut Reader<'_>) -> Option<LeafDraft> {
    let value = block.name;
    let name = value.and_then(|value| reader.text(value, SHAPE.word));
    let row = name.and_then(|name| LEAVES.iter().find(|row| row.name == name));
    if let (Some(value), Some(name), None) = (value, name, row) {
        let help = suggestion(name, LEAVES.iter().map(|row| row.name));
        let message = format!("Kubernetes has no leaf {}", quoted(name));
        reader.problem(Problem::new(value.at, message).help(help));
    }
    let is_new = match (value, row) {
        (Some(value), Some(_)) => reader.once(block, value, seen),
        _ => false,
    };
    if let Some(row) = row {
        check_words(block, row, reader);
    }
    let written = reader.policy(block);
    let sans = reader.list(block, SAN);
    let sans = block.written(SAN.field).map(|_| reader.origins(sans));
    let says = LeafOverride {
        origin: reader.origin(block.at),
        sans,
        organizations: groups::read(block, GROUP, reader),
        policy: written.policy.clone(),
        server: reader.one(block, SERVER),
    };
    let row = row.filter(|_| is_new)?;
    Some(LeafDraft { at: block.at, row, written, says })
}

/// Words that this leaf cannot have.
fn check_words(block: &Block<'_>, row: &LeafRow, reader: &mut Reader<'_>) {
    let name = row.name;
    if let Some(at) = block.written(SAN.field).filter(|_| !row.usage.server()) {
        reader.problem(
            Problem::new(at, format!("{name} serves nothing, and has no `san`"))
                .label("nobody dials a client")
                .help("delete it; who a client is, its common name and `group` say"),
        );
    }
    if let Some(at) = block.written(SERVER.field).filter(|_| !is_in_kubeconfig(row)) {
        let names = LEAVES.iter().filter(|row| is_in_kubeconfig(row)).map(|row| row.name);
        let names: Vec<_> = names.collect();
        reader.problem(
            Problem::new(at, format!("{name} is in no kubeconfig, and has no `server`"))
                .help(format!("delete it; these are: {}", names.join(", "))),
        );
    }
}

/// What says nothing is not there.
pub fn finish(drafts: Vec<LeafDraft>) -> BTreeMap<&'static str, LeafOverride> {
    let says_something =
        |LeafOverride { sans, organizations, policy, server, .. }: &LeafOverride| {
            sans.is_some()
                || organizations.is_some()
                || server.is_some()
                || policy.key.is_some()
                || policy.validity.is_some()
                || policy.renew_before.is_some()
        };
    let drafts = drafts.into_iter().filter(|draft| says_something(&draft.says));
    drafts.map(|draft| (draft.row.name, draft.says)).collect()
}

/// Where each block stands.
pub type Places = BTreeMap<(NodeName, &'static str), At>;

/// Blocks of leaves that their nodes do not have.
pub fn review(graph: &Graph, places: &Places, review: &mut Review) {
    for ((node, row), at) in places {
        if graph.find(&Artifact::Leaf(Some(node.clone()), row).name()).is_some() {
            continue;
        }
        // A self-rotated kubelet has no leaf, and its kubelet.conf a server.
        let file = LEAVES.iter().find(|known| known.name == *row).map(|known| known.home.file());
        let file = file.map(|file| Artifact::Kubeconfig(Some(node.clone()), file).name());
        if file.is_some_and(|file| graph.find(&file).is_some()) {
            continue;
        }
        let own = graph.ids().filter_map(|id| match &graph.get(id).artifact {
            Artifact::Leaf(Some(of), name) if of == node => Some(*name),
            _ => None,
        });
        let own: Vec<&str> = own.collect();
        let help = format!("delete it; {node} has {}", own.join(", "));
        review.problem(Problem::new(*at, format!("node {node} has no {row}")).help(help));
    }
}
