//! Who could open sealed secrets before.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Change, Plan, World, recipient_id, recorded};
use crate::sealed::{Owner, Recipients};

/// Secrets that were in the clear count, too: their files stayed out of Git, sealed ones lie there.
pub(super) fn before(
    world: World<'_>,
    plan: &Plan,
    asked: &BTreeSet<(Owner, String)>,
) -> BTreeSet<(Owner, String)> {
    let mut before = plan.recipients.removed.clone();
    if !is_lock_wrong(world, plan) && is_head_of_its_lines(world) {
        before.extend(asked.difference(&plan.recipients.added).cloned());
    }
    before
}

/// Whom the head names is whom the lines of sealed files record. A tree with recipients of its own has some
/// more.
fn is_head_of_its_lines(world: World<'_>) -> bool {
    let named = &world.lock.recipients;
    let keys = |node: &Owner| -> BTreeSet<&str> {
        let owners = BTreeSet::from([&None, node]);
        let names = owners.into_iter().filter_map(|owner| named.get(owner)).flatten();
        names.map(|name| recipient_id(name)).collect()
    };
    let mut agreed: BTreeMap<Owner, bool> = BTreeMap::new();
    for place in world.graph.all_placements() {
        let secret = world.inventory.secret(place.path.as_str());
        let sealed = secret.and_then(|secret| secret.sealed.as_ref());
        if let (Some(sealed), Some(rest)) = (sealed, recorded(world, place)) {
            let owner = place.node.clone().filter(|node| named.contains_key(&Some(node.clone())));
            let keys = keys(&owner);
            // A line alone is as easily written as the head: the file that it is of has as many.
            let is_intact = sealed.digest == rest.sealed;
            let is_same = (!is_intact || sealed.stanzas.len() == keys.len())
                && Recipients::digest_of(keys.into_iter().map(str::to_owned)) == rest.recipients;
            *agreed.entry(owner).or_default() |= is_same;
        }
    }
    agreed.into_values().all(|is_same| is_same)
}

/// It says of a file that it was sealed to whom the description names, and the file's header says otherwise.
fn is_lock_wrong(world: World<'_>, plan: &Plan) -> bool {
    let again = plan.seals.iter();
    let mut again = again.filter(|seal| seal.change == Change::SealAgain);
    again.any(|seal| {
        let place = world.graph.placed_at(&seal.path);
        place.is_some_and(|place| {
            let wished = place.recipients.as_ref().map(|wished| wished.digest());
            let known = recorded(world, place).map(|rest| rest.recipients);
            wished.is_some() && known == wished
        })
    })
}
