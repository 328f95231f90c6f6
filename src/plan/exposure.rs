//! Keys that somebody can read who is a recipient no longer: sealing them again does not take back the old files.

use std::collections::BTreeSet;

use super::sealing::{id, recorded};
use super::{Plan, World};
use crate::graph::{DerivationId, Placement, Recipe};

/// Artifacts whose keys a removed recipient could read, unless they get new ones now.
pub(super) fn find(world: World<'_>, plan: &Plan) -> BTreeSet<DerivationId> {
    let removed = &plan.recipients.removed;
    if removed.is_empty() {
        return BTreeSet::new();
    }
    let could_read = |place: &&Placement| {
        // In the clear everybody can: that is said otherwise.
        let Some(recipients) = &place.recipients else {
            return false;
        };
        let stays = |name: &str| {
            recipients
                .iter()
                .any(|recipient| recipient.id() == id(name))
        };
        recorded(world, place).is_some()
            && removed
                .iter()
                .any(|(owner, name)| (owner.is_none() || *owner == place.node) && !stays(name))
    };
    let key_of = |place: &Placement| match &world.graph.get(place.derivation).recipe {
        Recipe::Kubeconfig(config) => match &world.graph.get(config.identity).recipe {
            Recipe::Accepted(accepted) => accepted.request,
            _ => config.identity,
        },
        _ => place.derivation,
    };
    let made_anew: BTreeSet<DerivationId> = plan
        .steps
        .iter()
        .filter(|step| step.action.makes_key())
        .map(|step| step.derivation)
        .collect();
    world
        .graph
        .all_placements()
        .iter()
        .filter(could_read)
        .map(key_of)
        .filter(|key| !made_anew.contains(key))
        .collect()
}
