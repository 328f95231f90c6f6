//! kubeadm's `certificatesDir`: certificates in another folder than /etc/kubernetes/pki.

use super::proof::prove_all;
use super::shape::{Edit, Shape};
use crate::testkit::kubeadm::{Cluster, Etcd, Node, Role};

const SSL: &str = "/etc/kubernetes/ssl";

fn in_dir(certificates_dir: &'static str) -> Cluster {
    Cluster { certificates_dir, ..Cluster::large() }
}

#[test]
fn certificates_in_another_folder_are_taken_over_where_they_are() {
    const LINE: &str = "certificates-dir \"/etc/kubernetes/ssl\"";
    let mut external = Cluster { etcd: Etcd::External, ..in_dir(SSL) };
    external.nodes.push(Node::new("e1", "10.0.0.31", Role::Etcd));
    let config = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n\
        certificatesDir: /etc/kubernetes/pki\ncontrolPlaneEndpoint: k8s.corp.example:6443\n";
    let join = "etc/kubernetes/pki/ca.crt";
    prove_all(&[
        Shape::adopted("another folder in /etc/kubernetes", in_dir(SSL)).says(&[LINE]),
        Shape::adopted("external etcd, too", external).says(&[LINE]),
        Shape::adopted("a folder outside of /etc/kubernetes", in_dir("/etc/ssl/kubernetes"))
            .says(&["certificates-dir \"/etc/ssl/kubernetes\""]),
        Shape::adopted("kubeadm's record says another one", in_dir(SSL)).config(config).says(&[
            LINE,
            "certificatesDir is /etc/kubernetes/pki (",
            "kubeadm.yaml:4)",
        ]),
        // kubeadm join writes it to caCertPath, whatever certificatesDir is (cmd/phases/join/kubelet.go).
        Shape::adopted("what kubeadm join leaves in its usual folder", in_dir(SSL))
            .with(
                &["cp2", "cp3", "w1"]
                    .map(|node| Edit::Copy(node, "etc/kubernetes/ssl/ca.crt", join)),
            )
            .says(&[LINE, "/etc/kubernetes/pki/ca.crt a certificate that nothing described uses"]),
        // As Kubespray has it, for tools that look there.
        Shape::adopted("a link in the usual place", in_dir(SSL))
            .with(&["cp1", "cp2", "cp3"].map(|node| Edit::Link(node, "etc/kubernetes/pki", "ssl")))
            .says(&[LINE]),
    ]);
}

#[test]
fn nodes_with_different_folders_are_refused() {
    let moved = |path| Edit::Replace("cp2", path, "/etc/kubernetes/pki", SSL);
    prove_all(&[
        Shape::refused(
            "one control-plane node has another folder",
            Cluster::large(),
            &[
                moved("etc/kubernetes/manifests/etcd.yaml"),
                moved("etc/kubernetes/manifests/kube-apiserver.yaml"),
                moved("etc/kubernetes/manifests/kube-controller-manager.yaml"),
            ],
            ("cp2", ""),
            &["certificates in /etc/kubernetes/ssl, and cp1, cp3 in /etc/kubernetes/pki"],
        ),
        Shape::refused(
            "a worker has another folder",
            Cluster::large(),
            &[
                Edit::Copy("w1", "etc/kubernetes/pki/ca.crt", "etc/kubernetes/ssl/ca.crt"),
                Edit::Remove("w1", "etc/kubernetes/pki/ca.crt"),
                Edit::Replace("w1", "var/lib/kubelet/config.yaml", "/etc/kubernetes/pki", SSL),
            ],
            ("w1", ""),
            &["certificates in /etc/kubernetes/ssl, and cp1, cp2, cp3 in /etc/kubernetes/pki"],
        ),
        // etcd's data folder is nobody's place for certificates.
        Shape::refused(
            "a folder that has another owner",
            in_dir("/var/lib/etcd/pki"),
            &[],
            ("", ""),
            &["no node has /etc/kubernetes/pki/ca.crt"],
        ),
    ]);
}
