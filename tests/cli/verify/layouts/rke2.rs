//! RKE2: k3s with another name, and static pods (`pkg/podexecutor/staticpod.go`, `pkg/staticpod`).

use super::files::Files;
use super::{Layout, Wrong, k3s};

macro_rules! at {
    ($path:literal) => {
        concat!("var/lib/rancher/rke2/", $path)
    };
}

const CLIENT_CA: &str = at!("server/tls/client-ca.crt");
const SERVING: &str = at!("server/tls/serving-kube-apiserver.crt");
const KUBELET: &str = at!("agent/client-kubelet.crt");
const KUBELET_CONFIG: &str = at!("agent/kubelet.kubeconfig");
const ADMIN_KEY: &str = at!("server/tls/client-admin.key");
const ADMIN_CONFIG: &str = "etc/rancher/rke2/rke2.yaml";
const AUTH_PROXY: &str = at!("server/tls/client-auth-proxy.crt");
const API: &str = at!("agent/pod-manifests/kube-apiserver.yaml");

pub const LAYOUT: Layout = Layout {
    name: "rke2",
    files,
    views: &[
        "",
        "var/lib/rancher/rke2",
        "var/lib/rancher/rke2/server",
        "var/lib/rancher/rke2/server/tls",
        "var/lib/rancher/rke2/agent",
        "etc/rancher/rke2",
    ],
    warnings: &["ec-key-encipherment"],
    wrong: WRONG,
};

fn files() -> Files {
    let mut files = k3s::files().renamed("k3s", "rke2");
    let tls = "/var/lib/rancher/rke2/server/tls";
    let flags = [
        ("--advertise-address", "192.168.5.11".to_owned()),
        ("--authorization-mode", "Node,RBAC".to_owned()),
        ("--client-ca-file", format!("{tls}/client-ca.crt")),
        ("--etcd-cafile", format!("{tls}/etcd/server-ca.crt")),
        ("--etcd-certfile", format!("{tls}/etcd/client.crt")),
        ("--etcd-keyfile", format!("{tls}/etcd/client.key")),
        ("--etcd-servers", "https://127.0.0.1:2379".to_owned()),
        ("--kubelet-certificate-authority", format!("{tls}/server-ca.crt")),
        ("--kubelet-client-certificate", format!("{tls}/client-kube-apiserver.crt")),
        ("--kubelet-client-key", format!("{tls}/client-kube-apiserver.key")),
        ("--proxy-client-cert-file", format!("{tls}/client-auth-proxy.crt")),
        ("--proxy-client-key-file", format!("{tls}/client-auth-proxy.key")),
        ("--requestheader-allowed-names", "system:auth-proxy".to_owned()),
        ("--requestheader-client-ca-file", format!("{tls}/request-header-ca.crt")),
        ("--requestheader-group-headers", "X-Remote-Group".to_owned()),
        ("--requestheader-username-headers", "X-Remote-User".to_owned()),
        ("--service-account-issuer", "https://kubernetes.default.svc.cluster.local".to_owned()),
        ("--service-account-key-file", format!("{tls}/service.key")),
        ("--service-account-signing-key-file", format!("{tls}/service.key")),
        ("--service-cluster-ip-range", "10.43.0.0/16".to_owned()),
        ("--tls-cert-file", format!("{tls}/serving-kube-apiserver.crt")),
        ("--tls-private-key-file", format!("{tls}/serving-kube-apiserver.key")),
    ];
    let flags: String =
        flags.iter().map(|(flag, value)| format!("    - {flag}={value}\n")).collect();
    let text = format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - name: kube-apiserver
    image: index.docker.io/rancher/hardened-kubernetes:v1.34.2-rke2r1
    command:
    - kube-apiserver
    args:
{flags}    volumeMounts:
    - mountPath: {tls}
      name: dir0
      readOnly: true
  hostNetwork: true
  volumes:
  - hostPath:
      path: {tls}
      type: Directory
    name: dir0
"
    );
    files.text(API, 0o600, text);
    files
}

const WRONG: &[Wrong] = &[
    ("service-address", SERVING, "without 10.96.0.1", |files| {
        files.edit(API, |text| text.replace("10.43.0.0/16", "10.96.0.0/12"));
    }),
    ("front-proxy-name", AUTH_PROXY, "CN=aggregator", |files| {
        files.leaf(AUTH_PROXY).subject = "CN=aggregator"
    }),
    ("flag-missing-file", API, "gone.crt", |files| {
        files.edit(API, |text| text.replace("tls/serving-kube-apiserver.crt", "tls/gone.crt"));
    }),
    ("wrong-ca", SERVING, "signed by CN=rke2-client-ca", |files| {
        files.leaf(SERVING).ca = CLIENT_CA
    }),
    ("wrong-identity", KUBELET, "CN=system:node:n1", |files| {
        files.leaf(KUBELET).subject = "CN=system:node:n1"
    }),
    ("kubeconfig-other-ca", ADMIN_CONFIG, "client-ca", |files| {
        files.config(ADMIN_CONFIG).ca = CLIENT_CA
    }),
    ("key-mismatch", KUBELET_CONFIG, "client-key is not of client-certificate", |files| {
        files.config(KUBELET_CONFIG).key = ADMIN_KEY
    }),
];
