//! Files below a folder, reached one component at a time: no link leads out of it.
//!
//! `openat2(2)` with `RESOLVE_BENEATH` says no where a link leaves, but not where one led that stays inside,
//! and neither older kernels nor other systems have it. This walk is the same everywhere: every component is
//! opened below the one before it and never as a link (`O_NOFOLLOW`), a link's text is read and walked like
//! the path itself, and `..` goes back to a folder that is held open. So a link that is exchanged meanwhile
//! leads nowhere else.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::owner::{is_denied, why};

/// A regular file's bytes, up to one more than was asked for, and its permissions.
pub struct Regular {
    pub bytes: Vec<u8>,
    pub mode: u32,
}

/// Where a path leads, whether or not something is there.
pub struct Led {
    /// Below the root, without any link; the path itself where it could not be followed to its end.
    pub real: String,
    /// The file, which is not open yet, or why there is none.
    pub file: Result<Entry, String>,
}

/// A regular file in an open folder.
pub struct Entry {
    folder: OwnedFd,
    name: String,
}

pub(super) const NO_SUCH_FILE: &str = "no such file";
pub(super) const FOLDER: &str = "a folder, not a file";
pub(super) const FIFO: &str = "a named pipe, not a regular file";
pub(super) const SPECIAL: &str = "not a regular file";
const LEAVES: &str = "a symbolic link that leads out of the project folder";
const TO_NOTHING: &str = "a symbolic link to nothing";
/// Linux follows as many (`MAXSYMLINKS`).
const LINKS: usize = 40;

/// Follows `path`, which has no empty component, no `.` and no `..`.
pub fn follow(root: &Path, path: &str) -> Led {
    // The folder itself is the user's own choice, so links are followed up to here.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let (real, file) = match openat(CWD, root, flags, Mode::empty()) {
        Ok(root) => Walk::new(root, path).run(),
        Err(Errno::NOENT) => (None, Err(NO_SUCH_FILE.to_owned())),
        Err(errno) => (None, Err(why(CWD, root, errno))),
    };
    Led { real: real.unwrap_or_else(|| path.to_owned()), file }
}

/// A folder below another, itself and no link to one.
pub fn open_folder(parent: impl AsFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

impl Entry {
    pub fn open(&self) -> Result<OwnedFd, String> {
        // O_NONBLOCK: it may have become a FIFO, and opening one waits for a writer (open(2)).
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        openat(&self.folder, &self.name, flags, Mode::empty())
            .map_err(|errno| why(&self.folder, &self.name, errno))
    }
}

/// Reads an open file that must be a regular one, at most one byte more than `limit`, so that the caller sees
/// when there was more. The buffer has its final size from the start: an outgrown one would keep a part of a
/// key.
pub fn read(opened: OwnedFd, limit: usize) -> Result<Regular, String> {
    let facts = fstat(&opened).map_err(in_words)?;
    refuse_special(FileType::from_raw_mode(facts.st_mode))?;
    let size = usize::try_from(facts.st_size).unwrap_or(0).min(limit);
    let mut bytes = Vec::with_capacity(size + 2);
    File::from(opened)
        .take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(Regular { bytes, mode: facts.st_mode & 0o777 })
}

struct Walk {
    root: OwnedFd,
    /// The folders on the way, each open below the one before.
    folders: Vec<(String, OwnedFd)>,
    /// What is still to be walked, the next component last, and whether a link's text has it.
    waiting: Vec<(String, bool)>,
    links: usize,
}

impl Walk {
    fn new(root: OwnedFd, path: &str) -> Self {
        let mut walk = Walk { root, folders: Vec::new(), waiting: Vec::new(), links: 0 };
        walk.push(path, false);
        walk
    }

    fn push(&mut self, path: &str, from_link: bool) {
        let components = path.split('/').rev();
        self.waiting.extend(components.map(|name| (name.to_owned(), from_link)));
    }

    fn here(&self) -> &OwnedFd {
        self.folders.last().map_or(&self.root, |(_, folder)| folder)
    }

    /// The real path of what is called `name` here.
    fn real(&self, name: &str) -> String {
        let above = self.folders.iter().map(|(name, _)| name.as_str());
        above.chain([name]).collect::<Vec<_>>().join("/")
    }

    fn run(mut self) -> (Option<String>, Result<Entry, String>) {
        while let Some((name, from_link)) = self.waiting.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    if self.folders.pop().is_none() {
                        return (None, Err(LEAVES.to_owned()));
                    }
                    continue;
                }
                _ => {}
            }
            match self.step(&name, from_link) {
                Ok(false) => {}
                Ok(true) => {
                    let real = self.real(&name);
                    let folder = self.folders.pop().map_or(self.root, |(_, folder)| folder);
                    return (Some(real), Ok(Entry { folder, name }));
                }
                Err(why) => {
                    let rest = self.waiting.iter().rev().map(|(name, _)| name.as_str());
                    let real = [self.real(&name).as_str()]
                        .into_iter()
                        .chain(rest)
                        .collect::<Vec<_>>()
                        .join("/");
                    return (Some(real), Err(why));
                }
            }
        }
        (None, Err(FOLDER.to_owned()))
    }

    /// One component; whether it is the file that the path ends in.
    fn step(&mut self, name: &str, from_link: bool) -> Result<bool, String> {
        let fail = |errno| match errno {
            Errno::NOENT if from_link => TO_NOTHING.to_owned(),
            Errno::NOENT | Errno::NOTDIR => NO_SUCH_FILE.to_owned(),
            errno => in_words(errno),
        };
        let facts = statat(self.here(), name, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
        match FileType::from_raw_mode(facts.st_mode) {
            FileType::Symlink => {
                self.links += 1;
                if self.links > LINKS {
                    return Err("a symbolic link that leads to itself".to_owned());
                }
                let target = readlinkat(self.here(), name, Vec::new()).map_err(fail)?;
                let target = target
                    .to_str()
                    .map_err(|_| "a symbolic link whose target is no plain text".to_owned())?;
                // Even one to a place inside: in another clone that is another place.
                if target.starts_with('/') {
                    return Err(LEAVES.to_owned());
                }
                self.push(target, true);
                Ok(false)
            }
            FileType::Directory => {
                let folder = open_folder(self.here(), name).map_err(|errno| match errno {
                    errno if is_denied(errno) => why(self.here(), name, errno),
                    errno => fail(errno),
                })?;
                self.folders.push((name.to_owned(), folder));
                Ok(false)
            }
            FileType::RegularFile if self.waiting.is_empty() => Ok(true),
            FileType::RegularFile => Err(NO_SUCH_FILE.to_owned()),
            // Not even opened: that alone can do something to a device.
            kind => Err(refuse_special(kind).err().unwrap_or_else(|| SPECIAL.to_owned())),
        }
    }
}

fn refuse_special(kind: FileType) -> Result<(), String> {
    match kind {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(FOLDER.to_owned()),
        FileType::Fifo => Err(FIFO.to_owned()),
        _ => Err(SPECIAL.to_owned()),
    }
}

fn in_words(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}
