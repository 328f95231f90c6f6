//! What must be restarted once the plan is carried out, and what etcd must be told before.

use std::collections::{BTreeSet, HashSet};

use super::context::{After, PlanContext};
use super::{Action, Orphan, Plan, World};
use crate::graph::{Artifact, DerivationId, Recipe, StaticPod};
use crate::name::NodeName;
use crate::profile::{Hosts, Process, Reader};
use crate::shell::{operand, quoted};
use crate::spec::Spec;
use crate::state::Entry;

/// A pod that the kubelet replaces, or a service that the operator restarts. Sorted: etcd first, then the
/// API server, then what depends on it; and each node by node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restart {
    pub reader: Reader,
    pub node: NodeName,
}

impl Restart {
    /// `kube-apiserver`, `kubelet`
    pub fn what(&self) -> &'static str {
        match self.reader {
            Reader::Pod(process) => process.name(),
            Reader::Kubelet => "kubelet",
            Reader::KubeProxy => "kube-proxy",
        }
    }
}

impl Restart {
    /// The kubelet replaces a pod by itself; a service waits for the operator.
    pub fn is_service(&self) -> bool {
        !matches!(self.reader, Reader::Pod(_))
    }
}

/// What etcd's own list of members must learn, before a manifest reaches its node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    Remove { member: String },
    Update { member: String, peer_url: String, is_sole: bool },
    Add { member: String, peer_url: String },
}

impl Membership {
    pub fn member(&self) -> &str {
        match self {
            Membership::Remove { member }
            | Membership::Update { member, .. }
            | Membership::Add { member, .. } => member,
        }
    }

    /// A sole member whose old address is gone cannot be told anything before it runs again; it does not ask
    /// others who it is.
    pub fn hint(&self) -> Option<&'static str> {
        let is_sole = matches!(self, Membership::Update { is_sole: true, .. });
        is_sole.then_some(
            "if etcd does not start because its old address is gone: put its new manifest in place first, a sole \
             member starts with it; then tell it",
        )
    }

    /// etcd numbers its members: only a new one is known by its name.
    pub fn command(&self) -> String {
        match self {
            Membership::Remove { member } => {
                format!("etcdctl member remove {}", quoted(&format!("ID-OF-{member}")))
            }
            Membership::Update { member, peer_url, .. } => format!(
                "etcdctl member update {} {}",
                quoted(&format!("ID-OF-{member}")),
                quoted(&format!("--peer-urls={peer_url}"))
            ),
            Membership::Add { member, peer_url } => format!(
                "etcdctl member add {} {}",
                operand(member),
                quoted(&format!("--peer-urls={peer_url}"))
            ),
        }
    }
}

/// Services do not see that what they read has changed.
pub(super) fn services(context: &mut PlanContext<'_>, spec: &Spec) {
    let world = context.world;
    let written: HashSet<DerivationId> = context
        .plan
        .steps
        .iter()
        .filter(|step| !matches!(step.action, Action::Record | Action::Repair))
        .map(|step| step.derivation)
        .collect();
    let mut restarts = Vec::new();
    for node in &spec.nodes {
        for (reader, hosts) in
            [(Reader::Kubelet, Hosts::Kubelets), (Reader::KubeProxy, Hosts::KubeProxies)]
        {
            if !hosts.include(node, spec) {
                continue;
            }
            let inputs = world.graph.service_inputs(spec, reader, &node.name);
            if inputs.iter().any(|input| is_own_identity(context, *input))
                && inputs.iter().any(|input| changes(context, *input, &written))
            {
                restarts.push(Restart { reader, node: node.name.clone() });
            }
        }
    }
    context.plan.restarts.extend(restarts);
}

/// A kubeconfig on record: the service was set up before. On a new node there is nothing to restart.
fn is_own_identity(context: &PlanContext<'_>, id: DerivationId) -> bool {
    let artifact = &context.world.graph.get(id).artifact;
    matches!(artifact, Artifact::Kubeconfig(..)) && context.entry(id).is_some()
}

/// It will have another public content than on record, or is new to a service that is not.
fn changes(context: &PlanContext<'_>, id: DerivationId, written: &HashSet<DerivationId>) -> bool {
    let recorded = context.entry(id).and_then(Entry::public_content);
    match (recorded, context.after(id)) {
        (_, After::Unavailable) => false,
        _ if context.reordered.contains(&id) => false,
        (Some(old), After::Kept(now)) => old != now,
        (Some(_), After::Rebuilt { .. }) => true,
        (None, _) => written.contains(&id),
    }
}

/// Members whose node is no longer described, by the lines that they left in the lock.
pub(super) fn removed_members(plan: &mut Plan, world: World<'_>) {
    let described: BTreeSet<&str> = world
        .graph
        .ids()
        .filter_map(|id| match &world.graph.get(id).recipe {
            Recipe::StaticPod(StaticPod { members, .. }) if !members.is_empty() => Some(members),
            _ => None,
        })
        .flat_map(|members| members.keys().map(String::as_str))
        .collect();
    if described.is_empty() {
        return;
    }
    let gone = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::Line(name) => match name.as_str().parse() {
            Ok(Artifact::StaticPod(node, Process::Etcd)) => {
                let is_gone = !described.contains(node.as_str());
                is_gone.then(|| Membership::Remove { member: node.to_string() })
            }
            _ => None,
        },
        Orphan::File { .. } => None,
    });
    plan.membership.extend(gone.collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member's name may come from a lock that somebody else wrote.
    #[test]
    fn a_member_is_one_word_of_a_command() {
        let member = "$(touch x) 'a'".to_owned();
        let peer_url = "https://`id`:2380".to_owned();
        let word = r"$(touch x) '\''a'\''";
        let commands = [
            Membership::Remove { member: member.clone() },
            Membership::Update {
                member: member.clone(),
                peer_url: peer_url.clone(),
                is_sole: false,
            },
            Membership::Add { member, peer_url },
        ]
        .map(|change| change.command());
        assert_eq!(
            commands,
            [
                format!("etcdctl member remove 'ID-OF-{word}'"),
                format!("etcdctl member update 'ID-OF-{word}' '--peer-urls=https://`id`:2380'"),
                format!("etcdctl member add '{word}' '--peer-urls=https://`id`:2380'"),
            ]
        );
        let plain =
            Membership::Add { member: "cp3".into(), peer_url: "https://10.0.0.13:2380".into() };
        assert_eq!(plain.command(), "etcdctl member add cp3 --peer-urls=https://10.0.0.13:2380");
    }
}
