//! Which artifact a file can be of, by its path alone: what a lock still names when nothing describes it any
//! more.
//!
//! The other direction of [`derive`](super::derive). A test holds the two against each other.

use super::Content;
use crate::name::ArtifactName;
use crate::profile::{
    AUTHORITY_FILES, AuthorityFile, Home, KUBELET_CONFIG, KUBERNETES_FOLDER, LEAVES, Process,
    SERVICE_ACCOUNT_FILES,
};

/// One artifact that could have been placed at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub name: ArtifactName,
    pub content: Content,
    /// Whose private key the file holds, where it holds one.
    pub identity: ArtifactName,
}

/// Every artifact that some description places at this path below `out/`; of a sealed file the name in the
/// clear.
pub fn origins(path: &str) -> Vec<Origin> {
    let mut found = Found::default();
    match path.split_once('/') {
        Some(("nodes", rest)) => {
            if let Some((node, file)) = rest.split_once('/') {
                found.on_node(node, file);
            }
        }
        Some(("identities", rest)) => found.witness(rest),
        Some(("ca", file)) => found.of_leaves("operator", file),
        Some(("users", rest)) => {
            if let Some((user, file)) = rest.split_once('/') {
                found.of_user(user, file);
            }
        }
        Some(("certificates", rest)) => {
            if let Some((name, file)) = rest.split_once('/')
                && stem(file).is_some_and(|(stem, _)| stem == name)
            {
                found.extra(file);
            }
        }
        Some(("cluster", "cluster-role-bindings.yaml")) => {
            found.add("cluster/cluster-role-bindings", Content::Rendered);
        }
        _ => {}
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Origin>);

impl Found {
    fn add(&mut self, name: &str, content: Content) {
        self.add_around(name, content, name);
    }

    fn add_around(&mut self, name: &str, content: Content, identity: &str) {
        if let (Ok(name), Ok(identity)) = (name.parse(), identity.parse()) {
            self.0.push(Origin { name, content, identity });
        }
    }

    fn on_node(&mut self, node: &str, file: &str) {
        if file == KUBELET_CONFIG {
            self.add("kubelet-config", Content::Rendered);
        }
        if let Some(name) = file.rsplit('/').next() {
            self.extra(name);
        }
        let below = file.strip_prefix(KUBERNETES_FOLDER);
        let Some(file) = below.and_then(|file| file.strip_prefix('/')) else {
            return;
        };
        let scope = format!("nodes/{node}");
        self.of_leaves(&scope, file);
        for row in AUTHORITY_FILES.iter().filter(|row| row.path == file) {
            match row.file {
                AuthorityFile::Bundle => self.add(&format!("bundle/{}", row.ca), Content::Rendered),
                AuthorityFile::PrivateKey => {
                    self.add(&format!("ca/{}", row.ca), Content::PrivateKey);
                }
            }
        }
        let (private, public) = SERVICE_ACCOUNT_FILES;
        if file == private {
            self.add("service-account", Content::PrivateKey);
        } else if file == public {
            self.add("service-account", Content::PublicKey);
        }
        let manifest = file.strip_prefix("manifests/");
        let manifest = manifest.and_then(|file| file.strip_suffix(".yaml"));
        if let Some(pod) = manifest
            && Process::ALL.iter().any(|process| process.name() == pod)
        {
            self.add(&format!("{scope}/manifests/{pod}"), Content::Rendered);
        }
    }

    /// Files of a node's or the operator's components.
    fn of_leaves(&mut self, scope: &str, file: &str) {
        for row in LEAVES {
            let leaf = format!("{scope}/{}", row.name);
            match row.home {
                Home::Pair { certificate, .. } if certificate == file => {
                    self.add(&leaf, Content::Certificate);
                }
                Home::Pair { key, .. } if key == file => self.add(&leaf, Content::PrivateKey),
                Home::Kubeconfig { file: config, .. } if config == file => {
                    self.add_around(&format!("{scope}/{config}"), Content::Kubeconfig, &leaf);
                }
                Home::Pair { .. } | Home::Kubeconfig { .. } => {}
            }
        }
    }

    /// The copy of a certificate that only a kubeconfig embeds.
    fn witness(&mut self, rest: &str) {
        if let Some(leaf) = rest.strip_suffix(".crt") {
            self.add(leaf, Content::Certificate);
        }
    }

    fn of_user(&mut self, user: &str, file: &str) {
        let whole = format!("users/{user}");
        let request = format!("{whole}/request");
        if let Some((_, content)) = stem(file).filter(|(stem, _)| *stem == user) {
            self.add(&whole, content);
            if content == Content::PrivateKey {
                self.add(&request, content);
            }
        } else if file.strip_suffix(".kubeconfig") == Some(user) {
            self.add_around(&format!("{whole}/kubeconfig"), Content::Kubeconfig, &whole);
        } else if file == "request/csr.yaml" {
            self.add(&format!("{whole}/csr.yaml"), Content::Rendered);
        } else if file.strip_prefix("request/") == Some(&format!("{user}.csr")) {
            self.add(&request, Content::Request);
        } else if matches!(file, "rbac.yaml" | "kustomization.yaml") {
            self.add(&format!("{whole}/{file}"), Content::Rendered);
        }
    }

    /// A certificate of the description's own, in whichever folder.
    fn extra(&mut self, file: &str) {
        if let Some((name, content)) = stem(file) {
            self.add(&format!("certificates/{name}"), content);
        }
    }
}

/// `NAME.crt` and `NAME.key`
fn stem(file: &str) -> Option<(&str, Content)> {
    let certificate = file.strip_suffix(".crt").map(|stem| (stem, Content::Certificate));
    certificate.or_else(|| file.strip_suffix(".key").map(|stem| (stem, Content::PrivateKey)))
}
