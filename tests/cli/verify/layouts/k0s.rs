//! k0s, /var/lib/k0s: `pkg/component/controller/certificates.go`, `etcd.go` and `pkg/certificate/manager.go`;
//! the alternative names as corrected in June 2026. cfssl gives every leaf both usages; keys are readable by
//! a group.

use super::files::{BOTH, Ca, Config, Files, Form, Leaf, PLAIN, ca, embedded, leaf, named};
use super::{Layout, Wrong};

macro_rules! at {
    ($path:literal) => {
        concat!("var/lib/k0s/", $path)
    };
}

const CA: &str = at!("pki/ca.crt");
const PROXY_CA: &str = at!("pki/front-proxy-ca.crt");
const ETCD_CA: &str = at!("pki/etcd/ca.crt");
const SERVING: &str = at!("pki/server.crt");
const PROXY_CLIENT: &str = at!("pki/front-proxy-client.crt");
const ETCD_CLIENT: &str = at!("pki/apiserver-etcd-client.crt");
const ETCD_PEER: &str = at!("pki/etcd/peer.crt");
const SCHEDULER: &str = at!("pki/scheduler.crt");
const SCHEDULER_CONFIG: &str = at!("pki/scheduler.conf");
const CONTROLLER: &str = at!("pki/ccm.crt");
const CONTROLLER_CONFIG: &str = at!("pki/ccm.conf");
const ADMIN_CONFIG: &str = at!("pki/admin.conf");
const KUBELET: &str = at!("kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem");
const KUBELET_CURRENT: &str = at!("kubelet/pki/kubelet-client-current.pem");
const KUBELET_CONFIG: &str = at!("kubelet.conf");

const CAS: &[Ca] = &[
    ca(CA, at!("pki/ca.key"), "CN=kubernetes-ca"),
    ca(PROXY_CA, at!("pki/front-proxy-ca.key"), "CN=kubernetes-front-proxy-ca"),
    ca(ETCD_CA, at!("pki/etcd/ca.key"), "CN=etcd-ca"),
];

const NAMES: &str = "kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,\
    localhost,127.0.0.1,192.168.5.11,10.96.0.1";

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf(PROXY_CLIENT, at!("pki/front-proxy-client.key"), PROXY_CA, "O=front-proxy-client/CN=front-proxy-client", BOTH, ""),
    leaf(at!("pki/admin.crt"), at!("pki/admin.key"), CA, "O=system:masters/CN=kubernetes-admin", BOTH, ""),
    leaf(at!("pki/konnectivity.crt"), at!("pki/konnectivity.key"), CA, "O=system:masters/CN=kubernetes-konnectivity", BOTH, ""),
    leaf(CONTROLLER, at!("pki/ccm.key"), CA,
        "O=system:kube-controller-manager/CN=system:kube-controller-manager", BOTH, ""),
    leaf(SCHEDULER, at!("pki/scheduler.key"), CA, "O=system:kube-scheduler/CN=system:kube-scheduler", BOTH, ""),
    leaf(at!("pki/apiserver-kubelet-client.crt"), at!("pki/apiserver-kubelet-client.key"), CA,
        "O=system:masters/CN=apiserver-kubelet-client", BOTH, ""),
    leaf(SERVING, at!("pki/server.key"), CA, "O=kubernetes/CN=kubernetes", BOTH, NAMES),
    leaf(at!("pki/k0s-api.crt"), at!("pki/k0s-api.key"), CA, "O=kubernetes/CN=k0s-api", BOTH, NAMES),
    leaf(ETCD_CLIENT, at!("pki/apiserver-etcd-client.key"), ETCD_CA,
        "O=apiserver-etcd-client/CN=apiserver-etcd-client", BOTH, "127.0.0.1,localhost"),
    leaf(at!("pki/etcd/server.crt"), at!("pki/etcd/server.key"), ETCD_CA, "O=etcd-server/CN=etcd-server", BOTH,
        "127.0.0.1,localhost"),
    leaf(ETCD_PEER, at!("pki/etcd/peer.key"), ETCD_CA, "O=etcd-peer/CN=192.168.5.11", BOTH, "192.168.5.11"),
    leaf("(kubelet.crt)", "(kubelet.key)", CA, "O=system:nodes/CN=system:node:n1", "clientAuth", ""),
];

const LOCAL: &str = "https://localhost:6443";

#[rustfmt::skip] // one file, one line
const CONFIGS: &[Config] = &[
    embedded(ADMIN_CONFIG, LOCAL, CA, at!("pki/admin.crt"), at!("pki/admin.key")),
    embedded(at!("pki/konnectivity.conf"), LOCAL, CA, at!("pki/konnectivity.crt"), at!("pki/konnectivity.key")),
    embedded(CONTROLLER_CONFIG, LOCAL, CA, CONTROLLER, at!("pki/ccm.key")),
    embedded(SCHEDULER_CONFIG, LOCAL, CA, SCHEDULER, at!("pki/scheduler.key")),
    named(KUBELET_CONFIG, "https://192.168.5.11:6443", CA, KUBELET_CURRENT, KUBELET_CURRENT),
];

fn files() -> Files {
    let form = Form { key_mode: 0o640, ..PLAIN };
    let mut files = Files::new(form, CAS, LEAVES, CONFIGS);
    files.bare_key(at!("pki/sa.key"), Some(at!("pki/sa.pub")));
    files.bare_key(at!("pki/etcd/jwt.key"), Some(at!("pki/etcd/jwt.pub")));
    files.joined("(kubelet.crt)", "(kubelet.key)", KUBELET);
    files.links.push((
        KUBELET_CURRENT,
        concat!("/", at!("kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem")),
    ));
    // What k0s applies; only folders in it are read, and no kubelet looks here.
    files.text(
        at!("manifests/coredns/coredns.yaml"),
        0o644,
        "apiVersion: v1\nkind: ServiceAccount\n",
    );
    files.text(at!("manifests/README"), 0o644, "each folder is a stack\n");
    files
}

pub const LAYOUT: Layout = Layout {
    name: "k0s",
    files,
    views: &[
        "",
        "var/lib/k0s",
        "var/lib/k0s/pki",
        "var/lib/k0s/pki/etcd",
        "var/lib/k0s/kubelet/pki",
    ],
    warnings: &["secret-readable-by-group"],
    wrong: WRONG,
};

const WRONG: &[Wrong] = &[
    ("wrong-ca", SERVING, "front-proxy-ca", |files| files.leaf(SERVING).ca = PROXY_CA),
    ("wrong-ca", PROXY_CLIENT, "kubernetes-ca", |files| files.leaf(PROXY_CLIENT).ca = CA),
    ("wrong-ca", ETCD_CLIENT, "kubernetes-ca", |files| files.leaf(ETCD_CLIENT).ca = CA),
    ("expired", ETCD_PEER, "192.168.5.11", |files| files.leaf(ETCD_PEER).days = -2),
    ("apiserver-names", SERVING, "kubernetes.default.svc.DOMAIN", |files| {
        files.leaf(SERVING).names =
            "kubernetes,kubernetes.default,kubernetes.default.svc,localhost,192.168.5.11";
    }),
    ("kubeconfig-server-name", SCHEDULER_CONFIG, "n2", |files| {
        files.config(SCHEDULER_CONFIG).server = "https://n2:6443";
    }),
    ("kubeconfig-other-ca", ADMIN_CONFIG, "etcd-ca", |files| {
        files.config(ADMIN_CONFIG).ca = ETCD_CA
    }),
    ("wrong-identity", CONTROLLER_CONFIG, "CN=kube-controller-manager", |files| {
        files.leaf(CONTROLLER).subject = "CN=kube-controller-manager";
    }),
    ("wrong-identity", KUBELET, "CN=system:node:n1", |files| {
        files.leaf("(kubelet.crt)").subject = "CN=system:node:n1";
    }),
    ("key-mismatch", ADMIN_CONFIG, "client-certificate", |files| {
        files.config(ADMIN_CONFIG).key = at!("pki/scheduler.key");
    }),
    ("ca-reuse", PROXY_CA, "CN=kubernetes-ca", |files| {
        files.exchange(PROXY_CA, CA);
        files.exchange(at!("pki/front-proxy-ca.key"), at!("pki/ca.key"));
        files.leaf(PROXY_CLIENT).ca = CA;
    }),
];
