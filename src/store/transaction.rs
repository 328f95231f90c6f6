//! One change to `out/` and `cluster.lock`: staged from many threads, committed once.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, EntryKind};
use super::finish::{
    Effect, Failed, Pending, discard, finish, lock_digest, pending, recover, undo,
};
use super::folders::{is_symlink, not_a_file, not_a_folder};
use super::interrupted::interrupted;
use super::journal::{Action, Change, Journal, JournalKey};
use super::survey::{Run, survey};
use super::{
    DISCARDED, FEW, JOURNAL, LOCK, NEW_JOURNAL, NEW_LOCK, OUT, PENDING, STAGED_LOCK, STAGED_TREE,
    folder_mode, in_stage, is_stores_own, parent,
};
use crate::error::{Error, Result};
use crate::hash::Digest;
use crate::name::{ArtifactName, TreePath};

/// What [`Transaction::settle`] did about an interrupted apply.
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
    key: JournalKey,
    /// What was left before is finished or gone, so that there may be a change.
    settled: bool,
    changes: Mutex<Vec<Change>>,
    /// Folders made so far, relative to the project folder.
    made: Mutex<HashSet<String>>,
    /// A file that failed may lie half-written among the staged ones, so there is no commit any more.
    failed: AtomicBool,
    committed: bool,
    /// `out/` was not there before.
    made_out: bool,
}

/// Takes the writer's lock. What an interrupted apply left stays as it is until [`Transaction::settle`].
pub fn begin<D: Disk>(disk: &D, key: JournalKey) -> Result<Transaction<'_, D>> {
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
    Ok(Transaction {
        disk,
        key,
        settled: false,
        changes: Mutex::default(),
        made: Mutex::default(),
        failed: AtomicBool::new(false),
        committed: false,
        made_out,
    })
}

impl<D: Disk> Transaction<'_, D> {
    /// Finishes or undoes what an interrupted apply left. What was begun elsewhere is finished only if
    /// `consent` is its [`Interrupted::identity`](super::Interrupted): whoever gives that has judged all that
    /// it does.
    pub fn settle(&mut self, consent: Option<&Digest>) -> Result<Settled, Failed> {
        let settled = match pending(self.disk).map_err(Effect::Nothing.of())? {
            Pending::Nothing => Settled::Nothing,
            Pending::Staged => {
                undo(self.disk).map_err(Effect::Nothing.of())?;
                Settled::Undone
            }
            Pending::Unfinished => {
                self.finish_interrupted(consent)?;
                Settled::Finished
            }
        };
        self.settled = true;
        Ok(settled)
    }

    fn finish_interrupted(&self, consent: Option<&Digest>) -> Result<(), Failed> {
        let found = interrupted(self.disk, Ok(Some(&self.key))).map_err(Effect::Nothing.of())?;
        let Some(found) = found else {
            return Ok(());
        };
        if let Some(doubt) = &found.doubt
            && !(doubt.yields_to_consent() && consent == Some(&found.identity))
        {
            let error = Error::refused(format!("an interrupted apply is not finished: {doubt}"));
            return Err(Effect::Nothing.of()(error));
        }
        match found.journal() {
            Some(journal) => recover(self.disk, journal),
            None => {
                Err(Effect::Nothing.of()(Error::internal("an unreadable journal without doubt")))
            }
        }
    }

    /// Sets what an interrupted apply left aside, whatever it is, and tells where it lies now. Nothing of it
    /// is read or deleted: it may hold the only copy of a key. `None`: nothing was left.
    pub fn discard(&self) -> Result<Option<String>> {
        match self.disk.kind(PENDING)? {
            EntryKind::Missing => return Ok(None),
            EntryKind::Folder { .. } => {}
            // A link or a file under this name holds nothing of kpki's.
            _ => {
                self.disk.remove_file(PENDING)?;
                return Ok(Some(PENDING.to_owned()));
            }
        }
        self.disk.mkdir(DISCARDED, 0o700)?;
        self.disk.set_mode(DISCARDED, 0o700)?;
        // Old keys are called by their numbers in there: no pattern for names keeps them out of Git.
        let ignore = format!("{DISCARDED}/.gitignore");
        if self.disk.kind(&ignore)? == EntryKind::Missing {
            self.disk.write_new(&ignore, b"*\n", 0o600)?;
        }
        let taken = self.disk.list(DISCARDED)?;
        let free = (1..=taken.len() + 1)
            .map(|number| number.to_string())
            .find(|name| !taken.contains(name));
        let place = format!("{DISCARDED}/{}", free.unwrap_or_default());
        self.disk.rename(PENDING, &place)?;
        self.disk.sync_dir(DISCARDED)?;
        self.disk.sync_dir(OUT)?;
        Ok(Some(place))
    }

    /// Writes a file that the commit will put at `path`, relative to `out/`.
    pub fn stage(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()> {
        let staged = in_stage(path.as_str());
        let written = own(path)
            .and_then(|()| self.require_settled())
            .and_then(|()| self.make_folder(parent(&staged)))
            .and_then(|()| self.disk.write_new(&staged, bytes, mode));
        if written.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        written?;
        self.record(path, Action::Put(blake3::hash(bytes)));
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

    /// `allowed`: the roots of trust that this change may give another key, by a person's consent.
    pub fn commit(mut self, lock: &[u8], allowed: BTreeSet<ArtifactName>) -> Result<(), Failed> {
        let journal = self.journal(lock, allowed).map_err(Effect::Nothing.of())?;
        // What stands in the way is found before the commit point.
        let left = survey(self.disk, &journal, Run::First).map_err(Effect::Nothing.of())?;
        self.write_journal(&journal, lock).map_err(Effect::Nothing.of())?;
        self.committed = true;
        finish(self.disk, &left, Run::First)
    }

    fn journal(&self, lock: &[u8], allowed: BTreeSet<ArtifactName>) -> Result<Journal> {
        self.require_settled()?;
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::internal("commit after a file could not be staged"));
        }
        self.refuse_odd_lock()?;
        let before = lock_digest(self.disk)?;
        let changes = std::mem::take(&mut *locked(&self.changes));
        Journal::new(before, blake3::hash(lock), allowed, changes)
    }

    /// Up to the commit point.
    fn write_journal(&self, journal: &Journal, lock: &[u8]) -> Result<()> {
        self.make_folder(PENDING)?;
        self.disk.write_new(STAGED_LOCK, lock, 0o644)?;
        self.sync_staged(journal)?;
        let text = journal.write(&self.key);
        self.disk.write_new(NEW_JOURNAL, text.as_bytes(), 0o600)?;
        self.disk.sync_file(NEW_JOURNAL)?;
        self.disk.rename(NEW_JOURNAL, JOURNAL)?;
        self.disk.sync_dir(PENDING)
    }

    fn require_settled(&self) -> Result<()> {
        if self.settled {
            return Ok(());
        }
        Err(Error::internal("a change before an interrupted one was settled"))
    }

    fn record(&self, path: &TreePath, action: Action) {
        locked(&self.changes).push(Change { path: path.clone(), action });
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
        let stands_for = path.strip_prefix(STAGED_TREE).and_then(|rest| rest.strip_prefix('/'));
        let mode = stands_for.map_or(0o700, folder_mode);
        self.disk.mkdir(path, mode)?;
        locked(&self.made).insert(path.to_owned());
        Ok(())
    }

    /// All that the journal will name, and the way to it, must be durable before the journal is.
    fn sync_staged(&self, journal: &Journal) -> Result<()> {
        let made: BTreeSet<String> = std::mem::take(&mut *locked(&self.made)).into_iter().collect();
        if journal.changes().len() + made.len() > FEW {
            return self.disk.sync_all();
        }
        for Change { path, action } in journal.changes() {
            if matches!(action, Action::Put(_)) {
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
        // Before it was settled, what is there is not this transaction's to delete.
        if self.settled && !self.committed {
            // What cannot be deleted now, the next run deletes.
            let _ = discard(self.disk);
        }
        if self.made_out && !self.committed {
            let _ = self.disk.remove_dir(OUT);
        }
        self.disk.unlock();
    }
}

fn own(path: &TreePath) -> Result<()> {
    if is_stores_own(path.as_str()) {
        return Err(Error::internal(format!("{path} is the store's own")));
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
