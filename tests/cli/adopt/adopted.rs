//! Clusters that are taken over as they are.

use super::proof::prove_all;
use super::shape::{Edit, Shape};
use crate::testkit::kubeadm::{
    Cluster, Etcd, ExtraArgument, Keys, Kubelet, Leaf, Node, Role, Super, Texts, Volume,
};

fn small() -> Cluster {
    Cluster::small()
}

fn large() -> Cluster {
    Cluster::large()
}

/// A change of each node.
fn each(mut cluster: Cluster, change: impl Fn(&mut Node)) -> Cluster {
    cluster.nodes.iter_mut().for_each(change);
    cluster
}

/// A change of one node.
fn one(mut cluster: Cluster, name: &str, change: impl Fn(&mut Node)) -> Cluster {
    change(cluster.node(name));
    cluster
}

fn more_nodes(mut cluster: Cluster, nodes: &[(&'static str, &'static str, Role)]) -> Cluster {
    let nodes = nodes.iter().map(|(name, address, role)| Node::new(name, address, *role));
    cluster.nodes.extend(nodes);
    cluster
}

const fn flag(component: &'static str, name: &'static str, value: &'static str) -> ExtraArgument {
    ExtraArgument { node: None, component, name, value }
}

const fn flag_on(node: &'static str, of: ExtraArgument) -> ExtraArgument {
    ExtraArgument { node: Some(node), ..of }
}

const API: &str = "kube-apiserver";
const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const MANAGER: &str = "kube-controller-manager";

fn manifest_of(component: &str) -> &'static str {
    match component {
        API => "etc/kubernetes/manifests/kube-apiserver.yaml",
        MANAGER => "etc/kubernetes/manifests/kube-controller-manager.yaml",
        _ => "etc/kubernetes/manifests/kube-scheduler.yaml",
    }
}

fn of_sizes_and_versions() -> Vec<Shape> {
    let five = [
        ("cp4", "10.0.0.14", Role::ControlPlane),
        ("cp5", "10.0.0.15", Role::ControlPlane),
        ("w2", "10.0.0.22", Role::Worker),
    ];
    vec![
        Shape::adopted("one control-plane node and a worker", small()),
        Shape::adopted(
            "RSA, as kubeadm has it by default",
            Cluster { keys: Keys::Rsa2048, ..small() },
        ),
        Shape::adopted("three control-plane nodes", large()),
        Shape::adopted("five control-plane nodes and two workers", more_nodes(large(), &five)),
        Shape::adopted("no worker", small()).with(&[Edit::NotGiven("w1")]),
        Shape::adopted("1.33", Cluster { version: "1.33.4", ..large() }),
        Shape::adopted("1.34", Cluster { version: "1.34.2", ..large() }),
        Shape::adopted("1.35", Cluster { version: "1.35.3", ..large() }),
        Shape::adopted(
            "a mirror of the images, its suffix in the tags",
            Cluster { repository: "mirror.corp:5000/k8s", image_suffix: "-corp1", ..small() },
        ),
        Shape::adopted(
            "images by tag and digest",
            Cluster {
                image_suffix: DIGEST,
                ..small()
            },
        ),
        Shape::adopted(
            "images by digest alone, and kubeadm's configuration",
            Cluster { image_suffix: DIGEST, ..small() },
        )
        .with(&[API, MANAGER, "kube-scheduler"].map(|component| {
            Edit::Replace("cp1", manifest_of(component), ":v1.36.2", "")
        }))
        .config(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n\
             networking:\n  dnsDomain: cluster.local\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/12\n",
        ),
        Shape::adopted("a cluster of another name", Cluster { name: "prod", ..small() }),
        Shape::adopted(
            "another domain and network of services",
            Cluster {
                dns_domain: "k8s.corp.example",
                service_subnet: "172.20.0.0/16",
                service_address: "172.20.0.1",
                ..large()
            },
        ),
    ]
}

fn of_names_and_addresses() -> Vec<Shape> {
    vec![
        Shape::adopted(
            "certSANs",
            Cluster { sans: vec!["k8s-old.corp.example", "203.0.113.9"], ..large() },
        ),
        Shape::adopted(
            "certSANs of one node alone",
            one(large(), "cp2", |node| node.sans = vec!["cp2.corp.example"]),
        ),
        Shape::adopted(
            "an API server whose certificate lacks its node's name",
            Cluster {
                leaves: vec![Leaf {
                    node: Some("cp2"),
                    name: "apiserver",
                    sans: Some(vec![
                        "DNS:k8s.corp.example",
                        "DNS:kubernetes",
                        "DNS:kubernetes.default",
                        "DNS:kubernetes.default.svc",
                        "DNS:kubernetes.default.svc.cluster.local",
                        "IP:10.96.0.1",
                        "IP:10.0.0.12",
                    ]),
                    ..Leaf::default()
                }],
                ..large()
            },
        ),
        Shape::adopted(
            "etcd on a network of its own",
            one(
                one(
                    one(large(), "cp1", |node| node.etcd_address = Some("192.168.9.11")),
                    "cp2",
                    |node| node.etcd_address = Some("192.168.9.12"),
                ),
                "cp3",
                |node| node.etcd_address = Some("192.168.9.13"),
            ),
        ),
        Shape::adopted(
            "two families",
            one(
                one(
                    Cluster {
                        service_subnet: "10.96.0.0/16,fd00:96::/112",
                        pod_subnet: "10.244.0.0/16,fd00:244::/56",
                        ..small()
                    },
                    "cp1",
                    |node| node.kubelet_flags = vec!["--node-ip=10.0.0.11,fd00::11"],
                ),
                "w1",
                |node| node.kubelet_flags = vec!["--node-ip=10.0.0.21,fd00::21"],
            ),
        ),
        Shape::adopted(
            "version 6 alone",
            one(
                one(
                    Cluster {
                        service_subnet: "fd00:96::/112",
                        service_address: "fd00:96::1",
                        pod_subnet: "fd00:244::/56",
                        ..small()
                    },
                    "cp1",
                    |node| node.address = "fd00::11",
                ),
                "w1",
                |node| node.address = "fd00::21",
            ),
        ),
        Shape::adopted(
            "an endpoint without a port",
            Cluster { endpoint: Some("k8s.corp.example"), ..large() },
        ),
        Shape::adopted(
            "an endpoint that is an address",
            Cluster { endpoint: Some("10.0.0.10:6443"), ..large() },
        ),
        Shape::adopted(
            "an endpoint with a port of its own",
            Cluster { endpoint: Some("k8s.corp.example:8443"), ..large() },
        ),
        Shape::adopted(
            "one control-plane node with an endpoint",
            Cluster { endpoint: Some("k8s.corp.example:6443"), ..small() },
        ),
        Shape::adopted("a port of the API server", Cluster { port: 8443, ..small() }),
        Shape::adopted(
            "kubelets that dial the endpoint and their own API server, mixed",
            one(large(), "cp2", |node| node.kubelet_server = Some("https://k8s.corp.example:6443")),
        ),
    ]
}

fn of_certificates() -> Vec<Shape> {
    let leaf = Leaf::default;
    let every = |days| Leaf { days: Some(days), ..leaf() };
    let masters = |name| Leaf { name, group: Some("system:masters"), ..leaf() };
    let admins = |node, name| Leaf {
        node: Some(node),
        name,
        group: Some("kubeadm:cluster-admins"),
        ..leaf()
    };
    let renewed = |node| Leaf { node, renewal: Some(1), days: Some((-10, 355)), ..leaf() };
    let old = |more: &[Leaf]| Cluster {
        super_admin: Super::Nobody,
        leaves: [&[masters("admin.conf"), masters("apiserver-kubelet-client")], more].concat(),
        ..large()
    };
    vec![
        Shape::adopted(
            "leaves younger than their CA",
            Cluster { leaves: vec![every((-100, 265))], ..large() },
        ),
        Shape::adopted(
            "leaves of ten years",
            Cluster { leaves: vec![every((-200, 3449))], ..large() },
        ),
        Shape::adopted(
            "CA names in UTF8String",
            Cluster { authority_texts: Texts::Utf8, ..small() },
        ),
        Shape::adopted("ca.key nowhere", Cluster { without_key: vec!["ca"], ..large() }),
        Shape::adopted(
            "the keys of etcd's and the front proxy's CA nowhere",
            Cluster { without_key: vec!["etcd/ca", "front-proxy-ca"], ..large() },
        ),
        Shape::adopted(
            "no CA's key at all",
            Cluster { without_key: vec!["ca", "etcd/ca", "front-proxy-ca"], ..large() },
        ),
        Shape::adopted("etcd/ca.key missing on one node", large())
            .with(&[Edit::Remove("cp2", "etc/kubernetes/pki/etcd/ca.key")]),
        Shape::adopted("everything renewed", Cluster { leaves: vec![renewed(None)], ..large() }),
        Shape::adopted(
            "one node renewed",
            Cluster { leaves: vec![renewed(Some("cp2"))], ..large() },
        ),
        Shape::adopted("made at 1.28 and upgraded: the groups of then", old(&[])),
        Shape::adopted(
            "made at 1.28 and upgraded, with a node that joined later",
            old(&[admins("cp3", "admin.conf"), admins("cp3", "apiserver-kubelet-client")]),
        ),
        Shape::adopted(
            "made at 1.33 and upgraded: apiserver-kubelet-client keeps its group",
            Cluster {
                leaves: vec![Leaf {
                    name: "apiserver-kubelet-client",
                    group: Some("kubeadm:cluster-admins"),
                    ..leaf()
                }],
                ..large()
            },
        ),
        Shape::adopted("a member that left etcd", large())
            .with(&[Edit::NotGiven("cp1")])
            .words(&["--gone", "cp1"]),
        Shape::adopted(
            "super-admin.conf nowhere",
            Cluster { super_admin: Super::Nobody, ..large() },
        ),
        Shape::adopted(
            "super-admin.conf on a node that is not the first",
            Cluster { super_admin: Super::On("cp2"), ..large() },
        ),
        Shape::adopted(
            "RSA CAs and kubeconfigs, EC in one pair",
            Cluster {
                keys: Keys::Rsa2048,
                leaves: vec![Leaf { name: "front-proxy-client", keys: Some(Keys::P256), ..leaf() }],
                ..small()
            },
        ),
        Shape::adopted(
            "an expired certificate",
            Cluster {
                leaves: vec![Leaf {
                    node: Some("cp1"),
                    name: "front-proxy-client",
                    days: Some((-200, -3)),
                    ..leaf()
                }],
                ..large()
            },
        )
        .then(&["nodes/cp1/front-proxy-client"]),
        Shape::adopted(
            "a certificate that is due",
            Cluster {
                leaves: vec![Leaf {
                    node: Some("cp2"),
                    name: "apiserver",
                    days: Some((-355, 10)),
                    ..leaf()
                }],
                ..large()
            },
        )
        .then(&["nodes/cp2/apiserver"]),
    ]
}

fn of_static_pods() -> Vec<Shape> {
    let file = "File";
    let outside = [
        Edit::Put(
            "cp1",
            "etc/kubernetes/audit/policy.yaml",
            0o600,
            "apiVersion: audit.k8s.io/v1\nkind: Policy\n",
        ),
        Edit::Put("cp1", "etc/kubernetes/enc/enc.yaml", 0o600, "kind: EncryptionConfiguration\n"),
    ];
    let inside = [
        Edit::Put(
            "cp1",
            "etc/kubernetes/pki/encryption.yaml",
            0o600,
            "kind: EncryptionConfiguration\n",
        ),
        Edit::Put("cp1", "etc/kubernetes/pki/audit.yaml", 0o600, "kind: Policy\n"),
    ];
    let vip = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-vip\n  namespace: kube-system\nspec:\n  \
               containers:\n  - name: kube-vip\n    image: ghcr.io/kube-vip/kube-vip:v1.0.1\n  hostNetwork: true\n";
    vec![
        Shape::adopted(
            "extra flags",
            Cluster {
                arguments: vec![
                    flag(API, "enable-admission-plugins", "NodeRestriction,PodSecurity"),
                    flag(API, "event-ttl", "2h"),
                    flag(API, "profiling", "false"),
                    flag(MANAGER, "bind-address", "0.0.0.0"),
                    flag(MANAGER, "node-monitor-grace-period", "20s"),
                    flag("kube-scheduler", "profiling", "false"),
                    flag("etcd", "quota-backend-bytes", "8589934592"),
                    flag("etcd", "listen-metrics-urls", "http://0.0.0.0:2381"),
                ],
                ..large()
            },
        ),
        Shape::adopted(
            "a flag of one node alone",
            Cluster { arguments: vec![flag_on("cp2", flag(API, "v", "4"))], ..large() },
        ),
        Shape::adopted(
            "files of audit, OIDC and encryption outside the PKI",
            Cluster {
                arguments: vec![
                    flag(API, "audit-policy-file", "/etc/kubernetes/audit/policy.yaml"),
                    flag(API, "audit-log-path", "/var/log/kubernetes/audit.log"),
                    flag(API, "encryption-provider-config", "/etc/kubernetes/enc/enc.yaml"),
                    flag(API, "oidc-issuer-url", "https://id.corp.example"),
                    flag(API, "oidc-client-id", "kubernetes"),
                    flag(API, "oidc-ca-file", "/etc/ssl/certs/corp.pem"),
                ],
                volumes: vec![
                    (API, Volume::new("audit", "/etc/kubernetes/audit", "DirectoryOrCreate", true)),
                    (
                        API,
                        Volume::new("audit-log", "/var/log/kubernetes", "DirectoryOrCreate", false),
                    ),
                    (API, Volume::new("enc", "/etc/kubernetes/enc/enc.yaml", file, true)),
                ],
                ..small()
            },
        )
        .with(&outside),
        Shape::adopted(
            "files of audit and encryption inside the PKI",
            Cluster {
                arguments: vec![
                    flag(API, "audit-policy-file", "/etc/kubernetes/pki/audit.yaml"),
                    flag(API, "encryption-provider-config", "/etc/kubernetes/pki/encryption.yaml"),
                ],
                ..small()
            },
        )
        .with(&inside),
        Shape::adopted("kube-vip beside the manifests", large())
            .with(&[Edit::Put("cp1", "etc/kubernetes/manifests/kube-vip.yaml", 0o600, vip)])
            .says(&["kube-vip.yaml"]),
        Shape::adopted(
            "etcd's manifests as an upgrade leaves them",
            Cluster { etcd: Etcd::StackedUpgraded, ..large() },
        ),
        Shape::adopted("copies of keys and manifests", small())
            .with(&[
                Edit::Put("cp1", "etc/kubernetes/manifests.bak/etcd.yaml", 0o600, "kind: Pod\n"),
                Edit::Put("cp1", "etc/kubernetes/tmp/kubeadm-backup-etcd-2026/x", 0o600, "x"),
                Edit::Put("cp1", "etc/kubernetes/pki/apiserver.crt.bak", 0o644, "old"),
            ])
            .says(&["apiserver.crt.bak"]),
        Shape::adopted("copies of kubeconfigs and of the whole folder", small())
            .with(&[
                Edit::Copy("cp1", "etc/kubernetes/admin.conf", "root/.kube/config"),
                Edit::Copy("cp1", "etc/kubernetes/admin.conf", "etc/kubernetes/admin.conf.old"),
                Edit::Copy("cp1", "etc/kubernetes/pki/ca.key", "etc/kubernetes.bak/pki/ca.key"),
            ])
            .says(&["admin.conf.old"]),
    ]
}

fn of_kubelets() -> Vec<Shape> {
    vec![
        Shape::adopted(
            "kubelets that embed their certificate",
            each(large(), |node| node.kubelet = Kubelet::Embedded),
        ),
        Shape::adopted(
            "kubelets that ask for their serving certificate",
            each(large(), |node| node.kubelet_serving = true),
        ),
        Shape::adopted(
            "a worker from /etc/kubernetes alone",
            one(large(), "w1", |node| node.without_var = true),
        ),
        Shape::adopted(
            "all nodes from /etc/kubernetes alone",
            each(large(), |node| node.without_var = true),
        ),
        Shape::adopted(
            "--node-ip and --hostname-override",
            one(large(), "w1", |node| {
                node.kubelet_flags = vec!["--hostname-override=w1", "--node-ip=10.0.0.21"];
            }),
        ),
    ]
}

fn of_external_etcd() -> Vec<Shape> {
    let members = [
        ("e1", "10.0.0.31", Role::Etcd),
        ("e2", "10.0.0.32", Role::Etcd),
        ("e3", "10.0.0.33", Role::Etcd),
    ];
    let external =
        |count: usize| more_nodes(Cluster { etcd: Etcd::External, ..large() }, &members[..count]);
    vec![
        Shape::adopted("etcd on three machines of its own", external(3)),
        Shape::adopted("etcd on two machines of its own", external(2)),
    ]
}

#[test]
fn sizes_and_versions() {
    prove_all(&of_sizes_and_versions());
}

#[test]
fn names_and_addresses() {
    prove_all(&of_names_and_addresses());
}

#[test]
fn certificates() {
    prove_all(&of_certificates());
}

#[test]
fn static_pods() {
    prove_all(&of_static_pods());
}

#[test]
fn kubelets() {
    prove_all(&of_kubelets());
}

#[test]
fn external_etcd() {
    prove_all(&of_external_etcd());
}
