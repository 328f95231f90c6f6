//! An etcd of several members with mutual TLS between members and towards clients, straight from out/:
//! started by the command lines of its static pods.

mod manifest;
mod members;
mod rotation;

use members::{Etcd, Identity};

use crate::testkit::FolderProject;

/// examples/external-etcd on addresses of this machine. Debian's etcd is 3.4: it knows every flag that
/// kubeadm gives to the etcd of 1.33, and not those of 1.34's.
const DESCRIPTION: &str = r#"
cluster "ext" { kubernetes "1.33"; endpoint "api.ext.example.com:6443"; }
component "etcd" topology="external"
node "etcd1" role="etcd" address="127.0.0.11"
node "etcd2" role="etcd" address="127.0.0.12"
node "etcd3" role="etcd" address="127.0.0.13"
node "cp1" role="control-plane" address="127.0.0.10"
"#;
const MEMBERS: [(&str, &str); 3] =
    [("etcd1", "127.0.0.11"), ("etcd2", "127.0.0.12"), ("etcd3", "127.0.0.13")];

#[test]
fn three_members_serve_their_clients_and_refuse_strangers() {
    let project = FolderProject::described(DESCRIPTION).applied();
    let stranger = FolderProject::described(DESCRIPTION).applied();
    let mut etcd = Etcd::new(&MEMBERS);
    for (name, _) in MEMBERS {
        etcd.start(&project, name);
    }
    let client = Identity::of(&project, "cp1", "pki/apiserver-etcd-client");
    etcd.wait_until_healthy(&client);

    etcd.lists_its_members(&client);
    etcd.probes_need_no_certificate();

    // What one member takes, another gives.
    assert_eq!(etcd.done(&["127.0.0.11"], &client, &["put", "/registry/x", "seen"]), "OK\n");
    let health = Identity::of(&project, "etcd3", "pki/etcd/healthcheck-client");
    let read = ["get", "/registry/x", "--print-value-only"];
    assert_eq!(etcd.done(&["127.0.0.13"], &health, &read), "seen\n");

    etcd.peers_come_from_named_addresses(&project);

    // A client of the same name that another CA signed; it trusts the right CA, so the server decides.
    let forged = Identity {
        ca: client.ca.clone(),
        ..Identity::of(&stranger, "cp1", "pki/apiserver-etcd-client")
    };
    // The cluster CA's clients are nobody to etcd.
    let of_another_ca = Identity {
        ca: client.ca.clone(),
        ..Identity::of(&project, "cp1", "pki/apiserver-kubelet-client")
    };
    let nobody = Identity { pair: None, ca: client.ca.clone() };
    // A client that trusts another cluster's etcd CA does not talk to this one.
    let misled = Identity {
        ca: stranger.on_node("cp1", "pki/etcd/ca.crt"),
        ..Identity::of(&project, "cp1", "pki/apiserver-etcd-client")
    };
    // etcdctl tries again until its time is up: let them wait together.
    let (etcd, misled) = (&etcd, &misled);
    let unknown = "certificate signed by unknown authority";
    std::thread::scope(|scope| {
        scope.spawn(|| etcd.refuses(MEMBERS[0], &forged, unknown));
        scope.spawn(|| etcd.refuses(MEMBERS[1], &of_another_ca, unknown));
        scope.spawn(|| etcd.refuses(MEMBERS[2], &nobody, "client didn't provide a certificate"));
        // etcdctl keeps its reason to itself, but tells it to the member.
        let told = "remote error: tls: bad certificate";
        scope.spawn(move || etcd.refuses(MEMBERS[0], misled, told));
    });
    // And none of that harmed the cluster.
    assert_eq!(etcd.done(&["127.0.0.12"], &client, &read), "seen\n");
}

/// A stacked etcd that grows as the plan says.
const STACKED: &str = r#"
cluster "lab" { kubernetes "1.33"; endpoint "api.lab.example.com:6443"; }
node "cp1" role="control-plane" address="127.0.0.21"
node "cp2" role="control-plane" address="127.0.0.22"
"#;
const LATER: &str = r#"node "cp3" role="control-plane" address="127.0.0.23""#;

#[test]
fn a_later_member_joins_by_its_own_manifest() {
    let project = FolderProject::described(STACKED).applied();
    let mut etcd =
        Etcd::new(&[("cp1", "127.0.0.21"), ("cp2", "127.0.0.22"), ("cp3", "127.0.0.23")]);
    for name in ["cp1", "cp2"] {
        etcd.start(&project, name);
    }
    let client = Identity::of(&project, "cp1", "pki/apiserver-etcd-client");
    etcd.wait_until_healthy(&client);
    // The API server's way to the member beside it.
    let pod = project.read("nodes/cp1/etc/kubernetes/manifests/kube-apiserver.yaml");
    let servers = pod.lines().find_map(|line| line.split_once("--etcd-servers="));
    let beside = etcd.ports.moved(servers.unwrap().1, etcd.index("cp1"));
    let put = ["put", "/registry/x", "seen"];
    let output = client.etcdctl(&beside, &put);
    assert_eq!(etcd.succeeded(output, &put), "OK\n");

    let before = project.read("nodes/cp1/etc/kubernetes/manifests/etcd.yaml");
    let description = format!("{STACKED}{LATER}\n");
    project.describe(&description);
    let plan = project.json(&["plan"]);
    let order = plan["etcd-members"][0]["command"].as_str().unwrap();
    let order = etcd.ports.moved(order, etcd.index("cp3"));
    let order: Vec<&str> = order.strip_prefix("etcdctl ").unwrap().split(' ').collect();
    etcd.ordered("127.0.0.21", &client, &order);
    let project = project.applied_with(&["--allow", "escalation:cp3"]);
    etcd.start(&project, "cp3");
    etcd.wait_until_healthy(&client);
    etcd.lists_its_members(&client);
    let read = ["get", "/registry/x", "--print-value-only"];
    assert_eq!(etcd.done(&["127.0.0.23"], &client, &read), "seen\n");
    let after = project.read("nodes/cp1/etc/kubernetes/manifests/etcd.yaml");
    assert_eq!(before, after, "a running member would restart");
}

/// A cluster of one, whose etcd is dialled where it is.
fn seen_of_one(address: &'static str, change: impl FnOnce(&FolderProject)) -> serde_json::Value {
    let alone = format!(
        "cluster \"live\" {{ kubernetes \"1.33\"; }}\nnode \"cp1\" role=\"control-plane\" address=\"{address}\"\n"
    );
    let project = FolderProject::described(&alone).applied();
    change(&project);
    let mut etcd = Etcd::new(&[("cp1", address)]);
    etcd.start(&project, "cp1");
    let (port, peer) = (etcd.ports.client, etcd.ports.peer);
    for port in [port, peer] {
        etcd.wait_until_it_listens(address, port);
    }
    project.describe(&format!(
        "{alone}component \"etcd\" {{\n  flag \"advertise-client-urls\" \"https://{address}:{port}\"\n  \
         flag \"initial-advertise-peer-urls\" \"https://{address}:{peer}\"\n}}\n"
    ));
    let output = project.typed("verify --live --format json").output().unwrap();
    // Nothing else of the node runs.
    assert_eq!(output.status.code(), Some(1));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn of<'v>(report: &'v serde_json::Value, service: &str) -> &'v serde_json::Value {
    let all = report["addresses"].as_array().unwrap();
    all.iter().find(|one| one["service"] == service).unwrap()
}

#[test]
fn verify_live_sees_that_a_member_lets_in_its_ca_and_no_stranger() {
    let report = seen_of_one("127.0.0.31", |_| {});
    for (service, artifact) in [("etcd", "etcd-server"), ("etcd-peer", "etcd-peer")] {
        let one = of(&report, service);
        assert_eq!(one["faults"], serde_json::json!([]), "{one:#}");
        assert_eq!(one["served"]["artifact"], format!("nodes/cp1/{artifact}"));
        assert_eq!(one["clients"][0]["signed-by"], "ca/etcd");
        assert_eq!(one["clients"][0]["are"], "accepted", "{one:#}");
    }
}

/// Its own file of trust has another CA: of another name, or of the same one and with another key.
#[test]
fn verify_live_sees_that_a_member_trusts_another_ca() {
    let stranger = FolderProject::described(DESCRIPTION).applied();
    for (address, other) in [("127.0.0.32", "ca/kubernetes.crt"), ("127.0.0.33", "ca/etcd.crt")] {
        let other = std::fs::read(stranger.out(other)).unwrap();
        let report = seen_of_one(address, |project| {
            std::fs::write(project.on_node("cp1", "pki/etcd/ca.crt"), &other).unwrap();
        });
        for service in ["etcd", "etcd-peer"] {
            let one = of(&report, service);
            assert_eq!(one["clients"][0]["are"], "refused", "{one:#}");
            assert_eq!(one["faults"][0]["kind"], "clients-refused");
        }
    }
}
