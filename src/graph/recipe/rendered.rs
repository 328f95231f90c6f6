//! The recipes of rendered files: public, and every byte follows from the recipe and one input at most.

use super::{KubeletConf, SigningRequest, UserBindings};
use crate::graph::DerivationId;
use crate::hash::{Digest, Fields};
use crate::manifest::KubeletConfiguration;
use crate::profile::BindingRow;
use crate::spec::ChainCertificate;

#[derive(Debug)]
pub enum Rendered {
    /// A trust bundle: the CA certificate that a reader should trust.
    Bundle {
        ca: DerivationId,
    },
    /// The same, and the certificates above it: for clients that trust nothing but a root.
    Chain {
        ca: DerivationId,
        above: Vec<ChainCertificate>,
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
    /// The artifact whose certificate or request is in it.
    pub fn input(&self) -> Option<DerivationId> {
        match self {
            Rendered::Bundle { ca } | Rendered::Chain { ca, .. } => Some(*ca),
            Rendered::KubeletConf(config) => Some(config.ca),
            Rendered::SigningRequest(manifest) => Some(manifest.request),
            Rendered::ClusterRoleBindings(_)
            | Rendered::UserBindings(_)
            | Rendered::Kustomization
            | Rendered::KubeletConfig(_) => None,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Rendered::Bundle { .. } => "trust bundle",
            Rendered::Chain { .. } => "certificate chain",
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
            Rendered::Bundle { ca } => {
                fields.text("builder", "bundle").recipe("authority", input(*ca))
            }
            Rendered::Chain { ca, above } => {
                let digests = above.iter().map(|one| one.facts.digest.to_string());
                let digests: Vec<String> = digests.collect();
                fields
                    .text("builder", "chain")
                    .recipe("authority", input(*ca))
                    .text("above", digests.join(" "))
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
            Rendered::KubeletConf(config) => config.fields(input(config.ca)),
            Rendered::SigningRequest(manifest) => manifest.fields(input(manifest.request)),
        }
    }
}
