//! What there is: the lock's lines and the files under `out/`, as values.

mod access;
mod folder;
mod out;
mod seen;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::facts::CertificateFacts;
use crate::hash::Digest;
use crate::name::{ArtifactName, TreePath};
use crate::sealed::{Owner, SealedFile};
use crate::secret::Secret;
use crate::spec::KeypairState;
use crate::time::Timestamp;
use crate::version::KubernetesVersion;

pub use access::{Access, Reach};
pub use folder::Loose;
pub use out::{
    OUT, REMOVED_BINDINGS, is_in_our_folders, is_in_out, is_public, is_read, looks_like_own,
    sealed_secret,
};
pub use seen::{Moment, Seen, Stamp};

/// What was built: hashes and public facts, one entry an artifact. It explains; it never makes a file
/// trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    pub cluster: Option<String>,
    pub kubernetes: Option<KubernetesVersion>,
    /// What all keys follow from, if they do; tells nothing of it.
    pub seed: Option<SeedMark>,
    /// Full names of the recipients that secrets were sealed to: the cluster's, and a node's own.
    pub recipients: BTreeMap<Owner, BTreeSet<String>>,
    pub entries: BTreeMap<ArtifactName, Entry>,
    /// How the copies on nodes of a key that several share rest; the master's record is its artifact's.
    pub copies: BTreeMap<TreePath, Rest>,
    /// Keys that somebody could read who is a recipient no longer, as long as they are in use.
    pub exposed: BTreeMap<ArtifactName, Exposure>,
    /// What was put at paths that nothing describes any more, by the file's own name. Of a node's copy of
    /// what several share the artifact's line moves on, and the file stays.
    pub orphans: BTreeMap<TreePath, Made>,
}

/// What kpki put at a path: nothing else there is its to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Made {
    /// Digest of the bytes of a file that is public or sealed.
    Content(Digest),
    /// Of a secret in the clear: digest of its key's public half, which only apply opens it for.
    Key(Digest),
}

/// Tells a seed from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedMark {
    /// Of the seed and the cluster's name.
    pub id: Digest,
    /// Version of the key schedule by which keys followed from it.
    pub schedule: u32,
}

impl SeedMark {
    /// The schedule of this kpki.
    pub const SCHEDULE: u32 = 2;
}

/// Who could read a key once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Digest of the key's public half: another key was not read.
    pub public_key: Digest,
    /// Full names of recipients.
    pub to: BTreeSet<String>,
}

impl Exposure {
    /// It is of the key that this lock has under that name.
    pub fn is_of(&self, lock: &Lock, name: &ArtifactName) -> bool {
        let entry = lock.entries.get(name);
        entry.and_then(|entry| entry.public_key) == Some(self.public_key)
    }
}

/// How a sealed secret rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Digest of the sealed file.
    pub sealed: Digest,
    /// Digest of the recipients that it was sealed to.
    pub recipients: Digest,
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
    /// Of a static pod's manifest without an annotation: what its process must be restarted for, as the
    /// annotation would have it.
    pub restart_digest: Option<Digest>,
    /// Of a key pair of a CA or of the service accounts that does not sign.
    pub keypair: Option<KeypairState>,
    /// Its user brought it, and it does not sign.
    pub brought: bool,
    /// Of a secret that is sealed.
    pub rest: Option<Rest>,
    /// An apply knew that nothing describes it any more: described again, it is somebody new.
    pub left: bool,
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
            restart_digest: None,
            keypair: None,
            brought: false,
            rest: None,
            left: false,
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
    /// A secret stands under its name in the clear, in whichever form it is here.
    pub files: HashMap<String, File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum File {
    Public {
        mode: u32,
        bytes: Vec<u8>,
    },
    Secret(SecretFile),
    /// Not a plain file, or too large; in words.
    Unusable {
        what: String,
    },
    /// A file, or a folder and all that may be in it, that the operating system does not let us read; why, in
    /// words. Neither lost nor damaged.
    Unreadable {
        why: String,
    },
}

/// The forms in which a secret is here: at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretFile {
    pub plain: Option<PlainFile>,
    pub sealed: Option<SealedFile>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlainFile {
    pub mode: u32,
    pub size: u64,
    pub stamp: Stamp,
    pub seen: Seen,
}

impl SecretFile {
    /// Of what a reader gets: where both forms are here, the sealed one counts.
    pub fn size(&self) -> u64 {
        let plain = self.plain.map_or(0, |plain| plain.size);
        self.sealed.as_ref().map_or(plain, |sealed| sealed.size)
    }

    /// The mode of the one that others can read.
    pub fn exposed(&self) -> Option<u32> {
        self.plain.map(|plain| plain.mode).filter(|mode| mode & 0o077 != 0)
    }
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

    pub fn secret(&self, path: &str) -> Option<&SecretFile> {
        match self.files.get(path) {
            Some(File::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// The size of a secret, if it is there.
    pub fn secret_size(&self, path: &str) -> Option<u64> {
        self.secret(path).map(SecretFile::size)
    }

    /// A file of which [`is_read`] says so.
    pub fn add_read(&mut self, path: String, mode: u32, bytes: Vec<u8>) {
        let Some(secret) = sealed_secret(&path) else {
            self.files.insert(path, File::Public { mode, bytes });
            return;
        };
        match SealedFile::read(&bytes) {
            Ok(sealed) => self.form(secret.to_owned(), |secret| secret.sealed = Some(sealed)),
            Err(what) => self.add_unusable(path, what.to_owned()),
        }
    }

    /// A secret in the clear.
    pub fn add_secret(&mut self, path: String, plain: PlainFile) {
        self.form(path, |secret| secret.plain = Some(plain));
    }

    pub fn add_unusable(&mut self, path: String, what: String) {
        self.files.insert(path, File::Unusable { what });
    }

    pub fn add_unreadable(&mut self, path: String, why: String) {
        self.files.insert(path, File::Unreadable { why });
    }

    fn form(&mut self, path: String, add: impl FnOnce(&mut SecretFile)) {
        let mut secret = self.secret(&path).cloned().unwrap_or_default();
        add(&mut secret);
        self.files.insert(path, File::Secret(secret));
    }
}

/// What kpki knows of a node, on the node itself; relative to its root.
pub const RECORD: &str = "var/lib/kpki/installed.json";

/// What lies on a node, as far as it was looked at. Paths are relative to its root.
#[derive(Default)]
pub struct NodeState {
    pub files: BTreeMap<TreePath, NodeFile>,
    /// Folders that are there, and their modes.
    pub folders: BTreeMap<String, u32>,
}

pub struct NodeFile {
    pub mode: u32,
    /// Belongs to the user that kpki runs as.
    pub own: bool,
    /// User and group, where there are such.
    pub owner: Option<(u32, u32)>,
    /// Whatever it is: a key may lie where none is expected.
    pub bytes: Secret,
}

impl NodeFile {
    /// `None`: to the user that kpki runs as.
    pub fn belongs_to(&self, owner: Option<(u32, u32)>) -> bool {
        owner.map_or(self.own, |owner| self.owner == Some(owner))
    }
}
