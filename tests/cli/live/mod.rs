//! `kpki verify --live` against servers with real TLS. Which alert, which status and which certificate mean
//! what is Go's, Kubernetes' and etcd's matter; tests/slow has a real etcd.

mod bad_servers;
mod certificates;
mod cluster;
mod keypairs;
mod servers;
mod token_keys;
mod trusted_clients;

use serde_json::json;

use crate::testkit::json_schema::Validator;
use crate::testkit::{contents, ended};
use cluster::{API, Cluster, ETCD, KUBELET, PEER, clients, of};

#[test]
fn a_right_cluster_has_no_fault_and_its_dialers_stay_unproven() {
    let cluster = Cluster::new("");
    cluster.start_all();
    let before = contents(cluster.project.folder());
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 4, "{report:#}");
    assert_eq!(before, contents(cluster.project.folder()), "something was written");
    assert_eq!(Validator::of("live").errors(&report), Vec::<String>::new());
    let address = cluster.address;
    for (service, port, signed_by, artifact) in [
        ("apiserver", API, "ca/kubernetes", "nodes/cp1/apiserver"),
        ("etcd", ETCD, "ca/etcd", "nodes/cp1/etcd-server"),
        ("etcd-peer", PEER, "ca/etcd", "nodes/cp1/etcd-peer"),
        ("kubelet", KUBELET, "ca/kubernetes", "nodes/cp1/kubelet-server"),
    ] {
        let one = of(&report, service);
        assert_eq!(one["address"], json!(format!("{address}:{port}")));
        assert_eq!(one["served"]["signed-by"], json!(signed_by));
        assert_eq!(one["served"]["artifact"], json!(artifact));
        assert_eq!(one["faults"], json!([]));
        assert_eq!(clients(&report, service), format!("{signed_by}: accepted"), "{service}");
        let sans = one["served"]["sans"].as_array().unwrap();
        assert!(sans.contains(&json!(address.to_string())), "{sans:?}");
    }
    // The endpoint is the same address.
    assert_eq!(report["addresses"].as_array().unwrap().len(), 4);
    // The dialers, and the service-account keys, which are not for everybody.
    assert_eq!(report["not-proven"], json!(2), "{report:#}");
    let print = cluster.project.openssl(
        "x509 -noout -fingerprint -sha256 -in out/nodes/cp1/etc/kubernetes/pki/apiserver.crt",
    );
    let print = print.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    assert_eq!(of(&report, "apiserver")["served"]["sha256"], json!(print));
}

#[test]
fn a_person_reads_it_in_eighty_columns_without_colour() {
    let cluster = Cluster::new("");
    cluster.start_all();
    let mut command = cluster.project.typed("verify --live");
    let output = command.env("COLUMNS", "80").env("NO_COLOR", "1").output().unwrap();
    ended(&output, 4);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        &format!("API server cp1 {}:6443 serves CN=kube-apiserver until ", cluster.address),
        "signed by ca/kubernetes, as in out/",
        "clients of ca/etcd: accepted; one of an unknown CA is not",
        "made in memory and never written: CN=kpki-verify-live, no group, no rights",
        "no fault at 4 addresses, 2 not proven",
    ] {
        assert!(words.contains(part), "{part}\n{text}");
    }
}

#[test]
fn what_cannot_be_meant_together_is_a_mistake() {
    let cluster = Cluster::new("");
    for words in [
        "verify --live out",
        "verify --live --now 2030-01-01",
        "verify --timeout 3s",
        "verify --live --timeout soon",
    ] {
        ended(&cluster.project.typed(words).output().unwrap(), 64);
    }
    std::fs::remove_dir_all(cluster.project.path("out")).unwrap();
    let output = cluster.project.typed("verify --live").output().unwrap();
    ended(&output, 1);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("out/ has no certificate of ca/kubernetes"), "{said}");
}
