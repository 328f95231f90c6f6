//! The copy of a node in a folder, or the node itself: the places, and what links in them lead to.
//!
//! Where links lead is told by [`Machine`] alone. Every component is opened below the one before it and never
//! as a link, so what is exchanged meanwhile leads nowhere else.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::limits::{
    CHANGED, ENTRIES_LIMIT, FILE_LIMIT, Kept, NOT_UTF8, SPECIAL, nothing, start_of, too_large,
    too_much,
};
use crate::error::{Error, Result};
use crate::machine::{
    LAYOUTS, Machine, MachineFile, MachineFolder, PLACES, Place, is_above_a_place, is_wanted,
};
use crate::secret::Secret;
use crate::sources::beneath::open_folder;
use crate::sources::owner::why;
use crate::visible;

const DEPTH: usize = 64;
/// A folder where a link leads is read, too, but no whole disk.
const ELSEWHERE: usize = 1_000;

pub(super) struct Folder {
    root: OwnedFd,
    /// What of the node's root stands in front of it.
    start: &'static str,
    kept: Kept,
    shown: String,
    /// Read, by where it lies.
    done: BTreeSet<String>,
    waiting: Vec<(String, Reason)>,
}

/// Why a path is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Place,
    Link,
    /// A file by its name; of a folder, that it is there.
    Asked,
}

/// What lies where a path ends.
enum End {
    Nothing,
    Link { at: String, target: Vec<u8> },
    Unread { at: String, why: String },
    File(MachineFile),
    Folder(OwnedFd),
}

impl Folder {
    pub fn open(path: &Path) -> Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, path, flags, Mode::empty())
            .map_err(|error| Error::io("read the folder", path, &error.into()))?;
        let shown = visible::path(path);
        let there = |path: &str| statat(&root, path, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        let start = start_of(&there).ok_or_else(|| nothing(&shown))?;
        let (kept, done) = (Kept::default(), BTreeSet::new());
        Ok(Folder { root, start, kept, shown, done, waiting: Vec::new() })
    }

    pub fn read_places(&mut self) -> Result<Machine> {
        let mut machine = Machine::default();
        let signs = LAYOUTS.iter().flat_map(|layout| layout.signs);
        self.waiting = signs.map(|sign| ((*sign).to_owned(), Reason::Asked)).collect();
        for place in PLACES {
            match place {
                Place::File(path) | Place::Below(path) => {
                    self.waiting.push(((*path).to_owned(), Reason::Place));
                }
                Place::Starting { folder, name } => {
                    // The name alone finds what the folder's own list cannot show.
                    let mut found: BTreeSet<String> = self.names_in(&mut machine, folder);
                    found.retain(|found| found.starts_with(name));
                    found.insert((*name).to_owned());
                    let paths = found.into_iter().map(|found| format!("{folder}/{found}"));
                    self.waiting.extend(paths.map(|path| (path, Reason::Place)));
                }
            }
        }
        self.read_waiting(&mut machine)?;
        Ok(machine)
    }

    /// One more file, or the name of a folder.
    pub fn read_also(&mut self, machine: &mut Machine, path: &str) -> Result<()> {
        self.waiting.push((path.to_owned(), Reason::Asked));
        self.read_waiting(machine)
    }

    fn read_waiting(&mut self, machine: &mut Machine) -> Result<()> {
        while let Some((path, reason)) = self.waiting.pop() {
            self.reach(machine, &path, reason).map_err(|why| {
                Error::refused(format!("{} {why}", self.shown))
                    .help("name a folder that holds less, or a tar of what belongs to Kubernetes")
            })?;
        }
        Ok(())
    }

    /// Reads what a path leads to, and every link on the way. The error stops everything: a limit was met.
    fn reach(&mut self, machine: &mut Machine, path: &str, reason: Reason) -> Result<(), String> {
        let Some((real, end)) = self.follow(machine, path) else { return Ok(()) };
        match end {
            End::Nothing | End::Link { .. } => Ok(()),
            End::Unread { at, why } => {
                machine.add_unread(&at, why);
                Ok(())
            }
            End::File(file) => self.add_file(machine, &real, file),
            End::Folder(folder) => {
                let is_place = is_wanted(&real) || reason == Reason::Place;
                if reason == Reason::Asked || !is_place && is_above_a_place(&real) {
                    if let Ok(facts) = fstat(&folder) {
                        machine.add_folder(&real, folder_facts(&facts));
                    }
                    self.done.remove(&real);
                    return Ok(());
                }
                let mut left = if is_place { usize::MAX } else { ELSEWHERE };
                self.folder(machine, folder, &real, DEPTH, &mut left)
            }
        }
    }

    /// Where a path ends that was not read yet.
    fn follow(&mut self, machine: &mut Machine, path: &str) -> Option<(String, End)> {
        // Each round finds one more link; the machine's own limit ends a circle.
        loop {
            let real = machine.resolve(path)?;
            if self.done.contains(&real) {
                return None;
            }
            let end = match real.strip_prefix(self.start) {
                Some(inside) => self.end(inside),
                None if format!("{real}/") == self.start => self.end(""),
                None => End::Nothing,
            };
            match end {
                End::Link { at, target } => add_link(machine, &at, target),
                end => {
                    self.done.insert(real.clone());
                    return Some((real, end));
                }
            }
        }
    }

    /// What lies at a path of this folder; the first link on the way ends it.
    fn end(&self, inside: &str) -> End {
        let at = |end: usize| format!("{}{}", self.start, inside.get(..end).unwrap_or_default());
        let unread = |end: usize, why: String| End::Unread { at: at(end), why };
        let mut here = match self.root.try_clone() {
            Ok(root) => root,
            Err(error) => return unread(inside.len(), error.to_string()),
        };
        let mut end = 0;
        for name in inside.split('/').filter(|name| !name.is_empty()) {
            end += name.len() + usize::from(end > 0);
            let is_last = end == inside.len();
            let kind = match statat(&here, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(Errno::NOENT | Errno::NOTDIR) => return End::Nothing,
                Err(errno) => return unread(end, why(&here, name, errno)),
            };
            match kind {
                FileType::Symlink => {
                    return match readlinkat(&here, name, Vec::new()) {
                        Ok(target) => End::Link { at: at(end), target: target.into_bytes() },
                        Err(errno) => unread(end, std::io::Error::from(errno).to_string()),
                    };
                }
                FileType::Directory => match open_folder(&here, name) {
                    Ok(folder) => here = folder,
                    Err(errno) => return unread(end, why(&here, name, errno)),
                },
                _ if !is_last => return End::Nothing,
                FileType::RegularFile => {
                    return match c_name(name) {
                        Some(name) => match read(here.as_fd(), &name) {
                            Ok(file) => End::File(file),
                            Err(why) => unread(end, why),
                        },
                        None => End::Nothing,
                    };
                }
                _ => return unread(end, SPECIAL.to_owned()),
            }
        }
        End::Folder(here)
    }

    /// The names in a folder of the node, if it is in the copy.
    fn names_in(&mut self, machine: &mut Machine, folder: &str) -> BTreeSet<String> {
        let Some((real, End::Folder(opened))) = self.follow(machine, folder) else {
            return BTreeSet::new();
        };
        self.done.remove(&real);
        let Ok(dir) = Dir::new(opened) else { return BTreeSet::new() };
        let names = dir.filter_map(|entry| Some(entry.ok()?.file_name().to_str().ok()?.to_owned()));
        names.take(ENTRIES_LIMIT).collect()
    }

    fn folder(
        &mut self,
        machine: &mut Machine,
        folder: OwnedFd,
        path: &str,
        depth: usize,
        left: &mut usize,
    ) -> Result<(), String> {
        if let Ok(facts) = fstat(&folder) {
            machine.add_folder(path, folder_facts(&facts));
        }
        let mut dir = match Dir::new(folder) {
            Ok(dir) => dir,
            Err(errno) => {
                machine.add_unread(path, std::io::Error::from(errno).to_string());
                return Ok(());
            }
        };
        let mut names = Vec::new();
        while let Some(entry) = dir.read() {
            match entry {
                Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                Ok(entry) => names.push(entry.file_name().to_owned()),
                Err(errno) => {
                    machine.add_unread(path, std::io::Error::from(errno).to_string());
                    return Ok(());
                }
            }
            if names.len() > *left {
                let why = format!("holds more than {ELSEWHERE} files, and only a link leads there");
                machine.add_unread(path, why);
                return Ok(());
            }
            if names.len() > ENTRIES_LIMIT {
                return Err(too_much());
            }
        }
        *left -= names.len();
        names.sort_unstable();
        let Ok(fd) = dir.fd() else { return Ok(()) };
        for name in names {
            let below = format!("{path}/{}", name.to_string_lossy());
            if name.to_str().is_err() {
                self.count(0)?;
                machine.add_unread(&below, NOT_UTF8);
                continue;
            }
            if self.done.insert(below.clone()) {
                self.entry(machine, fd, &name, &below, (depth, left))?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        machine: &mut Machine,
        folder: BorrowedFd<'_>,
        name: &CStr,
        path: &str,
        (depth, left): (usize, &mut usize),
    ) -> Result<(), String> {
        self.count(0)?;
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) => {
                machine.add_unread(path, std::io::Error::from(errno).to_string());
                return Ok(());
            }
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth == 0 => {
                machine.add_unread(path, format!("lies more than {DEPTH} folders deep"));
            }
            FileType::Directory => {
                match name
                    .to_str()
                    .map_err(|_| Errno::ILSEQ)
                    .and_then(|name| open_folder(folder, name))
                {
                    Ok(child) => return self.folder(machine, child, path, depth - 1, left),
                    Err(errno) => machine.add_unread(path, why(folder, name, errno)),
                }
            }
            FileType::Symlink => match readlinkat(folder, name, Vec::new()) {
                Ok(target) => {
                    add_link(machine, path, target.into_bytes());
                    self.waiting.push((path.to_owned(), Reason::Link));
                }
                Err(errno) => machine.add_unread(path, std::io::Error::from(errno).to_string()),
            },
            FileType::RegularFile => match read(folder, name) {
                Ok(file) => return self.add_file(machine, path, file),
                Err(why) => machine.add_unread(path, why),
            },
            _ => machine.add_unread(path, SPECIAL),
        }
        Ok(())
    }

    fn add_file(
        &mut self,
        machine: &mut Machine,
        path: &str,
        file: MachineFile,
    ) -> Result<(), String> {
        self.count(file.bytes.expose().len())?;
        machine.add_file(path, file);
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), String> {
        if self.kept.fits(bytes) { Ok(()) } else { Err(too_much()) }
    }
}

fn c_name(name: &str) -> Option<std::ffi::CString> {
    std::ffi::CString::new(name).ok()
}

fn folder_facts(stat: &rustix::fs::Stat) -> MachineFolder {
    MachineFolder { mode: stat.st_mode & 0o7777, owner: (stat.st_uid, stat.st_gid) }
}

fn add_link(machine: &mut Machine, path: &str, target: Vec<u8>) {
    match String::from_utf8(target) {
        Ok(target) => machine.add_link(path, &target),
        Err(_) => machine.add_unread(path, "a link whose text is not UTF-8"),
    }
}

/// A regular file, whole or not at all.
fn read(folder: BorrowedFd<'_>, name: &CStr) -> Result<MachineFile, String> {
    // NONBLOCK: it may have become a FIFO since it was looked at.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file =
        openat(folder, name, flags, Mode::empty()).map_err(|errno| why(folder, name, errno))?;
    let stat = fstat(&file).map_err(|errno| std::io::Error::from(errno).to_string())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(CHANGED.to_owned());
    }
    let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
    if size > FILE_LIMIT {
        return Err(too_large());
    }
    // In its final size: an outgrown buffer would keep a part of a key.
    let mut bytes = Vec::with_capacity(size + 2);
    let read = File::from(file).take(size as u64 + 1).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.expose().len() != size {
        return Err(CHANGED.to_owned());
    }
    Ok(MachineFile { mode: stat.st_mode & 0o7777, owner: (stat.st_uid, stat.st_gid), bytes })
}
