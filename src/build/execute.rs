//! Carries out a plan: steps in, files and lock lines out.
//!
//! Pure but for what it is given: [`Files`] reads secrets and takes outputs, [`Entropy`] gives randomness,
//! `issued_at` is the time. Authorities first; everything below them in parallel, each output handed over
//! as soon as it is built.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use rayon::prelude::*;

use super::BuildError;
use super::authority::{AuthorityState, build_authority};
use super::certificate::{Issuer, Template, issue, issue_from_seed};
use super::entropy::Entropy;
use super::held_key::HeldKey;
use super::identity::{build_identity, build_kubeconfig};
use super::key::PrivateKey;
use super::key_schedule::Seed;
use super::prune;
use super::request::{build_request, render_manifest};
use super::seal::Identity;
use super::sealing::{self, Written};
use super::signing_key::build_signing_key;
use super::static_pod::build_static_pods;
use crate::algorithm::KeyAlgorithm;
use crate::error::{Error, Result};
use crate::facts::PublicKey;
use crate::graph::{Content, DerivationId, Recipe};
use crate::hash::Digest;
use crate::manifest;
use crate::name::{ArtifactName, TreePath};
use crate::plan::{
    Action, BACKDATE, Orphan, Plan, Step, World, bundle_content, exposures, user_bindings_content,
};
use crate::secret::Secret;
use crate::spec::Spec;
use crate::state::{Entry, Lock, SeedMark};
use crate::time::Timestamp;

/// Where secrets come from and outputs go to.
pub trait Files: Sync {
    /// A file that holds a secret, in whichever form: only called for those in the inventory.
    fn read_secret(&self, path: &TreePath) -> Result<Secret>;
    /// What opens sealed secrets: asked for only once one must be opened.
    fn identities(&self) -> Result<&[Identity]>;
    fn write(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()>;
    fn set_mode(&self, path: &TreePath, mode: u32) -> Result<()>;
    fn remove(&self, path: &TreePath) -> Result<()>;
    /// `count` more steps are done.
    fn progress(&self, count: usize);
}

/// All that builders share.
pub(super) struct Job<'a> {
    pub world: World<'a>,
    pub issued_at: Timestamp,
    pub entropy: &'a Entropy,
    pub files: &'a dyn Files,
    pub authorities: HashMap<DerivationId, AuthorityState>,
    pub written: Mutex<Written>,
}

/// Builds everything that the plan says and returns the lock that then holds.
pub fn execute(
    world: World<'_>,
    spec: &Spec,
    plan: &Plan,
    prune: bool,
    issued_at: Timestamp,
    entropy: &Entropy,
    files: &dyn Files,
) -> Result<Lock> {
    let mut job = Job {
        world,
        issued_at,
        entropy,
        files,
        authorities: HashMap::new(),
        written: Mutex::default(),
    };
    if let Some(seed) = entropy.seed() {
        check_seed(&job, seed)?;
    }
    let steps: HashMap<DerivationId, &Step> =
        plan.steps.iter().map(|step| (step.derivation, step)).collect();
    let signers = signers(&job, plan);
    let mut lines: Vec<(DerivationId, Entry)> = Vec::new();
    for id in world.graph.ids() {
        if let Recipe::Authority(authority) = &world.graph.get(id).recipe {
            let step = steps.get(&id).copied();
            let state = build_authority(&job, id, authority, step, signers.contains(&id))?;
            if let Some(state) = state {
                if step.is_some() {
                    lines.push((id, state.entry(&job, id)));
                    files.progress(1);
                }
                job.authorities.insert(id, state);
            }
        }
    }
    let built: Vec<Vec<(DerivationId, Entry)>> =
        plan.steps.par_iter().map(|step| build_step(&job, step, &steps)).collect::<Result<_>>()?;
    lines.extend(built.into_iter().flatten());
    let pods = build_static_pods(&job, plan, &lines)?;
    lines.extend(pods);
    for step in &plan.steps {
        // A kubeconfig's builder has seen to its mode.
        if matches!(world.graph.get(step.derivation).recipe, Recipe::Kubeconfig(_)) {
            continue;
        }
        for path in &step.modes {
            if !step.writes.contains(path) {
                files.set_mode(path, SECRET_MODE)?;
            }
        }
    }
    plan.seals.par_iter().try_for_each(|seal| sealing::carry_out(&job, plan, seal))?;
    lines.extend(plan.kept.iter().cloned());
    let mut entries: BTreeMap<_, _> =
        lines.into_iter().map(|(id, entry)| (world.graph.get(id).name.clone(), entry)).collect();
    if prune {
        prune::prune(&job, plan)?;
    }
    for orphan in plan.orphans.iter().filter(|_| !prune) {
        if let Orphan::Line(name) = orphan
            && let Some(entry) = world.lock.entries.get(name)
        {
            entries.insert(name.clone(), entry.clone());
        }
    }
    let mut lock = Lock {
        cluster: Some(spec.cluster.name.to_string()),
        kubernetes: Some(spec.cluster.kubernetes.value),
        seed: entropy.seed().map(|seed| SeedMark { id: seed.id(), schedule: SeedMark::SCHEDULE }),
        recipients: spec.recipients(),
        entries,
        copies: BTreeMap::new(),
        exposed: BTreeMap::new(),
        orphans: if prune { BTreeMap::new() } else { prune::remembered(world, plan) },
    };
    sealing::record(&job, &mut lock, prune)?;
    lock.exposed = exposures(world, plan, &lock);
    Ok(lock)
}

/// The seed must be the one that the keys here follow from.
fn check_seed(job: &Job<'_>, seed: &Seed) -> Result<()> {
    const HELP: &str = "put that seed back; a cluster with another seed begins with an empty out/ and without \
         cluster.lock";
    const OTHER_SCHEDULE: &str = "to keep the keys take `reproducible` out of the description; for others begin with an \
         empty out/ and without cluster.lock";
    if let Some(known) = job.world.lock.seed {
        // Where the cluster was renamed, the plan makes new keys.
        let before = job.world.lock.cluster.as_deref();
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
        return Err(Error::refused(message).help(HELP));
    }
    // Without a lock the anchors tell, and where they are gone the leaves that they issued.
    let world = job.world;
    for id in world.graph.ids() {
        let derivation = world.graph.get(id);
        let Some(described) = derivation.recipe.key_algorithm() else {
            continue;
        };
        if !derivation.recipe.is_anchor() {
            continue;
        }
        let here = world.survey.witness(id).public_key();
        let issued = world
            .graph
            .dependents(id)
            .filter_map(|leaf| world.survey.witness(leaf).certificate())
            .find_map(|facts| facts.authority_key_id.clone());
        if here.is_none() && issued.is_none() {
            continue;
        }
        let algorithm = here.and_then(PublicKey::algorithm).unwrap_or(described);
        let Some(derived) = job.key_from_seed(id, algorithm)? else {
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

const SECRET_MODE: u32 = 0o600;

/// Authorities whose key some step needs.
fn signers(job: &Job<'_>, plan: &Plan) -> HashSet<DerivationId> {
    plan.steps
        .iter()
        .filter(|step| step.action.signs())
        .filter_map(|step| match &job.world.graph.get(step.derivation).recipe {
            Recipe::Leaf(leaf) => Some(leaf.issuer),
            _ => None,
        })
        .collect()
}

/// An identity and its kubeconfig are built together, so that the key need not be read back.
fn build_step(
    job: &Job<'_>,
    step: &Step,
    steps: &HashMap<DerivationId, &Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let graph = job.world.graph;
    let id = step.derivation;
    let lines = match &graph.get(id).recipe {
        // Before all others, and after them.
        Recipe::Authority(_) | Recipe::StaticPod(_) => return Ok(Vec::new()),
        Recipe::SigningKey(recipe) => vec![(id, build_signing_key(job, id, recipe, step)?)],
        Recipe::Leaf(leaf) => {
            let config = graph.kubeconfig_of(id).and_then(|config| steps.get(&config).copied());
            build_identity(job, id, leaf, step, config)?
        }
        Recipe::Kubeconfig(config)
            if matches!(graph.get(config.identity).recipe, Recipe::Leaf(_))
                && steps.contains_key(&config.identity) =>
        {
            return Ok(Vec::new());
        }
        Recipe::SigningRequest(manifest) if steps.contains_key(&manifest.request) => {
            return Ok(Vec::new());
        }
        // Never built; its line is among those that the plan keeps.
        Recipe::Accepted(_) => Vec::new(),
        Recipe::Request(request) => {
            let manifest = graph.manifest_of(id).and_then(|manifest| steps.get(&manifest).copied());
            build_request(job, id, request, step, manifest)?
        }
        Recipe::SigningRequest(manifest) => vec![(id, render_manifest(job, manifest, step)?)],
        Recipe::UserBindings(bindings) => {
            let text = user_bindings_content(bindings);
            vec![(id, render(job, step, text.as_bytes())?)]
        }
        Recipe::KubeletConfig(config) => {
            vec![(id, render(job, step, config.yaml().as_bytes())?)]
        }
        Recipe::Kustomization => {
            vec![(id, render(job, step, manifest::kustomization().as_bytes())?)]
        }
        Recipe::Kubeconfig(config) => vec![(id, build_kubeconfig(job, id, config, step)?)],
        Recipe::Bundle(bundle) => {
            let der = job.authority_der(bundle.authority)?;
            vec![(id, render(job, step, bundle_content(der).as_bytes())?)]
        }
        Recipe::Bindings(bindings) => {
            let text = manifest::cluster_role_bindings(&bindings.rows);
            vec![(id, render(job, step, text.as_bytes())?)]
        }
    };
    job.files.progress(lines.len());
    Ok(lines)
}

pub(super) fn render(job: &Job<'_>, step: &Step, bytes: &[u8]) -> Result<Entry> {
    if step.action != Action::Record {
        // A cluster's trust bundle lies on every node.
        let writes: HashSet<&TreePath> = step.writes.iter().collect();
        job.world
            .graph
            .placements(step.derivation)
            .par_iter()
            .filter(|place| writes.contains(&place.path))
            .try_for_each(|place| job.put(place, bytes))?;
    }
    Ok(Entry {
        content: Some(Digest::of(bytes)),
        ..Entry::new(job.world.graph.get(step.derivation).hash)
    })
}

impl Job<'_> {
    /// DER of an authority's certificate as it will be.
    pub fn authority_der(&self, id: DerivationId) -> Result<&[u8]> {
        self.authorities.get(&id).map(|state| state.der.as_slice()).ok_or_else(|| {
            let name = &self.world.graph.get(id).name;
            Error::internal(format!("{name} was needed before it was built"))
        })
    }

    /// The files of a key pair that a step names. A key that is not here is not written; a new one always is.
    pub fn write_pair(
        &self,
        step: &Step,
        held: Option<&HeldKey>,
        public_half: &[u8],
    ) -> Result<()> {
        // A certificate of the description's own may lie on every node.
        let writes: HashSet<&TreePath> = step.writes.iter().collect();
        for place in self.world.graph.placements(step.derivation) {
            let is_key = place.content == Content::PrivateKey;
            let is_new = is_key && held.is_some_and(|held| held.is_new);
            if !is_new && !writes.contains(&place.path) {
                continue;
            }
            let bytes = match (is_key, held) {
                (true, Some(held)) => held.pem.expose(),
                (true, None) => continue,
                (false, _) => public_half,
            };
            self.put(place, bytes)?;
        }
        Ok(())
    }

    /// Signs a certificate for an artifact, with a serial number of its own.
    pub fn issue(
        &self,
        name: &ArtifactName,
        template: &Template<'_>,
        issuer: &Issuer<'_>,
    ) -> Result<Vec<u8>> {
        let issued = if let Some(seed) = self.entropy.seed() {
            issue_from_seed(template, issuer, seed)
        } else {
            let serial = self.entropy.serial();
            let serial = serial.map_err(|error| Error::refused(error.to_string()))?;
            issue(template, issuer, &serial)
        };
        issued.map_err(|error| Error::internal(format!("{name}: {error}")))
    }

    /// Where the validity of what is issued now begins. A date that somebody wrote is meant.
    pub fn not_before(&self) -> Timestamp {
        match self.entropy.seed() {
            Some(_) => self.issued_at,
            None => self.issued_at.minus(BACKDATE),
        }
    }

    /// A key that was never made before; from a seed the one that the artifact has.
    pub fn new_key(&self, id: DerivationId, algorithm: KeyAlgorithm) -> Result<HeldKey> {
        let made = match self.entropy.seed() {
            Some(seed) => self.derived_key(id, algorithm, seed),
            None => PrivateKey::generate(algorithm, self.entropy),
        };
        made.map(HeldKey::made).map_err(|error| Error::refused(error.to_string()))
    }

    /// The key that follows from the seed, where a cluster has one.
    pub fn key_from_seed(
        &self,
        id: DerivationId,
        algorithm: KeyAlgorithm,
    ) -> Result<Option<HeldKey>> {
        let Some(seed) = self.entropy.seed() else {
            return Ok(None);
        };
        let key = self.derived_key(id, algorithm, seed);
        key.map(|key| Some(HeldKey::found(key))).map_err(|error| Error::refused(error.to_string()))
    }

    fn derived_key(
        &self,
        id: DerivationId,
        algorithm: KeyAlgorithm,
        seed: &Seed,
    ) -> std::result::Result<PrivateKey, BuildError> {
        let graph = self.world.graph;
        let id = match &graph.get(id).recipe {
            Recipe::Accepted(accepted) => accepted.request,
            _ => id,
        };
        let revision = graph.get(id).recipe.revision().unwrap_or_default();
        // A user's key stays the same whoever signs the certificate.
        let named = graph.answer_to(id).unwrap_or(id);
        PrivateKey::derive(algorithm, graph.get(named).name.as_str(), &revision, seed)
    }
}
