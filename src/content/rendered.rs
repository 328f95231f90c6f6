//! The bytes of rendered files.

use crate::facts::{PublicKey, certificate_pem};
use crate::graph::{KubeletConf, Rendered, SigningRequest};
use crate::manifest;
use crate::pod::{self, KubeletConfWish};
use crate::spec::ChainCertificate;

/// What a rendered file has in it: a certificate or request, in DER, and the key of that; of a key pair
/// without a certificate no DER.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub der: &'a [u8],
    pub public_key: &'a PublicKey,
}

/// Why a file cannot be rendered.
pub enum NotRendered {
    /// It needs [inputs](Rendered::inputs), and not all are there.
    NoInput,
    /// The operator's own file does not let itself be changed; reads after a colon.
    Refused(String),
}

/// Makes a rendered file.
pub fn rendered_content(recipe: &Rendered, inputs: &[Input<'_>]) -> Result<String, NotRendered> {
    if inputs.len() != recipe.inputs().len() {
        return Err(NotRendered::NoInput);
    }
    let bundle = |above| bundle_content(inputs.iter().map(|input| input.der), above);
    let input = || inputs.first().copied().ok_or(NotRendered::NoInput);
    Ok(match recipe {
        Rendered::Bundle { .. } => bundle(&[]),
        Rendered::Chain { above, .. } => bundle(above),
        Rendered::PublicKeys { .. } => {
            inputs.iter().map(|input| input.public_key.to_pem()).collect()
        }
        Rendered::KubeletConf(config) => kubelet_conf(config, &bundle(&[]))?,
        Rendered::ClusterRoleBindings(rows) => manifest::cluster_role_bindings(rows),
        Rendered::UserBindings(recipe) => {
            manifest::role_bindings(&recipe.user, &recipe.common_name, &recipe.bindings)
        }
        Rendered::Kustomization => manifest::kustomization().to_owned(),
        Rendered::KubeletConfig(config) => config.yaml(),
        Rendered::SigningRequest(recipe) => signing_request(recipe, input()?).yaml(),
    })
}

fn kubelet_conf(recipe: &KubeletConf, authority: &str) -> Result<String, NotRendered> {
    let KubeletConf { cluster, node, server, source, .. } = recipe;
    let server = server.url();
    let Some(source) = source else {
        return Ok(manifest::kubelet_conf(cluster.as_str(), &server, node.as_str(), authority));
    };
    let wish = KubeletConfWish { server, authority: authority.to_owned() };
    let bytes = pod::patch_kubelet_conf(source, &wish);
    let bytes = bytes.map_err(|error| NotRendered::Refused(error.to_string()))?;
    // It was read as such.
    String::from_utf8(bytes).map_err(|_| NotRendered::Refused("it is not UTF-8".to_owned()))
}

/// The trust bundle of a CA. The one that signs stands first: kubeadm takes the first alone into the
/// kubeconfigs that it renews.
pub fn bundle_content<'a>(
    cas: impl IntoIterator<Item = &'a [u8]>,
    above: &'a [ChainCertificate],
) -> String {
    let all = cas.into_iter().chain(above.iter().map(|one| &*one.der));
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
