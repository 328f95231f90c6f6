//! Where what is built goes: to the transaction, with a bar for who waits.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Instant;

use indicatif::ProgressBar;

use super::identity::Keyring;
use super::terminal;
use crate::build::execute::Files;
use crate::error::Result;
use crate::name::TreePath;
use crate::sealed::Identity;
use crate::secret::Secret;
use crate::store::{Disk as _, RealDisk, Transaction};

/// Outputs go to the transaction as they are built.
pub(super) struct Output<'a> {
    disk: &'a RealDisk,
    transaction: &'a Transaction<'a, RealDisk>,
    keyring: Keyring,
    bar: ProgressBar,
    started: Instant,
    shown: Once,
    /// Files that are other ones once the transaction is committed.
    touched: Mutex<HashSet<TreePath>>,
}

impl<'a> Output<'a> {
    pub fn new(
        disk: &'a RealDisk,
        transaction: &'a Transaction<'a, RealDisk>,
        identities: &[PathBuf],
        steps: usize,
    ) -> Self {
        Output {
            disk,
            transaction,
            keyring: Keyring::of(identities),
            bar: terminal::progress(steps),
            started: Instant::now(),
            shown: Once::new(),
            touched: Mutex::default(),
        }
    }

    /// The bar, and what was written or gets another mode.
    pub fn finish(self) -> (ProgressBar, HashSet<TreePath>) {
        let touched = self.touched.into_inner();
        (self.bar, touched.unwrap_or_else(PoisonError::into_inner))
    }

    fn touch(&self, path: &TreePath) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.insert(path.clone());
    }
}

impl Files for Output<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        self.disk.read(&format!("out/{path}")).map(Secret::new)
    }

    fn identities(&self) -> Result<&[Identity]> {
        // A bar would draw over the question for a passphrase.
        self.keyring.identities(|ask| self.bar.suspend(ask))
    }

    fn write(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()> {
        self.touch(path);
        self.transaction.stage(path, bytes, mode)
    }

    fn set_mode(&self, path: &TreePath, mode: u32) -> Result<()> {
        self.touch(path);
        self.transaction.set_mode(path, mode)
    }

    fn remove(&self, path: &TreePath) -> Result<()> {
        self.transaction.remove(path)
    }

    fn progress(&self, count: usize) {
        if self.started.elapsed() > terminal::PATIENCE {
            self.shown.call_once(|| terminal::reveal(&self.bar));
        }
        self.bar.inc(count as u64);
    }
}
