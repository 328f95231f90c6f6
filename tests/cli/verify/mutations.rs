//! One mistake a row, made in a tree that is right: exactly the finding of that mistake appears.

use std::collections::BTreeSet;

use super::tree::{
    APISERVER, APISERVER_NAMES, AUTHORITY_EXTENSIONS, BOTH, CLIENT, ETCD_CLIENT, ETCD_PEER,
    ETCD_SERVER, FRONT_PROXY_CLIENT, Form, HEALTHCHECK, KUBEADM, KUBELET_CLIENT, Leaf, SERVER,
    SERVER_URL, STRICT, Tree, ids, verify,
};
use crate::testkit::kpki;
use crate::testkit::made::{DAY, KEY_CERT_SIGN, Made};

const API: &str = "manifests/kube-apiserver.yaml";
const SCHEDULER: &str = "manifests/kube-scheduler.yaml";
const ETCD: &str = "manifests/etcd.yaml";
const CM: &str = "manifests/kube-controller-manager.yaml";

fn signed_by(leaf: Leaf, ca: &'static str) -> Leaf {
    (leaf.0, ca, leaf.2, leaf.3, leaf.4)
}

fn with(leaf: Leaf, subject: &'static str, usages: &'static str, names: &'static str) -> Leaf {
    (leaf.0, leaf.1, subject, usages, names)
}

fn scheduler(tree: &Tree, subject: &str) {
    tree.config("scheduler", "pki/ca", "pki/ca", subject, SERVER_URL, STRICT);
}

fn admin(tree: &Tree, ca: &str, signer: &str, server: &str) {
    let subject = "/O=kubeadm:cluster-admins/CN=kubernetes-admin";
    tree.config("admin", ca, signer, subject, server, STRICT);
}

/// The cluster's CA in the place of another one, and all that the other one signed anew.
fn share(tree: &Tree, stem: &'static str, leaves: &[Leaf]) {
    tree.copy("pki/ca.crt", &format!("{stem}.crt"));
    tree.copy("pki/ca.key", &format!("{stem}.key"));
    for leaf in leaves {
        tree.leaf(*leaf, STRICT);
    }
}

const EXTRA: Leaf = ("extra", "pki/ca", "/CN=extra", CLIENT, "");

/// In no place of kubeadm's.
fn extra(tree: &Tree, subject: &'static str, usages: &'static str, names: &'static str) {
    tree.key("extra");
    tree.leaf(with(EXTRA, subject, usages, names), STRICT);
    tree.remove(&["extra.key"]);
}

/// Signed by the CA `other`, which is not here.
fn stranger(tree: &Tree, subject: &str, leaf: Leaf) {
    tree.key("other");
    if leaf.0 == EXTRA.0 {
        tree.key("extra");
    }
    tree.authority("other", subject, AUTHORITY_EXTENSIONS);
    tree.leaf(leaf, STRICT);
    tree.remove(&["other.crt", "other.key"]);
}

/// The cluster's CA anew, with its key and name.
fn authority_with(tree: &Tree, extension: &str) {
    let extensions = format!("{AUTHORITY_EXTENSIONS}\n{extension}");
    tree.authority("pki/ca", "/CN=kubernetes", &extensions);
}

/// An intermediate CA between, which stands in the API server's file.
fn below(tree: &Tree, extensions: &str) {
    tree.key("between");
    tree.intermediate("between", "pki/ca", "/CN=between", extensions);
    tree.leaf(signed_by(APISERVER, "between"), STRICT);
    tree.put(
        "pki/apiserver.crt",
        tree.read("pki/apiserver.crt") + &tree.read("between.crt"),
        0o644,
    );
    tree.remove(&["between.crt", "between.key"]);
}

fn without_mount(tree: &Tree) {
    let text = tree.read(API);
    let mount =
        "    - mountPath: /etc/kubernetes/pki\n      name: k8s-certs\n      readOnly: true\n";
    assert!(text.contains(mount), "{text}");
    tree.put(API, text.replace(mount, ""), 0o600);
}

type Mutation = fn(&Tree);

/// Id, the file that must be named, the mistake.
#[rustfmt::skip] // one mistake, one row
const MUTATIONS: &[(&str, &str, Mutation)] = &[
    ("unreadable-certificate", "pki/etcd/healthcheck-client.crt", |t| {
        let text = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
        t.put("pki/etcd/healthcheck-client.crt", text, 0o644);
    }),
    ("unreadable-certificate", "pki/etcd/healthcheck-client.crt", |t| {
        t.0.openssl("x509 -in kubernetes/pki/etcd/healthcheck-client.crt -outform DER -out der");
        t.put("pki/etcd/healthcheck-client.crt", t.0.read("der"), 0o644);
    }),
    ("unreadable-key", "pki/apiserver.key", |t| {
        t.0.openssl("pkey -in kubernetes/pki/apiserver.key -aes128 -passout pass:lab -out locked");
        t.put("pki/apiserver.key", t.0.read("locked"), 0o600);
    }),
    ("unreadable-key", "pki/sa.key", |t| t.put("pki/sa.key", "", 0o600)),
    ("unreadable-kubeconfig", "admin.conf", |t| t.edit("admin.conf", "current-context: ", "current-context: other-")),
    ("kubeconfig-missing-file", "admin.conf", |t| t.edit("admin.conf", "client-certificate-data: ", "client-certificate: admin.crt\n    x: ")),
    ("wrong-content", "pki/apiserver-etcd-client.crt", |t| {
        t.put("pki/apiserver-etcd-client.crt", t.read("pki/sa.pub"), 0o644);
    }),
    ("unreadable-manifest", "manifests/extra.yaml", |t| t.put("manifests/extra.yaml", "apiVersion: v1\nkind: ConfigMap\n", 0o600)),
    ("secret-readable-by-others", "pki/ca.key", |t| t.mode("pki/ca.key", 0o604)),
    ("secret-readable-by-others", "admin.conf", |t| t.mode("admin.conf", 0o644)),
    ("secret-readable-by-group", "pki/ca.key", |t| t.mode("pki/ca.key", 0o640)),
    ("writable-by-others", "pki/ca.crt", |t| t.mode("pki/ca.crt", 0o646)),
    ("folder-writable-by-others", "manifests", |t| t.mode("manifests", 0o707)),
    ("folder-writable-by-others", ".", |t| t.mode("", 0o1777)),
    ("folder-writable-by-group", "pki/etcd", |t| t.mode("pki/etcd", 0o775)),
    ("folder-of-another-user", "pki", |t| std::os::unix::fs::chown(t.path("pki"), Some(65534), None).unwrap()),
    ("key-mismatch", "pki/apiserver.key", |t| t.key("pki/apiserver")),
    ("key-mismatch", "pki/sa.key", |t| t.key("pki/sa")),
    ("key-mismatch", "admin.conf", |t| {
        let key = t.read("scheduler.conf").lines().last().unwrap().to_owned();
        let old = t.read("admin.conf").lines().last().unwrap().to_owned();
        t.edit("admin.conf", &old, &key);
    }),
    ("key-mismatch", API, |t| t.edit(API, "--etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key", "--etcd-keyfile=/etc/kubernetes/pki/apiserver.key")),
    ("key-in-two-roles", "pki/apiserver-kubelet-client.crt", |t| {
        t.copy("pki/apiserver-kubelet-client.key", "pki/apiserver-etcd-client.key");
        t.leaf(ETCD_CLIENT, STRICT);
    }),
    ("stray-manifest", "manifests/kube-apiserver.yaml.bak", |t| t.copy(API, "manifests/kube-apiserver.yaml.bak")),
    ("stray-manifest", "manifests/notes", |t| t.put("manifests/notes", "to do\n", 0o600)),
    ("duplicate-pod", API, |t| t.copy(API, "manifests/kube-apiserver-1.35.yaml")),
    ("outlives-ca", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { days: 5000, ..STRICT })),
    ("weak-key", "pki/apiserver.crt", |t| {
        t.0.openssl("genrsa -out kubernetes/pki/apiserver.key 1024");
        t.leaf(APISERVER, KUBEADM);
    }),
    ("tls-key-kind", "pki/etcd/peer.crt", |t| {
        t.key_by(ETCD_PEER.0, "ecparam -name secp224r1 -genkey -noout");
        t.leaf(ETCD_PEER, STRICT);
    }),
    ("weak-signature", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { signing: "-sha1", ..STRICT })),
    // Of the same name: the signature tells.
    ("unknown-issuer", "extra.crt", |t| {
        stranger(t, "/CN=kubernetes", signed_by(EXTRA, "other"));
        t.remove(&["extra.key"]);
    }),
    ("issuer-not-here", "extra.crt", |t| {
        stranger(t, "/CN=other", signed_by(EXTRA, "other"));
        t.remove(&["extra.key"]);
    }),
    ("wrong-ca", "pki/etcd/healthcheck-client.crt", |t| stranger(t, "/CN=other", signed_by(HEALTHCHECK, "other"))),
    ("wrong-ca", "pki/apiserver.crt", |t| stranger(t, "/CN=kubernetes", signed_by(APISERVER, "other"))),
    ("renamed-ca", "pki/ca.crt", |t| t.authority_in("pkix", "pki/ca", "/CN=kubernetes", AUTHORITY_EXTENSIONS)),
    ("renamed-ca", "pki/ca.crt", |t| t.authority("pki/ca", "/CN=kubernetes-ca", AUTHORITY_EXTENSIONS)),
    ("ca-usage", "pki/ca.crt", |t| authority_with(t, "extendedKeyUsage=serverAuth")),
    ("name-constraint", "pki/apiserver.crt", |t| authority_with(t, "nameConstraints=critical,permitted;DNS:acme.internal")),
    ("critical-extension", "pki/ca.crt", |t| authority_with(t, "1.3.6.1.4.1.57697.9=critical,DER:0500")),
    ("critical-extension", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { more: "1.3.6.1.4.1.57697.9=critical,DER:0500", ..STRICT })),
    ("unreadable-certificate", "pki/ca.crt", |t| t.authority("pki/ca", "/CN=kubernetes", &AUTHORITY_EXTENSIONS.replace("hash", "critical,hash"))),
    ("unreadable-certificate", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { signing: "-sha256 -set_serial -7", ..STRICT })),
    ("unreadable-certificate", "pki/apiserver.crt", |t| {
        t.key_by(APISERVER.0, "ecparam -name secp256k1 -genkey -noout");
        t.leaf(APISERVER, STRICT);
    }),
    ("path-length", "pki/ca.crt", |t| {
        t.authority("pki/ca", "/CN=kubernetes", &AUTHORITY_EXTENSIONS.replace("CA:TRUE", "CA:TRUE,pathlen:0"));
        below(t, AUTHORITY_EXTENSIONS);
    }),
    ("refused-chain", "pki/apiserver.crt", |t| below(t, &format!("{AUTHORITY_EXTENSIONS}\npolicyConstraints=critical,requireExplicitPolicy:0"))),
    ("ca-no-key-usage", "pki/ca.crt", |t| t.authority("pki/ca", "/CN=kubernetes", "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash")),
    ("intermediate-anchor", "pki/ca.crt", |t| {
        t.key("root");
        t.authority("root", "/CN=company", AUTHORITY_EXTENSIONS);
        t.intermediate("pki/ca", "root", "/CN=kubernetes", AUTHORITY_EXTENSIONS);
        t.remove(&["root.crt", "root.key"]);
    }),
    ("expired-in-bundle", "pki/front-proxy-ca.crt", |t| {
        t.key("old");
        t.authority("old", "/CN=front-proxy-ca", AUTHORITY_EXTENSIONS);
        t.0.put("old.conf", AUTHORITY_EXTENSIONS);
        t.0.openssl("x509 -x509toreq -in kubernetes/old.crt -signkey kubernetes/old.key -out leaf.csr");
        t.0.openssl("x509 -req -in leaf.csr -signkey kubernetes/old.key -days -1 -extfile old.conf -out kubernetes/old.crt");
        t.put("pki/front-proxy-ca.crt", t.read("old.crt") + &t.read("pki/front-proxy-ca.crt"), 0o644);
        t.remove(&["old.crt", "old.key"]);
    }),
    ("not-yet-valid-in-bundle", "pki/front-proxy-ca.crt", |t| {
        let from = 3_000_000_000;
        let next = Made {
            from,
            until: from + 3650 * DAY,
            key_usage: Some(KEY_CERT_SIGN),
            subject_key_id: Some(vec![1; 20]),
            ..Made::ca("front-proxy-ca", 7)
        };
        let next = pem::encode(&pem::Pem::new("CERTIFICATE", next.self_signed()));
        t.put("pki/front-proxy-ca.crt", t.read("pki/front-proxy-ca.crt") + &next, 0o644);
    }),
    ("ca-cannot-sign", "pki/front-proxy-ca.crt", |t| t.authority("pki/front-proxy-ca", "/CN=front-proxy-ca",
        "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash")),
    ("ca-cannot-sign", "pki/front-proxy-ca.crt", |t| t.authority("pki/front-proxy-ca", "/CN=front-proxy-ca",
        "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash")),
    ("no-digital-signature", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { key_usage: "critical,keyAgreement", ..STRICT })),
    // The Kubernetes documentation's own csr.conf.
    ("rsa-no-digital-signature", "pki/apiserver.crt", |t| {
        t.key_by(APISERVER.0, "genrsa");
        t.leaf(APISERVER, Form { key_usage: "keyEncipherment,dataEncipherment", ..STRICT });
    }),
    ("doubled-prefix", "scheduler.conf", |t| scheduler(t, "/O=system:system:kube-scheduler/CN=system:kube-scheduler")),
    ("doubled-prefix", "scheduler.conf", |t| scheduler(t, "/CN=system:system:kube-scheduler")),
    ("serving-masters", "pki/apiserver.crt", |t| t.leaf(with(APISERVER, "/O=system:masters/CN=kube-apiserver", BOTH, APISERVER_NAMES), STRICT)),
    ("wrong-ca", "pki/apiserver-etcd-client.crt", |t| t.leaf(signed_by(ETCD_CLIENT, "pki/ca"), STRICT)),
    ("wrong-ca", "pki/etcd/server.crt", |t| t.leaf(signed_by(ETCD_SERVER, "pki/ca"), STRICT)),
    ("ca-reuse", "pki/front-proxy-ca.crt", |t| share(t, "pki/front-proxy-ca", &[FRONT_PROXY_CLIENT])),
    ("etcd-shares-ca", "pki/etcd/ca.crt", |t| share(t, "pki/etcd/ca", &[ETCD_SERVER, ETCD_PEER, ETCD_CLIENT, HEALTHCHECK])),
    ("leaf-is-ca", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { constraints: "critical,CA:TRUE", ..STRICT })),
    ("no-server-usage", "pki/apiserver.crt", |t| t.leaf(with(APISERVER, APISERVER.2, CLIENT, APISERVER_NAMES), STRICT)),
    ("no-client-usage", "pki/apiserver-kubelet-client.crt", |t| t.leaf(with(KUBELET_CLIENT, KUBELET_CLIENT.2, SERVER, ""), STRICT)),
    ("etcd-no-client-usage", "pki/etcd/peer.crt", |t| t.leaf(with(ETCD_PEER, ETCD_PEER.2, SERVER, ETCD_PEER.4), STRICT)),
    ("no-alternative-name", "pki/etcd/server.crt", |t| t.leaf(with(ETCD_SERVER, ETCD_SERVER.2, BOTH, ""), STRICT)),
    ("apiserver-names", "pki/apiserver.crt", |t| t.leaf(with(APISERVER, APISERVER.2, SERVER,
        "DNS:kubemaster,DNS:kubernetes,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:192.168.5.11"), STRICT)),
    ("apiserver-misspelt-name", "pki/apiserver.crt", |t| t.leaf(with(APISERVER, APISERVER.2, SERVER,
        "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,\
         DNS:kubernetes.svc.cluster.local,IP:10.96.0.1,IP:192.168.5.11"), STRICT)),
    ("service-address", "pki/apiserver.crt", |t| t.edit(API, "--service-cluster-ip-range=10.96.0.0/12", "--service-cluster-ip-range=10.32.0.0/16")),
    ("wrong-identity", "scheduler.conf", |t| scheduler(t, "/CN=kube-scheduler")),
    ("wrong-identity", "kubelet.conf", |t| t.config("kubelet", "pki/ca", "pki/ca", "/CN=system:node:kubemaster", SERVER_URL, STRICT)),
    ("wrong-identity", "extra.crt", |t| extra(t, "/CN=system:node:w9", CLIENT, "")),
    ("wrong-identity", "extra.crt", |t| extra(t, "/O=system:nodes/CN=w9", CLIENT, "")),
    ("wrong-identity", "kubelet.conf", |t| t.config("kubelet", "pki/ca", "pki/ca", "/O=system:nodes/CN=system:node:KubeMaster", SERVER_URL, STRICT)),
    ("component-masters", "scheduler.conf", |t| scheduler(t, "/O=system:masters/CN=system:kube-scheduler")),
    ("component-masters", "kubelet.conf", |t| t.config("kubelet", "pki/ca", "pki/ca", "/O=system:nodes/O=kubeadm:cluster-admins/CN=system:node:kubemaster", SERVER_URL, STRICT)),
    ("misspelt-identity", "extra.crt", |t| extra(t, "/O=system:master/CN=jane", CLIENT, "")),
    ("misspelt-identity", "admin.conf", |t| t.config("admin", "pki/ca", "pki/ca", "/O=system:masterss/CN=jane", SERVER_URL, STRICT)),
    ("no-server-usage", "extra.crt", |t| extra(t, "/CN=kube-apiserver", CLIENT, APISERVER_NAMES)),
    ("front-proxy-name", "pki/front-proxy-client.crt", |t| t.leaf(with(FRONT_PROXY_CLIENT, "/CN=aggregator", CLIENT, ""), STRICT)),
    ("service-account-key-kind", "pki/sa.key", |t| t.service_account("genpkey -algorithm ed25519")),
    ("service-account-key-kind", "pki/sa.key", |t| t.service_account("ecparam -name secp256k1 -genkey -noout")),
    ("service-account-key-kind", "pki/sa.key", |t| t.service_account("ecparam -name secp224r1 -genkey -noout")),
    ("kubeconfig-other-ca", "admin.conf", |t| admin(t, "pki/etcd/ca", "pki/ca", SERVER_URL)),
    ("kubeconfig-client-ca", "admin.conf", |t| admin(t, "pki/ca", "pki/etcd/ca", SERVER_URL)),
    ("kubeconfig-server-name", "admin.conf", |t| admin(t, "pki/ca", "pki/ca", "https://10.9.9.9:6443")),
    ("kubeconfig-server-name", "admin.conf", |t| t.edit("admin.conf", "    server:", "    tls-server-name: api.lab\n    server:")),
    ("kubeconfig-plain-http", "admin.conf", |t| admin(t, "pki/ca", "pki/ca", "http://192.168.5.11:8080")),
    ("kubeconfig-insecure", "admin.conf", |t| {
        t.edit("admin.conf", "certificate-authority-data: ", "insecure-skip-tls-verify: true #");
    }),
    ("kubeconfig-insecure", "admin.conf", |t| t.edit("admin.conf", "    server:", "    insecure-skip-tls-verify: true\n    server:")),
    ("kubeconfig-half-pair", "admin.conf", |t| t.edit("admin.conf", "client-key-data: ", "namespace: #")),
    ("kubeconfig-half-pair", "admin.conf", |t| t.edit("admin.conf", "client-certificate-data: ", "namespace: #")),
    ("kubeconfig-proxy", "admin.conf", |t| t.edit("admin.conf", "    server:", "    proxy-url: socks5://bastion:1080\n    server:")),
    // A worker has no API server to tell.
    ("kubeconfig-ca-differs", "admin.conf", |t| {
        for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            t.remove(&[&format!("manifests/{name}.yaml")]);
        }
        t.remove(&["pki/apiserver.crt", "pki/apiserver.key"]);
        admin(t, "pki/front-proxy-ca", "pki/ca", SERVER_URL);
    }),
    ("flag-missing-file", API, |t| std::fs::remove_file(t.path("pki/apiserver-etcd-client.crt")).unwrap()),
    ("flag-hidden-file", SCHEDULER, |t| t.edit(SCHEDULER, "--kubeconfig=/etc/kubernetes/scheduler.conf", "--kubeconfig=/etc/kubernetes/pki/scheduler.conf")),
    ("flag-hidden-file", API, without_mount),
    ("flag-missing-file", API, |t| t.edit(API, "    - --tls-cert-file", "    - --tls-sni-cert-key=/etc/kubernetes/pki/apiserver.crt,/etc/kubernetes/pki/sni.key:a\n    - --tls-cert-file")),
    ("flag-hidden-file", API, |t| t.edit(API, "    - --tls-cert-file", "    - --audit-policy-file=/etc/kubernetes/audit.yaml\n    - --tls-cert-file")),
    ("flag-conflict", API, |t| {
        t.put("pki/authz.yaml", "", 0o644);
        t.edit(API, "    - --authorization-mode", "    - --authorization-config=/etc/kubernetes/pki/authz.yaml\n    - --authorization-mode");
    }),
    ("flag-conflict", CM, |t| t.edit(CM, "    - --cluster-signing-cert-file",
        "    - --cluster-signing-kubelet-client-cert-file=/etc/kubernetes/pki/ca.crt\n    \
         - --cluster-signing-kubelet-client-key-file=/etc/kubernetes/pki/ca.key\n    - --cluster-signing-cert-file")),
    ("flag-incomplete", API, |t| t.edit(API, "    - --service-account-issuer=https://kubernetes.default.svc.cluster.local\n", "")),
    ("flag-incomplete", CM, |t| t.edit(CM, "    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key\n", "")),
    ("flag-other-ca", API, |t| t.edit(API, "--etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt", "--etcd-cafile=/etc/kubernetes/pki/ca.crt")),
    ("flag-other-ca", CM, |t| t.edit(CM, "--root-ca-file=/etc/kubernetes/pki/ca.crt", "--root-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt")),
    ("flag-network", API, |t| t.edit(API, "--service-cluster-ip-range=10.96.0.0/12", "--service-cluster-ip-range=10.96.0.0/12,10.43.0.0/16")),
    ("flag-network", CM, |t| t.edit(CM, "--cluster-cidr=10.244.0.0/16", "--cluster-cidr=10.100.0.0/16")),
    ("flag-url", API, |t| t.leaf(with(ETCD_SERVER, ETCD_SERVER.2, BOTH, "DNS:kubemaster,DNS:localhost,IP:192.168.5.11"), STRICT)),
    ("flag-url", ETCD, |t| t.leaf(with(ETCD_SERVER, ETCD_SERVER.2, BOTH, "DNS:kubemaster,IP:127.0.0.1"), STRICT)),
    ("flag-url", ETCD, |t| t.leaf(with(ETCD_PEER, ETCD_PEER.2, BOTH, "DNS:kubemaster,IP:127.0.0.1"), STRICT)),
    ("flag-url", API, |t| t.edit(API, "--etcd-servers=https://127.0.0.1:2379", "--etcd-servers=127.0.0.1:2379")),
    ("flag-address", API, |t| t.edit(API, "--advertise-address=192.168.5.11", "--advertise-address=192.168.5.12")),
    ("flag-address", ETCD, |t| t.edit(ETCD, "--initial-cluster=kubemaster=https://192.168.5.11:2380", "--initial-cluster=kubemaster=https://192.168.5.12:2380")),
    ("flag-address", ETCD, |t| t.edit(ETCD, "--name=kubemaster", "--name=other")),
    ("flag-address", ETCD, |t| t.edit(ETCD, "--listen-client-urls=", "--listen-client-urls=https://10.9.9.9:2379,")),
    ("flag-plain-http", ETCD, |t| t.edit(ETCD, "--listen-client-urls=", "--listen-client-urls=http://192.168.5.11:2378,")),
    ("flag-plain-http", API, |t| t.edit(API, "--etcd-servers=https:", "--etcd-servers=http:")),
    ("flag-weak", API, |t| t.edit(API, "--authorization-mode=Node,RBAC", "--authorization-mode=AlwaysAllow")),
    ("flag-weak", API, |t| t.edit(API, "    - --authorization-mode=Node,RBAC\n", "")),
    ("flag-weak", API, |t| t.edit(API, "    - --allow-privileged", "    - --insecure-port=8080\n    - --allow-privileged")),
    ("flag-weak", ETCD, |t| t.edit(ETCD, "    - --client-cert-auth=true", "    - --client-cert-auth=false")),
    ("flag-weak", ETCD, |t| t.edit(ETCD, "--peer-client-cert-auth=true", "--peer-client-cert-auth=false")),
    ("service-account-keys", API, |t| t.edit(API, "--service-account-key-file=/etc/kubernetes/pki/sa.pub", "--service-account-key-file=/etc/kubernetes/pki/ca.crt")),
    ("service-account-keys", CM, |t| {
        t.0.openssl("genrsa -out kubernetes/pki/tokens.key 2048");
        t.edit(CM, "--service-account-private-key-file=/etc/kubernetes/pki/sa.key", "--service-account-private-key-file=/etc/kubernetes/pki/tokens.key");
    }),
    ("key-mismatch", API, |t| t.edit(API, "    - --tls-cert-file", "    - --tls-sni-cert-key=/etc/kubernetes/pki/apiserver.crt,/etc/kubernetes/pki/sa.key:a\n    - --tls-cert-file")),
    ("key-out-of-reach", API, |t| {
        t.edit(API, "  securityContext:\n", "  securityContext:\n    runAsUser: 65534\n");
        std::os::unix::fs::chown(t.path("pki/apiserver.key"), Some(65534), None).unwrap();
    }),
    ("key-perhaps-out-of-reach", SCHEDULER, |t| t.edit(SCHEDULER, "  securityContext:\n", "  securityContext:\n    runAsNonRoot: true\n")),
    ("signing-bundle", CM, |t| {
        t.put("pki/bundle.crt", t.read("pki/ca.crt") + &t.read("pki/front-proxy-ca.crt"), 0o644);
        t.edit(CM, "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt", "--cluster-signing-cert-file=/etc/kubernetes/pki/bundle.crt");
    }),
    ("missing-counterpart", "pki/etcd/healthcheck-client.crt", |t| std::fs::remove_file(t.path("pki/etcd/healthcheck-client.key")).unwrap()),
    ("secret-of-another-user", "pki/sa.key", |t| std::os::unix::fs::chown(t.path("pki/sa.key"), Some(65534), None).unwrap()),
    ("unread-place", "pki/front-proxy-client.crt", |t| {
        let path = t.path("pki/front-proxy-client.crt");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/nowhere/client.crt", path).unwrap();
    }),
    ("unread", "pki/old.crt", |t| std::os::unix::fs::symlink("/nowhere/ca.crt", t.path("pki/old.crt")).unwrap()),
    ("unread", "pki/up.crt", |t| std::os::unix::fs::symlink("../../leaf.csr", t.path("pki/up.crt")).unwrap()),
    ("unread", "pki/huge.crt", |t| t.put("pki/huge.crt", vec![b' '; (1 << 20) + 1], 0o644)),
    ("unchecked-manifest", SCHEDULER, |t| t.edit(SCHEDULER, "    - kube-scheduler\n", "    - sh\n    - -c\n    - exec kube-scheduler\n")),
    ("ec-key-encipherment", "pki/apiserver.crt", |t| t.leaf(APISERVER, KUBEADM)),
    ("no-authority-key-id", "pki/apiserver.crt", |t| t.leaf(APISERVER, Form { authority_key_id: "none", ..STRICT })),
    ("no-subject-key-id", "pki/front-proxy-ca.crt", |t| t.authority("pki/front-proxy-ca", "/CN=front-proxy-ca",
        "keyUsage=critical,digitalSignature,keyCertSign\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none")),
    ("other-authority-key-id", "pki/front-proxy-client.crt", |t| t.authority("pki/front-proxy-ca", "/CN=front-proxy-ca",
        "keyUsage=critical,digitalSignature,keyCertSign\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=00112233445566778899")),
    ("serial-twice", "pki/apiserver.crt", |t| {
        for leaf in [APISERVER, KUBELET_CLIENT] {
            t.leaf(leaf, Form { signing: "-sha256 -set_serial 7", ..STRICT });
        }
    }),
];

/// Rules that a test of its own makes the mistake for.
const ELSEWHERE: [&str; 2] = ["issuer-not-searched", "flag-file-elsewhere"];

/// Seen from another day: id, days from today.
const DAYS: [(&str, i64); 3] = [("expired", 500), ("not-yet-valid", -500), ("expires-soon", 350)];

fn day(days: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(now.as_secs()).unwrap() + days * 86_400;
    kpki::time::Timestamp::from_unix(seconds).date()
}

#[test]
fn a_right_tree_has_no_finding() {
    let (report, code) = verify(&Tree::right().folder(), &[]);
    assert_eq!((ids(&report), code), (vec![], 0), "{report:#}");
    // Nothing was passed by: what OpenSSL made is what was looked at.
    for (what, count) in [("certificates", 10), ("keys", 11), ("kubeconfigs", 5), ("manifests", 4)]
    {
        assert_eq!(report[what], count, "{what}");
    }
}

#[test]
fn each_mistake_has_exactly_its_finding() {
    let mut wrong = Vec::new();
    for (id, path, mutate) in MUTATIONS {
        let tree = Tree::right();
        // Only root can give anything away.
        tree.0.put("mine", "");
        if (id.ends_with("-of-another-user") || *id == "key-out-of-reach")
            && std::os::unix::fs::chown(tree.0.path("mine"), Some(65534), None).is_err()
        {
            continue;
        }
        if *id == "key-out-of-reach" {
            std::os::unix::fs::chown(tree.path("pki"), Some(owner_of(&tree.folder())), None)
                .unwrap();
        }
        mutate(&tree);
        let (report, code) = verify(&tree.folder(), &[]);
        let found = ids(&report);
        let findings = report["findings"].as_array().unwrap();
        let is_error = findings.iter().any(|finding| finding["severity"] == "error");
        if found != [*id] {
            wrong.push(format!("{id}: {findings:#?}"));
        } else if !findings.iter().any(|finding| finding["path"] == *path) {
            wrong.push(format!("{id} not at {path}: {findings:#?}"));
        }
        assert_eq!(code, if is_error { 2 } else { 0 }, "{id}");
        holds_no_secret(&tree, &report.to_string());
    }
    for (id, days) in DAYS {
        let (report, _) = verify(&Tree::right().folder(), &["--now", &day(days)]);
        if ids(&report) != [id] {
            wrong.push(format!("{id}: {report:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn owner_of(path: &std::path::Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap())
}

/// A key that signs is one of those that verify, in whatever form: all of them count.
#[test]
fn tokens_are_verified_by_any_of_the_keys() {
    let tree = Tree::right();
    let old = "    - --service-account-key-file=/etc/kubernetes/pki/sa.pub\n";
    let named =
        |file: &str| format!("    - --service-account-key-file=/etc/kubernetes/pki/{file}\n");
    // A certificate over the key, and the private key itself, as `keyutil.PublicKeysFromFile` reads them.
    tree.authority("pki/sa", "/CN=sa", AUTHORITY_EXTENSIONS);
    for keys in [named("ca.crt") + old, old.to_owned() + &named("ca.crt"), named("sa.key")] {
        let tree = Tree::right();
        tree.edit(API, old, &keys);
        assert_eq!(ids(&verify(&tree.folder(), &[]).0), [""; 0], "{keys}");
    }
    tree.edit(API, old, &named("sa.crt"));
    let (report, _) = verify(&tree.folder(), &[]);
    assert!(!ids(&report).contains(&"service-account-keys".to_owned()), "{report:#}");
}

/// What the kubelet puts in the place of a variable is not known, and the address of a member elsewhere
/// neither.
#[test]
fn what_is_not_known_is_left_in_peace() {
    let tree = Tree::right();
    let address = "    env:\n    - name: POD_IP\n      valueFrom:\n        fieldRef:\n          fieldPath: \
                   status.podIP\n    image:";
    tree.edit(API, "    image:", address);
    tree.edit(API, "--advertise-address=192.168.5.11", "--advertise-address=$(POD_IP)");
    tree.edit(
        API,
        "--etcd-servers=https://127.0.0.1:2379",
        "--etcd-servers=https://10.0.0.31:2379",
    );
    tree.edit(ETCD, "    image:", address);
    tree.edit(ETCD, "=https://192.168.5.11:2380\n", "=https://$(POD_IP):2380\n");
    assert_eq!(ids(&verify(&tree.folder(), &[]).0), [""; 0]);
}

/// No line of any key file is in what was printed.
fn holds_no_secret(tree: &Tree, printed: &str) {
    let mut keys = 0;
    for folder in ["pki", "pki/etcd"] {
        for entry in std::fs::read_dir(tree.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "key") {
                keys += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines().filter(|line| !line.starts_with("--")) {
                    assert!(!printed.contains(line), "{}", path.display());
                }
            }
        }
    }
    assert!(keys > 9, "{keys} keys");
}

#[test]
fn every_rule_has_a_mistake_here_and_an_explanation() {
    let tried: BTreeSet<&str> = (MUTATIONS.iter().map(|(id, ..)| *id))
        .chain(DAYS.map(|(id, _)| id))
        .chain(ELSEWHERE)
        .collect();
    let known: BTreeSet<&str> = kpki::lint::RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(tried, known);
    let kpki = || kpki(std::path::Path::new("."));
    let all = kpki().arg("explain").output().unwrap();
    let all = String::from_utf8(all.stdout).unwrap();
    for id in known {
        assert!(all.lines().any(|line| line.split(' ').next() == Some(id)), "{id}");
        let one = kpki().args(["explain", id]).env("COLUMNS", "80").output().unwrap();
        let one = String::from_utf8(one.stdout).unwrap();
        assert!(one.starts_with(id), "{one}");
        for word in ["\nwhy ", "\nfix ", "\nsource "] {
            assert!(one.contains(word), "{one}");
        }
        assert!(one.lines().all(|line| line.chars().count() <= 80), "{one}");
    }
    let unknown = kpki().args(["explain", "expird"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("did you mean expired?"));
}
