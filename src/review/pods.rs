//! What static pods are told that decides who may do what, and whose images they run.

use std::collections::{BTreeMap, BTreeSet};

use super::Holder;
use super::before::Before;
use super::find::Finder;
use super::gain::Gain;
use super::nodes::described;
use crate::graph::{DerivationId, Recipe, StaticPod, flags_on};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::pod_content;
use crate::pod;
use crate::profile::{POWERFUL_FLAGS, Process};

/// One manifest, as far as it is about power.
#[derive(Default)]
struct Told {
    flags: BTreeMap<String, String>,
    /// Without tags and digests.
    repositories: BTreeSet<String>,
}

impl Finder<'_> {
    pub fn static_pod(&mut self, id: DerivationId, recipe: &StaticPod) {
        let Some(node) = described(self.spec, recipe.node.as_str()) else {
            return;
        };
        let process = recipe.process;
        let Some(after) = wished(recipe) else {
            return;
        };
        let before = before(self.before, &self.graph.get(id).name, process);
        let own = flags_on(self.spec, node, process);
        let mut gains = Vec::new();
        for flag in POWERFUL_FLAGS.iter().filter(|row| row.process == process) {
            let own = own.get(flag.name).cloned().unwrap_or_default();
            let value = |told: &Told| told.flags.get(flag.name).cloned();
            let new = value(&after).unwrap_or_default();
            let old = match &before {
                Some(before) => value(before).unwrap_or_default(),
                None => own.clone(),
            };
            if new != old && new != own {
                let flag = flag.name;
                gains.push(Gain::Flag { flag, old, new });
            }
        }
        let known = before.map(|before| before.repositories).unwrap_or_default();
        let kubernetes = process.repository();
        let images = after.repositories.difference(&known);
        let images = images.filter(|image| **image != kubernetes);
        gains.extend(images.cloned().map(Gain::Image));
        let component = process.component().as_str();
        for gain in gains {
            let origin = self.spec.lines.block("component", component).cloned();
            let (holder, name) =
                (Holder::new("components", component), self.graph.get(id).name.clone());
            self.put(holder, gain, name, origin, None);
        }
    }
}

/// Without what etcd members are told of each other.
fn wished(recipe: &StaticPod) -> Option<Told> {
    let bytes = pod_content(recipe, None, Digest::of(&[])).ok()?;
    Some(told(&bytes, recipe.process))
}

/// As the manifest before said, or for a new node that of the same process elsewhere.
fn before(before: Before<'_>, name: &ArtifactName, process: Process) -> Option<Told> {
    let graph = before.graph();
    let of = |id: DerivationId| {
        let Recipe::StaticPod(recipe) = &graph.get(id).recipe else {
            return None;
        };
        match before {
            Before::Described(..) => wished(recipe),
            Before::Here(world) => {
                let place = graph.placements(id).first()?;
                let bytes = world.inventory.public(place.path.as_str())?;
                let entry = world.lock.entries.get(&graph.get(id).name)?;
                (entry.content == Some(Digest::of(bytes))).then(|| told(bytes, process))
            }
        }
    };
    let same = |id: &DerivationId| matches!(&graph.get(*id).recipe, Recipe::StaticPod(pod) if pod.process == process);
    let own = graph.find(name).and_then(of);
    own.or_else(|| graph.ids().filter(same).find_map(of))
}

fn told(bytes: &[u8], process: Process) -> Told {
    let mut told = Told::default();
    if let Ok(facts) = pod::read(bytes, process) {
        for flag in facts.flags {
            // As the API server's flag set reads it.
            let name = flag.name.replace('_', "-");
            let values = told.flags.entry(name).or_default();
            if !values.is_empty() {
                values.push(',');
            }
            values.push_str(&flag.value);
        }
        told.repositories = facts.images.iter().map(|image| repository(image)).collect();
    }
    told
}

/// `registry.k8s.io/etcd` of `registry.k8s.io/etcd:3.6.8-0@sha256:…`
fn repository(image: &str) -> String {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before.to_owned(),
        _ => image.to_owned(),
    }
}
