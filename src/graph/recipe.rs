//! The recipes: what an artifact is made of, and the fields that its hash covers.

mod revision;
mod static_pod;
mod user;

use std::collections::BTreeSet;

use super::DerivationId;
use crate::algorithm::KeyAlgorithm;
use crate::facts::DistinguishedName;
use crate::hash::{Digest, Fields};
use crate::manifest::KubeletConfiguration;
use crate::name::{CommonName, DnsName, Endpoint, Label, San};
use crate::profile::BindingRow;
use crate::spec::{BroughtCa, BroughtRequest, CaName, Policy, Setting, Usage};
use crate::time::{Span, Timestamp};

pub use revision::Revision;
pub use static_pod::{PodSource, StaticPod};
pub use user::{Accepted, Request, SigningRequest, UserBindings, in_words as binding_in_words};

/// How one artifact is made.
#[derive(Debug)]
pub enum Recipe {
    Authority(Authority),
    SigningKey(SigningKey),
    Leaf(Leaf),
    Bundle(Bundle),
    Kubeconfig(Kubeconfig),
    Bindings(Bindings),
    Request(Request),
    SigningRequest(SigningRequest),
    Accepted(Accepted),
    UserBindings(UserBindings),
    Kustomization,
    KubeletConfig(KubeletConfiguration),
    StaticPod(StaticPod),
}

/// A certificate authority: an anchor.
#[derive(Debug)]
pub struct Authority {
    pub ca: CaName,
    pub issuance: Issuance,
}

/// Where an authority's certificate comes from.
#[derive(Debug)]
pub enum Issuance {
    /// kpki makes key and certificate.
    SelfSigned {
        common_name: Setting<CommonName>,
        subject: DistinguishedName,
        validity: Setting<Span>,
        key: Setting<KeyAlgorithm>,
        /// Only an algorithm that the `ca` block names is a demand on an existing key.
        explicit_key: bool,
        revision: u32,
        /// Of a reproducible cluster.
        not_before: Option<Timestamp>,
    },
    /// The user brings the certificate; kpki only checks it.
    Brought(BroughtCa),
}

/// The service-account key pair: an anchor without a certificate.
#[derive(Debug)]
pub struct SigningKey {
    pub key: Setting<KeyAlgorithm>,
    pub explicit_key: bool,
    pub revision: u32,
}

/// A leaf certificate and its key.
#[derive(Debug)]
pub struct Leaf {
    pub issuer: DerivationId,
    pub common_name: Option<CommonName>,
    pub organizations: BTreeSet<String>,
    pub subject: DistinguishedName,
    pub usage: Usage,
    pub sans: BTreeSet<San>,
    pub policy: Policy,
    pub revision: Revision,
    /// Of a reproducible cluster: the written start of its validity.
    pub not_before: Option<Timestamp>,
    /// The key is somebody's own: the certificate is issued over its public half.
    pub brought: Option<BroughtRequest>,
}

/// A trust bundle: the CA certificates that a reader should trust.
#[derive(Debug)]
pub struct Bundle {
    pub authority: DerivationId,
}

/// A kubeconfig with everything embedded, but for a key that is not kpki's.
#[derive(Debug)]
pub struct Kubeconfig {
    pub identity: DerivationId,
    pub bundle: DerivationId,
    pub cluster: Label,
    pub server: Endpoint,
    pub user: String,
    pub namespace: Option<DnsName>,
    /// Where the key's owner puts it, relative to the kubeconfig; `None`: it is embedded.
    pub client_key: Option<String>,
}

/// ClusterRoleBindings to apply once.
#[derive(Debug)]
pub struct Bindings {
    pub rows: Vec<&'static BindingRow>,
}

impl Recipe {
    /// What this recipe reads.
    pub(super) fn inputs(&self) -> Vec<DerivationId> {
        match self {
            Recipe::Authority(_)
            | Recipe::SigningKey(_)
            | Recipe::Bindings(_)
            | Recipe::Request(_)
            | Recipe::UserBindings(_)
            | Recipe::Kustomization
            | Recipe::KubeletConfig(_) => Vec::new(),
            Recipe::SigningRequest(manifest) => vec![manifest.request],
            Recipe::Accepted(accepted) => vec![accepted.request, accepted.issuer],
            Recipe::Leaf(leaf) => vec![leaf.issuer],
            Recipe::Bundle(bundle) => vec![bundle.authority],
            Recipe::Kubeconfig(config) => vec![config.identity, config.bundle],
            Recipe::StaticPod(pod) => pod.restarts.iter().map(|(_, id)| *id).collect(),
        }
    }

    /// A private key goes with it, in a file of its own.
    pub(super) fn holds_key(&self) -> bool {
        match self {
            Recipe::Leaf(leaf) => leaf.brought.is_none(),
            Recipe::Request(request) => request.brought.is_none(),
            Recipe::Accepted(_) => false,
            _ => true,
        }
    }

    /// Every certificate of a reproducible cluster begins at one written date.
    pub(super) fn begin(&mut self, at: Option<Timestamp>) {
        match self {
            Recipe::Leaf(leaf) => leaf.not_before = at,
            Recipe::Authority(Authority {
                issuance: Issuance::SelfSigned { not_before, .. },
                ..
            }) => *not_before = at,
            _ => {}
        }
    }

    /// CA keys and the service-account key: never replaced by accident.
    pub fn is_anchor(&self) -> bool {
        matches!(self, Recipe::Authority(_) | Recipe::SigningKey(_))
    }

    /// The authority that signs it.
    pub fn issuer(&self) -> Option<DerivationId> {
        match self {
            Recipe::Leaf(leaf) => Some(leaf.issuer),
            Recipe::Accepted(accepted) => Some(accepted.issuer),
            _ => None,
        }
    }

    /// `certificate authority`, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Recipe::Authority(Authority { issuance: Issuance::Brought(_), .. }) => {
                "brought certificate authority"
            }
            Recipe::Authority(_) => "certificate authority",
            Recipe::SigningKey(_) => "signing key",
            Recipe::Leaf(_) => "certificate",
            Recipe::Bundle(_) => "trust bundle",
            Recipe::Kubeconfig(_) => "kubeconfig",
            Recipe::Request(_) => "certificate request",
            Recipe::Accepted(_) => "certificate signed by the cluster",
            Recipe::Bindings(_)
            | Recipe::SigningRequest(_)
            | Recipe::UserBindings(_)
            | Recipe::Kustomization => "manifest",
            Recipe::KubeletConfig(_) => "kubelet configuration",
            Recipe::StaticPod(_) => "static pod",
        }
    }

    /// The revision as the lock keeps it; `None` where there is no key to force.
    pub fn revision(&self) -> Option<String> {
        match self {
            Recipe::Authority(Authority {
                issuance: Issuance::SelfSigned { revision, .. },
                ..
            }) => Some(Revision::of(*revision).to_string()),
            Recipe::SigningKey(key) => Some(Revision::of(key.revision).to_string()),
            Recipe::Leaf(leaf) => Some(leaf.revision.to_string()),
            Recipe::Request(request) => {
                let own = request.brought.is_none();
                own.then(|| request.revision.to_string())
            }
            // A brought key, or one that a request forces, has no revision of its own; every key in the lock
            // has one.
            Recipe::Authority(_) | Recipe::Accepted(_) => Some(Revision::of(1).to_string()),
            _ => None,
        }
    }

    /// The algorithm of the key that it makes; `None` where it makes none.
    pub fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        match self {
            Recipe::Authority(Authority { issuance: Issuance::SelfSigned { key, .. }, .. }) => {
                Some(key.value)
            }
            Recipe::SigningKey(signing) => Some(signing.key.value),
            Recipe::Leaf(leaf) if leaf.brought.is_none() => Some(leaf.policy.key.value),
            Recipe::Request(request) if request.brought.is_none() => Some(request.policy.key.value),
            _ => None,
        }
    }

    /// What the hash covers and `why` prints. `hash_of` gives the hash of an input: for an issuer that of
    /// its subject and key alone, because a renewed CA certificate changes nothing for its leaves.
    pub fn fields(&self, input: &dyn Fn(DerivationId) -> InputHashes) -> Fields {
        let fields = Fields::default();
        match self {
            Recipe::Authority(authority) => {
                let fields = authority.issuer_fields();
                match &authority.issuance {
                    Issuance::SelfSigned { validity, not_before, .. } => fields
                        .integer("validity", validity.value.as_seconds(), 0)
                        .text("not-before", written(*not_before)),
                    Issuance::Brought(_) => fields,
                }
            }
            Recipe::SigningKey(key) => fields
                .text("builder", "signing-key")
                .text("key", explicit(key.explicit_key, &key.key))
                .text("revision", Revision::of(key.revision).hashed()),
            Recipe::Leaf(leaf) => fields
                .text("builder", "leaf")
                .text("common-name", leaf.common_name.as_ref().map_or("", |name| name.as_str()))
                .set("organizations", leaf.organizations.iter().cloned())
                .set("usage", usages(leaf.usage))
                .set("sans", leaf.sans.iter().map(ToString::to_string))
                .text("key", leaf.policy.key.value.as_str())
                .integer("validity", leaf.policy.validity.value.as_seconds(), 0)
                .text("not-before", written(leaf.not_before))
                .text("revision", leaf.revision.hashed())
                .text(
                    "request",
                    leaf.brought
                        .as_ref()
                        .map_or_else(String::new, |brought| brought.facts.digest.to_string()),
                )
                .recipe("issuer", input(leaf.issuer).as_issuer),
            Recipe::Bundle(bundle) => {
                fields.text("builder", "bundle").recipe("authority", input(bundle.authority).whole)
            }
            Recipe::Kubeconfig(config) => config
                .own_fields()
                .text("builder", "kubeconfig")
                .recipe("identity", input(config.identity).whole)
                .recipe("bundle", input(config.bundle).whole),
            Recipe::Bindings(bindings) => fields
                .text("builder", "cluster-role-bindings")
                .set("names", bindings.rows.iter().map(|row| row.name.to_owned())),
            Recipe::Request(request) => request.fields(),
            Recipe::SigningRequest(manifest) => manifest.fields(input(manifest.request).whole),
            Recipe::Accepted(accepted) => fields
                .text("builder", "accepted")
                .recipe("request", input(accepted.request).whole)
                .recipe("issuer", input(accepted.issuer).as_issuer),
            Recipe::UserBindings(bindings) => bindings.fields(),
            Recipe::Kustomization => fields.text("builder", "kustomization"),
            Recipe::KubeletConfig(config) => fields
                .text("builder", "kubelet-config")
                .text(
                    "cluster-dns",
                    config.cluster_dns.map_or_else(String::new, |address| address.to_string()),
                )
                .text("cluster-domain", config.cluster_domain.as_str())
                .integer("serving-certificate", u64::from(config.serving_certificate), 0),
            Recipe::StaticPod(pod) => pod.fields(|id| input(id).whole),
        }
    }
}

/// The hashes of an input: whole, and as an issuer.
#[derive(Debug, Clone, Copy)]
pub struct InputHashes {
    pub whole: Digest,
    pub as_issuer: Digest,
}

impl Authority {
    /// kpki made it, and may make it again.
    pub fn is_own(&self) -> bool {
        matches!(self.issuance, Issuance::SelfSigned { .. })
    }

    /// Subject and key: what a leaf depends on.
    pub fn issuer_fields(&self) -> Fields {
        let fields = Fields::default();
        match &self.issuance {
            Issuance::SelfSigned { common_name, key, explicit_key, revision, .. } => fields
                .text("builder", "authority")
                .text("common-name", common_name.value.as_str())
                .text("key", explicit(*explicit_key, key))
                .text("revision", Revision::of(*revision).hashed()),
            Issuance::Brought(brought) => fields
                .text("builder", "brought-authority")
                .text("certificate", brought.facts.digest.to_string()),
        }
    }
}

impl Kubeconfig {
    /// What it says besides what it embeds.
    pub fn own_fields(&self) -> Fields {
        let namespace = self.namespace.as_ref().map_or("", DnsName::as_str);
        Fields::default()
            .text("cluster", self.cluster.as_str())
            .text("server", self.server.url())
            .text("user", self.user.as_str())
            .text("namespace", namespace)
            .text("client-key", self.client_key.as_deref().unwrap_or_default())
    }
}

fn explicit(explicit: bool, key: &Setting<KeyAlgorithm>) -> &'static str {
    if explicit { key.value.as_str() } else { "" }
}

fn written(not_before: Option<Timestamp>) -> String {
    not_before.map_or_else(String::new, |time| time.to_string())
}

fn usages(usage: Usage) -> impl Iterator<Item = String> {
    [usage.server().then(|| "server".to_owned()), usage.client().then(|| "client".to_owned())]
        .into_iter()
        .flatten()
}
