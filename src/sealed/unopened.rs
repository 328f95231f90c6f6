//! Why something is not sealed, stays closed or opens nothing.

use crate::secret::Secret;

/// Asks for a passphrase, once it turns out that one is needed.
pub type Locked<'a> = &'a mut dyn FnMut() -> Result<Secret, NotAnIdentity>;

/// Reads after the file's name and quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotAnIdentity {
    pub why: String,
    pub help: Option<&'static str>,
}

impl NotAnIdentity {
    pub fn because(why: impl Into<String>) -> Self {
        NotAnIdentity { why: why.into(), help: None }
    }
}

/// Why a sealed file stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    NoneFits,
    /// Cut or changed, in its header or behind it.
    Damaged,
    WithoutAge,
}

/// A secret could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot be sealed")]
pub struct NotSealed;
