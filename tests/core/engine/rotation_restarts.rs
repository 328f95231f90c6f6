//! Who restarts in which stage of a rotation, by version: written by hand from what Kubernetes' own
//! components did when their files changed, never asked of kpki.

use std::collections::BTreeSet;

use kpki::plan::{Allow, Intent};

use super::install_order::run;
use crate::testkit::memory_disk::MemoryDisk;
use crate::testkit::memory_project::MemoryProject;

const STAGES: [(&str, &str); 3] = [
    ("trust", r#"keypair 1; keypair 2 state="trusted""#),
    ("promote", r#"keypair 1 state="trusted"; keypair 2"#),
    ("distrust", "keypair 2"),
];

const NODES: [&str; 3] = ["cp1", "cp2", "w1"];

/// Two control-plane nodes and a worker, each with kube-proxy as a service.
fn description(version: &str, kubelet: &str, root: &str, keypairs: &str) -> String {
    let block = match root {
        "service-account" => format!("component \"service-account\" {{ {keypairs} }}"),
        ca => format!("ca {:?} {{ {keypairs} }}", ca.strip_prefix("ca/").unwrap()),
    };
    format!(
        r#"
cluster "lab" {{ kubernetes "{version}"; endpoint "api.lab" }}
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
node "w1" address="10.0.1.1"
component "kubelet" {kubelet}
component "kube-proxy"
{block}
"#
    )
}

/// On which nodes each of them runs.
fn on_nodes(process: &str) -> &'static [&'static str] {
    match process {
        "kubelet" | "kube-proxy" => &NODES,
        _ => &NODES[..2],
    }
}

const CA: &str = "ca/kubernetes";
const ETCD: &str = "ca/etcd";
const FRONT: &str = "ca/front-proxy";
const TOKENS: &str = "service-account";
const API: &str = "kube-apiserver";
const MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";
const SERVING: &str = "serving=#true";

/// Embedded kubeconfig data is read at start only, `--root-ca-file` too: all who have a kubeconfig of kpki's
/// restart whenever it changes, with the leaf in it or with the set of CAs.
const WITH_KUBECONFIGS: &[&str] = &[MANAGER, SCHEDULER, "kubelet", "kube-proxy"];

#[rustfmt::skip] // one row, one line
const TABLE: &[(&str, &str, &str, [&[&str]; 3])] = &[
    // version, kubelet, root, who at trust, promote and distrust
    ("1.36.2", "", CA, [WITH_KUBECONFIGS, WITH_KUBECONFIGS, WITH_KUBECONFIGS]),
    // `clientCAFile`'s announced names and `--kubelet-certificate-authority` are read again from 1.36 on.
    ("1.36.2", SERVING, CA, [WITH_KUBECONFIGS, WITH_KUBECONFIGS, WITH_KUBECONFIGS]),
    ("1.35.4", SERVING, CA, [&[API, MANAGER, SCHEDULER, "kubelet", "kube-proxy"], WITH_KUBECONFIGS, &[API, MANAGER, SCHEDULER, "kubelet", "kube-proxy"]]),
    ("1.35.4", "", CA, [WITH_KUBECONFIGS, WITH_KUBECONFIGS, WITH_KUBECONFIGS]),
    // The kubelet renews its own pair: only what it believes is in its kubelet.conf, and promote changes but
    // the order of that.
    ("1.36.2", "client=\"self-rotated\"", CA, [WITH_KUBECONFIGS, &[MANAGER, SCHEDULER, "kube-proxy"], WITH_KUBECONFIGS]),
    // etcd and `--etcd-cafile` never read their CAs again; leaves are read at each handshake.
    ("1.36.2", "", ETCD, [&["etcd", API], &[], &["etcd", API]]),
    ("1.34.2", "", ETCD, [&["etcd", API], &[], &["etcd", API]]),
    // Read again in less than a second, CA and client.
    ("1.36.2", "", FRONT, [&[], &[], &[]]),
    ("1.34.2", "", FRONT, [&[], &[], &[]]),
    // The API server reads public keys once; promote gives both signers another key.
    ("1.36.2", "", TOKENS, [&[API], &[API, MANAGER], &[API]]),
    ("1.34.2", "", TOKENS, [&[API], &[API, MANAGER], &[API]]),
];

fn pairs(processes: &[&str]) -> BTreeSet<(String, String)> {
    let on = |process: &&str| {
        let process = (*process).to_owned();
        let nodes = on_nodes(&process).iter();
        nodes.map(move |node| (process.clone(), (*node).to_owned())).collect::<Vec<_>>()
    };
    processes.iter().flat_map(on).collect()
}

#[test]
fn exactly_those_restart_that_read_once() {
    for (version, kubelet, root, expected) in TABLE {
        let described = |keypairs: &str| description(version, kubelet, root, keypairs);
        let mut project = MemoryProject::applied(&described("keypair 1"));
        let disks = NODES.map(|_| MemoryDisk::new());
        let install = |project: &MemoryProject| -> BTreeSet<(String, String)> {
            let nodes = NODES.iter().zip(&disks);
            let each = nodes.flat_map(|(node, disk)| {
                let restarted = run(project, &node.parse().unwrap(), disk).restarted.into_iter();
                restarted.map(|(what, _)| (what.to_owned(), (*node).to_owned()))
            });
            each.collect()
        };
        install(&project);
        for ((stage, keypairs), expected) in STAGES.iter().zip(expected) {
            project.description = described(keypairs);
            let allow: Vec<Allow> = vec![format!("{stage}:{root}").parse().unwrap()];
            let intent = Intent { allow, all: true, ..Intent::default() };
            let planned = project.plan_with(&intent);
            let told = planned.plan.restarts.iter();
            let told: BTreeSet<(String, String)> =
                told.map(|one| (one.what().to_owned(), one.node.to_string())).collect();
            assert_eq!(told, pairs(expected), "{version} {kubelet} {root} {stage}");
            // The annotation is what makes the kubelet replace a pod: it changes for those and for no other.
            let before = annotations(&project);
            project.apply_with(&intent, true).unwrap();
            let after = annotations(&project);
            let changed = before.iter().filter(|line| !after.contains(*line));
            let changed: BTreeSet<(String, String)> =
                changed.map(|(process, node, _)| (process.clone(), node.clone())).collect();
            let is_pod = |(process, _): &&(String, String)| {
                !process.starts_with("kube-proxy") && process != "kubelet"
            };
            let pods: BTreeSet<(String, String)> = told.iter().filter(is_pod).cloned().collect();
            assert_eq!(changed, pods, "{version} {kubelet} {root} {stage}");
            // And `install` says so of each node, by what lies there.
            assert_eq!(install(&project), told, "{version} {kubelet} {root} {stage}");
            assert_eq!(project.plan().plan.restarts.len(), 0, "{root} {stage}");
        }
    }
}

/// Process, node and the whole manifest of each static pod.
fn annotations(project: &MemoryProject) -> BTreeSet<(String, String, Vec<u8>)> {
    let manifests = project.out.iter().filter_map(|(path, (bytes, _))| {
        let (node, file) = path.strip_prefix("nodes/")?.split_once("/etc/kubernetes/manifests/")?;
        Some((file.strip_suffix(".yaml")?.to_owned(), node.to_owned(), bytes.clone()))
    });
    manifests.collect()
}
