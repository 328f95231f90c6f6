//! What must answer on a node before the next one is installed: no pause is as good as an answer.

use crate::install::{Effect, Installation, Restarting};
use crate::name::{Endpoint, Server};
use crate::profile::{Process, Reader};
use crate::shell::{operand, quoted};
use crate::spec::{Node, Spec};

/// Commands, in the order in which they can be answered. None where nothing restarts, or no other node is
/// left to be installed.
pub(super) fn next_node(
    spec: &Spec,
    host: &Node,
    installation: &Installation<'_>,
    restarts: &[Restarting],
) -> Vec<String> {
    if spec.nodes.len() < 2 {
        return Vec::new();
    }
    let mut commands = Vec::new();
    if restarts.iter().any(|restarting| restarting.effect == Effect::Restarts) {
        // The one before answers, too, until the kubelet has seen the new manifest.
        commands.push(format!(
            "kubectl -n kube-system get pods -l tier=control-plane --field-selector {}",
            quoted(&format!("spec.nodeName={}", host.name))
        ));
    }
    for Restarting { restart, effect } in restarts {
        let ran_before = match effect {
            Effect::Restarts | Effect::ByHand => true,
            Effect::Service => installation.has_record,
            // A member of a new cluster answers only once there is a majority of them.
            Effect::Starts | Effect::Stops => false,
        };
        if ran_before {
            commands.extend(command(spec, host, restart.reader));
        }
    }
    commands
}

/// Of the other processes no answer tells more than that they run.
fn command(spec: &Spec, host: &Node, reader: Reader) -> Option<String> {
    let node = host.name.as_str();
    Some(match reader {
        Reader::Pod(Process::Etcd) => "etcdctl endpoint health --cluster".to_owned(),
        Reader::Pod(Process::Apiserver) => {
            let server = Server::from(&Endpoint::at(host.addresses.first()?.ip(), spec.api_port()));
            format!("kubectl get --raw /readyz --server {}", quoted(&server.to_string()))
        }
        Reader::Pod(_) => return None,
        Reader::Kubelet => {
            format!("kubectl wait --for=condition=Ready node {} --timeout=2m", operand(node))
        }
        Reader::KubeProxy => format!(
            "kubectl -n kube-system get pod -l k8s-app=kube-proxy --field-selector {}",
            quoted(&format!("spec.nodeName={node}"))
        ),
    })
}
