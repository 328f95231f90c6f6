//! Who gains or loses power, by the name that `--allow escalation:NAME` takes.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::graph::{Artifact, Scope, UserPart};
use crate::name::ArtifactName;

/// `jane`; where two kinds share the name, `users/jane`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    kind: &'static str,
    name: String,
    /// Another principal has the same name.
    ambiguous: bool,
}

impl Principal {
    pub fn new(kind: &'static str, name: &str) -> Self {
        Principal { kind, name: name.to_owned(), ambiguous: false }
    }

    /// The cluster's own: its endpoint, its recipients.
    pub fn cluster(name: &str) -> Self {
        Principal::new("cluster", name)
    }

    pub fn node(name: &str) -> Self {
        Principal::new("nodes", name)
    }

    /// Where nothing nearer says so: `defaults`.
    pub fn defaults() -> Self {
        Principal::cluster("defaults")
    }

    /// Of an artifact: `nodes/cp1/apiserver` is the apiserver's, on whichever node.
    pub fn of(artifact: &ArtifactName) -> Self {
        match Scope::of(artifact) {
            Scope::User(name) => Principal::new("users", name),
            Scope::Certificate(name) => Principal::new("certificates", name),
            Scope::Ca(name) => Principal::new("ca", name),
            Scope::Component { part, .. } => Principal::new("components", part),
            Scope::Cluster(part) => Principal::cluster(part),
        }
    }

    pub fn kind(&self) -> &'static str {
        self.kind
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
    pub(super) fn tell_apart<'a>(principals: impl Iterator<Item = &'a mut Principal>) {
        let all: Vec<&mut Principal> = principals.collect();
        let mut kinds: HashMap<String, BTreeSet<&'static str>> = HashMap::new();
        for principal in &all {
            kinds.entry(principal.name.clone()).or_default().insert(principal.kind);
        }
        for principal in all {
            principal.ambiguous = kinds.get(&principal.name).is_some_and(|kinds| kinds.len() > 1);
        }
    }
}

/// Of a request, the user's.
pub(super) fn identity(name: &ArtifactName) -> ArtifactName {
    match name.as_str().parse() {
        Ok(Artifact::User(user, UserPart::Request)) => {
            Artifact::User(user, UserPart::Identity).name()
        }
        _ => name.clone(),
    }
}

impl fmt::Display for Principal {
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
        let mut principals = [
            Principal::of(&artifact("users/web")),
            Principal::of(&artifact("certificates/web")),
            Principal::of(&artifact("nodes/cp1/apiserver")),
        ];
        Principal::tell_apart(principals.iter_mut());
        let [user, certificate, server] = &principals;
        assert_eq!(user.to_string(), "users/web");
        assert!(user.is_called("users/web") && !user.is_called("web"));
        assert!(!certificate.is_called("users/web"));
        assert_eq!(server.to_string(), "apiserver");
        assert!(server.is_called("apiserver") && server.is_called("components/apiserver"));
    }
}
