//! The artifacts of one user.

use std::collections::BTreeSet;

use super::builder::{Builder, ByCa, Issuer};
use crate::facts::DistinguishedName;
use crate::graph::{
    Artifact, ClusterSigned, DerivationId, Kubeconfig, Leaf, Recipe, Rendered, Request, Revision,
    SigningRequest, UserBindings, UserPart,
};
use crate::spec::{CaName, Spec, Usage, User, Via};

pub(super) fn artifacts(builder: &mut Builder, spec: &Spec, user: &User, issuers: &ByCa) {
    let Some(issuer) = issuers.get(&CaName::Kubernetes) else {
        return;
    };
    let identity = match user.via {
        Via::Ca => signed_here(builder, user, issuer),
        Via::Csr => signed_by_the_cluster(builder, user, issuer),
    };
    builder.add(
        part(user, UserPart::Kubeconfig),
        Recipe::Kubeconfig(Kubeconfig {
            identity,
            bundle: issuer.chain,
            cluster: spec.cluster.name.clone(),
            server: match &user.server {
                Some(server) => server.value.clone(),
                None => (&spec.cluster.endpoint.value).into(),
            },
            user: user.common_name.to_string(),
            namespace: user.namespace.clone(),
            client_key: user.request.as_ref().map(|_| format!("{}.key", user.name)),
        }),
        &user.origin,
    );
    if !user.bindings.is_empty() {
        bindings(builder, user);
    }
}

fn part(user: &User, part: UserPart) -> Artifact {
    Artifact::User(user.name.clone(), part)
}

fn signed_here(builder: &mut Builder, user: &User, issuer: &Issuer) -> DerivationId {
    let organizations: BTreeSet<String> = user.groups.keys().map(ToString::to_string).collect();
    builder.add(
        part(user, UserPart::Identity),
        Recipe::Leaf(Leaf {
            issuer: issuer.ca,
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
        &user.origin,
    )
}

fn signed_by_the_cluster(builder: &mut Builder, user: &User, issuer: &Issuer) -> DerivationId {
    let request = builder.add(
        part(user, UserPart::Request),
        Recipe::Request(Request {
            subject: subject(user),
            common_name: user.common_name.clone(),
            organizations: user.groups.keys().map(ToString::to_string).collect(),
            policy: user.policy.clone(),
            revision: Revision::of(user.revision),
            brought: user.request.clone(),
        }),
        &user.origin,
    );
    builder.add(
        part(user, UserPart::SigningRequest),
        Recipe::Rendered(Rendered::SigningRequest(SigningRequest {
            request,
            user: user.name.clone(),
            validity: user.policy.validity.value,
        })),
        &user.origin,
    );
    builder.add(
        part(user, UserPart::Identity),
        Recipe::ClusterSigned(ClusterSigned { request, issuer: issuer.ca }),
        &user.origin,
    )
}

fn subject(user: &User) -> DistinguishedName {
    DistinguishedName::new(
        user.groups.keys().map(crate::name::Organization::as_str),
        Some(user.common_name.as_str()),
    )
}

fn bindings(builder: &mut Builder, user: &User) {
    builder.add(
        part(user, UserPart::Bindings),
        Recipe::Rendered(Rendered::UserBindings(UserBindings {
            user: user.name.clone(),
            common_name: user.common_name.clone(),
            bindings: user.bindings.iter().map(|binding| binding.value.clone()).collect(),
        })),
        &user.origin,
    );
    let kustomization = Recipe::Rendered(Rendered::Kustomization);
    builder.add(part(user, UserPart::Kustomization), kustomization, &user.origin);
}
