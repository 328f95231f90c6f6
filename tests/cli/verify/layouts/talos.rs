//! Talos: what its machines write for static pods and for etcd (`render_secrets_static_pod.go`, `pkg/etcd`),
//! and the files of its operator (`pkg/machinery/config/generate/secrets`): the CAs in base64. CAs have no
//! common name.

use super::files::{
    BOTH, CLIENT, Ca, Config, Files, Form, Leaf, PLAIN, SERVER, ca, embedded, leaf,
};
use super::{Layout, Wrong};

macro_rules! at {
    ($path:literal) => {
        concat!("system/secrets/", $path)
    };
}

const CA: &str = at!("kubernetes/kube-controller-manager/ca.crt");
const CA_KEY: &str = at!("kubernetes/kube-controller-manager/ca.key");
const PROXY_CA: &str = at!("kubernetes/kube-apiserver/aggregator-ca.crt");
const ETCD_CA: &str = at!("etcd/ca.crt");
const SERVING: &str = at!("kubernetes/kube-apiserver/apiserver.crt");
const KUBELET_CLIENT: &str = at!("kubernetes/kube-apiserver/apiserver-kubelet-client.crt");
const PROXY_CLIENT: &str = at!("kubernetes/kube-apiserver/front-proxy-client.crt");
const ETCD_CLIENT: &str = at!("kubernetes/kube-apiserver/etcd-client.crt");
const ETCD_PEER: &str = at!("etcd/peer.crt");
const SCHEDULER_CONFIG: &str = at!("kubernetes/kube-scheduler/kubeconfig");
const CONTROLLER_CONFIG: &str = at!("kubernetes/kube-controller-manager/kubeconfig");

const CAS: &[Ca] = &[
    ca(CA, CA_KEY, "O=kubernetes"),
    ca(PROXY_CA, "(aggregator-ca.key)", "CN=front-proxy"),
    ca(ETCD_CA, at!("etcd/ca.key"), "O=etcd"),
];

const LOCAL: &str = "https://localhost:6443/";

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf(SERVING, at!("kubernetes/kube-apiserver/apiserver.key"), CA, "O=kube-master/CN=kube-apiserver", SERVER,
        "c1.example.com,kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,\
         localhost,n1,10.96.0.1,192.168.5.11"),
    leaf(KUBELET_CLIENT, at!("kubernetes/kube-apiserver/apiserver-kubelet-client.key"), CA,
        "O=system:masters/CN=apiserver-kubelet-client", CLIENT, ""),
    leaf(PROXY_CLIENT, at!("kubernetes/kube-apiserver/front-proxy-client.key"), PROXY_CA, "CN=front-proxy-client", CLIENT, ""),
    leaf(ETCD_CLIENT, at!("kubernetes/kube-apiserver/etcd-client.key"), ETCD_CA, "CN=kube-apiserver", CLIENT, ""),
    leaf(at!("etcd/server.crt"), at!("etcd/server.key"), ETCD_CA, "CN=n1", BOTH, "n1,localhost,192.168.5.11,127.0.0.1"),
    leaf(ETCD_PEER, at!("etcd/peer.key"), ETCD_CA, "CN=n1", BOTH, "n1,192.168.5.11"),
    leaf(at!("etcd/admin.crt"), at!("etcd/admin.key"), ETCD_CA, "CN=talos", CLIENT, ""),
    leaf("(controller.crt)", "(controller.key)", CA,
        "O=system:kube-controller-manager/CN=system:kube-controller-manager", CLIENT, ""),
    leaf("(scheduler.crt)", "(scheduler.key)", CA, "O=system:kube-scheduler/CN=system:kube-scheduler", CLIENT, ""),
];

const CONFIGS: &[Config] = &[
    embedded(CONTROLLER_CONFIG, LOCAL, CA, "(controller.crt)", "(controller.key)"),
    embedded(SCHEDULER_CONFIG, LOCAL, CA, "(scheduler.crt)", "(scheduler.key)"),
];

const FORM: Form = Form { ca_usages: BOTH, ..PLAIN };

fn files() -> Files {
    let mut files = Files::new(FORM, CAS, LEAVES, CONFIGS);
    files.copy(CA, at!("kubernetes/kube-apiserver/ca.crt"));
    files.copy(ETCD_CA, at!("kubernetes/kube-apiserver/etcd-client-ca.crt"));
    files.copy(CA, "etc/kubernetes/pki/ca.crt");
    files.bare_key(
        at!("kubernetes/kube-apiserver/service-account.key"),
        Some(at!("kubernetes/kube-apiserver/service-account.pub")),
    );
    files
}

pub const MACHINE: Layout = Layout {
    name: "Talos' machine",
    files,
    views: &[
        "",
        "system/secrets",
        "system/secrets/kubernetes",
        "system/secrets/etcd",
        "etc/kubernetes",
    ],
    warnings: &[],
    wrong: WRONG,
};

const WRONG: &[Wrong] = &[
    ("wrong-ca", SERVING, "O=etcd", |files| files.leaf(SERVING).ca = ETCD_CA),
    ("wrong-ca", PROXY_CLIENT, "O=kubernetes", |files| files.leaf(PROXY_CLIENT).ca = CA),
    ("wrong-ca", ETCD_CLIENT, "O=kubernetes", |files| files.leaf(ETCD_CLIENT).ca = CA),
    ("expired", KUBELET_CLIENT, "apiserver-kubelet-client", |files| {
        files.leaf(KUBELET_CLIENT).days = -2
    }),
    ("no-client-usage", KUBELET_CLIENT, "apiserver-kubelet-client", |files| {
        files.leaf(KUBELET_CLIENT).usages = SERVER
    }),
    ("etcd-no-client-usage", ETCD_PEER, "CN=n1", |files| files.leaf(ETCD_PEER).usages = SERVER),
    ("kubeconfig-server-name", SCHEDULER_CONFIG, "127.0.0.1", |files| {
        files.config(SCHEDULER_CONFIG).server = "https://127.0.0.1:7445/";
    }),
    ("kubeconfig-other-ca", SCHEDULER_CONFIG, "O=etcd", |files| {
        files.config(SCHEDULER_CONFIG).ca = ETCD_CA
    }),
    ("key-mismatch", CONTROLLER_CONFIG, "client-certificate", |files| {
        files.config(CONTROLLER_CONFIG).key = "(scheduler.key)";
    }),
    ("wrong-identity", CONTROLLER_CONFIG, "CN=kube-controller-manager", |files| {
        files.leaf("(controller.crt)").subject = "CN=kube-controller-manager";
    }),
];

const SECRETS_YAML: &str = "talos/secrets.yaml";
const CONTROL_PLANE: &str = "talos/controlplane.yaml";
const TALOSCONFIG: &str = "talos/talosconfig";
const KUBECONFIG: &str = "talos/kubeconfig";

fn secrets() -> Files {
    let cas = [
        ca("(k8s.crt)", "(k8s.key)", "O=kubernetes"),
        ca("(etcd.crt)", "(etcd.key)", "O=etcd"),
        ca("(aggregator.crt)", "(aggregator.key)", "CN=front-proxy"),
        ca("(os.crt)", "(os.key)", "O=talos"),
    ];
    let leaves = [
        leaf("(os-admin.crt)", "(os-admin.key)", "(os.crt)", "O=os:admin", CLIENT, ""),
        leaf("(admin.crt)", "(admin.key)", "(k8s.crt)", "O=system:masters/CN=admin@c1", CLIENT, ""),
    ];
    let url = "https://192.168.5.10:6443";
    let configs = [embedded(KUBECONFIG, url, "(k8s.crt)", "(admin.crt)", "(admin.key)")];
    let mut files = Files::new(FORM, &cas, &leaves, &configs);
    files.ed25519("(os.key)");
    files.ed25519("(os-admin.key)");
    files.bare_key("(sa.key)", None);
    files.holding(
        SECRETS_YAML,
        "cluster:
    id: dGhpcyBpcyBubyBzZWNyZXQK
certs:
    etcd:
        crt: <(etcd.crt)>
        key: <(etcd.key)>
    k8s:
        crt: <(k8s.crt)>
        key: <(k8s.key)>
    k8saggregator:
        crt: <(aggregator.crt)>
        key: <(aggregator.key)>
    k8sserviceaccount:
        key: <(sa.key)>
    os:
        crt: <(os.crt)>
        key: <(os.key)>
",
    );
    files.holding(
        CONTROL_PLANE,
        "version: v1alpha1
machine:
    type: controlplane
    ca:
        crt: <(os.crt)>
        key: <(os.key)>
cluster:
    ca:
        crt: <(k8s.crt)>
        key: <(k8s.key)>
    aggregatorCA:
        crt: <(aggregator.crt)>
        key: <(aggregator.key)>
    serviceAccount:
        key: <(sa.key)>
    etcd:
        ca:
            crt: <(etcd.crt)>
            key: <(etcd.key)>
",
    );
    files.holding(
        TALOSCONFIG,
        "context: c1
contexts:
    c1:
        endpoints: [192.168.5.10]
        ca: <(os.crt)>
        crt: <(os-admin.crt)>
        key: <(os-admin.key)>
",
    );
    files
}

pub const SECRETS: Layout = Layout {
    name: "Talos' secrets",
    files: secrets,
    views: &["talos"],
    warnings: &[],
    wrong: &[
        ("key-mismatch", SECRETS_YAML, "certs.k8s", |files| {
            files.edit(SECRETS_YAML, |text| {
                // The keys of two CAs change places.
                let keys: Vec<&str> =
                    text.lines().filter(|line| line.trim().starts_with("key: ")).collect();
                text.replace(keys[0], "HERE").replace(keys[1], keys[0]).replace("HERE", keys[1])
            });
        }),
        ("expired", TALOSCONFIG, "O=os:admin", |files| files.leaf("(os-admin.crt)").days = -2),
        ("ca-cannot-sign", CONTROL_PLANE, "not CA:TRUE", |files| {
            files.ca("(k8s.crt)").may_sign = false
        }),
        ("key-mismatch", KUBECONFIG, "client-certificate", |files| {
            files.config(KUBECONFIG).key = "(os-admin.key)"
        }),
        ("secret-readable-by-others", SECRETS_YAML, "mode 0644", |files| {
            files.mode(SECRETS_YAML, 0o644)
        }),
    ],
};
