//! Typhoon: terraform-render-bootstrap's `tls-k8s.tf`, `tls-etcd.tf`, `tls-aggregation.tf`, `auth.tf`, and
//! where its machines put that (`/opt/bootstrap/layout`). As shipped, the API server's certificate is a
//! system:masters client, too: that is its one error, so it is corrected here.

use super::files::{BOTH, CLIENT, Ca, Config, Files, Leaf, PLAIN, ca, embedded, leaf};
use super::{Layout, Wrong};

const CA_NAME: &str = "O=typhoon/CN=kubernetes-ca";
const PROXY_CA_NAME: &str = "CN=kubernetes-front-proxy-ca";
const ETCD_CA_NAME: &str = "O=etcd/CN=etcd-ca";

const API_NAMES: &str = "c1.example.com,kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,10.3.0.1";
const ETCD_NAMES: &str = "c1-etcd0.example.com,localhost,127.0.0.1";
const URL: &str = "https://c1.example.com:6443";

macro_rules! layout {
    ($k8s:literal, $etcd_client:literal, $etcd:literal, $auth:literal) => {
        const CA: &str = concat!($k8s, "ca.crt");
        const PROXY_CA: &str = concat!($k8s, "aggregation-ca.crt");
        const ETCD_CA: &str = concat!($etcd_client, "etcd-client-ca.crt");
        const SERVING: &str = concat!($k8s, "apiserver.crt");
        const PROXY_CLIENT: &str = concat!($k8s, "aggregation-client.crt");
        const ETCD_CLIENT: &str = concat!($etcd_client, "etcd-client.crt");
        const ETCD_PEER: &str = concat!($etcd, "peer.crt");
        const SCHEDULER_CONFIG: &str = concat!($auth, "scheduler.conf");
        const ADMIN_CONFIG: &str = concat!($auth, "admin.conf");

        const CAS: &[Ca] = &[
            ca(CA, concat!($k8s, "ca.key"), CA_NAME),
            ca(PROXY_CA, "(aggregation-ca.key)", PROXY_CA_NAME),
            ca(ETCD_CA, "(etcd-ca.key)", ETCD_CA_NAME),
        ];

        const LEAVES: &[Leaf] = &[
            leaf(SERVING, concat!($k8s, "apiserver.key"), CA, "CN=kube-apiserver", BOTH, API_NAMES),
            leaf(
                PROXY_CLIENT,
                concat!($k8s, "aggregation-client.key"),
                PROXY_CA,
                "CN=kube-apiserver",
                CLIENT,
                "",
            ),
            leaf(
                ETCD_CLIENT,
                concat!($etcd_client, "etcd-client.key"),
                ETCD_CA,
                "O=etcd/CN=etcd-client",
                BOTH,
                ETCD_NAMES,
            ),
            leaf(
                concat!($etcd, "server.crt"),
                concat!($etcd, "server.key"),
                ETCD_CA,
                "O=etcd/CN=etcd-server",
                BOTH,
                ETCD_NAMES,
            ),
            leaf(
                ETCD_PEER,
                concat!($etcd, "peer.key"),
                ETCD_CA,
                "O=etcd/CN=etcd-peer",
                BOTH,
                "c1-etcd0.example.com",
            ),
            leaf(
                "(admin.crt)",
                "(admin.key)",
                CA,
                "O=system:masters/CN=kubernetes-admin",
                CLIENT,
                "",
            ),
            leaf(
                "(controller.crt)",
                "(controller.key)",
                CA,
                "CN=system:kube-controller-manager",
                CLIENT,
                "",
            ),
            leaf("(scheduler.crt)", "(scheduler.key)", CA, "CN=system:kube-scheduler", CLIENT, ""),
        ];

        const CONFIGS: &[Config] = &[
            embedded(ADMIN_CONFIG, URL, CA, "(admin.crt)", "(admin.key)"),
            embedded(
                concat!($auth, "controller-manager.conf"),
                URL,
                CA,
                "(controller.crt)",
                "(controller.key)",
            ),
            embedded(SCHEDULER_CONFIG, URL, CA, "(scheduler.crt)", "(scheduler.key)"),
        ];

        fn files() -> Files {
            let mut files = Files::new(PLAIN, CAS, LEAVES, CONFIGS);
            files.copy(ETCD_CA, concat!($etcd, "server-ca.crt"));
            files.copy(ETCD_CA, concat!($etcd, "peer-ca.crt"));
            files.bare_key(
                concat!($k8s, "service-account.key"),
                Some(concat!($k8s, "service-account.pub")),
            );
            files
        }

        const WRONG: &[Wrong] = &[
            ("serving-masters", SERVING, "O=system:masters", |files| {
                files.leaf(SERVING).subject = "O=system:masters/CN=kube-apiserver";
            }),
            ("wrong-ca", SERVING, "etcd-ca", |files| files.leaf(SERVING).ca = ETCD_CA),
            ("wrong-ca", PROXY_CLIENT, "kubernetes-ca", |files| files.leaf(PROXY_CLIENT).ca = CA),
            ("wrong-ca", ETCD_CLIENT, "kubernetes-ca", |files| files.leaf(ETCD_CLIENT).ca = CA),
            ("expired", ETCD_PEER, "etcd-peer", |files| files.leaf(ETCD_PEER).days = -2),
            ("etcd-no-client-usage", ETCD_PEER, "etcd-peer", |files| {
                files.leaf(ETCD_PEER).usages = "serverAuth"
            }),
            ("kubeconfig-server-name", ADMIN_CONFIG, "c2.example.com", |files| {
                files.config(ADMIN_CONFIG).server = "https://c2.example.com:6443";
            }),
            ("kubeconfig-other-ca", SCHEDULER_CONFIG, "etcd-ca", |files| {
                files.config(SCHEDULER_CONFIG).ca = ETCD_CA
            }),
            ("key-mismatch", ADMIN_CONFIG, "client-certificate", |files| {
                files.config(ADMIN_CONFIG).key = "(scheduler.key)";
            }),
            ("wrong-identity", SCHEDULER_CONFIG, "CN=kube-scheduler", |files| {
                files.leaf("(scheduler.crt)").subject = "CN=kube-scheduler";
            }),
        ];
    };
}

mod machine {
    use super::*;

    layout!(
        "etc/kubernetes/pki/",
        "etc/kubernetes/pki/",
        "etc/ssl/etcd/etcd/",
        "etc/kubernetes/pki/"
    );

    pub const LAYOUT: Layout = Layout {
        name: "Typhoon's machine",
        files,
        views: &["", "etc/kubernetes", "etc/kubernetes/pki", "etc/ssl/etcd"],
        warnings: &[],
        wrong: WRONG,
    };
}

mod assets {
    use super::*;

    layout!("assets/tls/k8s/", "assets/tls/etcd/", "assets/tls/etcd/", "assets/auth/");

    pub const LAYOUT: Layout = Layout {
        name: "Typhoon's assets",
        files,
        views: &["assets", "assets/tls", "assets/tls/k8s", "assets/tls/etcd", "assets/auth"],
        warnings: &[],
        wrong: WRONG,
    };
}

pub const MACHINE: Layout = machine::LAYOUT;
pub const ASSETS: Layout = assets::LAYOUT;
