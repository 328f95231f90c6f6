//! What restarts on a node when its files are put in place.

use serde::Serialize;

use super::{Installation, Reason, Write};
use crate::facts::is_reordered;
use crate::graph::{Graph, Recipe};
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
    // Who has read a bundle trusts the same in another order.
    let is_reordered = |write: &Write<'_>| {
        let old = before.files.get(&write.file.path);
        old.is_some_and(|old| is_reordered(old.bytes.expose(), write.file.bytes.expose()))
    };
    // Only API servers read the public half of the service-account key.
    let is_read = |write: &Write<'_>, reader| {
        let recipe = &graph.get(write.file.derivation).recipe;
        let is_public_half = matches!(recipe, Recipe::SigningKey(_)) && !write.file.secret;
        !is_public_half || reader == Reader::Pod(Process::Apiserver)
    };
    let reads = |reader, content: &[Reason]| {
        let inputs = graph.service_inputs(spec, reader, &host.name);
        let writes = installation.writes.iter();
        writes
            .filter(|write| content.contains(&write.reason) && !is_reordered(write))
            .any(|write| is_read(write, reader) && inputs.contains(&write.file.derivation))
    };
    let replaced = [Reason::Outdated, Reason::Foreign];
    let any = [Reason::New, Reason::Outdated, Reason::Foreign];
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
