//! What an interrupted apply left behind its journal, and whether this machine may finish it.

use std::fmt;

use super::disk::{Disk, EntryKind};
use super::finish::{Pending, lock_digest, pending, what_changed};
use super::journal::{Action, Journal, JournalKey};
use super::{JOURNAL, LOCK_LIMIT, PENDING, STAGED_LOCK};
use crate::error::{Error, Result};
use crate::hash::Digest;
use crate::name::{ArtifactName, TreePath};

/// A commit whose journal is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Of the journal's bytes, which hold a digest of every file: it names all that finishing would do.
    pub identity: Digest,
    /// Why the next apply does not finish it by itself. `None`: this user began it on this machine.
    pub doubt: Option<Doubt>,
    journal: Option<Journal>,
}

/// Why an interrupted apply is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// Its last line was not made with the key of this user and machine; the reason, where there is no such
    /// key.
    NotFromHere(Option<String>),
    /// `out/.pending` or the journal belongs to another user.
    OtherOwner,
    /// `cluster.lock` is another one than when it was begun.
    LockChanged,
    /// Git has it: it came with a commit, or goes into one.
    Tracked,
    /// A staged or placed file is not the one that it was begun with.
    FileChanged(String),
    /// It cannot be read; why, in words that read after "its journal ".
    Unreadable(String),
}

impl Doubt {
    /// A person's consent may take the place of the key, and of nothing else.
    pub fn yields_to_consent(&self) -> bool {
        matches!(self, Doubt::NotFromHere(_))
    }
}

/// Reads after "an interrupted apply waits that kpki does not finish: ".
impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::NotFromHere(None) => {
                f.write_str("it was not begun by this user on this machine")
            }
            Doubt::NotFromHere(Some(why)) => {
                write!(f, "whether it was begun on this machine cannot be told ({why})")
            }
            Doubt::OtherOwner => f.write_str("out/.pending belongs to another user"),
            Doubt::LockChanged => f.write_str("cluster.lock has changed since it was begun"),
            Doubt::Tracked => f.write_str("Git tracks out/.pending, so it came with a commit"),
            Doubt::FileChanged(path) => write!(f, "{path} has changed since it was begun"),
            Doubt::Unreadable(why) => write!(f, "its journal {why}"),
        }
    }
}

/// What finishing would do to one file of `out/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    Put,
    Remove,
    Mode(u32),
}

/// Looks; writes nothing. `key`: of this machine, or why there is none.
pub fn interrupted<D: Disk>(
    disk: &D,
    key: Result<Option<&JournalKey>, &str>,
) -> Result<Option<Interrupted>> {
    let unreadable = |why: &str| Interrupted {
        identity: Digest::of(b""),
        doubt: Some(Doubt::Unreadable(why.to_owned())),
        journal: None,
    };
    let own = match disk.kind(JOURNAL)? {
        EntryKind::Missing if pending(disk)? == Pending::Unfinished => {
            return Ok(Some(unreadable(
                "is missing, though out/.pending/old holds replaced files",
            )));
        }
        EntryKind::Missing => return Ok(None),
        EntryKind::File { size, .. } if size > LOCK_LIMIT => {
            return Ok(Some(unreadable("is too large")));
        }
        EntryKind::File { .. } => disk.is_own(PENDING)? && disk.is_own(JOURNAL)?,
        _ => return Ok(Some(unreadable("is not a file"))),
    };
    let bytes = disk.read(JOURNAL)?;
    let identity = Digest::of(&bytes);
    let (journal, doubt) = match Journal::read(&bytes) {
        Err(why) => (None, Some(Doubt::Unreadable(why.to_owned()))),
        Ok(journal) => {
            let doubt = match key {
                _ if !own => Some(Doubt::OtherOwner),
                Err(why) => Some(Doubt::NotFromHere(Some(why.to_owned()))),
                Ok(Some(key)) if Journal::is_sealed(&bytes, key) => None,
                Ok(_) => Some(Doubt::NotFromHere(None)),
            };
            let lock = lock_digest(disk)?;
            // It may have been replaced before the crash.
            let follows = lock == journal.lock_before || lock == Some(journal.lock_after);
            let doubt = match doubt {
                None | Some(Doubt::NotFromHere(_)) if !follows => Some(Doubt::LockChanged),
                // While another apply moves its files, one may be in neither place for a moment.
                None | Some(Doubt::NotFromHere(_)) => {
                    let changed = what_changed(disk, &journal).ok().flatten();
                    changed.map(Doubt::FileChanged).or(doubt)
                }
                doubt => doubt,
            };
            (Some(journal), doubt)
        }
    };
    Ok(Some(Interrupted { identity, doubt, journal }))
}

impl Interrupted {
    /// Of the files below `out/`, what finishing changes; in the order of their paths.
    pub fn touches(&self) -> impl Iterator<Item = (&TreePath, Touch)> {
        let changes = self.journal.iter().flat_map(Journal::changes);
        changes.map(|change| {
            let touch = match change.action {
                Action::Put(_) => Touch::Put,
                Action::Remove => Touch::Remove,
                Action::Mode(mode) => Touch::Mode(mode),
            };
            (&change.path, touch)
        })
    }

    /// Whether a person consented to this root's new key when it was begun; believed of no journal in doubt.
    pub fn allows_replacing(&self, name: &ArtifactName) -> bool {
        self.doubt.is_none()
            && self.journal.as_ref().is_some_and(|journal| journal.allowed.contains(name))
    }

    /// The lock as it will be.
    pub fn lock<D: Disk>(&self, disk: &D) -> Result<Vec<u8>> {
        match disk.kind(STAGED_LOCK)? {
            EntryKind::File { size, .. } if size <= LOCK_LIMIT => disk.read(STAGED_LOCK),
            _ => Err(Error::refused(format!(
                "an interrupted apply cannot be finished: {STAGED_LOCK} is missing or no file"
            ))
            .help(super::journal::RESCUE)),
        }
    }

    pub(super) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }
}
