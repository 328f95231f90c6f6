//! cfssl's flat folder, as many guides have it: NAME.pem, NAME-key.pem, NAME.csr, and each request's JSON.
//! One CA, every leaf with both usages; the API server's certificate is etcd's as well.

use super::Layout;
use super::files::{BOTH, Ca, Config, Files, Leaf, PLAIN, ca, embedded, leaf};

const CA: &str = "cert/ca.pem";
const SERVING: &str = "cert/kubernetes.pem";
const ADMIN: &str = "cert/admin.pem";
const WORKER: &str = "cert/worker-0.pem";
const MANAGER: &str = "cert/kube-controller-manager.pem";
const WORKER_CONFIG: &str = "cert/worker-0.kubeconfig";

const CAS: &[Ca] =
    &[ca(CA, "cert/ca-key.pem", "C=US/ST=Oregon/L=Portland/O=Kubernetes/OU=CA/CN=Kubernetes")];

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf(SERVING, "cert/kubernetes-key.pem", CA, "C=US/O=Kubernetes/OU=Guide/CN=kubernetes", BOTH,
        "kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster,\
         kubernetes.default.svc.cluster.local,10.32.0.1,10.240.0.10,127.0.0.1"),
    leaf(ADMIN, "cert/admin-key.pem", CA, "C=US/O=system:masters/OU=Guide/CN=admin", BOTH, ""),
    leaf(WORKER, "cert/worker-0-key.pem", CA, "C=US/O=system:nodes/OU=Guide/CN=system:node:worker-0", BOTH,
        "worker-0,10.240.0.20"),
    leaf(MANAGER, "cert/kube-controller-manager-key.pem", CA,
        "C=US/O=system:kube-controller-manager/OU=Guide/CN=system:kube-controller-manager", BOTH, ""),
    leaf("cert/service-account.pem", "cert/service-account-key.pem", CA, "C=US/O=Kubernetes/CN=service-accounts", BOTH, ""),
];

const CONFIGS: &[Config] =
    &[embedded(WORKER_CONFIG, "https://10.240.0.10:6443", CA, WORKER, "cert/worker-0-key.pem")];

fn files() -> Files {
    let mut files = Files::new(PLAIN, CAS, LEAVES, CONFIGS);
    files.text(
        "cert/ca-csr.json",
        0o644,
        "{\"CN\": \"Kubernetes\", \"key\": {\"algo\": \"rsa\", \"size\": 2048}}\n",
    );
    files.request("cert/admin-key.pem", "cert/admin.csr");
    files
}

pub const LAYOUT: Layout = Layout {
    name: "cfssl",
    files,
    views: &["cert"],
    warnings: &[],
    wrong: &[
        ("key-mismatch", "cert/admin-key.pem", "admin.pem", |files| {
            files.exchange("cert/admin-key.pem", "cert/worker-0-key.pem");
        }),
        ("wrong-identity", WORKER, "CN=system:node:worker-0", |files| {
            files.leaf(WORKER).subject = "C=US/O=system:node/CN=system:node:worker-0";
        }),
        ("wrong-identity", MANAGER, "CN=kube-controller-manager", |files| {
            files.leaf(MANAGER).subject =
                "C=US/O=system:kube-controller-manager/CN=kube-controller-manager";
        }),
        ("expired", SERVING, "CN=kubernetes", |files| files.leaf(SERVING).days = -2),
        ("no-server-usage", SERVING, "CN=kubernetes", |files| {
            files.leaf(SERVING).usages = "clientAuth"
        }),
        ("kubeconfig-server-name", WORKER_CONFIG, "10.240.0.99", |files| {
            files.config(WORKER_CONFIG).server = "https://10.240.0.99:6443";
        }),
        ("unreadable-certificate", CA, "", |files| {
            files.edit(CA, |text| text.lines().map(|line| format!("    {line}\n")).collect());
        }),
    ],
};
