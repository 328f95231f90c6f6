//! The bytes of rendered files.

use crate::facts::{PublicKey, certificate_pem};
use crate::graph::{Rendered, SigningRequest};
use crate::manifest;
use crate::spec::ChainCertificate;

/// What a rendered file has in it: a certificate or request, in DER, and the key of that.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub der: &'a [u8],
    pub public_key: &'a PublicKey,
}

/// Makes a rendered file; `None`: it needs an [input](Rendered::input), and there is none.
pub fn rendered_content(recipe: &Rendered, input: Option<Input<'_>>) -> Option<String> {
    Some(match recipe {
        Rendered::Bundle { .. } => bundle_content(input?.der, &[]),
        Rendered::Chain { above, .. } => bundle_content(input?.der, above),
        Rendered::ClusterRoleBindings(rows) => manifest::cluster_role_bindings(rows),
        Rendered::UserBindings(recipe) => {
            manifest::role_bindings(&recipe.user, &recipe.common_name, &recipe.bindings)
        }
        Rendered::Kustomization => manifest::kustomization().to_owned(),
        Rendered::KubeletConfig(config) => config.yaml(),
        Rendered::SigningRequest(recipe) => signing_request(recipe, input?).yaml(),
    })
}

/// The trust bundle of a CA. The one that signs stands first: kubeadm takes the first alone into the
/// kubeconfigs that it renews.
pub fn bundle_content(der: &[u8], above: &[ChainCertificate]) -> String {
    let all = std::iter::once(der).chain(above.iter().map(|one| &*one.der));
    all.map(certificate_pem).collect()
}

/// The object around a request.
pub fn signing_request<'a>(
    recipe: &'a SigningRequest,
    request: Input<'a>,
) -> manifest::SigningRequest<'a> {
    manifest::SigningRequest {
        user: &recipe.user,
        der: request.der,
        public_key: request.public_key,
        validity: recipe.validity,
    }
}
