//! What addresses, versions, conditions and a user's flags change.

use serde_json::json;

use super::{Cluster, command, ip, parse};
use kpki::manifest::{EtcdMember, Mount, StaticPod};
use kpki::profile::Process;
use kpki::version::KubernetesVersion;

fn flag(pod: &StaticPod, name: &str) -> Option<String> {
    command(&parse(pod)).into_iter().find(|(flag, _)| flag == name).map(|(_, value)| value)
}

#[test]
fn ipv6_nodes_and_dual_stack_services() {
    let cluster = Cluster {
        address: "fd00::11",
        cidrs: vec!["fd00:96::/112".parse().unwrap(), "10.96.0.0/12".parse().unwrap()],
        members: vec![EtcdMember { name: "kubemaster", address: ip("fd00::11") }],
        ..Cluster::stacked()
    };
    let etcd = cluster.pod(Process::Etcd, &[]);
    for (name, expected) in [
        ("advertise-client-urls", "https://[fd00::11]:2379"),
        ("initial-cluster", "kubemaster=https://[fd00::11]:2380"),
        ("listen-client-urls", "https://[::1]:2379,https://[fd00::11]:2379"),
        ("listen-metrics-urls", "http://[::1]:2381"),
    ] {
        assert_eq!(flag(&etcd, name).as_deref(), Some(expected));
    }
    let probe = &parse(&etcd)["spec"]["containers"][0]["livenessProbe"]["httpGet"];
    assert_eq!(probe["host"], "::1");
    let apiserver = cluster.pod(Process::Apiserver, &[]);
    for (name, expected) in [
        ("advertise-address", "fd00::11"),
        ("etcd-servers", "https://[::1]:2379"),
        ("service-cluster-ip-range", "fd00:96::/112,10.96.0.0/12"),
    ] {
        assert_eq!(flag(&apiserver, name).as_deref(), Some(expected));
    }
    let document = parse(&apiserver);
    let annotation = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint";
    assert_eq!(document["metadata"]["annotations"][annotation], "[fd00::11]:6443");
    assert_eq!(document["spec"]["containers"][0]["readinessProbe"]["httpGet"]["host"], "fd00::11");
}

#[test]
fn conditions_add_and_exchange_flags() {
    let serving = Cluster { serving: true, ..Cluster::stacked() };
    let authority = flag(&serving.pod(Process::Apiserver, &[]), "kubelet-certificate-authority");
    assert_eq!(authority.as_deref(), Some("/etc/kubernetes/pki/ca.crt"));

    let pod = Cluster::external().pod(Process::Etcd, &[]);
    assert_eq!(
        flag(&pod, "initial-cluster").as_deref(),
        Some("etcd-1=https://192.168.5.21:2380,etcd-2=https://192.168.5.22:2380")
    );

    let old = Cluster { version: KubernetesVersion::new(33, 7), ..Cluster::stacked() };
    let pod = old.pod(Process::Etcd, &[]);
    assert_eq!(flag(&pod, "feature-gates"), None);
    assert_eq!(flag(&pod, "watch-progress-notify-interval"), None);
    assert_eq!(flag(&pod, "experimental-initial-corrupt-check").as_deref(), Some("true"));
    assert_eq!(flag(&pod, "experimental-watch-progress-notify-interval").as_deref(), Some("5s"));
}

#[test]
fn a_users_flags_add_and_override() {
    let mut pod = Cluster::stacked().pod(
        Process::Apiserver,
        &[
            ("audit-log-path", "/var/log/kubernetes/a.log"),
            ("authorization-mode", "Node,RBAC,Webhook"),
            ("bind-address", "0.0.0.0"),
            ("secure-port", "443"),
            ("oidc-required-claim", "a: b #c"),
        ],
    );
    pod.annotations.insert("kpki/inputs".into(), "0123".into());
    for (name, expected) in [
        ("audit-log-path", "/var/log/kubernetes/a.log"),
        ("authorization-mode", "Node,RBAC,Webhook"),
        ("oidc-required-claim", "a: b #c"),
    ] {
        assert_eq!(flag(&pod, name).as_deref(), Some(expected));
    }
    let document = parse(&pod);
    assert!(command(&document).is_sorted());
    let container = &document["spec"]["containers"][0];
    assert_eq!(container["livenessProbe"]["httpGet"]["host"], "127.0.0.1");
    assert_eq!(container["ports"][0]["containerPort"], 443);
    assert_eq!(
        document["metadata"]["annotations"],
        json!({
            "kpki/inputs": "0123",
            "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": "192.168.5.11:443",
        })
    );

    assert!(!pod.mounted("/var/log/kubernetes/a.log"));
    pod.mounts.push(Mount {
        name: "audit".into(),
        host_path: "/srv/audit".into(),
        mount_path: "/var/log/kubernetes".into(),
        file: false,
        read_only: false,
    });
    assert!(pod.mounted("/var/log/kubernetes/a.log"));
    let spec = &parse(&pod)["spec"];
    assert_eq!(
        spec["containers"][0]["volumeMounts"][5],
        json!({"mountPath": "/var/log/kubernetes", "name": "audit"})
    );
    assert_eq!(
        spec["volumes"][0],
        json!({"hostPath": {"path": "/srv/audit", "type": "DirectoryOrCreate"}, "name": "audit"})
    );
}

/// Every file flag of the table is found by its own container; neighbours and climbers are not.
#[test]
fn own_files_are_mounted() {
    let cluster = Cluster { serving: true, ..Cluster::stacked() };
    for process in Process::ALL {
        let pod = cluster.pod(process, &[]);
        for (name, value) in &pod.flags {
            if value.starts_with("/etc/kubernetes/") {
                assert!(pod.mounted(value), "{} --{name}={value}", process.name());
            }
        }
        assert!(!pod.mounted("/etc/kubernetes/pki2/ca.crt"));
        assert!(!pod.mounted("/etc/kubernetes/pki/etcd/../../admin.conf"));
        assert!(!pod.mounted("/etc/kubernetes"));
    }
}

#[test]
fn etcds_data_folder_is_mounted_wherever_it_is() {
    let pod = Cluster::stacked().pod(Process::Etcd, &[("data-dir", "/data/etcd")]);
    assert!(pod.mounted("/data/etcd/member"));
    assert!(!pod.mounted("/var/lib/etcd"));
    assert_eq!(parse(&pod)["spec"]["volumes"][1]["hostPath"]["path"], "/data/etcd");
}
