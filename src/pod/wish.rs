//! What a manifest must say.

use crate::profile::{Business, Process};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagWish {
    /// Without the dashes.
    pub name: String,
    pub value: String,
    pub business: Business,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    Folder,
    File,
}

/// A path of the host that the process must see under the same path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountWish {
    pub path: String,
    pub kind: PathKind,
}

/// What a manifest must say. Several wishes for `service-account-key-file` are a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodWish {
    pub process: Process,
    pub flags: Vec<FlagWish>,
    pub mounts: Vec<MountWish>,
    pub annotations: Vec<(String, String)>,
}
