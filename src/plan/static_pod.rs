//! Judging static pods: rendered from the description, from what their process must be restarted for, and
//! for a member of etcd from what there was when its manifest was first made.

use super::context::{After, PlanContext};
use super::pod_differences::compare;
use super::{Action, Membership, Reason, Restart, World};
use crate::content::{EtcdStart, pod_content, pod_entry, restart_digest};
use crate::graph::{Artifact, DerivationId, StaticPod};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::pod::{self, PodFacts};
use crate::profile::{Process, Reader};
use crate::state::{Entry, File};

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, recipe: &StaticPod) -> After {
    let world = context.world;
    let Some(Inputs { contents, rebuilt }) = inputs(context, recipe) else {
        context.keep_as_it_is(id);
        return After::Unavailable;
    };
    let Some(place) = world.graph.placements(id).first() else {
        return After::Unavailable;
    };
    let file = world.inventory.get(place.path.as_str());
    let old = match file {
        Some(File::Public { bytes, .. }) => Some(bytes.as_slice()),
        _ => None,
    };
    let facts = old.and_then(|bytes| pod::read(bytes, recipe.process).ok());
    let entry = context.entry(id);
    let start = etcd_start(world, recipe, entry, facts.as_ref());
    if let Some(start) = &start {
        context.plan.etcd_starts.insert(id, start.clone());
    }
    // With an input that is still to be built its digest is not known: the rest can be compared all the same.
    let known = rebuilt.is_empty();
    let expected = match pod_content(recipe, start.as_ref(), restart_digest(contents)) {
        Ok(bytes) => bytes,
        Err(why) => {
            return context.block(id, None, format!("its manifest cannot be patched: {why}"));
        }
    };
    if known && old == Some(expected.as_slice()) {
        let entry = pod_entry(world.graph.get(id), &expected, start.as_ref());
        context.keep(id, entry);
        return After::Kept(Digest::of(&expected));
    }
    if file.is_none() && entry.is_none() {
        return first_made(context, id, recipe, start);
    }
    let recorded = entry.and_then(|entry| entry.content);
    let mut reasons = rebuilt;
    let is_recorded = old.is_some() && recorded == old.map(Digest::of);
    match (file, facts) {
        (None, _) => reasons.push(Reason::OutputMissing { path: place.path.clone() }),
        (Some(File::Unusable { what }), _) => {
            let why = what.clone();
            reasons.push(Reason::OutputUnreadable { path: place.path.clone(), why });
        }
        // Not what was written last: whoever changed it, what it says is no guide.
        (_, facts) if is_recorded || (recorded.is_none() && facts.is_some()) => {
            if let Some(facts) = facts {
                moved(context, recipe, &facts);
                compare(recipe.process, &facts, (old.unwrap_or_default(), &expected), &mut reasons);
            }
            if reasons.is_empty() {
                reasons.push(contents_changed(context, recipe));
            }
        }
        _ => reasons.push(Reason::OutputModified { path: place.path.clone() }),
    }
    let restored = known && recorded == Some(Digest::of(&expected));
    let same_pod = known && old.is_some_and(|old| pod::is_same_pod(old, &expected));
    if !same_pod && (!restored || old.is_some()) {
        let restart = Restart { reader: Reader::Pod(recipe.process), node: recipe.node.clone() };
        context.plan.restarts.push(restart);
    }
    let action = if restored { Action::Repair } else { Action::Render };
    context.render(id, action, reasons, vec![place.path.clone()]);
    After::Rebuilt { new_key: false }
}

/// What the process reads only when it starts: the digests that stay, and what is built again.
struct Inputs<'a> {
    contents: Vec<(&'a ArtifactName, Digest)>,
    rebuilt: Vec<Reason>,
}

/// `None`: some of it cannot be had.
fn inputs<'a>(context: &mut PlanContext<'a>, recipe: &StaticPod) -> Option<Inputs<'a>> {
    let graph = context.world.graph;
    let mut contents = Vec::with_capacity(recipe.restarts.len());
    let mut rebuilt = Vec::new();
    for (_, input) in &recipe.restarts {
        let name = &graph.get(*input).name;
        match context.after(*input) {
            After::Kept(digest) => contents.push((*input, name, digest)),
            After::Rebuilt { .. } => rebuilt.push(Reason::DependencyRebuilt { name: name.clone() }),
            After::Unavailable => return None,
        }
    }
    context.plan.contents.extend(contents.iter().map(|(input, _, digest)| (*input, *digest)));
    let contents = contents.into_iter().map(|(_, name, digest)| (name, digest)).collect();
    Some(Inputs { contents, rebuilt })
}

fn first_made(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    recipe: &StaticPod,
    start: Option<EtcdStart>,
) -> After {
    let after = context.step(id, Action::Render, vec![Reason::New]);
    let joins = start.filter(|start| start.existing);
    if let Some(url) = joins.and(recipe.members.get(recipe.node.as_str())) {
        let (member, peer_url) = (recipe.node.to_string(), url.clone());
        context.plan.membership.push(Membership::Add { member, peer_url });
    }
    after
}

/// A member with another address than etcd's own list has.
fn moved(context: &mut PlanContext<'_>, recipe: &StaticPod, old: &PodFacts) {
    let now = recipe.members.get(recipe.node.as_str());
    let before = old.values("initial-advertise-peer-urls").last();
    if let (Some(now), Some(before)) = (now, before)
        && now != before
    {
        context.plan.membership.push(Membership::Update {
            member: recipe.node.to_string(),
            peer_url: now.clone(),
            is_sole: recipe.members.len() == 1,
        });
    }
}

/// No flag differs and no input is built again: an input's content is another one than the annotation's,
/// or something else in the manifest is.
fn contents_changed(context: &PlanContext<'_>, recipe: &StaticPod) -> Reason {
    let changed = recipe.restarts.iter().find(|(_, input)| {
        let recorded = context.entry(*input).and_then(Entry::public_content);
        matches!(context.after(*input), After::Kept(now) if recorded.is_some_and(|old| old != now))
    });
    match changed {
        Some((_, input)) => {
            Reason::DependencyRebuilt { name: context.world.graph.get(*input).name.clone() }
        }
        None => Reason::changed("content", "as built", "as described now"),
    }
}

/// What the member was told once; for a new member what there is now.
fn etcd_start(
    world: World<'_>,
    recipe: &StaticPod,
    entry: Option<&Entry>,
    facts: Option<&PodFacts>,
) -> Option<EtcdStart> {
    if recipe.members.is_empty() {
        return None;
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
        let is_known = |name: &String| !existing || name.as_str() <= own || is_made(world, name);
        let members = recipe.members.iter().filter(|(name, _)| is_known(name));
        let members: Vec<String> = members.map(|(name, url)| format!("{name}={url}")).collect();
        EtcdStart { existing, members: members.join(",") }
    }))
}

/// The manifest of that node's etcd was made before.
fn is_made(world: World<'_>, node: &str) -> bool {
    let Ok(node) = node.parse() else {
        return false;
    };
    let name = Artifact::StaticPod(node, Process::Etcd).name();
    let placed = world.graph.find(&name).into_iter().flat_map(|id| world.graph.placements(id));
    let mut files = placed.map(|place| place.path.as_str());
    world.lock.entries.contains_key(&name) || files.any(|path| world.inventory.get(path).is_some())
}
