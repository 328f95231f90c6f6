//! Which artifacts are of nodes, which nodes are known, and which of their names somebody chose.

use std::collections::{BTreeMap, BTreeSet};

use super::before::Before;
use super::find::Finder;
use super::gain::Gain;
use super::names::is_worth_telling;
use super::{Credential, Holder};
use crate::graph::DerivationId;
use crate::name::San;
use crate::profile::{Hosts, LEAVES};
use crate::spec::{Node, Role, Spec};

/// Nodes are sorted by name.
pub(super) fn described<'a>(spec: &'a Spec, node: &str) -> Option<&'a Node> {
    let nodes = &spec.nodes;
    let at = nodes.binary_search_by(|known| known.name.as_str().cmp(node));
    at.ok().and_then(|at| nodes.get(at))
}

/// Nodes that were there before.
pub(super) struct KnownNodes<'a> {
    before: Before<'a>,
    /// Of which a certificate is here: whose it is must be proved.
    here: BTreeMap<&'a str, Vec<DerivationId>>,
}

impl<'a> KnownNodes<'a> {
    pub fn of(before: Before<'a>) -> Self {
        let mut here: BTreeMap<_, Vec<_>> = BTreeMap::new();
        if let Before::Here(world) = before {
            for id in world.graph.ids() {
                if world.survey.witness(id).certificate().is_some()
                    && let Some(node) = world.graph.get(id).artifact.node()
                {
                    here.entry(node.as_str()).or_default().push(id);
                }
            }
        }
        KnownNodes { before, here }
    }

    pub fn has(&self, node: &str) -> bool {
        match self.before {
            Before::Here(_) => self.proved(node).next().is_some(),
            Before::Described(_, spec) => described(spec, node).is_some(),
        }
    }

    fn has_control_plane(&self, node: &str) -> bool {
        match self.before {
            Before::Here(_) => {
                let graph = self.before.graph();
                self.proved(node).any(|id| {
                    let row = graph.get(id).artifact.row();
                    row.is_some_and(|row| row.hosts == Hosts::ControlPlane)
                })
            }
            Before::Described(_, spec) => {
                described(spec, node).is_some_and(|node| node.role == Role::ControlPlane)
            }
        }
    }

    fn proved(&self, node: &str) -> impl Iterator<Item = DerivationId> {
        let ids = self.here.get(node).into_iter().flatten().copied();
        let graph = self.before.graph();
        ids.filter(move |id| self.before.credential(graph, *id).is_some())
    }
}

impl Finder<'_> {
    /// Kubernetes' own, on a node that is new or has a new part: only its names are somebody's choice.
    pub fn on_a_node(&mut self, id: DerivationId, node: &str, row: &str, after: &Credential) {
        let spec = self.spec;
        let Some(described) = described(spec, node) else {
            return;
        };
        let is_control_plane = described.role == Role::ControlPlane;
        let joins = !self.known_nodes.has(node)
            || (is_control_plane && !self.known_nodes.has_control_plane(node));
        if joins {
            let origin = self.spec.lines.block("node", node).cloned();
            let (holder, gain) = (Holder::node(node), Gain::Joined(described.role));
            let name = self.graph.get(id).name.clone();
            self.put(holder, gain, name, origin, None);
        }
        if !after.server {
            return;
        }
        let chosen = chosen_names(spec, described, row);
        let names = after.sans.intersection(&chosen);
        for name in names.filter(|name| is_worth_telling(name)) {
            let before = self.before;
            let key = (row.to_owned(), name.clone());
            let rows = self.names_of_rows.entry(key);
            if !*rows.or_insert_with(|| before.row_has(row, name)) {
                self.add(id, Gain::Name(name.clone()), None);
            }
        }
    }
}

/// What somebody wrote; all others follow from the node and from Kubernetes.
fn chosen_names(spec: &Spec, node: &Node, row: &str) -> BTreeSet<San> {
    let component = LEAVES.iter().find(|leaf| leaf.name == row);
    let settings = component.and_then(|leaf| spec.components.get(&leaf.component));
    let component = settings.map(|settings| &settings.sans);
    let endpoint = spec.cluster.endpoint.value.host.clone();
    component.into_iter().chain([&node.sans]).flatten().cloned().chain([endpoint]).collect()
}
