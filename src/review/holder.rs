//! Who gains or loses power, by the name that `--allow escalation:NAME` takes.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::graph::Scope;
use crate::name::ArtifactName;

/// `jane`; where two kinds share the name, `users/jane`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    kind: &'static str,
    name: String,
    /// Another holder has the same name.
    ambiguous: bool,
}

impl Holder {
    pub fn new(kind: &'static str, name: &str) -> Self {
        Holder { kind, name: name.to_owned(), ambiguous: false }
    }

    /// The cluster's own: its endpoint, its recipients.
    pub fn cluster(name: &str) -> Self {
        Holder::new("cluster", name)
    }

    pub fn node(name: &str) -> Self {
        Holder::new("nodes", name)
    }

    /// Where nothing nearer says so: `defaults`.
    pub fn defaults() -> Self {
        Holder::cluster("defaults")
    }

    /// Of an artifact: `nodes/cp1/apiserver` is the apiserver's, on whichever node.
    pub fn of(artifact: &ArtifactName) -> Self {
        match Scope::of(artifact) {
            Scope::User(name) => Holder::new("users", name),
            Scope::Certificate(name) => Holder::new("certificates", name),
            Scope::Ca(name) => Holder::new("ca", name),
            Scope::Component { part, .. } => Holder::new("components", part),
            Scope::Cluster(part) => Holder::cluster(part),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// As `--allow escalation:` takes it.
    pub fn as_artifact(&self) -> ArtifactName {
        ArtifactName::of(&self.to_string())
    }

    pub fn is_called(&self, name: &str) -> bool {
        let qualified = name.split_once('/') == Some((self.kind, &self.name));
        qualified || (!self.ambiguous && self.name == name)
    }

    /// Holders of one name and several kinds are called by both.
    pub(super) fn tell_apart<'a>(holders: impl Iterator<Item = &'a mut Holder>) {
        let all: Vec<&mut Holder> = holders.collect();
        let mut kinds: HashMap<String, BTreeSet<&'static str>> = HashMap::new();
        for holder in &all {
            kinds.entry(holder.name.clone()).or_default().insert(holder.kind);
        }
        for holder in all {
            holder.ambiguous = kinds.get(&holder.name).is_some_and(|kinds| kinds.len() > 1);
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ambiguous {
            write!(f, "{}/", self.kind)?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_two_kinds_share_needs_its_kind() {
        let artifact = |name: &str| name.parse::<ArtifactName>().unwrap();
        let mut holders = [
            Holder::of(&artifact("users/web")),
            Holder::of(&artifact("certificates/web")),
            Holder::of(&artifact("nodes/cp1/apiserver")),
        ];
        Holder::tell_apart(holders.iter_mut());
        let [user, certificate, server] = &holders;
        assert_eq!(user.to_string(), "users/web");
        assert!(user.is_called("users/web") && !user.is_called("web"));
        assert!(!certificate.is_called("users/web"));
        assert_eq!(server.to_string(), "apiserver");
        assert!(server.is_called("apiserver") && server.is_called("components/apiserver"));
    }
}
