//! Roots of trust: new, replaced, or older than all that is built from them.

use super::find::Finder;
use super::gain::Gain;
use super::{Credential, Holder, compare};
use crate::graph::{DerivationId, Recipe};
use crate::name::ArtifactName;
use crate::plan::World;

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
    let mut anchors = graph.ids().filter(|id| graph.get(*id).recipe.is_anchor());
    anchors.any(|id| {
        let is_brought = matches!(&graph.get(id).recipe, Recipe::Authority(ca) if !ca.is_own());
        let mut places = graph.placements(id).iter();
        places.any(|place| {
            world.inventory.get(place.path.as_str()).is_some()
                && !(is_brought && place.content.is_secret())
        })
    })
}

impl Finder<'_> {
    pub fn anchor(&mut self, id: DerivationId, is_replaced: bool) {
        let graph = self.graph;
        if is_replaced {
            self.add(id, Gain::AnchorReplaced, None).asked_otherwise = true;
            return;
        }
        let recipe = &graph.get(id).recipe;
        let is_brought = matches!(recipe, Recipe::Authority(authority) if !authority.is_own());
        let before = self.before.credential(graph, id);
        match (before, Credential::of_recipe(graph, id)) {
            (Some(before), Some(after)) => {
                let mut gains = compare(&before, &after);
                let is_another = self.before.authority(graph, id)
                    != graph.brought_certificate(id).map(|facts| facts.digest);
                if is_brought && is_another && gains.is_empty() {
                    gains.push(Gain::AnchorReissued);
                }
                for gain in gains {
                    self.add(id, gain, None);
                }
            }
            // What was trusted before, nothing here says.
            _ if !is_brought && self.before.knows(graph, id) => {}
            _ => {
                self.add(id, Gain::Anchor, None);
            }
        }
    }

    /// One consent for all, and one line that says so.
    pub fn is_asked_once(&mut self) {
        for found in self.changes.values_mut() {
            found.asked_otherwise = true;
        }
        let holder = Holder::cluster("cluster");
        let artifact = ArtifactName::of(holder.name());
        self.put(holder, Gain::Anew, artifact, None, None);
    }
}
