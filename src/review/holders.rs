//! Everybody whose power could change, for a name that a person gives.

use std::collections::BTreeSet;

use super::Holder;
use super::find::identity;
use crate::graph::{Graph, Scope};
use crate::name::ArtifactName;
use crate::spec::{Component, Spec};
use crate::state::Lock;

/// Of the cluster as a whole: see the places where [`Holder::cluster`] is given a name.
const CLUSTER: [&str; 4] = ["cluster", "defaults", "endpoint", "secrets"];

/// Those that are described or were, with and without a change.
pub fn holders(graph: &Graph, lock: &Lock, spec: &Spec) -> BTreeSet<Holder> {
    let described = graph.ids().map(|id| &graph.get(id).name);
    let artifacts: BTreeSet<&ArtifactName> = described.chain(lock.entries.keys()).collect();
    let nodes = artifacts.iter().filter_map(|name| Scope::of(name).node()).map(Holder::node);
    let components = Component::ALL.map(|component| Holder::new("components", component.as_str()));
    artifacts
        .iter()
        .map(|name| Holder::of(&identity(name)))
        .chain(nodes)
        .chain(spec.nodes.iter().map(|node| Holder::node(node.name.as_str())))
        .chain(components)
        .chain(CLUSTER.map(Holder::cluster))
        .collect()
}
