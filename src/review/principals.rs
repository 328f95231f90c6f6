//! Everybody whose power could change, for a name that a person gives.

use std::collections::BTreeSet;

use super::principal::{Principal, identity};
use crate::graph::{Graph, Scope};
use crate::name::ArtifactName;
use crate::spec::{Component, Spec};
use crate::state::Lock;

/// Of the cluster as a whole: see the places where [`Principal::cluster`] is given a name.
const CLUSTER: [&str; 4] = ["cluster", "defaults", "endpoint", "secrets"];

/// Those that are described or were, with and without a change.
pub fn principals(graph: &Graph, lock: &Lock, spec: &Spec) -> BTreeSet<Principal> {
    let described = graph.ids().map(|id| &graph.get(id).name);
    let artifacts: BTreeSet<&ArtifactName> = described.chain(lock.entries.keys()).collect();
    let nodes = artifacts.iter().filter_map(|name| Scope::of(name).node()).map(Principal::node);
    let components =
        Component::ALL.map(|component| Principal::new("components", component.as_str()));
    artifacts
        .iter()
        .map(|name| Principal::of(&identity(name)))
        .chain(nodes)
        .chain(spec.nodes.iter().map(|node| Principal::node(node.name.as_str())))
        .chain(components)
        .chain(CLUSTER.map(Principal::cluster))
        .collect()
}
