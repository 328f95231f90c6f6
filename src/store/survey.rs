//! What a journal's changes meet in `out/`: looked at before the commit point, so that after it nothing
//! but the disk itself can stand in the way; and again when a crash is recovered from.

use std::collections::BTreeSet;

use super::disk::{Disk, EntryKind};
use super::folders::{is_symlink, not_a_file, not_a_folder};
use super::journal::{Action, Change, Journal, RESCUE};
use super::{folder_mode, in_out, in_stage, parent};
use crate::error::{Error, Result};

/// What is left to do. Paths are relative to `out/`.
#[derive(Default)]
pub(super) struct Survey<'j> {
    pub(super) moves: Vec<Move<'j>>,
    /// Files that go, each with the place of its change in the journal.
    pub(super) removals: Vec<(usize, &'j str)>,
    pub(super) modes: Vec<(&'j str, u32)>,
    /// Private folders that are open to others, as Git makes them.
    pub(super) tighten: Vec<String>,
    /// Folders that an earlier, interrupted run may have changed and not synced.
    pub(super) revisited: BTreeSet<String>,
}

pub(super) enum Move<'j> {
    /// A folder that is not in `out/` yet, with all that is in it: 10,000 new nodes are one rename.
    Folder(String),
    File {
        place: usize,
        path: &'j str,
        replaces: bool,
    },
}

type Put<'j> = (usize, &'j str);

/// Before the commit point every staged file is where it was put; afterwards it may have moved already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    First,
    Recovery,
}

pub(super) fn survey<'j>(disk: &impl Disk, journal: &'j Journal, run: Run) -> Result<Survey<'j>> {
    let mut found = Survey::default();
    let mut puts = Vec::new();
    for (place, Change { path, action }) in journal.changes().iter().enumerate() {
        let path = path.as_str();
        if matches!(action, Action::Put(_)) {
            puts.push((place, path));
            continue;
        }
        match (action, disk.kind(&in_out(path))?) {
            // Gone already: what was wanted, or for the next plan to find.
            (_, EntryKind::Missing) => {}
            (Action::Mode(wanted), EntryKind::File { .. }) => found.modes.push((path, *wanted)),
            (_, EntryKind::File { .. }) => found.removals.push((place, path)),
            (_, other) => return Err(in_the_way(path, other)),
        }
        if run == Run::Recovery && *action == Action::Remove {
            found.revisit_above(path);
        }
    }
    survey_folder(disk, "", &puts, run, &mut found)?;
    Ok(found)
}

impl Survey<'_> {
    fn revisit_above(&mut self, path: &str) {
        let mut folder = parent(path);
        while self.revisited.insert(folder.to_owned()) && !folder.is_empty() {
            folder = parent(folder);
        }
    }
}

/// `puts` all lie below `folder`, sorted, so that those of one child are neighbours.
fn survey_folder<'j>(
    disk: &impl Disk,
    folder: &str,
    puts: &[Put<'j>],
    run: Run,
    found: &mut Survey<'j>,
) -> Result<()> {
    if puts.is_empty() {
        return Ok(());
    }
    match disk.kind(&in_out(folder))? {
        EntryKind::Missing => {
            if run == Run::Recovery {
                for (_, path) in puts {
                    require_staged(disk, path)?;
                }
            }
            found.moves.push(Move::Folder(folder.to_owned()));
            return Ok(());
        }
        EntryKind::Folder { mode } => {
            if folder_mode(folder) == 0o700 && mode & 0o077 != 0 {
                found.tighten.push(folder.to_owned());
            }
        }
        other => return Err(in_the_way(folder, other)),
    }
    if run == Run::Recovery {
        found.revisited.insert(folder.to_owned());
    }
    let mut rest = puts;
    while let Some(((place, path), after)) = rest.split_first() {
        let Some(child) = child_folder(folder, path) else {
            survey_file(disk, *place, path, run, found)?;
            rest = after;
            continue;
        };
        let below = |(_, path): &Put<'_>| {
            path.strip_prefix(child).is_some_and(|rest| rest.starts_with('/'))
        };
        let (inside, others) = rest.split_at(rest.partition_point(below));
        survey_folder(disk, child, inside, run, found)?;
        rest = others;
    }
    Ok(())
}

fn survey_file<'j>(
    disk: &impl Disk,
    place: usize,
    path: &'j str,
    run: Run,
    found: &mut Survey<'j>,
) -> Result<()> {
    let target = disk.kind(&in_out(path))?;
    if run == Run::Recovery && disk.kind(&in_stage(path))? == EntryKind::Missing {
        return match target {
            EntryKind::File { .. } => Ok(()),
            _ => Err(nowhere(path)),
        };
    }
    let replaces = match target {
        EntryKind::Missing => false,
        EntryKind::File { .. } => true,
        other => return Err(in_the_way(path, other)),
    };
    found.moves.push(Move::File { place, path, replaces });
    Ok(())
}

/// The folder directly below `folder` that `path` lies in, or `None` for a file of `folder` itself.
fn child_folder<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let (name, _) = rest.split_once('/')?;
    let start = path.len() - rest.len();
    path.get(..start + name.len())
}

fn require_staged(disk: &impl Disk, path: &str) -> Result<()> {
    match disk.kind(&in_stage(path))? {
        EntryKind::File { .. } => Ok(()),
        _ => Err(nowhere(path)),
    }
}

fn nowhere(path: &str) -> Error {
    Error::refused(format!(
        "an interrupted apply cannot be finished: {} is neither staged nor in place",
        in_out(path)
    ))
    .help(RESCUE)
}

fn in_the_way(path: &str, kind: EntryKind) -> Error {
    let shown = in_out(path);
    match kind {
        EntryKind::Symlink => is_symlink(&shown),
        EntryKind::File { .. } => not_a_folder(&shown),
        _ => not_a_file(&shown),
    }
}
