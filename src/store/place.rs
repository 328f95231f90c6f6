//! Puts files in place on a node: each atomically, layer after layer, and notes what it put there.
//!
//! 1. [`begin_placing`] takes a lock of the node's own (flock on [`NODE_FOLDER`]).
//! 2. The record is written with the old lines and the new ones, so that a crash leaves nothing on the node
//!    that the record does not know.
//! 3. What is to be handed over first is put in place as in 4, and the caller waits.
//! 4. Every new file is written beside its target and synced; a full disk ends the run here, before anything
//!    else has changed. Layer after layer is renamed into place, each folder synced before the next layer
//!    begins.
//! 5. What goes is removed, the last layer first. Then the record keeps the new lines alone.
//!
//! An error deletes what was written beside; what a killed run left there the next one deletes, since the
//! record names its target.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::{Disk, EntryKind};
use super::folders::{is_symlink, not_a_file, not_a_folder};
use super::parent;
use super::replace::{beside, replace};
use crate::error::{Error, Result};
use crate::name::TreePath;
use crate::secret::Secret;
use crate::state::{Loose, NodeFile, NodeState};

pub use crate::state::RECORD;

/// What kpki knows of a node lies on the node: there it is as old as the files that it speaks of, however a
/// disk is copied, restored or moved. Not under /etc/kubernetes, which belongs to those who read it.
pub(super) const NODE_FOLDER: &str = "var/lib/kpki";
const RECORD_MODE: u32 = 0o644;

/// No file of a node's tree is larger.
const LIMIT: u64 = 1 << 20;

pub struct Put<'a> {
    pub path: &'a str,
    pub bytes: &'a [u8],
    pub mode: u32,
    /// User and group, where it is not to be this user's.
    pub owner: Option<(u32, u32)>,
}

/// What to do on a node. Paths are relative to its root.
pub struct Change<'a> {
    /// Folders to make or to close, those above first.
    pub folders: Vec<(&'a str, u32)>,
    /// Layers before everything else; then somebody is waited for.
    pub handed_over: Vec<Vec<Put<'a>>>,
    /// In the order in which they may be seen.
    pub layers: Vec<Vec<Put<'a>>>,
    pub removals: Vec<Vec<&'a str>>,
    /// The record while it is being done, and afterwards.
    pub records: [&'a [u8]; 2],
    /// All that is there or will be: beside it a killed run may have left a file.
    pub targets: Vec<&'a str>,
}

/// These files, where they are there, and the folders above them.
pub fn look_at_node<'p>(
    disk: &impl Disk,
    paths: impl IntoIterator<Item = &'p TreePath>,
) -> Result<NodeState> {
    let mut node = NodeState::default();
    for path in paths {
        for (end, _) in path.as_str().match_indices('/') {
            let folder = path.as_str().get(..end).unwrap_or_default();
            if !node.folders.contains_key(folder)
                && let EntryKind::Folder { mode } = disk.kind(folder)?
            {
                node.folders.insert(folder.to_owned(), mode);
            }
        }
        if let Some(file) = look(disk, path.as_str())? {
            node.files.insert(path.clone(), file);
        }
    }
    Ok(node)
}

/// Folders of the distribution's own: whoever may write there has the machine, and it is not kpki's to judge.
const SYSTEM: [&str; 4] = ["etc", "srv", "var", "var/lib"];

/// Folders on the way to these files that others could write to, and to the record.
pub fn loose_ways<'p>(
    disk: &impl Disk,
    paths: impl IntoIterator<Item = &'p str>,
) -> Result<BTreeMap<String, Loose>> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeMap::new();
    for path in paths.into_iter().chain([RECORD]) {
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..end).unwrap_or_default();
            if SYSTEM.contains(&folder) || !seen.insert(folder) {
                continue;
            }
            if matches!(disk.kind(folder)?, EntryKind::Folder { .. })
                && let Some(loose) = disk.loose(folder)?
            {
                found.insert(folder.to_owned(), loose);
            }
        }
    }
    Ok(found)
}

/// What kpki recorded on a node.
pub fn read_record(disk: &impl Disk) -> Result<Option<Secret>> {
    Ok(look(disk, RECORD)?.map(|file| file.bytes))
}

fn look(disk: &impl Disk, path: &str) -> Result<Option<NodeFile>> {
    match disk.kind(path)? {
        EntryKind::Missing => Ok(None),
        EntryKind::File { size, .. } if size > LIMIT => {
            Err(Error::refused(format!("{path} is larger than 1 MiB, which no file of kpki's is"))
                .help("move it away, then run the command again"))
        }
        EntryKind::File { mode, .. } => Ok(Some(NodeFile {
            mode,
            own: disk.is_own(path)?,
            owner: disk.owner(path)?,
            bytes: Secret::new(disk.read(path)?),
        })),
        EntryKind::Symlink => Err(is_symlink(path)),
        EntryKind::Folder { .. } | EntryKind::Special => Err(not_a_file(path)),
    }
}

/// Whether a killed run left a file beside one of these.
pub fn left_behind<'p>(
    disk: &impl Disk,
    targets: impl IntoIterator<Item = &'p str>,
) -> Result<bool> {
    for target in targets {
        if disk.kind(&beside(target))? != EntryKind::Missing {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Holds the node's lock.
pub struct Placing<'d, D: Disk> {
    disk: &'d D,
}

pub fn begin_placing<D: Disk>(disk: &D) -> Result<Placing<'_, D>> {
    let ends = NODE_FOLDER.match_indices('/').map(|(at, _)| at);
    for end in ends.chain([NODE_FOLDER.len()]) {
        let folder = NODE_FOLDER.get(..end).unwrap_or(NODE_FOLDER);
        make_folder(disk, folder, 0o755)?;
        // Even if it was there: the run that made it may have been killed right then.
        disk.sync_dir(parent(folder))?;
    }
    disk.lock()?;
    Ok(Placing { disk })
}

impl<D: Disk> Drop for Placing<'_, D> {
    fn drop(&mut self) {
        self.disk.unlock();
    }
}

impl<D: Disk> Placing<'_, D> {
    /// `wait` is called when what is handed over is durable, and before anything else is seen.
    pub fn place(&self, change: &Change<'_>, wait: &dyn Fn() -> Result<()>) -> Result<()> {
        for target in &change.targets {
            let left = beside(target);
            if self.disk.kind(&left)? != EntryKind::Missing {
                self.disk.remove_file(&left)?;
                self.disk.sync_dir(parent(&left))?;
            }
        }
        let [during, after] = change.records;
        replace(self.disk, RECORD, during, RECORD_MODE)?;
        for (folder, mode) in &change.folders {
            self.open_to(folder, *mode)?;
        }
        self.sync_ways(change)?;
        self.put_in_place(&change.handed_over)?;
        wait()?;
        self.put_in_place(&change.layers)?;
        self.remove(change)?;
        replace(self.disk, RECORD, after, RECORD_MODE)
    }

    /// Makes a folder, or takes away from others what they may do in it.
    fn open_to(&self, folder: &str, mode: u32) -> Result<()> {
        if let EntryKind::Folder { .. } = self.disk.kind(folder)? {
            return self.disk.set_mode(folder, mode);
        }
        make_folder(self.disk, folder, mode)
    }

    /// What a run before this one made or renamed may be seen and not be durable, if that run was killed.
    fn sync_ways(&self, change: &Change<'_>) -> Result<()> {
        let mut folders = BTreeSet::new();
        for target in &change.targets {
            let mut folder = parent(target);
            while folders.insert(folder) && !folder.is_empty() {
                folder = parent(folder);
            }
        }
        for folder in folders {
            if folder.is_empty() || self.disk.kind(folder)? != EntryKind::Missing {
                self.disk.sync_dir(folder)?;
            }
        }
        Ok(())
    }

    /// All or, where an error comes before the first rename, none.
    fn put_in_place(&self, layers: &[Vec<Put<'_>>]) -> Result<()> {
        let mut staged = Vec::new();
        let placed =
            self.stage(layers, &mut staged).and_then(|()| self.rename(layers, &mut staged));
        if placed.is_err() {
            for left in &staged {
                let _ = self.disk.remove_file(left); // the error to tell is the first one
            }
        }
        placed
    }

    fn stage(&self, layers: &[Vec<Put<'_>>], staged: &mut Vec<String>) -> Result<()> {
        for put in layers.iter().flatten() {
            let new = beside(put.path);
            staged.push(new.clone());
            match put.owner {
                None => self.disk.write_new(&new, put.bytes, put.mode)?,
                // Its group may be wider than this user's: the mode comes last.
                Some(owner) => {
                    self.disk.write_new(&new, put.bytes, put.mode & 0o600)?;
                    self.disk.set_owner(&new, owner)?;
                    self.disk.set_mode(&new, put.mode)?;
                }
            }
            self.disk.sync_file(&new)?;
        }
        Ok(())
    }

    fn rename(&self, layers: &[Vec<Put<'_>>], staged: &mut Vec<String>) -> Result<()> {
        for layer in layers {
            for put in layer {
                let new = beside(put.path);
                self.disk.rename(&new, put.path)?;
                staged.retain(|left| *left != new);
            }
            self.sync_folders(layer.iter().map(|put| put.path))?;
        }
        Ok(())
    }

    fn remove(&self, change: &Change<'_>) -> Result<()> {
        for layer in &change.removals {
            for path in layer {
                self.disk.remove_file(path)?;
            }
            self.sync_folders(layer.iter().copied())?;
        }
        Ok(())
    }

    fn sync_folders<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Result<()> {
        let folders: BTreeSet<&str> = paths.map(parent).collect();
        folders.into_iter().try_for_each(|folder| self.disk.sync_dir(folder))
    }
}

fn make_folder(disk: &impl Disk, folder: &str, mode: u32) -> Result<()> {
    match disk.kind(folder)? {
        EntryKind::Folder { .. } => Ok(()),
        EntryKind::Missing => disk.mkdir(folder, mode),
        EntryKind::Symlink => Err(is_symlink(folder)),
        EntryKind::File { .. } | EntryKind::Special => Err(not_a_folder(folder)),
    }
}
