//! The walk over the graph in build order: each artifact is judged with what its inputs will be.

use std::collections::{HashMap, HashSet};

use super::authority::{self, IssuerAfter};
use super::{
    Action, Allow, Blocked, HeaderChange, Intent, Mixed, Plan, Reason, Step, World, answer,
    exposure, found_key, leaf, orphan, rendered, request, restart, sealing, seeded, seen,
    signing_key, static_pod, unreadable,
};
use crate::graph::{Content, DerivationId, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::spec::Spec;
use crate::state::{Entry, File};
use crate::time::Timestamp;

/// What an artifact will be once the plan is carried out, as far as its dependents care.
#[derive(Debug, Clone)]
pub(super) enum After {
    /// Its public content stays: the digest of it.
    Kept(Digest),
    /// It is built again, over its key or over a new one.
    Rebuilt { new_key: bool },
    /// It cannot be had: blocked, mixed or absent.
    Unavailable,
}

/// The walk's state.
pub(super) struct Judge<'a> {
    pub world: World<'a>,
    pub intent: &'a Intent,
    pub plan: Plan,
    pub issuers: HashMap<DerivationId, IssuerAfter>,
    pub after: Vec<After>,
    /// Per authority: the longest leaf validity and renewal window below it.
    pub longest: HashMap<DerivationId, authority::LongestLeaf>,
    /// Authorities whose signature a step needs.
    signers: Vec<(DerivationId, DerivationId)>,
    /// What a walk before this one found to be needed, not here, and allowed to be given up.
    pub forced: &'a HashSet<DerivationId>,
    /// The same, found by this walk.
    pub given_up: HashSet<DerivationId>,
    /// The name on record and the described one, where keys follow from it and it is another.
    pub rename: Option<(&'a str, &'a str)>,
}

/// Compares what should be with what is.
///
/// A permission is no order: a key is given up only where it turns out to be needed, and then whatever
/// depends on it is judged anew. At most one walk for each kind of key: an authority's, then a leaf's.
pub fn plan(world: World<'_>, spec: &Spec, intent: &Intent) -> Plan {
    let mut forced = HashSet::new();
    loop {
        let (plan, given_up) = walk(world, spec, intent, &forced);
        let before = forced.len();
        forced.extend(given_up);
        if forced.len() == before {
            return plan;
        }
    }
}

fn walk<'a>(
    world: World<'a>,
    spec: &'a Spec,
    intent: &'a Intent,
    forced: &'a HashSet<DerivationId>,
) -> (Plan, HashSet<DerivationId>) {
    let mut judge = Judge {
        world,
        intent,
        plan: Plan { header: header(world, spec), ..Plan::default() },
        issuers: HashMap::new(),
        after: Vec::with_capacity(world.graph.len()),
        longest: authority::longest_leaves(world.graph),
        signers: Vec::new(),
        forced,
        given_up: HashSet::new(),
        rename: seeded::rename(world, spec),
    };
    let unread = unreadable::Unreadable::of(world.inventory);
    for id in world.graph.ids() {
        if let Some(why) = unread.hides(world.graph, world.inventory, id) {
            let after = judge.block(id, None, why);
            judge.after.push(after);
            continue;
        }
        let after = match &world.graph.get(id).recipe {
            Recipe::Authority(recipe) => authority::judge(&mut judge, id, recipe),
            Recipe::SigningKey(recipe) => signing_key::judge(&mut judge, id, recipe),
            Recipe::Leaf(recipe) => leaf::judge(&mut judge, id, recipe),
            Recipe::Bundle(recipe) => rendered::judge_bundle(&mut judge, id, recipe),
            Recipe::Kubeconfig(recipe) => rendered::judge_kubeconfig(&mut judge, id, recipe),
            Recipe::Bindings(recipe) => rendered::judge_bindings(&mut judge, id, recipe),
            Recipe::Request(recipe) => request::judge(&mut judge, id, recipe),
            Recipe::SigningRequest(recipe) => request::judge_manifest(&mut judge, id, recipe),
            Recipe::Accepted(recipe) => answer::judge(&mut judge, id, recipe),
            Recipe::UserBindings(recipe) => rendered::judge_user_bindings(&mut judge, id, recipe),
            Recipe::Kustomization => rendered::judge_kustomization(&mut judge, id),
            Recipe::KubeletConfig(config) => {
                rendered::judge_bytes(&mut judge, id, config.yaml().as_bytes())
            }
            Recipe::StaticPod(recipe) => static_pod::judge(&mut judge, id, recipe),
        };
        judge.after.push(after);
    }
    judge.block_steps_without_signer();
    orphan::find(&mut judge.plan, world);
    sealing::find(&mut judge.plan, world, spec, intent);
    judge.plan.exposed = exposure::find(world, &judge.plan);
    restart::services(&mut judge, spec);
    restart::removed_members(&mut judge.plan, world);
    judge.plan.restarts.sort();
    judge.plan.membership.sort();
    found_key::notes(&mut judge.plan, world);
    (judge.plan, judge.given_up)
}

fn header(world: World<'_>, spec: &Spec) -> Vec<HeaderChange> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let seeded = |is: bool| if is { "a seed" } else { "" }.to_owned();
    let old_version = text(world.lock.kubernetes.map(|version| version.to_string()));
    [
        ("cluster", text(world.lock.cluster.clone()), spec.cluster.name.to_string()),
        ("kubernetes", old_version, spec.cluster.kubernetes.value.to_string()),
        // Which seed, only apply can tell.
        ("keys from", seeded(world.lock.seed.is_some()), seeded(spec.reproducible.is_some())),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(field, old, new)| HeaderChange { field, old, new })
    .collect()
}

impl<'a> Judge<'a> {
    pub fn entry(&self, id: DerivationId) -> Option<&'a Entry> {
        self.world.lock.entries.get(&self.world.graph.get(id).name)
    }

    pub fn after(&self, id: DerivationId) -> &After {
        self.after.get(id.index()).unwrap_or(&After::Unavailable)
    }

    /// A file that may hold the key is here and not empty.
    pub fn key_is_here(&self, id: DerivationId) -> bool {
        self.world
            .graph
            .key_places(id)
            .any(|place| self.secret_size(place).is_some_and(|size| size > 0))
            || self.world.survey.found_key(id).is_some()
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

    /// Something is done to it. Steps are in build order, one for an artifact at most.
    pub fn has_step(&self, id: DerivationId) -> bool {
        self.plan.steps.binary_search_by_key(&id, |step| step.derivation).is_ok()
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
        let name = self.world.graph.get(id).name.clone();
        self.block(id, Some(Allow::Replace(name)), why)
    }

    pub fn mixed(&mut self, id: DerivationId, path: TreePath) -> After {
        self.plan.mixed.push(Mixed { derivation: id, path });
        After::Unavailable
    }

    /// No step: the lock's line as it should be, or a step that only records it.
    pub fn keep(&mut self, id: DerivationId, expected: Entry) {
        let (rest, unrecorded) = sealing::expected(self.world, id);
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
                let reason = if known.is_some() { Reason::LockOutdated } else { Reason::NotInLock };
                self.step(id, Action::Record, vec![reason]);
            }
        }
    }

    /// Which files an action writes, and which modes it mends.
    fn files(&self, id: DerivationId, action: Action) -> (Vec<TreePath>, Vec<TreePath>) {
        let placements = self.world.graph.placements(id);
        let all = |wanted: fn(Content) -> bool| -> Vec<TreePath> {
            placements
                .iter()
                .filter(|place| wanted(place.content))
                .map(|place| place.path.clone())
                .collect()
        };
        match action {
            Action::Create | Action::Rekey | Action::Replace => (all(|_| true), Vec::new()),
            Action::Reissue => {
                let issued = |content| matches!(content, Content::Certificate | Content::Request);
                let mut writes = all(issued);
                let (copies, modes) = self.stale_copies(id);
                writes.extend(
                    copies
                        .into_iter()
                        .filter_map(|(path, content, _)| (!issued(content)).then_some(path)),
                );
                (writes, modes)
            }
            Action::Render => (all(|_| true), Vec::new()),
            Action::Repair | Action::Record => {
                let (copies, modes) = self.stale_copies(id);
                (copies.into_iter().map(|(path, ..)| path).collect(), modes)
            }
        }
    }

    /// Copies of a minted artifact that differ from its master, and exposed secrets.
    pub fn stale_copies(
        &self,
        id: DerivationId,
    ) -> (Vec<(TreePath, Content, Reason)>, Vec<TreePath>) {
        let world = self.world;
        let witness = world.survey.witness(id).path();
        let witness_bytes = witness.and_then(|path| world.inventory.public(path.as_str()));
        let key_master = world
            .graph
            .placements_of(id, Content::PrivateKey)
            .find_map(|place| self.secret_size(place).filter(|size| *size > 0));
        let key_can_be_had = self.key_can_be_had(id);
        let (mut stale, mut modes) = (Vec::new(), Vec::new());
        for place in world.graph.placements(id) {
            let path = place.path.clone();
            let file = world.inventory.get(path.as_str());
            if self.exposed(place).is_some() {
                modes.push(path.clone());
            }
            let is_witness = Some(&path) == witness;
            let reason = match (place.content, file) {
                (Content::Certificate | Content::Request | Content::PublicKey, _) if is_witness => {
                    None
                }
                (Content::Certificate | Content::Request | Content::PublicKey, None) => {
                    Some(Reason::OutputMissing { path: path.clone() })
                }
                (Content::Certificate, Some(File::Public { bytes, .. })) => {
                    (Some(bytes.as_slice()) != witness_bytes)
                        .then(|| Reason::OutputModified { path: path.clone() })
                }
                (Content::PublicKey, Some(File::Public { bytes, .. })) => (Some(bytes.as_slice())
                    != witness_bytes)
                    .then(|| Reason::OutputModified { path: path.clone() }),
                (Content::PrivateKey, None) => {
                    key_can_be_had.then(|| Reason::OutputMissing { path: place.file() })
                }
                (Content::PrivateKey, Some(File::Secret(secret))) => (key_can_be_had
                    && (key_master.is_some_and(|master| master != secret.size())
                        || self.is_modified(place)
                        || orphan::is_earlier_key(world, id, &path)))
                .then(|| Reason::OutputModified { path: place.file() }),
                (_, Some(File::Unusable { what })) => {
                    Some(Reason::OutputUnreadable { path: path.clone(), why: what.clone() })
                }
                _ => None,
            };
            if let Some(reason) = reason {
                stale.push((path, place.content, reason));
            }
        }
        (stale, modes)
    }

    /// The witness satisfies the wish: copies and modes are mended, or the lock's line is kept.
    pub fn keep_or_repair(&mut self, id: DerivationId, expected: Entry) {
        let (stale, modes) = self.stale_copies(id);
        let mut reasons: Vec<Reason> = stale.into_iter().map(|(_, _, reason)| reason).collect();
        reasons.extend(modes.into_iter().filter_map(|path| {
            let mode = self.world.inventory.secret(path.as_str())?.exposed()?;
            Some(Reason::Exposed { path, mode })
        }));
        if reasons.is_empty() {
            self.keep(id, expected);
        } else {
            self.step(id, Action::Repair, reasons);
        }
    }

    /// An absent authority key is harmless until a step needs its signature.
    fn block_steps_without_signer(&mut self) {
        let mut seen = HashSet::new();
        for (authority, leaf) in std::mem::take(&mut self.signers) {
            if !seen.insert(authority) {
                continue;
            }
            let makes_key = matches!(self.after(authority), After::Rebuilt { new_key: true });
            let blocked = self.plan.blocked.iter().any(|b| b.derivation == authority);
            if makes_key || blocked || self.key_can_be_had(authority) {
                continue;
            }
            let leaf = &self.world.graph.get(leaf).name;
            let name = &self.world.graph.get(authority).name;
            let place = self
                .world
                .graph
                .placements_of(authority, Content::PrivateKey)
                .next()
                .map_or_else(String::new, |place| format!("out/{}", place.path));
            if self.intent.allows_replacing(name) {
                self.given_up.insert(authority);
                continue;
            }
            let why = format!(
                "{leaf} needs its signature, and its key is not here; run this where the key is, or put it at {place}"
            );
            match self.world.graph.get(authority).recipe {
                Recipe::Authority(authority::Recipe {
                    issuance: crate::graph::Issuance::Brought(_),
                    ..
                }) => self.block(authority, None, why),
                _ => self.block_replacement(authority, why),
            };
        }
    }
}
