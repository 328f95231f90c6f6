//! What adoption writes is as long as what a person would write, or a little longer.

use super::proof::Desk;
use crate::testkit::kubeadm::{Cluster, Etcd, ExtraArgument, Keys, Node, Role};

/// Without comments and blank lines.
fn lines(description: &str) -> usize {
    let lines = description.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// A cluster, and its description by hand: with it nothing is left to do, either.
fn check(cluster: &Cluster, by_hand: &str) {
    let desk = Desk::new(cluster.trees());
    desk.adopted(&[]);
    let adopted = desk.project.text("cluster.kdl");
    std::fs::write(desk.project.path("cluster.kdl"), by_hand).unwrap();
    assert!(desk.plan(&[]).is_empty(), "the description by hand is of another cluster");
    let (wrote, would_write) = (lines(&adopted), lines(by_hand));
    assert!(2 * wrote <= 3 * would_write, "{wrote} lines for {would_write}:\n{adopted}");
}

#[test]
fn one_control_plane_node_as_kubeadm_makes_it() {
    let cluster = Cluster { keys: Keys::Rsa2048, ..Cluster::small() };
    check(&cluster, include_str!("by_hand/single.kdl"));
}

#[test]
fn three_control_plane_nodes_with_names_and_flags() {
    let flag = |component, name, value| ExtraArgument { node: None, component, name, value };
    let cluster = Cluster {
        sans: vec!["api.corp.example", "203.0.113.7"],
        arguments: vec![
            flag("kube-apiserver", "enable-admission-plugins", "NodeRestriction,PodSecurity"),
            flag("kube-apiserver", "profiling", "false"),
            flag("kube-controller-manager", "bind-address", "0.0.0.0"),
            flag("etcd", "quota-backend-bytes", "8589934592"),
        ],
        ..Cluster::large()
    };
    check(&cluster, include_str!("by_hand/stacked.kdl"));
}

#[test]
fn external_etcd_and_workers() {
    let mut cluster = Cluster { etcd: Etcd::External, ..Cluster::large() };
    for (name, address, role) in [
        ("e1", "10.0.0.31", Role::Etcd),
        ("e2", "10.0.0.32", Role::Etcd),
        ("e3", "10.0.0.33", Role::Etcd),
        ("w2", "10.0.0.22", Role::Worker),
        ("w3", "10.0.0.23", Role::Worker),
    ] {
        cluster.nodes.push(Node::new(name, address, role));
    }
    check(&cluster, include_str!("by_hand/external.kdl"));
}
