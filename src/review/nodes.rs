//! Which names of nodes' certificates somebody chose.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::San;
use crate::profile::LEAVES;
use crate::spec::{Node, Spec};

/// What somebody wrote; all others follow from the node and from Kubernetes.
pub(super) fn chosen_names(spec: &Spec, node: &Node, row: &str) -> BTreeSet<San> {
    let component = LEAVES.iter().find(|leaf| leaf.name == row);
    let settings = component.and_then(|leaf| spec.components.get(&leaf.component));
    let component = settings.map(|settings| &settings.sans);
    let endpoint = spec.cluster.endpoint.value.host.clone();
    let written = component.into_iter().chain([&node.sans]).flat_map(BTreeMap::keys);
    written.cloned().chain([endpoint]).collect()
}
