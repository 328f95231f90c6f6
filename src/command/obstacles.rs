//! What lies in the way of an apply: told by plan and apply alike, before anything is judged.

use std::collections::BTreeSet;

use super::project::Project;
use crate::error::{Error, Result};
use crate::graph::Placement;
use crate::name::TreePath;
use crate::state::{File, SecretFile, sealed_secret};
use crate::store::{Disk as _, EntryKind, RealDisk};

const OUT: &str = "out";

impl Project {
    /// What hides files from us. Judged, they would look lost, and giving up keys that are there would
    /// be offered as the way out.
    ///
    /// An apply would be stopped by a link, a folder or a special file wherever it writes, and it asks this first, too:
    /// so both say the same. A public file that is too large or cannot be read is no obstacle: it is written again.
    pub fn refuse_obstacles(&self, disk: &RealDisk) -> Result<()> {
        let mut found = BTreeSet::new();
        for (path, file) in &self.inventory.files {
            let File::Unusable { what } = file else {
                continue;
            };
            let secret = sealed_secret(path).unwrap_or(path);
            let Some(place) = self.graph.placed(secret) else {
                continue;
            };
            if place.content.is_secret() || !is_file(disk, path)? {
                found.insert(format!("out/{path} {what}"));
            }
        }
        let is_there = !self.inventory.files.is_empty() || disk.kind(OUT)? != EntryKind::Missing;
        for place in self.graph.all_placements() {
            let path = place.path.as_str();
            if self.inventory.get(path).is_none() {
                found.extend(self.obstacle_above(path));
            }
            if is_there {
                found.extend(self.folder_at(place, disk));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let more = found.len().saturating_sub(5);
        let mut message: Vec<String> = found.into_iter().take(5).collect();
        if more > 0 {
            message.push(format!("and {more} more"));
        }
        Err(Error::refused(message.join("\n")).help(
            "kpki reads and writes real files and folders only; put them back in place, then run the command again",
        ))
    }

    /// A folder is no entry of the inventory, which knows files alone.
    fn folder_at(&self, place: &Placement, disk: &RealDisk) -> Option<String> {
        let path = place.path.as_str();
        let [plain, sealed] = match self.inventory.get(path) {
            None => [true, place.content.is_secret()],
            Some(File::Secret(SecretFile { plain, sealed })) => [plain.is_none(), sealed.is_none()],
            // Public, or told already.
            Some(_) => [false, false],
        };
        let is_folder = |path: &TreePath| {
            // What is in the way above it is told by itself.
            let kind = disk.kind(&format!("{OUT}/{path}"));
            matches!(kind, Ok(EntryKind::Folder { .. }))
        };
        let plain = plain.then(|| place.path.clone());
        let sealed = sealed.then(|| place.sealed_file());
        let found = plain.into_iter().chain(sealed).find(is_folder)?;
        Some(format!("{OUT}/{found} is not a regular file"))
    }

    /// Something that is no folder where one must be.
    fn obstacle_above(&self, mut path: &str) -> Option<String> {
        if self.inventory.files.is_empty() {
            return None;
        }
        while let Some((above, _)) = path.rsplit_once('/') {
            path = above;
            match self.inventory.get(path) {
                Some(File::Unusable { what }) => return Some(format!("out/{path} {what}")),
                Some(_) => return Some(format!("out/{path} is a file where a folder must be")),
                None => {}
            }
        }
        match self.inventory.get("") {
            Some(File::Unusable { what }) => Some(format!("out/ {what}")),
            _ => None,
        }
    }
}

/// A file that is there as a plain one, even if it cannot be read.
fn is_file(disk: &RealDisk, path: &str) -> Result<bool> {
    let kind = disk.kind(&format!("{OUT}/{path}"))?;
    Ok(matches!(kind, EntryKind::File { .. } | EntryKind::Missing))
}
