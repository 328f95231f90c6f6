//! What static pods are and run, as whole values: what differs from before, and is neither harmless nor
//! kpki's own doing, is a gain.

use std::collections::{BTreeMap, BTreeSet};

use super::access_change::AccessChange;
use super::pod_fields::{goes_whole, is_harmless, said};
use super::pod_flags::FlagChange;
use crate::content::pod_content;
use crate::graph::{PodSource, StaticPod, flags_on};
use crate::manifest::{self, probe_target};
use crate::pod::{self, FieldPath, FieldStep, PodFields};
use crate::profile::{ETCD_CLIENT_PORT, Hosts, Process};
use crate::spec::Spec;
use crate::version::KubernetesVersion;

/// One manifest.
#[derive(Debug, Clone)]
pub(super) struct PodAccess {
    pub process: Process,
    /// Or why it cannot be read.
    pub pod: Result<PodFields, String>,
    /// Told of no manifest that is there.
    pub own: Box<Own>,
}

/// What kpki itself gives the process on that node, from words that are reviewed as such.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    pub pod: PodFields,
    /// Put into an operator's manifest.
    pub patched: BTreeMap<FieldPath, String>,
    /// The described one, and its image.
    pub version: Option<KubernetesVersion>,
    pub image: Option<String>,
    /// URLs of described members of etcd.
    pub members: BTreeSet<String>,
}

const INITIAL_CLUSTER: &str = "initial-cluster";

impl PodAccess {
    /// `None`: it is on no node.
    pub fn asked(spec: &Spec, recipe: &StaticPod) -> Option<Self> {
        let node = spec.node(recipe.node.as_str())?;
        let process = recipe.process;
        let mut asked = PodAccess::of_recipe(recipe);
        let flags = flags_on(spec, node, process);
        let flags: BTreeMap<String, String> =
            flags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let image = process.image(spec.cluster.kubernetes.value);
        let mut fields = match (&recipe.source, &asked.pod) {
            (_, Err(_)) => BTreeMap::new(),
            // All but flags and image follows from them, and these are judged by themselves.
            (PodSource::Own { .. }, Ok(pod)) => pod.fields.clone(),
            (PodSource::Patched { .. }, Ok(pod)) => {
                own_fields(spec, process, &flags, &pod.container)
            }
        };
        let patched = match (&recipe.source, &asked.pod) {
            (PodSource::Patched { bytes, .. }, Ok(pod)) => patched(bytes, process, pod),
            _ => BTreeMap::new(),
        };
        fields.retain(|path, _| image_of(path).is_none() && !is_user(path));
        if let Ok(pod) = &mut asked.pod
            && !recipe.members.is_empty()
            && let Some(value) = flags.get(INITIAL_CLUSTER)
        {
            // What the members that there were make of it, kpki decides.
            pod.flags.insert(INITIAL_CLUSTER.to_owned(), value.clone());
        }
        *asked.own = Own {
            pod: PodFields { flags, fields, ..PodFields::default() },
            patched,
            version: Some(spec.cluster.kubernetes.value),
            image,
            members: member_urls(spec),
        };
        Some(asked)
    }

    /// Without what etcd members are told of each other.
    pub fn of_recipe(recipe: &StaticPod) -> Self {
        match pod_content(recipe, None, None) {
            Ok(bytes) => PodAccess::of_manifest(&bytes, recipe.process),
            Err(why) => PodAccess { process: recipe.process, pod: Err(why), own: Box::default() },
        }
    }

    pub fn of_manifest(bytes: &[u8], process: Process) -> Self {
        let pod = pod::fields(bytes, process).map_err(|error| error.to_string());
        PodAccess { process, pod, own: Box::default() }
    }

    /// Against the manifest before, or for a new node that of the same process elsewhere.
    pub fn changes(&self, before: Option<&PodAccess>) -> Vec<AccessChange> {
        let unreadable =
            |before, why: &String| vec![AccessChange::Unreadable { before, why: why.clone() }];
        let after = match &self.pod {
            Ok(after) => after,
            Err(why) => return unreadable(false, why),
        };
        let before = match before.map(|before| &before.pod) {
            Some(Ok(before)) => before,
            Some(Err(why)) => return unreadable(true, why),
            None => &self.own.pod,
        };
        let mut changes = self.flags(before, after);
        changes.extend(self.fields(before, after));
        changes
    }

    fn flags(&self, before: &PodFields, after: &PodFields) -> Vec<AccessChange> {
        let names: BTreeSet<&String> = before.flags.keys().chain(after.flags.keys()).collect();
        let mut changes = Vec::new();
        for flag in names {
            let value = |pod: &PodFields| pod.flags.get(flag).cloned();
            let (old, new, own) = (value(before), value(after), value(&self.own.pod));
            let change = FlagChange {
                process: self.process,
                flag,
                old: old.as_deref(),
                new: new.as_deref(),
                own: own.as_deref(),
            };
            if old != new && change.stops(&self.own.members) {
                let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
                changes.push(AccessChange::Flag { flag: flag.clone(), old, new });
            }
        }
        changes
    }

    fn fields(&self, before: &PodFields, after: &PodFields) -> Vec<AccessChange> {
        let probed = probe_target(self.process, &after.flags);
        let paths: BTreeSet<&FieldPath> = before.fields.keys().chain(after.fields.keys()).collect();
        let mut changes = Vec::new();
        for path in paths {
            let (old, new) = (said(before, path), said(after, path));
            if old == new {
                continue;
            }
            if let Some((_, container)) = image_of(path)
                && !(new.is_none() && goes_whole(path, after))
            {
                changes.extend(self.image(container, after, old, new));
                continue;
            }
            let own = said(&self.own.pod, path);
            let is_own = match new {
                Some(_) => new == own && !is_lifted(path) && self.shows_own(path, after),
                None => own.is_none() && goes_whole(path, after),
            };
            let is_patched = new.is_some() && new == self.own.patched.get(path).map(String::as_str);
            if is_own || is_patched || is_harmless(path, new, &probed) {
                continue;
            }
            let (old, new) = (text(old), text(new));
            changes.push(AccessChange::Pod { path: path.to_string(), old, new });
        }
        changes
    }

    /// `None`: an upgrade.
    fn image(
        &self,
        container: &str,
        after: &PodFields,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Option<AccessChange> {
        let own = self.own.image.as_deref().filter(|_| container == after.container);
        let is_kpkis = |image: &str| {
            let version = self.own.version;
            version.is_some_and(|version| self.process.is_image_until(image, version))
        };
        let is_own = new.is_some() && new == own;
        if is_own && old.is_none_or(is_kpkis) {
            return None;
        }
        // A tag is what its registry says today.
        let is_pinned = |image: &str| image.contains('@');
        let is_own = is_own && !old.is_some_and(is_pinned);
        let container = container.to_owned();
        Some(AccessChange::Image { container, old: text(old), new: text(new), is_own })
    }
}

impl PodAccess {
    /// A mount that is as kpki's shows what kpki's shows only if the volume of that name does.
    fn shows_own(&self, path: &FieldPath, after: &PodFields) -> bool {
        let is_mount = |rest: &[FieldStep]| matches!(rest, [FieldStep::Key(list), FieldStep::Item(_), ..] if list == "volumeMounts");
        if !path.in_container().is_some_and(|(_, _, rest)| is_mount(rest)) {
            return true;
        }
        let mut name = FieldPath(path.0.iter().take(5).cloned().collect());
        name.0.push(FieldStep::Key("name".to_owned()));
        after
            .fields
            .get(&name)
            .is_none_or(|name| volume(after, name) == volume(&self.own.pod, name))
    }
}

/// kpki's manifest without a word of the operator's, with the operator's name for the container.
fn own_fields(
    spec: &Spec,
    process: Process,
    flags: &BTreeMap<String, String>,
    container: &str,
) -> BTreeMap<FieldPath, String> {
    let cluster = &spec.cluster;
    let (version, dir) = (cluster.kubernetes.value, &cluster.certificates_dir.value);
    let own = manifest::StaticPod::new(process, version, process.repository(), flags.clone(), dir);
    let own = pod::fields(own.render().as_bytes(), process).unwrap_or_default();
    let renamed = own.fields.into_iter().map(|(mut path, value)| {
        if path.in_container().is_some_and(|(_, name, _)| name == own.container)
            && let Some(name) = path.0.get_mut(2)
        {
            *name = FieldStep::Item(container.to_owned());
        }
        (path, value)
    });
    renamed.collect()
}

/// What kpki's patch put into an operator's manifest.
fn patched(source: &[u8], process: Process, after: &PodFields) -> BTreeMap<FieldPath, String> {
    let Ok(source) = pod::fields(source, process) else {
        return BTreeMap::new();
    };
    let fields = after.fields.iter();
    let put = fields.filter(|(path, value)| source.fields.get(*path) != Some(*value));
    put.map(|(path, value)| (path.clone(), value.clone())).collect()
}

/// All fields of one volume.
fn volume<'p>(pod: &'p PodFields, name: &str) -> Vec<(&'p FieldPath, &'p String)> {
    let is_of = |path: &FieldPath| match path.0.as_slice() {
        [FieldStep::Key(spec), FieldStep::Key(list), FieldStep::Item(volume), ..] => {
            spec == "spec" && list == "volumes" && volume == name
        }
        _ => false,
    };
    pod.fields.iter().filter(|(path, _)| is_of(path)).collect()
}

fn member_urls(spec: &Spec) -> BTreeSet<String> {
    let members = spec.nodes.iter().filter(|node| Hosts::EtcdMembers.include(node, spec));
    let addresses = members.flat_map(|node| node.addresses.iter().map(|address| address.ip()));
    addresses
        .map(|address| format!("https://{}", std::net::SocketAddr::new(address, ETCD_CLIENT_PORT)))
        .collect()
}

/// The list and the name of the container whose image it is.
fn image_of(path: &FieldPath) -> Option<(&str, &str)> {
    match path.in_container()? {
        (list, name, [FieldStep::Key(key)]) if key == "image" => Some((list, name)),
        _ => None,
    }
}

/// Another user of the node may read what the process reads.
fn is_user(path: &FieldPath) -> bool {
    const OF_USERS: [&str; 3] = ["runAsUser", "runAsGroup", "supplementalGroups"];
    path.0.iter().any(|step| matches!(step, FieldStep::Key(key) if OF_USERS.contains(&&**key)))
}

/// kpki never leaves it away: whoever did, kept the process in.
fn is_lifted(path: &FieldPath) -> bool {
    matches!(path.0.as_slice(), [FieldStep::Key(spec), FieldStep::Key(key)] if spec == "spec" && key == "hostNetwork")
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}
