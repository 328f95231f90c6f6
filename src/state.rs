//! What there is: the lock's lines and the files under `out/`, as values.

use std::collections::{BTreeMap, HashMap};

use crate::facts::CertificateFacts;
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::time::Timestamp;
use crate::version::KubernetesVersion;

/// What was built: hashes and public facts, one entry an artifact. It explains; it never makes a file
/// trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    pub cluster: Option<String>,
    pub kubernetes: Option<KubernetesVersion>,
    /// Identifies the seed that all keys follow from, if they do; tells nothing of it.
    pub seed: Option<Digest>,
    pub entries: BTreeMap<ArtifactName, Entry>,
}

/// One line of the lock. Fields that do not apply to a kind of artifact are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Hash of the recipe that it was built from.
    pub hash: Digest,
    pub revision: Option<String>,
    /// Digest of the SubjectPublicKeyInfo.
    pub public_key: Option<Digest>,
    /// Digest of the certificate's DER.
    pub certificate: Option<Digest>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    /// Digest of a rendered artifact's public content.
    pub content: Option<Digest>,
    /// Bytes of a kubeconfig: the most that plan may learn about a secret file.
    pub size: Option<u64>,
    /// A kubeconfig's server, to explain a change of it.
    pub server: Option<String>,
    /// Of a certificate that the cluster signed: digest of the request that it answers. `None`: of an earlier
    /// one, and the present one waits.
    pub request: Option<Digest>,
    /// What an etcd member was told of the others when its manifest was first made.
    pub initial_cluster: Option<String>,
}

impl Entry {
    pub fn new(hash: Digest) -> Self {
        Entry {
            hash,
            revision: None,
            public_key: None,
            certificate: None,
            not_before: None,
            not_after: None,
            content: None,
            size: None,
            server: None,
            request: None,
            initial_cluster: None,
        }
    }
}

impl Entry {
    /// The line of a key and its certificate.
    pub fn of_certificate(
        hash: Digest,
        revision: Option<String>,
        facts: &CertificateFacts,
    ) -> Self {
        Entry {
            revision,
            public_key: Some(facts.public_key.digest()),
            certificate: Some(facts.digest),
            not_before: Some(facts.not_before),
            not_after: Some(facts.not_after),
            ..Entry::new(hash)
        }
    }
}

impl Entry {
    /// Digest of what is public of the artifact: what restart annotations cover.
    pub fn public_content(&self) -> Option<Digest> {
        self.content.or(self.certificate).or(self.public_key)
    }
}

/// The files below `out/`, by path. Of secrets only what can be seen without opening them.
#[derive(Debug, Default)]
pub struct Inventory {
    pub files: HashMap<String, File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum File {
    Public {
        mode: u32,
        bytes: Vec<u8>,
    },
    Secret {
        mode: u32,
        size: u64,
    },
    /// Not a plain file, too large or unreadable; in words.
    Unusable {
        what: String,
    },
}

impl Inventory {
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    pub fn public(&self, path: &str) -> Option<&[u8]> {
        match self.files.get(path) {
            Some(File::Public { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }

    /// The size of a secret file, if it is there.
    pub fn secret_size(&self, path: &str) -> Option<u64> {
        match self.files.get(path) {
            Some(File::Secret { size, .. }) => Some(*size),
            _ => None,
        }
    }
}

/// Whether a file below `out/` is a secret, by its name: what plan never opens.
///
/// Anything not known to be public counts as secret.
pub fn is_public(path: &str) -> bool {
    [".crt", ".pub", ".yaml", ".csr"]
        .iter()
        .any(|suffix| path.ends_with(suffix))
}
