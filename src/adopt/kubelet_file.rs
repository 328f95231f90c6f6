//! How a node's kubelet is known to the API server.

use super::node::{Node, in_folder};
use super::refusal::{Refusal, Refusals};
use crate::facts::{Kubeconfig, Part};
use crate::spec::Role;

/// Whose hands the kubelet's client certificate is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// kubelet.conf names a file that the kubelet renews itself.
    SelfRotated,
    /// kubelet.conf holds certificate and key.
    Embedded,
}

/// The same for all nodes, as a description says it.
pub(super) fn client(nodes: &[Node<'_>]) -> Result<Client, Refusals> {
    let mut refusals = Refusals::new();
    let (mut rotated, mut embedded) = (Vec::new(), Vec::new());
    for node in nodes.iter().filter(|node| node.role != Role::Etcd) {
        match of_node(node) {
            Ok(Client::SelfRotated) => rotated.push(node),
            Ok(Client::Embedded) => embedded.push(node),
            Err(why) => refusals.push(why),
        }
    }
    if !rotated.is_empty() {
        for node in &embedded {
            let path = in_folder("kubelet.conf");
            let why = "holds the kubelet's certificate and key, where other nodes name the file that their kubelet renews";
            refusals.push(Refusal::of_file(&node.name, &path, why).help(
                "let this kubelet renew its certificate as the others do: kubeadm init phase kubelet-finalize all (on that \
                 node), then run kpki adopt again",
            ));
        }
    }
    match refusals.is_empty() {
        true if rotated.is_empty() => Ok(Client::Embedded),
        true => Ok(Client::SelfRotated),
        false => Err(refusals),
    }
}

fn of_node(node: &Node<'_>) -> Result<Client, Refusal> {
    let path = in_folder("kubelet.conf");
    let refuse = |why: &str| Refusal::of_file(&node.name, &path, why);
    let bytes = node.bytes(&path).ok_or_else(|| refuse("is not there").help(super::node::COPY))?;
    let config = Kubeconfig::from_yaml(bytes).map_err(|error| refuse(&error.to_string()))?;
    match (&config.client_certificate, &config.client_key) {
        (Part::File(_), Part::File(_)) => Ok(Client::SelfRotated),
        (Part::Embedded(_), Part::Embedded(_)) => Ok(Client::Embedded),
        (Part::Damaged(why), _) | (_, Part::Damaged(why)) => Err(refuse(why)),
        _ => Err(refuse("names no client certificate and key of the kubelet's")),
    }
}
