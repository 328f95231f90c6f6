//! The recipes: what an artifact is made of, and the fields that its hash covers.

mod ca;
mod kubelet_conf;
mod rendered;
mod revision;
mod static_pod;
mod user;

use std::collections::BTreeSet;

use super::DerivationId;
use crate::algorithm::KeyAlgorithm;
use crate::facts::DistinguishedName;
use crate::hash::{Digest, Fields};
use crate::name::{CommonName, DnsName, Label, San, Server};
use crate::spec::{BroughtRequest, CaName, Keypair, KeypairState, Policy, Setting, Usage};
use crate::time::Timestamp;

pub use ca::{ImportedCa, OwnCa};
pub use kubelet_conf::KubeletConf;
pub use rendered::Rendered;
pub use revision::Revision;
pub use static_pod::{PodSource, StaticPod};
pub use user::{
    ClusterSigned, Request, SigningRequest, UserBindings, in_words as binding_in_words,
};

/// How one artifact is made: minted (a key and what is issued over it), rendered, or imported.
#[derive(Debug)]
pub enum Recipe {
    OwnCa(OwnCa),
    SigningKey(SigningKey),
    Leaf(Leaf),
    Request(Request),
    Rendered(Rendered),
    /// Rendered around a key.
    Kubeconfig(Kubeconfig),
    /// Rendered last, from what the process must be restarted for.
    StaticPod(StaticPod),
    ImportedCa(ImportedCa),
    ClusterSigned(ClusterSigned),
}

/// The service-account key pair: an anchor without a certificate.
#[derive(Debug)]
pub struct SigningKey {
    pub number: Keypair,
    /// `None`: it signs. Never hashed.
    pub state: Option<KeypairState>,
    pub key: Setting<KeyAlgorithm>,
    pub explicit_key: bool,
    pub revision: Revision,
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

/// A kubeconfig with everything embedded, but for a key that is not kpki's.
#[derive(Debug, Clone)]
pub struct Kubeconfig {
    pub identity: DerivationId,
    pub bundle: DerivationId,
    pub cluster: Label,
    pub server: Server,
    pub user: String,
    pub namespace: Option<DnsName>,
    /// Where the key's owner puts it, relative to the kubeconfig; `None`: it is embedded.
    pub client_key: Option<String>,
}

impl Recipe {
    /// What this recipe reads.
    pub(super) fn inputs(&self) -> Vec<DerivationId> {
        match self {
            Recipe::OwnCa(_)
            | Recipe::ImportedCa(_)
            | Recipe::SigningKey(_)
            | Recipe::Request(_) => Vec::new(),
            Recipe::Leaf(leaf) => vec![leaf.issuer],
            Recipe::ClusterSigned(signed) => vec![signed.request, signed.issuer],
            Recipe::Rendered(rendered) => rendered.inputs().to_vec(),
            Recipe::Kubeconfig(config) => vec![config.identity, config.bundle],
            Recipe::StaticPod(pod) => pod.restarts.iter().map(|(_, id)| *id).collect(),
        }
    }

    /// A private key goes with it, in a file of its own.
    pub(super) fn holds_key(&self) -> bool {
        match self {
            Recipe::Leaf(leaf) => leaf.brought.is_none(),
            Recipe::Request(request) => request.brought.is_none(),
            Recipe::ClusterSigned(_) => false,
            _ => true,
        }
    }

    /// Every certificate of a reproducible cluster begins at one written date.
    pub(super) fn begin(&mut self, at: Option<Timestamp>) {
        match self {
            Recipe::Leaf(leaf) => leaf.not_before = at,
            Recipe::OwnCa(ca) => ca.not_before = at,
            _ => {}
        }
    }

    /// CA keys and the service-account key: never replaced by accident.
    pub fn is_anchor(&self) -> bool {
        self.is_ca() || matches!(self, Recipe::SigningKey(_))
    }

    /// What a key pair that does not sign is there for; `None`: it signs, or is none.
    pub fn keypair_state(&self) -> Option<KeypairState> {
        match self {
            Recipe::OwnCa(ca) => ca.state,
            Recipe::ImportedCa(ca) => ca.state,
            Recipe::SigningKey(key) => key.state,
            _ => None,
        }
    }

    pub fn is_ca(&self) -> bool {
        self.ca().is_some()
    }

    /// Which certificate authority it is.
    pub fn ca(&self) -> Option<CaName> {
        match self {
            Recipe::OwnCa(own) => Some(own.ca),
            Recipe::ImportedCa(imported) => Some(imported.ca),
            _ => None,
        }
    }

    /// The authority that signs it.
    pub fn issuer(&self) -> Option<DerivationId> {
        match self {
            Recipe::Leaf(leaf) => Some(leaf.issuer),
            Recipe::ClusterSigned(signed) => Some(signed.issuer),
            _ => None,
        }
    }

    /// `certificate authority`, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Recipe::ImportedCa(_) => "brought certificate authority",
            Recipe::OwnCa(_) => "certificate authority",
            Recipe::SigningKey(_) => "signing key",
            Recipe::Leaf(_) => "certificate",
            Recipe::Kubeconfig(_) => "kubeconfig",
            Recipe::Request(_) => "certificate request",
            Recipe::ClusterSigned(_) => "certificate signed by the cluster",
            Recipe::Rendered(rendered) => rendered.kind(),
            Recipe::StaticPod(_) => "static pod",
        }
    }

    /// The revision as the lock keeps it; `None` where there is no key to force.
    pub fn revision(&self) -> Option<String> {
        let revision = match self {
            Recipe::OwnCa(ca) => ca.revision,
            Recipe::SigningKey(key) => key.revision,
            Recipe::Leaf(leaf) => leaf.revision,
            Recipe::Request(request) if request.brought.is_none() => request.revision,
            // A brought key, or one that a request forces, has no revision of its own; every key in the lock
            // has one.
            Recipe::ImportedCa(_) | Recipe::ClusterSigned(_) => Revision::of(1),
            _ => return None,
        };
        Some(revision.to_string())
    }

    /// The algorithm of the key that it makes; `None` where it makes none.
    pub fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        match self {
            Recipe::OwnCa(ca) => Some(ca.key.value),
            Recipe::SigningKey(signing) => Some(signing.key.value),
            Recipe::Leaf(leaf) if leaf.brought.is_none() => Some(leaf.policy.key.value),
            Recipe::Request(request) if request.brought.is_none() => Some(request.policy.key.value),
            _ => None,
        }
    }

    /// What the hash covers and `why` prints. `input` gives the hash of an input: for an issuer that of
    /// its subject and key alone, because a renewed CA certificate changes nothing for its leaves.
    pub fn fields(&self, input: &dyn Fn(DerivationId) -> InputHashes) -> Fields {
        let whole = |id| input(id).whole;
        match self {
            Recipe::OwnCa(ca) => ca.fields(),
            Recipe::ImportedCa(ca) => ca.fields(),
            Recipe::SigningKey(key) => Fields::default()
                .text("builder", "signing-key")
                .text("key", explicit(key.explicit_key, &key.key))
                .text("revision", key.revision.hashed())
                .text("keypair", key.number.hashed()),
            Recipe::Leaf(leaf) => leaf.fields(input(leaf.issuer).as_issuer),
            Recipe::Request(request) => request.fields(),
            Recipe::ClusterSigned(signed) => Fields::default()
                .text("builder", "accepted")
                .recipe("request", whole(signed.request))
                .recipe("issuer", input(signed.issuer).as_issuer),
            Recipe::Rendered(rendered) => rendered.fields(whole),
            Recipe::Kubeconfig(config) => config
                .own_fields()
                .text("builder", "kubeconfig")
                .recipe("identity", whole(config.identity))
                .recipe("bundle", whole(config.bundle)),
            Recipe::StaticPod(pod) => pod.fields(whole),
        }
    }

    /// Of a certificate authority: subject and key, which are what a leaf depends on.
    pub fn issuer_fields(&self) -> Option<Fields> {
        match self {
            Recipe::OwnCa(ca) => Some(ca.issuer_fields()),
            Recipe::ImportedCa(ca) => Some(ca.fields()),
            _ => None,
        }
    }
}

/// The hashes of an input: whole, and as an issuer.
#[derive(Debug, Clone, Copy)]
pub struct InputHashes {
    pub whole: Digest,
    pub as_issuer: Digest,
}

impl Leaf {
    fn fields(&self, issuer: Digest) -> Fields {
        let request = self.brought.as_ref().map(|brought| brought.facts.digest.to_string());
        Fields::default()
            .text("builder", "leaf")
            .text("common-name", self.common_name.as_ref().map_or("", |name| name.as_str()))
            .set("organizations", self.organizations.iter().cloned())
            .set("usage", usages(self.usage))
            .set("sans", self.sans.iter().map(ToString::to_string))
            .text("key", self.policy.key.value.as_str())
            .integer("validity", self.policy.validity.value.as_seconds(), 0)
            .text("not-before", written(self.not_before))
            .text("revision", self.revision.hashed())
            .text("request", request.unwrap_or_default())
            .recipe("issuer", issuer)
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
