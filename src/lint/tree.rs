//! The files of a tree, as facts.

use std::collections::{BTreeMap, BTreeSet};

use super::holds::{Form, Holds, Manifest};
use crate::pod::RunsAs;
use crate::profile::KUBERNETES_FOLDER;
use crate::sealed::SUFFIX;
use crate::state::{Access, Loose};

/// Paths are those below the folder of Kubernetes where a part of it alone was named: `pki/ca.crt`, though
/// the tree is the folder `pki`.
pub struct Tree {
    /// Where the tree lies, absolute; flags may name its files so.
    base: String,
    /// What stands in front of the paths that were handed over.
    prefix: &'static str,
    pub(super) files: BTreeMap<String, File>,
    links: BTreeMap<String, Link>,
    /// Paths, and why.
    pub(super) unread: BTreeSet<(String, String)>,
    pub(super) loose: Vec<(String, Loose)>,
    is_output: bool,
}

pub(super) struct File {
    pub access: Access,
    pub holds: Holds,
}

/// Where a symbolic link leads to.
enum Link {
    Inside(String),
    /// A path of the machine, and the tree's own place does not tell.
    Machine(String),
    Outside,
}

/// A file of the tree that a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    At(String),
    /// It would be this one.
    Missing(String),
    /// The process does not see the host's file.
    Hidden,
    /// The tree does not tell.
    Unknown,
}

/// What may be named alone of a folder of Kubernetes: kubeadm's parts, and k3s's.
const PARTS: [&str; 7] = [
    "pki/etcd/",
    "pki/",
    "manifests/",
    "server/tls/etcd/",
    "server/tls/",
    "server/cred/",
    "agent/",
];

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
    /// Age files, not looked into.
    pub sealed: usize,
}

impl Counts {
    /// Nothing was there to be judged.
    pub fn is_nothing(&self) -> bool {
        self.certificates + self.keys + self.kubeconfigs + self.manifests == 0
    }
}

impl Tree {
    /// `base` is the folder's absolute path.
    pub fn new(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let prefix =
            PARTS.into_iter().find(|part| format!("{base}/").ends_with(&format!("/{part}")));
        let prefix = prefix.unwrap_or_default();
        Tree {
            base: base.to_owned(),
            prefix,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            unread: BTreeSet::new(),
            loose: Vec::new(),
            is_output: false,
        }
    }

    /// A project's `out/`, or a part of it: of a node it holds what kpki puts there.
    pub fn of_output(base: &str) -> Self {
        Tree { is_output: true, ..Tree::new(base) }
    }

    pub(super) fn is_output(&self) -> bool {
        self.is_output
    }

    /// A regular file. Nothing of its bytes is kept but facts.
    pub fn add(&mut self, path: &str, access: Access, bytes: &[u8]) {
        let path = format!("{}{path}", self.prefix);
        let holds = Holds::read(&path, access, bytes);
        self.files.insert(path, File { access, holds });
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
        self.files.values().map(|file| file.access.owner).any(is_theirs)
    }

    pub fn add_link(&mut self, path: &str, target: &str) {
        let path = format!("{}{path}", self.prefix);
        let inside = |path: &str| normal(path).map_or(Link::Outside, Link::Inside);
        let link = match (target.starts_with('/'), self.below_base(target)) {
            (true, Some(own)) => inside(&own),
            (true, None) => normal(target).map_or(Link::Outside, Link::Machine),
            (false, _) => inside(&format!("{}/{target}", folder_of(&path))),
        };
        self.links.insert(path, link);
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

    /// As [`Tree::file`], with the path that links lead to.
    pub(super) fn entry(&self, path: &str) -> Option<(&str, &File)> {
        let resolved = self.resolved(path)?;
        let (path, file) = self.files.get_key_value(&resolved)?;
        Some((path, file))
    }

    /// A path without the links in it: a Secret's or ConfigMap's volume has one to a folder and one into it.
    fn resolved(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let ends = path.match_indices('/').map(|(at, _)| at);
            let link = (ends.chain([path.len()]))
                .filter_map(|end| path.split_at_checked(end))
                .find_map(|(start, rest)| Some((self.links.get_key_value(start)?, rest)));
            let Some(((at, link), rest)) = link else {
                return Some(path);
            };
            let target = match link {
                Link::Inside(target) => target.clone(),
                Link::Machine(target) => match self.on_machine(at, target) {
                    Where::At(path) | Where::Missing(path) => path,
                    Where::Hidden | Where::Unknown => self.rotated(at, target)?,
                },
                Link::Outside => return None,
            };
            path = format!("{target}{rest}");
        }
        None
    }

    /// In the copy of the kubelet's own folder alone: client-go's file store links `NAME-current.pem` to the
    /// absolute path of a `NAME-DATE.pem` beside it.
    fn rotated(&self, link: &str, target: &str) -> Option<String> {
        let stem = link.strip_suffix("current.pem").filter(|stem| stem.ends_with('-'))?;
        let name = target.rsplit('/').next()?;
        let path = match link.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        };
        (path.starts_with(stem) && self.files.contains_key(&path)).then_some(path)
    }

    /// What a path of a machine (without its first slash) means in a copy of it: the nearest folder around
    /// `from` below which it is there stands for that machine's root.
    fn on_machine(&self, from: &str, path: &str) -> Where {
        let roots = || from.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]);
        let below = |root: usize| from.get(..root).map(|root| format!("{root}{path}"));
        if let Some(found) = roots().filter_map(below).find(|path| self.exists(path)) {
            return Where::At(found);
        }
        // A folder of `/` or of `/etc` is in many a tree that holds little else of a machine.
        let deep = path.matches('/').count() > 1;
        let beside = |path: &String| deep && self.has_folder(folder_of(path));
        roots().filter_map(below).find(beside).map_or(Where::Unknown, Where::Missing)
    }

    /// What a path means that stands in a file of the tree: absolute, or from that file's folder.
    pub(super) fn named(&self, from: &str, path: &str) -> Where {
        let own = if path.starts_with('/') {
            self.below_base(path)
        } else {
            Some(format!("{}/{path}", folder_of(from)))
        };
        let here = match own {
            None => {
                let Some(path) = normal(path) else { return Where::Unknown };
                match self.on_machine(from, &path) {
                    // A copy of /etc/kubernetes alone.
                    Where::Unknown => (path.strip_prefix(&format!("{KUBERNETES_FOLDER}/")))
                        .map_or(Where::Unknown, |rest| self.on_machine(from, rest)),
                    found => found,
                }
            }
            Some(own) => match normal(&own) {
                None => Where::Unknown,
                Some(own) if self.exists(&own) => Where::At(own),
                Some(own) => Where::Missing(own),
            },
        };
        let Where::At(path) = here else { return here };
        match self.resolved(&path) {
            Some(target) if self.exists(&target) => Where::At(target),
            Some(target) => Where::Missing(target),
            None => Where::Unknown,
        }
    }

    /// Whether anything has this name, read or not; a sealed secret stands for the one in the clear.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
            || self.files.contains_key(&format!("{path}{SUFFIX}"))
            || self.links.contains_key(path)
            || self.is_unread(path)
            || self.has_folder(path)
    }

    /// Whether it, or a folder around it, could not be read.
    pub(super) fn is_hidden(&self, path: &str) -> bool {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        folders.chain([path]).any(|path| self.is_unread(path))
    }

    fn is_unread(&self, path: &str) -> bool {
        let mut from = self.unread.range((path.to_owned(), String::new())..);
        from.next().is_some_and(|(unread, _)| unread == path)
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let file = self.files.range(inside.clone()..).next().map(|(found, _)| found);
        let link = self.links.range(inside.clone()..).next().map(|(found, _)| found);
        file.into_iter().chain(link).any(|found| found.starts_with(&inside))
    }

    /// A path of the host as one of the tree, if the tree's own place tells.
    pub(super) fn below_base(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.base)?.strip_prefix('/')?;
        Some(format!("{}{rest}", self.prefix))
    }

    /// Pairs that client-go's file store has replaced: beside `NAME-current.pem`, `NAME-DATE.pem`, which it
    /// never deletes.
    pub(super) fn history(&self) -> BTreeSet<&str> {
        let mut old = BTreeSet::new();
        for current in self.links.keys().chain(self.files.keys()) {
            let Some(stem) = current.strip_suffix("current.pem").filter(|stem| stem.ends_with('-'))
            else {
                continue;
            };
            // Where links were copied as files, the content tells.
            let Some((target, file)) = self.entry(current) else { continue };
            let used = file.holds.certificates.first().map(|leaf| leaf.facts.digest);
            let beside = self.files.range(stem.to_owned()..);
            for (path, file) in beside.take_while(|(path, _)| path.starts_with(stem)) {
                let date = path.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".pem"));
                let is_dated = date.is_some_and(|date| {
                    date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
                });
                let own = file.holds.certificates.first().map(|leaf| leaf.facts.digest);
                if is_dated && path != target && own != used {
                    old.insert(path.as_str());
                }
            }
        }
        old
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
            sealed: sum(|holds| usize::from(holds.form == Form::Sealed)),
            kubeconfigs: sum(|holds| usize::from(holds.kubeconfig.is_some())),
            manifests: sum(|holds| match holds.manifest {
                None | Some(Manifest::NotAPod(_)) => 0,
                Some(_) => 1,
            }),
        }
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
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
