//! The index of secrets that this machine has verified: read for every plan, written after an apply.

use std::collections::HashSet;
use std::path::Path;

use super::on_disk::OnDisk;
use super::{machine, terminal};
use crate::build::check::check_secrets;
use crate::cli::Identities;
use crate::error::Result;
use crate::graph::Placement;
use crate::name::TreePath;
use crate::plan::{Plan, World, belongs_to, standing};
use crate::state::{Lock, Moment, PlainFile, Seen, Stamp};
use crate::store::{Index, IndexFile, Known, MachineKey, RealDisk, Stamps};

/// What is known here of a project's secrets. Whatever stands in the way, there is none then.
pub(super) fn read(directory: &Path) -> Option<Index> {
    let stamps = Stamps::below(directory).ok().flatten()?;
    let key = machine::key().ok()??;
    index_file(directory, &stamps, &key).ok()?.read()
}

fn index_file(directory: &Path, stamps: &Stamps, key: &MachineKey) -> Result<IndexFile, String> {
    let project = std::fs::canonicalize(directory).map_err(|error| error.to_string())?;
    let state = machine::state_folder().ok_or("there is no state folder")?;
    let inode = stamps.inode().ok_or("out/ cannot be read")?;
    Ok(IndexFile::new(&state, key, &project, inode))
}

/// A secret in the clear as it was found, against the index.
pub(super) fn plain_file(index: Option<&Index>, path: &str, mode: u32, stamp: Stamp) -> PlainFile {
    let seen = match index.and_then(|index| index.get(path)) {
        None => Seen::Never,
        Some(known) if known.stamp == stamp => Seen::Unchanged(known.belongs_to),
        Some(_) => Seen::Changed,
    };
    PlainFile { mode, size: stamp.size, stamp, seen }
}

/// What an apply learns of secrets in the clear.
#[derive(Default)]
pub(super) struct Learnt {
    /// Opened, and found to be what belongs there; and the time at which that began.
    checked: HashSet<TreePath>,
    since: Option<Moment>,
    /// Written by this apply, or given another mode.
    written: HashSet<TreePath>,
    /// What is true after it.
    lock: Option<Lock>,
}

impl Learnt {
    /// Opens what cannot be told from another file.
    pub fn by_checking(
        directory: &Path,
        world: World<'_>,
        plan: &Plan,
        identities: &Identities,
    ) -> Result<Learnt> {
        let newest = (world.graph.all_placements().iter())
            .filter(|place| standing(world, place).is_doubtful())
            .filter_map(|place| stamp_of(world, &place.path))
            .map(|stamp| stamp.changed)
            .max();
        let Some(newest) = newest else {
            return Ok(Learnt::default());
        };
        // A file that is written once more after it was read must get another stamp than it had.
        let stamps = Stamps::below(directory)?;
        let since = stamps.and_then(|stamps| stamps.time_after(newest));
        let disk = RealDisk::open(directory)?;
        let checked = check_secrets(world, plan, &OnDisk::new(&disk, identities))?;
        Ok(Learnt { checked: checked.into_iter().collect(), since, ..Learnt::default() })
    }

    pub fn committed(&mut self, lock: Lock, written: HashSet<TreePath>) {
        self.lock = Some(lock);
        self.written = written;
    }

    /// Writes it down for the next plan, if there is anything. It changes nothing that was applied, so a
    /// failure is only told.
    pub fn remember(&self, directory: &Path, world: World<'_>) {
        let is_clear = |path: &&TreePath| world.graph.placed_at(path).is_some_and(is_clear);
        let mut written = self.written.iter().filter(is_clear).peekable();
        if self.checked.is_empty() && written.peek().is_none() {
            return;
        }
        let done = || {
            let key = machine::key_or_new()?;
            let stamps = Stamps::below(directory).ok().flatten();
            let stamps = stamps.ok_or("out/ cannot be read")?;
            let file = index_file(directory, &stamps, &key)?;
            let mut index = file.read().unwrap_or_default();
            // What changed stays so until it is opened; what is no longer described is of no interest.
            index.retain(|path, _| world.graph.placed(path).is_some_and(self::is_clear));
            self.enter(world, written, &stamps, &mut index);
            file.write(&index)
        };
        if let Err(why) = done() {
            terminal::note(&format!(
                "note: kpki plan will not notice secrets that are exchanged here: {why}"
            ));
        }
    }

    fn enter<'a>(
        &'a self,
        world: World<'_>,
        written: impl Iterator<Item = &'a TreePath>,
        stamps: &Stamps,
        index: &mut Index,
    ) {
        // All that was written has an earlier time than this, and all that will be has not.
        let now = stamps.time_after(Moment::default());
        let now = now.and_then(|now| stamps.time_after(now));
        let lock = self.lock.as_ref().unwrap_or(world.lock);
        let mut enter = |path: &TreePath, stamp: Option<Stamp>, before: Option<Moment>| {
            let place = world.graph.placed_at(path);
            let belongs_to = place.and_then(|place| belongs_to(world.graph, lock, place));
            let stamp = stamp.filter(|stamp| before.is_some_and(|before| stamp.changed < before));
            match (stamp, belongs_to) {
                (Some(stamp), Some(belongs_to)) => {
                    index.insert(path.to_string(), Known { stamp, belongs_to })
                }
                _ => index.remove(path.as_str()),
            };
        };
        for path in self.checked.difference(&self.written) {
            enter(path, stamp_of(world, path), self.since);
        }
        for path in written {
            enter(path, stamps.of(path.as_str()), now);
        }
    }
}

/// It lies in the clear, as described.
fn is_clear(place: &Placement) -> bool {
    place.content.is_secret() && place.recipients.is_none()
}

fn stamp_of(world: World<'_>, path: &TreePath) -> Option<Stamp> {
    let secret = world.inventory.secret(path.as_str())?;
    Some(secret.plain.as_ref()?.stamp)
}
