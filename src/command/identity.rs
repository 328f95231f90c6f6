//! The identities that open sealed secrets: read, and asked for, only once a secret must be opened.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::terminal;
use crate::build::identity_file::{NotAnIdentity, identities};
use crate::build::seal::Identity;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sources::read_regular;
use crate::visible;

/// An ssh key of 16,384 bits fits many times.
const LIMIT: usize = 64 << 10;

pub(super) struct Keyring {
    files: Vec<PathBuf>,
    read: OnceLock<Result<Vec<Identity>>>,
}

impl Keyring {
    pub fn of(files: &[PathBuf]) -> Self {
        Keyring { files: files.to_vec(), read: OnceLock::new() }
    }

    /// `asking` runs the first reading, which may ask for a passphrase.
    pub fn identities(&self, asking: impl FnOnce(&mut dyn FnMut())) -> Result<&[Identity]> {
        if self.read.get().is_none() {
            asking(&mut || {
                self.read.get_or_init(|| self.read_all());
            });
        }
        let read = self.read.get_or_init(|| self.read_all());
        read.as_deref().map_err(Clone::clone)
    }

    fn read_all(&self) -> Result<Vec<Identity>> {
        let mut all = Vec::new();
        for file in &self.files {
            all.extend(read(file)?);
        }
        Ok(all)
    }
}

fn read(path: &Path) -> Result<Vec<Identity>> {
    let shown = visible::path(path);
    let refuse = |why: String| Error::refused(format!("identity {shown}: {why}"));
    let bytes = read_regular(path, LIMIT).map(Secret::new).map_err(refuse)?;
    if bytes.expose().len() > LIMIT {
        return Err(refuse("larger than 64 KiB".to_owned()));
    }
    let mut passphrase = || {
        terminal::passphrase(&format!("Passphrase of {shown}: ")).map_err(|why| NotAnIdentity {
            why,
            help: Some("a passphrase is only asked for on a terminal; elsewhere give an identity without one"),
        })
    };
    identities(&bytes, &mut passphrase).map_err(|error| {
        let refused = Error::refused(format!("identity {shown} {error}"));
        match error.help {
            Some(help) => refused.help(help),
            None => refused,
        }
    })
}
