//! The folders that are a machine's /etc/kubernetes or take its place, and what lies where in them: by
//! kubeadm's names or those of another layout, and by the flags of the static pods beside.

use std::collections::{BTreeMap, BTreeSet};

use super::client::leaf;
use super::holds::{Certificate, Holds, Manifest};
use super::layouts::{self, Layout};
use super::places::start_of;
use super::readers::{READERS, ReaderRow, bundle};
use super::tree::{Tree, Where};
use crate::manifest::named_paths;
use crate::pod::{Flag, OnHost, PodFacts, Process};
use crate::profile::{
    Content, Does, FLAGS, FlagFrom, KUBERNETES_FOLDER, LEAVES, SERVICE_ACCOUNT_FILES, pki_files,
};
use crate::spec::CaName;

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
    /// kubeadm sets this flag, to a file of the PKI or a kubeconfig.
    pub is_kubeadms: bool,
}

pub(super) struct KubernetesFolder<'a> {
    tree: &'a Tree,
    /// With a slash at its end, or empty.
    start: String,
    /// `None`: kubeadm's.
    pub layout: Option<&'static Layout>,
    pub pods: Vec<Pod<'a>>,
    pub flags: Vec<Named<'a>>,
    /// By kubeadm's place: the files that are there, and those that flags name instead.
    places: BTreeMap<&'static str, BTreeSet<String>>,
}

pub(super) fn folders(tree: &Tree) -> Vec<KubernetesFolder<'_>> {
    let places: BTreeSet<&'static str> = pki_files().map(|(place, _)| place).collect();
    let others = layouts::found(tree);
    // They have their part already: `pki/admin.conf` of another layout is no admin.conf of a folder `pki`.
    let taken: BTreeSet<String> =
        others.iter().flat_map(|(start, layout)| layout.files(tree, start)).collect();
    let mut starts: BTreeMap<&str, Option<&'static Layout>> = BTreeMap::new();
    for (path, file) in &tree.files {
        if !taken.contains(path)
            && let Some(start) = places.iter().find_map(|place| start_of(path, place))
        {
            starts.insert(start, None);
        }
        if let Some(Manifest::Process(..) | Manifest::Unclear(..)) = file.holds.manifest
            && let Some((folder, _)) = path.rsplit_once('/')
            && !others.iter().any(|(start, layout)| is_below(folder, start, layout.manifests))
        {
            starts.insert(folder.strip_suffix("manifests").unwrap_or(folder), None);
        }
    }
    starts.extend(others.iter().map(|(start, layout)| (start.as_str(), Some(*layout))));
    let folder = |(start, layout)| KubernetesFolder::new(tree, start, layout, &places);
    starts.into_iter().map(folder).collect()
}

/// Whether a folder is the one of static pods that a layout has.
fn is_below(folder: &str, start: &str, manifests: Option<&str>) -> bool {
    manifests.is_some_and(|manifests| folder.strip_prefix(start) == Some(manifests))
}

impl<'a> KubernetesFolder<'a> {
    fn new(
        tree: &'a Tree,
        start: &str,
        layout: Option<&'static Layout>,
        known: &BTreeSet<&'static str>,
    ) -> Self {
        let mut folder = KubernetesFolder {
            tree,
            start: start.to_owned(),
            layout,
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
        for (name, paths) in layout.into_iter().flat_map(|layout| layout.leaves) {
            let Some(row) = LEAVES.iter().find(|row| row.name == *name) else { continue };
            let files = paths.iter().flat_map(|path| layouts::at(tree, start, path));
            folder.places.entry(row.home.file()).or_default().extend(files);
        }
        for path in layout.into_iter().flat_map(|layout| layout.service_account) {
            let files = layouts::at(tree, start, path);
            folder.places.entry(SERVICE_ACCOUNT_FILES.0).or_default().extend(files);
        }
        let manifests = folder.manifests().map(|folder| format!("{folder}/"));
        for (path, file) in manifests.iter().flat_map(|inside| tree.files.range(inside.clone()..)) {
            if !manifests.as_ref().is_some_and(|inside| path.starts_with(inside)) {
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
                    let is_kubeadms = true;
                    folder.flags.push(Named { manifest, process, flag, file, holds, is_kubeadms });
                    continue;
                }
                // What the process only reads must be there; a log or a folder it makes itself.
                for named in named {
                    if named.does == Does::Reads && !named.is_folder {
                        let file = folder.find(pod.facts, named.path);
                        let (manifest, process) = (pod.path, pod.process);
                        let holds = named.holds;
                        let is_kubeadms = false;
                        let named = Named { manifest, process, flag, file, holds, is_kubeadms };
                        folder.flags.push(named);
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
                let known = &format!("{}.", self.start);
                return match self.tree.named(known, &host) {
                    Where::At(path) => Where::At(path),
                    Where::Missing(path) if self.layout.is_some() => Where::Missing(path),
                    Where::Missing(_) | Where::Hidden | Where::Unknown => Where::Unknown,
                };
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

    /// What stands before its places in the tree's paths.
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The files that must hold certificates, by a layout of its own.
    pub fn certificates(&self) -> Vec<String> {
        self.layout.map(|layout| layout.certificates(self.tree, &self.start)).unwrap_or_default()
    }

    /// Kubeconfigs that nobody reads.
    pub fn idle(&self) -> impl Iterator<Item = String> {
        let paths = self.layout.into_iter().flat_map(|layout| layout.idle);
        paths.flat_map(|path| layouts::at(self.tree, &self.start, path))
    }

    /// The one name of all kubelets, if it is one.
    pub fn every_kubelet(&self) -> Option<&'static str> {
        self.layout?.every_kubelet
    }

    /// The folder of static pods.
    pub fn manifests(&self) -> Option<String> {
        let name = self.layout.map_or(Some("manifests"), |layout| layout.manifests)?;
        Some(format!("{}{name}", self.start))
    }

    /// What a reader loads its CAs from where no flag says so.
    pub fn bundle(&self, reader: &ReaderRow) -> Option<String> {
        match self.layout {
            Some(layout) => layout.loaded(self.tree, &self.start, reader.flag),
            None => Some(format!("{}{}", self.start, bundle(reader.ca))),
        }
    }

    /// Those of all readers.
    pub fn bundles(&self) -> impl Iterator<Item = (CaName, String)> {
        READERS.iter().filter_map(|reader| Some((reader.ca, self.bundle(reader)?)))
    }

    /// Whether a file plays this part other than by a kubeconfig that names it.
    pub fn has(&self, place: &str, path: &str) -> bool {
        let is_file = || self.tree.file(path).is_some_and(|file| file.holds.kubeconfig.is_none());
        self.places.get(place).is_some_and(|paths| paths.contains(path)) && is_file()
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

    /// The files of CAs that a process's flag names; without one, those that it has by the layout.
    pub fn told(&self, process: Process, flag: &str) -> Vec<(String, &'a Holds)> {
        let mut paths = self.flag_files(process, flag);
        if paths.is_empty() {
            let reader = READERS.iter().find(|reader| reader.flag == Some((process, flag)));
            paths.extend(reader.and_then(|reader| self.bundle(reader)));
        }
        (paths.into_iter())
            .filter_map(|path| {
                let file = self.tree.file(&path)?;
                Some((path, &file.holds))
            })
            .collect()
    }

    /// The key of the tokens, and whatever its public half lies in.
    pub fn service_account(&self) -> impl Iterator<Item = (&str, &'a Holds)> {
        let (private, public) = SERVICE_ACCOUNT_FILES;
        self.files(private).chain(self.files(public))
    }

    /// The values of a process's flag.
    pub fn values(&self, process: Process, flag: &'a str) -> Vec<&'a str> {
        (self.pods.iter().filter(|pod| pod.process == process))
            .flat_map(|pod| pod.facts.values(flag))
            .collect()
    }
}
