//! The manifests that kubeadm really wrote for the same cluster, version by version: those beside
//! `tests/kubeadm/VERSION/facts.txt`.

use serde_json::{Value, json};

use super::{Cluster, command, parse};
use crate::testkit::entries_of;
use kpki::profile::Process;
use kpki::version::KubernetesVersion;

/// Every version with manifests of kubeadm's, and kubeadm's manifest of a process.
fn versions() -> Vec<(KubernetesVersion, impl Fn(Process) -> Value)> {
    let folders =
        entries_of("tests/kubeadm").into_iter().filter(|folder| folder.join("manifests").is_dir());
    let versions: Vec<_> = folders
        .map(|folder| {
            let version = folder.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let manifest = move |process: Process| {
                let path = folder.join(format!("manifests/{}.yaml", process.name()));
                let text = std::fs::read_to_string(path).unwrap();
                comparable(serde_saphyr::from_str(&text).unwrap())
            };
            (version, manifest)
        })
        .collect();
    assert!(!versions.is_empty());
    versions
}

/// What is the same to a kubelet, in one form.
fn comparable(mut pod: Value) -> Value {
    let metadata = pod["metadata"].as_object_mut().unwrap();
    metadata.retain(|name, value| name != "creationTimestamp" || !value.is_null());
    // For plugins that kpki knows nothing of; kubeadm 1.36 left it out as well.
    let is_known = |item: &Value| item["name"] != "flexvolume-dir";
    pod["spec"]["volumes"].as_array_mut().unwrap().retain(is_known);
    let container = &mut pod["spec"]["containers"][0];
    container["volumeMounts"].as_array_mut().unwrap().retain(is_known);
    // kubeadm gives it only beside a pod network, which these clusters were made without.
    let command = container["command"].as_array_mut().unwrap();
    let flag = "--service-cluster-ip-range=10.96.0.0/12";
    if command[0] == "kube-controller-manager" && !command.contains(&json!(flag)) {
        command.push(json!(flag));
        command[1..].sort_by_key(|word| word.as_str().unwrap().to_owned());
    }
    // Before 1.34 probes have the port's number, and the container has no list of ports.
    let port = container["livenessProbe"]["httpGet"]["port"].clone();
    if port.is_number() {
        container["ports"] =
            json!([{"containerPort": port, "name": "probe-port", "protocol": "TCP"}]);
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if let Some(get) = container.pointer_mut(&format!("/{probe}/httpGet/port")) {
                *get = json!("probe-port");
            }
        }
    }
    pod
}

#[test]
fn manifests_are_kubeadms() {
    for (version, expected) in versions() {
        let cluster = Cluster { version, ..Cluster::stacked() };
        for process in Process::ALL {
            let found = comparable(parse(&cluster.pod(process, &[])));
            assert_eq!(found, expected(process), "{version} {}", process.name());
        }
    }
}

/// An external etcd changes one flag of the API server.
#[test]
fn external_etcd_is_dialled_at_every_member() {
    for (version, expected) in versions() {
        let cluster = Cluster { version, ..Cluster::external() };
        let mut flags = command(&expected(Process::Apiserver));
        for (name, value) in &mut flags {
            if name == "etcd-servers" {
                *value = "https://192.168.5.21:2379,https://192.168.5.22:2379".to_owned();
            }
        }
        assert_eq!(command(&parse(&cluster.pod(Process::Apiserver, &[]))), flags, "{version}");
    }
}
