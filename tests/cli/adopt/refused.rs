//! Clusters that are not taken over: the message names node, file and reason, and nothing is written.

use super::proof::prove_all;
use super::shape::{Edit, Shape};
use crate::testkit::kubeadm::{Cluster, Etcd, Kubelet, Leaf, Node, Role};

fn small() -> Cluster {
    Cluster::small()
}

fn large() -> Cluster {
    Cluster::large()
}

const CA: &str = "etc/kubernetes/pki/ca.crt";

fn of_nodes_that_differ() -> Vec<Shape> {
    let pair = ["etc/kubernetes/pki/sa.key", "etc/kubernetes/pki/sa.pub"];
    let mut two_versions = large();
    two_versions.node("cp2").version = Some("1.35.3");
    let mut embedded = large();
    embedded.node("cp2").kubelet = Kubelet::Embedded;
    let mut same_address = large();
    same_address.node("cp2").address = "10.0.0.11";
    let at = |node, path| Edit::Foreign(node, path);
    vec![
        Shape::refused(
            "another service-account key on one node",
            large(),
            &pair.map(|path| at("cp2", path)),
            ("cp2", "/etc/kubernetes/pki/sa.pub"),
            &["tokens"],
        ),
        Shape::refused(
            "another CA on one node",
            large(),
            &[at("cp3", CA), at("cp3", "etc/kubernetes/pki/ca.key")],
            ("cp3", "/etc/kubernetes/pki/ca.crt"),
            &["another CA"],
        ),
        Shape::refused(
            "another CA on a worker",
            large(),
            &[at("w1", CA)],
            ("w1", "/etc/kubernetes/pki/ca.crt"),
            &["another CA"],
        ),
        Shape::refused(
            "another CA of etcd on one node",
            large(),
            &[
                at("cp2", "etc/kubernetes/pki/etcd/ca.crt"),
                at("cp2", "etc/kubernetes/pki/etcd/ca.key"),
            ],
            ("cp2", "/etc/kubernetes/pki/etcd/ca.crt"),
            &[],
        ),
        Shape::refused(
            "two certificates in ca.crt",
            large(),
            &["cp1", "cp2", "cp3", "w1"].map(|node| Edit::ForeignBehind(node, CA)),
            ("cp1", "/etc/kubernetes/pki/ca.crt"),
            &["rotation"],
        ),
        Shape::refused(
            "two keys in sa.pub",
            large(),
            &["cp1", "cp2", "cp3"]
                .map(|node| Edit::ForeignBehind(node, "etc/kubernetes/pki/sa.pub")),
            ("cp1", "/etc/kubernetes/pki/sa.pub"),
            &[],
        ),
        Shape::refused(
            "two versions at once",
            two_versions,
            &[],
            ("cp2", ""),
            &["1.35.3", "1.36.2", "finish the upgrade"],
        ),
        Shape::refused(
            "one kubelet that embeds its certificate, where the others renew theirs",
            embedded,
            &[],
            ("cp2", "/etc/kubernetes/kubelet.conf"),
            &["renew"],
        ),
        Shape::refused("two nodes of one address", same_address, &[], ("", ""), &["10.0.0.11"]),
        Shape::refused(
            "a node under another name",
            large(),
            &[Edit::Named("cp2", "cp9")],
            ("cp9", ""),
            &["cp2"],
        ),
        Shape::refused(
            "a certificate of another cluster",
            large(),
            &[
                at("cp1", "etc/kubernetes/pki/apiserver.crt"),
                at("cp1", "etc/kubernetes/pki/apiserver.key"),
            ],
            ("cp1", "/etc/kubernetes/pki/apiserver.crt"),
            &[],
        ),
    ]
}

fn of_broken_files() -> Vec<Shape> {
    let expired = Cluster { authority_days: (-3650, -2), ..small() };
    let expired =
        Cluster { leaves: vec![Leaf { days: Some((-360, -2)), ..Leaf::default() }], ..expired };
    vec![
        Shape::refused(
            "a key that is not its certificate's",
            large(),
            &[Edit::Foreign("cp2", "etc/kubernetes/pki/apiserver.key")],
            ("cp2", "/etc/kubernetes/pki/apiserver"),
            &["key"],
        ),
        Shape::refused(
            "a CA's key that is not its certificate's",
            small(),
            &[Edit::Foreign("cp1", "etc/kubernetes/pki/ca.key")],
            ("cp1", "/etc/kubernetes/pki/ca"),
            &["key"],
        ),
        Shape::refused(
            "a service-account pair that is none",
            small(),
            &[Edit::Foreign("cp1", "etc/kubernetes/pki/sa.pub")],
            ("cp1", "/etc/kubernetes/pki/sa"),
            &["key"],
        ),
        Shape::refused(
            "an expired CA",
            expired,
            &[],
            ("cp1", "/etc/kubernetes/pki/ca.crt"),
            &["expired"],
        ),
        Shape::refused(
            "a truncated kubeconfig",
            small(),
            &[Edit::Cut("cp1", "etc/kubernetes/scheduler.conf", 700)],
            ("cp1", "/etc/kubernetes/scheduler.conf"),
            &[],
        ),
        Shape::refused(
            "a truncated certificate",
            small(),
            &[Edit::Cut("cp1", "etc/kubernetes/pki/front-proxy-client.crt", 300)],
            ("cp1", "/etc/kubernetes/pki/front-proxy-client.crt"),
            &[],
        ),
        Shape::refused(
            "an empty key",
            small(),
            &[Edit::Cut("cp1", "etc/kubernetes/pki/apiserver.key", 0)],
            ("cp1", "/etc/kubernetes/pki/apiserver.key"),
            &[],
        ),
        Shape::refused(
            "a manifest that is no YAML",
            small(),
            &[Edit::Put("cp1", "etc/kubernetes/manifests/kube-scheduler.yaml", 0o600, "a: [\n")],
            ("cp1", "/etc/kubernetes/manifests/kube-scheduler.yaml"),
            &[],
        ),
    ]
}

fn of_missing_files() -> Vec<Shape> {
    vec![
        Shape::refused(
            "no manifest of the API server",
            large(),
            &[Edit::Remove("cp2", "etc/kubernetes/manifests/kube-apiserver.yaml")],
            ("cp2", "/etc/kubernetes/manifests/kube-apiserver.yaml"),
            &[],
        ),
        Shape::refused(
            "no manifests at all",
            small(),
            &[Edit::Remove("cp1", "etc/kubernetes/manifests")],
            ("cp1", "/etc/kubernetes/manifests/"),
            &[],
        ),
        Shape::refused(
            "no apiserver-kubelet-client pair",
            small(),
            &[
                Edit::Remove("cp1", "etc/kubernetes/pki/apiserver-kubelet-client.crt"),
                Edit::Remove("cp1", "etc/kubernetes/pki/apiserver-kubelet-client.key"),
            ],
            ("cp1", "/etc/kubernetes/pki/apiserver-kubelet-client.crt"),
            &[],
        ),
        Shape::refused(
            "a leaf's key is missing",
            small(),
            &[Edit::Remove("cp1", "etc/kubernetes/pki/front-proxy-client.key")],
            ("cp1", "/etc/kubernetes/pki/front-proxy-client"),
            &[],
        ),
        Shape::refused(
            "no kubelet.conf",
            small(),
            &[Edit::Remove("w1", "etc/kubernetes/kubelet.conf")],
            ("w1", "/etc/kubernetes/kubelet.conf"),
            &[],
        ),
        Shape::refused("an empty folder", small(), &[Edit::Clear("w1")], ("w1", ""), &[]),
        Shape::refused(
            "a member of etcd that is not given",
            large(),
            // A member's manifest names those that were there when it joined.
            &[Edit::NotGiven("cp1")],
            ("cp2", "/etc/kubernetes/manifests/etcd.yaml"),
            &["cp1", "10.0.0.11", "--gone"],
        ),
        Shape::refused(
            "workers alone",
            large(),
            &[Edit::NotGiven("cp1"), Edit::NotGiven("cp2"), Edit::NotGiven("cp3")],
            ("", ""),
            &["control-plane"],
        ),
        Shape::refused(
            "images that do not say their version",
            Cluster { image_suffix: "@sha256:00", version: "1.36.2", ..small() },
            &[
                Edit::Replace(
                    "cp1",
                    "etc/kubernetes/manifests/kube-apiserver.yaml",
                    ":v1.36.2",
                    "",
                ),
                Edit::Replace(
                    "cp1",
                    "etc/kubernetes/manifests/kube-controller-manager.yaml",
                    ":v1.36.2",
                    "",
                ),
                Edit::Replace(
                    "cp1",
                    "etc/kubernetes/manifests/kube-scheduler.yaml",
                    ":v1.36.2",
                    "",
                ),
            ],
            ("", ""),
            &["--kubeadm-config"],
        ),
        Shape::refused(
            "machines of etcd that are not given",
            Cluster {
                etcd: Etcd::External,
                nodes: [
                    large().nodes,
                    vec![
                        Node::new("e1", "10.0.0.31", Role::Etcd),
                        Node::new("e2", "10.0.0.32", Role::Etcd),
                    ],
                ]
                .concat(),
                ..large()
            },
            &[Edit::NotGiven("e2")],
            ("", ""),
            &["10.0.0.32"],
        ),
    ]
}

fn of_other_trees_and_hostile_ones() -> Vec<Shape> {
    let tls = "var/lib/rancher/k3s/server/tls/server-ca.crt";
    let rke2 = "var/lib/rancher/rke2/server/tls/server-ca.crt";
    vec![
        Shape::refused(
            "k3s",
            small(),
            &[
                Edit::Clear("cp1"),
                Edit::Put("cp1", tls, 0o644, "x"),
                Edit::Put("cp1", "etc/rancher/k3s/k3s.yaml", 0o600, "apiVersion: v1\n"),
            ],
            ("cp1", ""),
            &["not taken over yet", "k3s"],
        ),
        Shape::refused(
            "rke2",
            small(),
            &[
                Edit::Clear("cp1"),
                Edit::Put("cp1", rke2, 0o644, "x"),
                Edit::Put("cp1", "etc/rancher/rke2/rke2.yaml", 0o600, "apiVersion: v1\n"),
            ],
            ("cp1", ""),
            &["not taken over yet", "RKE2"],
        ),
        Shape::refused(
            "a CA that is a link out of the tree",
            small(),
            &[Edit::Remove("cp1", CA), Edit::Link("cp1", CA, "../../../../../../etc/hostname")],
            ("cp1", "/etc/kubernetes/pki/ca.crt"),
            &[],
        ),
        Shape::refused(
            "a certificate behind a link: kpki install would not follow it",
            small(),
            &[Edit::Linked {
                node: "cp1",
                path: "etc/kubernetes/pki/apiserver.crt",
                real: "etc/kubernetes/pki/2026/apiserver.crt",
                text: "2026/apiserver.crt",
            }],
            ("cp1", "/etc/kubernetes/pki/apiserver.crt"),
            &["link"],
        ),
        Shape::refused(
            "a CA that is a link to itself",
            small(),
            &[Edit::Remove("cp1", CA), Edit::Link("cp1", CA, "ca.crt")],
            ("cp1", "/etc/kubernetes/pki/ca.crt"),
            &[],
        ),
        Shape::refused(
            "a certificate behind a link",
            small(),
            &[Edit::Linked {
                node: "cp1",
                path: "etc/kubernetes/pki/apiserver.crt",
                real: "etc/kubernetes/pki/2026/apiserver.crt",
                text: "2026/apiserver.crt",
            }],
            ("cp1", "/etc/kubernetes/pki/apiserver.crt"),
            &["link", "install"],
        ),
        Shape::refused(
            "a pipe in the place of a CA",
            small(),
            &[Edit::Fifo("cp1", CA)],
            ("cp1", "/etc/kubernetes/pki/ca.crt"),
            &[],
        ),
    ]
}

#[test]
fn nodes_that_differ() {
    prove_all(&of_nodes_that_differ());
}

#[test]
fn broken_files() {
    prove_all(&of_broken_files());
}

#[test]
fn missing_files() {
    prove_all(&of_missing_files());
}

#[test]
fn other_trees_and_hostile_ones() {
    prove_all(&of_other_trees_and_hostile_ones());
}
