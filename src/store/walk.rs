//! Any folder, read for judgement: every file, secrets too, no symbolic link followed.
//!
//! The tree is a stranger's, so everything has a limit, and one file is in memory at a time.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use rustix::process::geteuid;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sources::beneath::open_folder;
use crate::sources::owner::why;
use crate::state::{Access, Loose, Reach};
use crate::visible;

/// The largest file that is read; a bundle of hundreds of certificates fits.
pub const WALK_LIMIT: usize = 1 << 20;
/// More files, links and folders than the trees of ten thousand nodes have.
const ENTRIES: usize = 1_000_000;
const DEPTH: usize = 64;

pub enum Seen {
    File {
        access: Access,
        bytes: Secret,
    },
    /// A folder that others could write to; the root has the empty path.
    LooseFolder(Loose),
    /// With its target, as written.
    Symlink(String),
    /// Larger than [`WALK_LIMIT`].
    TooLarge,
    /// A file or folder, with the operating system's reason.
    Unreadable(String),
}

/// Hands over everything below a folder, by path relative to it. Pipes, sockets and devices are passed by.
pub fn walk(root: &Path, seen: &mut dyn FnMut(&str, Seen)) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(CWD, root, flags, Mode::empty())
        .and_then(Dir::new)
        .map_err(|error| Error::io("read the folder", root, &error.into()))?;
    // The root's own mode is that of the place where a copy lies, perhaps.
    let host = opened.stat().map_or(0, |stat| stat.st_uid);
    let mut walk = Walk { seen, entries: 0, at_home: [0, geteuid().as_raw(), host] };
    walk.folder(opened, "", DEPTH, Reach::Everyone)
        .map_err(|why| Error::refused(format!("{}: {why}", visible::path(root))))
}

struct Walk<'a> {
    seen: &'a mut dyn FnMut(&str, Seen),
    entries: usize,
    /// Owners that are no strangers: root, this user, and the tree's.
    at_home: [u32; 3],
}

impl Walk<'_> {
    /// The error stops everything: a limit was met.
    fn folder(
        &mut self,
        mut dir: Dir,
        folder: &str,
        depth: usize,
        reach: Reach,
    ) -> Result<(), String> {
        if let Ok(stat) = dir.stat()
            && let Some(loose) = Loose::of(stat.st_mode, stat.st_uid, geteuid().as_raw(), None)
        {
            (self.seen)(folder, Seen::LooseFolder(loose));
        }
        let mut entries = Vec::new();
        while let Some(entry) = dir.read() {
            match entry {
                Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Ok(entry) => entries.push(entry.file_name().to_owned()),
                Err(errno) => {
                    (self.seen)(folder, unreadable(&errno.into()));
                    break;
                }
            }
            if self.entries + entries.len() > ENTRIES {
                return Err(format!("more than {ENTRIES} files; name a smaller folder"));
            }
        }
        self.entries += entries.len();
        entries.sort_unstable();
        let Ok(fd) = dir.fd() else { return Ok(()) };
        for name in entries {
            // Names that are not UTF-8 are shown as far as they can be.
            let text = name.to_string_lossy();
            let path =
                if folder.is_empty() { text.into_owned() } else { format!("{folder}/{text}") };
            let mode = statat(fd, &name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_mode);
            let found = match mode.map(FileType::from_raw_mode) {
                Ok(FileType::Directory) if depth == 0 => {
                    Seen::Unreadable(format!("lies more than {DEPTH} folders deep"))
                }
                Ok(FileType::Directory) => match open_child(fd, &name) {
                    Ok(child) => {
                        let reach = reach.through(mode.unwrap_or_default());
                        self.folder(child, &path, depth - 1, reach)?;
                        continue;
                    }
                    Err(errno) => Seen::Unreadable(why(fd, &name, errno)),
                },
                Ok(FileType::Symlink) => match readlinkat(fd, &name, Vec::new()) {
                    Ok(target) => Seen::Symlink(target.to_string_lossy().into_owned()),
                    Err(errno) => unreadable(&errno.into()),
                },
                Ok(FileType::RegularFile) => self.read(fd, &name, reach).unwrap_or_else(|error| {
                    match Errno::from_io_error(&error) {
                        Some(errno) => Seen::Unreadable(why(fd, &name, errno)),
                        None => unreadable(&error),
                    }
                }),
                Ok(_) => continue,
                Err(errno) => unreadable(&errno.into()),
            };
            (self.seen)(&path, found);
        }
        Ok(())
    }

    fn read(&self, folder: BorrowedFd<'_>, name: &CStr, reach: Reach) -> std::io::Result<Seen> {
        // NONBLOCK: it may have become a FIFO since it was looked at.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(std::io::Error::other("it changed while it was read"));
        }
        let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if size > WALK_LIMIT {
            return Ok(Seen::TooLarge);
        }
        // In its final size: an outgrown buffer would keep a part of a key.
        let mut bytes = Vec::with_capacity(size + 1);
        File::from(file).take(size as u64).read_to_end(&mut bytes)?;
        let stranger = Some(stat.st_uid).filter(|owner| !self.at_home.contains(owner));
        let access = Access { mode: stat.st_mode & 0o777, reach, stranger };
        Ok(Seen::File { access, bytes: Secret::new(bytes) })
    }
}

fn open_child(folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Dir> {
    match name.to_str() {
        Ok(name) => Dir::new(open_folder(folder.as_fd(), name)?),
        Err(_) => Err(Errno::ILSEQ),
    }
}

fn unreadable(error: &std::io::Error) -> Seen {
    Seen::Unreadable(error.to_string())
}
