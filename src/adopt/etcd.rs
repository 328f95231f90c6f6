//! Where etcd runs, and whether all its members were given.

use std::collections::BTreeSet;

use super::cluster::{same_flag, server};
use super::node::{Node, in_folder};
use super::refusal::{Refusal, Refusals};
use crate::name::NodeName;
use crate::profile::Process;
use crate::spec::Role;

/// Whether etcd runs on nodes of its own, all of which must be given.
pub(super) fn etcd(
    control_plane: &[&Node<'_>],
    nodes: &[Node<'_>],
    gone: &BTreeSet<NodeName>,
) -> Result<bool, Refusals> {
    let strangers = strangers(nodes, gone);
    if !strangers.is_empty() {
        return Err(strangers);
    }
    let stacked = control_plane.iter().filter(|node| node.pods.contains_key(&Process::Etcd));
    let (stacked, all) = (stacked.count(), control_plane.len());
    if stacked == all {
        return Ok(false);
    }
    if stacked > 0 {
        let without = control_plane.iter().filter(|node| !node.pods.contains_key(&Process::Etcd));
        let path = in_folder("manifests/etcd.yaml");
        let refuse = |node: &&&Node<'_>| {
            let why = "is not there, and other control-plane nodes have one";
            Refusal::of_file(&node.name, &path, why)
        };
        return Err(without.collect::<Vec<_>>().iter().map(refuse).collect());
    }
    let mut refusals = Refusals::new();
    let known: BTreeSet<String> = (nodes.iter())
        .filter(|node| node.role == Role::Etcd)
        .filter_map(|node| Some(node.address?.0.to_string()))
        .collect();
    let servers = same_flag(control_plane, Process::Apiserver, "etcd-servers", &mut refusals);
    let missing: Vec<&str> = (servers.iter())
        .flat_map(|(value, _)| value.split(','))
        .filter(|url| server(url).is_none_or(|it| !known.contains(&it.host.to_string())))
        .collect();
    if known.is_empty() || !missing.is_empty() {
        let why =
            format!("etcd runs on nodes of its own, which were not given: {}", missing.join(", "));
        refusals.push(Refusal::of_cluster(why).help(
            "give each member as a source, too (etcd1=…): kubeadm's layout, /etc/kubernetes/pki/etcd. An etcd with a PKI \
             in other hands is not taken over yet",
        ));
    }
    if refusals.is_empty() { Ok(true) } else { Err(refusals) }
}

/// Members that a manifest names and nobody gave: a cluster of which a part is not described is changed
/// without that part.
fn strangers(nodes: &[Node<'_>], gone: &BTreeSet<NodeName>) -> Refusals {
    let mut refusals = Refusals::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for node in nodes {
        let members = node.flag(Process::Etcd, "initial-cluster").unwrap_or_default().split(',');
        for (name, url) in members.filter_map(|member| member.split_once('=')) {
            let is_known =
                nodes.iter().any(|node| node.name.as_str() == name) || gone.contains(name);
            if !is_known && told.insert(name) {
                let path = in_folder("manifests/etcd.yaml");
                let why =
                    format!("names the member {name} ({url}), which is not among the sources");
                refusals.push(Refusal::of_file(&node.name, &path, why).help(format!(
                    "give {name}, too: {name}=…; if it left the cluster (etcdctl member list tells): --gone {name}"
                )));
            }
        }
    }
    refusals
}
