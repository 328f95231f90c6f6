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
use super::known_seed::check_seed;
use super::request::build_request;
use super::retire::retire;
use super::signing_key::build_signing_key;
use super::static_pod::build_static_pods;
use super::writing::render;
use super::{prune, sealing};
use crate::content::certificate_entry;
use crate::error::Result;
use crate::graph::{DerivationId, Recipe, Rendered};
use crate::keys::Entropy;
use crate::plan::{Orphan, Plan, Step, World, exposures};
use crate::spec::{Root, Spec};
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
        signing_keys: HashMap::new(),
        written: Mutex::default(),
    };
    if let Some(seed) = entropy.seed() {
        check_seed(&context, seed)?;
    }
    let steps: HashMap<DerivationId, &Step> =
        plan.steps.iter().map(|step| (step.derivation, step)).collect();
    let mut lines = build_cas(&mut context, plan, &steps)?;
    lines.extend(build_signing_keys(&mut context, &steps)?);
    let built: Vec<Vec<(DerivationId, Entry)>> = plan
        .steps
        .par_iter()
        .map(|step| build_step(&context, step, &steps))
        .collect::<Result<_>>()?;
    lines.extend(built.into_iter().flatten());
    let pods = build_static_pods(&context, plan, &lines)?;
    lines.extend(pods);
    close_modes(&context, plan)?;
    plan.seals.par_iter().try_for_each(|seal| sealing::carry_out(&context, plan, seal))?;
    let kept = plan.kept.iter().cloned();
    lines.extend(kept.map(|(id, entry)| (id, Entry { left: false, ..entry })));
    let mut entries: BTreeMap<_, _> =
        lines.into_iter().map(|(id, entry)| (world.graph.get(id).name.clone(), entry)).collect();
    if prune {
        prune::prune(&context, plan)?;
    }
    retire(&context, plan)?;
    for orphan in plan.orphans.iter().filter(|_| !prune) {
        if let Orphan::Line(name) = orphan
            && let Some(entry) = world.lock.entries.get(name)
        {
            entries.insert(name.clone(), Entry { left: true, ..entry.clone() });
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

const SECRET_MODE: u32 = 0o600;

/// CAs in the graph's order: a step that signs finds its issuer.
fn build_cas(
    context: &mut BuildContext<'_>,
    plan: &Plan,
    steps: &HashMap<DerivationId, &Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let graph = context.world.graph;
    let signers = signers(context, plan);
    let mut lines = Vec::new();
    for id in graph.ids().filter(|id| graph.get(*id).recipe.is_ca()) {
        let derivation = graph.get(id);
        let step = steps.get(&id).copied();
        let state = build_ca(context, id, &derivation.recipe, step, signers.contains(&id))?;
        if let Some(state) = state {
            if step.is_some() {
                lines.push((id, certificate_entry(derivation, &state.facts)));
                context.files.progress(1);
            }
            context.cas.insert(id, state);
        }
    }
    Ok(lines)
}

/// Before what their public halves are in.
fn build_signing_keys(
    context: &mut BuildContext<'_>,
    steps: &HashMap<DerivationId, &Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let graph = context.world.graph;
    let mut lines = Vec::new();
    for id in graph.keypairs(Root::ServiceAccount) {
        if let (Recipe::SigningKey(recipe), Some(step)) = (&graph.get(*id).recipe, steps.get(id)) {
            let (entry, public_key) = build_signing_key(context, *id, recipe, step)?;
            lines.push((*id, entry));
            context.files.progress(1);
            context.signing_keys.insert(*id, public_key);
        }
    }
    Ok(lines)
}

/// Secrets that others can read.
fn close_modes(context: &BuildContext<'_>, plan: &Plan) -> Result<()> {
    for step in &plan.steps {
        // A kubeconfig's builder has seen to its mode.
        if matches!(context.world.graph.get(step.derivation).recipe, Recipe::Kubeconfig(_)) {
            continue;
        }
        for path in &step.modes {
            if !step.writes.contains(path) {
                context.files.set_mode(path, SECRET_MODE)?;
            }
        }
    }
    Ok(())
}

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
        Recipe::OwnCa(_) | Recipe::ImportedCa(_) | Recipe::SigningKey(_) | Recipe::StaticPod(_) => {
            return Ok(Vec::new());
        }
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
            vec![(id, render(context, step, &context.inputs(rendered.inputs()))?)]
        }
        Recipe::Kubeconfig(config) => vec![(id, build_kubeconfig(context, id, config, step)?)],
    };
    context.files.progress(lines.len());
    Ok(lines)
}
