//! Which artifacts are of nodes, and which of their names somebody chose.

use std::collections::BTreeSet;

use crate::name::{ArtifactName, San, TreePath};
use crate::profile::{Hosts, LEAVES};
use crate::spec::{Node, Spec};

/// `nodes/cp1/apiserver`
pub(super) fn on_node(name: &ArtifactName) -> Option<(&str, &str)> {
    name.as_str().strip_prefix("nodes/")?.split_once('/')
}

/// The node in whose tree a file lies.
pub(super) fn node_of(path: &TreePath) -> Option<&str> {
    path.as_str().strip_prefix("nodes/")?.split_once('/').map(|(node, _)| node)
}

/// Nodes are sorted by name.
pub(super) fn described<'a>(spec: &'a Spec, node: &str) -> Option<&'a Node> {
    let nodes = &spec.nodes;
    let at = nodes.binary_search_by(|known| known.name.as_str().cmp(node));
    at.ok().and_then(|at| nodes.get(at))
}

/// Only nodes of a control plane have such a certificate.
pub(super) fn is_of_control_plane(row: &str) -> bool {
    let mut rows = LEAVES.iter().filter(|leaf| leaf.name == row);
    rows.any(|leaf| leaf.hosts == Hosts::ControlPlane)
}

/// What somebody wrote; all others follow from the node and from Kubernetes.
pub(super) fn chosen_names(spec: &Spec, node: &Node, row: &str) -> BTreeSet<San> {
    let component = LEAVES.iter().find(|leaf| leaf.name == row);
    let settings = component.and_then(|leaf| spec.components.get(&leaf.component));
    let component = settings.map(|settings| &settings.sans);
    let endpoint = spec.cluster.endpoint.value.host.clone();
    component.into_iter().chain([&node.sans]).flatten().cloned().chain([endpoint]).collect()
}
