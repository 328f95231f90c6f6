//! What artifacts let their principals do: the value of which two are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::Credential;
use super::name_owners::{Holder, NameOwners};
use super::pod_access::PodAccess;
use super::pod_records::HalfRecord;
use super::roles::RoleInNamespace;
use super::roots::Root;
use super::safeguards::Safeguards;
use crate::facts::RoleGrant;
use crate::graph::{Artifact, tree_of};
use crate::hash::Digest;
use crate::name::{ArtifactName, NodeName, San, TreePath};
use crate::profile::Process;
use crate::sealed::Owner;
use crate::spec::{CaName, Role};
use crate::time::{Span, Timestamp};

/// What is asked for, or what is there of that.
#[derive(Debug, Default)]
pub(super) struct Powers {
    /// Those that a change touches, in build order.
    pub artifacts: Vec<ArtifactPower>,
    /// Nodes that are there.
    pub nodes: BTreeMap<String, Role>,
    /// Who can open whose secrets; `None`: none is sealed.
    pub recipients: Option<BTreeSet<(Owner, String)>>,
    pub names: NameOwners,
    /// Who had a common name, of those that somebody new has.
    pub users: BTreeMap<String, ArtifactName>,
    /// Groups that a certificate which ran out gave to whoever gets a new one.
    pub lapsed: BTreeMap<ArtifactName, BTreeSet<String>>,
    pub elsewhere: Elsewhere,
    /// Of static pods that are not in `artifacts`.
    pub half_pods: BTreeMap<ArtifactName, HalfRecord>,
    pub safeguards: Safeguards,
    pub removed: Vec<Removed>,
    /// Where kubeconfigs led that have no server on record; empty: it cannot be told.
    pub endpoint: Option<String>,
    /// Of what has no whole record.
    pub halves: BTreeMap<ArtifactName, Vec<Half>>,
}

/// What others of the same kind have: a new one beside them gains nothing over anybody.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Names that a node's certificates have on any node: `apiserver`, and what it can serve as.
    pub names: BTreeSet<(&'static str, San)>,
    pub pods: BTreeMap<Process, PodAccess>,
    /// Roles that somebody has, each where it is bound.
    pub roles: BTreeSet<RoleInNamespace>,
}

/// What is left of one artifact.
#[derive(Debug)]
pub(super) enum Half {
    /// No line names it, or it ran out.
    Bytes(Box<Credential>),
    Line {
        public_key: Option<Digest>,
        /// It was built from what is described still: to lose its file is damage, and no more.
        is_as_described: bool,
    },
    /// Other artifacts of the same user are on record.
    Others,
}

#[derive(Debug)]
pub(super) struct ArtifactPower {
    pub artifact: Artifact,
    /// Where it lies.
    pub places: BTreeSet<TreePath>,
    pub power: Power,
}

#[derive(Debug)]
pub(super) enum Power {
    Certificate(Box<Certificate>),
    Root(Box<Root>),
    Bindings(BTreeSet<RoleGrant>),
    /// Of the certificate that the cluster is asked to sign.
    RequestedLife(Span),
    Kubeconfig {
        server: String,
        leads: Leads,
    },
    StaticPod(PodAccess),
    /// Of the certificates above a brought CA, their keys and names.
    Chain(BTreeMap<Digest, String>),
}

/// Whom a kubeconfig's identity is shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// A server on the node where the file lies: who has the node, has the file.
    ToItsNode,
    ToTheEndpoint,
    /// A server that the description names.
    Elsewhere,
}

#[derive(Debug)]
pub(super) struct Certificate {
    pub credential: Credential,
    /// Until when it cannot be taken back.
    pub until: Option<Timestamp>,
    /// Whose trust it has.
    pub ca: CaName,
    /// Whom it is as powerful as, in words.
    pub same_as: Option<String>,
    /// Of a server on a node: its names that somebody chose.
    pub chosen: BTreeSet<San>,
    /// Of a client or server on a node: groups that do not follow from the version.
    pub chosen_groups: BTreeSet<String>,
}

/// An artifact that is described no longer.
#[derive(Debug)]
pub(super) struct Removed {
    pub artifact: ArtifactName,
    /// Of bindings: what they gave.
    pub grants: BTreeSet<RoleGrant>,
    /// Who has it now, of what there is once in a cluster.
    pub now_with: Option<String>,
    pub groups: BTreeSet<String>,
    pub until: Option<Timestamp>,
}

impl ArtifactPower {
    /// Where its key lies.
    pub fn holder(&self) -> Holder<'_> {
        let own = self.artifact.node().map(NodeName::as_str);
        Holder {
            nodes: self.places.iter().filter_map(node_of).chain(own).collect(),
            certificate: match &self.artifact {
                Artifact::Certificate(name) => Some(name.as_str()),
                _ => None,
            },
        }
    }
}

/// The node in whose tree a file lies.
pub(super) fn node_of(path: &TreePath) -> Option<&str> {
    tree_of(path.as_str()).map(|(node, _)| node)
}
