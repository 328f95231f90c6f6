//! A file cannot be a folder: where a `certificate` is placed is held against every other place on its nodes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use super::held::Review;
use super::problem::{At, Problem};
use crate::graph::{Artifact, Graph, Placement};
use crate::name::{Label, NodeName};
use crate::profile::KUBELET_CONFIG;
use crate::spec::{Delivery, Spec};
use crate::state::RECORD;

/// Where each certificate's folder, or the certificate, is written.
pub type Folders = BTreeMap<String, At>;

/// Whose a file on a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner<'g> {
    Artifact(&'g Artifact),
    Other(&'static str),
}

impl<'g> Owner<'g> {
    fn certificate(self) -> Option<&'g Label> {
        match self {
            Owner::Artifact(Artifact::Certificate(name)) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Artifact(artifact) => artifact.fmt(f),
            Owner::Other(words) => f.write_str(words),
        }
    }
}

/// Files that lie on nodes whether or not kpki writes them, and who has them.
const OTHERS: [(&str, &str); 2] = [(RECORD, "kpki's record"), (KUBELET_CONFIG, "the kubelet")];

pub fn review(spec: &Spec, graph: &Graph, folders: &Folders, review: &mut Review) {
    let delivered: HashSet<&NodeName> = spec
        .certificates
        .iter()
        .filter_map(|certificate| match &certificate.delivery {
            Delivery::Nodes { nodes, .. } => Some(nodes),
            Delivery::Operator => None,
        })
        .flatten()
        .collect();
    if delivered.is_empty() {
        return;
    }
    let mut on_nodes: HashMap<&NodeName, Vec<&Placement>> = HashMap::new();
    for place in graph.all_placements() {
        if let Some(node) = &place.node
            && delivered.contains(node)
        {
            on_nodes.entry(node).or_default().push(place);
        }
    }
    let mut told = BTreeSet::new();
    // By name, so that the first of equal mistakes is always the same.
    let sorted: BTreeMap<_, _> = on_nodes.into_iter().collect();
    for (node, places) in sorted {
        let files = Files::of(graph, node, &places);
        for (place, owner) in &files.all {
            let Some(name) = owner.certificate() else {
                continue;
            };
            let Some((other, whose)) = files.collision(place, *owner) else {
                continue;
            };
            // Of a certificate one is enough, and of two that collide the one.
            if [Some(name), whose.certificate()].into_iter().flatten().any(|one| told.contains(one))
            {
                continue;
            }
            told.insert(name);
            let at = folders.get(name.as_str()).copied().unwrap_or(At::whole(0));
            let message = match other.len() {
                shorter if shorter < place.len() => {
                    format!("/{other} is a file on {node} ({whose}), and cannot be a folder")
                }
                longer if longer > place.len() => {
                    format!("/{place} would be a file on {node}, where {whose} needs a folder")
                }
                _ => format!("/{place} is a file on {node} already ({whose})"),
            };
            let help = "choose another `folder`, such as /etc/kubernetes/pki";
            review.problem(Problem::new(at, message).help(help));
        }
    }
}

/// The files of one node, by their paths there, and the artifacts that they hold.
struct Files<'g> {
    all: Vec<(String, Owner<'g>)>,
    /// The same, as a disk sees them that takes `A` for `a`: `out/` may be checked out on one.
    by_path: HashMap<String, Vec<usize>>,
    folders: HashMap<String, usize>,
}

impl<'g> Files<'g> {
    fn of(graph: &'g Graph, node: &NodeName, places: &[&Placement]) -> Self {
        let tree = format!("nodes/{node}/");
        let mut all = Vec::new();
        for place in places {
            let owner = Owner::Artifact(&graph.get(place.derivation).artifact);
            // Whether secrets are sealed may change at any time.
            let sealed = (place.content.is_secret()).then(|| place.sealed_file());
            for path in [place.path.clone()].iter().chain(&sealed) {
                let path = path.as_str();
                let path = path.strip_prefix(&tree).unwrap_or(path);
                all.push((path.to_owned(), owner));
            }
        }
        let written = |path: &str| all.iter().any(|(other, _)| other == path);
        let others: Vec<_> = OTHERS
            .into_iter()
            .filter(|(path, _)| !written(path))
            .map(|(path, owner)| (path.to_owned(), Owner::Other(owner)))
            .collect();
        all.extend(others);
        let mut found = Files { by_path: HashMap::new(), folders: HashMap::new(), all };
        for (index, (path, _)) in found.all.iter().enumerate() {
            let path = path.to_lowercase();
            for (end, _) in path.match_indices('/') {
                let folder = path.get(..end).unwrap_or_default();
                found.folders.entry(folder.to_owned()).or_insert(index);
            }
            found.by_path.entry(path).or_default().push(index);
        }
        found
    }

    /// A file that stands in the way of `path`, or above whose way `path` stands, and its owner.
    fn collision(&self, path: &str, owner: Owner<'g>) -> Option<(&str, Owner<'g>)> {
        let path = path.to_lowercase();
        let ends = path.match_indices('/').map(|(end, _)| end);
        let above = ends.filter_map(|end| self.by_path.get(path.get(..end)?)?.first());
        let equal = self.by_path.get(&path).into_iter().flatten();
        let below = self.folders.get(&path);
        let entry = |index: &usize| self.all.get(*index);
        let mut others = above
            .chain(below)
            .filter_map(entry)
            .chain(equal.filter_map(entry).filter(|(_, other)| *other != owner));
        let (other, whose) = others.next()?;
        Some((other.as_str(), *whose))
    }
}
