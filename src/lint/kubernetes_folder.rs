//! The folders that are a machine's /etc/kubernetes, and what lies where in them: by kubeadm's names, and by
//! the flags of the static pods beside.

use std::collections::{BTreeMap, BTreeSet};

use super::client::leaf;
use super::holds::{Certificate, Holds, Manifest};
use super::places::start_of;
use super::tree::{Tree, Where};
use crate::manifest::named_paths;
use crate::pod::{Flag, OnHost, PodFacts, Process};
use crate::profile::{Content, Does, FLAGS, FlagFrom, KUBERNETES_FOLDER, pki_files};

/// A static pod of one of the four processes.
pub(super) struct Pod<'a> {
    pub path: &'a str,
    pub process: Process,
    pub facts: &'a PodFacts,
}

/// A flag that names a file.
pub(super) struct Named<'a> {
    pub manifest: &'a str,
    pub process: Process,
    pub flag: &'a Flag,
    pub file: Where,
    pub holds: Content,
}

pub(super) struct KubernetesFolder<'a> {
    tree: &'a Tree,
    /// With a slash at its end, or empty.
    start: String,
    pub pods: Vec<Pod<'a>>,
    pub flags: Vec<Named<'a>>,
    /// By kubeadm's place: the files that are there, and those that flags name instead.
    places: BTreeMap<&'static str, BTreeSet<String>>,
}

pub(super) fn folders(tree: &Tree) -> Vec<KubernetesFolder<'_>> {
    let places: BTreeSet<&'static str> = pki_files().map(|(place, _)| place).collect();
    let mut starts = BTreeSet::new();
    for (path, file) in &tree.files {
        let found = places.iter().find_map(|place| start_of(path, place));
        starts.extend(found);
        if let Some(Manifest::Process(..) | Manifest::Unclear(..)) = file.holds.manifest
            && let Some((folder, _)) = path.rsplit_once('/')
        {
            starts.insert(folder.strip_suffix("manifests").unwrap_or(folder));
        }
    }
    (starts.into_iter()).map(|start| KubernetesFolder::new(tree, start, &places)).collect()
}

impl<'a> KubernetesFolder<'a> {
    fn new(tree: &'a Tree, start: &str, known: &BTreeSet<&'static str>) -> Self {
        let mut folder = KubernetesFolder {
            tree,
            start: start.to_owned(),
            pods: Vec::new(),
            flags: Vec::new(),
            places: BTreeMap::new(),
        };
        for place in known {
            let path = format!("{start}{place}");
            if tree.file(&path).is_some() {
                folder.places.entry(place).or_default().insert(path);
            }
        }
        let manifests = format!("{start}manifests/");
        for (path, file) in tree.files.range(manifests.clone()..) {
            if !path.starts_with(&manifests) {
                break;
            }
            if let Some(Manifest::Process(process, facts)) = &file.holds.manifest {
                folder.pods.push(Pod { path, process: *process, facts });
            }
        }
        for pod in &folder.pods {
            for flag in &pod.facts.flags {
                let row =
                    FLAGS.iter().find(|row| row.process == pod.process && row.name == flag.name);
                let named = named_paths(pod.process, &flag.name, &flag.value);
                if let Some(FlagFrom::File(place)) = row.map(|row| row.from) {
                    let file = folder.find(pod.facts, &flag.value);
                    if let Where::At(path) = &file {
                        folder.places.entry(place).or_default().insert(path.clone());
                    }
                    let (manifest, process) = (pod.path, pod.process);
                    let holds = named.first().map_or(Content::Other, |named| named.holds);
                    folder.flags.push(Named { manifest, process, flag, file, holds });
                    continue;
                }
                // What the process only reads must be there; a log or a folder it makes itself.
                for named in named {
                    if named.does == Does::Reads && !named.is_folder {
                        let file = folder.find(pod.facts, named.path);
                        let (manifest, process) = (pod.path, pod.process);
                        let holds = named.holds;
                        folder.flags.push(Named { manifest, process, flag, file, holds });
                    }
                }
            }
        }
        folder
    }

    /// The file of the tree that a process's path means.
    fn find(&self, pod: &PodFacts, path: &str) -> Where {
        if !path.starts_with('/') {
            return Where::Unknown;
        }
        let host = match pod.on_host(path) {
            OnHost::At(host) => host,
            OnHost::Elsewhere => return Where::Unknown,
            OnHost::Hidden => return Where::Hidden,
        };
        let inside = host.strip_prefix(&format!("/{KUBERNETES_FOLDER}/"));
        let found = match (self.tree.below_base(&host), inside) {
            (Some(path), _) => path,
            (None, Some(rest)) => format!("{}{rest}", self.start),
            (None, None) => {
                // Another folder of the same machine, where the tree holds more of it.
                let root = self.start.strip_suffix(&format!("{KUBERNETES_FOLDER}/"));
                let path = root.map(|root| format!("{root}{}", host.trim_start_matches('/')));
                return path
                    .filter(|path| self.tree.exists(path))
                    .map_or(Where::Unknown, Where::At);
            }
        };
        if self.tree.exists(&found) {
            return Where::At(found);
        }
        // Manifests alone say nothing about files that nobody copied.
        let rest = found.strip_prefix(&self.start).unwrap_or(&found);
        let held = match rest.split_once('/') {
            Some((first, _)) => self.tree.has_folder(&format!("{}{first}", self.start)),
            None => self.places.keys().any(|place| !place.contains('/')),
        };
        if held { Where::Missing(found) } else { Where::Unknown }
    }

    /// A place of this folder as a path of the tree.
    pub fn path(&self, place: &str) -> String {
        format!("{}{place}", self.start)
    }

    /// The files of the tree that a process's flag names.
    pub fn flag_files(&self, process: Process, flag: &str) -> Vec<String> {
        (self.flags.iter())
            .filter(|named| named.process == process && named.flag.name == flag)
            .filter_map(|named| match &named.file {
                Where::At(path) => Some(path.clone()),
                _ => None,
            })
            .collect()
    }

    /// The folder of static pods.
    pub fn manifests(&self) -> String {
        format!("{}manifests", self.start)
    }

    /// The files that play a part: `pki/ca.crt`.
    pub fn files(&self, place: &str) -> impl Iterator<Item = (&str, &'a Holds)> {
        let tree = self.tree;
        (self.places.get(place).into_iter().flatten())
            .filter_map(move |path| Some((path.as_str(), &tree.file(path)?.holds)))
    }

    /// The certificates that processes show, by their place: each with the file that it lies in, which a
    /// kubeconfig may name.
    pub fn leaves(&self, place: &str) -> impl Iterator<Item = (&'a str, &'a Certificate)> {
        let tree = self.tree;
        (self.places.get(place).into_iter().flatten()).filter_map(move |path| leaf(tree, path))
    }

    /// The files that a process's flag names; without one, kubeadm's own.
    pub fn told(&self, process: Process, flag: &str, place: &str) -> Vec<(String, &'a Holds)> {
        let mut paths = self.flag_files(process, flag);
        if paths.is_empty() {
            paths.push(format!("{}{place}", self.start));
        }
        (paths.into_iter())
            .filter_map(|path| {
                let file = self.tree.file(&path)?;
                Some((path, &file.holds))
            })
            .collect()
    }

    /// The values of a process's flag.
    pub fn values(&self, process: Process, flag: &'a str) -> Vec<&'a str> {
        (self.pods.iter().filter(|pod| pod.process == process))
            .flat_map(|pod| pod.facts.values(flag))
            .collect()
    }
}
