//! What leaves and their CA demand of each other.

use std::collections::HashMap;

use crate::facts::DistinguishedName;
use crate::graph::{DerivationId, Graph, Recipe};
use crate::time::{Span, Timestamp};

/// What a leaf must know of its issuer once the plan is carried out.
#[derive(Debug)]
pub(super) struct IssuerAfter {
    pub subject: DistinguishedName,
    pub key: IssuerKey,
    pub not_after: Timestamp,
}

#[derive(Debug)]
pub(super) enum IssuerKey {
    /// Nothing issued by another key stays.
    New,
    /// Leaves carry this authority key identifier.
    Identified(Vec<u8>),
    /// Its certificate is lost and only apply may open the key: no leaf can be held against it.
    Unopened,
}

/// The demands of the leaves below a CA.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LongestLeaf {
    validity: Span,
    renew_before: Span,
}

impl LongestLeaf {
    /// A CA renews when what is left is less than its longest leaf needs, but never before half of its own
    /// life: else a CA shorter than its leaves would renew for ever.
    pub fn window(self, validity: Span) -> Span {
        let needed = self.validity.plus(self.renew_before);
        needed.min(validity.divided_by(2))
    }
}

pub(super) fn longest_leaves(graph: &Graph) -> HashMap<DerivationId, LongestLeaf> {
    let mut longest: HashMap<DerivationId, LongestLeaf> = HashMap::new();
    for id in graph.ids() {
        let (issuer, policy) = match &graph.get(id).recipe {
            Recipe::Leaf(leaf) => (leaf.issuer, &leaf.policy),
            Recipe::ClusterSigned(signed) => match &graph.get(signed.request).recipe {
                Recipe::Request(request) => (signed.issuer, &request.policy),
                _ => continue,
            },
            _ => continue,
        };
        let entry = longest.entry(issuer).or_default();
        entry.validity = entry.validity.max(policy.validity.value);
        entry.renew_before = entry.renew_before.max(policy.renew_before().value);
    }
    longest
}
