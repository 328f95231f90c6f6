//! From the journal to the new tree, and the two ways out of a crash.

use std::collections::BTreeSet;

use super::disk::{Disk, EntryKind};
use super::journal::{Action, Change, Journal, RESCUE};
use super::replace::replace_by;
use super::survey::{Move, Run, Survey, survey};
use super::{
    FEW, JOURNAL, LOCK, LOCK_LIMIT, NEW_LOCK, OLD, PENDING, STAGED_LOCK, in_out, in_stage, parent,
};
use crate::error::{Error, Result};

/// How far a change came that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `out/` and the lock are as they were.
    Nothing,
    /// The journal is durable: the next apply finishes what this one did not.
    Recorded,
    /// All is in place, the lock too; only what was kept beside is left to be cleared.
    Complete,
}

/// An error, and how far the change came.
#[derive(Debug)]
pub struct Failed {
    pub error: Error,
    pub effect: Effect,
}

impl Effect {
    pub(super) fn of(self) -> impl Fn(Error) -> Failed {
        move |error| Failed { error, effect: self }
    }
}

/// What an interrupted apply left behind. While another one runs, its own staging shows as
/// [`Pending::Unfinished`] or [`Pending::Staged`] too: readers take no lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    Nothing,
    /// Committed: the next apply finishes it. Until then `out/` may be a mixture.
    Unfinished,
    /// Not committed: the next apply throws it away. `out/` is untouched.
    Staged,
}

pub fn pending(disk: &impl Disk) -> Result<Pending> {
    Ok(if disk.kind(JOURNAL)? != EntryKind::Missing {
        Pending::Unfinished
    } else if disk.kind(PENDING)? == EntryKind::Missing {
        Pending::Nothing
    } else if disk.kind(OLD)? != EntryKind::Missing {
        // Replaced files without the journal that belongs to them: nobody can finish or undo that.
        Pending::Unfinished
    } else {
        Pending::Staged
    })
}

/// Finishes a commit that was interrupted after its journal was written.
pub(super) fn recover(disk: &impl Disk, journal: &Journal) -> Result<(), Failed> {
    let ready = || {
        // It may be seen and yet not be durable, if the run before was killed in between.
        disk.sync_dir(PENDING)?;
        verify(disk, journal)?;
        survey(disk, journal, Run::Recovery)
    };
    let left = ready().map_err(Effect::Nothing.of())?;
    finish(disk, &left, Run::Recovery)
}

/// Each file that the journal puts in place, staged or placed already, is the one that it was written for;
/// and nothing else is staged, since a folder that is new moves as a whole.
fn verify(disk: &impl Disk, journal: &Journal) -> Result<()> {
    match what_changed(disk, journal)? {
        None => Ok(()),
        Some(path) => Err(Error::refused(format!(
            "an interrupted apply cannot be finished: {path} has changed since it was begun"
        ))
        .help(RESCUE)),
    }
}

/// The first file that is not the one that a journal was written for.
pub(super) fn what_changed(disk: &impl Disk, journal: &Journal) -> Result<Option<String>> {
    if let Some(stranger) = stranger(disk, journal, "")? {
        return Ok(Some(stranger));
    }
    for Change { path, action } in journal.changes() {
        let Action::Put(digest) = action else {
            continue;
        };
        let staged = in_stage(path.as_str());
        let at = match disk.kind(&staged)? {
            EntryKind::Missing => in_out(path.as_str()),
            _ => staged,
        };
        // What is missing or no file the survey tells.
        if matches!(disk.kind(&at)?, EntryKind::File { .. })
            && blake3::hash(&disk.read(&at)?) != *digest
        {
            return Ok(Some(at));
        }
    }
    let is_lock = |at| Ok::<_, Error>(blake3::hash(&disk.read(at)?) == journal.lock_after);
    match disk.kind(STAGED_LOCK)? {
        EntryKind::File { .. } if !is_lock(STAGED_LOCK)? => Ok(Some(STAGED_LOCK.to_owned())),
        _ => Ok(None),
    }
}

/// Something below the folder `folder` of the staged tree that the journal does not name.
fn stranger(disk: &impl Disk, journal: &Journal, folder: &str) -> Result<Option<String>> {
    let staged = in_stage(folder);
    if disk.kind(&staged)? == EntryKind::Missing {
        return Ok(None);
    }
    for name in disk.list(&staged)? {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let found = match disk.kind(&in_stage(&path))? {
            EntryKind::Folder { .. } => stranger(disk, journal, &path)?,
            EntryKind::File { .. } if journal.puts(&path) => None,
            _ => Some(in_stage(&path)),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Of the lock in force.
pub(super) fn lock_digest(disk: &impl Disk) -> Result<Option<blake3::Hash>> {
    match disk.kind(LOCK)? {
        EntryKind::Missing => Ok(None),
        EntryKind::File { size, .. } if size > LOCK_LIMIT => {
            Err(Error::refused(format!("{LOCK} is larger than 64 MiB")))
        }
        _ => Ok(Some(blake3::hash(&disk.read(LOCK)?))),
    }
}

/// All after the commit point. Every step may have been done before.
pub(super) fn finish(disk: &impl Disk, left: &Survey<'_>, run: Run) -> Result<(), Failed> {
    put_in_place(disk, left, run).map_err(Effect::Recorded.of())?;
    clear(disk).map_err(Effect::Complete.of())
}

fn put_in_place(disk: &impl Disk, left: &Survey<'_>, run: Run) -> Result<()> {
    keep_old(disk, left, run)?;
    let mut changed = Changed { folders: left.revisited.clone(), files: Vec::new() };
    for step in &left.moves {
        let path = match step {
            Move::Folder(path) => path,
            Move::File { path, .. } => *path,
        };
        disk.rename(&in_stage(path), &in_out(path))?;
        changed.folders.insert(parent(path).to_owned());
    }
    for (_, path) in &left.removals {
        // Where `keep` had to move it, it is gone already.
        if disk.kind(&in_out(path))? != EntryKind::Missing {
            disk.remove_file(&in_out(path))?;
        }
        changed.folders.insert(parent(path).to_owned());
    }
    for (path, mode) in &left.modes {
        disk.set_mode(&in_out(path), *mode)?;
        changed.files.push(path);
    }
    for path in &left.tighten {
        disk.set_mode(&in_out(path), 0o700)?;
        changed.folders.insert(path.clone());
    }
    if run == Run::Recovery || !left.removals.is_empty() {
        remove_emptied(disk, left, &mut changed)?;
    }
    changed.sync(disk)?;
    replace_lock(disk)
}

/// A second name for all that is replaced or removed, durable before the first rename: if finishing
/// turns out to be impossible, no old key is lost with it. Not only for what is 0600: in a fresh clone a
/// key has whatever mode Git gave it.
fn keep_old(disk: &impl Disk, left: &Survey<'_>, run: Run) -> Result<()> {
    let replaced = left.moves.iter().filter_map(|step| match step {
        Move::File { place, path, replaces: true } => Some((*place, *path)),
        _ => None,
    });
    let mut goes = replaced.chain(left.removals.iter().copied()).peekable();
    // A recovery has nothing to keep where a run before it has moved the old files here.
    let started = run == Run::Recovery && disk.kind(OLD)? != EntryKind::Missing;
    if goes.peek().is_none() && !started {
        return Ok(());
    }
    disk.mkdir(OLD, 0o700)?;
    disk.sync_dir(PENDING)?;
    for (place, path) in goes {
        let kept = format!("{OLD}/{place}");
        if !started || disk.kind(&kept)? == EntryKind::Missing {
            disk.keep(&in_out(path), &kept)?;
        }
    }
    disk.sync_dir(OLD)
}

/// Removes folders that removals have left empty, and those above them.
fn remove_emptied(disk: &impl Disk, left: &Survey<'_>, changed: &mut Changed<'_>) -> Result<()> {
    let mut folders: BTreeSet<String> = left.revisited.clone();
    folders.extend(left.removals.iter().map(|(_, path)| parent(path).to_owned()));
    // From the end a folder comes after all that is in it.
    while let Some(folder) = folders.pop_last() {
        if folder.is_empty()
            || disk.kind(&in_out(&folder))? == EntryKind::Missing
            || !disk.list(&in_out(&folder))?.is_empty()
        {
            continue;
        }
        disk.remove_dir(&in_out(&folder))?;
        changed.folders.remove(&folder);
        changed.folders.insert(parent(&folder).to_owned());
        folders.insert(parent(&folder).to_owned());
    }
    Ok(())
}

/// What must reach the disk before the lock may say so; relative to `out/`.
struct Changed<'a> {
    folders: BTreeSet<String>,
    files: Vec<&'a str>,
}

impl Changed<'_> {
    fn sync(&self, disk: &impl Disk) -> Result<()> {
        if self.folders.len() + self.files.len() > FEW {
            return disk.sync_all();
        }
        for file in &self.files {
            disk.sync_file(&in_out(file))?;
        }
        for folder in &self.folders {
            // One that is gone again was synced through the folder above it.
            if disk.kind(&in_out(folder))? != EntryKind::Missing {
                disk.sync_dir(&in_out(folder))?;
            }
        }
        Ok(())
    }
}

fn replace_lock(disk: &impl Disk) -> Result<()> {
    if disk.kind(STAGED_LOCK)? == EntryKind::Missing {
        return Err(Error::refused(format!(
            "an interrupted apply cannot be finished: {STAGED_LOCK} is missing"
        ))
        .help(RESCUE));
    }
    let bytes = disk.read(STAGED_LOCK)?;
    replace_by(disk, NEW_LOCK, LOCK, &bytes, 0o644)
}

/// Old files first, then the journal, then the rest: `old/` is never without a journal, so a
/// journal that somebody deleted is noticed.
fn clear(disk: &impl Disk) -> Result<()> {
    if disk.kind(OLD)? != EntryKind::Missing {
        remove_tree(disk, OLD)?;
        disk.sync_dir(PENDING)?;
    }
    discard(disk)
}

/// Deletes `.pending`. The journal goes first and durably: were it to come back over the next
/// transaction's staged files, it would place them.
pub(super) fn discard(disk: &impl Disk) -> Result<()> {
    match disk.kind(PENDING)? {
        EntryKind::Missing => return Ok(()),
        EntryKind::Folder { .. } => {}
        _ => return disk.remove_file(PENDING),
    }
    if disk.kind(JOURNAL)? != EntryKind::Missing {
        disk.remove_file(JOURNAL)?;
    }
    disk.sync_dir(PENDING)?;
    remove_tree(disk, PENDING)
}

/// Undoes an apply that was interrupted before its journal was written: deletes what it staged.
pub(super) fn undo(disk: &impl Disk) -> Result<()> {
    discard(disk)
}

fn remove_tree(disk: &impl Disk, folder: &str) -> Result<()> {
    for name in disk.list(folder)? {
        let path = format!("{folder}/{name}");
        match disk.kind(&path)? {
            EntryKind::Missing => {}
            EntryKind::Folder { .. } => remove_tree(disk, &path)?,
            _ => disk.remove_file(&path)?,
        }
    }
    disk.remove_dir(folder)
}
