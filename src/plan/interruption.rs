//! An apply that was interrupted after its change was recorded: what finishing it would do, and whether it
//! may.
//!
//! What this user began on this machine is finished by the next apply. Anything else is a proposal: it lies
//! in the project folder, where a pull request could have put it.

use std::collections::BTreeSet;

use super::Intent;
use crate::graph::{Graph, Scope};
use crate::hash::Digest;
use crate::name::{ArtifactName, TreePath};
use crate::state::Lock;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// What `--allow interrupted:…` names.
    pub identity: Digest,
    pub writes: Vec<TreePath>,
    pub removes: Vec<TreePath>,
    /// Files whose mode alone changes.
    pub modes: Vec<TreePath>,
    /// Roots of trust whose private key would be another one, and nobody has consented yet.
    pub replaces: Vec<ArtifactName>,
    pub finishing: Finishing,
}

/// Who may finish it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finishing {
    /// The next apply does.
    ByItself,
    /// Only by a person's consent; why, in words.
    Consent { why: String, given: bool },
    /// Nobody; why, in words. What Git has must leave its index before it is set aside.
    Never { why: String, is_tracked: bool },
}

impl Interruption {
    /// No apply goes on.
    pub fn stops(&self) -> bool {
        !self.replaces.is_empty()
            || match &self.finishing {
                Finishing::ByItself => false,
                Finishing::Consent { given, .. } => !given,
                Finishing::Never { .. } => true,
            }
    }

    /// What `--allow` takes so that it may be finished.
    pub fn asks(&self) -> Vec<String> {
        let consent = matches!(self.finishing, Finishing::Consent { given: false, .. });
        let consent = consent.then(|| format!("interrupted:{}", self.identity));
        let replaces = self.replaces.iter().map(|name| format!("replace:{name}"));
        consent.into_iter().chain(replaces).collect()
    }
}

/// Roots of trust that get another key with another lock: each needs consent of its own.
///
/// `rewritten`: files that may hold a root's private key, whose bytes would be others or gone. The lock that
/// comes with them may lie.
pub fn replaced_roots(
    graph: &Graph,
    (before, after): (&Lock, &Lock),
    rewritten: &[TreePath],
    consented: impl Fn(&ArtifactName) -> bool,
) -> Vec<ArtifactName> {
    let key = |lock: &Lock, name: &ArtifactName| {
        lock.entries.get(name).and_then(|entry| entry.public_key)
    };
    let is_root = |name: &ArtifactName| match graph.find(name) {
        Some(id) => graph.get(id).recipe.is_anchor(),
        None => matches!(Scope::of(name), Scope::Ca(_)),
    };
    let known = before.entries.keys().filter(|name| is_root(name));
    let changed =
        known.filter(|name| key(before, name).is_some() && key(before, name) != key(after, name));
    let touched = rewritten.iter().filter_map(|path| {
        graph.placed(path.as_str()).map(|place| graph.get(place.derivation).name.clone())
    });
    let all: BTreeSet<ArtifactName> = changed.cloned().chain(touched).collect();
    all.into_iter().filter(|name| !consented(name)).collect()
}

impl Intent {
    pub fn allows_interrupted(&self, identity: &Digest) -> bool {
        self.allow
            .iter()
            .any(|allow| matches!(allow, super::Allow::Interrupted(given) if given == identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Entry;

    fn lock(roots: &[(&str, u8)]) -> Lock {
        let mut lock = Lock::default();
        for (name, key) in roots {
            let mut entry = Entry::new(Digest::of(b"recipe"));
            entry.public_key = Some(Digest::of(&[*key]));
            lock.entries.insert(name.parse().unwrap(), entry);
        }
        lock
    }

    fn replaced(before: &[(&str, u8)], after: &[(&str, u8)]) -> Vec<String> {
        let locks = (&lock(before), &lock(after));
        let names = replaced_roots(&Graph::default(), locks, &[], |_| false);
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_root_with_another_key_needs_consent() {
        let before = [("ca/etcd", 1), ("ca/kubernetes", 2), ("nodes/cp1/apiserver", 3)];
        assert_eq!(replaced(&before, &before), [""; 0]);
        // A leaf's key is no root.
        let after = [("ca/etcd", 1), ("ca/kubernetes", 2), ("nodes/cp1/apiserver", 9)];
        assert_eq!(replaced(&before, &after), [""; 0]);
        let after = [("ca/etcd", 9), ("ca/kubernetes", 2)];
        assert_eq!(replaced(&before, &after), ["ca/etcd"]);
        // A lock that does not mention it any more.
        assert_eq!(replaced(&before, &[("ca/etcd", 1)]), ["ca/kubernetes"]);
        // First made.
        assert_eq!(replaced(&[], &before), [""; 0]);
    }
}
