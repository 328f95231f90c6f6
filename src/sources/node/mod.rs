//! A copy of a node: a folder, or a tar archive in a file or on standard input.
//!
//! It may be of the node's root, of `/etc`'s folder `kubernetes`, or of what lies in that. Whichever it is,
//! paths are told from the root. The copy is a stranger's: everything has a limit, no link leads out of it,
//! and what two programs might unpack in two ways is refused.

mod archive;
mod folder;
mod header;
mod pax;

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::machine::{LAYOUTS, Machine, PLACES, Place, normal};
use crate::profile::KUBERNETES_FOLDER;
use crate::shell;
use crate::visible;

/// A larger file is no certificate, key, kubeconfig, manifest or configuration.
const FILE_LIMIT: usize = 1 << 20;
/// Of all files together; a node has about 200 KiB.
const BYTES_LIMIT: usize = 64 << 20;
/// Files, folders and links that are kept; a node has about fifty.
const ENTRIES_LIMIT: usize = 20_000;

/// Where the copy of a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Folder(PathBuf),
    /// A tar archive.
    Archive(PathBuf),
    /// A tar archive.
    StandardInput,
}

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

impl Source {
    /// As an argument names it: `-` is standard input.
    pub fn named(argument: &str) -> Source {
        match Path::new(argument) {
            path if path == Path::new("-") => Source::StandardInput,
            path if path.is_file() => Source::Archive(path.to_owned()),
            path => Source::Folder(path.to_owned()),
        }
    }

    /// For a message.
    pub fn shown(&self) -> String {
        match self {
            Source::Folder(path) | Source::Archive(path) => visible::path(path),
            Source::StandardInput => "standard input".to_owned(),
        }
    }

    /// The command line that unpacks it for a pipe, where a program has packed it.
    fn piped(&self, unpack: &str) -> String {
        match self {
            Source::Folder(path) | Source::Archive(path) => {
                format!("{unpack} {} | kpki adopt NODE=-", shell::path(path))
            }
            Source::StandardInput => {
                format!("put `{unpack}` in front of kpki: … | {unpack} | kpki")
            }
        }
    }
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

/// What lies in kubeadm's folder, and nowhere at the root of a machine.
const KUBEADMS: [&str; 9] = [
    "pki",
    "manifests",
    "admin.conf",
    "super-admin.conf",
    "controller-manager.conf",
    "scheduler.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "ssl",
];

/// What of a node's root stands in front of the copy's paths: nothing, or a folder with a slash at its end.
/// `None`: it holds nothing of a node.
fn start_of(there: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let kubeadms = |folder: &str| KUBEADMS.iter().any(|name| there(&format!("{folder}{name}")));
    let signs = || LAYOUTS.iter().flat_map(|layout| layout.signs).copied();
    if there(KUBERNETES_FOLDER) {
        Some("")
    } else if kubeadms("") {
        Some("etc/kubernetes/")
    } else if kubeadms("kubernetes/") {
        Some("etc/")
    } else if signs().chain(PLACES.iter().filter_map(Place::path)).any(there) {
        Some("")
    } else {
        None
    }
}

/// What is kept so far, against the limits.
#[derive(Default)]
struct Kept {
    entries: usize,
    bytes: usize,
}

impl Kept {
    /// Counts one more; whether it is within the limits.
    fn fits(&mut self, bytes: usize) -> bool {
        self.entries += 1;
        self.bytes += bytes;
        self.entries <= ENTRIES_LIMIT && self.bytes <= BYTES_LIMIT
    }
}

const NOT_UTF8: &str = "its name is not UTF-8";
const SPECIAL: &str = "a device, a named pipe or a socket";
const CHANGED: &str = "it changed while it was read";

fn too_large() -> String {
    format!("larger than {}", super::size_in_words(FILE_LIMIT))
}

fn nothing(shown: &str) -> Error {
    Error::refused(format!("{shown} holds nothing of a node")).help(
        "hand over a copy of its root (with etc/kubernetes in it), or of its folder /etc/kubernetes",
    )
}

fn too_much() -> String {
    format!(
        "holds more than {ENTRIES_LIMIT} files, or {}, of Kubernetes' own",
        super::size_in_words(BYTES_LIMIT)
    )
}
