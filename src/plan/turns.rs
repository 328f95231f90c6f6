//! Whose turn it is to be renewed. Certificates that were issued together come up together, and a mistake
//! that all nodes get at once takes the cluster down: so one node is renewed, the operator looks, and the
//! next one follows.
//!
//! Only what time asks for waits, or `--renew` for several nodes. What is first made, repaired, described
//! otherwise or of a lost key does not; nor does a CA, which stands on every node, or what is no single
//! node's, such as a user. And what has little time left waits for nobody.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Action, Intent, NamePattern, Plan, Reason, Step, World};
use crate::graph::{DerivationId, Recipe};
use crate::name::{ArtifactName, NodeName};
use crate::spec::{Role, Spec};
use crate::time::{Span, Timestamp};

/// What is due and waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    /// The nodes that are renewed now.
    pub now: Vec<NodeName>,
    /// In the order of the turns.
    pub waiting: Vec<Waiting>,
    /// What is left of `--renew` for the next turn.
    pub renew: Vec<NamePattern>,
}

/// A certificate that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub derivation: DerivationId,
    pub node: NodeName,
    pub reasons: Vec<Reason>,
}

impl Turns {
    pub fn waits(&self, id: DerivationId) -> Option<&Waiting> {
        self.waiting.iter().find(|waiting| waiting.derivation == id)
    }

    /// The nodes that wait, in their order.
    pub fn nodes(&self) -> Vec<&NodeName> {
        let mut nodes: Vec<&NodeName> = self.waiting.iter().map(|waiting| &waiting.node).collect();
        nodes.dedup();
        nodes
    }

    pub(super) fn held(&self) -> HashSet<DerivationId> {
        self.waiting.iter().map(|waiting| waiting.derivation).collect()
    }
}

/// A week is time enough for a person to look at what went wrong, and of a short `renew-before` half is.
const LAST: Span = Span::days(7);

/// A tenth of all workers is renewed together. Their pods go on while a kubelet restarts, and however many
/// they are, ten turns are enough.
const TENTH: usize = 10;

/// A certificate that time or a person wants renewed, over the same key.
struct Renewal<'a> {
    step: &'a Step,
    name: &'a ArtifactName,
    node: &'a NodeName,
    is_urgent: bool,
    is_requested: bool,
}

/// `None`: nothing waits. `plan` is one in which nothing does.
pub(super) fn find(world: World<'_>, spec: &Spec, intent: &Intent, plan: &Plan) -> Option<Turns> {
    if intent.all {
        return None;
    }
    let renewals: Vec<Renewal<'_>> =
        plan.steps.iter().filter_map(|step| renewal(world, step)).collect();
    let now = turn(spec, intent, &renewals);
    let mut waiting: Vec<&Renewal<'_>> = renewals
        .iter()
        .filter(|renewal| !renewal.is_urgent && !now.contains(renewal.node))
        .collect();
    if waiting.is_empty() {
        return None;
    }
    // Stable: what is one node's stays in build order.
    let requested = nodes(&waiting, |renewal| renewal.is_requested);
    waiting.sort_by_key(|renewal| {
        (!requested.contains(renewal.node), place(spec, renewal.node), renewal.node)
    });
    let renew = left(intent, &waiting);
    let waiting = waiting.into_iter().map(|renewal| Waiting {
        derivation: renewal.step.derivation,
        node: renewal.node.clone(),
        reasons: renewal.step.reasons.clone(),
    });
    let waiting = waiting.collect();
    Some(Turns { now: now.into_iter().cloned().collect(), waiting, renew })
}

fn renewal<'a>(world: World<'a>, step: &'a Step) -> Option<Renewal<'a>> {
    let derivation = world.graph.get(step.derivation);
    let Recipe::Leaf(leaf) = &derivation.recipe else {
        return None;
    };
    let is_requested = step.reasons.contains(&Reason::RenewRequested);
    let by_time = |reason: &Reason| {
        matches!(reason, Reason::Expiring { .. } | Reason::Expired { .. } | Reason::RenewRequested)
    };
    if step.action != Action::Reissue || !step.reasons.iter().all(by_time) {
        return None;
    }
    let node = derivation.artifact.node()?;
    let not_after = world.survey.public_part(step.derivation).certificate()?.not_after;
    let is_urgent = is_urgent(not_after, leaf.policy.renew_before().value, world.now);
    Some(Renewal { step, name: &derivation.name, node, is_urgent, is_requested })
}

fn is_urgent(not_after: Timestamp, renew_before: Span, now: Timestamp) -> bool {
    now >= not_after.minus(LAST.min(renew_before.divided_by(2)))
}

/// The nodes of which everything due is renewed now.
fn turn<'a>(spec: &Spec, intent: &Intent, renewals: &[Renewal<'a>]) -> BTreeSet<&'a NodeName> {
    let all: Vec<&Renewal<'a>> = renewals.iter().collect();
    let urgent = nodes(&all, |renewal| renewal.is_urgent);
    let mut turn = urgent.clone();
    let requested = nodes(&all, |renewal| renewal.is_requested && !urgent.contains(renewal.node));
    if !requested.is_empty() {
        turn.extend(first(spec, &requested));
    } else if !intent.rejoin.is_empty() {
        // While etcd lacks a member, no other node is touched; the one that joins is installed anew.
        turn.extend(nodes(&all, |renewal| intent.rejoins(renewal.node)));
    } else if urgent.is_empty() {
        turn.extend(first(spec, &nodes(&all, |_| true)));
    }
    turn
}

fn nodes<'a>(
    renewals: &[&Renewal<'a>],
    which: impl Fn(&Renewal<'a>) -> bool,
) -> BTreeSet<&'a NodeName> {
    renewals.iter().filter(|renewal| which(renewal)).map(|renewal| renewal.node).collect()
}

/// One node of the control plane or of etcd, since those must keep a majority; else some workers.
fn first<'a>(spec: &Spec, nodes: &BTreeSet<&'a NodeName>) -> Vec<&'a NodeName> {
    let mut nodes: Vec<&NodeName> = nodes.iter().copied().collect();
    nodes.sort_by_key(|node| (place(spec, node), *node));
    let is_worker = |node: &&NodeName| place(spec, node) == Some(Place::Worker);
    let together = if nodes.first().is_some_and(is_worker) {
        let workers = spec.nodes.iter().filter(|node| is_worker(&&node.name)).count();
        workers.div_ceil(TENTH)
    } else {
        1
    };
    nodes.truncate(together);
    nodes
}

/// In the order of restarts: etcd, what dials it, then the kubelets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Etcd,
    ControlPlane,
    Worker,
}

fn place(spec: &Spec, node: &NodeName) -> Option<Place> {
    spec.node(node.as_str()).map(|node| match node.role {
        Role::Etcd => Place::Etcd,
        Role::ControlPlane => Place::ControlPlane,
        Role::Worker => Place::Worker,
    })
}

/// The patterns of `--renew` as far as they name what waits. One over several nodes becomes one for each.
fn left(intent: &Intent, waiting: &[&Renewal<'_>]) -> Vec<NamePattern> {
    let requested: Vec<&&Renewal<'_>> =
        waiting.iter().filter(|renewal| renewal.is_requested).collect();
    let mut all: Vec<NamePattern> = Vec::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut known: BTreeMap<&NodeName, NamePattern> = BTreeMap::new();
    for renewal in &requested {
        let of_node = known.entry(renewal.node).or_insert_with(|| {
            NamePattern::Below(ArtifactName::of(&format!("nodes/{}", renewal.node)))
        });
        for pattern in intent.renew.iter().filter(|pattern| pattern.matches(renewal.name)) {
            let next = if is_wider(pattern, of_node) { of_node.clone() } else { pattern.clone() };
            if told.insert(next.to_string()) {
                all.push(next);
            }
        }
    }
    all
}

fn is_wider(pattern: &NamePattern, of_node: &NamePattern) -> bool {
    match (pattern, of_node) {
        (NamePattern::Below(_), NamePattern::Below(node)) => pattern.matches(node),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT_HOURS: Span = Span::minutes(480);

    /// `renew-before`, what is left, and whether it is renewed at once.
    #[test]
    fn what_has_little_time_left_waits_for_nobody() {
        let now: Timestamp = "2027-06-01T00:00:00Z".parse().unwrap();
        for (renew_before, left, urgent) in [
            // The default for a year: 30 days.
            (Span::days(30), Span::days(30), false),
            (Span::days(30), Span::days(8), false),
            (Span::days(30), Span::days(7), true),
            (Span::days(30), Span::seconds(1), true),
            (Span::days(30), Span::seconds(0), true),
            // A life of a day is renewed in its last third: a sixth of it is left.
            (EIGHT_HOURS, Span::minutes(300), false),
            (EIGHT_HOURS, Span::minutes(240), true),
            // A short window by hand.
            (Span::days(5), Span::days(3), false),
            (Span::days(5), Span::minutes(60 * 60), true),
            // A long one.
            (Span::days(300), Span::days(290), false),
            (Span::days(300), Span::days(7), true),
        ] {
            assert_eq!(
                is_urgent(now.plus(left), renew_before, now),
                urgent,
                "{renew_before} {left}"
            );
        }
        assert!(is_urgent(now.minus(Span::days(90)), Span::days(30), now), "expired");
    }
}
