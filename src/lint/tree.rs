//! The files of a tree, as facts.

use std::collections::{BTreeMap, BTreeSet};

use super::holds::Holds;
use crate::pod::RunsAs;
use crate::profile::KUBERNETES_FOLDER;
use crate::sealed::SUFFIX;
use crate::state::Loose;

/// Paths are those below the folder of Kubernetes where a part of it alone was named: `pki/ca.crt`, though
/// the tree is the folder `pki`.
pub struct Tree {
    /// Where the tree lies, absolute; flags may name its files so.
    base: String,
    /// What stands in front of the paths that were handed over.
    prefix: &'static str,
    pub(super) files: BTreeMap<String, File>,
    /// Symbolic links and the paths that they lead to, where that is in the tree.
    links: BTreeMap<String, Option<String>>,
    /// Paths, and why.
    pub(super) unread: BTreeSet<(String, String)>,
    pub(super) loose: Vec<(String, Loose)>,
}

pub(super) struct File {
    pub mode: u32,
    /// User and group.
    pub owner: Option<(u32, u32)>,
    pub holds: Holds,
}

/// More links in a row than this go round in a circle (Linux follows 40).
const LINKS: usize = 40;

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub files: usize,
    pub certificates: usize,
    pub keys: usize,
    pub kubeconfigs: usize,
    pub manifests: usize,
}

impl Tree {
    /// `base` is the folder's absolute path.
    pub fn new(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let prefix = ["pki/etcd/", "pki/", "manifests/"]
            .into_iter()
            .find(|part| format!("{base}/").ends_with(&format!("/{part}")));
        let prefix = prefix.unwrap_or_default();
        Tree {
            base: base.to_owned(),
            prefix,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            unread: BTreeSet::new(),
            loose: Vec::new(),
        }
    }

    /// A regular file. Nothing of its bytes is kept but facts.
    pub fn add(&mut self, path: &str, mode: u32, bytes: &[u8]) {
        let path = format!("{}{path}", self.prefix);
        let holds = Holds::read(&path, bytes);
        self.files.insert(path, File { mode, owner: None, holds });
    }

    /// Of a file that was added.
    pub fn add_owner(&mut self, path: &str, user: u32, group: u32) {
        if let Some(file) = self.files.get_mut(&format!("{}{path}", self.prefix)) {
            file.owner = Some((user, group));
        }
    }

    /// It lies where the machine's own processes read it.
    pub(super) fn is_this_machines(&self) -> bool {
        let folder = format!("/{KUBERNETES_FOLDER}");
        self.base == folder || self.base.starts_with(&format!("{folder}/"))
    }

    /// Whether a file belongs to that user, or to one of its groups but root's.
    pub(super) fn has_owner(&self, who: &RunsAs) -> bool {
        let is_theirs = |(user, group): (u32, u32)| {
            who.user == Some(user) || group != 0 && who.groups.contains(&group)
        };
        self.files.values().filter_map(|file| file.owner).any(is_theirs)
    }

    pub fn add_link(&mut self, path: &str, target: &str) {
        let path = format!("{}{path}", self.prefix);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let target = match target.strip_prefix('/') {
            Some(_) => (target.strip_prefix(&format!("{}/", self.base)))
                .map(|rest| format!("{}{rest}", self.prefix)),
            None => Some(format!("{folder}/{target}")),
        };
        let target = target.and_then(|target| normal(&target));
        self.links.insert(path, target);
    }

    /// What could not be read; `why` reads after the path.
    pub fn add_unread(&mut self, path: &str, why: impl Into<String>) {
        self.unread.insert((format!("{}{path}", self.prefix), why.into()));
    }

    /// A folder that others could write to.
    pub fn add_loose_folder(&mut self, path: &str, loose: Loose) {
        let path = format!("{}{path}", self.prefix);
        let path = match path.trim_end_matches('/') {
            "" => ".",
            path => path,
        };
        self.loose.push((path.to_owned(), loose));
    }

    /// The path as it was handed over.
    pub(super) fn shown<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.prefix).unwrap_or(path)
    }

    /// A file, or the one that links lead to.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(&self.resolved(path)?)
    }

    /// A path without the links in it: a Secret's or ConfigMap's volume has one to a folder and one into it.
    fn resolved(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let ends = path.match_indices('/').map(|(at, _)| at);
            let link = (ends.chain([path.len()]))
                .filter_map(|end| path.split_at_checked(end))
                .find_map(|(start, rest)| Some((self.links.get(start)?, rest)));
            let Some((target, rest)) = link else {
                return Some(path);
            };
            path = format!("{}{rest}", target.as_deref()?);
        }
        None
    }

    /// Whether anything has this name, read or not; a sealed secret stands for the one in the clear.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
            || self.files.contains_key(&format!("{path}{SUFFIX}"))
            || self.links.contains_key(path)
            || self.is_unread(path)
            || self.has_folder(path)
    }

    fn is_unread(&self, path: &str) -> bool {
        let mut from = self.unread.range((path.to_owned(), String::new())..);
        from.next().is_some_and(|(unread, _)| unread == path)
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let below = |(found, _): (&String, &File)| found.starts_with(&inside);
        self.files.range(inside.clone()..).next().is_some_and(below)
    }

    /// A path of the host as one of the tree, if the tree's own place tells.
    pub(super) fn below_base(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.base)?.strip_prefix('/')?;
        Some(format!("{}{rest}", self.prefix))
    }

    /// Links to nothing in the tree.
    pub(super) fn links_out(&self) -> impl Iterator<Item = &str> {
        let leads_out = |path: &&String| match self.resolved(path) {
            // An empty one is the tree itself.
            Some(target) => {
                !target.is_empty() && !self.files.contains_key(&target) && !self.has_folder(&target)
            }
            None => true,
        };
        self.links.keys().filter(leads_out).map(String::as_str)
    }

    pub fn counts(&self) -> Counts {
        let sum =
            |count: fn(&Holds) -> usize| self.files.values().map(|file| count(&file.holds)).sum();
        Counts {
            files: self.files.len(),
            certificates: sum(|holds| holds.certificates.len()),
            keys: sum(|holds| holds.private_keys.len()),
            kubeconfigs: sum(|holds| usize::from(holds.kubeconfig.is_some())),
            manifests: sum(|holds| usize::from(holds.manifest.is_some())),
        }
    }
}

/// Without `.` and `..`; `None` where it leaves the tree.
fn normal(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
