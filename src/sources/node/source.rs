//! Where the copy of a node is.

use std::path::{Path, PathBuf};

use crate::shell;
use crate::visible;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Folder(PathBuf),
    /// A tar archive.
    Archive(PathBuf),
    /// A tar archive.
    StandardInput,
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
    pub(super) fn piped(&self, unpack: &str) -> String {
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
