//! When a certificate comes up for renewal, for those who look ahead.

use super::answer::renew_from;
use super::authority::longest_leaves;
use crate::facts::CertificateFacts;
use crate::graph::{Authority, DerivationId, Graph, Issuance, Recipe};
use crate::time::Timestamp;

/// From when on plan renews this certificate, or asks for the next one.
pub fn renewal(graph: &Graph, id: DerivationId, facts: &CertificateFacts) -> Option<Timestamp> {
    match &graph.get(id).recipe {
        Recipe::Leaf(leaf) => Some(facts.not_after.minus(leaf.policy.renew_before().value)),
        Recipe::Accepted(accepted) => match &graph.get(accepted.request).recipe {
            Recipe::Request(request) => Some(renew_from(facts, &request.policy)),
            _ => None,
        },
        Recipe::Authority(Authority { issuance, .. }) => {
            let validity = match issuance {
                Issuance::SelfSigned { validity, .. } => validity.value,
                Issuance::Brought(_) => facts.not_after.since(facts.not_before),
            };
            let longest = longest_leaves(graph).remove(&id).unwrap_or_default();
            Some(facts.not_after.minus(longest.window(validity)))
        }
        _ => None,
    }
}
