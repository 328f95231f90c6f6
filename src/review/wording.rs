//! Parts of a change as they read.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use crate::facts::RoleGrant;
use crate::hash::Digest;
use crate::plan::{BACKDATE, rounded};
use crate::spec::Role;
use crate::time::Span;

pub(super) fn a_node(role: Role) -> &'static str {
    match role {
        Role::ControlPlane => "a control-plane node",
        Role::Etcd => "an etcd member",
        Role::Worker => "a worker",
    }
}

/// `cluster-role edit in dev`
pub(super) struct Grant<'a>(pub &'a RoleGrant);

impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RoleGrant { is_cluster_role, role, namespace, is_group, subject } = self.0;
        let kind = if *is_cluster_role { "cluster-role" } else { "role" };
        write!(f, "{kind} {role}")?;
        match namespace {
            Some(namespace) => write!(f, " in {namespace}")?,
            None => f.write_str(" everywhere")?,
        }
        if *is_group {
            write!(f, ", for all of group {subject}")?;
        }
        Ok(())
    }
}

/// Of a long text the beginning, and what tells it from others with the same one.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 240;
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            let digest = Digest::of(text.as_bytes()).to_string();
            let digest = digest.get(..12).unwrap_or_default();
            Cow::Owned(format!("{start}... ({} bytes, SHA-256 {digest}...)", text.len()))
        }
    }
}

/// A life without the minutes by which its start was set back.
pub(super) fn as_written(life: Span) -> Span {
    let without = rounded(life);
    if life.as_seconds() % 3600 == BACKDATE.as_seconds() { without } else { life }
}

pub(super) fn list(groups: &BTreeSet<String>) -> String {
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    groups.join(", ")
}
