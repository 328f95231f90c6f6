//! The seed is the one that the keys here were made from.

use super::context::BuildContext;
use crate::error::{Error, Result};
use crate::facts::PublicKey;
use crate::keys::Seed;
use crate::state::SeedMark;

const HELP: &str = "put that seed back; a cluster with another seed begins with an empty out/ and without \
     cluster.lock";
const OTHER_SCHEDULE: &str = "to keep the keys take `reproducible` out of the description; for others begin with an \
     empty out/ and without cluster.lock";

/// The seed must be the one that the keys here follow from.
pub(super) fn check_seed(context: &BuildContext<'_>, seed: &Seed) -> Result<()> {
    match context.world.lock.seed {
        Some(known) => by_lock(context, known, seed),
        None => by_anchors(context),
    }
}

fn by_lock(context: &BuildContext<'_>, known: SeedMark, seed: &Seed) -> Result<()> {
    // Where the cluster was renamed, the plan makes new keys.
    let before = context.world.lock.cluster.as_deref();
    let is_known = match before {
        Some(name) => known.id == seed.of_cluster(name).id(),
        None => known.id == seed.id(),
    };
    if known.schedule != SeedMark::SCHEDULE {
        let message = format!(
            "the keys in cluster.lock were made by version {} of the key schedule, this kpki has version {}",
            known.schedule,
            SeedMark::SCHEDULE
        );
        return Err(Error::refused(message).help(OTHER_SCHEDULE));
    }
    if is_known {
        return Ok(());
    }
    let message = "the seed is not the one that the keys in cluster.lock were made from";
    Err(Error::refused(message).help(HELP))
}

/// Without a lock the anchors tell, and where they are gone the leaves that they issued.
fn by_anchors(context: &BuildContext<'_>) -> Result<()> {
    let world = context.world;
    for id in world.graph.ids() {
        let derivation = world.graph.get(id);
        let Some(described) = derivation.recipe.key_algorithm() else {
            continue;
        };
        if !derivation.recipe.is_anchor() {
            continue;
        }
        let here = world.survey.public_part(id).public_key();
        let issued = world
            .graph
            .dependents(id)
            .filter_map(|leaf| world.survey.public_part(leaf).certificate())
            .find_map(|facts| facts.authority_key_id.clone());
        if here.is_none() && issued.is_none() {
            continue;
        }
        let algorithm = here.and_then(PublicKey::algorithm).unwrap_or(described);
        let Some(derived) = context.key_from_seed(id, algorithm)? else {
            continue;
        };
        let derived = derived.key.public_key();
        let follows = match (here, issued) {
            (Some(here), _) => derived == here,
            (None, Some(key_id)) => derived.key_identifier()[..] == key_id[..],
            (None, None) => true,
        };
        if !follows {
            let name = &derivation.name;
            let message = format!(
                "the key of {name} in out/ does not follow from the seed and the cluster's name"
            );
            return Err(Error::refused(message).help(HELP));
        }
    }
    Ok(())
}
