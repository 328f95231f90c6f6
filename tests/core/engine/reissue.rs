//! What one change of the description must build again: written by hand, never asked of the graph.

use crate::testkit::memory_project::MemoryProject;

const BASE: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443"; service-cidr "10.96.0.0/12"; dns-domain "cluster.local" }
defaults { validity "365d" }
ca "kubernetes" validity="10y"
ca "etcd" validity="10y"
ca "front-proxy" validity="10y"
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "cp2" role="control-plane" address="10.0.0.12"
node "w1" address="10.0.0.21"
component "apiserver" { san "a.lab" }
component "etcd" { san "e.lab" }
component "kubelet" serving=#true config=#true
component "kube-proxy"
user "jane" { group "dev"; validity "90d" }
certificate "web" { san "web.lab" }
"#;

/// A change: text in BASE, its replacement, and the artifacts that must be built again, with `*` for any
/// rest; `!` before a name takes it out again.
const TABLE: &[(&str, &str, &str, &[&str])] = &[
    (
        "an extra SAN of the API server",
        "san \"a.lab\"",
        "san \"a.lab\" \"b.lab\"",
        &["nodes/cp1/apiserver", "nodes/cp2/apiserver"],
    ),
    (
        "an extra SAN of etcd",
        "san \"e.lab\"",
        "san \"f.lab\"",
        &[
            "nodes/cp1/etcd-peer",
            "nodes/cp1/etcd-server",
            "nodes/cp2/etcd-peer",
            "nodes/cp2/etcd-server",
        ],
    ),
    (
        "an extra SAN of one node",
        "address=\"10.0.0.12\"",
        "address=\"10.0.0.12\" san=\"cp2.lab\"",
        &[
            "nodes/cp2/apiserver",
            "nodes/cp2/etcd-peer",
            "nodes/cp2/etcd-server",
            "nodes/cp2/kubelet-server",
        ],
    ),
    ("the address of a worker", "10.0.0.21", "10.0.0.22", &["nodes/w1/kubelet-server"]),
    (
        "the address of a control-plane node: its local clients dial it",
        "10.0.0.12",
        "10.0.0.13",
        &[
            "nodes/cp2/apiserver",
            "nodes/cp2/controller-manager.conf",
            "nodes/cp2/etcd-peer",
            "nodes/cp2/etcd-server",
            "nodes/cp2/kubelet-server",
            "nodes/cp2/kubelet.conf",
            "nodes/cp2/scheduler.conf",
            "nodes/cp2/manifests/etcd",
            "nodes/cp2/manifests/kube-apiserver",
            "nodes/cp2/manifests/kube-controller-manager",
            "nodes/cp2/manifests/kube-scheduler",
        ],
    ),
    (
        "the endpoint's host: in the API server's SANs and in every kubeconfig that dials it",
        "api.lab:6443",
        "api2.lab:6443",
        &[
            "nodes/cp1/admin.conf",
            "nodes/cp1/apiserver",
            "nodes/cp1/kube-proxy.conf",
            "nodes/cp1/super-admin.conf",
            "nodes/cp2/admin.conf",
            "nodes/cp2/apiserver",
            "nodes/cp2/kube-proxy.conf",
            "nodes/w1/kube-proxy.conf",
            "nodes/w1/kubelet.conf",
            "users/jane/kubeconfig",
        ],
    ),
    (
        "the endpoint's port: in kubeconfigs alone",
        "api.lab:6443",
        "api.lab:8443",
        &[
            "nodes/cp1/admin.conf",
            "nodes/cp1/kube-proxy.conf",
            "nodes/cp1/super-admin.conf",
            "nodes/cp2/admin.conf",
            "nodes/cp2/kube-proxy.conf",
            "nodes/w1/kube-proxy.conf",
            "nodes/w1/kubelet.conf",
            "users/jane/kubeconfig",
        ],
    ),
    (
        "the service CIDR",
        "10.96.0.0/12",
        "10.112.0.0/12",
        &[
            "nodes/cp1/apiserver",
            "nodes/cp2/apiserver",
            "nodes/cp1/manifests/kube-apiserver",
            "nodes/cp1/manifests/kube-controller-manager",
            "nodes/cp2/manifests/kube-apiserver",
            "nodes/cp2/manifests/kube-controller-manager",
            "kubelet-config",
        ],
    ),
    (
        "the DNS domain",
        "cluster.local",
        "lab.local",
        &[
            "nodes/cp1/apiserver",
            "nodes/cp2/apiserver",
            "nodes/cp1/manifests/kube-apiserver",
            "nodes/cp2/manifests/kube-apiserver",
            "kubelet-config",
        ],
    ),
    (
        "kubelets without certificates of the cluster CA",
        "serving=#true",
        "serving=#false",
        &[
            "nodes/cp1/manifests/kube-apiserver",
            "nodes/cp2/manifests/kube-apiserver",
            "kubelet-config",
        ],
    ),
    (
        "the kubelets' configuration is somebody else's from now on",
        "config=#true",
        "config=#false",
        &[],
    ),
    (
        "the cluster's name stands in every kubeconfig",
        "cluster \"lab\"",
        "cluster \"prod\"",
        &[
            "*.conf",
            "users/jane/kubeconfig",
            "nodes/cp1/manifests/kube-controller-manager",
            "nodes/cp1/manifests/kube-scheduler",
            "nodes/cp2/manifests/kube-controller-manager",
            "nodes/cp2/manifests/kube-scheduler",
        ],
    ),
    (
        "a user's groups",
        "group \"dev\"",
        "group \"dev\" \"ops\"",
        &["users/jane", "users/jane/kubeconfig"],
    ),
    (
        "a user's validity",
        "validity \"90d\"",
        "validity \"80d\"",
        &["users/jane", "users/jane/kubeconfig"],
    ),
    (
        "a user's kubeconfig namespace",
        "group \"dev\"",
        "group \"dev\"; namespace \"team-a\"",
        &["users/jane/kubeconfig"],
    ),
    (
        "a certificate's issuer",
        "san \"web.lab\"",
        "ca \"etcd\"; san \"web.lab\"",
        &["certificates/web"],
    ),
    (
        "a certificate's usage",
        "san \"web.lab\"",
        "usage \"server\" \"client\"; san \"web.lab\"",
        &["certificates/web"],
    ),
    (
        "the key algorithm of one component",
        "component \"etcd\" {",
        "component \"etcd\" { key \"ecdsa-p384\";",
        &[
            "nodes/cp1/etcd-healthcheck-client",
            "nodes/cp1/etcd-peer",
            "nodes/cp1/etcd-server",
            "nodes/cp2/etcd-healthcheck-client",
            "nodes/cp2/etcd-peer",
            "nodes/cp2/etcd-server",
        ],
    ),
    (
        "a revision of one node: new keys for everything on it",
        "address=\"10.0.0.21\"",
        "address=\"10.0.0.21\" revision=2",
        &["nodes/w1/*"],
    ),
    (
        "a renewal window is no property of a certificate",
        "validity \"90d\"",
        "validity \"90d\"; renew-before \"5d\"",
        &[],
    ),
    (
        "the default algorithm: all leaves, no CA and no service-account key",
        "defaults { validity \"365d\" }",
        "defaults { validity \"365d\"; key \"ecdsa-p384\" }",
        &[
            "nodes/*",
            "users/*",
            "certificates/*",
            // They notice new leaves by themselves.
            "!nodes/cp1/manifests/etcd",
            "!nodes/cp1/manifests/kube-apiserver",
            "!nodes/cp2/manifests/etcd",
            "!nodes/cp2/manifests/kube-apiserver",
        ],
    ),
    (
        "a longer CA, same key: its bundle and what embeds it",
        "ca \"kubernetes\" validity=\"10y\"",
        "ca \"kubernetes\" validity=\"11y\"",
        &[
            "ca/kubernetes",
            "bundle/kubernetes",
            "*.conf",
            "users/jane/kubeconfig",
            "nodes/cp1/manifests/kube-controller-manager",
            "nodes/cp1/manifests/kube-scheduler",
            "nodes/cp2/manifests/kube-controller-manager",
            "nodes/cp2/manifests/kube-scheduler",
        ],
    ),
    (
        "a longer etcd CA: no kubeconfig embeds it",
        "ca \"etcd\" validity=\"10y\"",
        "ca \"etcd\" validity=\"11y\"",
        &[
            "ca/etcd",
            "bundle/etcd",
            "nodes/cp1/manifests/kube-apiserver",
            "nodes/cp1/manifests/etcd",
            "nodes/cp2/manifests/kube-apiserver",
            "nodes/cp2/manifests/etcd",
        ],
    ),
    (
        "a version before kubeadm dropped the group of apiserver-kubelet-client",
        "1.36.2",
        "1.36.0",
        &[
            "cluster/cluster-role-bindings",
            "nodes/cp1/apiserver-kubelet-client",
            "nodes/cp2/apiserver-kubelet-client",
            "nodes/cp1/manifests/kube-apiserver",
            "nodes/cp1/manifests/kube-controller-manager",
            "nodes/cp1/manifests/kube-scheduler",
            "nodes/cp2/manifests/kube-apiserver",
            "nodes/cp2/manifests/kube-controller-manager",
            "nodes/cp2/manifests/kube-scheduler",
        ],
    ),
    (
        "1.28: system:masters for the admin and for apiserver-kubelet-client, no binding; kubelets dial the endpoint",
        "1.36.2",
        "1.28.15",
        &[
            "nodes/cp1/admin",
            "nodes/cp1/admin.conf",
            "nodes/cp1/apiserver-kubelet-client",
            "nodes/cp1/kubelet.conf",
            "nodes/cp2/admin",
            "nodes/cp2/admin.conf",
            "nodes/cp2/apiserver-kubelet-client",
            "nodes/cp2/kubelet.conf",
            "nodes/cp1/manifests/*",
            "nodes/cp2/manifests/*",
        ],
    ),
    (
        "a new worker: its own artifacts alone",
        "node \"w1\"",
        "node \"w2\" address=\"10.0.0.31\"\nnode \"w1\"",
        &["nodes/w2/*"],
    ),
    ("a removed worker: nothing", "node \"w1\" address=\"10.0.0.21\"\n", "", &[]),
    (
        "another primary: super-admin.conf moves",
        "address=\"10.0.0.11\" primary=#true",
        "address=\"10.0.0.11\"",
        &["operator/super-admin", "operator/super-admin.conf"],
    ),
    (
        "the delivery of a certificate: the same pair, copied",
        "san \"web.lab\"",
        "san \"web.lab\"; node \"w1\"",
        &[],
    ),
];

/// Some pattern means the name.
fn expected(patterns: &[&str], name: &str) -> bool {
    let taken_out = patterns.iter().any(|pattern| pattern.strip_prefix('!') == Some(name));
    !taken_out && patterns.iter().any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(prefix), _) => name.starts_with(prefix),
        (_, Some(suffix)) => name.ends_with(suffix),
        _ => name == pattern,
    }
}

#[test]
fn one_change_builds_exactly_what_depends_on_it() {
    let base = MemoryProject::applied(BASE);
    for (what, old, new, patterns) in TABLE {
        assert!(BASE.contains(old), "{what}: {old} is not in the description");
        let mut project = base.clone();
        project.description = BASE.replace(old, new);
        let planned = project.plan();
        let rebuilt = planned.rebuilt();
        assert_eq!(planned.blocked(), Vec::<String>::new(), "{what}");
        for name in &rebuilt {
            assert!(expected(patterns, name), "{what}: {name} is built again and should not be");
        }
        // Everything that a pattern may mean, from both descriptions' own artifacts.
        for id in planned.graph.ids() {
            let name = planned.graph.get(id).name.as_str();
            if expected(patterns, name) {
                assert!(
                    rebuilt.iter().any(|rebuilt| rebuilt == name),
                    "{what}: {name} must be built again; got {rebuilt:?}"
                );
            }
        }
        for pattern in patterns.iter().filter(|p| !p.starts_with('!')) {
            assert!(
                rebuilt.iter().any(|name| matches(pattern, name)),
                "{what}: nothing matches {pattern}; got {rebuilt:?}"
            );
        }
        project.apply().unwrap();
        project.assert_converged();
    }
}

/// Keys are kept over a reissue: only algorithms and revisions make new ones.
#[test]
fn a_changed_san_keeps_every_key() {
    let base = MemoryProject::applied(BASE);
    let mut project = base.clone();
    project.description = BASE.replace("san \"a.lab\"", "san \"a.lab\" \"b.lab\"");
    project.apply().unwrap();
    assert_eq!(base.secrets(), project.secrets());
    assert_ne!(base.out, project.out);
}
