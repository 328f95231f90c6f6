//! The lines of a lock, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::spec::KeypairState;
use crate::state::{Entry, Rest};
use crate::time::Timestamp;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Head {
    /// Version of this format.
    pub(super) kpki_lock: u32,
    /// The cluster's name.
    pub(super) cluster: Option<String>,
    /// The resolved Kubernetes version.
    pub(super) kubernetes: Option<String>,
    /// Identifies the seed of a reproducible cluster, without telling it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<Digest>,
    /// Version of the key schedule by which the keys follow from the seed; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<u32>,
}

/// One artifact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Line {
    /// The artifact's name.
    pub(super) name: String,
    /// Hash of the recipe that it was built from: 32 hexadecimal digits.
    #[schemars(with = "String", regex(pattern = r"^[0-9a-f]{32}$"))]
    pub(super) hash: Digest,
    /// The revision that forced its key; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<String>,
    /// Digest of its public key (SubjectPublicKeyInfo, DER).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<Digest>,
    /// Digest of its certificate (DER).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<Digest>,
    /// Start of the certificate's validity (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_before: Option<Timestamp>,
    /// End of the certificate's validity (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_after: Option<Timestamp>,
    /// Digest of a rendered file's public content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Digest>,
    /// Size of a kubeconfig in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    /// The server that a kubeconfig names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    /// Digest of the request that a certificate signed by the cluster answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Digest>,
    /// What an etcd member was told of the others when its manifest was first made: `new:` or `existing:`,
    /// and the value of `--initial-cluster`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) initial_cluster: Option<String>,
    /// Of a static pod's manifest that has no annotation of kpki's: digest over what its process must be
    /// restarted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restart_digest: Option<Digest>,
    /// What a key pair that does not sign is there for: `trusted` or `serving-only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keypair: Option<String>,
    /// A key pair that does not sign, and that its user brought.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) brought: bool,
    /// Digest of the file that holds its secret sealed: of the master, where there are copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sealed: Option<Digest>,
    /// Digest of the recipients that the secret was sealed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recipients: Option<Digest>,
    /// Nothing described it any more at the last apply, and it was not pruned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) left: bool,
}

/// What a key has whose revision is not written.
const FIRST_REVISION: &str = "1";

impl Line {
    pub(super) fn of(name: &ArtifactName, entry: &Entry) -> Self {
        let Entry {
            hash,
            revision,
            public_key,
            certificate,
            not_before,
            not_after,
            content,
            size,
            server,
            request,
            initial_cluster,
            restart_digest,
            keypair,
            brought,
            rest,
            left,
        } = entry.clone();
        Line {
            name: name.to_string(),
            hash,
            revision: revision.filter(|revision| revision != FIRST_REVISION),
            public_key,
            certificate,
            not_before,
            not_after,
            content,
            size,
            server,
            request,
            initial_cluster,
            restart_digest,
            keypair: keypair.map(|state| state.as_str().to_owned()),
            brought,
            sealed: rest.map(|rest| rest.sealed),
            recipients: rest.map(|rest| rest.recipients),
            left,
        }
    }

    pub(super) fn entry(self) -> Entry {
        let first = || self.public_key.is_some().then(|| FIRST_REVISION.to_owned());
        // Half a record is none: the file is looked at anew.
        let rest = self.sealed.zip(self.recipients);
        Entry {
            hash: self.hash,
            revision: self.revision.or_else(first),
            public_key: self.public_key,
            certificate: self.certificate,
            not_before: self.not_before,
            not_after: self.not_after,
            content: self.content,
            size: self.size,
            server: self.server,
            request: self.request,
            initial_cluster: self.initial_cluster,
            restart_digest: self.restart_digest,
            keypair: KeypairState::ALL
                .into_iter()
                .find(|state| Some(state.as_str()) == self.keypair.as_deref()),
            brought: self.brought,
            rest: rest.map(|(sealed, recipients)| Rest { sealed, recipients }),
            left: self.left,
        }
    }
}

/// Whom secrets were sealed to, by name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RecipientsLine {
    /// Public keys: `age1…`, or an ssh key's fingerprint and comment.
    pub(super) recipients: Vec<String>,
    /// Of this node's tree besides; absent: of every secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
}

/// A node's sealed copy of a key that several share.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CopyLine {
    /// Its path below out/, as if it were in the clear.
    pub(super) copy: String,
    /// Digest of the sealed file.
    pub(super) sealed: Digest,
    /// Digest of the recipients that it was sealed to.
    pub(super) recipients: Digest,
}

/// A key that somebody could read who is a recipient no longer: old files stay as they are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ExposedLine {
    /// The name of the artifact whose key it is.
    pub(super) exposed: String,
    /// Digest of the key's public half; with another key in the artifact's line, nothing is exposed.
    pub(super) public_key: Digest,
    /// Who could read it: `age1…`, or an ssh key's fingerprint and comment.
    pub(super) to: Vec<String>,
}

/// A file that kpki once put where nothing describes one any more, as long as it is not pruned.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OrphanLine {
    /// The file's path below out/.
    pub(super) orphan: String,
    /// Of a public or sealed file: digest of its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Digest>,
    /// Of a secret in the clear: digest of its key's public half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<Digest>,
}

/// A line of `cluster.lock`: the first is the head; recipients, artifacts, copies, exposed keys and orphans
/// follow.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the file for the schema; lines are read one by one")]
enum LockLine {
    Head(Head),
    Recipients(RecipientsLine),
    Artifact(Box<Line>),
    Copy(CopyLine),
    Exposed(ExposedLine),
    Orphan(OrphanLine),
}

/// The JSON Schema of one line.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(LockLine)
}
