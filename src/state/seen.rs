//! What is known of a secret in the clear without opening it.

use crate::hash::Digest;

/// What the operating system says of a file, and what no writer leaves as it was: `changed` moves with every
/// write, rename and change of attributes, and nobody can set it (inode(7)). The device is left out: its
/// number may be another after a restart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    pub size: u64,
    pub inode: u64,
    pub modified: Moment,
    pub changed: Moment,
}

/// A file system's time since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// Whether a secret is the file that this machine has held against its public part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Seen {
    /// None was, under this name; or that cannot be told.
    #[default]
    Never,
    /// Another one was, or it was written since.
    Changed,
    /// It was, and belonged to what has this digest.
    Unchanged(Digest),
}
