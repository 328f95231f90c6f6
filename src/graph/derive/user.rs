//! The artifacts of one user.

use std::collections::BTreeSet;

use super::{Builder, ByCa, Issuers};
use crate::facts::DistinguishedName;
use crate::graph::{
    Accepted, Content, DerivationId, Kubeconfig, Leaf, Recipe, Request, Revision, SigningRequest,
    UserBindings,
};
use crate::name::TreePath;
use crate::spec::{CaName, Spec, Usage, User, Via};

pub(super) fn artifacts(builder: &mut Builder, spec: &Spec, user: &User, issuers: &ByCa) {
    let Some(issuer) = issuers.get(&CaName::Kubernetes) else {
        return;
    };
    let identity = match user.via {
        Via::Ca => signed_here(builder, user, issuer),
        Via::Csr => signed_by_the_cluster(builder, user, issuer),
    };
    let name = &user.name;
    let config = builder.add(
        &format!("users/{name}/kubeconfig"),
        Recipe::Kubeconfig(Kubeconfig {
            identity,
            bundle: issuer.bundle,
            cluster: spec.cluster.name.clone(),
            server: spec.cluster.endpoint.value.clone(),
            user: user.common_name.to_string(),
            namespace: user.namespace.clone(),
            client_key: user.request.as_ref().map(|_| format!("{name}.key")),
        }),
    );
    place(builder, user, config, Content::Kubeconfig, &format!("{name}.kubeconfig"));
    if !user.bindings.is_empty() {
        bindings(builder, user);
    }
}

fn place(builder: &mut Builder, user: &User, id: DerivationId, content: Content, file: &str) {
    let path = TreePath::of(&format!("users/{}/{file}", user.name));
    builder.place(id, content, path);
}

fn signed_here(builder: &mut Builder, user: &User, issuer: &Issuers) -> DerivationId {
    let name = &user.name;
    let organizations: BTreeSet<String> = user.groups.iter().map(ToString::to_string).collect();
    let identity = builder.add(
        &format!("users/{name}"),
        Recipe::Leaf(Leaf {
            issuer: issuer.authority,
            subject: subject(user),
            common_name: Some(user.common_name.clone()),
            organizations,
            usage: Usage::Client,
            sans: BTreeSet::new(),
            policy: user.policy.clone(),
            revision: Revision::of(user.revision),
            not_before: None,
            brought: user.request.clone(),
        }),
    );
    place(builder, user, identity, Content::Certificate, &format!("{name}.crt"));
    if user.request.is_none() {
        place(builder, user, identity, Content::PrivateKey, &format!("{name}.key"));
    }
    identity
}

fn signed_by_the_cluster(builder: &mut Builder, user: &User, issuer: &Issuers) -> DerivationId {
    let name = &user.name;
    let request = builder.add(
        &format!("users/{name}/request"),
        Recipe::Request(Request {
            subject: subject(user),
            common_name: user.common_name.clone(),
            organizations: user.groups.iter().map(ToString::to_string).collect(),
            policy: user.policy.clone(),
            revision: Revision::of(user.revision),
            brought: user.request.clone(),
        }),
    );
    place(builder, user, request, Content::Request, &format!("request/{name}.csr"));
    if user.request.is_none() {
        place(builder, user, request, Content::PrivateKey, &format!("{name}.key"));
    }
    let manifest = builder.add(
        &format!("users/{name}/csr.yaml"),
        Recipe::SigningRequest(SigningRequest {
            request,
            user: name.clone(),
            validity: user.policy.validity.value,
        }),
    );
    // In a folder of its own: what a GitOps controller syncs is beside it.
    place(builder, user, manifest, Content::Rendered, "request/csr.yaml");
    let identity = builder.add(
        &format!("users/{name}"),
        Recipe::Accepted(Accepted { request, issuer: issuer.authority }),
    );
    place(builder, user, identity, Content::Certificate, &format!("{name}.crt"));
    identity
}

fn subject(user: &User) -> DistinguishedName {
    DistinguishedName::new(
        user.groups.iter().map(crate::name::Organization::as_str),
        Some(user.common_name.as_str()),
    )
}

fn bindings(builder: &mut Builder, user: &User) {
    let name = &user.name;
    let rbac = builder.add(
        &format!("users/{name}/rbac.yaml"),
        Recipe::UserBindings(UserBindings {
            user: name.clone(),
            common_name: user.common_name.clone(),
            bindings: user.bindings.clone(),
        }),
    );
    place(builder, user, rbac, Content::Rendered, "rbac.yaml");
    let kustomization =
        builder.add(&format!("users/{name}/kustomization.yaml"), Recipe::Kustomization);
    place(builder, user, kustomization, Content::Rendered, "kustomization.yaml");
}
