//! A user's manifests: the CertificateSigningRequest, the role bindings, and a kustomization for the latter.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::scalar::scalar;
use crate::facts::{PublicKey, request_pem};
use crate::hash::{Digest, Fields};
use crate::name::{CommonName, Label};
use crate::spec::{Binding, RoleRef};
use crate::time::Span;

/// The signer whose certificates the API server takes for its clients: it leaves the subject to the request.
/// <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers>
const SIGNER: &str = "kubernetes.io/kube-apiserver-client";

/// A CertificateSigningRequest object around a request.
#[derive(Clone, Copy)]
pub struct SigningRequest<'a> {
    pub user: &'a Label,
    /// The request in DER.
    pub der: &'a [u8],
    pub public_key: &'a PublicKey,
    pub validity: Span,
}

impl SigningRequest<'_> {
    /// Digest of everything that is asked for: what a certificate answers.
    pub fn id(&self) -> Digest {
        Fields::default()
            .text("builder", "signing-request")
            .text("request", Digest::of(self.der).to_string())
            .integer("validity", self.validity.as_seconds(), 0)
            .text("signer", SIGNER)
            .hash()
    }

    /// The object's name. Its spec is immutable, so another request is another object.
    pub fn name(&self) -> String {
        // A DNS subdomain, which a user's label need not be (RFC 1123; upper case, `_`, `a.-b`).
        let user: String = self
            .user
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let id: String = self.id().to_string().chars().take(10).collect();
        format!("{user}-{id}")
    }

    pub fn yaml(&self) -> String {
        let request = STANDARD.encode(request_pem(self.der));
        // The signer permits nothing else; only RSA keys encipher.
        let encipherment = if self.public_key.is_rsa() { "  - key encipherment\n" } else { "" };
        format!(
            "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata:\n  name: {}\n\
             spec:\n  expirationSeconds: {}\n  request: {request}\n  signerName: {SIGNER}\n  usages:\n  - client auth\n  \
             - digital signature\n{encipherment}",
            scalar(&self.name()),
            // An int32 in the API; the controller-manager cuts the life to what it permits anyway.
            self.validity.as_seconds().min(i32::MAX.unsigned_abs().into()),
        )
    }
}

/// One object a binding and namespace; `kubectl apply -f` takes them all.
pub fn role_bindings(user: &Label, common_name: &CommonName, bindings: &[Binding]) -> String {
    let mut text = format!("# What {common_name} may do. Apply once, as a cluster admin.\n");
    for binding in bindings {
        let name = binding.object_name(user);
        if binding.namespaces.is_empty() {
            object(&mut text, "ClusterRoleBinding", &name, None, common_name, binding);
        }
        for namespace in &binding.namespaces {
            let namespace = Some(namespace.as_str());
            object(&mut text, "RoleBinding", &name, namespace, common_name, binding);
        }
    }
    text
}

fn object(
    text: &mut String,
    kind: &str,
    name: &str,
    namespace: Option<&str>,
    common_name: &CommonName,
    binding: &Binding,
) {
    let namespace = namespace
        .map_or_else(String::new, |namespace| format!("  namespace: {}\n", scalar(namespace)));
    let (role_kind, role) = match &binding.role {
        RoleRef::Role(name) => ("Role", name),
        RoleRef::ClusterRole(name) => ("ClusterRole", name),
    };
    let (subject_kind, subject) = match &binding.group {
        Some(group) => ("Group", group.as_str()),
        None => ("User", common_name.as_str()),
    };
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {}\n{namespace}\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {role_kind}\n  name: {}\nsubjects:\n\
         - apiGroup: rbac.authorization.k8s.io\n  kind: {subject_kind}\n  name: {}\n",
        scalar(name),
        scalar(role.as_str()),
        scalar(subject),
    );
}

/// For a GitOps controller: the bindings alone. A request is deleted by the cluster an hour after it was
/// signed, so a controller would create it again for ever.
pub fn kustomization() -> &'static str {
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- rbac.yaml\n"
}
