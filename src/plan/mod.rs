//! Graph × Lock × Inventory × now → Plan: everything is known before anything is built.
//!
//! Each kind of artifact is judged in one way. A *minted* one (key, certificate) is kept while the public
//! facts of its bytes satisfy the wish; a *rendered* one (bundle, kubeconfig, manifest) is compared with
//! what its inputs give; an *imported* one is only checked. A differing hash is never by itself a reason
//! to mint.
//!
//! # Rules of judgement that are easy to get wrong
//!
//! - A leaf's life must be its validity (plus at most the five minutes by which notBefore is set back), or
//!   end exactly where its CA ends. When the CA is renewed, clamped leaves are issued again with it.
//! - A renewal is planned only if it moves notAfter later, so a leaf clamped to a CA that cannot be renewed
//!   is not renewed for ever.
//! - A CA renews when what is left is less than its longest leaf and that leaf's window need, but never
//!   before half of its own life: else a CA shorter than its leaves would renew at every run.
//! - A permission is no order: `--allow replace:NAME` takes effect only where the key turns out to be
//!   needed and not to be had.
//! - A file is an orphan while it is what the lock says was put at its path, and never by its name or
//!   folder. A certificate, key or kubeconfig is one only if a CA in `out/ca` signed for it ([`Proof`]):
//!   the lock may be anybody's.
//! - What cannot be read blocks its artifact without an `--allow`: nothing follows from it.
//! - A certificate can be issued again over a public key alone. Only a kubeconfig needs the private one.
//! - What time asks for on several nodes is done in turns ([`Turns`]). What waits is kept like any other
//!   artifact, so nothing that follows from it is done before its turn.
//! - Waiting for a certificate that the cluster signs is a state and no step: while it lasts nothing is
//!   planned, and the certificate and kubeconfig before it stay.
//! - The form of a secret at rest is a property of its placement alone: where it differs, that is a
//!   [`Seal`] beside the steps. What a removed recipient could read is remembered until it is another key;
//!   that is a state and no step.
//!
//! May import `content` and what lies below. Never here: files, a clock, a secret, and how a step is
//! carried out.

mod at_rest;
mod ca;
mod ca_traces;
mod calendar;
mod clock;
mod cluster_signed;
mod context;
mod etcd_start;
mod exposure;
mod found_key;
mod imported_ca;
mod intent;
mod interruption;
mod issuer;
mod issuer_name;
mod keypairs;
mod kubeconfig;
mod leaf;
mod minted;
mod orphan;
mod pod_differences;
mod proof;
mod public_part;
mod reason;
mod rejoin;
mod removed_bindings;
mod rendered;
mod request;
mod restart;
mod rotation;
mod sealing;
mod seeded;
mod seen;
mod signed_by_cluster;
mod signing_key;
mod stage;
mod static_pod;
mod survey;
mod turns;
mod unreadable;
mod validity;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::content::EtcdStart;
use crate::graph::{DerivationId, Graph};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::state::{Entry, Inventory, Lock, Made};
use crate::time::Timestamp;

pub use at_rest::{AtRest, Change, at_rest, recorded};
pub use calendar::renewal;
pub use clock::{ClockDoubt, clock_doubt};
pub use exposure::exposures;
pub use found_key::public_half;
pub use intent::{Allow, Intent, NamePattern};
pub use interruption::{Finishing, Interruption, replaced_roots};
pub use issuer_name::subject_on_record;
pub use keypairs::{is_another_keypairs, keypairs_on_record};
pub use leaf::extended_key_usage;
pub use orphan::Orphan;
pub use proof::Proof;
pub use public_part::PublicPart;
pub use reason::Reason;
pub use rejoin::{NoRejoin, Rejoin, rejoin};
pub use removed_bindings::{kept_bindings, removed_bindings};
pub use restart::{Membership, Restart};
pub use rotation::{Retired, Rotation};
pub use sealing::{RecipientsChange, Seal, id as recipient_id};
pub use seen::{Standing, belongs_to, standing, unverified};
pub use signed_by_cluster::{
    is_answered, key_on_record, refusal, renew_from, request_id, signing_request_on_disk,
};
pub use stage::Stage;
pub use static_pod::pod_file;
pub use survey::Survey;
pub use turns::Turns;
pub use unreadable::Unreadable;
pub use validity::{BACKDATE, rounded, validity_to_keep};
pub use walk::plan;

/// What to do for one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub derivation: DerivationId,
    pub action: Action,
    pub reasons: Vec<Reason>,
    /// Files to write.
    pub writes: Vec<TreePath>,
    /// Files whose mode alone is wrong.
    pub modes: Vec<TreePath>,
}

/// Ordered by how much a reviewer must care.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A new key where another one was on record: an anchor's only with `--allow`.
    Replace,
    /// First made.
    Create,
    /// A new key, and all that goes with it.
    Rekey,
    /// A new certificate over the same key.
    Reissue,
    /// A rendered artifact is written again.
    Render,
    /// Files are restored from the master; nothing is minted.
    Repair,
    /// Files stay; apply checks them and writes the lock's line.
    Record,
}

impl Step {
    /// No file is written, unless a check finds that it must be.
    pub fn only_checks(&self) -> bool {
        let changed = |reason: &Reason| matches!(reason, Reason::SecretChanged { .. });
        self.action == Action::Record && self.reasons.iter().all(changed)
    }
}

impl Step {
    /// Planned only since this machine cannot tell a secret from one that was exchanged.
    pub fn is_of_this_machine(&self) -> bool {
        let changed = |reason: &Reason| matches!(reason, Reason::SecretChanged { .. });
        !self.reasons.is_empty() && self.reasons.iter().all(changed)
    }
}

impl Action {
    /// In the order in which they are counted for a person.
    pub const ALL: [Action; 7] = [
        Action::Create,
        Action::Replace,
        Action::Rekey,
        Action::Reissue,
        Action::Render,
        Action::Repair,
        Action::Record,
    ];

    /// A new key pair is made.
    pub fn makes_key(self) -> bool {
        matches!(self, Action::Create | Action::Rekey | Action::Replace)
    }

    /// For a certificate: the issuer signs.
    pub fn signs(self) -> bool {
        self.makes_key() || self == Action::Reissue
    }
}

/// A step that needs `--allow` before apply does anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub derivation: DerivationId,
    /// `None`: no `--allow` helps; `why` says what does.
    pub allow: Option<Allow>,
    pub why: String,
}

/// A public part of another key than the lock has, as after a bad merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMismatch {
    pub derivation: DerivationId,
    pub path: TreePath,
}

/// Something that a person should read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The certificate's life is cut at its issuer's end.
    Clamped { derivation: DerivationId, until: Timestamp },
    /// A brought CA nears its end, and kpki cannot renew it.
    BroughtExpiring { derivation: DerivationId, until: Timestamp },
    /// So does one above it.
    ChainExpiring { derivation: DerivationId, subject: String, until: Timestamp },
    /// Not a plain file, too large or unreadable.
    Unusable { path: String, what: String },
    /// The missing key of an anchor lies elsewhere, as the public file beside it says.
    KeyFound { derivation: DerivationId, path: TreePath },
    /// kubelet.conf embeds a pair on record, and will only name the one that its kubelet keeps.
    KubeletLooksAfterItself { derivation: DerivationId },
}

/// What stands in the lock's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderChange {
    pub field: &'static str,
    pub old: String,
    pub new: String,
}

#[derive(Debug, Default)]
pub struct Plan {
    /// In build order.
    pub steps: Vec<Step>,
    pub blocked: Vec<Blocked>,
    pub key_mismatches: Vec<KeyMismatch>,
    /// Known keys whose files are not here.
    pub absent: Vec<DerivationId>,
    /// Due for renewal, but of written dates.
    pub ending: Vec<DerivationId>,
    /// Certificates whose requests the cluster has not answered yet. A state, not a step.
    pub waiting: Vec<DerivationId>,
    pub orphans: Vec<Orphan>,
    /// Files under `out/` that kpki did not make and never touches.
    pub foreign: Vec<String>,
    /// Those of them that the lock names, and nothing but the lock. Their lines stay: one that is described
    /// again is told from a stranger's.
    pub unproven: Vec<(TreePath, Made)>,
    pub notes: Vec<Note>,
    pub header: Vec<HeaderChange>,
    /// Lock entries of the artifacts that no step touches.
    pub kept: Vec<(DerivationId, Entry)>,
    /// Public contents of what stays, as far as static pods are restarted for it.
    pub contents: HashMap<DerivationId, Digest>,
    /// What each etcd member's manifest says of the others.
    pub etcd_starts: HashMap<DerivationId, EtcdStart>,
    /// Secrets whose form changes.
    pub seals: Vec<Seal>,
    pub recipients: RecipientsChange,
    /// Whose keys removed recipients could read, and who: only new keys help. A state, not a step.
    pub exposed: BTreeMap<DerivationId, BTreeSet<String>>,
    /// What etcd must be told first.
    pub membership: Vec<Membership>,
    /// Members of etcd whose data is gone, and that join again.
    pub rejoins: Vec<Rejoin>,
    /// What is due and waits for its turn. A state, not a step.
    pub turns: Option<Turns>,
    /// In the order in which it is safe.
    pub restarts: Vec<Restart>,
    /// Roots of trust whose key pairs change.
    pub rotations: Vec<Rotation>,
    /// Key pairs that go.
    pub retired: Vec<Retired>,
    /// A change before this one that is recorded and not complete.
    pub interruption: Option<Interruption>,
}

impl Plan {
    /// Nothing to do, nothing in the way, and nothing that waits for its turn.
    pub fn is_empty(&self) -> bool {
        self.interruption.is_none() && self.turns.is_none() && self.changes_nothing()
    }

    /// Beyond finishing what was interrupted.
    pub fn changes_nothing(&self) -> bool {
        self.steps.is_empty()
            && self.header.is_empty()
            && self.seals.is_empty()
            && self.recipients.is_empty()
            && self.blocked.is_empty()
            && self.key_mismatches.is_empty()
            && self.rotations.is_empty()
            && self.retired.is_empty()
    }

    /// What concerns these artifacts; of all others the lock's lines stay as they are.
    pub fn only(
        mut self,
        lock: &Lock,
        graph: &Graph,
        these: impl Fn(DerivationId) -> bool,
    ) -> Plan {
        for step in &self.steps {
            if !these(step.derivation)
                && let Some(entry) = lock.entries.get(&graph.get(step.derivation).name)
            {
                self.kept.push((step.derivation, entry.clone()));
            }
        }
        self.steps.retain(|step| these(step.derivation));
        self.seals.retain(|seal| these(seal.derivation));
        self.blocked.retain(|blocked| these(blocked.derivation));
        self.key_mismatches.retain(|mixed| these(mixed.derivation));
        self.header.clear();
        self.turns = None;
        self
    }
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    pub graph: &'a Graph,
    pub lock: &'a Lock,
    pub inventory: &'a Inventory,
    pub survey: &'a Survey,
    pub now: Timestamp,
}
