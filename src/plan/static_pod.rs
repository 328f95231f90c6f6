//! Judging static pods: rendered from the description, from what their process must be restarted for, and
//! for a member of etcd from what there was when its manifest was first made.

use std::collections::BTreeMap;
use std::fmt;

use super::judge::{After, Judge};
use super::rendered::keep_as_it_is;
use super::{Action, Membership, Reason, Restart, World};
use crate::graph::{Artifact, DerivationId, PodSource, StaticPod};
use crate::hash::{Digest, Fields};
use crate::manifest;
use crate::name::ArtifactName;
use crate::pod::{self, DIGEST_ANNOTATION, PodFacts};
use crate::profile::{Process, Reader};
use crate::state::{Entry, File};

/// What a member of etcd is told of the others. It reads it at its very first start only, and a changed
/// list would restart etcd for nothing: once made it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdStart {
    /// It joins a cluster that runs, after `etcdctl member add`.
    pub existing: bool,
    /// The value of `--initial-cluster`.
    pub members: String,
}

impl fmt::Display for EtcdStart {
    /// As the lock keeps it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.existing { "existing" } else { "new" };
        write!(f, "{state}:{}", self.members)
    }
}

impl EtcdStart {
    fn parse(text: &str) -> Option<Self> {
        let (existing, members) = match text.split_once(':')? {
            ("new", members) => (false, members),
            ("existing", members) => (true, members),
            _ => return None,
        };
        let plausible = members.split(',').all(|member| {
            let plain = member.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
            plain && member.contains("=http")
        });
        plausible.then(|| EtcdStart { existing, members: members.to_owned() })
    }

    fn of_manifest(facts: &PodFacts) -> Option<Self> {
        let members = facts.values("initial-cluster").last()?;
        let existing = facts.values("initial-cluster-state").last() == Some("existing");
        let state = if existing { "existing" } else { "new" };
        EtcdStart::parse(&format!("{state}:{members}"))
    }
}

/// The bytes of a manifest.
pub fn pod_content(
    recipe: &StaticPod,
    start: Option<&EtcdStart>,
    annotation: Digest,
) -> Result<Vec<u8>, String> {
    let annotation = (DIGEST_ANNOTATION.to_owned(), annotation.to_string());
    match &recipe.source {
        PodSource::Own { image, flags } => {
            let mut flags = flags.clone();
            if let Some(start) = start {
                flags.insert("initial-cluster".to_owned(), start.members.clone());
                if start.existing {
                    let state = flags.entry("initial-cluster-state".to_owned());
                    state.or_insert_with(|| "existing".to_owned());
                }
            }
            let mut pod = manifest::StaticPod::new(recipe.process, image.clone(), flags);
            pod.mount_files();
            pod.annotations.extend([annotation]);
            Ok(pod.render().into_bytes())
        }
        PodSource::Patched { bytes, wish } => {
            let mut wish = wish.clone();
            wish.annotations.push(annotation);
            pod::patch(bytes, &wish).map(|patched| patched.bytes).map_err(|error| error.to_string())
        }
    }
}

/// Digest over the public bytes of everything that a process must be restarted for.
pub fn restart_digest<'a>(inputs: impl IntoIterator<Item = (&'a ArtifactName, Digest)>) -> Digest {
    Fields::default()
        .set("inputs", inputs.into_iter().map(|(name, content)| format!("{name} {content}")))
        .hash()
}

/// The lock's line of a manifest.
pub fn pod_entry(hash: Digest, bytes: &[u8], start: Option<&EtcdStart>) -> Entry {
    Entry {
        content: Some(Digest::of(bytes)),
        initial_cluster: start.map(ToString::to_string),
        ..Entry::new(hash)
    }
}

pub(super) fn judge(judge: &mut Judge<'_>, id: DerivationId, recipe: &StaticPod) -> After {
    let world = judge.world;
    let mut contents = Vec::with_capacity(recipe.restarts.len());
    let mut rebuilt = Vec::new();
    for (_, input) in &recipe.restarts {
        let name = &world.graph.get(*input).name;
        match judge.after(*input) {
            After::Kept(digest) => contents.push((name, *digest)),
            After::Rebuilt { .. } => rebuilt.push(Reason::DependencyRebuilt { name: name.clone() }),
            After::Unavailable => {
                keep_as_it_is(judge, id);
                return After::Unavailable;
            }
        }
    }
    for (_, input) in &recipe.restarts {
        if let After::Kept(digest) = *judge.after(*input) {
            judge.plan.contents.insert(*input, digest);
        }
    }
    let Some(place) = world.graph.placements(id).first() else {
        return After::Unavailable;
    };
    let path = &place.path;
    let file = world.inventory.get(path.as_str());
    let old = match file {
        Some(File::Public { bytes, .. }) => Some(bytes.as_slice()),
        _ => None,
    };
    let facts = old.and_then(|bytes| pod::read(bytes, recipe.process).ok());
    let entry = judge.entry(id);
    let start = etcd_start(world, recipe, entry, facts.as_ref());
    if let Some(start) = &start {
        judge.plan.etcd_starts.insert(id, start.clone());
    }
    // With an input that is still to be built its digest is not known: the rest can be compared all the same.
    let known = rebuilt.is_empty();
    let annotation = restart_digest(contents);
    let expected = match pod_content(recipe, start.as_ref(), annotation) {
        Ok(bytes) => bytes,
        Err(why) => {
            return judge.block(id, None, format!("its manifest cannot be patched: {why}"));
        }
    };
    if known && old == Some(expected.as_slice()) {
        let entry = pod_entry(world.graph.get(id).hash, &expected, start.as_ref());
        judge.keep(id, entry);
        return After::Kept(Digest::of(&expected));
    }
    let recorded = entry.and_then(|entry| entry.content);
    let mut reasons = rebuilt;
    match (file, facts) {
        (None, _) if entry.is_none() => {
            let after = judge.step(id, Action::Render, vec![Reason::New]);
            if let Some(url) =
                start.filter(|start| start.existing).and(recipe.members.get(recipe.node.as_str()))
            {
                judge.plan.membership.push(Membership::Add {
                    member: recipe.node.to_string(),
                    peer_url: url.clone(),
                });
            }
            return after;
        }
        (None, _) => reasons.push(Reason::OutputMissing { path: path.clone() }),
        (Some(File::Unusable { what }), _) => {
            reasons.push(Reason::OutputUnreadable { path: path.clone(), why: what.clone() });
        }
        // Not what was written last: whoever changed it, what it says is no guide.
        _ if recorded.is_some() && recorded != old.map(Digest::of) => {
            reasons.push(Reason::OutputModified { path: path.clone() });
        }
        (_, Some(facts)) => {
            moved(judge, recipe, &facts);
            if let Ok(wished) = pod::read(&expected, recipe.process) {
                differences(&facts, &wished, &mut reasons);
            }
            reasons.extend(image_changed(old.unwrap_or_default(), &expected));
            if reasons.is_empty() {
                reasons.push(contents_changed(judge, recipe));
            }
        }
        (_, None) => reasons.push(Reason::OutputModified { path: path.clone() }),
    }
    let restored = known && recorded == Some(Digest::of(&expected));
    let same_pod = known && old.is_some_and(|old| pod::is_same_pod(old, &expected));
    if !same_pod && (!restored || old.is_some()) {
        judge
            .plan
            .restarts
            .push(Restart { reader: Reader::Pod(recipe.process), node: recipe.node.clone() });
    }
    let action = if restored { Action::Repair } else { Action::Render };
    judge.plan.steps.push(super::Step {
        derivation: id,
        action,
        reasons,
        writes: vec![path.clone()],
        modes: Vec::new(),
    });
    After::Rebuilt { new_key: false }
}

/// A member with another address than etcd's own list has.
fn moved(judge: &mut Judge<'_>, recipe: &StaticPod, old: &PodFacts) {
    let now = recipe.members.get(recipe.node.as_str());
    let before = old.values("initial-advertise-peer-urls").last();
    if let (Some(now), Some(before)) = (now, before)
        && now != before
    {
        judge
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
fn contents_changed(judge: &Judge<'_>, recipe: &StaticPod) -> Reason {
    let changed = recipe.restarts.iter().find(|(_, input)| {
        let recorded = judge.entry(*input).and_then(Entry::public_content);
        matches!(judge.after(*input), After::Kept(now) if recorded.is_some_and(|old| old != *now))
    });
    match changed {
        Some((_, input)) => {
            Reason::DependencyRebuilt { name: judge.world.graph.get(*input).name.clone() }
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
