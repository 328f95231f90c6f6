//! Who could open sealed secrets before.

use std::collections::BTreeSet;

use crate::plan::{Change, Plan, World, recorded};
use crate::sealed::Owner;

/// Secrets that were in the clear count, too: their files stayed out of Git, sealed ones lie there.
pub(super) fn before(
    world: World<'_>,
    plan: &Plan,
    asked: &BTreeSet<(Owner, String)>,
) -> BTreeSet<(Owner, String)> {
    let mut before = plan.recipients.removed.clone();
    if !is_lock_wrong(world, plan) {
        before.extend(asked.difference(&plan.recipients.added).cloned());
    }
    before
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
