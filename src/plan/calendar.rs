//! When a certificate comes up for renewal, for those who look ahead.

use super::issuer::longest_leaves;
use super::signed_by_cluster::renew_from;
use crate::facts::CertificateFacts;
use crate::graph::{DerivationId, Graph, Recipe};
use crate::time::{Span, Timestamp};

/// From when on plan renews this certificate, or asks for the next one.
pub fn renewal(graph: &Graph, id: DerivationId, facts: &CertificateFacts) -> Option<Timestamp> {
    match &graph.get(id).recipe {
        Recipe::Leaf(leaf) => Some(facts.not_after.minus(leaf.policy.renew_before().value)),
        Recipe::ClusterSigned(signed) => match &graph.get(signed.request).recipe {
            Recipe::Request(request) => Some(renew_from(facts, &request.policy)),
            _ => None,
        },
        Recipe::OwnCa(ca) => Some(of_ca(graph, id, facts, ca.validity.value)),
        Recipe::ImportedCa(_) => {
            Some(of_ca(graph, id, facts, facts.not_after.since(facts.not_before)))
        }
        _ => None,
    }
}

fn of_ca(graph: &Graph, id: DerivationId, facts: &CertificateFacts, validity: Span) -> Timestamp {
    let longest = longest_leaves(graph).remove(&id).unwrap_or_default();
    facts.not_after.minus(longest.window(validity))
}
