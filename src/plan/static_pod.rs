//! Judging static pods: rendered from the description, from what their process must be restarted for, and
//! for a member of etcd from what there was when its manifest was first made.

use super::context::{After, PlanContext};
use super::etcd_start::etcd_start;
use super::pod_differences::compare;
use super::{Action, Membership, Reason, Restart, World};
use crate::content::{
    EtcdStart, pod_content, pod_entry, pod_without_annotation, restart_digest, set_digest,
};
use crate::graph::{DerivationId, Recipe, StaticPod};
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
    let start = etcd_start(context, recipe, entry, facts.as_ref());
    if let Some(start) = &start {
        context.plan.etcd_starts.insert(id, start.clone());
    }
    // With an input that is still to be built its digest is not known: the rest can be compared all the same.
    let known = rebuilt.is_empty();
    let wished = match pod_file(world, id, recipe, start.as_ref(), restart_digest(contents)) {
        Ok(wished) => wished,
        Err(why) => {
            return context.block(id, None, format!("its manifest cannot be patched: {why}"));
        }
    };
    let expected = wished.bytes;
    if known && old == Some(expected.as_slice()) {
        let line =
            pod_entry(world.graph.get(id), &expected, start.as_ref(), wished.without_annotation);
        context.keep(id, line);
        return After::Kept(Digest::of(&expected));
    }
    if file.is_none() && entry.is_none() {
        return first_made(context, id, recipe, start);
    }
    let recorded = entry.and_then(|entry| entry.content);
    let mut reasons = rebuilt;
    let rejoins = recipe.process == Process::Etcd && context.intent.rejoins(&recipe.node);
    if rejoins {
        reasons.push(Reason::RejoinRequested);
    }
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
                // A member that joins again is added anew, and with the address that it has now.
                if !rejoins {
                    moved(context, recipe, &facts);
                }
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
    // Of a member whose data is gone nothing runs that could restart.
    if !same_pod && (!restored || old.is_some()) && !rejoins {
        let restart = Restart { reader: Reader::Pod(recipe.process), node: recipe.node.clone() };
        context.plan.restarts.push(restart);
    }
    let action = if restored { Action::Repair } else { Action::Render };
    context.render(id, action, reasons, vec![place.path.clone()]);
    After::Rebuilt { new_key: false }
}

/// A manifest as it should be.
pub struct PodFile {
    pub bytes: Vec<u8>,
    /// What an annotation would say, where it has none.
    pub without_annotation: Option<Digest>,
}

/// `digest`: of what the process must be restarted for. The error reads after a colon.
///
/// A manifest without an annotation is right as long as it is the one on record and its process was started
/// with what there is now: the lock has the digest of that. One that has no line in the lock yet, and says
/// nothing else than what is wished, runs already and must not restart for kpki's sake: it is recorded so.
///
/// The lock may be anybody's. Who edits the digest there to what it is now hides that a process should be
/// restarted, and gains nothing else: what a manifest says is compared byte for byte all the same.
pub fn pod_file(
    world: World<'_>,
    id: DerivationId,
    recipe: &StaticPod,
    start: Option<&EtcdStart>,
    digest: Digest,
) -> Result<PodFile, String> {
    let known = world.lock.entries.get(&world.graph.get(id).name);
    if known.is_none_or(|entry| entry.restart_digest == Some(digest))
        && let Some(bytes) = pod_without_annotation(recipe, start)
    {
        let place = world.graph.placements(id).first();
        let here = place.and_then(|place| world.inventory.public(place.path.as_str()));
        let stays = match known {
            Some(entry) => entry.content == Some(Digest::of(&bytes)),
            None => here == Some(bytes.as_slice()),
        };
        if stays {
            return Ok(PodFile { bytes, without_annotation: Some(digest) });
        }
    }
    let bytes = pod_content(recipe, start, Some(digest))?;
    Ok(PodFile { bytes, without_annotation: None })
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
        match as_set(context, *input) {
            After::Kept(digest) => contents.push((*input, name, digest)),
            After::Rebuilt { .. } => rebuilt.push(Reason::DependencyRebuilt { name: name.clone() }),
            After::Unavailable => return None,
        }
    }
    context.plan.contents.extend(contents.iter().map(|(input, _, digest)| (*input, *digest)));
    let contents = contents.into_iter().map(|(_, name, digest)| (name, digest)).collect();
    Some(Inputs { contents, rebuilt })
}

/// Of a file of several certificates or public keys what is in it, in whichever order.
fn as_set(context: &PlanContext<'_>, input: DerivationId) -> After {
    let after = context.after(input);
    let Recipe::Rendered(recipe) = &context.world.graph.get(input).recipe else { return after };
    let mut all = Vec::new();
    for one in recipe.inputs() {
        match context.after(*one) {
            After::Kept(digest) => all.push(digest),
            other => return other,
        }
    }
    match (after, all.len()) {
        (After::Kept(_), 2..) => After::Kept(set_digest(all)),
        _ => after,
    }
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
