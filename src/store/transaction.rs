//! One change to `out/` and `cluster.lock`: staged from many threads, committed once.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, EntryKind};
use super::finish::{Pending, discard, finish, pending, recover, undo};
use super::folders::{is_symlink, not_a_file, not_a_folder};
use super::journal::{Action, Change, Journal};
use super::survey::{Run, survey};
use super::{
    CA, FEW, JOURNAL, LOCK, NEW_JOURNAL, NEW_LOCK, OUT, PENDING, STAGED_LOCK, STAGED_TREE,
    folder_mode, in_out, in_stage, parent,
};
use crate::error::{Error, Result};
use crate::name::TreePath;

/// What [`begin`] did about an interrupted apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Nothing,
    /// It had been committed and is now complete.
    Finished,
    /// It had not been committed; what it had staged is deleted.
    Undone,
}

/// Holds the writer's lock. Dropped without a commit it leaves everything as it was.
pub struct Transaction<'d, D: Disk> {
    disk: &'d D,
    settled: Settled,
    changes: Mutex<Vec<Change>>,
    /// Folders made so far, relative to the project folder.
    made: Mutex<HashSet<String>>,
    /// A file that failed may lie half-written among the staged ones, so there is no commit any more.
    failed: AtomicBool,
    committed: bool,
    /// `out/` was not there before.
    made_out: bool,
}

/// Takes the writer's lock and settles what an interrupted apply left. What was read from `out/` or the
/// lock before this may be out of date after it.
pub fn begin<D: Disk>(disk: &D) -> Result<Transaction<'_, D>> {
    let mut made_out = false;
    match disk.kind(OUT)? {
        EntryKind::Folder { .. } => {}
        EntryKind::Missing => {
            disk.mkdir(OUT, 0o755)?;
            disk.sync_dir("")?;
            made_out = true;
        }
        EntryKind::Symlink => return Err(is_symlink(OUT)),
        EntryKind::File { .. } | EntryKind::Special => return Err(not_a_folder(OUT)),
    }
    disk.lock()?;
    let mut transaction = Transaction {
        disk,
        settled: Settled::Nothing,
        changes: Mutex::default(),
        made: Mutex::default(),
        failed: AtomicBool::new(false),
        // What is there now is not this transaction's to delete.
        committed: true,
        made_out,
    };
    transaction.settled = match pending(disk)? {
        Pending::Nothing => Settled::Nothing,
        Pending::Unfinished => {
            recover(disk)?;
            Settled::Finished
        }
        Pending::Staged => {
            undo(disk)?;
            Settled::Undone
        }
    };
    transaction.committed = false;
    close_ca_folder(disk)?;
    Ok(transaction)
}

/// The CA keys' folder is the operator's alone, whatever a checkout or a person made of it.
fn close_ca_folder(disk: &impl Disk) -> Result<()> {
    let path = in_out(CA);
    match disk.kind(&path)? {
        EntryKind::Folder { mode } if mode & 0o077 != 0 => disk.set_mode(&path, folder_mode(CA)),
        _ => Ok(()),
    }
}

impl<D: Disk> Transaction<'_, D> {
    pub fn settled(&self) -> Settled {
        self.settled
    }

    /// Writes a file that the commit will put at `path`, relative to `out/`.
    pub fn stage(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()> {
        let staged = in_stage(path.as_str());
        let written = own(path)
            .and_then(|()| self.make_folder(parent(&staged)))
            .and_then(|()| self.disk.write_new(&staged, bytes, mode));
        if written.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        written?;
        self.record(path, Action::Put);
        Ok(())
    }

    /// Removes a file at the commit, and the folders that become empty with it.
    pub fn remove(&self, path: &TreePath) -> Result<()> {
        own(path)?;
        self.record(path, Action::Remove);
        Ok(())
    }

    /// Changes the mode of a file that is not staged, at the commit.
    pub fn set_mode(&self, path: &TreePath, mode: u32) -> Result<()> {
        own(path)?;
        self.record(path, Action::Mode(mode));
        Ok(())
    }

    /// After an error the change is either not made at all or, if the message says so, finished by the
    /// next [`begin`].
    pub fn commit(mut self, lock: &[u8]) -> Result<()> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::internal("commit after a file could not be staged"));
        }
        let journal = Journal::new(std::mem::take(&mut *locked(&self.changes)))?;
        let left = survey(self.disk, &journal, Run::First)?;
        self.refuse_odd_lock()?;

        self.make_folder(PENDING)?;
        self.disk.write_new(STAGED_LOCK, lock, 0o644)?;
        self.sync_staged(&journal)?;
        (self.disk).write_new(NEW_JOURNAL, journal.write().as_bytes(), 0o600)?;
        self.disk.sync_file(NEW_JOURNAL)?;
        self.disk.rename(NEW_JOURNAL, JOURNAL)?;
        self.disk.sync_dir(PENDING)?;

        self.committed = true;
        finish(self.disk, &left, Run::First).map_err(|error| {
            let help = "the change is recorded, not complete; run `kpki apply` again to finish it";
            error.help(help)
        })
    }

    fn record(&self, path: &TreePath, action: Action) {
        locked(&self.changes).push(Change {
            path: path.clone(),
            action,
        });
    }

    /// A rename would replace a link that the user made without a word.
    fn refuse_odd_lock(&self) -> Result<()> {
        for path in [LOCK, NEW_LOCK] {
            match self.disk.kind(path)? {
                EntryKind::Missing | EntryKind::File { .. } => {}
                EntryKind::Symlink => return Err(is_symlink(path)),
                EntryKind::Folder { .. } | EntryKind::Special => return Err(not_a_file(path)),
            }
        }
        Ok(())
    }

    /// Makes a folder of the staging area and those above it, each with the mode of the folder in `out/`
    /// that it stands for.
    fn make_folder(&self, path: &str) -> Result<()> {
        if path == OUT || locked(&self.made).contains(path) {
            return Ok(());
        }
        self.make_folder(parent(path))?;
        let stands_for = path
            .strip_prefix(STAGED_TREE)
            .and_then(|rest| rest.strip_prefix('/'));
        let mode = stands_for.map_or(0o700, folder_mode);
        self.disk.mkdir(path, mode)?;
        locked(&self.made).insert(path.to_owned());
        Ok(())
    }

    /// All that the journal will name, and the way to it, must be durable before the journal is.
    fn sync_staged(&self, journal: &Journal) -> Result<()> {
        let made: BTreeSet<String> = std::mem::take(&mut *locked(&self.made))
            .into_iter()
            .collect();
        if journal.changes().len() + made.len() > FEW {
            return self.disk.sync_all();
        }
        for Change { path, action } in journal.changes() {
            if *action == Action::Put {
                self.disk.sync_file(&in_stage(path.as_str()))?;
            }
        }
        self.disk.sync_file(STAGED_LOCK)?;
        for folder in &made {
            self.disk.sync_dir(folder)?;
        }
        self.disk.sync_dir(OUT)
    }
}

impl<D: Disk> Drop for Transaction<'_, D> {
    fn drop(&mut self) {
        if !self.committed {
            // What cannot be deleted now, the next `begin` deletes.
            let _ = discard(self.disk);
            if self.made_out {
                let _ = self.disk.remove_dir(OUT);
            }
        }
        self.disk.unlock();
    }
}

fn own(path: &TreePath) -> Result<()> {
    if path.as_str().split('/').next() == Some(".pending") {
        return Err(Error::internal(format!("{path} is the store's own")));
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
