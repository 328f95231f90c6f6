//! Why a manifest stays as it is.

use std::fmt;

/// Why a manifest cannot be read or patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodError {
    /// `None`: about the whole file.
    pub line: Option<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl PodError {
    pub(super) fn at(line: usize, message: impl Into<String>) -> Self {
        PodError { line: Some(line), message: message.into(), help: None }
    }

    pub(super) fn whole(message: impl Into<String>) -> Self {
        PodError { line: None, message: message.into(), help: None }
    }

    /// A change that kpki does not trust itself to make.
    pub(super) fn failed(why: &str) -> Self {
        PodError::whole(format!("kpki cannot change this manifest safely: {why}"))
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for PodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for PodError {}
