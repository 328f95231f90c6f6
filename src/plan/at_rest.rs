//! How secrets rest: in the clear or sealed. What differs here is the form; what they hold stays.

use super::World;
use crate::graph::{DerivationId, Placement};
use crate::state::Rest;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It lies in the clear.
    Seal,
    /// It is sealed to others than the description names, as far as that can be told.
    SealAgain,
    /// The description asks for secrets in the clear.
    Unseal,
    /// It lies in the clear beside its sealed form.
    RemoveTwin,
}

/// How one secret rests, held against description and lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtRest {
    Absent,
    /// As described.
    Clear,
    /// As described and as recorded.
    Sealed(Rest),
    /// Nothing is on record; the header fits the description.
    Unrecorded(Rest),
    /// Another file than the one on record.
    Modified,
    Differs(Change),
}

pub fn at_rest(world: World<'_>, place: &Placement) -> AtRest {
    let Some(secret) = world.inventory.secret(place.path.as_str()) else {
        return AtRest::Absent;
    };
    let (recipients, sealed) = match (&place.recipients, &secret.sealed) {
        (None, None) => return AtRest::Clear,
        (None, Some(_)) => return AtRest::Differs(Change::Unseal),
        (Some(_), None) => return AtRest::Differs(Change::Seal),
        (Some(recipients), Some(sealed)) => (recipients, sealed),
    };
    match recorded(world, place) {
        Some(rest) if rest.sealed != sealed.digest => AtRest::Modified,
        // The header is what it is, whatever the lock says.
        Some(rest) if rest.recipients == recipients.digest() && sealed.fits(recipients) => {
            AtRest::Sealed(rest)
        }
        None if sealed.fits(recipients) => {
            AtRest::Unrecorded(Rest { sealed: sealed.digest, recipients: recipients.digest() })
        }
        _ => AtRest::Differs(Change::SealAgain),
    }
}

/// The lock's record of how a secret rests.
pub fn recorded(world: World<'_>, place: &Placement) -> Option<Rest> {
    if world.graph.is_copy(place) {
        return world.lock.copies.get(&place.path).copied();
    }
    let name = &world.graph.get(place.derivation).name;
    world.lock.entries.get(name)?.rest
}

/// What an artifact's line will say of its secret if no file is touched; and whether a copy has no line.
pub(super) fn line_at_rest(world: World<'_>, id: DerivationId) -> (Option<Rest>, bool) {
    let (mut master, mut unrecorded) = (None, false);
    let places = world.graph.placements(id).iter();
    for place in places.filter(|place| world.graph.holds_secret(place)) {
        let found = at_rest(world, place);
        if world.graph.is_copy(place) {
            unrecorded |= matches!(found, AtRest::Unrecorded(_));
        } else {
            master = match found {
                AtRest::Sealed(rest) | AtRest::Unrecorded(rest) => Some(rest),
                AtRest::Clear => None,
                // It may come back, or a step sees to it.
                AtRest::Absent | AtRest::Modified | AtRest::Differs(_) => recorded(world, place),
            };
        }
    }
    (master, unrecorded)
}
