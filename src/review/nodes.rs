//! Which names and groups of nodes' certificates somebody chose.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{sans_from, written_organizations};
use crate::name::{NodeName, San};
use crate::profile::LEAVES;
use crate::spec::{Node, Spec};

/// What somebody wrote; all others follow from the node and from Kubernetes.
pub(super) fn chosen_names(spec: &Spec, node: &Node, row: &str) -> BTreeSet<San> {
    let component = LEAVES.iter().find(|leaf| leaf.name == row);
    let settings = component.and_then(|leaf| spec.components.get(&leaf.component));
    let component = settings.map(|settings| &settings.sans);
    let endpoint = spec.cluster.endpoint.value.host.clone();
    let written = component.into_iter().chain([&node.sans]).flat_map(BTreeMap::keys);
    let leaf = own_list(spec, node, row);
    written.cloned().chain([endpoint]).chain(leaf).collect()
}

/// Of a leaf's own list what would not be there without it.
fn own_list(spec: &Spec, node: &Node, row: &str) -> BTreeSet<San> {
    let Some(row) = LEAVES.iter().find(|leaf| leaf.name == row) else {
        return BTreeSet::new();
    };
    let Some(written) = node.leaves.get(row.name).and_then(|leaf| leaf.sans.as_ref()) else {
        return BTreeSet::new();
    };
    let follow = row.sans.iter().flat_map(|from| sans_from(spec, row, Some(node), *from));
    let follow: BTreeSet<San> = follow.collect();
    written.keys().filter(|name| !follow.contains(name)).cloned().collect()
}

/// Groups that Kubernetes would not ask for.
pub(super) fn chosen_groups(spec: &Spec, node: &NodeName, row: &str) -> BTreeSet<String> {
    let row = LEAVES.iter().find(|leaf| leaf.name == row);
    let node = spec.node(node.as_str());
    let Some((row, node)) = row.zip(node) else {
        return BTreeSet::new();
    };
    let usual = row.organization_at(spec.cluster.kubernetes.value);
    let written = written_organizations(spec, row, Some(node));
    let written = written.into_iter().flat_map(|written| &written.value);
    let groups = written.map(ToString::to_string);
    groups.filter(|group| usual != Some(group.as_str())).collect()
}
