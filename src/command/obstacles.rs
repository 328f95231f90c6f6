//! What lies in the way of an apply: told by plan and apply alike, before anything is judged.

use std::collections::BTreeSet;

use super::folder::Folder;
use crate::error::{Error, Result};
use crate::first_few::at_most;
use crate::graph::Placement;
use crate::name::NodeName;
use crate::plan::Unreadable;
use crate::state::{File, OUT, sealed_secret};
use crate::store::{Disk as _, EntryKind, RealDisk};

impl Folder {
    /// What hides files from us. Judged, they would look lost, and giving up keys that are there would
    /// be offered as the way out.
    ///
    /// An apply would be stopped by a link, a folder or a special file wherever it writes, and it asks this
    /// first, too: so both say the same. A public file that is too large is no obstacle: it is written again.
    pub fn refuse_obstacles(&self, disk: &RealDisk) -> Result<()> {
        let unread = Unreadable::of(&self.project.inventory)
            .in_the_way(&self.project.graph, &self.project.inventory);
        refuse_unread(unread)?;
        let mut found = BTreeSet::new();
        for (path, file) in &self.project.inventory.files {
            let File::Unusable { what } = file else {
                continue;
            };
            let secret = sealed_secret(path).unwrap_or(path);
            let Some(place) = self.project.graph.placed(secret) else {
                continue;
            };
            if place.content.is_secret() || !is_file(disk, path)? {
                found.insert(format!("out/{path} {what}"));
            }
        }
        for place in self.project.graph.all_placements() {
            let path = place.path.as_str();
            if self.project.inventory.get(path).is_none() {
                found.extend(self.obstacle_above(path));
            }
            if !self.folders.named_like_files.is_empty() {
                found.extend(self.folder_at(place));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(Error::refused(some_of(found)).help(
            "kpki reads and writes real files and folders only; put them back in place, then run the command again",
        ))
    }

    /// As [`Folder::refuse_obstacles`], before one node's tree is handed out.
    pub fn refuse_unread_of(&self, node: &NodeName) -> Result<()> {
        let unread = Unreadable::of(&self.project.inventory);
        refuse_unread(unread.before_node(&self.project.graph, &self.project.inventory, node))
    }

    /// A folder is no entry of the inventory, which knows files alone.
    fn folder_at(&self, place: &Placement) -> Option<String> {
        let sealed = place.content.is_secret().then(|| place.sealed_file());
        let mut files = std::iter::once(&place.path).chain(&sealed);
        let found = files.find(|path| self.folders.named_like_files.contains(path.as_str()))?;
        Some(format!("{OUT}/{found} is not a regular file"))
    }

    /// Something that is no folder where one must be.
    fn obstacle_above(&self, mut path: &str) -> Option<String> {
        if self.project.inventory.files.is_empty() {
            return None;
        }
        while let Some((above, _)) = path.rsplit_once('/') {
            path = above;
            match self.project.inventory.get(path) {
                Some(File::Unusable { what }) => return Some(format!("out/{path} {what}")),
                Some(_) => return Some(format!("out/{path} is a file where a folder must be")),
                None => {}
            }
        }
        match self.project.inventory.get("") {
            Some(File::Unusable { what }) => Some(format!("out/ {what}")),
            _ => None,
        }
    }
}

fn refuse_unread(unread: Vec<String>) -> Result<()> {
    if unread.is_empty() {
        return Ok(());
    }
    Err(Error::refused(some_of(unread)).help(
        "run kpki as their owner, or see to the disk: what cannot be read is not taken for lost, and nothing is made \
         anew for it",
    ))
}

/// One a line, and of many the number.
fn some_of(found: impl IntoIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    at_most(SHOWN, found).join("\n")
}

/// A file that is there as a plain one, whatever it holds.
fn is_file(disk: &RealDisk, path: &str) -> Result<bool> {
    let kind = disk.kind(&format!("{OUT}/{path}"))?;
    Ok(matches!(kind, EntryKind::File { .. } | EntryKind::Missing))
}
