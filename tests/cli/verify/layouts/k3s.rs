//! k3s: `pkg/daemons/control/deps/deps.go`, `pkg/agent/config/config.go`. EC keys, key encipherment, each
//! leaf with its CA behind it; one CA for servers and one for clients.

use std::collections::BTreeSet;

use super::files::{
    BOTH, CLIENT, Ca, Config, Files, Form, Leaf, PLAIN, SERVER, ca, embedded, leaf, named,
};
use super::{Layout, Wrong, judge};

const FORM: Form = Form { chain: true, key_encipherment: true, ..PLAIN };

macro_rules! at {
    ($path:literal) => {
        concat!("var/lib/rancher/k3s/", $path)
    };
}

const CLIENT_CA: &str = at!("server/tls/client-ca.crt");
const SERVER_CA: &str = at!("server/tls/server-ca.crt");
const PROXY_CA: &str = at!("server/tls/request-header-ca.crt");
const ETCD_SERVER_CA: &str = at!("server/tls/etcd/server-ca.crt");
const ETCD_PEER_CA: &str = at!("server/tls/etcd/peer-ca.crt");
const SERVING: &str = at!("server/tls/serving-kube-apiserver.crt");
const SERVING_KEY: &str = at!("server/tls/serving-kube-apiserver.key");
const KUBELET: &str = at!("agent/client-kubelet.crt");
const KUBELET_KEY: &str = at!("agent/client-kubelet.key");
const SCHEDULER: &str = at!("server/tls/client-scheduler.crt");
const SCHEDULER_CONFIG: &str = at!("server/cred/scheduler.kubeconfig");
const ADMIN: &str = at!("server/tls/client-admin.crt");
const ADMIN_KEY: &str = at!("server/tls/client-admin.key");
const ADMIN_CONFIG: &str = "etc/rancher/k3s/k3s.yaml";
const ETCD_CLIENT: &str = at!("server/tls/etcd/client.crt");
const ETCD_PEER: &str = at!("server/tls/etcd/peer-server-client.crt");
const AUTH_PROXY: &str = at!("server/tls/client-auth-proxy.crt");
const KUBELET_CONFIG: &str = at!("agent/kubelet.kubeconfig");

const CAS: &[Ca] = &[
    ca(CLIENT_CA, at!("server/tls/client-ca.key"), "CN=k3s-client-ca@1764000000"),
    ca(SERVER_CA, at!("server/tls/server-ca.key"), "CN=k3s-server-ca@1764000000"),
    ca(PROXY_CA, at!("server/tls/request-header-ca.key"), "CN=k3s-request-header-ca@1764000000"),
    ca(ETCD_SERVER_CA, at!("server/tls/etcd/server-ca.key"), "CN=etcd-server-ca@1764000000"),
    ca(ETCD_PEER_CA, at!("server/tls/etcd/peer-ca.key"), "CN=etcd-peer-ca@1764000000"),
    ca("(old-client-ca.crt)", "(old-client-ca.key)", "CN=k3s-client-ca@1700000000"),
    // Of the API server's own, for itself.
    ca("(loopback-ca.crt)", "(loopback-ca.key)", "CN=apiserver-loopback-client-ca@1764000000"),
];

const LEAVES: &[Leaf] = &[
    leaf(ADMIN, ADMIN_KEY, CLIENT_CA, "O=system:masters/CN=system:admin", CLIENT, ""),
    leaf(
        at!("server/tls/client-supervisor.crt"),
        at!("server/tls/client-supervisor.key"),
        CLIENT_CA,
        "O=system:masters/CN=system:k3s-supervisor",
        CLIENT,
        "",
    ),
    leaf(
        at!("server/tls/client-controller.crt"),
        at!("server/tls/client-controller.key"),
        CLIENT_CA,
        "CN=system:kube-controller-manager",
        CLIENT,
        "",
    ),
    leaf(
        SCHEDULER,
        at!("server/tls/client-scheduler.key"),
        CLIENT_CA,
        "CN=system:kube-scheduler",
        CLIENT,
        "",
    ),
    leaf(
        at!("server/tls/client-kube-apiserver.crt"),
        at!("server/tls/client-kube-apiserver.key"),
        CLIENT_CA,
        "O=system:masters/CN=system:apiserver",
        CLIENT,
        "",
    ),
    leaf(
        at!("server/tls/client-kube-proxy.crt"),
        at!("server/tls/client-kube-proxy.key"),
        CLIENT_CA,
        "CN=system:kube-proxy",
        CLIENT,
        "",
    ),
    leaf(
        at!("server/tls/client-k3s-controller.crt"),
        at!("server/tls/client-k3s-controller.key"),
        CLIENT_CA,
        "CN=system:k3s-controller",
        CLIENT,
        "",
    ),
    leaf(
        at!("server/tls/client-k3s-cloud-controller.crt"),
        at!("server/tls/client-k3s-cloud-controller.key"),
        CLIENT_CA,
        "CN=k3s-cloud-controller-manager",
        CLIENT,
        "",
    ),
    leaf(
        SERVING,
        SERVING_KEY,
        SERVER_CA,
        "CN=kube-apiserver",
        SERVER,
        "kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,localhost,\
         n1,127.0.0.1,::1,192.168.5.11,10.43.0.1",
    ),
    leaf(
        AUTH_PROXY,
        at!("server/tls/client-auth-proxy.key"),
        PROXY_CA,
        "CN=system:auth-proxy",
        CLIENT,
        "",
    ),
    leaf(
        ETCD_CLIENT,
        at!("server/tls/etcd/client.key"),
        ETCD_SERVER_CA,
        "CN=etcd-client",
        CLIENT,
        "",
    ),
    leaf(
        ETCD_PEER,
        at!("server/tls/etcd/peer-server-client.key"),
        ETCD_PEER_CA,
        "CN=etcd-peer",
        BOTH,
        "localhost,n1,127.0.0.1,::1,192.168.5.11",
    ),
    leaf(
        at!("server/tls/etcd/server-client.crt"),
        at!("server/tls/etcd/server-client.key"),
        ETCD_SERVER_CA,
        "CN=etcd-server",
        BOTH,
        "kine.sock,localhost,n1,127.0.0.1,::1,192.168.5.11",
    ),
    leaf(KUBELET, KUBELET_KEY, CLIENT_CA, "O=system:nodes/CN=system:node:n1", CLIENT, ""),
    leaf(
        at!("agent/serving-kubelet.crt"),
        at!("agent/serving-kubelet.key"),
        SERVER_CA,
        "CN=n1",
        SERVER,
        "n1,localhost,127.0.0.1,192.168.5.11",
    ),
    leaf(
        at!("server/tls/temporary-certs/apiserver-loopback-client__.crt"),
        at!("server/tls/temporary-certs/apiserver-loopback-client__.key"),
        "(loopback-ca.crt)",
        "CN=apiserver-loopback-client@1764000000",
        SERVER,
        "apiserver-loopback-client",
    ),
    // What dynamiclistener shows.
    leaf(
        "(dynamic.crt)",
        "(dynamic.key)",
        SERVER_CA,
        "O=k3s/CN=k3s",
        SERVER,
        "kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,localhost,n1",
    ),
    // From before the CA of clients was rotated.
    leaf(
        "(old-admin.crt)",
        "(old-admin.key)",
        "(old-client-ca.crt)",
        "O=system:masters/CN=system:admin",
        CLIENT,
        "",
    ),
];

const LOCAL: &str = "https://127.0.0.1:6443";

const CONFIGS: &[Config] = &[
    embedded(ADMIN_CONFIG, LOCAL, SERVER_CA, ADMIN, ADMIN_KEY),
    named(at!("server/cred/admin.kubeconfig"), LOCAL, SERVER_CA, ADMIN, ADMIN_KEY),
    named(
        at!("server/cred/controller.kubeconfig"),
        LOCAL,
        SERVER_CA,
        at!("server/tls/client-controller.crt"),
        at!("server/tls/client-controller.key"),
    ),
    named(SCHEDULER_CONFIG, LOCAL, SERVER_CA, SCHEDULER, at!("server/tls/client-scheduler.key")),
    named(
        at!("server/cred/api-server.kubeconfig"),
        LOCAL,
        SERVER_CA,
        at!("server/tls/client-kube-apiserver.crt"),
        at!("server/tls/client-kube-apiserver.key"),
    ),
    // By the agent's own load balancer.
    named(
        KUBELET_CONFIG,
        "https://127.0.0.1:6444",
        at!("agent/server-ca.crt"),
        KUBELET,
        KUBELET_KEY,
    ),
    named(
        at!("agent/kubeproxy.kubeconfig"),
        "https://127.0.0.1:6444",
        at!("agent/server-ca.crt"),
        at!("agent/client-kube-proxy.crt"),
        at!("agent/client-kube-proxy.key"),
    ),
];

const DYNAMIC: &str = "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"k3s-serving\"},\
    \"data\":{\"tls.crt\":\"<(dynamic.crt)>\",\"tls.key\":\"<(dynamic.key)>\"},\"type\":\"kubernetes.io/tls\"}";

pub fn files() -> Files {
    let mut files = Files::new(FORM, CAS, LEAVES, CONFIGS);
    for (from, to) in [
        (CLIENT_CA, at!("server/tls/client-ca.nochain.crt")),
        (SERVER_CA, at!("server/tls/server-ca.nochain.crt")),
        (CLIENT_CA, at!("agent/client-ca.crt")),
        (SERVER_CA, at!("agent/server-ca.crt")),
        (at!("server/tls/client-kube-proxy.crt"), at!("agent/client-kube-proxy.crt")),
        (at!("server/tls/client-kube-proxy.key"), at!("agent/client-kube-proxy.key")),
    ] {
        files.copy(from, to);
    }
    files.holding(at!("server/tls/dynamic-cert.json"), DYNAMIC);
    files.bare_key(at!("server/tls/service.key"), None);
    files.bare_key(at!("server/tls/client-kubelet.key"), None);
    files.bare_key(at!("server/tls/serving-kubelet.key"), None);
    files.text(
        at!("server/manifests/coredns.yaml"),
        0o600,
        "apiVersion: v1\nkind: ServiceAccount\n",
    );
    files.text(at!("server/manifests/notes.txt"), 0o600, "to do\n");
    files
}

const WRONG: &[Wrong] = &[
    ("wrong-ca", SERVING, "signed by CN=k3s-client-ca", |files| files.leaf(SERVING).ca = CLIENT_CA),
    ("wrong-ca", KUBELET, "signed by CN=k3s-server-ca", |files| files.leaf(KUBELET).ca = SERVER_CA),
    ("wrong-ca", SCHEDULER, "signed by CN=k3s-request-header-ca", |files| {
        files.leaf(SCHEDULER).ca = PROXY_CA
    }),
    ("wrong-ca", AUTH_PROXY, "signed by CN=k3s-client-ca", |files| {
        files.leaf(AUTH_PROXY).ca = CLIENT_CA
    }),
    ("wrong-ca", ETCD_CLIENT, "signed by CN=etcd-peer-ca", |files| {
        files.leaf(ETCD_CLIENT).ca = ETCD_PEER_CA
    }),
    ("wrong-ca", ETCD_PEER, "signed by CN=etcd-server-ca", |files| {
        files.leaf(ETCD_PEER).ca = ETCD_SERVER_CA
    }),
    ("expired", SERVING, "CN=kube-apiserver", |files| files.leaf(SERVING).days = -2),
    ("wrong-identity", KUBELET, "CN=system:node:n1", |files| {
        files.leaf(KUBELET).subject = "CN=system:node:n1";
    }),
    ("wrong-identity", SCHEDULER, "CN=kube-scheduler", |files| {
        files.leaf(SCHEDULER).subject = "CN=kube-scheduler";
    }),
    ("no-client-usage", SCHEDULER, "CN=system:kube-scheduler", |files| {
        files.leaf(SCHEDULER).usages = SERVER
    }),
    ("no-server-usage", SERVING, "CN=kube-apiserver", |files| files.leaf(SERVING).usages = CLIENT),
    ("etcd-no-client-usage", ETCD_PEER, "CN=etcd-peer", |files| {
        files.leaf(ETCD_PEER).usages = SERVER
    }),
    ("apiserver-names", SERVING, "kubernetes.default.svc.DOMAIN", |files| {
        files.leaf(SERVING).names =
            "kubernetes,kubernetes.default,kubernetes.default.svc,localhost,127.0.0.1";
    }),
    ("kubeconfig-server-name", ADMIN_CONFIG, "n2", |files| {
        files.config(ADMIN_CONFIG).server = "https://n2:6443"
    }),
    ("kubeconfig-client-ca", ADMIN_CONFIG, "client-ca.crt) refuses it", |files| {
        files.config(ADMIN_CONFIG).certificate = "(old-admin.crt)";
        files.config(ADMIN_CONFIG).key = "(old-admin.key)";
    }),
    ("key-mismatch", at!("server/tls/dynamic-cert.json"), "the key in data", |files| {
        files.holding(
            at!("server/tls/dynamic-cert.json"),
            "{\"data\":{\"tls.crt\":\"<(dynamic.crt)>\",\
            \"tls.key\":\"<(old-admin.key)>\"}}",
        );
    }),
    ("wrong-content", SERVING, "a private key", |files| {
        files.exchange(SERVING, SERVING_KEY);
        files.mode(SERVING, 0o600);
    }),
    ("kubeconfig-other-ca", ADMIN_CONFIG, "client-ca", |files| {
        files.config(ADMIN_CONFIG).ca = CLIENT_CA
    }),
    ("kubeconfig-other-ca", KUBELET_CONFIG, "client-ca", |files| {
        files.config(KUBELET_CONFIG).ca = at!("agent/client-ca.crt");
    }),
    ("key-mismatch", ADMIN_CONFIG, "client-certificate", |files| {
        files.config(ADMIN_CONFIG).key = KUBELET_KEY
    }),
    ("key-mismatch", KUBELET_CONFIG, "client-key is not of client-certificate", |files| {
        files.config(KUBELET_CONFIG).key = ADMIN_KEY
    }),
    ("key-mismatch", SERVING_KEY, "serving-kube-apiserver.crt", |files| {
        files.exchange(SERVING_KEY, ADMIN_KEY);
    }),
    ("ca-cannot-sign", at!("agent/client-ca.crt"), "not CA:TRUE", |files| {
        files.ca(CLIENT_CA).may_sign = false
    }),
];

/// The documentation's "Using Custom CA Certificates": each file has the CA, the one above it and the root.
/// Each reader then trusts the root, and so the clients of every other CA: what works is told as what it is.
#[test]
fn own_cas_below_one_root() {
    let mut files = files();
    for path in [CLIENT_CA, SERVER_CA, PROXY_CA, ETCD_SERVER_CA, ETCD_PEER_CA] {
        files.ca(path).issuer = "(intermediate.crt)";
    }
    files.add_first([
        ca("(root.crt)", "(root.key)", "CN=Company Root"),
        Ca {
            issuer: "(root.crt)",
            ..ca("(intermediate.crt)", "(intermediate.key)", "CN=Company Intermediate")
        },
    ]);
    let found = judge(&files, "", "");
    let ids: BTreeSet<&str> = found.iter().map(|found| found.rule.id).collect();
    assert_eq!(Vec::from_iter(ids), ["ca-reuse", "ec-key-encipherment", "etcd-shares-ca"]);
    files.leaf(SERVING).days = -2;
    assert!(judge(&files, "", "").iter().any(|found| found.rule.id == "expired"));
}

pub const LAYOUT: Layout = Layout {
    name: "k3s",
    files,
    views: &[
        "",
        "var/lib/rancher/k3s",
        "var/lib/rancher/k3s/server",
        "var/lib/rancher/k3s/server/tls",
        "var/lib/rancher/k3s/agent",
        "etc/rancher/k3s",
    ],
    warnings: &["ec-key-encipherment"],
    wrong: WRONG,
};
