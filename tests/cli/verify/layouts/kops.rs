//! kops: what nodeup writes (`nodeup/pkg/model/kube_apiserver.go` and its neighbours), manifests that end in
//! `.manifest`, and the state store (`upup/pkg/fi/vfs_keystore.go`): keysets with PEM in base64.

use super::files::{CLIENT, Ca, Config, Files, Leaf, PLAIN, SERVER, ca, embedded, leaf};
use super::{Layout, Wrong};

macro_rules! at {
    ($path:literal) => {
        concat!("srv/kubernetes/", $path)
    };
}

const CA: &str = at!("ca.crt");
const PROXY_CA: &str = at!("kube-apiserver/apiserver-aggregator-ca.crt");
const ETCD_CA: &str = at!("kube-apiserver/etcd-ca.crt");
const SERVING: &str = at!("kube-apiserver/server.crt");
const PROXY_CLIENT: &str = at!("kube-apiserver/apiserver-aggregator.crt");
const KUBELET_CLIENT: &str = at!("kube-apiserver/kubelet-api.crt");
const ETCD_CLIENT: &str = at!("kube-apiserver/etcd-client.crt");
const KUBELET_SERVER: &str = at!("kubelet-server.crt");
const API: &str = "etc/kubernetes/manifests/kube-apiserver.manifest";
const KUBELET_CONFIG: &str = "var/lib/kubelet/kubeconfig";
const SCHEDULER_CONFIG: &str = "var/lib/kube-scheduler/kubeconfig";

const CAS: &[Ca] = &[
    ca(CA, at!("kube-controller-manager/ca.key"), "CN=kubernetes-ca"),
    ca(PROXY_CA, "(aggregator-ca.key)", "CN=apiserver-aggregator-ca"),
    ca(ETCD_CA, "(etcd-clients-ca.key)", "CN=etcd-clients-ca"),
];

#[rustfmt::skip] // one certificate, one or two lines
const LEAVES: &[Leaf] = &[
    leaf(SERVING, at!("kube-apiserver/server.key"), CA, "CN=kubernetes-master", SERVER,
        "kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,\
         api.c1.example.com,api.internal.c1.example.com,100.64.0.1,127.0.0.1"),
    leaf(PROXY_CLIENT, at!("kube-apiserver/apiserver-aggregator.key"), PROXY_CA, "CN=aggregator", CLIENT, ""),
    leaf(KUBELET_CLIENT, at!("kube-apiserver/kubelet-api.key"), CA, "CN=kubelet-api", CLIENT, ""),
    leaf(ETCD_CLIENT, at!("kube-apiserver/etcd-client.key"), ETCD_CA, "CN=kube-apiserver", CLIENT, ""),
    leaf(KUBELET_SERVER, at!("kubelet-server.key"), CA, "CN=kubelet-server", SERVER, "n1,172.20.0.5"),
    leaf("(kubelet.crt)", "(kubelet.key)", CA, "O=system:nodes/CN=system:node:n1", CLIENT, ""),
    leaf("(kube-proxy.crt)", "(kube-proxy.key)", CA, "CN=system:kube-proxy", CLIENT, ""),
    leaf("(controller.crt)", "(controller.key)", CA, "CN=system:kube-controller-manager", CLIENT, ""),
    leaf("(scheduler.crt)", "(scheduler.key)", CA, "CN=system:kube-scheduler", CLIENT, ""),
];

#[rustfmt::skip] // one file, one line
const CONFIGS: &[Config] = &[
    embedded(KUBELET_CONFIG, "https://127.0.0.1", CA, "(kubelet.crt)", "(kubelet.key)"),
    embedded("var/lib/kube-proxy/kubeconfig", "https://127.0.0.1", CA, "(kube-proxy.crt)", "(kube-proxy.key)"),
    embedded("var/lib/kube-controller-manager/kubeconfig", "https://127.0.0.1", CA, "(controller.crt)", "(controller.key)"),
    embedded(SCHEDULER_CONFIG, "https://127.0.0.1", CA, "(scheduler.crt)", "(scheduler.key)"),
];

fn files() -> Files {
    let mut files = Files::new(PLAIN, CAS, LEAVES, CONFIGS);
    files.copy(CA, at!("kube-controller-manager/ca.crt"));
    let sa = at!("kube-apiserver/service-account.key");
    files.bare_key(sa, Some(at!("kube-apiserver/service-account.pub")));
    files.copy(sa, at!("kube-controller-manager/service-account.key"));
    // As kops labels it, though it is no PKCS#1.
    files.edit(at!("kube-apiserver/service-account.pub"), |text| {
        text.replace("PUBLIC KEY", "RSA PUBLIC KEY")
    });
    let own = "/srv/kubernetes/kube-apiserver";
    let flags = [
        "--authorization-mode=Node,RBAC".to_owned(),
        "--client-ca-file=/srv/kubernetes/ca.crt".to_owned(),
        format!("--etcd-cafile={own}/etcd-ca.crt"),
        format!("--etcd-certfile={own}/etcd-client.crt"),
        format!("--etcd-keyfile={own}/etcd-client.key"),
        "--etcd-servers=https://127.0.0.1:4001".to_owned(),
        format!("--kubelet-client-certificate={own}/kubelet-api.crt"),
        format!("--kubelet-client-key={own}/kubelet-api.key"),
        format!("--proxy-client-cert-file={own}/apiserver-aggregator.crt"),
        format!("--proxy-client-key-file={own}/apiserver-aggregator.key"),
        "--requestheader-allowed-names=aggregator".to_owned(),
        format!("--requestheader-client-ca-file={own}/apiserver-aggregator-ca.crt"),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--service-account-issuer=https://api.internal.c1.example.com".to_owned(),
        format!("--service-account-key-file={own}/service-account.pub"),
        format!("--service-account-signing-key-file={own}/service-account.key"),
        "--service-cluster-ip-range=100.64.0.0/13".to_owned(),
        format!("--tls-cert-file={own}/server.crt"),
        format!("--tls-private-key-file={own}/server.key"),
    ];
    let flags: String = flags.iter().map(|flag| format!("    - {flag}\n")).collect();
    let text = format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - args:
{flags}    command:
    - /go-runner
    - --log-file=/var/log/kube-apiserver.log
    - --also-stdout
    - /usr/local/bin/kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.34.2
    name: kube-apiserver
    volumeMounts:
    - mountPath: /srv/kubernetes
      name: srvkube
      readOnly: true
  hostNetwork: true
  volumes:
  - hostPath:
      path: /srv/kubernetes
    name: srvkube
"
    );
    files.text(API, 0o600, text);
    files
}

pub const MACHINE: Layout = Layout {
    name: "kops' machine",
    files,
    views: &["", "srv/kubernetes", "srv/kubernetes/kube-apiserver", "etc/kubernetes", "var/lib"],
    // Their API server is started by another program.
    warnings: &[],
    wrong: WRONG,
};

const WRONG: &[Wrong] = &[
    ("wrong-ca", SERVING, "etcd-clients-ca", |files| files.leaf(SERVING).ca = ETCD_CA),
    ("wrong-ca", PROXY_CLIENT, "kubernetes-ca", |files| files.leaf(PROXY_CLIENT).ca = CA),
    ("wrong-ca", ETCD_CLIENT, "kubernetes-ca", |files| files.leaf(ETCD_CLIENT).ca = CA),
    ("expired", KUBELET_SERVER, "CN=kubelet-server", |files| files.leaf(KUBELET_SERVER).days = -2),
    ("apiserver-names", SERVING, "kubernetes.default.svc.DOMAIN", |files| {
        files.leaf(SERVING).names =
            "kubernetes,kubernetes.default,kubernetes.default.svc,127.0.0.1,100.64.0.1";
    }),
    ("kubeconfig-server-name", SCHEDULER_CONFIG, "10.0.0.1", |files| {
        files.config(SCHEDULER_CONFIG).server = "https://10.0.0.1";
    }),
    ("kubeconfig-other-ca", SCHEDULER_CONFIG, "etcd-clients-ca", |files| {
        files.config(SCHEDULER_CONFIG).ca = ETCD_CA
    }),
    ("wrong-identity", KUBELET_CONFIG, "CN=system:node:n1", |files| {
        files.leaf("(kubelet.crt)").subject = "CN=system:node:n1";
    }),
    ("key-mismatch", KUBELET_CONFIG, "client-certificate", |files| {
        files.config(KUBELET_CONFIG).key = "(scheduler.key)"
    }),
    (
        "duplicate-pod",
        "etc/kubernetes/manifests/kube-apiserver.yaml",
        "kube-apiserver.manifest",
        |files| {
            files.copy(API, "etc/kubernetes/manifests/kube-apiserver.yaml");
        },
    ),
];

const ISSUED: &str = "store/c1.example.com/pki/issued/kubernetes-ca/keyset.yaml";
const PRIVATE: &str = "store/c1.example.com/pki/private/kubernetes-ca/keyset.yaml";

fn store() -> Files {
    let cas = [
        ca("(ca.crt)", "(ca.key)", "CN=kubernetes-ca"),
        ca("(next.crt)", "(next.key)", "CN=kubernetes-ca"),
    ];
    let mut files = Files::new(PLAIN, &cas, &[], &[]);
    files.holding(
        ISSUED,
        "apiVersion: kops.k8s.io/v1alpha2
kind: Keyset
metadata:
  name: kubernetes-ca
spec:
  keys:
  - id: \"7294872948729487294872948\"
    publicMaterial: <(ca.crt)>
  - id: \"7294872948729487294872949\"
    publicMaterial: <(next.crt)>
  primaryID: \"7294872948729487294872948\"
  type: Keypair
",
    );
    files.holding(
        PRIVATE,
        "apiVersion: kops.k8s.io/v1alpha2
kind: Keyset
metadata:
  name: kubernetes-ca
spec:
  keys:
  - id: \"7294872948729487294872948\"
    privateMaterial: <(ca.key)>
    publicMaterial: <(ca.crt)>
  - id: \"7294872948729487294872949\"
    privateMaterial: <(next.key)>
    publicMaterial: <(next.crt)>
  primaryID: \"7294872948729487294872948\"
  type: Keypair
",
    );
    files
}

pub const STORE: Layout = Layout {
    name: "kops' store",
    files: store,
    views: &["store", "store/c1.example.com/pki/private"],
    warnings: &[],
    wrong: &[
        ("key-mismatch", PRIVATE, "spec.keys", |files| {
            files.edit(PRIVATE, |text| {
                let keys: Vec<&str> =
                    text.lines().filter(|line| line.contains("privateMaterial: ")).collect();
                let other = keys[1].replace("  - ", "    ");
                text.replace(keys[0], &other)
            });
        }),
        ("secret-readable-by-others", PRIVATE, "mode 0644", |files| files.mode(PRIVATE, 0o644)),
    ],
};
