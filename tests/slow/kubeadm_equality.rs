//! examples/minimal beside what `kubeadm init` v1.36.2 writes for the same machine.
//!
//! The tables were written from the file list and the certificates' text of a real run (node `kubemaster`,
//! 192.168.5.11, stacked etcd, `encryptionAlgorithm: ECDSA-P256`) and, for subjects and servers, from
//! "PKI certificates and requirements" in the Kubernetes documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::testkit::project::{Kubeconfig, Project, printed, tool};

const NODE: &str = "kubemaster";

/// kubeadm's /etc/kubernetes.
const FOLDERS: [(&str, u32); 4] =
    [("", 0o755), ("manifests", 0o700), ("pki", 0o755), ("pki/etcd", 0o755)];
const FILES: [(&str, u32); 33] = [
    ("admin.conf", 0o600),
    ("controller-manager.conf", 0o600),
    ("kubelet.conf", 0o600),
    ("manifests/etcd.yaml", 0o600),
    ("manifests/kube-apiserver.yaml", 0o600),
    ("manifests/kube-controller-manager.yaml", 0o600),
    ("manifests/kube-scheduler.yaml", 0o600),
    ("pki/apiserver-etcd-client.crt", 0o644),
    ("pki/apiserver-etcd-client.key", 0o600),
    ("pki/apiserver-kubelet-client.crt", 0o644),
    ("pki/apiserver-kubelet-client.key", 0o600),
    ("pki/apiserver.crt", 0o644),
    ("pki/apiserver.key", 0o600),
    ("pki/ca.crt", 0o644),
    ("pki/ca.key", 0o600),
    ("pki/etcd/ca.crt", 0o644),
    ("pki/etcd/ca.key", 0o600),
    ("pki/etcd/healthcheck-client.crt", 0o644),
    ("pki/etcd/healthcheck-client.key", 0o600),
    ("pki/etcd/peer.crt", 0o644),
    ("pki/etcd/peer.key", 0o600),
    ("pki/etcd/server.crt", 0o644),
    ("pki/etcd/server.key", 0o600),
    ("pki/front-proxy-ca.crt", 0o644),
    ("pki/front-proxy-ca.key", 0o600),
    ("pki/front-proxy-client.crt", 0o644),
    ("pki/front-proxy-client.key", 0o600),
    ("pki/sa.key", 0o600),
    ("pki/sa.pub", 0o600),
    ("scheduler.conf", 0o600),
    ("super-admin.conf", 0o600),
    // Of the operator: no process on the node reads these two keys, so they stay in out/ca/.
    ("@ca/etcd.key", 0o600),
    ("@ca/front-proxy.key", 0o600),
];
/// kubeadm's names of them.
const WITH_THE_OPERATOR: [&str; 2] = ["pki/etcd/ca.key", "pki/front-proxy-ca.key"];

const SERVER: &str = "TLS Web Server Authentication";
const CLIENT: &str = "TLS Web Client Authentication";
const BOTH: &str = "TLS Web Server Authentication, TLS Web Client Authentication";
const ETCD_NAMES: &str = "DNS:kubemaster, DNS:localhost, IP Address:192.168.5.11, \
     IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1";

/// File, issuer, subject (RFC 2253: the last first), extended key usage, alternative names.
const CERTIFICATES: [(&str, &str, &str, &str, &str); 10] = [
    ("pki/ca.crt", "CN=kubernetes", "CN=kubernetes", "", "DNS:kubernetes"),
    ("pki/etcd/ca.crt", "CN=etcd-ca", "CN=etcd-ca", "", "DNS:etcd-ca"),
    ("pki/front-proxy-ca.crt", "CN=front-proxy-ca", "CN=front-proxy-ca", "", "DNS:front-proxy-ca"),
    (
        "pki/apiserver.crt",
        "CN=kubernetes",
        "CN=kube-apiserver",
        SERVER,
        "DNS:kubemaster, DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc, \
         DNS:kubernetes.default.svc.cluster.local, IP Address:10.96.0.1, IP Address:192.168.5.11",
    ),
    // No organization from 1.36.1 on.
    (
        "pki/apiserver-kubelet-client.crt",
        "CN=kubernetes",
        "CN=kube-apiserver-kubelet-client",
        CLIENT,
        "",
    ),
    ("pki/apiserver-etcd-client.crt", "CN=etcd-ca", "CN=kube-apiserver-etcd-client", CLIENT, ""),
    ("pki/front-proxy-client.crt", "CN=front-proxy-ca", "CN=front-proxy-client", CLIENT, ""),
    ("pki/etcd/server.crt", "CN=etcd-ca", "CN=kubemaster", BOTH, ETCD_NAMES),
    ("pki/etcd/peer.crt", "CN=etcd-ca", "CN=kubemaster", BOTH, ETCD_NAMES),
    (
        "pki/etcd/healthcheck-client.crt",
        "CN=etcd-ca",
        "CN=kube-etcd-healthcheck-client",
        CLIENT,
        "",
    ),
];

/// File, user, subject. With one machine the endpoint and the local API server are the same address.
const KUBECONFIGS: [(&str, &str, &str); 5] = [
    ("admin.conf", "kubernetes-admin", "CN=kubernetes-admin,O=kubeadm:cluster-admins"),
    ("super-admin.conf", "kubernetes-super-admin", "CN=kubernetes-super-admin,O=system:masters"),
    ("kubelet.conf", "system:node:kubemaster", "CN=system:node:kubemaster,O=system:nodes"),
    (
        "controller-manager.conf",
        "system:kube-controller-manager",
        "CN=system:kube-controller-manager",
    ),
    ("scheduler.conf", "system:kube-scheduler", "CN=system:kube-scheduler"),
];
const SERVER_URL: &str = "https://192.168.5.11:6443";

#[test]
fn the_same_files_with_the_same_modes() {
    let project = Project::example("minimal").applied();
    let root = format!("nodes/{NODE}/etc/kubernetes");
    let mut found = BTreeMap::new();
    let mut folders = BTreeMap::new();
    for entry in project.entries() {
        if let Some(path) = entry.path.strip_prefix(&root) {
            let path = path.trim_start_matches('/').to_owned();
            if entry.is_folder { &mut folders } else { &mut found }.insert(path, entry.mode);
        } else if matches!(entry.path.as_str(), "ca/etcd.key" | "ca/front-proxy.key") {
            found.insert(format!("@{}", entry.path), entry.mode);
        }
    }
    let expected: BTreeMap<String, u32> = FILES
        .iter()
        .filter(|(path, _)| !WITH_THE_OPERATOR.contains(path))
        .map(|(path, mode)| ((*path).to_owned(), *mode))
        .collect();
    assert_eq!(found, expected);
    let expected = FOLDERS.map(|(path, mode)| (path.to_owned(), mode));
    assert_eq!(folders, BTreeMap::from(expected));
}

#[test]
fn the_same_certificates() {
    let project = Project::example("minimal").applied();
    for (path, issuer, subject, usage, names) in CERTIFICATES {
        let facts = Facts::of(&project.on_node(NODE, path));
        assert_eq!(facts.issuer, issuer, "{path}");
        assert_eq!(facts.subject, subject, "{path}");
        assert_eq!(facts.usage, usage, "{path}");
        assert_eq!(facts.names, set(names), "{path}");
        let days = if usage.is_empty() { 3650 } else { 365 };
        assert_eq!(
            facts.validity_in_minutes,
            days * 24 * 60 + 5,
            "{path}: kubeadm backdates by 5 minutes"
        );
    }
}

#[test]
fn the_same_kubeconfigs() {
    let project = Project::example("minimal").applied();
    for (file, user, subject) in KUBECONFIGS {
        let config = Kubeconfig::read(&project.on_node(NODE, file));
        assert_eq!(config.server, SERVER_URL, "{file}");
        assert_eq!(config.user, user, "{file}");
        assert_eq!(
            config.authority,
            project.read(&format!("nodes/{NODE}/etc/kubernetes/pki/ca.crt")),
            "{file}"
        );
        let embedded = project.folder().join("embedded.crt");
        std::fs::write(&embedded, &config.certificate).unwrap();
        let facts = Facts::of(&embedded);
        assert_eq!(facts.issuer, "CN=kubernetes", "{file}");
        assert_eq!(facts.subject, subject, "{file}");
        assert_eq!(facts.usage, CLIENT, "{file}");
        assert_eq!(facts.names, set(""), "{file}");
    }
}

/// A certificate as OpenSSL tells it.
struct Facts {
    issuer: String,
    subject: String,
    usage: String,
    names: BTreeSet<String>,
    validity_in_minutes: i64,
}

impl Facts {
    fn of(path: &Path) -> Self {
        let text = printed(
            tool("openssl")
                .args(["x509", "-noout", "-issuer", "-subject", "-dates", "-nameopt", "RFC2253"])
                .args(["-dateopt", "iso_8601", "-ext", "extendedKeyUsage,subjectAltName", "-in"])
                .arg(path),
        );
        let field = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
        };
        let extension = |name: &str| {
            let mut lines = text.lines().skip_while(|line| !line.starts_with(name)).skip(1);
            lines.next().map_or("", str::trim).to_owned()
        };
        let format =
            time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
        let date = |name: &str| time::PrimitiveDateTime::parse(&field(name), format).unwrap();
        Facts {
            issuer: field("issuer="),
            subject: field("subject="),
            usage: extension("X509v3 Extended Key Usage:"),
            names: set(&extension("X509v3 Subject Alternative Name:")),
            validity_in_minutes: (date("notAfter=") - date("notBefore=")).whole_minutes(),
        }
    }
}

fn set(names: &str) -> BTreeSet<String> {
    names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
