//! Mistakes that were published and copied.

use super::tree::{
    APISERVER, APISERVER_NAMES, AUTHORITY_EXTENSIONS, BOTH, CLIENT, ETCD_PEER, ETCD_SERVER,
    FRONT_PROXY_CLIENT, Form, KUBEADM, SERVER, STRICT, Tree, ids, verify,
};

/// RSA, as the guide makes them.
fn flat(tree: &Tree, leaf: super::tree::Leaf) {
    tree.key_by(leaf.0, "genrsa");
    tree.leaf(leaf, RSA);
}

const RSA: Form = KUBEADM;

fn findings_at<'r>(report: &'r serde_json::Value, id: &str) -> Vec<&'r str> {
    (report["findings"].as_array().unwrap().iter())
        .filter(|finding| finding["id"] == id)
        .map(|finding| finding["path"].as_str().unwrap())
        .collect()
}

/// kubernetes-the-hard-way's ca.conf: one flat folder, no manifests. Alternative names and subjects as they
/// stand there.
#[test]
fn kubernetes_the_hard_way() {
    let tree = Tree::empty();
    tree.key_by("ca", "genrsa");
    tree.authority("ca", "/C=US/ST=Washington/L=Seattle/CN=CA", AUTHORITY_EXTENSIONS);
    let names = "IP:127.0.0.1,IP:10.32.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
                 DNS:kubernetes.default.svc.cluster,DNS:kubernetes.svc.cluster.local,DNS:server.kubernetes.local";
    flat(&tree, ("kube-api-server", "ca", "/CN=kubernetes/C=US", BOTH, names));
    flat(
        &tree,
        (
            "kube-scheduler",
            "ca",
            "/CN=system:kube-scheduler/O=system:system:kube-scheduler/C=US",
            BOTH,
            "DNS:kube-scheduler,IP:127.0.0.1",
        ),
    );
    flat(&tree, ("admin", "ca", "/CN=admin/O=system:masters", CLIENT, ""));
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!(code, 2);
    assert_eq!(ids(&report), ["doubled-prefix", "apiserver-misspelt-name"], "{report:#}");
    assert_eq!(findings_at(&report, "doubled-prefix"), ["kube-scheduler.crt"]);
    assert_eq!(findings_at(&report, "apiserver-misspelt-name"), ["kube-api-server.crt"]);
}

/// k0s until June 2026: the misspelt name instead of the right one, in a folder of its own
/// (/var/lib/k0s/pki).
#[test]
fn k0s() {
    let tree = Tree::empty();
    tree.key_by("pki/ca", "genrsa");
    tree.authority("pki/ca", "/CN=kubernetes-ca", AUTHORITY_EXTENSIONS);
    let names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.svc.cluster.local,\
                 DNS:localhost,IP:127.0.0.1,IP:10.96.0.1";
    flat(&tree, ("pki/server", "pki/ca", "/O=kubernetes/CN=kubernetes", BOTH, names));
    // The folder itself, and the one around it.
    for (folder, path) in [("pki", "server.crt"), ("", "pki/server.crt")] {
        let (report, code) = verify(&tree.path(folder), &[]);
        assert_eq!(code, 2);
        assert_eq!(ids(&report), ["apiserver-names", "apiserver-misspelt-name"], "{report:#}");
        assert_eq!(findings_at(&report, "apiserver-misspelt-name"), [path]);
    }
}

/// Typhoon: the API server's serving certificate is a client in system:masters.
#[test]
fn typhoon() {
    let tree = Tree::right();
    let (stem, ca, ..) = APISERVER;
    let subject = "/O=system:masters/CN=kube-apiserver";
    tree.leaf((stem, ca, subject, BOTH, APISERVER_NAMES), STRICT);
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec!["serving-masters".to_owned()], 2));
    // Only for serving, the organization has no power.
    tree.leaf((stem, ca, subject, SERVER, APISERVER_NAMES), STRICT);
    assert_eq!(ids(&verify(&tree.folder(), &[]).0), [""; 0]);
}

#[test]
fn etcd_without_client_authentication() {
    let tree = Tree::right();
    for (stem, ca, subject, _, names) in [ETCD_SERVER, ETCD_PEER] {
        tree.leaf((stem, ca, subject, SERVER, names), STRICT);
    }
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!(code, 2);
    assert_eq!(ids(&report), ["etcd-no-client-usage"]);
    assert_eq!(
        findings_at(&report, "etcd-no-client-usage"),
        ["pki/etcd/peer.crt", "pki/etcd/server.crt"]
    );
}

/// By file, and by flag.
#[test]
fn a_front_proxy_ca_that_is_the_cluster_ca() {
    let tree = Tree::right();
    let (stem, _, subject, usages, names) = FRONT_PROXY_CLIENT;
    tree.leaf((stem, "pki/ca", subject, usages, names), STRICT);
    let flag = "--requestheader-client-ca-file=/etc/kubernetes/pki/";
    for name in ["kube-apiserver", "kube-controller-manager"] {
        let manifest = format!("manifests/{name}.yaml");
        tree.edit(&manifest, &format!("{flag}front-proxy-ca.crt"), &format!("{flag}ca.crt"));
    }
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec!["ca-reuse".to_owned()], 2), "{report:#}");
    assert_eq!(findings_at(&report, "ca-reuse"), ["pki/ca.crt"]);
}
