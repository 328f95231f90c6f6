//! What static pods are and run, as whole values: what differs from before, and is neither harmless nor
//! kpki's own doing, is a gain.

use std::collections::{BTreeMap, BTreeSet};

use super::access_change::AccessChange;
use super::pod_fields::is_harmless;
use super::pod_flags::FlagChange;
use crate::content::pod_content;
use crate::graph::{PodSource, StaticPod, flags_on};
use crate::hash::Digest;
use crate::manifest::{self, probe_target};
use crate::pod::{self, FieldPath, FieldStep, PodFields};
use crate::profile::{ETCD_CLIENT_PORT, Hosts, Process};
use crate::spec::Spec;

/// One manifest.
#[derive(Debug, Clone)]
pub(super) struct PodAccess {
    pub process: Process,
    /// Or why it cannot be read.
    pub pod: Result<PodFields, String>,
    /// Told of no manifest that is there.
    pub own: Own,
}

/// What kpki itself gives the process on that node, from words that are reviewed as such.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    pub pod: PodFields,
    /// Put into an operator's manifest.
    pub patched: BTreeMap<FieldPath, String>,
    /// Of the described version.
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
            (PodSource::Patched { .. }, Ok(pod)) => own_fields(process, &flags, &pod.container),
        };
        let patched = match (&recipe.source, &asked.pod) {
            (PodSource::Patched { bytes, .. }, Ok(pod)) => patched(bytes, process, pod),
            _ => BTreeMap::new(),
        };
        fields.retain(|path, _| image_of(path).is_none());
        if let Ok(pod) = &mut asked.pod
            && !recipe.members.is_empty()
            && let Some(value) = flags.get(INITIAL_CLUSTER)
        {
            // What the members that there were make of it, kpki decides.
            pod.flags.insert(INITIAL_CLUSTER.to_owned(), value.clone());
        }
        asked.own = Own {
            pod: PodFields { flags, fields, ..PodFields::default() },
            patched,
            image,
            members: member_urls(spec),
        };
        Some(asked)
    }

    /// Without what etcd members are told of each other.
    pub fn of_recipe(recipe: &StaticPod) -> Self {
        match pod_content(recipe, None, Digest::of(&[])) {
            Ok(bytes) => PodAccess::of_manifest(&bytes, recipe.process),
            Err(why) => PodAccess { process: recipe.process, pod: Err(why), own: Own::default() },
        }
    }

    pub fn of_manifest(bytes: &[u8], process: Process) -> Self {
        let pod = pod::fields(bytes, process).map_err(|error| error.to_string());
        PodAccess { process, pod, own: Own::default() }
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
            let value = |pod: &PodFields| pod.fields.get(path).cloned();
            let (old, new, own) = (value(before), value(after), value(&self.own.pod));
            if old == new {
                continue;
            }
            let image = image_of(path);
            let is_own = match image {
                Some(("containers", name)) if name == after.container => {
                    new.is_some() && new == self.own.image
                }
                _ => {
                    new == own
                        && !(new.is_none() && is_a_limit(path))
                        && self.shows_own(path, after)
                }
            };
            let is_patched = new.is_some() && new.as_ref() == self.own.patched.get(path);
            if is_own || is_patched || is_harmless(path, new.as_deref(), &probed) {
                continue;
            }
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            changes.push(match image {
                Some((_, container)) => {
                    AccessChange::Image { container: container.to_owned(), old, new }
                }
                None => AccessChange::Pod { path: path.to_string(), old, new },
            });
        }
        changes
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
    process: Process,
    flags: &BTreeMap<String, String>,
    container: &str,
) -> BTreeMap<FieldPath, String> {
    let own = manifest::StaticPod::new(process, process.repository(), flags.clone());
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

/// What holds a process back: kpki's manifest without it is no excuse.
fn is_a_limit(path: &FieldPath) -> bool {
    path.0.iter().any(|step| matches!(step, FieldStep::Key(key) if key == "securityContext"))
}
