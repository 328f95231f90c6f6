//! The kinds of change in power: what each is called, and which of them stop.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::name_owners::Owner;
use super::powerful::{is_ordinary_role, is_powerful_group};
use crate::facts::RoleGrant;
use crate::name::San;
use crate::spec::{CaName, Role};
use crate::time::Span;
use crate::version::KubernetesVersion;

/// What a principal can do now, or can do no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessChange {
    /// Somebody who was not known before.
    Subject {
        common_name: String,
        groups: BTreeSet<String>,
        /// Whom its certificate is good for.
        ca: CaName,
        client: bool,
        /// Why it has power all the same: another has its name, or its group a role.
        same_as: Option<String>,
    },
    Group(String),
    CommonName {
        old: String,
        new: String,
    },
    /// A name or a public address that a server can speak for.
    Name(San),
    /// A name by which clients know another server.
    OthersName {
        name: San,
        owner: Owner,
    },
    /// `server`, `client`
    Usage(&'static str),
    /// It can issue certificates.
    CaBit,
    LongerLife {
        old: Span,
        new: Span,
    },
    Issuer {
        old: String,
        new: String,
    },
    /// The certificate goes to whoever has another key.
    AnotherKey,
    /// Half its record is gone, and what is described is something else.
    Unknown,
    /// A cluster is built from keys that somebody trusts already.
    Anew,
    /// Files are here, and the lock that would say what they were is not.
    Unrecorded,
    Root,
    RootReplaced,
    /// A brought CA's certificate is another over the same key.
    RootReissued,
    /// Clients trust a CA above a brought one, too: what it certifies can pass for the cluster's servers.
    /// Anybody can issue a second certificate for a CA, and stand above it.
    RootForClients(String),
    /// Its key lies on one more machine.
    KeyOn(String),
    /// The same on a machine where an old file says that it was, in another folder.
    KeyInAnotherFolder(String),
    /// Of a static pod: who is believed, and who may do what.
    Flag {
        flag: String,
        old: String,
        new: String,
    },
    Role {
        grant: RoleGrant,
        /// Somebody had it there before.
        is_known: bool,
    },
    /// Whole, with tag and digest. A container of a static pod runs another one.
    Image {
        container: String,
        old: String,
        new: String,
        /// The described version's own, again.
        is_own: bool,
    },
    /// Any other field of a static pod.
    Pod {
        path: String,
        old: String,
        new: String,
    },
    /// What a static pod says, or said, cannot be told.
    Unreadable {
        before: bool,
        why: String,
    },
    /// Kubeconfigs lead elsewhere.
    Endpoint {
        /// Empty: it cannot be told.
        old: String,
        new: String,
    },
    /// Somebody can open sealed secrets.
    Recipient(String),
    Joined(Role),
    /// A node that holds keys of the cluster is at an address where it was not.
    Moved {
        role: Role,
        address: IpAddr,
    },
    /// The cluster goes back to a version without what was mended since.
    OlderKubernetes {
        old: KubernetesVersion,
        new: KubernetesVersion,
    },
    /// API servers believe whoever answers as a kubelet.
    KubeletUnchecked,
    /// Kubelets have no configuration from kpki any more.
    KubeletUnconfigured,
    /// A key that was given up may come back.
    LowerRevision {
        old: u32,
        new: u32,
    },
    /// A certificate that is trusted beside the CA's own is not any more.
    RootDropped {
        root: String,
        in_own_file: bool,
    },
    LostGroup(String),
    LostRole(RoleGrant),
    LostRecipient(String),
    /// A node of that role has another one.
    Demoted(Role),
    /// What there is once in a cluster lies elsewhere.
    Relocated {
        old: String,
        new: String,
    },
    /// It is described no longer.
    Removed {
        groups: BTreeSet<String>,
    },
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Power that a person must consent to.
    Escalation,
    /// A gain in the ordinary course of things.
    Gain,
    Loss,
}

impl AccessChange {
    /// The word that JSON and policies use.
    pub fn code(&self) -> &'static str {
        match self {
            AccessChange::Subject { .. } => "subject",
            AccessChange::Group(_) => "group",
            AccessChange::CommonName { .. } => "common-name",
            AccessChange::Name(San::Dns(name)) if name.starts_with("*.") => "wildcard",
            AccessChange::Name(_) => "name",
            AccessChange::OthersName { .. } => "others-name",
            AccessChange::Usage(_) => "usage",
            AccessChange::CaBit => "ca-bit",
            AccessChange::LongerLife { .. } => "longer-life",
            AccessChange::Issuer { .. } => "issuer",
            AccessChange::AnotherKey => "another-key",
            AccessChange::Unknown => "unknown",
            AccessChange::Root => "anchor",
            AccessChange::RootReplaced => "anchor-replaced",
            AccessChange::RootReissued => "anchor-reissued",
            AccessChange::RootForClients(_) => "anchor-for-clients",
            AccessChange::Anew => "anew",
            AccessChange::KeyOn(_) => "key-on",
            AccessChange::KeyInAnotherFolder(_) => "key-folder",
            AccessChange::Unrecorded => "unrecorded",
            AccessChange::Flag { .. } => "flag",
            AccessChange::Role { .. } => "role",
            AccessChange::Image { .. } => "image",
            AccessChange::Pod { .. } => "pod",
            AccessChange::Unreadable { .. } => "unreadable",
            AccessChange::Endpoint { .. } => "endpoint",
            AccessChange::Recipient(_) => "recipient",
            AccessChange::Joined(_) => "joined",
            AccessChange::Moved { .. } => "moved",
            AccessChange::Demoted(_) => "demoted",
            AccessChange::Relocated { .. } => "relocated",
            AccessChange::OlderKubernetes { .. } => "older-kubernetes",
            AccessChange::KubeletUnchecked => "kubelet-unchecked",
            AccessChange::KubeletUnconfigured => "kubelet-unconfigured",
            AccessChange::LowerRevision { .. } => "lower-revision",
            AccessChange::RootDropped { .. } => "anchor-dropped",
            AccessChange::LostGroup(_) => "lost-group",
            AccessChange::LostRole(_) => "lost-role",
            AccessChange::LostRecipient(_) => "lost-recipient",
            AccessChange::Removed { .. } => "left",
        }
    }

    pub fn direction(&self) -> Direction {
        let escalation_if = |powerful: bool| {
            if powerful { Direction::Escalation } else { Direction::Gain }
        };
        match self {
            // Every client of etcd reads and writes all that a cluster knows; one of the front proxy speaks
            // for anybody.
            AccessChange::Subject { groups, ca, client, same_as, .. } => escalation_if(
                // What a group is bound to elsewhere, nobody here knows.
                (*client && (*ca != CaName::Kubernetes || !groups.is_empty()))
                    || same_as.is_some()
                    || groups.iter().any(|group| is_powerful_group(group)),
            ),
            AccessChange::Role { grant, is_known } => {
                escalation_if(!is_ordinary_role(grant, *is_known))
            }
            // Its machine holds CA keys and an administrator's, or all that etcd stores.
            AccessChange::Joined(role) | AccessChange::Moved { role, .. } => {
                escalation_if(*role != Role::Worker)
            }
            // A patch that does harm is rolled back in the night.
            AccessChange::OlderKubernetes { old, new } => escalation_if(new.minor < old.minor),
            AccessChange::Image { is_own, .. } => escalation_if(!is_own),
            AccessChange::KubeletUnchecked
            | AccessChange::KubeletUnconfigured
            | AccessChange::LowerRevision { .. }
            | AccessChange::RootDropped { in_own_file: true, .. }
            | AccessChange::Group(_)
            | AccessChange::CommonName { .. }
            | AccessChange::Name(_)
            | AccessChange::OthersName { .. }
            | AccessChange::Usage(_)
            | AccessChange::CaBit
            | AccessChange::LongerLife { .. }
            | AccessChange::Issuer { .. }
            | AccessChange::AnotherKey
            | AccessChange::Unknown
            | AccessChange::Root
            | AccessChange::RootReplaced
            | AccessChange::RootReissued
            | AccessChange::RootForClients(_)
            | AccessChange::Anew
            | AccessChange::KeyOn(_)
            | AccessChange::KeyInAnotherFolder(_)
            | AccessChange::Unrecorded
            | AccessChange::Flag { .. }
            | AccessChange::Pod { .. }
            | AccessChange::Unreadable { .. }
            | AccessChange::Endpoint { .. }
            | AccessChange::Recipient(_) => Direction::Escalation,
            AccessChange::RootDropped { in_own_file: false, .. }
            | AccessChange::LostGroup(_)
            | AccessChange::LostRole(_)
            | AccessChange::LostRecipient(_)
            | AccessChange::Demoted(_)
            | AccessChange::Relocated { .. }
            | AccessChange::Removed { .. } => Direction::Loss,
        }
    }
}
