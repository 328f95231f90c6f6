//! Roots of trust: new, replaced, or older than all that is built from them.

use super::access_change::AccessChange;
use super::{Credential, compare};
use crate::graph::Recipe;
use crate::hash::Digest;
use crate::plan::World;

/// A CA or the service-account key.
#[derive(Debug, Default)]
pub(super) struct Root {
    /// `None`: it is no CA, or nothing here says what was trusted.
    pub credential: Option<Credential>,
    /// Digest of a CA's certificate, where that is one already.
    pub certificate: Option<Digest>,
    /// Somebody else's CA.
    pub is_brought: bool,
    /// Its key cannot stay.
    pub is_replaced: bool,
}

impl Root {
    /// `before`: anything of it was there.
    pub fn changes(&self, before: Option<&Root>) -> Vec<AccessChange> {
        if self.is_replaced {
            return vec![AccessChange::RootReplaced];
        }
        let credentials = before.and_then(|before| before.credential.as_ref());
        match (credentials.zip(self.credential.as_ref()), before) {
            (Some((old, new)), Some(before)) => {
                let mut changes = compare(old, new);
                let is_another = before.certificate != self.certificate;
                if self.is_brought && is_another && changes.is_empty() {
                    changes.push(AccessChange::RootReissued);
                }
                changes
            }
            // What was trusted before, nothing here says.
            (None, Some(_)) if !self.is_brought => Vec::new(),
            _ => vec![AccessChange::Root],
        }
    }
}

pub(super) fn has_nothing_built(world: World<'_>) -> bool {
    let graph = world.graph;
    let mut places = graph.all_placements().iter();
    world.lock.entries.is_empty()
        && !places.any(|place| {
            !graph.get(place.derivation).recipe.is_anchor()
                && !matches!(graph.get(place.derivation).recipe, Recipe::Bundle(_))
                && world.inventory.get(place.path.as_str()).is_some()
        })
}

/// Somebody trusts these already: a cluster that is made again, or the lock and its files were deleted. The
/// key of a brought CA lies there before the first apply.
pub(super) fn has_roots(world: World<'_>) -> bool {
    let graph = world.graph;
    let mut roots = graph.ids().filter(|id| graph.get(*id).recipe.is_anchor());
    roots.any(|id| {
        let is_brought = matches!(&graph.get(id).recipe, Recipe::Authority(ca) if !ca.is_own());
        let mut places = graph.placements(id).iter();
        places.any(|place| {
            world.inventory.get(place.path.as_str()).is_some()
                && !(is_brought && place.content.is_secret())
        })
    })
}
