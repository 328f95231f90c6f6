//! How secrets rest: in the clear or sealed. What changes here is the form; what they hold stays.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::judge::Judge;
use super::{Action, Allow, Blocked, Intent, Plan, World};
use crate::graph::{DerivationId, Placement};
use crate::name::TreePath;
use crate::sealed::Owner;
use crate::spec::Spec;
use crate::state::{Lock, Rest, SecretFile};

/// One secret whose form changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub derivation: DerivationId,
    /// Its name in the clear.
    pub path: TreePath,
    pub change: Change,
}

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

/// Whom secrets were and are sealed to, where that differs: full names and whose they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipientsChange {
    pub added: BTreeSet<(Owner, String)>,
    pub removed: BTreeSet<(Owner, String)>,
}

/// How one secret rests, held against description and lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resting {
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

pub fn resting(world: World<'_>, place: &Placement) -> Resting {
    let Some(secret) = world.inventory.secret(place.path.as_str()) else {
        return Resting::Absent;
    };
    let (recipients, sealed) = match (&place.recipients, &secret.sealed) {
        (None, None) => return Resting::Clear,
        (None, Some(_)) => return Resting::Differs(Change::Unseal),
        (Some(_), None) => return Resting::Differs(Change::Seal),
        (Some(recipients), Some(sealed)) => (recipients, sealed),
    };
    match recorded(world, place) {
        Some(rest) if rest.sealed != sealed.digest => Resting::Modified,
        // The header is what it is, whatever the lock says.
        Some(rest) if rest.recipients == recipients.digest() && sealed.fits(recipients) => {
            Resting::Sealed(rest)
        }
        None if sealed.fits(recipients) => {
            Resting::Unrecorded(Rest { sealed: sealed.digest, recipients: recipients.digest() })
        }
        _ => Resting::Differs(Change::SealAgain),
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
pub(super) fn expected(world: World<'_>, id: DerivationId) -> (Option<Rest>, bool) {
    let (mut master, mut unrecorded) = (None, false);
    let places = world.graph.placements(id).iter();
    for place in places.filter(|place| world.graph.holds_secret(place)) {
        let resting = resting(world, place);
        if world.graph.is_copy(place) {
            unrecorded |= matches!(resting, Resting::Unrecorded(_));
        } else {
            master = match resting {
                Resting::Sealed(rest) | Resting::Unrecorded(rest) => Some(rest),
                Resting::Clear => None,
                // It may come back, or a step sees to it.
                Resting::Absent | Resting::Modified | Resting::Differs(_) => recorded(world, place),
            };
        }
    }
    (master, unrecorded)
}

/// Every secret that rests otherwise than described, but for those that a step writes anew.
pub(super) fn find(plan: &mut Plan, world: World<'_>, spec: &Spec, intent: &Intent) {
    let steps = plan.steps.iter().filter(|step| step.action != Action::Record);
    let written: HashSet<(DerivationId, &TreePath)> =
        steps.flat_map(|step| step.writes.iter().map(|path| (step.derivation, path))).collect();
    let mut seals = Vec::new();
    let mut unsealed = Vec::new();
    for place in world.graph.all_placements() {
        if !world.graph.holds_secret(place) {
            continue;
        }
        let seal = |change| Seal { derivation: place.derivation, path: place.path.clone(), change };
        let resting = resting(world, place);
        if resting == Resting::Differs(Change::Unseal) {
            unsealed.push(place.derivation);
        }
        match resting {
            Resting::Differs(change) if !written.contains(&(place.derivation, &place.path)) => {
                seals.push(seal(change));
            }
            _ => {}
        }
        let twins = |secret: &SecretFile| secret.plain.is_some() && secret.sealed.is_some();
        let secret = world.inventory.secret(place.path.as_str());
        if place.recipients.is_some() && secret.is_some_and(twins) {
            seals.push(seal(Change::RemoveTwin));
        }
    }
    block_unsealing(plan, &unsealed, intent);
    plan.seals = seals;
    plan.recipients = recipients_change(world.lock, spec);
}

fn block_unsealing(plan: &mut Plan, unsealed: &[DerivationId], intent: &Intent) {
    let (Some(first), false) = (unsealed.first(), intent.allow.contains(&Allow::Plaintext)) else {
        return;
    };
    let artifacts = unsealed.iter().collect::<HashSet<_>>().len();
    let others = match artifacts {
        1 => "its secret rests".to_owned(),
        more => format!("its secret and those of {} more artifacts rest", more - 1),
    };
    plan.blocked.push(Blocked {
        derivation: *first,
        allow: Some(Allow::Plaintext),
        why: format!(
            "{others} sealed, and the description has no `secrets`: apply would write them in the clear"
        ),
    });
}

fn recipients_change(lock: &Lock, spec: &Spec) -> RecipientsChange {
    let flat = |all: BTreeMap<Owner, BTreeSet<String>>| -> BTreeSet<_> {
        all.into_iter()
            .flat_map(|(owner, names)| names.into_iter().map(move |name| (owner.clone(), name)))
            .collect()
    };
    let (old, new) = (flat(lock.recipients.clone()), flat(spec.recipients()));
    // A comment is no change.
    let ids = |all: &BTreeSet<(Owner, String)>| -> BTreeSet<(Owner, String)> {
        all.iter().map(|(owner, name)| (owner.clone(), id(name).to_owned())).collect()
    };
    let (old_ids, new_ids) = (ids(&old), ids(&new));
    let without = |all: BTreeSet<(Owner, String)>, ids: &BTreeSet<(Owner, String)>| {
        all.into_iter()
            .filter(|(owner, name)| !ids.contains(&(owner.clone(), id(name).to_owned())))
            .collect()
    };
    RecipientsChange { added: without(new, &old_ids), removed: without(old, &new_ids) }
}

/// The key that a [full name](crate::sealed::Recipient::full_name) names.
pub(super) fn id(full_name: &str) -> &str {
    full_name.split(' ').next().unwrap_or_default()
}

impl RecipientsChange {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Judge<'_> {
    /// The sealed file is not the one on record: only apply can tell what it holds.
    pub fn is_modified(&self, place: &Placement) -> bool {
        resting(self.world, place) == Resting::Modified
    }

    /// Others than the owner can read it, and it is to stay in the clear.
    pub fn exposed(&self, place: &Placement) -> Option<u32> {
        let secret = self.world.inventory.secret(place.path.as_str())?;
        secret.exposed().filter(|_| place.recipients.is_none())
    }
}
