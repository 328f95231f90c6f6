//! What was before: what the public files here say, or what another description asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Witness, World};
use super::names::is_worth_telling;
use super::nodes::{is_of_control_plane, on_node};
use super::{Credential, grants};
use crate::facts::{RoleGrant, is_signed_by, role_grants};
use crate::graph::{Content, DerivationId, Graph, Recipe};
use crate::name::{ArtifactName, San};
use crate::spec::{Role, Spec};

/// Artifacts are asked for as the graph of what is after knows them.
#[derive(Clone, Copy)]
pub(super) enum Before<'a> {
    Here(World<'a>),
    Described(&'a Graph, &'a Spec),
}

impl<'a> Before<'a> {
    /// The same artifact in the description before.
    fn find(graph: &Graph, after: &Graph, id: DerivationId) -> Option<DerivationId> {
        graph.find(&after.get(id).name)
    }

    /// What the certificate of an artifact says.
    pub fn credential(&self, after: &Graph, id: DerivationId) -> Option<Credential> {
        match self {
            Before::Here(world) => here(*world, id),
            Before::Described(graph, _) => {
                Credential::of_recipe(graph, Before::find(graph, after, id)?)
            }
        }
    }

    /// Anything of it was there.
    pub fn knows(&self, after: &Graph, id: DerivationId) -> bool {
        match self {
            Before::Here(world) => {
                world.lock.entries.contains_key(&after.get(id).name)
                    || world.survey.witness(id).path().is_some()
            }
            Before::Described(graph, _) => Before::find(graph, after, id).is_some(),
        }
    }

    pub fn grants(&self, after: &Graph, id: DerivationId) -> BTreeSet<RoleGrant> {
        let found = match self {
            Before::Here(world) => {
                let place = after.placements_of(id, Content::Rendered).next();
                let file = place.and_then(|place| world.inventory.public(place.path.as_str()));
                file.and_then(role_grants)
            }
            Before::Described(graph, _) => {
                let old = Before::find(graph, after, id);
                old.and_then(|old| match &graph.get(old).recipe {
                    Recipe::UserBindings(recipe) => Some(grants(recipe)),
                    _ => None,
                })
            }
        };
        found.unwrap_or_default()
    }

    /// Where a kubeconfig led.
    pub fn server(&self, name: &ArtifactName) -> Option<String> {
        match self {
            Before::Here(world) => world.lock.entries.get(name)?.server.clone(),
            Before::Described(graph, _) => match &graph.get(graph.find(name)?).recipe {
                Recipe::Kubeconfig(config) => Some(config.server.url()),
                _ => None,
            },
        }
    }

    /// What the same certificate said on all nodes.
    pub fn names_of_row(&self, row: &str) -> BTreeSet<San> {
        let is_of_row = |graph: &Graph, id: DerivationId| {
            on_node(&graph.get(id).name).is_some_and(|(_, other)| other == row)
        };
        let graph = self.graph();
        let ids = graph.ids().filter(|id| is_of_row(graph, *id));
        match self {
            Before::Here(world) => ids
                .filter_map(|id| world.survey.witness(id).certificate())
                .flat_map(|facts| facts.sans.iter().cloned())
                .collect(),
            Before::Described(graph, _) => ids
                .filter_map(|id| Credential::of_recipe(graph, id))
                .flat_map(|credential| credential.sans)
                .collect(),
        }
    }

    /// Nodes of which something was there, and whether anything of a control plane was.
    pub fn known_nodes(&self) -> BTreeMap<&'a str, bool> {
        let mut known = BTreeMap::new();
        match self {
            Before::Here(world) => {
                let (graph, survey) = (world.graph, world.survey);
                let here = graph
                    .ids()
                    .filter(|id| survey.witness(*id).path().is_some())
                    .filter_map(|id| on_node(&graph.get(id).name));
                for (node, row) in here {
                    *known.entry(node).or_default() |= is_of_control_plane(row);
                }
            }
            Before::Described(_, spec) => known.extend(
                spec.nodes
                    .iter()
                    .map(|node| (node.name.as_str(), node.role == Role::ControlPlane)),
            ),
        }
        known
    }

    fn graph(&self) -> &'a Graph {
        match self {
            Before::Here(world) => world.graph,
            Before::Described(graph, _) => graph,
        }
    }
}

fn here(world: World<'_>, id: DerivationId) -> Option<Credential> {
    let certified = world.graph.answer_to(id).unwrap_or(id);
    if let Witness::Certificate { der, facts, .. } = world.survey.witness(certified) {
        let mut before = Credential::of_certificate(facts);
        // It may come from whoever proposes the change, and so may the lock's line of it: only a CA can tell.
        if tells_of_power(&world.graph.get(id).name, &before) && !is_issued_here(world, der) {
            return None;
        }
        let issuer = world.graph.get(id).recipe.issuer();
        let issuer = issuer.and_then(|issuer| world.survey.witness(issuer).certificate());
        if issuer.is_some_and(|issuer| issuer.not_after == facts.not_after) {
            // Cut at its CA's end: its length says nothing about what was wanted.
            before.life = None;
        }
        return Some(before);
    }
    match world.survey.witness(id) {
        Witness::Request { facts, .. } => Some(Credential::of_request(facts)),
        _ => None,
    }
}

/// What a node's certificate holds else follows from Kubernetes, and a signature is dear where nodes are many.
fn tells_of_power(name: &ArtifactName, before: &Credential) -> bool {
    on_node(name).is_none() || before.sans.iter().any(is_worth_telling)
}

/// By any of the CAs that are here: a certificate may move from one to another.
fn is_issued_here(world: World<'_>, der: &[u8]) -> bool {
    let graph = world.graph;
    graph
        .ids()
        .filter(|id| matches!(graph.get(*id).recipe, Recipe::Authority(_)))
        .filter_map(|id| world.survey.witness(id).certificate())
        .any(|authority| is_signed_by(der, &authority.public_key))
}
