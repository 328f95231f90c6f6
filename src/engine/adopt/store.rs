//! Where an ordinary plan's files go, before anything of them is staged.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::adopt::TakenFile;
use crate::build::execute::Files;
use crate::error::Result;
use crate::name::TreePath;
use crate::sealed::Identity;
use crate::secret::Secret;

/// A file as it is staged.
pub struct OutFile {
    pub bytes: Secret,
    pub mode: u32,
}

/// Takes what a plan writes, before anything is staged.
pub(super) struct Store<'a> {
    secrets: &'a dyn Files,
    taken: BTreeMap<TreePath, TakenFile>,
    written: Mutex<BTreeMap<TreePath, Option<OutFile>>>,
}

impl<'a> Store<'a> {
    pub fn new(secrets: &'a dyn Files, taken: BTreeMap<TreePath, TakenFile>) -> Self {
        Store { secrets, taken, written: Mutex::default() }
    }

    fn note(&self, path: &TreePath, file: Option<OutFile>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(path.clone(), file);
    }

    /// Everything that is put below `out/`.
    pub fn finish(self) -> BTreeMap<TreePath, OutFile> {
        let mut files: BTreeMap<TreePath, OutFile> = (self.taken.into_iter())
            .map(|(path, file)| (path, OutFile { bytes: file.bytes, mode: file.mode }))
            .collect();
        let written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (path, file) in written {
            match file {
                Some(file) => drop(files.insert(path, file)),
                None => drop(files.remove(&path)),
            }
        }
        files
    }
}

impl Files for Store<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        match self.taken.get(path) {
            Some(file) => Ok(file.bytes.clone()),
            None => self.secrets.read_secret(path),
        }
    }

    fn identities(&self) -> Result<&[Identity]> {
        self.secrets.identities()
    }

    fn write(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()> {
        self.note(path, Some(OutFile { bytes: Secret::new(bytes.to_vec()), mode }));
        Ok(())
    }

    fn set_mode(&self, _: &TreePath, _: u32) -> Result<()> {
        // What is taken over has its mode.
        Ok(())
    }

    fn remove(&self, path: &TreePath) -> Result<()> {
        self.note(path, None);
        Ok(())
    }

    fn progress(&self, _: usize) {}
}
