//! Judging static pods: rendered from the description, from what their process must be restarted for, and
//! for a member of etcd from what there was when its manifest was first made.

use std::collections::BTreeMap;

use super::context::{After, PlanContext};
use super::{Action, Membership, Reason, Restart, World};
use crate::content::{EtcdStart, pod_content, pod_entry, restart_digest};
use crate::graph::{Artifact, DerivationId, Placement, StaticPod};
use crate::hash::Digest;
use crate::pod::{self, PodFacts};
use crate::profile::{Process, Reader};
use crate::state::{Entry, File};

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, recipe: &StaticPod) -> After {
    let world = context.world;
    let Some(inputs) = inputs(context, recipe) else {
        context.keep_as_it_is(id);
        return After::Unavailable;
    };
    context.plan.contents.extend(inputs.contents.iter().copied());
    let Some(place) = world.graph.placements(id).first() else {
        return After::Unavailable;
    };
    let old = world.inventory.public(place.path.as_str());
    let facts = old.and_then(|bytes| pod::read(bytes, recipe.process).ok());
    let entry = context.entry(id);
    let start = etcd_start(world, recipe, entry, facts.as_ref());
    if let Some(start) = &start {
        context.plan.etcd_starts.insert(id, start.clone());
    }
    let named = inputs.contents.iter();
    let named = named.map(|(input, digest)| (&world.graph.get(*input).name, *digest));
    let expected = match pod_content(recipe, start.as_ref(), restart_digest(named)) {
        Ok(bytes) => bytes,
        Err(why) => {
            return context.block(id, None, format!("its manifest cannot be patched: {why}"));
        }
    };
    // With an input that is still to be built its digest is not known: the rest can be compared all the same.
    let known = inputs.rebuilt.is_empty();
    if known && old == Some(expected.as_slice()) {
        context.keep(id, pod_entry(world.graph.get(id), &expected, start.as_ref()));
        return After::Kept(Digest::of(&expected));
    }
    if entry.is_none() && world.inventory.get(place.path.as_str()).is_none() {
        return first(context, id, recipe, start);
    }
    let mut reasons = inputs.rebuilt;
    why_written(context, recipe, place, (facts, &expected), &mut reasons);
    let recorded = entry.and_then(|entry| entry.content);
    let restored = known && recorded == Some(Digest::of(&expected));
    let same_pod = known && old.is_some_and(|old| pod::is_same_pod(old, &expected));
    if !same_pod && (!restored || old.is_some()) {
        let reader = Reader::Pod(recipe.process);
        context.plan.restarts.push(Restart { reader, node: recipe.node.clone() });
    }
    let action = if restored { Action::Repair } else { Action::Render };
    context.render(id, action, reasons, vec![place.path.clone()]);
    After::Rebuilt { new_key: false }
}

/// What the process must be restarted for, as it will be.
struct Inputs {
    contents: Vec<(DerivationId, Digest)>,
    rebuilt: Vec<Reason>,
}

/// `None`: one of them cannot be had.
fn inputs(context: &PlanContext<'_>, recipe: &StaticPod) -> Option<Inputs> {
    let mut inputs = Inputs { contents: Vec::new(), rebuilt: Vec::new() };
    for (_, input) in &recipe.restarts {
        match context.after(*input) {
            After::Kept(digest) => inputs.contents.push((*input, digest)),
            After::Rebuilt { .. } => {
                let name = context.world.graph.get(*input).name.clone();
                inputs.rebuilt.push(Reason::DependencyRebuilt { name });
            }
            After::Unavailable => return None,
        }
    }
    Some(inputs)
}

/// A manifest that there never was.
fn first(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    recipe: &StaticPod,
    start: Option<EtcdStart>,
) -> After {
    let joins = start.is_some_and(|start| start.existing);
    if let Some(url) = recipe.members.get(recipe.node.as_str()).filter(|_| joins) {
        let (member, peer_url) = (recipe.node.to_string(), url.clone());
        context.plan.membership.push(Membership::Add { member, peer_url });
    }
    context.step(id, Action::Render, vec![Reason::New])
}

/// Why a manifest is written again, besides what is built before it.
fn why_written(
    context: &mut PlanContext<'_>,
    recipe: &StaticPod,
    place: &Placement,
    (facts, expected): (Option<PodFacts>, &[u8]),
    reasons: &mut Vec<Reason>,
) {
    let path = place.path.clone();
    let recorded = context.entry(place.derivation).and_then(|entry| entry.content);
    let file = context.world.inventory.get(path.as_str());
    let old = context.world.inventory.public(path.as_str());
    match (file, facts) {
        (None, _) => reasons.push(Reason::OutputMissing { path }),
        (Some(File::Unusable { what }), _) => {
            reasons.push(Reason::OutputUnreadable { path, why: what.clone() });
        }
        // Not what was written last: whoever changed it, what it says is no guide.
        _ if recorded.is_some() && recorded != old.map(Digest::of) => {
            reasons.push(Reason::OutputModified { path });
        }
        (_, Some(facts)) => {
            moved(context, recipe, &facts);
            if let Ok(wished) = pod::read(expected, recipe.process) {
                differences(&facts, &wished, reasons);
            }
            reasons.extend(image_changed(old.unwrap_or_default(), expected));
            if reasons.is_empty() {
                reasons.push(contents_changed(context, recipe));
            }
        }
        (_, None) => reasons.push(Reason::OutputModified { path }),
    }
}

/// A member with another address than etcd's own list has.
fn moved(context: &mut PlanContext<'_>, recipe: &StaticPod, old: &PodFacts) {
    let now = recipe.members.get(recipe.node.as_str());
    let before = old.values("initial-advertise-peer-urls").last();
    if let (Some(now), Some(before)) = (now, before)
        && now != before
    {
        context
            .plan
            .membership
            .push(Membership::Update { member: recipe.node.to_string(), peer_url: now.clone() });
    }
}

/// Flag for flag, what the manifest says otherwise.
fn differences(old: &PodFacts, new: &PodFacts, reasons: &mut Vec<Reason>) {
    let by_name = |facts: &PodFacts| {
        let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for flag in &facts.flags {
            let values = flags.entry(format!("--{}", flag.name)).or_default();
            values.push(flag.value.clone());
        }
        flags
    };
    let (old, new) = (by_name(old), by_name(new));
    let text = |flags: &BTreeMap<String, Vec<String>>, name: &String| {
        flags.get(name).map_or_else(String::new, |values| values.join(","))
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let (old, new) = (text(&old, name), text(&new, name));
        if old != new {
            let named = |value: String| {
                if value.is_empty() { value } else { format!("{name}={value}") }
            };
            reasons.push(Reason::InputChanged { field: "flag", old: named(old), new: named(new) });
        }
    }
}

/// Manifests of kpki's own have one image.
fn image_changed(old: &[u8], new: &[u8]) -> Option<Reason> {
    let image = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().find_map(|line| line.trim().strip_prefix("image: "));
        line.map(str::to_owned)
    };
    let (old, new) = (image(old)?, image(new)?);
    (old != new).then_some(Reason::InputChanged { field: "image", old, new })
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
        None => Reason::InputChanged {
            field: "content",
            old: "as built".into(),
            new: "as described now".into(),
        },
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
