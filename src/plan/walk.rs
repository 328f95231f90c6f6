//! The walk over the graph in build order: each artifact is judged with what its inputs will be.

use std::collections::{HashMap, HashSet};

use super::context::{After, PlanContext};
use super::issuer::longest_leaves;
use super::{
    HeaderChange, Intent, Plan, World, ca, cluster_signed, exposure, found_key, imported_ca,
    kubeconfig, leaf, orphan, rejoin, rendered, request, restart, rotation, sealing, seeded,
    signing_key, static_pod, turns, unreadable,
};
use crate::graph::{Derivation, DerivationId, Recipe};
use crate::spec::Spec;

/// Compares what should be with what is. What is due on several nodes is known only once all is judged: then
/// all is judged again, with what waits for its turn kept as it is.
pub fn plan(world: World<'_>, spec: &Spec, intent: &Intent) -> Plan {
    let all = judged(world, spec, intent, &HashSet::new());
    match turns::find(world, spec, intent, &all) {
        None => all,
        Some(turns) => {
            let plan = judged(world, spec, intent, &turns.held());
            Plan { turns: Some(turns), ..plan }
        }
    }
}

/// A permission is no order: a key is given up only where it turns out to be needed, and then whatever
/// depends on it is judged anew. At most one walk for each kind of key: a CA's, then a leaf's.
fn judged(world: World<'_>, spec: &Spec, intent: &Intent, held: &HashSet<DerivationId>) -> Plan {
    let mut forced = HashSet::new();
    loop {
        let (plan, given_up) = walk(world, spec, intent, (&forced, held));
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
    (forced, held): (&'a HashSet<DerivationId>, &'a HashSet<DerivationId>),
) -> (Plan, HashSet<DerivationId>) {
    let mut context = PlanContext {
        world,
        intent,
        plan: Plan { header: header(world, spec), ..Plan::default() },
        issuers: HashMap::new(),
        after: Vec::with_capacity(world.graph.len()),
        longest: longest_leaves(world.graph),
        signers: Vec::new(),
        forced,
        held,
        given_up: HashSet::new(),
        reordered: HashSet::new(),
        rename: seeded::rename(world, spec),
    };
    let unread = unreadable::Unreadable::of(world.inventory);
    for id in world.graph.ids() {
        let after = match unread.hides(world.graph, world.inventory, id) {
            Some(why) => context.block(id, None, why),
            None => judge(&mut context, id),
        };
        context.after.push(after);
    }
    block_steps_without_signer(&mut context);
    rotation::find(&mut context);
    orphan::find(&mut context.plan, world);
    sealing::find(&mut context.plan, world, spec, intent);
    context.plan.exposed = exposure::find(world, &context.plan);
    restart::services(&mut context, spec);
    restart::removed_members(&mut context.plan, world);
    context.plan.restarts.sort();
    context.plan.membership.sort();
    context.plan.rejoins = rejoin::find(world, spec, intent);
    found_key::notes(&mut context.plan, world);
    (context.plan, context.given_up)
}

fn judge(context: &mut PlanContext<'_>, id: DerivationId) -> After {
    match &context.world.graph.get(id).recipe {
        Recipe::OwnCa(recipe) => ca::judge(context, id, recipe),
        Recipe::ImportedCa(recipe) => imported_ca::judge(context, id, recipe),
        Recipe::SigningKey(recipe) => signing_key::judge(context, id, recipe),
        Recipe::Leaf(recipe) => leaf::judge(context, id, recipe),
        Recipe::Request(recipe) => request::judge(context, id, recipe),
        Recipe::ClusterSigned(recipe) => cluster_signed::judge(context, id, recipe),
        Recipe::Rendered(recipe) => rendered::judge(context, id, recipe),
        Recipe::Kubeconfig(recipe) => kubeconfig::judge(context, id, recipe),
        Recipe::StaticPod(recipe) => static_pod::judge(context, id, recipe),
    }
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

/// An absent CA key is harmless until a step needs its signature.
fn block_steps_without_signer(context: &mut PlanContext<'_>) {
    let graph = context.world.graph;
    let mut seen = HashSet::new();
    for (ca, leaf) in std::mem::take(&mut context.signers) {
        if !seen.insert(ca) {
            continue;
        }
        let makes_key = matches!(context.after(ca), After::Rebuilt { new_key: true });
        let blocked = context.plan.blocked.iter().any(|blocked| blocked.derivation == ca);
        if makes_key || blocked || context.key_can_be_had(ca) {
            continue;
        }
        let Derivation { name, recipe, .. } = graph.get(ca);
        if context.intent.allows_replacing(name) {
            context.given_up.insert(ca);
            continue;
        }
        let leaf = &graph.get(leaf).name;
        let place = graph.key_file(ca).map_or_else(String::new, |path| format!("out/{path}"));
        let why = format!(
            "{leaf} needs its signature, and its key is not here; run this where the key is, or put it at {place}"
        );
        match recipe {
            Recipe::ImportedCa(_) => context.block(ca, None, why),
            _ => context.block_replacement(ca, why),
        };
    }
}
