//! A plan is carried out, once nothing stands in its way.

use std::collections::{BTreeSet, HashSet};

use crate::build::execute::{Files, execute};
use crate::error::{Kind, Result};
use crate::keys::Entropy;
use crate::name::{ArtifactName, TreePath};
use crate::plan::{Action, Orphan, Plan, kept_bindings};
use crate::review::{Review, ReviewedChange};
use crate::state::{File, Lock, REMOVED_BINDINGS, SecretFile};
use crate::time::Timestamp;

use super::Project;

/// Why a plan is not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecided {
    /// The lock and the files are of two changes.
    Mixed,
    /// A policy forbids it, and no consent helps.
    Forbidden,
    /// Nobody can consent to what is blocked.
    Blocked,
    /// A person may consent to what [`lacking`](super::lacking) names.
    NeedsConsent {
        /// Something is blocked, and not only power that is gained.
        is_blocked: bool,
    },
}

impl Undecided {
    /// How an apply fails for it.
    pub fn kind(&self) -> Kind {
        match self {
            Undecided::Mixed | Undecided::Forbidden | Undecided::Blocked => Kind::Refused,
            Undecided::NeedsConsent { .. } => Kind::NeedsAllow,
        }
    }
}

/// What a person must decide before this plan is carried out.
pub fn undecided(plan: &Plan, review: &Review) -> Option<Undecided> {
    if !plan.key_mismatches.is_empty() {
        return Some(Undecided::Mixed);
    }
    if !review.violations.is_empty() {
        return Some(Undecided::Forbidden);
    }
    let gains = review.changes.iter().any(ReviewedChange::stops);
    let is_blocked = !plan.blocked.is_empty();
    if gains || plan.blocked.iter().any(|blocked| blocked.allow.is_some()) {
        return Some(Undecided::NeedsConsent { is_blocked });
    }
    is_blocked.then_some(Undecided::Blocked)
}

/// The mode of that file.
const PUBLIC: u32 = 0o644;

/// A plan that is about to be carried out.
pub struct Applying<'a> {
    project: &'a Project,
    plan: &'a Plan,
    now: Timestamp,
    prune: bool,
    modes: Vec<(TreePath, u32)>,
    /// The new file of what the cluster is to lose.
    bindings: Option<Vec<u8>>,
}

impl<'a> Applying<'a> {
    /// `now` is the time that the plan was made for. `prune`: what nothing describes any more goes.
    pub fn new(project: &'a Project, plan: &'a Plan, now: Timestamp, prune: bool) -> Self {
        let bindings = kept_bindings(project.world(now), plan, prune);
        Applying { project, plan, now, prune, modes: wrong_modes(project, plan), bindings }
    }

    /// Whether there is something that nothing describes any more, and that goes.
    pub fn prunes(&self) -> bool {
        self.prune && !self.plan.orphans.is_empty()
    }

    /// Whether the lock does not say yet that something left.
    fn marks(&self) -> bool {
        let entries = &self.project.lock.entries;
        let is_unmarked = |name| entries.get(name).is_some_and(|entry| !entry.left);
        self.plan.orphans.iter().any(|orphan| match orphan {
            Orphan::Line(name) => is_unmarked(name),
            Orphan::File { .. } => false,
        })
    }

    /// Whether no file and no line of the lock changes.
    pub fn changes_nothing(&self) -> bool {
        self.plan.changes_nothing()
            && !self.prunes()
            && !self.marks()
            && self.modes.is_empty()
            && self.bindings.is_none()
    }

    /// Hands over all outputs and returns the lock that then holds.
    pub fn carry_out(
        &self,
        issued_at: Timestamp,
        entropy: &Entropy,
        files: &dyn Files,
    ) -> Result<Lock> {
        let Applying { project, plan, now, prune, modes, bindings } = self;
        let world = project.world(*now);
        let lock = execute(world, &project.spec, plan, *prune, issued_at, entropy, files)?;
        for (path, mode) in modes {
            files.set_mode(path, *mode)?;
        }
        if let Some(bindings) = bindings {
            let path = TreePath::of(REMOVED_BINDINGS);
            if bindings.is_empty() {
                files.remove(&path)?;
            } else {
                files.write(&path, bindings, PUBLIC)?;
            }
        }
        Ok(lock)
    }

    /// Roots of trust that get another key, or lose a key pair: plan blocks each without consent.
    pub fn replaced(&self) -> BTreeSet<ArtifactName> {
        let graph = &self.project.graph;
        let replaced = self.plan.steps.iter().filter(|step| step.action == Action::Replace);
        let replaced = replaced.map(|step| graph.get(step.derivation).name.clone());
        let retired = self.plan.retired.iter().map(|retired| retired.name.clone());
        replaced.chain(retired).collect()
    }
}

/// Files that no step touches and whose mode is not the one they get. Only an exposed secret is a finding,
/// since Git keeps no modes; but after an apply all are right.
fn wrong_modes(project: &Project, plan: &Plan) -> Vec<(TreePath, u32)> {
    let writes = plan.steps.iter().filter(|step| !step.only_checks());
    let stepped: HashSet<_> = writes.map(|step| step.derivation).collect();
    project
        .graph
        .all_placements()
        .iter()
        .filter(|place| !stepped.contains(&place.derivation))
        .filter(|place| match project.inventory.get(place.path.as_str()) {
            Some(File::Public { mode, .. }) => *mode != place.mode,
            // A file that is not to be in the clear goes; of a sealed one the mode does not matter.
            Some(File::Secret(SecretFile { plain: Some(plain), sealed: None })) => {
                place.recipients.is_none() && plain.mode != place.mode
            }
            _ => false,
        })
        .map(|place| (place.path.clone(), place.mode))
        .collect()
}
