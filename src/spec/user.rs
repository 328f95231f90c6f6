//! People and robots.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Origin, Policy, Setting};
use crate::facts::RequestFacts;
use crate::name::{CommonName, DnsName, Label, Organization, RoleName, Server};
use crate::words::words;

words! {
    /// Who signs a user's certificate.
    pub enum Via {
        /// kpki, with the cluster CA's key, at once.
        Ca = "ca",
        /// The cluster itself, once somebody approves a CertificateSigningRequest.
        Csr = "csr",
    }
}

/// A certificate request that the user brings; the key stays with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroughtRequest {
    /// As named in the description, for messages.
    pub path: Arc<str>,
    pub der: Vec<u8>,
    pub facts: RequestFacts,
}

/// What a user may do, as a role that exists in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    pub role: RoleRef,
    /// Empty: everywhere, by a ClusterRoleBinding.
    pub namespaces: BTreeSet<DnsName>,
    /// Bound in the user's stead.
    pub group: Option<Organization>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleRef {
    Role(RoleName),
    ClusterRole(RoleName),
}

impl Binding {
    /// The name of its RBAC objects: `kpki:jane:cluster-role:edit`.
    pub fn object_name(&self, user: &Label) -> String {
        format!("kpki:{user}:{}", self.own_name())
    }

    /// What tells it from other bindings of its user: `cluster-role:edit`.
    pub fn own_name(&self) -> String {
        let mut name = match &self.role {
            RoleRef::Role(role) => format!("role:{role}"),
            RoleRef::ClusterRole(role) => format!("cluster-role:{role}"),
        };
        if let Some(group) = &self.group {
            name.push_str(":group:");
            // Any name but one with `/` or `%` is a good one (RBAC's path segment names).
            let safe = |c: char| {
                if c.is_ascii_alphanumeric() || ".:_-".contains(c) { c } else { '-' }
            };
            name.extend(group.as_str().chars().map(safe));
        }
        name
    }
}

/// A person or robot with a client certificate of the cluster CA.
#[derive(Debug, Clone)]
pub struct User {
    /// Its block's.
    pub origin: Origin,
    pub name: Label,
    pub common_name: CommonName,
    pub groups: BTreeMap<Organization, Origin>,
    pub policy: Policy,
    pub revision: u32,
    /// `allow-masters #true`: the description accepts a `system:masters` member.
    pub allow_masters: bool,
    /// The kubeconfig context's namespace.
    pub namespace: Option<DnsName>,
    /// That the kubeconfig names instead of the endpoint.
    pub server: Option<Setting<Server>>,
    pub via: Via,
    /// `csr "jane.csr"`
    pub request: Option<BroughtRequest>,
    /// Sorted, none twice; each comes from where its role is named.
    pub bindings: Vec<Setting<Binding>>,
}
