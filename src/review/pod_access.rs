//! What a static pod is told that decides who may do what, and whose images it runs.

use std::collections::{BTreeMap, BTreeSet};

use super::access_change::AccessChange;
use crate::content::pod_content;
use crate::graph::{PodSource, StaticPod, flags_on};
use crate::hash::Digest;
use crate::pod;
use crate::profile::{POWERFUL_FLAGS, Process};
use crate::spec::Spec;

/// One manifest, as far as it is about power.
#[derive(Debug, Clone)]
pub(super) struct PodAccess {
    pub process: Process,
    /// By name without dashes.
    pub flags: BTreeMap<String, String>,
    /// Of its images, without tags and digests.
    pub repositories: BTreeSet<String>,
    /// What kpki itself gives the process; told of no manifest that is there.
    pub own: BTreeMap<&'static str, String>,
}

impl PodAccess {
    /// `None`: it is on no node, or cannot be made.
    pub fn asked(spec: &Spec, recipe: &StaticPod) -> Option<Self> {
        let node = spec.node(recipe.node.as_str())?;
        let own = flags_on(spec, node, recipe.process);
        Some(PodAccess { own, ..PodAccess::of_recipe(recipe)? })
    }

    /// Without what etcd members are told of each other.
    pub fn of_recipe(recipe: &StaticPod) -> Option<Self> {
        match &recipe.source {
            PodSource::Own { image, flags } => {
                let flags = flags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                Some(PodAccess::of(recipe.process, flags, [image.as_str()]))
            }
            PodSource::Patched { .. } => {
                let bytes = pod_content(recipe, None, Digest::of(&[])).ok()?;
                Some(PodAccess::of_manifest(&bytes, recipe.process))
            }
        }
    }

    pub fn of_manifest(bytes: &[u8], process: Process) -> Self {
        let (flags, images) = match pod::read(bytes, process) {
            Ok(facts) => (facts.flags, facts.images),
            Err(_) => Default::default(),
        };
        let flags = flags.iter().map(|flag| (flag.name.as_str(), flag.value.as_str()));
        PodAccess::of(process, flags, images.iter().map(String::as_str))
    }

    fn of<'a>(
        process: Process,
        flags: impl IntoIterator<Item = (&'a str, &'a str)>,
        images: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in flags {
            // As the API server's flag set reads it.
            let values = all.entry(name.replace('_', "-")).or_default();
            if !values.is_empty() {
                values.push(',');
            }
            values.push_str(value);
        }
        PodAccess {
            process,
            flags: all,
            repositories: images.into_iter().map(repository).collect(),
            own: BTreeMap::new(),
        }
    }

    /// Against the manifest before, or for a new node that of the same process elsewhere.
    pub fn changes(&self, before: Option<&PodAccess>) -> Vec<AccessChange> {
        let mut changes = Vec::new();
        for flag in POWERFUL_FLAGS.iter().filter(|row| row.process == self.process) {
            let flag = flag.name;
            let value = |pod: &PodAccess| pod.flags.get(flag).cloned().unwrap_or_default();
            let own = self.own.get(flag).cloned().unwrap_or_default();
            let new = value(self);
            let old = before.map_or_else(|| own.clone(), value);
            if new != old && new != own {
                changes.push(AccessChange::Flag { flag, old, new });
            }
        }
        let kubernetes = self.process.repository();
        let is_known = |image: &String| {
            *image == kubernetes || before.is_some_and(|before| before.repositories.contains(image))
        };
        let images = self.repositories.iter().filter(|image| !is_known(image));
        changes.extend(images.cloned().map(AccessChange::Image));
        changes
    }
}

/// `registry.k8s.io/etcd` of `registry.k8s.io/etcd:3.6.8-0@sha256:…`
fn repository(image: &str) -> String {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before.to_owned(),
        _ => image.to_owned(),
    }
}
