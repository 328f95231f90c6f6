//! What a patch finds.

use std::fmt;

/// A flag that had another value than the wished one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In the manifest as it was.
    pub line: usize,
    pub flag: String,
    pub found: String,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    ChangedTo(String),
    /// The operator's value stays, although kpki would choose this one.
    Kept {
        wished: String,
    },
    /// One more value of a flag that may be given several times; nobody wished it, it stays.
    Extra,
}

impl Finding {
    /// What there is to say, without the line.
    pub fn message(&self) -> String {
        let Finding { flag, found, .. } = self;
        match &self.outcome {
            Outcome::ChangedTo(new) => format!("--{flag} changed from {found} to {new}"),
            Outcome::Kept { wished } => {
                format!("--{flag} stays {found}, kpki would choose {wished}")
            }
            Outcome::Extra => format!("--{flag} has {found} as well, which stays"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message())
    }
}
