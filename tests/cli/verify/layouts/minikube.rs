//! minikube on its user's machine: `pkg/minikube/bootstrapper/certs.go`, `pkg/util/crypto.go`. What the
//! profiles share lies one folder up; ~/.kube/config names the files. As shipped, the API server's
//! certificate is a system:masters client, too: that is its one error, so it is corrected here.

use super::files::{BOTH, Ca, Config, Files, Form, Leaf, PLAIN, ca, leaf, named};
use super::{Layout, Wrong};

macro_rules! at {
    ($path:literal) => {
        concat!("home/jane/.minikube/", $path)
    };
}

const CA: &str = at!("ca.crt");
const PROXY_CA: &str = at!("proxy-client-ca.crt");
const SERVING: &str = at!("profiles/minikube/apiserver.crt");
const CLIENT: &str = at!("profiles/minikube/client.crt");
const CLIENT_KEY: &str = at!("profiles/minikube/client.key");
const PROXY_CLIENT: &str = at!("profiles/minikube/proxy-client.crt");
const CONFIG: &str = "home/jane/.kube/config";

const CAS: &[Ca] = &[
    ca(CA, at!("ca.key"), "CN=minikubeCA"),
    ca(PROXY_CA, at!("proxy-client-ca.key"), "CN=proxyClientCA"),
    // Of the machines, no part of Kubernetes.
    ca(at!("certs/ca.pem"), at!("certs/ca-key.pem"), "O=jane"),
];

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf(CLIENT, CLIENT_KEY, CA, "O=system:masters/CN=minikube-user", BOTH, ""),
    leaf(SERVING, at!("profiles/minikube/apiserver.key"), CA, "CN=minikube", BOTH,
        "minikubeCA,control-plane.minikube.internal,kubernetes.default.svc.cluster.local,kubernetes.default.svc,\
         kubernetes.default,kubernetes,localhost,192.168.49.2,10.96.0.1,127.0.0.1,10.0.0.1"),
    leaf(PROXY_CLIENT, at!("profiles/minikube/proxy-client.key"), PROXY_CA, "O=system:masters/CN=aggregator", BOTH, ""),
    leaf(at!("certs/cert.pem"), at!("certs/key.pem"), at!("certs/ca.pem"), "O=jane", "clientAuth", ""),
    leaf(at!("machines/server.pem"), at!("machines/server-key.pem"), at!("certs/ca.pem"), "O=jane.minikube", BOTH,
        "127.0.0.1,192.168.49.2,localhost,minikube"),
];

const CONFIGS: &[Config] = &[named(CONFIG, "https://192.168.49.2:8443", CA, CLIENT, CLIENT_KEY)];

fn files() -> Files {
    let form = Form { ca_usages: BOTH, ..PLAIN };
    let mut files = Files::new(form, CAS, LEAVES, CONFIGS);
    files.copy(SERVING, at!("profiles/minikube/apiserver.crt.7fb57e3c"));
    files.copy(
        at!("profiles/minikube/apiserver.key"),
        at!("profiles/minikube/apiserver.key.7fb57e3c"),
    );
    files.copy(at!("certs/ca.pem"), at!("ca.pem"));
    files.text(at!("profiles/minikube/config.json"), 0o600, "{\"Name\": \"minikube\"}\n");
    files
}

pub const LAYOUT: Layout = Layout {
    name: "minikube",
    files,
    views: &[
        "home/jane",
        "home/jane/.minikube",
        "home/jane/.minikube/profiles/minikube",
        "home/jane/.kube",
    ],
    warnings: &[],
    wrong: WRONG,
};

const WRONG: &[Wrong] = &[
    ("serving-masters", SERVING, "CN=minikube", |files| {
        files.leaf(SERVING).subject = "O=system:masters/CN=minikube"
    }),
    ("wrong-ca", SERVING, "proxyClientCA", |files| files.leaf(SERVING).ca = PROXY_CA),
    ("wrong-ca", PROXY_CLIENT, "minikubeCA", |files| files.leaf(PROXY_CLIENT).ca = CA),
    ("expired", CLIENT, "CN=minikube-user", |files| files.leaf(CLIENT).days = -2),
    // The machine got another address.
    ("kubeconfig-server-name", CONFIG, "192.168.49.3", |files| {
        files.config(CONFIG).server = "https://192.168.49.3:8443"
    }),
    ("kubeconfig-other-ca", CONFIG, "proxyClientCA", |files| files.config(CONFIG).ca = PROXY_CA),
    ("key-mismatch", CONFIG, "client-key is not of client-certificate", |files| {
        files.config(CONFIG).key = at!("profiles/minikube/proxy-client.key");
    }),
    ("kubeconfig-missing-file", CONFIG, "client.crt", |files| files.remove(CLIENT)),
];
