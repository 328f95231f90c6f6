//! kpki's manifests beside kubeadm's for the same cluster, every field of each, version by version: those of
//! `tests/kubeadm/VERSION`. docs/kubeadm.md says which of them kubeadm wrote and which are by hand.
//!
//! Not compared: `creationTimestamp: null` and the order of fields, which mean nothing; the
//! controller-manager's `--service-cluster-ip-range`, which kubeadm gives only beside a pod network; what
//! `kubeadm join` writes.

use serde_json::{Value, json};

use super::{Cluster, command, parse};
use kpki::profile::Process;
use kpki::version::KubernetesVersion;

/// One of each minor.
const VERSIONS: [&str; 10] = [
    "1.28.15", "1.29.15", "1.30.14", "1.31.14", "1.32.13", "1.33.4", "1.34.2", "1.35.3", "1.36.2",
    "1.37.2",
];

/// What kubeadm writes below `tests/kubeadm/FOLDER`.
fn kubeadms(folder: &str, process: Process) -> Value {
    let path = format!("tests/kubeadm/{folder}/manifests/{}.yaml", process.name());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut pod: Value = serde_saphyr::from_str(&text).unwrap();
    // Until 1.33. To a kubelet null is nothing.
    let metadata = pod["metadata"].as_object_mut().unwrap();
    metadata.retain(|name, value| name != "creationTimestamp" || !value.is_null());
    pod
}

/// kubeadm gives it only beside a pod network, kpki always: the one difference.
fn with_service_network(mut pod: Value) -> Value {
    let command = pod["spec"]["containers"][0]["command"].as_array_mut().unwrap();
    if command[0] == "kube-controller-manager" {
        let flag = json!("--service-cluster-ip-range=10.96.0.0/12");
        assert!(!command.contains(&flag));
        command.push(flag);
        command[1..].sort_by_key(|word| word.as_str().unwrap().to_owned());
    }
    pod
}

#[test]
fn manifests_are_kubeadms() {
    for text in VERSIONS {
        let version: KubernetesVersion = text.parse().unwrap();
        let cluster = Cluster { version, ..Cluster::stacked() };
        for process in Process::ALL {
            let expected = with_service_network(kubeadms(text, process));
            let found = parse(&cluster.pod(process, &[]));
            assert_eq!(found, expected, "{version} {}", process.name());
        }
    }
}

/// An external etcd changes one flag of the API server.
#[test]
fn external_etcd_is_dialled_at_every_member() {
    let cluster = Cluster::external();
    let found = parse(&cluster.pod(Process::Apiserver, &[]));
    assert_eq!(found, kubeadms("1.36.2/external-etcd", Process::Apiserver));
}

/// With kubeadm's three flags of a pod network nothing is left to tell apart.
#[test]
fn a_pod_network_is_an_operators_flags() {
    let pod_network = [("allocate-node-cidrs", "true"), ("cluster-cidr", "10.244.0.0/16")];
    let found = parse(&Cluster::stacked().pod(Process::ControllerManager, &pod_network));
    assert_eq!(found, kubeadms("1.36.2/pod-network", Process::ControllerManager));
}

/// kubeadm mounts the folder that the controller-manager looks for plugins in, whichever it is.
#[test]
fn the_folder_of_flexvolume_plugins_follows_its_flag() {
    let flags = [("flex-volume-plugin-dir", "/opt/flexvolume")];
    for (version, is_there) in [("1.35.3", true), ("1.36.2", false)] {
        let cluster = Cluster { version: version.parse().unwrap(), ..Cluster::stacked() };
        let pod = cluster.pod(Process::ControllerManager, &flags);
        assert_eq!(pod.mounted("/opt/flexvolume/vendor~driver"), is_there, "{version}");
        assert!(!pod.mounted("/usr/libexec/kubernetes/kubelet-plugins/volume/exec"), "{version}");
    }
}

/// What kubeadm 1.28 wrote differs from what 1.37 writes in these, and each is compared above.
#[test]
fn the_versions_differ() {
    let word = |version, process, pointer: &str| {
        let pod = kubeadms(version, process);
        pod.pointer(&format!("/spec/containers/0/{pointer}")).cloned().unwrap_or_default()
    };
    for (process, pointer, old, new) in [
        (
            Process::Etcd,
            "livenessProbe/httpGet/path",
            json!("/health?exclude=NOSPACE&serializable=true"),
            json!("/livez"),
        ),
        (Process::Etcd, "readinessProbe/httpGet/path", Value::Null, json!("/readyz")),
        (Process::Scheduler, "startupProbe/httpGet/path", json!("/healthz"), json!("/livez")),
        (Process::Apiserver, "livenessProbe/httpGet/port", json!(6443), json!("probe-port")),
        (Process::Apiserver, "ports/0/containerPort", Value::Null, json!(6443)),
        (
            Process::ControllerManager,
            "volumeMounts/2/name",
            json!("flexvolume-dir"),
            json!("k8s-certs"),
        ),
    ] {
        assert_eq!(word("1.28.15", process, pointer), old, "{pointer}");
        assert_eq!(word("1.37.2", process, pointer), new, "{pointer}");
    }
    assert_eq!(
        command(&kubeadms("1.28.15", Process::Etcd))[4].0,
        "experimental-initial-corrupt-check"
    );
}

/// kubeadm mounts `certificatesDir` and its `etcd` under their own paths (cmd/kubeadm/app/phases,
/// controlplane/volumes.go and etcd/local.go), and kubeconfigs stay in /etc/kubernetes.
#[test]
fn the_folder_of_certificates_is_named_and_mounted_where_it_is() {
    fn moved(value: Value) -> Value {
        match value {
            Value::String(text) => text.replace("/etc/kubernetes/pki", "/srv/tls").into(),
            Value::Array(all) => all.into_iter().map(moved).collect(),
            Value::Object(all) => all
                .into_iter()
                .map(|(key, value)| (key, moved(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other,
        }
    }
    let cluster = Cluster { dir: "/srv/tls".parse().unwrap(), ..Cluster::stacked() };
    for process in Process::ALL {
        let expected = moved(with_service_network(kubeadms("1.36.2", process)));
        assert_eq!(parse(&cluster.pod(process, &[])), expected, "{}", process.name());
    }
}
