//! RKE, /etc/kubernetes/ssl: `pki/constants.go`, `pki/services.go` and `pki/util.go`. One CA for all but the
//! front proxy. Every kubelet has the same certificate, whose name is of no node (RKE binds a role to the
//! group); a kubeconfig lies there for the front proxy's CA and for its client, too, which nobody reads.

use super::files::{BOTH, CLIENT, Ca, Config, Files, Leaf, PLAIN, ca, embedded, leaf, named};
use super::{Layout, Wrong};

macro_rules! at {
    ($path:literal) => {
        concat!("etc/kubernetes/ssl/", $path)
    };
}

const CA: &str = at!("kube-ca.pem");
const PROXY_CA: &str = at!("kube-apiserver-requestheader-ca.pem");
const PROXY_CA_KEY: &str = at!("kube-apiserver-requestheader-ca-key.pem");
const PROXY_CLIENT: &str = at!("kube-apiserver-proxy-client.pem");
const PROXY_CLIENT_KEY: &str = at!("kube-apiserver-proxy-client-key.pem");
const SERVING: &str = at!("kube-apiserver.pem");
const SCHEDULER: &str = at!("kube-scheduler.pem");
const SCHEDULER_KEY: &str = at!("kube-scheduler-key.pem");
const SCHEDULER_CONFIG: &str = at!("kubecfg-kube-scheduler.yaml");
const NODE: &str = at!("kube-node.pem");
const NODE_KEY: &str = at!("kube-node-key.pem");
const NODE_CONFIG: &str = at!("kubecfg-kube-node.yaml");
const ETCD: &str = at!("kube-etcd-192-168-5-11.pem");
const ADMIN_CONFIG: &str = "root/kube_config_cluster.yml";

const CAS: &[Ca] = &[
    ca(CA, at!("kube-ca-key.pem"), "CN=kube-ca"),
    ca(PROXY_CA, PROXY_CA_KEY, "CN=kube-apiserver-requestheader-ca"),
];

const NAMES: &str = "localhost,kubernetes,kubernetes.default,kubernetes.default.svc,\
    kubernetes.default.svc.cluster.local,192.168.5.11,127.0.0.1,10.43.0.1";

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf(SERVING, at!("kube-apiserver-key.pem"), CA, "CN=kube-apiserver", BOTH, NAMES),
    leaf(PROXY_CLIENT, PROXY_CLIENT_KEY, PROXY_CA, "CN=kube-apiserver-proxy-client", BOTH, ""),
    leaf(at!("kube-controller-manager.pem"), at!("kube-controller-manager-key.pem"), CA,
        "CN=system:kube-controller-manager", CLIENT, ""),
    leaf(SCHEDULER, SCHEDULER_KEY, CA, "CN=system:kube-scheduler", CLIENT, ""),
    leaf(at!("kube-proxy.pem"), at!("kube-proxy-key.pem"), CA, "CN=system:kube-proxy", CLIENT, ""),
    leaf(NODE, NODE_KEY, CA, "O=system:nodes/CN=system:node", CLIENT, ""),
    leaf(ETCD, at!("kube-etcd-192-168-5-11-key.pem"), CA, "CN=kube-etcd", BOTH, NAMES),
    leaf(at!("kube-service-account-token.pem"), at!("kube-service-account-token-key.pem"), CA,
        "CN=kube-service-account-token", CLIENT, ""),
    leaf("(kube-admin.crt)", "(kube-admin.key)", CA, "O=system:masters/CN=kube-admin", CLIENT, ""),
];

const LOCAL: &str = "https://127.0.0.1:6443";

#[rustfmt::skip] // one file, one line
const CONFIGS: &[Config] = &[
    embedded(ADMIN_CONFIG, "https://192.168.5.11:6443", CA, "(kube-admin.crt)", "(kube-admin.key)"),
    named(at!("kubecfg-kube-apiserver-proxy-client.yaml"), LOCAL, CA, PROXY_CLIENT, PROXY_CLIENT_KEY),
    named(at!("kubecfg-kube-apiserver-requestheader-ca.yaml"), LOCAL, CA, PROXY_CA, PROXY_CA_KEY),
    named(at!("kubecfg-kube-controller-manager.yaml"), LOCAL, CA, at!("kube-controller-manager.pem"),
        at!("kube-controller-manager-key.pem")),
    named(SCHEDULER_CONFIG, LOCAL, CA, SCHEDULER, SCHEDULER_KEY),
    named(at!("kubecfg-kube-proxy.yaml"), LOCAL, CA, at!("kube-proxy.pem"), at!("kube-proxy-key.pem")),
    named(NODE_CONFIG, LOCAL, CA, NODE, NODE_KEY),
];

fn files() -> Files {
    Files::new(PLAIN, CAS, LEAVES, CONFIGS)
}

pub const LAYOUT: Layout = Layout {
    name: "RKE",
    files,
    views: &["", "etc/kubernetes", "etc/kubernetes/ssl", "root"],
    warnings: &["etcd-shares-ca"],
    wrong: WRONG,
};

const WRONG: &[Wrong] = &[
    ("wrong-ca", PROXY_CLIENT, "kube-ca", |files| files.leaf(PROXY_CLIENT).ca = CA),
    ("wrong-ca", SERVING, "requestheader-ca", |files| files.leaf(SERVING).ca = PROXY_CA),
    ("wrong-ca", ETCD, "requestheader-ca", |files| files.leaf(ETCD).ca = PROXY_CA),
    ("expired", SERVING, "CN=kube-apiserver", |files| files.leaf(SERVING).days = -2),
    ("ca-reuse", PROXY_CA, "CN=kube-ca", |files| {
        files.exchange(PROXY_CA, CA);
        files.exchange(PROXY_CA_KEY, at!("kube-ca-key.pem"));
        files.leaf(PROXY_CLIENT).ca = CA;
    }),
    ("wrong-content", CA, "no certificate", |files| files.edit(CA, |_| String::new())),
    ("wrong-content", SCHEDULER, "a private key", |files| {
        files.exchange(SCHEDULER, SCHEDULER_KEY);
        files.mode(SCHEDULER, 0o600);
    }),
    ("kubeconfig-other-ca", SCHEDULER_CONFIG, "requestheader-ca", |files| {
        files.config(SCHEDULER_CONFIG).ca = PROXY_CA;
    }),
    ("kubeconfig-server-name", NODE_CONFIG, "10.0.0.1", |files| {
        files.config(NODE_CONFIG).server = "https://10.0.0.1:6443";
    }),
    ("key-mismatch", NODE_CONFIG, "client-key is not of client-certificate", |files| {
        files.config(NODE_CONFIG).key = SCHEDULER_KEY
    }),
    ("wrong-identity", NODE, "O=system:node,", |files| {
        files.leaf(NODE).subject = "O=system:node/CN=system:node"
    }),
    ("wrong-identity", SCHEDULER, "CN=kube-scheduler", |files| {
        files.leaf(SCHEDULER).subject = "CN=kube-scheduler"
    }),
    ("etcd-no-client-usage", ETCD, "CN=kube-etcd", |files| files.leaf(ETCD).usages = "serverAuth"),
];
