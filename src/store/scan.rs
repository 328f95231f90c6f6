//! All that lies in `out/`, read for the readers: on all cores, and no secret is ever opened.

use std::collections::{BTreeMap, HashSet};
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{
    Access, AtFlags, Dir, FileType, Mode, OFlags, accessat, fstat, openat, stat, statat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::folders::Folders;
use super::stamp::stamp;
use super::{OUT, STAGED_TREE, is_stores_own};
use crate::error::Result;
use crate::sources::beneath::open_folder;
use crate::sources::owner::why;
use crate::state::{Loose, Stamp};
use crate::visible::{is_hidden, printable};

/// The largest file that is read: a CA bundle of hundreds of certificates fits.
pub const READ_LIMIT: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Relative to `out/`.
    pub path: String,
    pub kind: FoundKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundKind {
    ReadFile {
        mode: u32,
        size: u64,
        bytes: Vec<u8>,
    },
    /// Looked at from outside only.
    SecretFile {
        mode: u32,
        size: u64,
        stamp: Stamp,
    },
    /// To be read, and larger than [`READ_LIMIT`].
    TooLarge {
        size: u64,
    },
    Symlink,
    /// A FIFO, a socket or a device.
    Special,
    /// A file or folder, with the operating system's reason.
    Unreadable(String),
    /// Its name is not UTF-8 or has control characters; the path shows what can be shown.
    Foreign,
}

/// Folders of `out/`, by path relative to it, that others could write to.
pub type LooseFolders = BTreeMap<String, Loose>;

/// What is known of folders beside the files in them.
#[derive(Debug, Default)]
pub struct ScannedFolders {
    pub loose: LooseFolders,
    /// Folders with a dot in their names, as files have it: one may lie where a file belongs.
    pub named_like_files: HashSet<String>,
}

/// Everything below `out/` but kpki's own folders there, sorted by path. Folders count by what is in them.
pub fn scan(project: &Path, is_read: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Found>> {
    scan_below(project, OUT, is_read).map(|(found, _)| found)
}

/// The same, and what there is to say of folders; `out/` itself has the empty path.
pub fn scan_with_folders(
    project: &Path,
    is_read: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(Vec<Found>, ScannedFolders)> {
    scan_below(project, OUT, is_read)
}

/// What an interrupted apply has staged and not moved to `out/` yet, as [`scan`] gives it.
pub fn scan_staged(project: &Path, is_read: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Found>> {
    scan_below(project, STAGED_TREE, is_read).map(|(found, _)| found)
}

fn scan_below(
    project: &Path,
    folder: &str,
    is_read: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(Vec<Found>, ScannedFolders)> {
    let Some(out) = Folders::below(project)?.find(folder)? else {
        return Ok((Vec::new(), ScannedFolders::default()));
    };
    let all = Scan {
        is_read,
        us: geteuid().as_raw(),
        host: stat(project).ok().map(|stat| stat.st_uid),
        found: Mutex::default(),
        folders: Mutex::default(),
    };
    rayon::scope(|scope| all.folder(scope, Dir::read_from(&*out), String::new(), None));
    let mut found = (all.found.into_inner()).unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let folders = (all.folders.into_inner()).unwrap_or_else(PoisonError::into_inner);
    Ok((found, folders))
}

struct Scan<'f> {
    is_read: &'f (dyn Fn(&str) -> bool + Sync),
    us: u32,
    /// Whose the project folder is.
    host: Option<u32>,
    found: Mutex<Vec<Found>>,
    folders: Mutex<ScannedFolders>,
}

impl Scan<'_> {
    fn folder<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        opened: rustix::io::Result<Dir>,
        path: String,
        // Why it was not opened, in words.
        refusal: Option<String>,
    ) {
        let (mut found, mut folders) = (Vec::new(), Vec::new());
        let listed = opened.and_then(|mut dir| {
            let stat = dir.stat()?;
            if let Some(loose) = Loose::of(stat.st_mode, stat.st_uid, self.us, self.host) {
                let mut all = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                all.loose.insert(path.clone(), loose);
            }
            let listed = self.entries(&mut dir, &path, &mut found, &mut folders);
            // Its children open themselves below it: one descriptor a folder, closed by the last child,
            // so that few are open at a time.
            let dir = Arc::new(dir);
            for path in folders {
                self.descend(scope, Arc::clone(&dir), path);
            }
            listed
        });
        if let Err(errno) = listed {
            found.push(Found {
                path,
                kind: FoundKind::Unreadable(refusal.unwrap_or_else(|| plain(errno))),
            });
        }
        (self.found.lock()).unwrap_or_else(PoisonError::into_inner).append(&mut found);
    }

    /// The files of one folder, and the folders in it.
    fn entries(
        &self,
        dir: &mut Dir,
        folder: &str,
        found: &mut Vec<Found>,
        folders: &mut Vec<String>,
    ) -> rustix::io::Result<()> {
        while let Some(entry) = dir.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let text = match name.to_str() {
                Ok(text) if !text.contains(is_hidden) => text,
                _ => {
                    // Nothing of kpki's is called so, and a name must not drive a terminal.
                    let shown = printable(&name.to_string_lossy());
                    found.push(Found { path: join(folder, &shown), kind: FoundKind::Foreign });
                    continue;
                }
            };
            let path = join(folder, text);
            if is_stores_own(&path) {
                continue;
            }
            let fd = dir.fd()?;
            let kind = match entry.file_type() {
                // Some file systems do not say in the listing.
                FileType::Unknown => kind_of(fd, name)?,
                known => known,
            };
            let kind = match kind {
                FileType::Directory => {
                    if text.contains('.') {
                        let mut all = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                        all.named_like_files.insert(path.clone());
                    }
                    folders.push(path);
                    continue;
                }
                FileType::Symlink => FoundKind::Symlink,
                FileType::RegularFile if (self.is_read)(&path) => public(fd, name),
                FileType::RegularFile => secret(fd, name, self.us),
                _ => FoundKind::Special,
            };
            found.push(Found { path, kind });
        }
        Ok(())
    }

    fn descend<'s>(&'s self, scope: &rayon::Scope<'s>, parent: Arc<Dir>, path: String) {
        scope.spawn(move |scope| {
            let name = path.rsplit('/').next().unwrap_or(&path);
            let opened =
                parent.fd().and_then(|parent| open_folder(parent, name)).and_then(Dir::new);
            let refusal = match (&opened, parent.fd()) {
                (Err(errno), Ok(parent)) => Some(why(parent, name, *errno)),
                _ => None,
            };
            drop(parent);
            self.folder(scope, opened, path, refusal);
        });
    }
}

fn public(folder: BorrowedFd<'_>, name: &CStr) -> FoundKind {
    read_public(folder, name).unwrap_or_else(|error: std::io::Error| {
        FoundKind::Unreadable(match Errno::from_io_error(&error) {
            Some(errno) => why(folder, name, errno),
            None => error.to_string(),
        })
    })
}

fn read_public(folder: BorrowedFd<'_>, name: &CStr) -> std::io::Result<FoundKind> {
    // NONBLOCK: it may have become a FIFO since it was listed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty())?;
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(FoundKind::Special);
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    if size > READ_LIMIT {
        return Ok(FoundKind::TooLarge { size });
    }
    let mut file = File::from(file);
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0) + 1];
    let read = file.read(&mut bytes)?;
    bytes.truncate(read);
    // One read gives all of a regular file; another length than it just had tells of one that changes.
    if read as u64 != size {
        file.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
    }
    let size = bytes.len() as u64;
    if size > READ_LIMIT {
        return Ok(FoundKind::TooLarge { size });
    }
    let mode = stat.st_mode & 0o777;
    Ok(FoundKind::ReadFile { mode, size, bytes })
}

fn secret(folder: BorrowedFd<'_>, name: &CStr, us: u32) -> FoundKind {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        // One of another user is there, and who only plans needs no more; our own must be readable.
        Ok(stat)
            if stat.st_uid == us && stat.st_mode & 0o400 == 0 && !is_readable(folder, name) =>
        {
            FoundKind::Unreadable(why(folder, name, Errno::ACCESS))
        }
        Ok(stat) => FoundKind::SecretFile {
            mode: stat.st_mode & 0o777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            stamp: stamp(&stat),
        },
        Err(errno) => FoundKind::Unreadable(plain(errno)),
    }
}

/// As the operating system says: root, and who has its capabilities, reads whatever the mode is.
fn is_readable(folder: BorrowedFd<'_>, name: &CStr) -> bool {
    accessat(folder, name, Access::READ_OK, AtFlags::EACCESS).is_ok()
}

fn kind_of(folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<FileType> {
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn plain(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
