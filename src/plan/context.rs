//! What the walk over the graph knows so far, and how a judgement enters the plan.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::at_rest::{AtRest, at_rest, line_at_rest};
use super::issuer::{IssuerAfter, LongestLeaf};
use super::keypairs::holds_another_keypair;
use super::{Action, Allow, Blocked, Intent, KeyMismatch, Plan, Reason, Step, World, orphan, seen};
use crate::graph::{Artifact, DerivationId, FilePart, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::spec::{Keypair, KeypairState};
use crate::state::{Entry, File};
use crate::time::Timestamp;

/// What an artifact will be once the plan is carried out, as far as its dependents care.
#[derive(Debug, Clone, Copy)]
pub(super) enum After {
    /// Its public content stays: the digest of it.
    Kept(Digest),
    /// It is built again, over its key or over a new one.
    Rebuilt { new_key: bool },
    /// It cannot be had: blocked, of another key or absent.
    Unavailable,
}

pub(super) struct PlanContext<'a> {
    pub world: World<'a>,
    pub intent: &'a Intent,
    pub plan: Plan,
    pub issuers: HashMap<DerivationId, Rc<IssuerAfter>>,
    pub after: Vec<After>,
    /// Per CA: the longest leaf validity and renewal window below it.
    pub longest: HashMap<DerivationId, LongestLeaf>,
    /// CAs whose signature a step needs, each with what is signed.
    pub signers: Vec<(DerivationId, DerivationId)>,
    /// What a walk before this one found to be needed, not here, and allowed to be given up.
    pub forced: &'a HashSet<DerivationId>,
    /// Due, and not their turn yet: judged as if they were not.
    pub held: &'a HashSet<DerivationId>,
    /// Files of certificates that will be written in another order.
    pub reordered: HashSet<DerivationId>,
    /// The same as `forced`, found by this walk.
    pub given_up: HashSet<DerivationId>,
    /// The name on record and the described one, where keys follow from it and it is another.
    pub rename: Option<(&'a str, &'a str)>,
}

/// A copy that differs from its master.
pub(super) struct StaleCopy {
    path: TreePath,
    content: FilePart,
    reason: Reason,
}

impl<'a> PlanContext<'a> {
    pub fn entry(&self, id: DerivationId) -> Option<&'a Entry> {
        self.world.lock.entries.get(&self.world.graph.get(id).name)
    }

    pub fn after(&self, id: DerivationId) -> After {
        self.after.get(id.index()).copied().unwrap_or(After::Unavailable)
    }

    /// A file that may hold the key is here and not empty.
    pub fn key_is_here(&self, id: DerivationId) -> bool {
        self.world
            .graph
            .key_places(id)
            .filter(|place| !self.names_a_pair(place) && !self.is_another_keypairs(place))
            .any(|place| self.secret_size(place).is_some_and(|size| size > 0))
            || self.world.survey.found_key(id).is_some()
    }

    /// On record is a kubeconfig that holds no key: only of those around one the lock has a size.
    fn names_a_pair(&self, place: &Placement) -> bool {
        let entry = self.entry(place.derivation);
        place.content == FilePart::Kubeconfig && entry.is_some_and(|entry| entry.size.is_none())
    }

    /// Another key pair of the same root signed when this copy was put on its node.
    fn is_another_keypairs(&self, place: &Placement) -> bool {
        holds_another_keypair(self.world.graph, self.world.lock, place)
    }

    /// It is here, or follows from the seed.
    pub fn key_can_be_had(&self, id: DerivationId) -> bool {
        self.key_is_here(id) || self.world.graph.is_key_derived(id)
    }

    /// The first of an artifact's files, for a reason to make all of them again.
    pub fn all_missing(&self, id: DerivationId) -> Vec<Reason> {
        let first = self.world.graph.placements(id).first();
        let path = first.map(|place| place.path.clone());
        path.map(|path| Reason::OutputMissing { path }).into_iter().collect()
    }

    /// Where validities begin: now, or at the written date.
    pub fn start(&self) -> Timestamp {
        self.world.graph.not_before().unwrap_or(self.world.now)
    }

    pub fn secret_size(&self, place: &Placement) -> Option<u64> {
        self.world.inventory.secret_size(place.path.as_str())
    }

    /// The sealed file is not the one on record: only apply can tell what it holds.
    pub fn is_modified(&self, place: &Placement) -> bool {
        at_rest(self.world, place) == AtRest::Modified
    }

    /// Others than the owner can read it, and it is to stay in the clear.
    pub fn exposed(&self, place: &Placement) -> Option<u32> {
        let secret = self.world.inventory.secret(place.path.as_str())?;
        secret.exposed().filter(|_| place.recipients.is_none())
    }

    /// Something is done to it. Steps are in build order, one for an artifact at most.
    pub fn has_step(&self, id: DerivationId) -> bool {
        self.plan.steps.binary_search_by_key(&id, |step| step.derivation).is_ok()
    }

    /// It is built again, unless the action only mends or records.
    pub fn step(&mut self, id: DerivationId, action: Action, reasons: Vec<Reason>) -> After {
        let (writes, modes) = self.files(id, action);
        if action.signs()
            && let Recipe::Leaf(leaf) = &self.world.graph.get(id).recipe
        {
            self.signers.push((leaf.issuer, id));
        }
        self.plan.steps.push(Step { derivation: id, action, reasons, writes, modes });
        After::Rebuilt { new_key: action.makes_key() }
    }

    /// These files of a rendered artifact are written anew.
    pub fn render(
        &mut self,
        derivation: DerivationId,
        action: Action,
        reasons: Vec<Reason>,
        writes: Vec<TreePath>,
    ) {
        self.plan.steps.push(Step { derivation, action, reasons, writes, modes: Vec::new() });
    }

    pub fn block(
        &mut self,
        id: DerivationId,
        allow: Option<Allow>,
        why: impl Into<String>,
    ) -> After {
        self.plan.blocked.push(Blocked { derivation: id, allow, why: why.into() });
        After::Unavailable
    }

    pub fn block_replacement(&mut self, id: DerivationId, why: impl Into<String>) -> After {
        let derivation = self.world.graph.get(id);
        let root = derivation.artifact.root();
        let first = root.map(|(root, _)| Artifact::of_root(root, Keypair::FIRST).name());
        let name = first.unwrap_or_else(|| derivation.name.clone());
        self.block(id, Some(Allow::Replace(name)), why)
    }

    /// The public part that is here is of another key than the lock has.
    pub fn key_mismatch(&mut self, id: DerivationId) -> After {
        if let Some(path) = self.world.survey.public_part(id).path().cloned() {
            self.plan.key_mismatches.push(KeyMismatch { derivation: id, path });
        }
        After::Unavailable
    }

    /// Nothing can be said: the lock's line stays as it is.
    pub fn keep_as_it_is(&mut self, id: DerivationId) {
        if let Some(entry) = self.entry(id) {
            self.plan.kept.push((id, entry.clone()));
        }
    }

    /// No step: the lock's line as it should be, or a step that only records it.
    pub fn keep(&mut self, id: DerivationId, expected: Entry) {
        let (rest, unrecorded) = line_at_rest(self.world, id);
        let expected = Entry { rest, ..expected };
        let changed = seen::changed(self.world, id);
        match self.entry(id) {
            Some(entry) if *entry == expected && !unrecorded && changed.is_empty() => {
                self.plan.kept.push((id, expected));
            }
            Some(entry) if *entry == expected && !unrecorded => {
                self.step(id, Action::Record, changed);
            }
            known => {
                let reason = match known {
                    Some(known) if known.keypair != expected.keypair => {
                        let named = |state: Option<KeypairState>| {
                            state.map_or("signs", KeypairState::as_str)
                        };
                        Reason::changed("state", named(known.keypair), named(expected.keypair))
                    }
                    Some(_) => Reason::LockOutdated,
                    None => Reason::NotInLock,
                };
                self.step(id, Action::Record, vec![reason]);
            }
        }
    }

    /// The public part satisfies the wish: copies and modes are mended, or the lock's line is kept.
    pub fn keep_or_repair(&mut self, id: DerivationId, expected: Entry) {
        let mut reasons = self.stale_reasons(id);
        reasons.extend(self.exposed_keys(id).into_iter().filter_map(|path| {
            let mode = self.world.inventory.secret(path.as_str())?.exposed()?;
            Some(Reason::Exposed { path, mode })
        }));
        if reasons.is_empty() {
            self.keep(id, expected);
        } else {
            self.step(id, Action::Repair, reasons);
        }
    }

    /// Which files an action writes, and which modes it mends.
    fn files(&self, id: DerivationId, action: Action) -> (Vec<TreePath>, Vec<TreePath>) {
        let placements = self.world.graph.placements(id).iter();
        match action {
            Action::Create | Action::Rekey | Action::Replace | Action::Render => {
                (placements.map(|place| place.path.clone()).collect(), Vec::new())
            }
            Action::Reissue => {
                let issued = |content| matches!(content, FilePart::Certificate | FilePart::Request);
                let written = placements.filter(|place| issued(place.content));
                let mut writes: Vec<TreePath> = written.map(|place| place.path.clone()).collect();
                let others = self.stale_copies(id).into_iter().filter(|copy| !issued(copy.content));
                writes.extend(others.map(|copy| copy.path));
                (writes, self.exposed_keys(id))
            }
            Action::Repair | Action::Record => {
                let copies = self.stale_copies(id).into_iter();
                (copies.map(|copy| copy.path).collect(), self.exposed_keys(id))
            }
        }
    }

    /// Secrets of an artifact that others than the owner can read.
    fn exposed_keys(&self, id: DerivationId) -> Vec<TreePath> {
        let places = self.world.graph.placements(id).iter();
        let exposed = places.filter(|place| self.exposed(place).is_some());
        exposed.map(|place| place.path.clone()).collect()
    }

    /// Why copies of a minted artifact are written again.
    pub fn stale_reasons(&self, id: DerivationId) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = Vec::new();
        for copy in self.stale_copies(id) {
            if reasons.last() != Some(&copy.reason) {
                reasons.push(copy.reason);
            }
        }
        reasons
    }

    /// Copies of a minted artifact that differ from its master.
    fn stale_copies(&self, id: DerivationId) -> Vec<StaleCopy> {
        let graph = self.world.graph;
        let key_size = graph
            .placements_of(id, FilePart::PrivateKey)
            .find_map(|place| self.secret_size(place).filter(|size| *size > 0));
        let key_can_be_had = self.key_can_be_had(id);
        let stale = |place: &Placement| {
            let reason = match place.content {
                FilePart::PrivateKey if !key_can_be_had => self.unusable(place),
                FilePart::PrivateKey => self.stale_key(place, key_size),
                FilePart::Certificate | FilePart::Request | FilePart::PublicKey => {
                    self.stale_public(place)
                }
                FilePart::Rendered | FilePart::Kubeconfig => self.unusable(place),
            };
            reason.map(|reason| StaleCopy {
                path: place.path.clone(),
                content: place.content,
                reason,
            })
        };
        graph.placements(id).iter().filter_map(stale).collect()
    }

    fn stale_public(&self, place: &Placement) -> Option<Reason> {
        let path = &place.path;
        let part = self.world.survey.public_part(place.derivation);
        let master = part.path();
        if master == Some(path) {
            return None;
        }
        let bytes = master.and_then(|path| self.world.inventory.public(path.as_str()));
        match self.world.inventory.get(path.as_str()) {
            None => Some(Reason::OutputMissing { path: path.clone() }),
            // Apply writes the usual form, whatever the master has around its block.
            Some(File::Public { bytes: copy, .. }) => (Some(copy.as_slice()) != bytes
                && part.pem().is_none_or(|pem| pem.as_bytes() != copy.as_slice()))
            .then(|| Reason::OutputModified { path: path.clone() }),
            Some(_) => self.unusable(place),
        }
    }

    /// The key can be had: its master has this size.
    fn stale_key(&self, place: &Placement, master: Option<u64>) -> Option<Reason> {
        if self.is_another_keypairs(place)
            && self.world.inventory.secret(place.path.as_str()).is_some()
        {
            return Some(Reason::changed("key on nodes", "of another key pair", "its own"));
        }
        match self.world.inventory.get(place.path.as_str()) {
            None => Some(Reason::OutputMissing { path: place.file() }),
            Some(File::Secret(secret)) => (master.is_some_and(|master| master != secret.size())
                || self.is_modified(place)
                || orphan::is_earlier_key(self.world, place.derivation, &place.path))
            .then(|| Reason::OutputModified { path: place.file() }),
            Some(_) => self.unusable(place),
        }
    }

    fn unusable(&self, place: &Placement) -> Option<Reason> {
        match self.world.inventory.get(place.path.as_str()) {
            Some(File::Unusable { what }) => {
                Some(Reason::OutputUnreadable { path: place.path.clone(), why: what.clone() })
            }
            _ => None,
        }
    }
}
