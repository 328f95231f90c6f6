//! A copy of a node: a folder, or a tar archive in a file or on standard input.
//!
//! It may be of the node's root, of `/etc`'s folder `kubernetes`, or of what lies in that. Whichever it is,
//! paths are told from the root. The copy is a stranger's: everything has a limit, no link leads out of it,
//! and what two programs might unpack in two ways is refused.

mod archive;
mod folder;
mod header;
mod limits;
mod pax;
mod refusal;
mod source;
mod stream;

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd as _;

pub use self::source::Source;
use crate::error::{Error, Result};
use crate::machine::{Machine, normal};

/// What was read of a node.
pub struct NodeCopy {
    machine: Machine,
    more: More,
}

/// Where what was not read at first is taken from.
enum More {
    Folder(folder::Folder),
    /// The rest of an archive, unless it was too much to be kept.
    Archive(Option<Machine>),
}

/// Reads the [`crate::machine::PLACES`] of a node.
pub fn read_machine(source: &Source) -> Result<NodeCopy> {
    match source {
        Source::Folder(path) => {
            let mut folder = folder::Folder::open(path)?;
            let machine = folder.read_places()?;
            Ok(NodeCopy { machine, more: More::Folder(folder) })
        }
        Source::Archive(path) => {
            let file =
                File::open(path).map_err(|error| Error::io("read the archive", path, &error))?;
            read_archive(&mut { file }, source)
        }
        Source::StandardInput => {
            // Not Rust's own: its buffer would keep a part of a key.
            let input = std::io::stdin().as_fd().try_clone_to_owned();
            let input = input
                .map_err(|error| Error::refused(format!("cannot read standard input: {error}")))?;
            read_archive(&mut File::from(input), source)
        }
    }
}

/// As [`read_machine`], of a stream.
pub fn read_archive(input: &mut dyn Read, source: &Source) -> Result<NodeCopy> {
    let (machine, rest) = archive::read(input).map_err(|why| why.told(source))?;
    Ok(NodeCopy { machine, more: More::Archive(rest) })
}

impl NodeCopy {
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Reads further files, which flags or manifests name: paths from the root, with or without the first
    /// slash. What is not there stays absent.
    pub fn also<'p>(&mut self, paths: impl IntoIterator<Item = &'p str>) -> Result<()> {
        for path in paths {
            let Some(path) = normal(path) else { continue };
            match &mut self.more {
                More::Folder(folder) => folder.read_also(&mut self.machine, &path)?,
                More::Archive(Some(rest)) => self.machine.take_from(rest, &path),
                More::Archive(None) => {
                    let real = self.machine.resolve(&path).unwrap_or(path);
                    if !self.machine.has(&real) {
                        let why = "the archive holds too much besides Kubernetes' own files for \
                                   others to be kept; make one of what is named";
                        self.machine.add_unread(&real, why);
                    }
                }
            }
        }
        Ok(())
    }
}
