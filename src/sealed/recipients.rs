//! Whom one secret is sealed to.

use std::collections::BTreeSet;

use super::recipient::{Recipient, short};
use crate::hash::{Digest, Fields};
use crate::name::NodeName;

/// Whose recipients: `None` is the cluster.
pub type Owner = Option<NodeName>;

/// Never empty, sorted by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients {
    members: BTreeSet<Recipient>,
    digest: Digest,
}

impl Recipients {
    /// `None`: nobody could open it.
    pub fn of(members: BTreeSet<Recipient>) -> Option<Self> {
        let digest = Recipients::digest_of(members.iter().map(|one| one.id().to_owned()));
        (!members.is_empty()).then_some(Recipients { members, digest })
    }

    /// Of keys that are known by name only.
    pub fn digest_of(ids: impl Iterator<Item = String>) -> Digest {
        Fields::default().set("recipients", ids).hash()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Recipient> {
        self.members.iter()
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Of the keys: an ssh key's comment may change.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// A full name in short, also of one that is no longer described.
    pub fn short_name(full: &str) -> String {
        short(full)
    }
}
