//! What others of the same kind could do before: a new one beside them gains nothing over anybody.

use std::collections::{BTreeSet, HashSet};

use super::access_change::AccessChange;
use super::pod_access::PodAccess;
use super::powers::{ArtifactPower, Elsewhere, Power, Powers};
use super::roles::role_in_namespace;
use crate::facts::RoleGrant;
use crate::graph::{Artifact, DerivationId, Graph, Recipe, UserPart};
use crate::name::San;
use crate::profile::Process;

/// What is asked for and was not there.
pub(super) fn new_ones<'a>(
    asked: &'a [ArtifactPower],
    before: &[ArtifactPower],
) -> Vec<&'a ArtifactPower> {
    let known: HashSet<&Artifact> = before.iter().map(|known| &known.artifact).collect();
    asked.iter().filter(|asked| !known.contains(&asked.artifact)).collect()
}

impl Powers {
    /// Of a manifest without a whole record. On a node that `joins` it is held against another one's,
    /// whatever the files say that somebody put there for it.
    pub fn pod_changes(
        &self,
        new: &ArtifactPower,
        after: &PodAccess,
        joins: bool,
    ) -> Vec<AccessChange> {
        let elsewhere = self.elsewhere.pods.get(&after.process).filter(|_| joins);
        match self.half_pods.get(&new.artifact.name()) {
            Some(half) => half.changes(after, elsewhere),
            None => after.changes(elsewhere),
        }
    }
}

impl Elsewhere {
    /// Looked for only as far as `new_ones` need it. `graph` is of what was before: whether one of its
    /// artifacts had a name, and what its manifest said.
    pub fn of(
        new_ones: &[&ArtifactPower],
        graph: &Graph,
        had_name: impl Fn(DerivationId, &San) -> bool,
        pod: impl Fn(DerivationId) -> Option<PodAccess>,
    ) -> Elsewhere {
        let mut names = BTreeSet::new();
        let mut processes = BTreeSet::new();
        for new in new_ones {
            match (&new.power, &new.artifact) {
                (Power::Certificate(certificate), Artifact::Leaf(Some(_), row)) => {
                    names.extend(certificate.chosen.iter().map(|name| (*row, name)));
                }
                (Power::StaticPod(pod), _) => {
                    processes.insert(pod.process);
                }
                _ => {}
            }
        }
        let on_any_node = |(row, name): &(&'static str, &San)| {
            graph.ids().any(|id| {
                matches!(graph.get(id).artifact, Artifact::Leaf(Some(_), other) if other == *row)
                    && had_name(id, name)
            })
        };
        let of_process = |process: Process| {
            let runs = |id: &DerivationId| matches!(&graph.get(*id).recipe, Recipe::StaticPod(pod) if pod.process == process);
            graph.ids().filter(runs).find_map(&pod).map(|pod| (process, pod))
        };
        let names = names.into_iter().filter(on_any_node);
        Elsewhere {
            names: names.map(|(row, name)| (row, name.clone())).collect(),
            pods: processes.into_iter().filter_map(of_process).collect(),
            roles: BTreeSet::new(),
        }
    }

    /// Of all bindings of `graph`, as far as anything that is asked for binds a role.
    pub fn with_roles(
        self,
        asked: &[ArtifactPower],
        graph: &Graph,
        bindings: impl Fn(DerivationId) -> Option<BTreeSet<RoleGrant>>,
        of_those_who_left: impl FnOnce() -> BTreeSet<RoleGrant>,
    ) -> Elsewhere {
        if !asked.iter().any(|asked| matches!(asked.power, Power::Bindings(_))) {
            return self;
        }
        let is_bindings = |id: &DerivationId| {
            matches!(graph.get(*id).artifact, Artifact::User(_, UserPart::Bindings))
        };
        let grants = graph.ids().filter(is_bindings).filter_map(bindings).flatten();
        let grants = grants.chain(of_those_who_left());
        Elsewhere { roles: grants.map(|grant| role_in_namespace(&grant)).collect(), ..self }
    }
}
