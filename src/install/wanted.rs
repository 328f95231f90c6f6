//! A file as it should be on a node, and why it is written.

use serde::Serialize;

use super::older::{self, Older};
use super::{Holds, Layer};
use crate::graph::DerivationId;
use crate::name::TreePath;
use crate::secret::Secret;

/// A file as it should be on the node.
pub struct Wanted {
    pub path: TreePath,
    pub layer: Layer,
    pub derivation: DerivationId,
    pub mode: u32,
    /// User and group; `None`: whoever installs it, which is root on a node.
    pub owner: Option<(u32, u32)>,
    pub secret: bool,
    pub bytes: Secret,
    pub holds: Holds,
}

/// Why a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    New,
    /// Other bytes, which kpki put there.
    Outdated,
    /// Other bytes, and not those that kpki put there.
    Foreign,
    /// The right bytes with another mode or owner.
    Attributes,
}

pub struct Write<'a> {
    pub file: &'a Wanted,
    pub reason: Reason,
}

impl Wanted {
    pub(super) fn older_than(&self, old: &Secret, known: bool) -> Option<Older> {
        let (node, until) = older::newer(old, &self.bytes, known)?;
        Some(Older { path: self.path.clone(), node, until })
    }

    /// A key that is on no record and not the one to be written. An unreadable file in a secret's place may
    /// be one.
    pub(super) fn loses_key(&self, old: &Secret) -> bool {
        match Holds::of(old) {
            Holds::Key { key, .. } => {
                !matches!(self.holds, Holds::Key { key: own, .. } if own == key)
            }
            Holds::Unreadable => true,
            Holds::Public(_) => self.secret && !old.expose().trim_ascii().is_empty(),
        }
    }
}
