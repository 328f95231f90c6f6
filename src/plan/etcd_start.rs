//! What the manifest of an etcd member tells it of the others: what it was told once, and for one that joins
//! what there is now.

use super::context::PlanContext;
use super::{Intent, World};
use crate::content::EtcdStart;
use crate::graph::{Artifact, StaticPod};
use crate::name::NodeName;
use crate::pod::PodFacts;
use crate::profile::Process;
use crate::state::Entry;

/// What the member was told once; for a new member, and one that joins again, what there is now.
pub(super) fn etcd_start(
    context: &PlanContext<'_>,
    recipe: &StaticPod,
    entry: Option<&Entry>,
    facts: Option<&PodFacts>,
) -> Option<EtcdStart> {
    if recipe.members.is_empty() {
        return None;
    }
    let world = context.world;
    if context.intent.rejoins(&recipe.node)
        && let Some(again) = joining_again(world, context.intent, recipe)
    {
        return Some(again);
    }
    let recorded = entry.and_then(|entry| entry.initial_cluster.as_deref());
    let told =
        recorded.and_then(EtcdStart::parse).or_else(|| facts.and_then(EtcdStart::of_manifest));
    Some(told.unwrap_or_else(|| {
        let own = recipe.node.as_str();
        let mut others = recipe.members.keys().filter(|name| *name != own);
        let existing = others.any(|name| is_made(world, name));
        // etcd takes new members one after the other, and a joining one must be told of exactly those that
        // are there: for it the later ones do not exist yet.
        let is_known = |name: &str| !existing || name <= own || is_made(world, name);
        EtcdStart { existing, members: listed(recipe, is_known) }
    }))
}

/// `None`: nobody is there whom it could join. Of several that join again the later ones are removed from
/// etcd's list before the first is added.
fn joining_again(world: World<'_>, intent: &Intent, recipe: &StaticPod) -> Option<EtcdStart> {
    let own = recipe.node.as_str();
    let stays = |name: &str| name != own && is_made(world, name) && !rejoins(intent, name);
    if !recipe.members.keys().any(|name| stays(name)) {
        return None;
    }
    let is_there = |name: &str| {
        name == own || stays(name) || (name < own && rejoins(intent, name) && is_made(world, name))
    };
    Some(EtcdStart { existing: true, members: listed(recipe, is_there) })
}

fn listed(recipe: &StaticPod, is_there: impl Fn(&str) -> bool) -> String {
    let members = recipe.members.iter().filter(|(name, _)| is_there(name));
    members.map(|(name, url)| format!("{name}={url}")).collect::<Vec<_>>().join(",")
}

fn rejoins(intent: &Intent, node: &str) -> bool {
    node.parse::<NodeName>().is_ok_and(|node| intent.rejoins(&node))
}

/// The manifest of that node's etcd was made before.
pub(super) fn is_made(world: World<'_>, node: &str) -> bool {
    let Ok(node) = node.parse() else {
        return false;
    };
    let name = Artifact::StaticPod(node, Process::Etcd).name();
    let placed = world.graph.find(&name).into_iter().flat_map(|id| world.graph.placements(id));
    let mut files = placed.map(|place| place.path.as_str());
    world.lock.entries.contains_key(&name) || files.any(|path| world.inventory.get(path).is_some())
}
