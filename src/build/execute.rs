//! Carries out a plan: steps in, files and lock lines out.
//!
//! Pure but for what it is given: [`Files`] reads secrets and takes outputs, [`Entropy`] gives randomness,
//! `issued_at` is the time. CAs first; everything below them in parallel, each output handed over
//! as soon as it is built.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use rayon::prelude::*;

use super::ca::build_ca;
use super::context::BuildContext;
use super::identity::{build_identity, build_kubeconfig};
use super::request::build_request;
use super::signing_key::build_signing_key;
use super::static_pod::build_static_pods;
use super::writing::render;
use super::{prune, sealing};
use crate::content::certificate_entry;
use crate::error::{Error, Result};
use crate::facts::PublicKey;
use crate::graph::{DerivationId, Recipe, Rendered};
use crate::keys::{Entropy, Seed};
use crate::plan::{Orphan, Plan, Step, World, exposures};
use crate::spec::Spec;
use crate::state::{Entry, Lock, SeedMark};
use crate::time::Timestamp;

pub use super::context::Files;

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
    let mut context = BuildContext {
        world,
        issued_at,
        entropy,
        files,
        cas: HashMap::new(),
        written: Mutex::default(),
    };
    if let Some(seed) = entropy.seed() {
        check_seed(&context, seed)?;
    }
    let steps: HashMap<DerivationId, &Step> =
        plan.steps.iter().map(|step| (step.derivation, step)).collect();
    let signers = signers(&context, plan);
    let mut lines: Vec<(DerivationId, Entry)> = Vec::new();
    for id in world.graph.ids() {
        let derivation = world.graph.get(id);
        if derivation.recipe.is_ca() {
            let step = steps.get(&id).copied();
            let state = build_ca(&context, id, &derivation.recipe, step, signers.contains(&id))?;
            if let Some(state) = state {
                if step.is_some() {
                    lines.push((id, certificate_entry(derivation, &state.facts)));
                    files.progress(1);
                }
                context.cas.insert(id, state);
            }
        }
    }
    let built: Vec<Vec<(DerivationId, Entry)>> = plan
        .steps
        .par_iter()
        .map(|step| build_step(&context, step, &steps))
        .collect::<Result<_>>()?;
    lines.extend(built.into_iter().flatten());
    let pods = build_static_pods(&context, plan, &lines)?;
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
    plan.seals.par_iter().try_for_each(|seal| sealing::carry_out(&context, plan, seal))?;
    lines.extend(plan.kept.iter().cloned());
    let mut entries: BTreeMap<_, _> =
        lines.into_iter().map(|(id, entry)| (world.graph.get(id).name.clone(), entry)).collect();
    if prune {
        prune::prune(&context, plan)?;
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
    sealing::record(&context, &mut lock, prune)?;
    lock.exposed = exposures(world, plan, &lock);
    Ok(lock)
}

/// The seed must be the one that the keys here follow from.
fn check_seed(context: &BuildContext<'_>, seed: &Seed) -> Result<()> {
    const HELP: &str = "put that seed back; a cluster with another seed begins with an empty out/ and without \
         cluster.lock";
    const OTHER_SCHEDULE: &str = "to keep the keys take `reproducible` out of the description; for others begin with an \
         empty out/ and without cluster.lock";
    if let Some(known) = context.world.lock.seed {
        // Where the cluster was renamed, the plan makes new keys.
        let before = context.world.lock.cluster.as_deref();
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
    let world = context.world;
    for id in world.graph.ids() {
        let derivation = world.graph.get(id);
        let Some(described) = derivation.recipe.key_algorithm() else {
            continue;
        };
        if !derivation.recipe.is_anchor() {
            continue;
        }
        let here = world.survey.public_part(id).public_key();
        let issued = world
            .graph
            .dependents(id)
            .filter_map(|leaf| world.survey.public_part(leaf).certificate())
            .find_map(|facts| facts.authority_key_id.clone());
        if here.is_none() && issued.is_none() {
            continue;
        }
        let algorithm = here.and_then(PublicKey::algorithm).unwrap_or(described);
        let Some(derived) = context.key_from_seed(id, algorithm)? else {
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

/// CAs whose key some step needs.
fn signers(context: &BuildContext<'_>, plan: &Plan) -> HashSet<DerivationId> {
    plan.steps
        .iter()
        .filter(|step| step.action.signs())
        .filter_map(|step| match &context.world.graph.get(step.derivation).recipe {
            Recipe::Leaf(leaf) => Some(leaf.issuer),
            _ => None,
        })
        .collect()
}

/// An identity and its kubeconfig are built together, so that the key need not be read back.
fn build_step(
    context: &BuildContext<'_>,
    step: &Step,
    steps: &HashMap<DerivationId, &Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let graph = context.world.graph;
    let id = step.derivation;
    let lines = match &graph.get(id).recipe {
        // Before all others, and after them.
        Recipe::OwnCa(_) | Recipe::ImportedCa(_) | Recipe::StaticPod(_) => return Ok(Vec::new()),
        Recipe::SigningKey(recipe) => vec![(id, build_signing_key(context, id, recipe, step)?)],
        Recipe::Leaf(leaf) => {
            let config = graph.kubeconfig_of(id).and_then(|config| steps.get(&config).copied());
            build_identity(context, id, leaf, step, config)?
        }
        Recipe::Kubeconfig(config)
            if matches!(graph.get(config.identity).recipe, Recipe::Leaf(_))
                && steps.contains_key(&config.identity) =>
        {
            return Ok(Vec::new());
        }
        // Never built; its line is among those that the plan keeps.
        Recipe::ClusterSigned(_) => Vec::new(),
        Recipe::Request(request) => {
            let manifest = graph.manifest_of(id).and_then(|manifest| steps.get(&manifest).copied());
            build_request(context, id, request, step, manifest)?
        }
        // With its request, where that is built.
        Recipe::Rendered(Rendered::SigningRequest(manifest))
            if steps.contains_key(&manifest.request) =>
        {
            return Ok(Vec::new());
        }
        Recipe::Rendered(rendered) => {
            let input = rendered.input().and_then(|input| context.input(input));
            vec![(id, render(context, step, input)?)]
        }
        Recipe::Kubeconfig(config) => vec![(id, build_kubeconfig(context, id, config, step)?)],
    };
    context.files.progress(lines.len());
    Ok(lines)
}
