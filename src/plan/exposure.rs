//! Keys that somebody can read who is a recipient no longer: sealing them again does not take back the old
//! files.
//!
//! An exposure belongs to one key, and ends with it. It is no step: nothing that apply does by itself helps.

use std::collections::{BTreeMap, BTreeSet};

use super::at_rest::recorded;
use super::sealing::id;
use super::{Plan, World};
use crate::graph::{DerivationId, Placement};
use crate::name::ArtifactName;
use crate::state::{Exposure, Lock};

/// Artifacts whose keys removed recipients could read, by full name, unless they get new ones now.
pub(super) fn find(world: World<'_>, plan: &Plan) -> BTreeMap<DerivationId, BTreeSet<String>> {
    if world.lock.exposed.is_empty() && plan.recipients.removed.is_empty() {
        return BTreeMap::new();
    }
    let mut exposed = on_record(world);
    for place in world.graph.all_placements() {
        // In the clear everybody can: that is said otherwise.
        if place.recipients.is_none() || recorded(world, place).is_none() {
            continue;
        }
        let could_read = plan
            .recipients
            .removed
            .iter()
            .filter(|(owner, _)| owner.is_none() || *owner == place.node)
            .map(|(_, name)| name.clone());
        let readers = exposed.entry(key_of(world, place)).or_default();
        readers.extend(could_read);
    }
    for place in world.graph.all_placements() {
        // Whoever is to read one copy of a key has it rightly.
        if let Some(recipients) = &place.recipients
            && let Some(readers) = exposed.get_mut(&key_of(world, place))
        {
            readers.retain(|name| recipients.iter().all(|member| member.id() != id(name)));
        }
    }
    for step in plan.steps.iter().filter(|step| step.action.makes_key()) {
        exposed.remove(&step.derivation);
    }
    exposed.retain(|_, readers| !readers.is_empty());
    exposed
}

fn on_record(world: World<'_>) -> BTreeMap<DerivationId, BTreeSet<String>> {
    let known = world.lock.exposed.iter();
    known
        .filter(|(name, exposure)| exposure.is_of(world.lock, name))
        .filter_map(|(name, exposure)| Some((world.graph.find(name)?, exposure.to.clone())))
        .collect()
}

/// The artifact whose key a file holds.
fn key_of(world: World<'_>, place: &Placement) -> DerivationId {
    world.graph.key_maker(world.graph.identity_in(place.derivation))
}

/// What the lock that `plan` leads to must remember.
pub fn exposures(world: World<'_>, plan: &Plan, new: &Lock) -> BTreeMap<ArtifactName, Exposure> {
    // Of what is no longer described as long as its line is here: it may come back, with its key.
    let orphans = world
        .lock
        .exposed
        .iter()
        .filter(|(name, exposure)| world.graph.find(name).is_none() && exposure.is_of(new, name))
        .map(|(name, exposure)| (name.clone(), exposure.clone()));
    let described = plan.exposed.iter().filter_map(|(id, readers)| {
        let name = &world.graph.get(*id).name;
        let exposure =
            Exposure { public_key: new.entries.get(name)?.public_key?, to: readers.clone() };
        Some((name.clone(), exposure))
    });
    described.chain(orphans).collect()
}
