//! Secrets that rest otherwise than described, and whom they were sealed to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::at_rest::{AtRest, Change, at_rest};
use super::{Action, Allow, Blocked, Intent, Plan, World};
use crate::graph::DerivationId;
use crate::name::TreePath;
use crate::sealed::Owner;
use crate::spec::Spec;
use crate::state::{Lock, SecretFile};

/// One secret whose form changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub derivation: DerivationId,
    /// Its name in the clear.
    pub path: TreePath,
    pub change: Change,
}

/// Whom secrets were and are sealed to, where that differs: full names and whose they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipientsChange {
    pub added: BTreeSet<(Owner, String)>,
    pub removed: BTreeSet<(Owner, String)>,
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
        let found = at_rest(world, place);
        if found == AtRest::Differs(Change::Unseal) {
            unsealed.push(place.derivation);
        }
        match found {
            AtRest::Differs(change) if !written.contains(&(place.derivation, &place.path)) => {
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
pub fn id(full_name: &str) -> &str {
    full_name.split(' ').next().unwrap_or_default()
}

impl RecipientsChange {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}
