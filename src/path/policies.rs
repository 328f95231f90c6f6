//! Certificate policies down a chain (RFC 5280 6.1 as RFC 9618 has it; `policiesValid` of crypto/x509).
//!
//! Kubernetes asks for none. But a CA can ask: then a chain without a policy that all of its CAs have is
//! refused.

use crate::facts::Policies;
use crate::holdings::Certificate;

type Oid = Box<[u8]>;

/// 2.5.29.32.0
const ANY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

/// `chain` has the leaf first. What the anchor says of policies is not looked at (RFC 5280 6.1.1 (d)).
pub(super) fn are_valid(chain: &[&Certificate]) -> bool {
    let Some((leaf, below)) = chain.split_first().filter(|(_, above)| !above.is_empty()) else {
        return true;
    };
    let count = below.len();
    let mut graph = Some(Graph::new());
    let [mut inhibit_any, mut explicit, mut inhibit_mapping] = [count + 1; 3];
    for (position, one) in chain.iter().enumerate().take(count).rev() {
        let policies = &one.facts.policies;
        let is_leaf = position == 0;
        let is_self_issued = one.facts.is_self_issued();
        if policies.policies.is_empty() {
            graph = None;
        }
        let Some(known) = &mut graph else {
            if explicit == 0 {
                return false;
            }
            if !is_leaf {
                step(&mut inhibit_any, is_self_issued, policies.inhibit_any);
                step(&mut explicit, is_self_issued, policies.require_explicit);
                step(&mut inhibit_mapping, is_self_issued, policies.inhibit_mapping);
            }
            continue;
        };
        known.descend(policies, inhibit_any > 0 || !is_leaf && is_self_issued);
        if !is_leaf {
            if known.map(policies, inhibit_mapping > 0).is_none() {
                return false;
            }
            step(&mut inhibit_any, is_self_issued, policies.inhibit_any);
            step(&mut explicit, is_self_issued, policies.require_explicit);
            step(&mut inhibit_mapping, is_self_issued, policies.inhibit_mapping);
        }
    }
    let asks = explicit <= 1 || leaf.facts.policies.require_explicit == Some(0);
    !asks || graph.is_some_and(|graph| graph.has_policy())
}

/// RFC 5280 6.1.4 (h) to (j): certificates that are left until the rule holds.
fn step(left: &mut usize, is_self_issued: bool, stated: Option<u32>) {
    if !is_self_issued {
        *left = left.saturating_sub(1);
    }
    if let Some(stated) = stated.and_then(|stated| usize::try_from(stated).ok()) {
        *left = (*left).min(stated);
    }
}

/// The policies of each certificate that come from those of its issuer, the anchor's first.
struct Graph {
    levels: Vec<Vec<Node>>,
}

struct Node {
    policy: Oid,
    /// What it is called one level further down.
    expected: Vec<Oid>,
    /// Of the level above.
    parents: Vec<Oid>,
}

impl Node {
    fn new(policy: &[u8], parents: Vec<Oid>) -> Self {
        Node { policy: policy.into(), expected: vec![policy.into()], parents }
    }

    fn is_any(&self) -> bool {
        *self.policy == *ANY
    }
}

impl Graph {
    fn new() -> Self {
        Graph { levels: vec![vec![Node::new(ANY, Vec::new())]] }
    }

    fn lowest(&mut self) -> Option<&mut Vec<Node>> {
        self.levels.last_mut()
    }

    /// RFC 9618 5.1: 6.1.3 (d).
    fn descend(&mut self, policies: &Policies, any_counts: bool) {
        let Some(above) = self.levels.last() else { return };
        let mut level: Vec<Node> = Vec::new();
        let with_expected = |policy: &[u8]| {
            let expect = |node: &&Node| node.expected.iter().any(|one| **one == *policy);
            above.iter().filter(expect).map(|node| node.policy.clone()).collect::<Vec<Oid>>()
        };
        let any = above.iter().find(|node| node.is_any());
        // Nobody expects anything of the anchor but any policy.
        let is_first = self.levels.len() == 1;
        for policy in policies.policies.iter().filter(|policy| ***policy != *ANY) {
            let mut parents = if is_first { Vec::new() } else { with_expected(policy) };
            if parents.is_empty() {
                parents.extend(any.map(|any| any.policy.clone()));
            }
            if !parents.is_empty() {
                level.push(Node::new(policy, parents));
            }
        }
        if any_counts && policies.policies.iter().any(|policy| **policy == *ANY) {
            for expected in above.iter().flat_map(|node| &node.expected) {
                if level.iter().all(|node| node.policy != *expected) {
                    level.push(Node::new(expected, with_expected(expected)));
                }
            }
        }
        self.levels.push(level);
        self.prune();
    }

    /// Takes away what leads nowhere; the anchor's own level stays.
    fn prune(&mut self) {
        for position in (1..self.levels.len().saturating_sub(1)).rev() {
            let Some((upper, lower)) = self.levels.split_at_mut_checked(position + 1) else {
                return;
            };
            if let (Some(level), Some(below)) = (upper.last_mut(), lower.first()) {
                level.retain(|node| below.iter().any(|child| child.parents.contains(&node.policy)));
            }
        }
    }

    /// RFC 9618 5.2: 6.1.4 (b). `None`: a mapping from or to any policy, which is none.
    fn map(&mut self, policies: &Policies, is_allowed: bool) -> Option<()> {
        if !is_allowed {
            let is_mapped =
                |node: &Node| policies.mappings.iter().any(|(own, _)| *own == node.policy);
            self.lowest()?.retain(|node| !is_mapped(node));
            self.prune();
            return Some(());
        }
        if policies.mappings.iter().any(|(own, other)| **own == *ANY || **other == *ANY) {
            return None;
        }
        let level = self.lowest()?;
        for (own, _) in &policies.mappings {
            let pairs = policies.mappings.iter().filter(|(mapped, _)| mapped == own);
            let expected = pairs.map(|(_, subject)| subject.clone()).collect();
            let any = level.iter().find(|node| node.is_any()).map(|any| any.policy.clone());
            if let Some(node) = level.iter_mut().find(|node| node.policy == *own) {
                node.expected = expected;
            } else if let Some(any) = any {
                level.push(Node { policy: own.clone(), expected, parents: vec![any] });
            }
        }
        Some(())
    }

    /// One that the CAs have, or any at all.
    fn has_policy(&self) -> bool {
        let of_any = |node: &Node| matches!(node.parents.as_slice(), [only] if **only == *ANY);
        let is_one = |node: &Node| !node.is_any() && of_any(node);
        self.levels.iter().flatten().any(is_one)
            || self.levels.last().is_some_and(|level| level.iter().any(Node::is_any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::made::{Made, element, oid, sequence};

    const POLICY: &str = "1.3.6.1.4.1.55555.2";

    fn policies(all: &[&str]) -> (&'static str, bool, Vec<u8>) {
        let all: Vec<u8> = all.iter().flat_map(|one| sequence(&[&oid(one)])).collect();
        ("2.5.29.32", false, sequence(&[&all]))
    }

    fn explicit(after: u8) -> (&'static str, bool, Vec<u8>) {
        ("2.5.29.36", false, sequence(&[&element(0x80, &[&[after]])]))
    }

    /// The leaf's, the CA's and the anchor's extensions.
    #[test]
    fn a_ca_that_asks_for_policies_gets_them_or_refuses() {
        let any = "2.5.29.32.0";
        for (leaf, ca, anchor, is_valid) in [
            (vec![], vec![], vec![], true),
            (vec![], vec![], vec![explicit(0)], true),
            (vec![], vec![explicit(0)], vec![], false),
            (vec![], vec![explicit(1)], vec![], false),
            (vec![], vec![explicit(2)], vec![], true),
            (vec![explicit(0)], vec![], vec![], false),
            (vec![policies(&[POLICY])], vec![explicit(0)], vec![], false),
            (vec![policies(&[POLICY])], vec![explicit(0), policies(&[POLICY])], vec![], true),
            (vec![policies(&[POLICY])], vec![explicit(0), policies(&[any])], vec![], true),
            (vec![policies(&[POLICY])], vec![explicit(0), policies(&["1.2.3"])], vec![], false),
        ] {
            let more = [leaf, ca, anchor];
            let described = format!("{more:?}");
            let made = more.map(|more| {
                let subject = crate::path::made::name(0x13, &more.len().to_string());
                let made = Made { more, issuer: Some(subject), ..Made::ca("other", 1) };
                Certificate::from_der(&made.self_signed()).unwrap()
            });
            let chain: Vec<_> = made.iter().collect();
            assert_eq!(are_valid(&chain), is_valid, "{described}");
        }
    }
}
