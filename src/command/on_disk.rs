//! Secrets of `out/` for commands that only read.

use super::identity::Keyring;
use crate::build::execute::Files;
use crate::cli::Identities;
use crate::error::{Error, Result};
use crate::name::TreePath;
use crate::sealed::Identity;
use crate::secret::Secret;
use crate::store::{Disk as _, RealDisk};

/// Reads secrets and writes nothing.
pub(super) struct OnDisk<'a> {
    /// `None`: nothing is there yet.
    disk: Option<&'a RealDisk>,
    keyring: Keyring,
}

impl<'a> OnDisk<'a> {
    pub fn new(disk: &'a RealDisk, identities: &Identities) -> Self {
        OnDisk { disk: Some(disk), keyring: Keyring::of(&identities.identity) }
    }
}

impl OnDisk<'_> {
    /// Of a folder in which nothing is yet.
    pub fn nothing(identities: &Identities) -> Self {
        OnDisk { disk: None, keyring: Keyring::of(&identities.identity) }
    }
}

impl Files for OnDisk<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        let none = || Error::internal(format!("nothing is here, and {path} was asked for"));
        self.disk.ok_or_else(none)?.read(&format!("out/{path}")).map(Secret::new)
    }

    fn identities(&self) -> Result<&[Identity]> {
        self.keyring.identities(|ask| ask())
    }

    fn write(&self, path: &TreePath, _: &[u8], _: u32) -> Result<()> {
        Err(Error::internal(format!("a reader writes nothing, not even {path}")))
    }

    fn set_mode(&self, path: &TreePath, _: u32) -> Result<()> {
        self.write(path, &[], 0)
    }

    fn remove(&self, path: &TreePath) -> Result<()> {
        self.write(path, &[], 0)
    }

    fn progress(&self, _: usize) {}
}
