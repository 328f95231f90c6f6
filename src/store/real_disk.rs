//! The disk of the operating system.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Gid, Mode, OFlags, Uid, fchmod, fchown, flock, fstat,
    linkat, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use super::disk::{Disk, EntryKind};
use super::folders::{Folders, explain, is_symlink, not_a_file, not_a_folder};
use super::place::NODE_FOLDER;
use super::{OUT, parent};
use crate::error::{Error, Kind, Result};
use crate::sources::beneath::open_folder;
use crate::state::Loose;

/// The store reads back only what it wrote itself, a journal and a lock: 12 MB at 10,000 nodes.
const READ_LIMIT: u64 = 256 << 20;

pub struct RealDisk {
    folders: Folders,
    /// The folder that the writer's lock is on.
    locked: &'static str,
    lock: Mutex<Option<OwnedFd>>,
    /// On the way to a node's files may lie folders of file systems that are never written to, or have no
    /// such thing as a sync of a folder: fsync(2) says EINVAL. A project's own must have it, or a crash could
    /// lose a key.
    may_lack_sync: bool,
}

/// More than any line that is read alone.
const LINE_LIMIT: u64 = 64 << 10;

impl RealDisk {
    pub fn open(project: &Path) -> Result<Self> {
        RealDisk::below(project, OUT, false)
    }

    /// The file system of a node, or where else files are put that can be put there again.
    pub fn of_node(root: &Path) -> Result<Self> {
        RealDisk::below(root, NODE_FOLDER, true)
    }

    fn below(folder: &Path, locked: &'static str, may_lack_sync: bool) -> Result<Self> {
        Ok(RealDisk {
            may_lack_sync,
            folders: Folders::below(folder)?,
            locked,
            lock: Mutex::default(),
        })
    }

    /// Opens a regular file or a folder that is there. `NONBLOCK`: a FIFO must not stop us before it is
    /// seen to be one.
    fn open_existing(&self, doing: &str, path: &str) -> Result<(OwnedFd, FileType)> {
        let (folder, name) = self.folders.holding(path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        // A socket cannot be opened at all.
        let fd = openat(&*folder, name, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NXIO | Errno::OPNOTSUPP => not_a_file(path),
            errno => explain(doing, &folder, path, errno),
        })?;
        let stat = fstat(&fd).map_err(|errno| io(doing, path, errno))?;
        match FileType::from_raw_mode(stat.st_mode) {
            kind @ (FileType::RegularFile | FileType::Directory) => Ok((fd, kind)),
            FileType::Symlink => Err(is_symlink(path)),
            _ => Err(not_a_file(path)),
        }
    }

    /// The first line of a file, with its end.
    pub fn first_line(&self, path: &str) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut file = BufReader::new(self.open_file("read", path)?.take(LINE_LIMIT));
        let read = file.read_until(b'\n', &mut line);
        read.map_err(|error| Error::io("read", Path::new(path), &error))?;
        Ok(line)
    }

    fn open_file(&self, doing: &str, path: &str) -> Result<File> {
        match self.open_existing(doing, path)? {
            (fd, FileType::RegularFile) => Ok(File::from(fd)),
            _ => Err(not_a_file(path)),
        }
    }
}

impl Disk for RealDisk {
    fn kind(&self, path: &str) -> Result<EntryKind> {
        let Some(folder) = self.folders.find(parent(path))? else {
            return Ok(EntryKind::Missing);
        };
        let (_, name) = self.folders.holding(path)?;
        match statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => EntryKind::File {
                    mode: permissions(stat.st_mode),
                    size: u64::try_from(stat.st_size).unwrap_or(0),
                },
                FileType::Directory => EntryKind::Folder { mode: permissions(stat.st_mode) },
                FileType::Symlink => EntryKind::Symlink,
                _ => EntryKind::Special,
            }),
            Err(Errno::NOENT) => Ok(EntryKind::Missing),
            Err(errno) => Err(io("examine", path, errno)),
        }
    }

    fn is_own(&self, path: &str) -> Result<bool> {
        let (folder, name) = self.folders.holding(path)?;
        let stat = statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| io("examine", path, errno))?;
        Ok(stat.st_uid == rustix::process::geteuid().as_raw())
    }

    fn owner(&self, path: &str) -> Result<Option<(u32, u32)>> {
        let (folder, name) = self.folders.holding(path)?;
        let stat = statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| io("examine", path, errno))?;
        Ok(Some((stat.st_uid, stat.st_gid)))
    }

    /// chown(2): without root a file stays its owner's, in one of the owner's groups.
    fn may_give_to(&self, (user, group): (u32, u32)) -> bool {
        let us = rustix::process::geteuid();
        us.is_root() || (us.as_raw() == user && rustix::process::getegid().as_raw() == group)
    }

    fn set_owner(&self, path: &str, (user, group): (u32, u32)) -> Result<()> {
        let (fd, _) = self.open_existing("set the owner of", path)?;
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        fchown(&fd, Some(user), Some(group)).map_err(|errno| io("set the owner of", path, errno))
    }

    fn loose(&self, path: &str) -> Result<Option<Loose>> {
        let Some(folder) = self.folders.find(path)? else {
            return Ok(None);
        };
        let stat = fstat(&*folder).map_err(|errno| io("examine", path, errno))?;
        let us = rustix::process::geteuid().as_raw();
        Ok(Loose::of(stat.st_mode, stat.st_uid, us, None))
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        let folder = self.folders.get(path)?;
        let failed = |errno| io("list", path, errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&*folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                names.push(name.into_owned());
            }
        }
        Ok(names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error| Error::io("read", Path::new(path), &error);
        let file = self.open_file("read", path)?;
        // In its final size: it may be a key, of which an outgrown buffer would keep a part.
        let size = file.metadata().map_err(failed)?.len().min(READ_LIMIT);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        let read = file.take(READ_LIMIT + 1).read_to_end(&mut bytes);
        if read.map_err(failed)? as u64 > READ_LIMIT {
            return Err(Error::refused(format!("{path} is larger than {} MiB", READ_LIMIT >> 20)));
        }
        Ok(bytes)
    }

    fn write_new(&self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let (folder, name) = self.folders.holding(path)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&*folder, name, flags, mode_of(mode))
            .map_err(|errno| explain("create", &folder, path, errno))?;
        undo_umask(&fd, mode).map_err(|errno| io("set the mode of", path, errno))?;
        File::from(fd).write_all(bytes).map_err(|error| Error::io("write", Path::new(path), &error))
    }

    fn mkdir(&self, path: &str, mode: u32) -> Result<()> {
        let (folder, name) = self.folders.holding(path)?;
        match mkdirat(&*folder, name, mode_of(mode)) {
            Ok(()) => {
                let made = self.folders.get(path)?;
                undo_umask(&made, mode).map_err(|errno| io("set the mode of", path, errno))
            }
            Err(Errno::EXIST) => match self.kind(path)? {
                EntryKind::Folder { .. } => Ok(()),
                EntryKind::Symlink => Err(is_symlink(path)),
                _ => Err(not_a_folder(path)),
            },
            Err(errno) => Err(io("create the folder", path, errno)),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from_folder, from_name) = self.folders.holding(from)?;
        let (to_folder, to_name) = self.folders.holding(to)?;
        renameat(&*from_folder, from_name, &*to_folder, to_name)
            .map_err(|errno| io(&format!("rename {from} to"), to, errno))?;
        self.folders.forget(from);
        Ok(())
    }

    fn keep(&self, from: &str, to: &str) -> Result<()> {
        let (from_folder, from_name) = self.folders.holding(from)?;
        let (to_folder, to_name) = self.folders.holding(to)?;
        let flags = AtFlags::empty();
        match linkat(&*from_folder, from_name, &*to_folder, to_name, flags) {
            Ok(()) => Ok(()),
            // No hard links here (FAT, some network file systems), or none to another user's file
            // (fs.protected_hardlinks), or too many already.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
                self.rename(from, to)
            }
            Err(errno) => Err(io("keep the old", from, errno)),
        }
    }

    fn set_mode(&self, path: &str, mode: u32) -> Result<()> {
        let (fd, _) = self.open_existing("set the mode of", path)?;
        fchmod(&fd, mode_of(mode)).map_err(|errno| io("set the mode of", path, errno))
    }

    fn remove_file(&self, path: &str) -> Result<()> {
        let (folder, name) = self.folders.holding(path)?;
        unlinkat(&*folder, name, AtFlags::empty()).map_err(|errno| io("remove", path, errno))
    }

    fn remove_dir(&self, path: &str) -> Result<()> {
        let (folder, name) = self.folders.holding(path)?;
        self.folders.forget(path);
        unlinkat(&*folder, name, AtFlags::REMOVEDIR)
            .map_err(|errno| io("remove the folder", path, errno))
    }

    fn sync_file(&self, path: &str) -> Result<()> {
        self.open_file("sync", path)?
            .sync_all()
            .map_err(|error| Error::io("sync", Path::new(path), &error))
    }

    fn sync_dir(&self, path: &str) -> Result<()> {
        let shown = if path.is_empty() { "." } else { path };
        // `File::sync_all` rather than a bare fsync: on Apple's systems it is the one that reaches the disk.
        let synced = (self.folders.get(path)?.try_clone()).and_then(|fd| File::from(fd).sync_all());
        match synced {
            Err(error) if error.kind() == ErrorKind::InvalidInput && self.may_lack_sync => Ok(()),
            synced => {
                synced.map_err(|error| Error::io("sync the folder", Path::new(shown), &error))
            }
        }
    }

    fn sync_all(&self) -> Result<()> {
        // `out`, not the project folder: it may be a file system of its own.
        let out = self.folders.get(OUT)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        rustix::fs::syncfs(&*out).map_err(|errno| io("sync the file system of", OUT, errno))?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        rustix::fs::sync();
        drop(out);
        Ok(())
    }

    fn lock(&self) -> Result<()> {
        let locked = self.locked;
        let (folder, name) = self.folders.holding(locked)?;
        // A descriptor of its own: flock belongs to the open file, so this excludes threads too.
        let fd =
            open_folder(&folder, name).map_err(|errno| explain("open", &folder, locked, errno))?;
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // Somebody may have moved it away between opening and locking: a lock on that one
                // excludes nobody.
                let here = statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW);
                let same = match (fstat(&fd), here) {
                    (Ok(held), Ok(here)) => {
                        (held.st_dev, held.st_ino) == (here.st_dev, here.st_ino)
                    }
                    _ => false,
                };
                if !same {
                    return Err(Error::new(
                        Kind::Busy,
                        format!("{locked}/ was replaced while kpki was starting"),
                    )
                    .help("run the command again"));
                }
                *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(fd);
                Ok(())
            }
            Err(Errno::WOULDBLOCK) => {
                Err(Error::new(Kind::Busy, format!("another kpki is writing to {locked}/"))
                    .help("wait until it has finished, then run the command again"))
            }
            Err(errno) => Err(io("lock", locked, errno)),
        }
    }

    fn unlock(&self) {
        // Closing the descriptor gives the lock back.
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The umask may have taken bits away. Other bits (a set-group-id folder passes its own on) stay.
fn undo_umask(fd: impl AsFd, mode: u32) -> rustix::io::Result<()> {
    let now = fstat(&fd)?.st_mode;
    if permissions(now) == mode {
        return Ok(());
    }
    fchmod(&fd, mode_of((now & 0o7000) | mode))
}

fn permissions(st_mode: u32) -> u32 {
    st_mode & 0o777
}

fn mode_of(mode: u32) -> Mode {
    Mode::from_raw_mode(mode)
}

fn io(doing: &str, path: &str, errno: Errno) -> Error {
    Error::io(doing, Path::new(path), &errno.into())
}
