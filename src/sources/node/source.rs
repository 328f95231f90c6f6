//! Where the copy of a node is.

use std::os::unix::fs::FileTypeExt as _;
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
    /// As an argument names it: `-` is standard input. A pipe is read as that is, and a shell's `<(…)` is the
    /// path of one.
    pub fn named(argument: &str) -> Source {
        let path = Path::new(argument);
        if path == Path::new("-") {
            return Source::StandardInput;
        }
        let is_read = |kind: std::fs::FileType| kind.is_file() || kind.is_fifo();
        match std::fs::metadata(path) {
            Ok(metadata) if is_read(metadata.file_type()) => Source::Archive(path.to_owned()),
            _ => Source::Folder(path.to_owned()),
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
