//! The recipes of a user whose certificate the cluster signs, and of what a user may do.

use std::collections::BTreeSet;

use super::Revision;
use crate::facts::DistinguishedName;
use crate::graph::DerivationId;
use crate::hash::{Digest, Fields};
use crate::name::{CommonName, Label};
use crate::spec::{Binding, BroughtRequest, Policy, RoleRef};
use crate::time::Span;

/// A certificate request: minted with its key, or imported.
#[derive(Debug)]
pub struct Request {
    pub subject: DistinguishedName,
    pub common_name: CommonName,
    pub organizations: BTreeSet<String>,
    pub policy: Policy,
    pub revision: Revision,
    /// With the key that stays with its owner.
    pub brought: Option<BroughtRequest>,
}

/// The CertificateSigningRequest object around a request.
#[derive(Debug)]
pub struct SigningRequest {
    pub request: DerivationId,
    pub user: Label,
    pub validity: Span,
}

/// A certificate that the cluster signed: imported by `kpki accept`, never built.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    pub request: DerivationId,
    pub issuer: DerivationId,
}

/// RoleBindings and ClusterRoleBindings of one user.
#[derive(Debug)]
pub struct UserBindings {
    pub user: Label,
    pub common_name: CommonName,
    pub bindings: Vec<Binding>,
}

impl Request {
    /// What the hash covers: what is asked for, and whose key asks.
    pub(super) fn fields(&self) -> Fields {
        let fields = Fields::default()
            .text("builder", "request")
            .text("common-name", self.common_name.as_str())
            .set("organizations", self.organizations.iter().cloned());
        match &self.brought {
            Some(brought) => fields.text("request", brought.facts.digest.to_string()),
            None => fields
                .text("key", self.policy.key.value.as_str())
                .text("revision", self.revision.hashed()),
        }
    }
}

impl SigningRequest {
    pub(super) fn fields(&self, request: Digest) -> Fields {
        Fields::default()
            .text("builder", "signing-request")
            .integer("validity", self.validity.as_seconds(), 0)
            .recipe("request", request)
    }
}

impl UserBindings {
    pub(super) fn fields(&self) -> Fields {
        Fields::default()
            .text("builder", "user-bindings")
            .text("common-name", self.common_name.as_str())
            .set("bindings", self.bindings.iter().map(in_words))
    }
}

/// `cluster-role edit in dev, test for group ops`
pub fn in_words(binding: &Binding) -> String {
    let mut text = match &binding.role {
        RoleRef::Role(role) => format!("role {role}"),
        RoleRef::ClusterRole(role) => format!("cluster-role {role}"),
    };
    if binding.namespaces.is_empty() {
        text.push_str(" everywhere");
    } else {
        let namespaces: Vec<&str> =
            binding.namespaces.iter().map(crate::name::DnsName::as_str).collect();
        text.push_str(" in ");
        text.push_str(&namespaces.join(", "));
    }
    if let Some(group) = &binding.group {
        text.push_str(" for group ");
        text.push_str(group.as_str());
    }
    text
}
