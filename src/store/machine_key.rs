//! A random key of this user on this machine, outside of every project: what it seals was written here.
//!
//! Whatever lies in a project folder may have come with a pull request; a checksum proves nothing about that.
//! The key lies in the user's state folder (XDG Base Directory Specification), readable by that user alone.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::keys::Entropy;
use crate::visible;

const NAME: &str = "machine.key";
const LENGTH: usize = 32;

/// Never written anywhere but to its file; uses are apart by [`MachineKey::derive`].
#[derive(Clone)]
pub struct MachineKey(Zeroizing<[u8; LENGTH]>);

/// Why there is none, in words that read after "there is no machine key: ".
pub type NoMachineKey = String;

impl MachineKey {
    /// The key in kpki's state folder, if one was ever made there.
    pub fn read(folder: &Path) -> Result<Option<MachineKey>, NoMachineKey> {
        match fs::symlink_metadata(folder) {
            Ok(facts) if !facts.is_dir() => {
                return Err(format!("{} is no folder", visible::path(folder)));
            }
            Ok(facts) => private(folder, &facts)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", visible::path(folder))),
        }
        let path = folder.join(NAME);
        let failed = |error: io::Error| format!("{}: {error}", visible::path(&path));
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let mut file = match File::options().read(true).custom_flags(flags).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let facts = file.metadata().map_err(failed)?;
        private(&path, &facts)?;
        if !facts.is_file() || facts.len() != LENGTH as u64 {
            return Err(format!(
                "{} is not a key; delete it, and kpki makes another",
                visible::path(&path)
            ));
        }
        let mut key = Zeroizing::new([0; LENGTH]);
        file.read_exact(&mut *key).map_err(failed)?;
        Ok(Some(MachineKey(key)))
    }

    /// The key in kpki's state folder; made now where there is none.
    pub fn read_or_make(folder: &Path, entropy: &Entropy) -> Result<MachineKey, NoMachineKey> {
        if let Some(key) = MachineKey::read(folder)? {
            return Ok(key);
        }
        refuse_home_of_another(folder)?;
        let mut key = Zeroizing::new([0; LENGTH]);
        entropy.fill(&mut *key).map_err(|error| error.to_string())?;
        let mut suffix = [0; 8];
        entropy.fill(&mut suffix).map_err(|error| error.to_string())?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| format!("{}: {error}", visible::path(&path))
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        let new: PathBuf = folder.join(format!("{NAME}.{:016x}", u64::from_le_bytes(suffix)));
        let written = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(&*key).and_then(|()| file.sync_all()))
            // Unlike a rename, this leaves the key of a kpki that was faster.
            .and_then(|()| match fs::hard_link(&new, folder.join(NAME)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            })
            .and_then(|()| File::open(folder)?.sync_all());
        let _ = fs::remove_file(&new);
        written.map_err(failed(folder))?;
        MachineKey::read(folder)?
            .ok_or_else(|| format!("{} has vanished", visible::path(&folder.join(NAME))))
    }

    /// A key for one purpose; `context` is a constant that nothing else uses (BLAKE3's key derivation).
    pub fn derive(&self, context: &'static str) -> Zeroizing<[u8; LENGTH]> {
        Zeroizing::new(blake3::derive_key(context, &*self.0))
    }
}

/// Root with a user's HOME (`sudo` that keeps it) would leave folders there that are closed to that user.
fn refuse_home_of_another(folder: &Path) -> Result<(), NoMachineKey> {
    let mut above = folder.ancestors();
    let nearest = above.find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
    match nearest {
        Some((path, facts)) if geteuid().is_root() && facts.uid() != 0 => Err(format!(
            "{} belongs to another user; set HOME or XDG_STATE_HOME to a folder of this one",
            visible::path(path)
        )),
        _ => Ok(()),
    }
}

/// Whoever else could read or exchange the key could make its seals.
fn private(path: &Path, facts: &fs::Metadata) -> Result<(), NoMachineKey> {
    if facts.uid() != geteuid().as_raw() {
        return Err(format!("{} belongs to another user", visible::path(path)));
    }
    if facts.mode() & 0o077 != 0 {
        return Err(format!(
            "{} is open to other users; close it with chmod go=",
            visible::path(path)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn context(key: &MachineKey) -> [u8; LENGTH] {
        *key.derive("kpki test of the machine key")
    }

    #[test]
    fn is_made_once_and_is_private() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/kpki");
        assert!(MachineKey::read(&folder).unwrap().is_none());
        let made = MachineKey::read_or_make(&folder, &Entropy::system()).unwrap();
        let again = MachineKey::read_or_make(&folder, &Entropy::system()).unwrap();
        assert_eq!(context(&made), context(&again));
        assert_eq!(context(&made), context(&MachineKey::read(&folder).unwrap().unwrap()));
        let modes: Vec<u32> = [folder.clone(), folder.join(NAME)]
            .iter()
            .map(|path| fs::metadata(path).unwrap().mode() & 0o777)
            .collect();
        assert_eq!(modes, [0o700, 0o600]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let other = tempfile::tempdir().unwrap();
        let other =
            MachineKey::read_or_make(&other.path().join("kpki"), &Entropy::system()).unwrap();
        assert_ne!(context(&made), context(&other));
    }

    #[test]
    fn twenty_at_once_agree() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("kpki");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let make = || context(&MachineKey::read_or_make(&folder, &Entropy::system()).unwrap());
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn what_others_could_have_put_there_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("kpki");
        MachineKey::read_or_make(&folder, &Entropy::system()).unwrap();
        let path = folder.join(NAME);
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&path, 0o640);
        assert!(MachineKey::read(&folder).is_err());
        mode(&path, 0o600);
        mode(&folder, 0o770);
        assert!(MachineKey::read(&folder).is_err());
        mode(&folder, 0o700);
        fs::rename(&path, home.path().join("elsewhere")).unwrap();
        symlink(home.path().join("elsewhere"), &path).unwrap();
        assert!(MachineKey::read(&folder).is_err());
        fs::remove_file(&path).unwrap();
        fs::write(&path, [7; 31]).unwrap();
        mode(&path, 0o600);
        assert!(MachineKey::read(&folder).is_err());
    }
}
