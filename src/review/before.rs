//! What was before: what the public files here say, or what another description asks for.

use std::collections::BTreeSet;

use super::roles::grants;
use super::{Credential, proved};
use crate::facts::{RoleGrant, role_grants};
use crate::graph::{Artifact, Content, DerivationId, Graph, Placement, Recipe};
use crate::hash::Digest;
use crate::name::{ArtifactName, San, TreePath};
use crate::plan::World;
use crate::spec::Spec;

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
            Before::Here(world) => proved::of(*world, id),
            Before::Described(graph, _) => {
                Credential::of_recipe(graph, Before::find(graph, after, id)?)
            }
        }
    }

    /// Digest of a CA's certificate, where that is one already.
    pub fn authority(&self, after: &Graph, id: DerivationId) -> Option<Digest> {
        match self {
            Before::Here(world) => {
                let certificate = world.survey.witness(id).certificate();
                certificate.map(|facts| facts.digest)
            }
            Before::Described(graph, _) => {
                let id = Before::find(graph, after, id)?;
                graph.brought_certificate(id).map(|facts| facts.digest)
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
                // Another file than the one on record binds nobody: it was put there.
                let entry = world.lock.entries.get(&after.get(id).name);
                let recorded = entry.and_then(|entry| entry.content);
                let is_known =
                    |file: &&[u8]| recorded.is_none_or(|known| known == Digest::of(file));
                file.filter(is_known).and_then(role_grants)
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

    /// The same certificate said so on some node.
    pub fn row_has(&self, row: &str, name: &San) -> bool {
        let graph = self.graph();
        let mut ids = graph.ids();
        ids.any(|id| {
            matches!(graph.get(id).artifact, Artifact::Leaf(Some(_), other) if other == row)
                && match self {
                    Before::Here(world) => {
                        let certificate = world.survey.witness(id).certificate();
                        certificate.is_some_and(|facts| facts.sans.contains(name))
                            && proved::of(*world, id).is_some()
                    }
                    Before::Described(graph, _) => Credential::of_recipe(graph, id)
                        .is_some_and(|credential| credential.sans.contains(name)),
                }
        })
    }

    /// A copy of the artifact lay there, as far as whoever asks can know.
    pub fn has_place(&self, after: &Graph, id: DerivationId, place: &Placement) -> bool {
        match self {
            Before::Here(world) => {
                let is_here = |path: &TreePath| world.inventory.get(path.as_str()).is_some();
                // Where no key is here, a missing one says nothing.
                let mut keys = after.key_places(id);
                is_here(&place.path)
                    || (place.content.is_secret() && !keys.any(|place| is_here(&place.path)))
            }
            Before::Described(graph, _) => {
                let old = Before::find(graph, after, id);
                old.is_some_and(|old| {
                    let mut places = graph.placements(old).iter();
                    places.any(|known| known.path == place.path)
                })
            }
        }
    }

    pub fn graph(&self) -> &'a Graph {
        match self {
            Before::Here(world) => world.graph,
            Before::Described(graph, _) => graph,
        }
    }
}
