//! Certificate policies down a chain, where a CA asks for them.

use crate::holdings::Certificate;

/// Whether the chain has the policies that its CAs ask for. Kubernetes itself asks for none.
pub(super) fn are_valid(chain: &[&Certificate]) -> bool {
    // What the anchor says of policies is not looked at (RFC 5280 6.1.1 (d)).
    let below = chain.split_last().map_or(&[][..], |(_, below)| below);
    below.iter().all(|one| {
        let policies = &one.facts.policies;
        policies.require_explicit.is_none() && policies.mappings.is_empty()
    })
}
