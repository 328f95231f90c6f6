//! What a certificate lets the principal of its key do.

use std::collections::BTreeSet;

use crate::facts::{CertificateFacts, ExtendedKeyUsage, RequestFacts};
use crate::graph::{Authority, DerivationId, Graph, Issuance, Leaf, Recipe, Request};
use crate::hash::Digest;
use crate::name::San;
use crate::time::{Span, Timestamp};

/// The same of a certificate that is here and of one that a recipe makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    pub common_name: String,
    pub groups: BTreeSet<String>,
    pub client: bool,
    pub server: bool,
    pub is_ca: bool,
    pub sans: BTreeSet<San>,
    /// Its issuer's subject; `None`: nobody signed it yet.
    pub issuer: Option<String>,
    /// `None`: whoever signs decides.
    pub life: Option<Span>,
    pub not_after: Option<Timestamp>,
    /// Of the key, where it is known.
    pub key: Option<Digest>,
}

impl Credential {
    pub fn of_certificate(facts: &CertificateFacts) -> Self {
        let usages = &facts.extended_key_usage;
        // Without an extended key usage every one is meant (RFC 5280 4.2.1.12).
        let has = |usage| usages.is_empty() && !facts.is_ca || usages.contains(&usage);
        Credential {
            client: has(ExtendedKeyUsage::Client),
            server: has(ExtendedKeyUsage::Server),
            is_ca: facts.is_ca,
            sans: facts.sans.clone(),
            issuer: Some(facts.issuer.to_string()),
            life: Some(facts.not_after.since(facts.not_before)),
            not_after: Some(facts.not_after),
            key: Some(facts.public_key.digest()),
            ..Credential::named(
                facts.subject.common_name().unwrap_or_default(),
                facts.subject.organizations(),
            )
        }
    }

    /// What somebody asked for and may have got.
    pub fn of_request(facts: &RequestFacts) -> Self {
        Credential {
            client: true,
            key: Some(facts.public_key.digest()),
            ..Credential::named(
                facts.subject.common_name().unwrap_or_default(),
                facts.subject.organizations(),
            )
        }
    }

    /// What a recipe makes; `None`: no certificate.
    pub fn of_recipe(graph: &Graph, id: DerivationId) -> Option<Self> {
        Some(match &graph.get(id).recipe {
            Recipe::Leaf(leaf) => Credential::of_leaf(graph, leaf),
            Recipe::Request(request) => Credential::of_wished_request(request),
            Recipe::Authority(authority) => Credential::of_authority(authority),
            _ => return None,
        })
    }

    fn named(common_name: String, groups: BTreeSet<String>) -> Self {
        Credential { common_name, groups, ..Credential::default() }
    }

    fn of_leaf(graph: &Graph, leaf: &Leaf) -> Self {
        let common_name = leaf.common_name.as_ref();
        let common_name = common_name.map_or_else(String::new, ToString::to_string);
        Credential {
            client: leaf.usage.client(),
            server: leaf.usage.server(),
            sans: leaf.sans.clone(),
            issuer: subject_of(graph, leaf.issuer),
            life: Some(leaf.policy.validity.value),
            key: leaf.brought.as_ref().map(|request| request.facts.public_key.digest()),
            ..Credential::named(common_name, leaf.organizations.clone())
        }
    }

    fn of_wished_request(request: &Request) -> Self {
        Credential {
            client: true,
            key: request.brought.as_ref().map(|request| request.facts.public_key.digest()),
            ..Credential::named(request.common_name.to_string(), request.organizations.clone())
        }
    }

    fn of_authority(authority: &Authority) -> Self {
        match &authority.issuance {
            Issuance::SelfSigned { common_name, validity, subject, .. } => Credential {
                is_ca: true,
                issuer: Some(subject.to_string()),
                life: Some(validity.value),
                ..Credential::named(common_name.value.to_string(), BTreeSet::new())
            },
            Issuance::Brought(brought) => Credential::of_certificate(&brought.facts),
        }
    }
}

fn subject_of(graph: &Graph, authority: DerivationId) -> Option<String> {
    let Recipe::Authority(authority) = &graph.get(authority).recipe else {
        return None;
    };
    match &authority.issuance {
        Issuance::SelfSigned { subject, .. } => Some(subject.to_string()),
        Issuance::Brought(brought) => Some(brought.facts.subject.to_string()),
    }
}
