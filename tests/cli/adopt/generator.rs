//! The clusters that these tests make are kubeadm's: files, modes, certificates, kubeconfigs and manifests
//! are
//! held against what real runs left (`tests/kubeadm`).

use std::path::Path;

use crate::testkit::kubeadm::{Cluster, Keys, Kubelet, NodeTree, Role};
use crate::testkit::{printed, tool};

const VERSIONS: [&str; 4] = ["1.33.4", "1.34.2", "1.35.3", "1.36.2"];

/// The machine of `tests/kubeadm/facts.sh`, before its kubelet asked for a certificate of its own.
fn kubemaster(version: &'static str) -> Cluster {
    let mut cluster = Cluster { version, pod_subnet: "", ..Cluster::small() };
    cluster.nodes.truncate(1);
    let node = cluster.node("cp1");
    (node.name, node.address, node.kubelet) = ("kubemaster", "192.168.5.11", Kubelet::Embedded);
    cluster
}

fn tree(version: &'static str) -> NodeTree {
    kubemaster(version).trees().remove("kubemaster").unwrap()
}

#[test]
fn files_modes_certificates_and_kubeconfigs_are_those_of_real_runs() {
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        tree(version).write(folder.path());
        let kubernetes = folder.path().join("etc/kubernetes");
        let found = printed(tool("sh").arg("tests/kubeadm/facts.sh").arg(kubernetes));
        let path = format!("tests/kubeadm/{version}/facts.txt");
        let expected = std::fs::read_to_string(&path).unwrap();
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "{version}");
        }
        assert_eq!(found.lines().count(), expected.lines().count(), "{version}");
    }
}

#[test]
fn manifests_are_those_of_real_runs_byte_for_byte() {
    for version in VERSIONS {
        let tree = tree(version);
        for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            let path = format!("tests/kubeadm/{version}/manifests/{name}.yaml");
            let expected = std::fs::read_to_string(&path).unwrap();
            let found = tree.text(&format!("etc/kubernetes/manifests/{name}.yaml"));
            assert_eq!(found, expected, "{path}");
        }
    }
}

/// What OpenSSL thinks of the certificates that were put together by hand.
#[test]
fn openssl_accepts_every_chain() {
    for keys in [Keys::P256, Keys::Rsa2048] {
        let mut cluster = Cluster { keys, ..kubemaster("1.36.2") };
        cluster.nodes.retain(|node| node.role == Role::ControlPlane);
        let folder = tempfile::tempdir().unwrap();
        cluster.trees()["kubemaster"].write(folder.path());
        let pki = folder.path().join("etc/kubernetes/pki");
        for (authority, leaf) in [
            ("ca", "ca"),
            ("ca", "apiserver"),
            ("ca", "apiserver-kubelet-client"),
            ("etcd/ca", "apiserver-etcd-client"),
            ("etcd/ca", "etcd/server"),
            ("etcd/ca", "etcd/peer"),
            ("etcd/ca", "etcd/healthcheck-client"),
            ("front-proxy-ca", "front-proxy-client"),
        ] {
            let file = |stem: &str| pki.join(format!("{stem}.crt"));
            let verify = ["verify", "-x509_strict", "-CAfile"];
            printed(tool("openssl").args(verify).arg(file(authority)).arg(file(leaf)));
            let public = |more: &[&str], path: &Path| {
                printed(tool("openssl").args(more).args(["-in"]).arg(path))
            };
            let of_key = public(&["pkey", "-pubout"], &pki.join(format!("{leaf}.key")));
            let of_certificate = public(&["x509", "-noout", "-pubkey"], &file(leaf));
            assert_eq!(of_key, of_certificate, "{leaf}");
        }
    }
}
