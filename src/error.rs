//! Errors that name what, where and what to do, and how each kind leaves the process.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::visible;

/// What a failed command hands to the shell.
///
/// One value is one message for a person: a headline, an optional body (a rendered diagnostic or a
/// list) and an optional line of help. [`Kind`] decides the exit code, nothing else does.
#[derive(Debug, Clone)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub help: Option<String>,
}

/// The kinds of failure, one exit code each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Refused or failed; nothing is half-written.
    Refused,
    /// Needs an explicit `--allow`.
    NeedsAllow,
    /// The command line is wrong (sysexits `EX_USAGE`).
    Usage,
    /// A defect of kpki itself (sysexits `EX_SOFTWARE`).
    Internal,
    /// Another kpki writes here (sysexits `EX_TEMPFAIL`).
    Busy,
}

impl Kind {
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Refused => 1,
            Kind::NeedsAllow => 3,
            Kind::Usage => 64,
            Kind::Internal => 70,
            Kind::Busy => 75,
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Said where a command that writes did not.
pub const NOTHING_WRITTEN: &str = "nothing was written";

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), help: None }
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Error::new(Kind::Refused, message)
    }

    /// A broken promise of kpki's own, never the user's fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(Kind::Internal, message).help("this is a defect in kpki; please report it")
    }

    /// An I/O error never travels without its path.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Error::refused(format!("cannot {doing} {}: {error}", visible::path(path)))
    }

    /// Says below the message that everything is as it was.
    pub fn nothing_written(mut self) -> Self {
        self.message.push('\n');
        self.message.push_str(NOTHING_WRITTEN);
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A path as the user would type it from where they stand.
pub fn relative_to(path: &Path, here: &Path) -> PathBuf {
    path.strip_prefix(here).map_or_else(
        |_| path.to_path_buf(),
        |rest| {
            if rest.as_os_str().is_empty() { PathBuf::from(".") } else { rest.to_path_buf() }
        },
    )
}
