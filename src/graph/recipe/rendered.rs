//! The recipes of rendered files: public, and every byte follows from the recipe and its inputs.

use super::{KubeletConf, SigningRequest, UserBindings};
use crate::graph::DerivationId;
use crate::hash::{Digest, Fields};
use crate::manifest::KubeletConfiguration;
use crate::profile::BindingRow;
use crate::spec::ChainCertificate;

#[derive(Debug)]
pub enum Rendered {
    /// A trust bundle: the CA certificates that a reader should trust, the signing one first.
    Bundle {
        cas: Vec<DerivationId>,
    },
    /// The same, and the certificates above them: for clients that trust nothing but a root.
    Chain {
        cas: Vec<DerivationId>,
        above: Vec<ChainCertificate>,
    },
    /// The public keys of several service-account key pairs, the signing one first.
    PublicKeys {
        keys: Vec<DerivationId>,
    },
    /// ClusterRoleBindings to apply once.
    ClusterRoleBindings(Vec<&'static BindingRow>),
    UserBindings(UserBindings),
    /// What makes a user's files one.
    Kustomization,
    KubeletConfig(KubeletConfiguration),
    KubeletConf(KubeletConf),
    SigningRequest(SigningRequest),
}

impl Rendered {
    /// The artifacts whose certificates, keys or requests are in it, in their order.
    pub fn inputs(&self) -> &[DerivationId] {
        match self {
            Rendered::Bundle { cas } | Rendered::Chain { cas, .. } => cas,
            Rendered::PublicKeys { keys } => keys,
            Rendered::KubeletConf(config) => &config.cas,
            Rendered::SigningRequest(manifest) => std::slice::from_ref(&manifest.request),
            Rendered::ClusterRoleBindings(_)
            | Rendered::UserBindings(_)
            | Rendered::Kustomization
            | Rendered::KubeletConfig(_) => &[],
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Rendered::Bundle { .. } => "trust bundle",
            Rendered::Chain { .. } => "certificate chain",
            Rendered::PublicKeys { .. } => "public keys",
            Rendered::KubeletConfig(_) => "kubelet configuration",
            Rendered::KubeletConf(_) => "kubeconfig",
            Rendered::ClusterRoleBindings(_)
            | Rendered::UserBindings(_)
            | Rendered::Kustomization
            | Rendered::SigningRequest(_) => "manifest",
        }
    }

    pub(super) fn fields(&self, input: impl Fn(DerivationId) -> Digest) -> Fields {
        let fields = Fields::default();
        match self {
            Rendered::Bundle { cas } => {
                with_authorities(fields.text("builder", "bundle"), cas, input)
            }
            Rendered::Chain { cas, above } => {
                let digests = above.iter().map(|one| one.facts.digest.to_string());
                let digests: Vec<String> = digests.collect();
                with_authorities(fields.text("builder", "chain"), cas, input)
                    .text("above", digests.join(" "))
            }
            Rendered::PublicKeys { keys } => {
                with_authorities(fields.text("builder", "public-keys"), keys, input)
            }
            Rendered::ClusterRoleBindings(rows) => fields
                .text("builder", "cluster-role-bindings")
                .set("names", rows.iter().map(|row| row.name.to_owned())),
            Rendered::UserBindings(bindings) => bindings.fields(),
            Rendered::Kustomization => fields.text("builder", "kustomization"),
            Rendered::KubeletConfig(config) => {
                let address = config.cluster_dns.map(|address| address.to_string());
                fields
                    .text("builder", "kubelet-config")
                    .text("cluster-dns", address.unwrap_or_default())
                    .text("cluster-domain", config.cluster_domain.as_str())
                    .integer("serving-certificate", u64::from(config.serving_certificate), 0)
                    .integer("rotates-client", u64::from(config.rotates_client), 0)
                    .text("certificates-dir", config.certificates_dir.hashed())
            }
            Rendered::KubeletConf(config) => {
                with_authorities(config.own_fields(), &config.cas, input)
            }
            Rendered::SigningRequest(manifest) => manifest.fields(input(manifest.request)),
        }
    }
}

/// The first one as it is where there is no other.
fn with_authorities(
    fields: Fields,
    all: &[DerivationId],
    input: impl Fn(DerivationId) -> Digest,
) -> Fields {
    let Some((first, others)) = all.split_first() else {
        return fields;
    };
    let others: Vec<String> = others.iter().map(|id| input(*id).to_string()).collect();
    fields.recipe("authority", input(*first)).text("other-authorities", others.join(" "))
}
