//! A node's root file system, as far as it was handed over: what lies where, and how the node's own programs
//! read it.
//!
//! A path is written as from the root without the slash in front: `etc/kubernetes/pki/ca.crt`. Links are
//! followed as the kernel follows them on that machine: an absolute one starts at *its* root, `..` above the
//! root is the root. What could not be read is there with its reason, so that nobody takes it for absent.
//!
//! Pure. May import `pod`, `holdings` and what lies below. Never here: files, a description, a judgement of
//! what was found.

mod at;
mod environment;
pub mod kubeadm_config;
pub mod kubelet;
mod kubelet_flags;
mod layout;
mod places;
mod unit;

use std::collections::BTreeMap;
use std::ops::Bound;

pub use self::at::At;
pub use self::layout::{LAYOUTS, MachineLayout, layout_of};
pub use self::places::{PLACES, Place, is_above_a_place, is_wanted};
use crate::secret::Secret;

/// Linux follows as many links in a row (`MAXSYMLINKS`).
const LINKS: usize = 40;
/// More than any path of Linux has (`PATH_MAX`).
pub const PATH_LIMIT: usize = 4096;

/// The copy of a machine. It holds secrets, so there is no Debug.
#[derive(Clone, Default)]
pub struct Machine {
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone)]
pub struct MachineFile {
    /// The permission bits.
    pub mode: u32,
    /// User and group, by number.
    pub owner: (u32, u32),
    pub bytes: Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineFolder {
    pub mode: u32,
    pub owner: (u32, u32),
}

#[derive(Clone)]
enum Entry {
    File(MachineFile),
    Folder(MachineFolder),
    Link(String),
    Unread(String),
}

/// What a path leads to.
pub enum Look<'a> {
    /// With the path where links end.
    File(&'a str, &'a MachineFile),
    Folder(&'a str),
    /// It, or a folder on the way, could not be read: which, and why.
    Unread(&'a str, &'a str),
    /// A link to what was not handed over, and where it leads.
    LeadsAway {
        link: &'a str,
        target: &'a str,
    },
    /// More links in a row than Linux follows.
    Circle,
    Absent,
}

impl Machine {
    /// Paths are those of [`normal`].
    pub fn add_file(&mut self, path: &str, file: MachineFile) {
        self.entries.insert(path.to_owned(), Entry::File(file));
    }

    /// The target as the link says it.
    pub fn add_link(&mut self, path: &str, target: &str) {
        self.entries.insert(path.to_owned(), Entry::Link(target.to_owned()));
    }

    pub fn add_folder(&mut self, path: &str, folder: MachineFolder) {
        self.entries.insert(path.to_owned(), Entry::Folder(folder));
    }

    /// `why` reads after the path.
    pub fn add_unread(&mut self, path: &str, why: impl Into<String>) {
        self.entries.insert(path.to_owned(), Entry::Unread(why.into()));
    }

    /// The file that a path leads to through links, and where it lies. [`Machine::look`] says why there is
    /// none.
    pub fn file(&self, path: &str) -> Option<(&str, &MachineFile)> {
        match self.look(path) {
            Look::File(path, file) => Some((path, file)),
            _ => None,
        }
    }

    pub fn look(&self, path: &str) -> Look<'_> {
        let Some(Resolved { path, links }) = self.follow(path) else { return Look::Circle };
        if let Some((unread, why)) = self.unread_above(&path) {
            return Look::Unread(unread, why);
        }
        match self.entries.get_key_value(&path) {
            Some((path, Entry::File(file))) => Look::File(path, file),
            Some((path, Entry::Folder(_))) => Look::Folder(path),
            Some((path, Entry::Unread(why))) => Look::Unread(path, why),
            // Links end in something else, so the last two are one answer.
            Some((_, Entry::Link(_))) | None => match (self.below(&path).next(), links.last()) {
                (Some((inside, _)), _) => {
                    Look::Folder(inside.get(..path.len()).unwrap_or_default())
                }
                (None, Some(&(link, target))) => Look::LeadsAway { link, target },
                (None, None) => Look::Absent,
            },
        }
    }

    /// In the order of their paths, by where they lie.
    pub fn files(&self) -> impl Iterator<Item = (&str, &MachineFile)> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File(file) => Some((path.as_str(), file)),
            _ => None,
        })
    }

    /// Path and target.
    pub fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::Link(target) => Some((path.as_str(), target.as_str())),
            _ => None,
        })
    }

    pub fn folders(&self) -> impl Iterator<Item = (&str, MachineFolder)> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::Folder(folder) => Some((path.as_str(), *folder)),
            _ => None,
        })
    }

    /// Path and reason.
    pub fn unread(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::Unread(why) => Some((path.as_str(), why.as_str())),
            _ => None,
        })
    }

    /// Whether anything below a folder was handed over: where nothing was, absence tells nothing.
    pub fn has_below(&self, folder: &str) -> bool {
        match self.follow(folder) {
            Some(real) => self.below(&real.path).next().is_some(),
            None => false,
        }
    }

    /// Where a path leads, whether or not something is there; `None` where links go round.
    pub fn resolve(&self, path: &str) -> Option<String> {
        self.follow(path).map(|resolved| resolved.path)
    }

    /// Everything of another copy of the same machine; what is here already stays.
    pub fn take_in(&mut self, other: Machine) {
        for (path, entry) in other.entries {
            self.entries.entry(path).or_insert(entry);
        }
    }

    /// Takes over what a path leads to, and the links on the way to it.
    pub fn take_from(&mut self, other: &Machine, path: &str) {
        let mut all = self.only_links();
        all.take_in(other.only_links());
        let Some(resolved) = all.follow(path) else { return };
        let links = resolved.links.iter().map(|(link, _)| (*link).to_owned());
        for at in links.chain([resolved.path.clone()]) {
            if let Some(entry) = other.entries.get(&at) {
                self.entries.entry(at).or_insert_with(|| entry.clone());
            }
        }
    }

    /// Whether this very path has an answer, links not followed.
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    fn only_links(&self) -> Machine {
        let links = self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Link(_)));
        Machine { entries: links.map(|(path, entry)| (path.clone(), entry.clone())).collect() }
    }

    fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = (Bound::Included(start.clone()), Bound::Unbounded);
        let near = self.entries.range::<String, _>(from);
        near.take_while(move |(path, _)| path.starts_with(&start))
            .map(|(path, entry)| (path.as_str(), entry))
    }

    fn unread_above(&self, path: &str) -> Option<(&str, &str)> {
        above(path).find_map(|folder| match self.entries.get_key_value(folder) {
            Some((path, Entry::Unread(why))) => Some((path.as_str(), why.as_str())),
            _ => None,
        })
    }

    /// As path_resolution(7) says: one component after the other, a link's text in its place.
    fn follow(&self, path: &str) -> Option<Resolved<'_>> {
        let mut waiting: Vec<String> = reversed(path);
        let mut real = String::new();
        let mut links = Vec::new();
        while let Some(name) = waiting.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    let above = real.rfind('/').unwrap_or(0);
                    real.truncate(above);
                    continue;
                }
                _ => {}
            }
            let start = real.len();
            if !real.is_empty() {
                real.push('/');
            }
            real.push_str(&name);
            if real.len() > PATH_LIMIT {
                return None;
            }
            if let Some((at, Entry::Link(target))) = self.entries.get_key_value(&real) {
                links.push((at.as_str(), target.as_str()));
                if links.len() > LINKS {
                    return None;
                }
                real.truncate(if target.starts_with('/') { 0 } else { start });
                waiting.extend(reversed(target));
            }
        }
        Some(Resolved { path: real, links })
    }
}

struct Resolved<'a> {
    path: String,
    /// On the way, in their order: where they lie, and their text.
    links: Vec<(&'a str, &'a str)>,
}

fn reversed(path: &str) -> Vec<String> {
    path.split('/').rev().map(str::to_owned).collect()
}

/// The folders around a path, the outermost first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(end, _)| path.get(..end))
}

/// A path as this room writes it: from the root, without empty components and dots. `None` where it has a
/// `..`, or is longer than Linux takes.
pub fn normal(path: &str) -> Option<String> {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<&str> = parts.collect();
    (path.len() <= PATH_LIMIT && !parts.contains(&"..")).then(|| parts.join("/"))
}
