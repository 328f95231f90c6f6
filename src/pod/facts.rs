//! What a manifest says about its process.

use std::collections::BTreeMap;

use super::argv::{self, Flag};
use super::mounts::{self, HostPath, Mount};
use super::tree::{Node, Tree};
use super::{ExecWord, PodError, Process, RunsAs, annotations, execs, locate, parse, user};
use crate::profile::LIST_FLAGS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFacts {
    /// In the order of the command line.
    pub flags: Vec<Flag>,
    pub mounts: Vec<Mount>,
    pub host_paths: Vec<HostPath>,
    pub annotations: Vec<(String, String)>,
    pub host_network: bool,
    /// Of every container, those before the process starts too.
    pub images: Vec<String>,
    /// Of the process's own container.
    pub image: Option<String>,
    /// Of probes and hooks.
    pub execs: Vec<ExecWord>,
    /// `None`: root.
    pub runs_as: Option<RunsAs>,
}

impl PodFacts {
    /// All values of a flag, in order.
    pub fn values<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        self.flags.iter().filter(move |found| found.name == flag).map(|found| found.value.as_str())
    }
}

impl PodFacts {
    /// As its process reads them, by name: of a list all values, of any other flag the last one.
    pub fn told(&self, process: Process) -> BTreeMap<String, String> {
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        for Flag { name, value, .. } in &self.flags {
            let is_list = LIST_FLAGS.contains(&(process, name.as_str()));
            match told.get_mut(name) {
                Some(before) if is_list => *before = format!("{before},{value}"),
                Some(before) => before.clone_from(value),
                None => drop(told.insert(name.clone(), value.clone())),
            }
        }
        told
    }
}

/// Which process a manifest is of; `None` for a Pod of another kind.
pub fn process_of(source: &[u8]) -> Result<Option<Process>, PodError> {
    locate::process(&parse::parse(source)?)
}

pub fn read(source: &[u8], process: Process) -> Result<PodFacts, PodError> {
    facts(&parse::parse(source)?, process)
}

pub(super) fn facts(tree: &Tree, process: Process) -> Result<PodFacts, PodError> {
    let pod = locate::pod(tree, process)?;
    Ok(PodFacts {
        flags: argv::read(tree, &pod)?.flags,
        mounts: mounts::mounts(tree, &pod)?,
        host_paths: mounts::volumes(tree, &pod)?
            .into_iter()
            .filter_map(|volume| volume.host)
            .collect(),
        annotations: annotations::read(tree)?,
        host_network: tree.get_text(pod.spec, "hostNetwork")? == Some("true"),
        images: images(tree, pod.spec)?,
        image: tree.get_text(pod.container, "image")?.map(str::to_owned),
        execs: execs::read(tree, &pod)?,
        runs_as: user::read(tree, &pod)?,
    })
}

fn images(tree: &Tree, spec: &Node) -> Result<Vec<String>, PodError> {
    let mut images = Vec::new();
    for key in ["initContainers", "containers"] {
        for container in tree.get_list(spec, key)? {
            let image = tree.get_text(tree.follow(container), "image")?;
            images.extend(image.map(str::to_owned));
        }
    }
    Ok(images)
}

impl PodFacts {
    /// The path on the host of a path in the container.
    pub fn on_host(&self, path: &str) -> OnHost {
        let around = (self.mounts.iter())
            .filter(|mount| mounts::below(&mount.path, path))
            .max_by_key(|mount| mounts::trimmed(&mount.path).len());
        let Some(mount) = around else {
            return OnHost::Hidden;
        };
        let host = self.host_paths.iter().find(|host| host.name == mount.name);
        match (host, &mount.sub_path) {
            (Some(host), None) => {
                let rest = path.strip_prefix(mounts::trimmed(&mount.path));
                OnHost::At(format!("{}{}", mounts::trimmed(&host.path), rest.unwrap_or_default()))
            }
            _ => OnHost::Elsewhere,
        }
    }
}

/// Where a path of a container leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnHost {
    At(String),
    /// To a volume that is not of the host, or to a part of one.
    Elsewhere,
    /// No mount shows it: it is a path of the image.
    Hidden,
}
