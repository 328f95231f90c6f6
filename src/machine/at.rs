//! Where something was found.

use std::fmt;

/// A file of the machine or of the operator, and a line in it; line 0 is the whole file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub path: String,
    pub line: usize,
}

impl At {
    pub fn new(path: &str, line: usize) -> At {
        At { path: path.to_owned(), line }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.path),
            line => write!(f, "{}:{line}", self.path),
        }
    }
}
