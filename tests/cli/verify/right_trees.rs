//! Trees that work, each in a way of its own: no error may be found in them.

use base64::Engine as _;

use super::tree::{
    APISERVER, APISERVER_NAMES, AUTHORITIES, AUTHORITY_EXTENSIONS, BOTH, CLIENT, CONFIGS,
    ETCD_CLIENT, ETCD_PEER, ETCD_SERVER, FRONT_PROXY_CLIENT, Form, HEALTHCHECK, KUBELET_CLIENT,
    Leaf, SERVER, SERVER_URL, STRICT, Tree, ids, verify,
};

const ALL: [Leaf; 7] = [
    APISERVER,
    KUBELET_CLIENT,
    ETCD_CLIENT,
    FRONT_PROXY_CLIENT,
    ETCD_SERVER,
    ETCD_PEER,
    HEALTHCHECK,
];

fn found(tree: &Tree, folder: &str) -> (Vec<String>, i32) {
    let (report, code) = verify(&tree.path(folder), &[]);
    (ids(&report), code)
}

fn nothing() -> (Vec<String>, i32) {
    (Vec::new(), 0)
}

fn warning(id: &str) -> (Vec<String>, i32) {
    (vec![id.to_owned()], 0)
}

/// All that the cluster's CA signed, anew.
fn reissue(tree: &Tree, ca: &'static str) {
    for (stem, _, subject, usages, names) in [APISERVER, KUBELET_CLIENT] {
        tree.leaf((stem, ca, subject, usages, names), STRICT);
    }
    for (name, subject) in CONFIGS {
        tree.config(name, "pki/ca", ca, subject, SERVER_URL, STRICT);
    }
}

/// Kubernetes documentation, Generate Certificates Manually, openssl: a CA without key usage.
#[test]
fn the_documentations_own_recipe_for_a_ca() {
    let tree = Tree::empty();
    tree.key_by("ca", "genrsa");
    tree.0.openssl("req -x509 -new -nodes -key kubernetes/ca.key -subj /CN=10.0.0.11 -days 10000 -out kubernetes/ca.crt");
    tree.key_by("server", "genrsa");
    let form = Form { key_usage: "keyEncipherment,dataEncipherment", ..STRICT };
    tree.leaf(("server", "ca", "/CN=10.0.0.11", BOTH, APISERVER_NAMES), form);
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!(ids(&report), ["ca-no-key-usage", "rsa-no-digital-signature"], "{report:#}");
    assert_eq!(code, 0);
}

/// A company's root is offline; what it signed is the cluster's CA.
#[test]
fn an_intermediate_is_the_clusters_ca() {
    let tree = Tree::right();
    tree.key("root");
    tree.authority("root", "/CN=company", AUTHORITY_EXTENSIONS);
    tree.intermediate("pki/ca", "root", "/CN=kubernetes", AUTHORITY_EXTENSIONS);
    reissue(&tree, "pki/ca");
    let root = tree.read("root.crt");
    tree.remove(&["root.crt", "root.key"]);
    assert_eq!(found(&tree, ""), warning("intermediate-anchor"));
    // With its root behind it clients with OpenSSL find what they look for.
    tree.put("pki/signer.crt", tree.read("pki/ca.crt"), 0o644);
    tree.put("pki/ca.crt", tree.read("pki/ca.crt") + &root, 0o644);
    let flag = "--cluster-signing-cert-file=/etc/kubernetes/pki/";
    let manifest = "manifests/kube-controller-manager.yaml";
    tree.edit(manifest, &format!("{flag}ca.crt"), &format!("{flag}signer.crt"));
    assert_eq!(found(&tree, ""), nothing());
}

/// kubeadm#1723, k/k#97266: the root in the bundles, the intermediate in each leaf's file.
#[test]
fn intermediates_stand_in_the_leaves_own_files() {
    let tree = Tree::right();
    for (stem, name) in AUTHORITIES {
        let below: &'static str = Box::leak(format!("{stem}-below").into_boxed_str());
        tree.key(below);
        tree.intermediate(below, stem, &format!("/CN={name}-below"), AUTHORITY_EXTENSIONS);
        for (leaf, ca, subject, usages, names) in ALL {
            if ca == stem {
                tree.leaf((leaf, below, subject, usages, names), STRICT);
                let file = format!("{leaf}.crt");
                tree.put(&file, tree.read(&file) + &tree.read(&format!("{below}.crt")), 0o644);
            }
        }
        tree.remove(&[&format!("{below}.crt"), &format!("{below}.key")]);
    }
    assert_eq!(found(&tree, ""), nothing());
}

/// RSA everywhere, as kubeadm makes it.
#[test]
fn rsa_keys() {
    let tree = Tree::right();
    for (stem, name) in AUTHORITIES {
        tree.key_by(stem, "genrsa");
        tree.authority(stem, &format!("/CN={name}"), AUTHORITY_EXTENSIONS);
    }
    let form = Form { key_usage: "critical,digitalSignature,keyEncipherment", ..STRICT };
    for leaf in ALL {
        tree.key_by(leaf.0, "genrsa");
        tree.leaf(leaf, form);
    }
    for (name, subject) in CONFIGS {
        tree.config(name, "pki/ca", "pki/ca", subject, SERVER_URL, STRICT);
    }
    assert_eq!(found(&tree, ""), nothing());
}

/// k3s and RKE2 (k3s#1768): servers and clients have a CA of their own each.
#[test]
fn servers_and_clients_of_different_cas() {
    let tree = Tree::empty();
    for stem in ["server-ca", "client-ca"] {
        tree.key(stem);
        tree.authority(stem, &format!("/CN=k3s-{stem}"), AUTHORITY_EXTENSIONS);
    }
    let serving = "serving-kube-apiserver";
    tree.key(serving);
    tree.leaf((serving, "server-ca", "/CN=kube-apiserver", SERVER, APISERVER_NAMES), STRICT);
    let admin = "/O=system:masters/CN=system:admin";
    tree.config("k3s", "server-ca", "client-ca", admin, SERVER_URL, STRICT);
    assert_eq!(found(&tree, ""), nothing());
}

/// The same in kubeadm's layout, where a flag says whose clients the API server takes.
#[test]
fn a_flag_tells_the_ca_of_clients() {
    let tree = Tree::right();
    tree.key("pki/client-ca");
    tree.authority("pki/client-ca", "/CN=clients", AUTHORITY_EXTENSIONS);
    for (name, subject) in CONFIGS {
        tree.config(name, "pki/ca", "pki/client-ca", subject, SERVER_URL, STRICT);
    }
    // The kubelet reads pki/ca.crt, which signed the API server's own client.
    let flag = "--client-ca-file=/etc/kubernetes/pki/";
    let manifest = "manifests/kube-apiserver.yaml";
    tree.edit(manifest, &format!("{flag}ca.crt"), &format!("{flag}client-ca.crt"));
    assert_eq!(found(&tree, ""), nothing());
    // By the serving CA is what the API server does not take now.
    tree.config("admin", "pki/ca", "pki/ca", CONFIGS[0].1, SERVER_URL, STRICT);
    assert_eq!(found(&tree, ""), (vec!["kubeconfig-client-ca".to_owned()], 2));
    // So it is for a kubeconfig that lies anywhere.
    tree.config("admin", "pki/ca", "pki/client-ca", CONFIGS[0].1, SERVER_URL, STRICT);
    assert_eq!(found(&tree, ""), nothing());
    tree.config("jane.kubeconfig", "pki/ca", "pki/client-ca", "/CN=jane", SERVER_URL, STRICT);
    assert_eq!(found(&tree, ""), nothing());
    tree.config("jane.kubeconfig", "pki/ca", "pki/etcd/ca", "/CN=jane", SERVER_URL, STRICT);
    assert_eq!(found(&tree, ""), (vec!["kubeconfig-client-ca".to_owned()], 2));
}

/// A company's certificate for people, told by SNI, and the cluster's own for all others.
#[test]
fn an_api_server_with_two_certificates() {
    let tree = Tree::right();
    tree.key("pki/company-ca");
    tree.authority("pki/company-ca", "/CN=company", AUTHORITY_EXTENSIONS);
    tree.key("pki/sni");
    let names = "DNS:kubernetes.default,DNS:kubernetes,DNS:kubernetes.default.svc,\
                 DNS:kubernetes.default.svc.cluster.local,DNS:api.lab";
    tree.leaf(("pki/sni", "pki/company-ca", "/CN=api.lab", SERVER, names), STRICT);
    let manifest = "manifests/kube-apiserver.yaml";
    let pki = "/etc/kubernetes/pki";
    tree.edit(
        manifest,
        "    - --tls-cert-file",
        &format!(
            "    - --tls-sni-cert-key={pki}/sni.crt,{pki}/sni.key:api.lab\n    - --tls-cert-file"
        ),
    );
    let admin = CONFIGS[0].1;
    tree.config("admin", "pki/company-ca", "pki/ca", admin, "https://api.lab:6443", STRICT);
    assert_eq!(found(&tree, ""), nothing());
    tree.config("admin", "pki/company-ca", "pki/ca", admin, SERVER_URL, STRICT);
    assert_eq!(found(&tree, ""), (vec!["kubeconfig-server-name".to_owned()], 2));
}

/// kubectl through a bastion: the address is another one, the name in the certificate is told.
#[test]
fn a_kubeconfig_that_tells_the_servers_name() {
    let tree = Tree::right();
    let admin = CONFIGS[0].1;
    tree.config("admin", "pki/ca", "pki/ca", admin, "HTTPS://bastion.lab:8443/k", STRICT);
    assert_eq!(found(&tree, ""), (vec!["kubeconfig-server-name".to_owned()], 2));
    tree.edit("admin.conf", "    server:", "    tls-server-name: kubernetes\n    server:");
    assert_eq!(found(&tree, ""), nothing());
}

/// A token beside a key that nothing uses: its client is who the token says.
#[test]
fn a_key_beside_a_token() {
    let tree = Tree::right();
    tree.edit("admin.conf", "client-certificate-data: ", "token: abc #");
    assert_eq!(found(&tree, ""), nothing());
}

/// A folder of a machine alone: its CA is elsewhere.
#[test]
fn a_kubelets_own_folder() {
    let later = std::time::SystemTime::now() + std::time::Duration::from_hours(240);
    let later = later.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let later = kpki::time::Timestamp::from_unix(i64::try_from(later).unwrap()).date();
    let tree = Tree::right();
    let name = "kubelet-client-2026-01-02-03-04-05.pem";
    tree.key("kubelet-client");
    tree.leaf(
        ("kubelet-client", "pki/ca", "/O=system:nodes/CN=system:node:w1", CLIENT, ""),
        STRICT,
    );
    let folder = tree.path("kubelet");
    std::fs::create_dir(&folder).unwrap();
    let pair = tree.read("kubelet-client.crt") + &tree.read("kubelet-client.key");
    tree.put(&format!("kubelet/{name}"), pair, 0o600);
    let old = Form { days: 1, ..STRICT };
    tree.leaf(("kubelet-client", "pki/ca", "/O=system:nodes/CN=system:node:w1", CLIENT, ""), old);
    let pair = tree.read("kubelet-client.crt") + &tree.read("kubelet-client.key");
    tree.put("kubelet/kubelet-client-2025-01-02-03-04-05.pem", pair, 0o600);
    // client-go's own links are absolute.
    for target in [name.to_owned(), format!("/var/lib/kubelet/pki/{name}")] {
        let link = folder.join("kubelet-client-current.pem");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let (report, code) = verify(&folder, &["--now", &later]);
        assert_eq!((ids(&report), code), warning("issuer-not-here"), "{target}: {report:#}");
        std::fs::remove_file(link).unwrap();
    }
}

/// Everything in one go with as many days: seconds apart is no later.
#[test]
fn leaves_as_old_as_their_ca() {
    let tree = Tree::right();
    tree.leaf(APISERVER, Form { days: 3650, ..STRICT });
    assert_eq!(found(&tree, ""), nothing());
    tree.leaf(APISERVER, Form { days: 3652, ..STRICT });
    assert_eq!(found(&tree, ""), warning("outlives-ca"));
}

/// A kubeconfig may trust a server's own certificate instead of a CA.
#[test]
fn a_pinned_certificate() {
    let tree = Tree::right();
    let data = |file: &str| base64::engine::general_purpose::STANDARD.encode(tree.read(file));
    let (ca, own) = (data("pki/ca.crt"), data("pki/apiserver.crt"));
    tree.edit("admin.conf", &ca, &own);
    assert_eq!(found(&tree, ""), nothing());
}

/// While the service-account key is rotated, sa.pub holds the other key as well, in front or behind.
#[test]
fn the_key_of_tokens_stands_anywhere_among_those_that_verify() {
    for is_first in [true, false] {
        let tree = Tree::right();
        let own = tree.read("pki/sa.pub");
        tree.key("pki/other");
        tree.0.openssl("pkey -in kubernetes/pki/other.key -pubout -out kubernetes/pki/other.pub");
        let other = tree.read("pki/other.pub");
        tree.remove(&["pki/other.key", "pki/other.pub"]);
        let all = if is_first { own + &other } else { other + &own };
        tree.put("pki/sa.pub", all, 0o600);
        assert_eq!(found(&tree, ""), nothing(), "{is_first}");
    }
}
