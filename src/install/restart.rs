//! What restarts on a node when its files are put in place.

use std::collections::HashSet;

use serde::Serialize;

use super::{Installation, Reason};
use crate::graph::{DerivationId, Graph};
use crate::name::TreePath;
use crate::plan::Restart;
use crate::pod::is_same_pod;
use crate::profile::{Hosts, KUBERNETES_FOLDER, Process, Reader};
use crate::spec::{Node, Spec};
use crate::state::NodeState;

/// What becomes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The kubelet starts its pod.
    Starts,
    /// The kubelet replaces its pod.
    Restarts,
    /// The kubelet stops its pod.
    Stops,
    /// A service, which the operator restarts.
    Service,
    /// A pod that reads its files only when it starts, and whose manifest is not changed.
    ByHand,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarting {
    pub restart: Restart,
    pub effect: Effect,
}

/// In the order in which it is safe.
pub fn restarts(
    graph: &Graph,
    spec: &Spec,
    host: &Node,
    before: &NodeState,
    installation: &Installation<'_>,
) -> Vec<Restarting> {
    let written = |content: &[Reason]| -> HashSet<DerivationId> {
        let writes = installation.writes.iter();
        writes
            .filter(|write| content.contains(&write.reason))
            .map(|write| write.file.derivation)
            .collect()
    };
    let replaced = written(&[Reason::Outdated, Reason::Foreign]);
    let any = written(&[Reason::New, Reason::Outdated, Reason::Foreign]);
    let reads = |reader, changed: &HashSet<DerivationId>| {
        let inputs = graph.service_inputs(spec, reader, &host.name);
        inputs.iter().any(|input| changed.contains(input))
    };
    let mut found = Vec::new();
    for process in Process::ALL {
        let reader = Reader::Pod(process);
        let effect = pod(process, before, installation).or_else(|| {
            let runs = process.hosts().include(host, spec);
            (runs && reads(reader, &replaced)).then_some(Effect::ByHand)
        });
        found.extend(effect.map(|effect| (reader, effect)));
    }
    for (reader, hosts) in
        [(Reader::Kubelet, Hosts::Kubelets), (Reader::KubeProxy, Hosts::KubeProxies)]
    {
        if hosts.include(host, spec) && reads(reader, &any) {
            found.push((reader, Effect::Service));
        }
    }
    let of_host = |(reader, effect)| Restarting {
        restart: Restart { reader, node: host.name.clone() },
        effect,
    };
    found.into_iter().map(of_host).collect()
}

/// What the kubelet does by itself when it sees the folder of manifests.
fn pod(process: Process, before: &NodeState, installation: &Installation<'_>) -> Option<Effect> {
    let path = format!("{KUBERNETES_FOLDER}/manifests/{}.yaml", process.name());
    let path: TreePath = path.parse().ok()?;
    if installation.removals.iter().any(|(_, gone)| *gone == path) {
        return Some(Effect::Stops);
    }
    let write = installation.writes.iter().find(|write| write.file.path == path)?;
    match (write.reason, before.files.get(&path)) {
        (Reason::Attributes, _) => None,
        (_, None) => Some(Effect::Starts),
        (_, Some(old)) => {
            let same = is_same_pod(old.bytes.expose(), write.file.bytes.expose());
            (!same).then_some(Effect::Restarts)
        }
    }
}
