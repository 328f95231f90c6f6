//! Files that a command writes where the user says: one rule for all of them.
//!
//! A new file, or one that this command wrote before, as its content says. Never through a link, never below
//! `out/` or in Git's own folder, never a file that the description reads or looks for, never a file of
//! kpki's own. What names the place is typed by a person, and sometimes by a script that a stranger's branch
//! may reach.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::command_path::Way;
use super::folder::{DESCRIPTION, LOCK};
use crate::error::{Error, Kind, Result};
use crate::state::OUT;
use crate::visible;

/// What a command writes.
pub(super) struct Product<'a> {
    /// `no saved plan`: what a file is that is none.
    pub none: &'a str,
    /// A name for one.
    pub example: &'a str,
    /// Whether a file begins as one that this command wrote.
    pub is_own: fn(&[u8]) -> bool,
    pub mode: u32,
}

/// As much of a file as tells what it is.
const BEGINNING: u64 = 64 << 10;

/// A place that may be written to.
pub(super) struct Place {
    folder: OwnedFd,
    name: OsString,
    shown: PathBuf,
    /// Device and number of the file that was judged, if one was there.
    replaces: Option<(u64, u64)>,
    /// What that file's mode leaves of a new one's; somebody may have narrowed it.
    mask: u32,
}

/// Where files of a project lie.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    pub directory: &'a Path,
    /// Relative to it: what the description reads.
    pub sources: &'a BTreeSet<String>,
}

pub(super) fn place(whose: Whose<'_>, output: &Path, product: &Product<'_>) -> Result<Place> {
    let refused = match judge(whose, output, product) {
        Err(Objection::Rule(why)) => why,
        Err(Objection::Failed(error)) => return Err(error),
        Ok(place) => return Ok(place),
    };
    let message = format!("{} {refused}", visible::path(output));
    let error = Error::new(Kind::Usage, message).nothing_written();
    let free = candidates(output, product.example).find(|path| {
        let placed = judge(whose, path, product);
        placed.is_ok_and(|place| place.replaces.is_none())
    });
    Err(error.help(match free {
        Some(path) => {
            let path = visible::path(&path);
            format!("name a new file, such as {path}")
        }
        None => "name a new file in another folder".to_owned(),
    }))
}

/// Places that a user may like: beside the one that was meant, here, among the temporary files.
fn candidates(output: &Path, example: &str) -> impl Iterator<Item = PathBuf> {
    let (stem, ending) = example.split_once('.').unwrap_or((example, ""));
    let names: Vec<String> = [example.to_owned()]
        .into_iter()
        .chain((2..10).map(|number| format!("{stem}-{number}.{ending}")))
        .collect();
    let beside = output.parent().unwrap_or(Path::new("")).to_owned();
    let folders = [beside, PathBuf::new(), std::env::temp_dir()];
    // Devices and processes are not kept as files there (FHS 3.0, 6.1).
    let is_device = |folder: &PathBuf| {
        let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        ["/dev", "/proc", "/sys"].iter().any(|top| real.starts_with(top))
    };
    let folders = folders.into_iter().filter(move |folder| !is_device(folder));
    folders.flat_map(move |folder| {
        let names = names.clone().into_iter();
        names.map(move |name| folder.join(name))
    })
}

enum Objection {
    /// Reads after the file's name.
    Rule(String),
    Failed(Error),
}

fn judge(
    whose: Whose<'_>,
    output: &Path,
    product: &Product<'_>,
) -> std::result::Result<Place, Objection> {
    let rule = |why: &str| Objection::Rule(why.to_owned());
    let failed = |error| Objection::Failed(Error::io("open", output, &error));
    let Some(name) = output.file_name() else {
        return Err(rule("is no name of a file"));
    };
    if name.eq_ignore_ascii_case(".git") {
        return Err(rule("is Git's own"));
    }
    let above = match output.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    };
    let way = Way::of(above).map_err(failed)?;
    if let Some(at) = way.brought_link(whose.directory) {
        let at = visible::path(at);
        let why = format!("leads through {at}, a symbolic link, which kpki does not follow");
        return Err(Objection::Rule(why));
    }
    refuse_folder(whose, &way.real).map_err(rule)?;
    refuse_name(whose, &way.real, name).map_err(rule)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(CWD, &way.real, flags, Mode::empty())
        .map_err(|errno| Objection::Failed(Error::io("open", above, &errno.into())))?;
    let file = way.real.join(name);
    let facts = match file.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
        Ok(facts) => Some(facts),
    };
    if let Some(facts) = &facts {
        if facts.is_symlink() {
            return Err(rule("is a symbolic link, which kpki does not follow"));
        }
        if !facts.is_file() {
            return Err(rule("is there and is no plain file"));
        }
        let is_same = |source: &String| {
            let source = whose.directory.join(source).metadata();
            source.is_ok_and(|source| (source.dev(), source.ino()) == (facts.dev(), facts.ino()))
        };
        if whose.sources.iter().any(is_same) {
            return Err(rule(A_SOURCE));
        }
        let begins = beginning(&folder, name).map_err(|error| failed(error.into()))?;
        // An empty file is nobody's loss: mktemp(1) makes one.
        if !begins.is_empty() && !(product.is_own)(&begins) {
            return Err(Objection::Rule(format!("is there and is {}", product.none)));
        }
    }
    Ok(Place {
        folder,
        name: name.to_owned(),
        shown: output.to_owned(),
        replaces: facts.as_ref().map(|facts| (facts.dev(), facts.ino())),
        // Its writer must be able to read it again, whatever it was.
        mask: facts.map_or(0o777, |facts| facts.mode() & 0o777 | 0o600),
    })
}

const A_SOURCE: &str = "is a file that the description reads";

/// `real` has no link in it, and need not be there.
fn refuse_folder(whose: Whose<'_>, real: &Path) -> std::result::Result<(), &'static str> {
    const IN_OUT: &str = "is inside of out/, where only an apply writes";
    let number = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    // By its number as well: a bind mount shows one folder in two places, some disks take OUT for out.
    let out = number(&whose.directory.join(OUT));
    for folder in real.ancestors() {
        let name = folder.file_name().unwrap_or_default();
        let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
        if name.eq_ignore_ascii_case(".git") || (has("HEAD") && has("objects") && has("refs")) {
            return Err("is inside of Git's own folder");
        }
        if out.is_some() && number(folder) == out {
            return Err(IN_OUT);
        }
        // Of this project, before there is one, and of others.
        let project = folder.parent().unwrap_or(folder);
        let described = |name: &str| project.join(name).symlink_metadata().is_ok();
        if name == OUT && (described(DESCRIPTION) || described(LOCK)) {
            return Err(IN_OUT);
        }
    }
    Ok(())
}

fn refuse_name(
    whose: Whose<'_>,
    folder: &Path,
    name: &OsStr,
) -> std::result::Result<(), &'static str> {
    let new_lock = format!("{LOCK}.new");
    if [DESCRIPTION, LOCK, &new_lock].iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err("is a file of a project's own");
    }
    let file = folder.join(name);
    let project = std::fs::canonicalize(whose.directory);
    if project.is_ok_and(|project| {
        let mut sources = whose.sources.iter();
        sources.any(|source| project.join(source) == file)
    }) {
        return Err(A_SOURCE);
    }
    Ok(())
}

fn beginning(folder: &OwnedFd, name: &OsStr) -> rustix::io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty())?;
    let mut begins = Vec::new();
    File::from(file)
        .take(BEGINNING)
        .read_to_end(&mut begins)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(begins)
}

impl Place {
    /// Whole or not at all: beside its place, under a name that nobody has, then renamed.
    pub fn write(&self, bytes: &[u8], product: &Product<'_>) -> Result<()> {
        let failed =
            |error: &std::io::Error| Error::io("write", &self.shown, error).nothing_written();
        let (beside, file) = self.fresh(product.mode & self.mask).map_err(|e| failed(&e.into()))?;
        let written = Self::fill(file, bytes).and_then(|()| self.rename(&beside));
        if written.is_err() {
            let _ = unlinkat(&self.folder, &beside, AtFlags::empty()); // made by this very run
        }
        written.map_err(|error| failed(&error))?;
        match File::from(self.folder.try_clone().map_err(|e| failed(&e))?).sync_all() {
            // Some file systems have no sync of a folder (fsync(2)).
            Err(error) if error.kind() != ErrorKind::InvalidInput => {
                Err(Error::io("sync the folder of", &self.shown, &error))
            }
            _ => Ok(()),
        }
    }

    fn fresh(&self, mode: u32) -> rustix::io::Result<(String, OwnedFd)> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut number = 0;
        loop {
            // A killed run leaves it, and the .gitignore of `kpki init` names this ending.
            let name = format!(".{}-{number}.kpki-new", std::process::id());
            match openat(&self.folder, &name, flags, Mode::from_raw_mode(mode)) {
                Err(Errno::EXIST) if number < 100 => number += 1,
                opened => return Ok((name, opened?)),
            }
        }
    }

    fn fill(file: OwnedFd, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Over the file that was judged, or over none.
    fn rename(&self, beside: &str) -> std::io::Result<()> {
        let here = match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(errno.into()),
            Ok(_) => Some(self.number()?),
        };
        if here != self.replaces {
            return Err(std::io::Error::other("it changed meanwhile"));
        }
        renameat(&self.folder, beside, &self.folder, &self.name)?;
        Ok(())
    }

    fn number(&self) -> std::io::Result<(u64, u64)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let facts = File::from(openat(&self.folder, &self.name, flags, Mode::empty())?);
        let facts = facts.metadata()?;
        Ok((facts.dev(), facts.ino()))
    }
}
