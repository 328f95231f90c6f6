//! What servers show that they should not.

use serde_json::json;

use super::cluster::{Cluster, DAY, ETCD, Wrong, clients, faults, of, other_ca, wrong_pair};
use super::servers::Tls;

#[test]
fn each_mistake_of_a_certificate_has_its_name() {
    let cluster = Cluster::new("");
    let own = cluster.authority("kubernetes");
    let address = cluster.address.to_string();
    let names = [address.as_str()];
    // The same name as the cluster's, another key.
    let other = other_ca("kubernetes");
    let right = Wrong { ca: &own, names: &names, from: -DAY, until: DAY };
    for (wrong, expected) in [
        (Wrong { ca: &own, ..right }, &[][..]),
        (Wrong { names: &["127.0.0.1", "kubernetes"], ..right }, &["wrong-name"]),
        (Wrong { names: &[], ..right }, &["wrong-name"]),
        (Wrong { from: -2 * DAY, until: -1, ..right }, &["expired"]),
        (Wrong { from: 3600, until: DAY, ..right }, &["not-yet-valid"]),
        (Wrong { ca: &other, ..right }, &["wrong-keypair"]),
        // All of it at once.
        (
            Wrong { ca: &other, names: &["a.lab"], from: -2 * DAY, until: -1 },
            &["wrong-keypair", "expired", "wrong-name"],
        ),
    ] {
        let cluster = Cluster { project: reopened(&cluster), address: cluster.address };
        let pair = wrong_pair(&wrong);
        let report = seen(&cluster, pair);
        assert_eq!(faults(&report, "apiserver"), expected, "{report:#}");
        assert_eq!(of(&report, "apiserver")["served"]["out"], json!("another"));
        let notes = of(&report, "apiserver")["notes"].to_string();
        assert!(notes.contains("not installed yet"), "{notes}");
        let proven = if expected.is_empty() { "accepted" } else { "not-proven" };
        let found = clients(&report, "apiserver");
        assert!(found.starts_with(&format!("ca/kubernetes: {proven}")), "{found}");
    }
}

fn reopened(cluster: &Cluster) -> crate::testkit::FolderProject {
    crate::testkit::FolderProject::at(cluster.project.folder())
}

/// A server for one look, on a port that the description names.
fn seen(cluster: &Cluster, pair: super::servers::Pair) -> serde_json::Value {
    use std::sync::atomic::{AtomicU16, Ordering};
    static PORT: AtomicU16 = AtomicU16::new(7000);
    let port = PORT.fetch_add(1, Ordering::Relaxed);
    let description = cluster.project.text("cluster.kdl");
    let described = description.lines().filter(|line| !line.contains("port="));
    let description = described.collect::<Vec<_>>().join("\n");
    let port_line = format!("\ncomponent \"apiserver\" port={port}\n");
    cluster.project.describe(&(description + &port_line));
    let tls = Tls { pair, ..cluster.kubernetes("pki/apiserver") };
    super::servers::start(cluster.address, port, tls);
    cluster.verify(&[]).1
}

#[test]
fn the_certificate_of_another_ca_of_the_cluster_is_told() {
    let cluster = Cluster::new("");
    let pair = cluster.pair("pki/etcd/server");
    cluster.start_api(|right| Tls { pair, ..right });
    let pair = cluster.pair("pki/apiserver");
    cluster.start_etcd(ETCD, |right| Tls { pair, ..right });
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 1);
    for (service, other) in [("apiserver", "ca/etcd"), ("etcd", "ca/kubernetes")] {
        assert_eq!(faults(&report, service), ["wrong-keypair"], "{report:#}");
        assert_eq!(of(&report, service)["served"]["signed-by"], json!(other));
        let text = of(&report, service)["faults"][0]["text"].to_string();
        assert!(text.contains(&format!("{other} signed it")), "{text}");
    }
}

/// A client's certificate is refused by every client (Go: x509.IncompatibleUsage).
#[test]
fn a_certificate_for_clients_serves_nobody() {
    let cluster = Cluster::new("");
    let pair = cluster.pair("pki/apiserver-kubelet-client");
    cluster.start_api(|right| Tls { pair, ..right });
    let (_, report) = cluster.verify(&[]);
    assert_eq!(faults(&report, "apiserver"), ["untrusted", "wrong-name"], "{report:#}");
}

/// kubeadm's default: the API server does not look at what a kubelet shows.
#[test]
fn a_kubelets_own_certificate_is_no_fault_and_proves_nothing() {
    let cluster = Cluster::new("");
    let description = cluster.project.text("cluster.kdl");
    cluster.project.describe(&description.replace("component \"kubelet\" serving=#true\n", ""));
    let own = other_ca("cp1-ca@1700000000");
    let pair = wrong_pair(&Wrong { ca: &own, names: &["cp1"], from: -9 * DAY, until: -DAY });
    cluster.start_kubelet(|right| Tls { pair, ..right });
    let (_, report) = cluster.verify(&[]);
    assert_eq!(faults(&report, "kubelet"), [""; 0], "{report:#}");
    let unproven = of(&report, "kubelet")["not-proven"].to_string();
    assert!(unproven.contains("who answers is not proven"), "{unproven}");
    assert_eq!(clients(&report, "kubelet"), "ca/kubernetes: accepted");
}
