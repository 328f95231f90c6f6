//! What there is of a static pod's manifest: its line of the lock, its bytes, or both. With one half alone
//! somebody took the other away or put this one there: it can only add what stops.

use super::access_change::AccessChange;
use super::pod_access::PodAccess;
use super::verified;
use crate::graph::{DerivationId, Recipe};
use crate::hash::Digest;
use crate::plan::{Action, Plan, World};
use crate::profile::Process;

/// Of a manifest that is not the one on record.
#[derive(Debug)]
pub(super) struct HalfRecord {
    /// The bytes that are here, whoever put them there.
    pub bytes: Option<PodAccess>,
    pub line: Line,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Missing,
    /// It names what kpki writes again: mere damage.
    Repaired,
    /// Nobody can tell any more what it said, and why.
    Lost(&'static str),
}

impl HalfRecord {
    /// Whatever is told against any of what may have been before.
    pub fn changes(&self, after: &PodAccess, elsewhere: Option<&PodAccess>) -> Vec<AccessChange> {
        let mut changes = match self.line {
            Line::Repaired => Vec::new(),
            Line::Missing | Line::Lost(_) => after.changes(elsewhere),
        };
        if let Line::Lost(why) = self.line {
            changes.push(AccessChange::Unreadable { before: true, why: why.to_owned() });
        }
        for change in self.bytes.iter().flat_map(|bytes| after.changes(Some(bytes))) {
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
        changes
    }
}

/// What a manifest said that is still the one on record.
pub(super) fn whole(world: World<'_>, id: DerivationId) -> Option<PodAccess> {
    let found = manifest(world, id)?;
    let is_known = verified::line(world, id)?.content == Some(Digest::of(found.bytes));
    is_known.then(|| found.read())
}

pub(super) fn half(world: World<'_>, plan: &Plan, id: DerivationId) -> Option<HalfRecord> {
    let found = manifest(world, id);
    let recorded = verified::line(world, id).and_then(|line| line.content);
    let line = match (recorded, &found) {
        (None, None) => return None,
        (None, Some(_)) => Line::Missing,
        (Some(recorded), Some(found)) if recorded == Digest::of(found.bytes) => return None,
        (Some(_), _) if is_repaired(plan, id) => Line::Repaired,
        (Some(_), Some(_)) => Line::Lost("its file is not the one on record"),
        (Some(_), None) => Line::Lost("its file is gone"),
    };
    let bytes = found.map(|found| found.read());
    // Damage that nobody can read says nothing.
    let bytes = bytes.filter(|access| line == Line::Missing || access.pod.is_ok());
    Some(HalfRecord { bytes, line })
}

/// A file, read only where it counts.
struct Manifest<'a> {
    bytes: &'a [u8],
    process: Process,
}

impl Manifest<'_> {
    fn read(&self) -> PodAccess {
        PodAccess::of_manifest(self.bytes, self.process)
    }
}

fn manifest(world: World<'_>, id: DerivationId) -> Option<Manifest<'_>> {
    let Recipe::StaticPod(recipe) = &world.graph.get(id).recipe else {
        return None;
    };
    let place = world.graph.placements(id).first()?;
    let bytes = world.inventory.public(place.path.as_str())?;
    Some(Manifest { bytes, process: recipe.process })
}

fn is_repaired(plan: &Plan, id: DerivationId) -> bool {
    let step = plan.steps.binary_search_by_key(&id, |step| step.derivation).ok();
    step.and_then(|step| plan.steps.get(step)).is_some_and(|step| step.action == Action::Repair)
}
