//! `manifests "DIR"`: the operator's own static pods, and kubelet.conf of kubelets that renew their own
//! certificates.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::block::Block;
use super::files::below;
use super::held::Review;
use super::problem::{At, Problem, quoted};
use super::reader::Reader;
use super::shape::{Shape, Values};
use crate::profile::{Hosts, KUBELET_CONF, Process};
use crate::sources::Sources;
use crate::spec::{Component, KubeletClient, Manifest, Manifests, Spec};
use crate::state::is_in_out;

pub const SHAPE: Shape = Shape {
    word: "manifests",
    example: Some("manifests/"),
    names: Values::Text("a folder beside this file or below"),
    means: "Your own static pods: DIR/NODE/PROCESS.yaml, else DIR/PROCESS.yaml. kpki sets the flags in them that \
        name its files, and leaves the rest as it is.",
    shows: "manifests \"manifests/\"",
    ..Shape::PLAIN
};

/// As the patcher's; a static pod has a few KiB.
const LIMIT: usize = 1024 * 1024;

/// Where the manifests lie, relative to the description's root; empty: beside it.
pub struct Folder {
    path: String,
    pub at: At,
}

impl Folder {
    fn file(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}/{name}"),
        }
    }
}

pub fn folder(block: &Block<'_>, reader: &mut Reader<'_>) -> Option<Folder> {
    let value = block.name?;
    let text = reader.text(value, SHAPE.word)?;
    let path = below(reader.folder(value.at), text.trim_end_matches('/'));
    let help = "name a folder beside this file or below, such as manifests \"manifests/\"";
    match path {
        None => {
            let message = format!("{} leads out of the description's folder", quoted(text));
            reader.problem(Problem::new(value.at, message).help(help));
            None
        }
        Some(path) if is_in_out(&path) => {
            let message = format!("{} is where kpki writes", quoted(text));
            reader.problem(Problem::new(value.at, message).help(help));
            None
        }
        Some(path) => Some(Folder { path, at: value.at }),
    }
}

/// Of every process on every node that runs it: `DIR/NODE/PROCESS.yaml`, else `DIR/PROCESS.yaml`. Of a
/// kubelet that renews its own certificate kubelet.conf, in the same places; without one kpki writes
/// kubeadm's form.
pub fn read(folder: &Folder, spec: &Spec, sources: &Sources, review: &mut Review) -> Manifests {
    let mut shared: BTreeMap<String, Option<Manifest>> = BTreeMap::new();
    let mut all = BTreeMap::new();
    let mut without: BTreeMap<Process, Vec<&str>> = BTreeMap::new();
    let mut refused = false;
    for wanted in wanted(spec) {
        let Wanted { component, hosts, ref file, process } = wanted;
        for node in spec.nodes.iter().filter(|node| hosts.include(node, spec)) {
            let own = folder.file(&format!("{}/{file}", node.name));
            let found = match one(&own, sources) {
                Ok(None) => match shared.get(file) {
                    Some(known) => Ok(known.clone()),
                    None => one(&folder.file(file), sources).inspect(|found| {
                        shared.insert(file.clone(), found.clone());
                    }),
                },
                found => found,
            };
            match (found, process) {
                (Ok(Some(manifest)), _) => {
                    all.insert((node.name.clone(), component), manifest);
                }
                (Ok(None), Some(process)) => {
                    without.entry(process).or_default().push(node.name.as_str());
                }
                (Ok(None), None) => {}
                (Err(message), _) => {
                    refused = true;
                    review.problem(Problem::new(folder.at, message));
                }
            }
        }
    }
    if all.is_empty() && !refused {
        let names = Process::ALL.map(|process| format!("{}.yaml", process.name()));
        let message = "no manifest is there";
        review.problem(Problem::new(folder.at, message).help(format!(
            "kpki looks for {}, first in a folder named as the node; without `manifests` it writes its own",
            names.join(", ")
        )));
    }
    for (process, nodes) in without {
        review.note(format!(
            "{}.yaml is not in {}: nothing is written for it on {}",
            process.name(),
            folder.file(""),
            nodes.join(", ")
        ));
    }
    Manifests { folder: Arc::from(folder.path.as_str()), all }
}

/// A file that is looked for, on each of these nodes.
struct Wanted {
    component: Component,
    hosts: Hosts,
    file: String,
    /// Of a static pod: without a manifest there is none.
    process: Option<Process>,
}

fn wanted(spec: &Spec) -> Vec<Wanted> {
    let pods = Process::ALL.into_iter().map(|process| Wanted {
        component: process.component(),
        hosts: process.hosts(),
        file: format!("{}.yaml", process.name()),
        process: Some(process),
    });
    let kubelet = Wanted {
        component: Component::Kubelet,
        hosts: Hosts::Kubelets,
        file: KUBELET_CONF.to_owned(),
        process: None,
    };
    let kubelet = (spec.kubelet_client == KubeletClient::SelfRotated).then_some(kubelet);
    pods.chain(kubelet).collect()
}

fn one(path: &str, sources: &Sources) -> Result<Option<Manifest>, String> {
    let bytes = sources.read_if_there(path, LIMIT).map_err(|error| error.to_string())?;
    Ok(bytes.map(|bytes| Manifest { path: Arc::from(path), bytes: Arc::from(bytes) }))
}
