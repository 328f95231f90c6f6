//! Nodes as they are described, and which names of their certificates somebody chose.

use std::collections::BTreeSet;

use crate::name::San;
use crate::profile::LEAVES;
use crate::spec::{Node, Spec};

/// Nodes are sorted by name.
pub(super) fn described<'a>(spec: &'a Spec, node: &str) -> Option<&'a Node> {
    let nodes = &spec.nodes;
    let at = nodes.binary_search_by(|known| known.name.as_str().cmp(node));
    at.ok().and_then(|at| nodes.get(at))
}

/// What somebody wrote; all others follow from the node and from Kubernetes.
pub(super) fn chosen_names(spec: &Spec, node: &Node, row: &str) -> BTreeSet<San> {
    let component = LEAVES.iter().find(|leaf| leaf.name == row);
    let settings = component.and_then(|leaf| spec.components.get(&leaf.component));
    let component = settings.map(|settings| &settings.sans);
    let endpoint = spec.cluster.endpoint.value.host.clone();
    component.into_iter().chain([&node.sans]).flatten().cloned().chain([endpoint]).collect()
}
