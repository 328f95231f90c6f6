//! kubernetes-the-hard-way: its `ca.conf` and its kubeconfigs, in one folder and where its machines have
//! them. With the two published mistakes corrected (see `public_mistakes.rs`).

use super::files::{BOTH, CLIENT, Ca, Config, Files, Leaf, PLAIN, ca, embedded, leaf};
use super::{Layout, Wrong};

const CAS: &[Ca] = &[ca("guide/ca.crt", "guide/ca.key", "C=US/ST=Washington/L=Seattle/CN=CA")];
const CA: &str = "guide/ca.crt";
const SERVING: &str = "guide/kube-api-server.crt";
const NODE: &str = "guide/node-0.crt";
const SCHEDULER: &str = "guide/kube-scheduler.crt";
const SCHEDULER_CONFIG: &str = "guide/kube-scheduler.kubeconfig";
const NODE_CONFIG: &str = "guide/node-0.kubeconfig";
const NAMES: &str = "kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster,\
    kubernetes.default.svc.cluster.local,server.kubernetes.local,api-server.kubernetes.local,127.0.0.1,10.32.0.1";

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf("guide/admin.crt", "guide/admin.key", CA, "CN=admin/O=system:masters", CLIENT, ""),
    leaf("guide/service-accounts.crt", "guide/service-accounts.key", CA, "CN=service-accounts", CLIENT, ""),
    leaf(NODE, "guide/node-0.key", CA, "CN=system:node:node-0/O=system:nodes/C=US", BOTH, "node-0,127.0.0.1"),
    leaf("guide/node-1.crt", "guide/node-1.key", CA, "CN=system:node:node-1/O=system:nodes/C=US", BOTH, "node-1,127.0.0.1"),
    leaf("guide/kube-proxy.crt", "guide/kube-proxy.key", CA, "CN=system:kube-proxy/O=system:node-proxier/C=US", BOTH, "kube-proxy,127.0.0.1"),
    leaf("guide/kube-controller-manager.crt", "guide/kube-controller-manager.key", CA,
        "CN=system:kube-controller-manager/O=system:kube-controller-manager/C=US", BOTH, "kube-controller-manager,127.0.0.1"),
    leaf(SCHEDULER, "guide/kube-scheduler.key", CA,
        "CN=system:kube-scheduler/O=system:kube-scheduler/C=US", BOTH, "kube-scheduler,127.0.0.1"),
    leaf(SERVING, "guide/kube-api-server.key", CA, "CN=kubernetes/C=US", BOTH, NAMES),
];

const URL: &str = "https://server.kubernetes.local:6443";

#[rustfmt::skip] // one file, one line
const CONFIGS: &[Config] = &[
    embedded("guide/admin.kubeconfig", "https://127.0.0.1:6443", CA, "guide/admin.crt", "guide/admin.key"),
    embedded(NODE_CONFIG, URL, CA, NODE, "guide/node-0.key"),
    embedded("guide/node-1.kubeconfig", URL, CA, "guide/node-1.crt", "guide/node-1.key"),
    embedded("guide/kube-proxy.kubeconfig", URL, CA, "guide/kube-proxy.crt", "guide/kube-proxy.key"),
    embedded("guide/kube-controller-manager.kubeconfig", URL, CA, "guide/kube-controller-manager.crt", "guide/kube-controller-manager.key"),
    embedded(SCHEDULER_CONFIG, URL, CA, SCHEDULER, "guide/kube-scheduler.key"),
];

fn guide() -> Files {
    Files::new(PLAIN, CAS, LEAVES, CONFIGS)
}

const WRONG: &[Wrong] = &[
    ("wrong-identity", NODE, "CN=system:node:node-0", |files| {
        files.leaf(NODE).subject = "CN=system:node:node-0/C=US"
    }),
    ("wrong-identity", SCHEDULER, "CN=kube-scheduler", |files| {
        files.leaf(SCHEDULER).subject = "CN=kube-scheduler/C=US"
    }),
    ("expired", SERVING, "CN=kubernetes", |files| files.leaf(SERVING).days = -2),
    ("no-server-usage", SERVING, "CN=kubernetes", |files| files.leaf(SERVING).usages = CLIENT),
    ("kubeconfig-server-name", SCHEDULER_CONFIG, "server.example.com", |files| {
        files.config(SCHEDULER_CONFIG).server = "https://server.example.com:6443";
    }),
    ("kubeconfig-other-ca", NODE_CONFIG, "CN=other", |files| {
        files.add_ca(ca("(other.crt)", "(other.key)", "CN=other"));
        files.config(NODE_CONFIG).ca = "(other.crt)";
    }),
    ("key-mismatch", NODE_CONFIG, "client-certificate", |files| {
        files.config(NODE_CONFIG).key = "guide/node-1.key"
    }),
    ("key-mismatch", "guide/node-1.key", "node-1.crt", |files| {
        files.exchange("guide/node-1.key", "guide/node-0.key")
    }),
    ("key-in-two-roles", "guide/service-accounts.key", "tokens of service accounts", |files| {
        files.exchange("guide/service-accounts.key", "guide/admin.key");
        files.exchange("guide/service-accounts.crt", "guide/admin.crt");
    }),
    ("ca-cannot-sign", CA, "not CA:TRUE", |files| files.ca(CA).may_sign = false),
];

pub const GUIDE: Layout =
    Layout { name: "the hard way", files: guide, views: &["guide"], warnings: &[], wrong: WRONG };

/// /var/lib/kubernetes on the server, /var/lib/kubelet on a node.
fn machines() -> Files {
    let mut files = guide();
    for (from, to) in [
        (CA, "var/lib/kubernetes/ca.crt"),
        ("guide/ca.key", "var/lib/kubernetes/ca.key"),
        (SERVING, "var/lib/kubernetes/kube-api-server.crt"),
        ("guide/kube-api-server.key", "var/lib/kubernetes/kube-api-server.key"),
        ("guide/service-accounts.crt", "var/lib/kubernetes/service-accounts.crt"),
        ("guide/service-accounts.key", "var/lib/kubernetes/service-accounts.key"),
        (SCHEDULER_CONFIG, "var/lib/kubernetes/kube-scheduler.kubeconfig"),
        (
            "guide/kube-controller-manager.kubeconfig",
            "var/lib/kubernetes/kube-controller-manager.kubeconfig",
        ),
        (CA, "etc/etcd/ca.crt"),
        (SERVING, "etc/etcd/kube-api-server.crt"),
        ("guide/kube-api-server.key", "etc/etcd/kube-api-server.key"),
        (CA, "var/lib/kubelet/ca.crt"),
        (NODE, "var/lib/kubelet/kubelet.crt"),
        ("guide/node-0.key", "var/lib/kubelet/kubelet.key"),
        (NODE_CONFIG, "var/lib/kubelet/kubeconfig"),
        ("guide/kube-proxy.kubeconfig", "var/lib/kube-proxy/kubeconfig"),
    ] {
        files.copy(from, to);
    }
    files
}

pub const MACHINES: Layout = Layout {
    name: "the hard way's machines",
    files: machines,
    views: &["var/lib", "var/lib/kubernetes", "var/lib/kubelet", "var/lib/kube-proxy"],
    warnings: &[],
    wrong: &[
        ("wrong-identity", "var/lib/kubelet/kubelet.crt", "CN=node-0", |files| {
            files.leaf(NODE).subject = "CN=node-0/O=system:nodes";
        }),
        ("key-mismatch", "var/lib/kubelet/kubelet.key", "kubelet.crt", |files| {
            files.exchange("var/lib/kubelet/kubelet.key", "var/lib/kubernetes/ca.key");
        }),
        ("expired", "var/lib/kubernetes/kube-api-server.crt", "CN=kubernetes", |files| {
            files.leaf(SERVING).days = -2
        }),
    ],
};
