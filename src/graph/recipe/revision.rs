//! The number in a description that forces a new key.

use std::fmt;

/// The revision that forces a new key: of the component (or user, certificate) and of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    pub component: u32,
    pub node: u32,
}

impl Revision {
    pub fn of(own: u32) -> Self {
        Revision { component: own, node: 1 }
    }

    /// Of what [`Display`](fmt::Display) writes, the component's own and the node's.
    pub fn parts(text: &str) -> (&str, &str) {
        text.split_once('.').unwrap_or((text, "1"))
    }

    /// As a hash has it: the first one is no field.
    pub(super) fn hashed(self) -> String {
        if self == Revision::of(1) { String::new() } else { self.to_string() }
    }
}

impl fmt::Display for Revision {
    /// `2`, or `2.3` where the node has a revision of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.component.fmt(f)?;
        match self.node {
            1 => Ok(()),
            node => write!(f, ".{node}"),
        }
    }
}
