//! Open folders, reached one component at a time so that no symbolic link is ever followed.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::sources::beneath::open_folder;
use crate::sources::owner::{is_denied, why};

/// How many open folders are kept: the depth of a tree for several threads, far below any limit on
/// descriptors.
const KEPT: usize = 48;

pub(super) struct Folders {
    project: Arc<OwnedFd>,
    /// Most recently used last. Few enough that searching beats hashing.
    recent: Mutex<Vec<(Box<str>, Arc<OwnedFd>)>>,
}

impl Folders {
    pub(super) fn below(project: &Path) -> Result<Self> {
        // The project folder itself is the user's own choice, so links are followed up to here.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, project, flags, Mode::empty())
            .map_err(|error| Error::io("open the folder", project, &error.into()))?;
        Ok(Folders { project: Arc::new(fd), recent: Mutex::default() })
    }

    /// `None` where it or a folder on the way is missing.
    pub(super) fn find(&self, path: &str) -> Result<Option<Arc<OwnedFd>>> {
        if path.is_empty() {
            return Ok(Some(Arc::clone(&self.project)));
        }
        if let Some(fd) = self.recall(path) {
            return Ok(Some(fd));
        }
        let (parent, name) = split(path)?;
        let Some(parent) = self.find(parent)? else {
            return Ok(None);
        };
        match open_folder(&parent, name) {
            Ok(fd) => {
                let fd = Arc::new(fd);
                self.remember(path, &fd);
                Ok(Some(fd))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(explain("open", &parent, path, errno)),
        }
    }

    pub(super) fn get(&self, path: &str) -> Result<Arc<OwnedFd>> {
        self.find(path)?.ok_or_else(|| Error::io("open", Path::new(path), &Errno::NOENT.into()))
    }

    /// The folder that holds `path`, and its name there.
    pub(super) fn holding<'p>(&self, path: &'p str) -> Result<(Arc<OwnedFd>, &'p str)> {
        let (parent, name) = split(path)?;
        Ok((self.get(parent)?, name))
    }

    /// To be called when the folder `path` moves or goes: its name may come to mean another one.
    pub(super) fn forget(&self, path: &str) {
        self.recent().retain(|(kept, _)| {
            kept.strip_prefix(path).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
    }

    fn recall(&self, path: &str) -> Option<Arc<OwnedFd>> {
        let mut recent = self.recent();
        let at = recent.iter().rposition(|(kept, _)| **kept == *path)?;
        let entry = recent.remove(at);
        let fd = Arc::clone(&entry.1);
        recent.push(entry);
        Some(fd)
    }

    fn remember(&self, path: &str, fd: &Arc<OwnedFd>) {
        let mut recent = self.recent();
        // Two threads may have opened the same folder; one descriptor is enough.
        if recent.iter().any(|(kept, _)| **kept == *path) {
            return;
        }
        if recent.len() >= KEPT {
            recent.remove(0);
        }
        recent.push((path.into(), Arc::clone(fd)));
    }

    fn recent(&self) -> MutexGuard<'_, Vec<(Box<str>, Arc<OwnedFd>)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parent and name. The last line of defence against a path that leads out of the project folder.
fn split(path: &str) -> Result<(&str, &str)> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    if matches!(name, "" | "." | "..") {
        return Err(Error::internal(format!("{path:?} is not a path below the project folder")));
    }
    Ok((parent, name))
}

/// An error at `path`, whose last component lies in `folder`: a link or a file in a folder's place is
/// named as such, since "too many levels" and "not a directory" tell a user little.
pub(super) fn explain(doing: &str, folder: &OwnedFd, path: &str, errno: Errno) -> Error {
    if matches!(errno, Errno::LOOP | Errno::NOTDIR | Errno::MLINK)
        && let Ok((_, name)) = split(path)
        && let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
    {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => return is_symlink(path),
            FileType::Directory => {}
            _ => return not_a_folder(path),
        }
    }
    if is_denied(errno)
        && let Ok((_, name)) = split(path)
    {
        let why = why(folder, name, errno);
        return Error::refused(format!("cannot {doing} {path}: {why}")).help(AS_OWNER);
    }
    Error::io(doing, Path::new(path), &errno.into())
}

/// What to do about what another owns.
const AS_OWNER: &str = "run kpki as the owner of these files; nothing is wrong with what they hold";

pub(super) fn is_symlink(path: &str) -> Error {
    Error::refused(format!("{path} is a symbolic link, which kpki does not follow"))
        .help("put a real file or folder in its place, or remove it")
}

pub(super) fn not_a_folder(path: &str) -> Error {
    Error::refused(format!("{path} is not a folder, and kpki needs one there"))
        .help("move it away, then run the command again")
}

pub(super) fn not_a_file(path: &str) -> Error {
    Error::refused(format!("{path} is not a regular file"))
        .help("move it away, then run the command again")
}
