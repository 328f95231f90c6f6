//! Whose clients are let in: proven by one of the right CA and one of no CA at all.

use std::process::{Child, Stdio};
use std::time::Duration;

use kpki::facts::certificate_pem;

use super::cluster::{API, Cluster, ETCD, PEER, clients, faults, other_ca};
use super::servers::{Tls, Trusts};
use crate::testkit::api_server::ApiServer;
use crate::testkit::{Desk, age, tool};

#[test]
fn a_server_that_trusts_another_ca_is_a_fault() {
    let cluster = Cluster::new("");
    let other = certificate_pem(&other_ca("kubernetes").certificate).into_bytes();
    let trusts = Trusts::Cas(vec![other]);
    let strange = |right: Tls| Tls { trusts: trusts.clone(), ..right };
    cluster.start_api(strange);
    cluster.start_kubelet(strange);
    cluster.start_etcd(ETCD, strange);
    cluster
        .start_etcd(PEER, |right| Tls { version: Some(&rustls::version::TLS12), ..strange(right) });
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 1);
    for service in ["apiserver", "kubelet", "etcd", "etcd-peer"] {
        assert_eq!(faults(&report, service), ["clients-refused"], "{report:#}");
    }
}

#[test]
fn a_server_that_takes_anybody_proves_nothing() {
    let cluster = Cluster::new("");
    let anybody = |right: Tls| Tls { trusts: Trusts::Anybody, ..right };
    cluster.start_api(anybody);
    cluster.start_kubelet(anybody);
    cluster.start_etcd(ETCD, anybody);
    cluster
        .start_etcd(PEER, |right| Tls { version: Some(&rustls::version::TLS12), ..anybody(right) });
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 4, "{report:#}");
    for service in ["apiserver", "kubelet", "etcd", "etcd-peer"] {
        let found = clients(&report, service);
        assert!(found.contains("not-proven") && found.contains("is taken, too"), "{found}");
    }
}

#[test]
fn with_tls_1_2_the_same_is_seen() {
    let cluster = Cluster::new("");
    let older = |right: Tls| Tls { version: Some(&rustls::version::TLS12), ..right };
    cluster.start_api(older);
    cluster.start_kubelet(older);
    cluster.start_etcd(ETCD, older);
    cluster.start_etcd(PEER, older);
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 4, "{report:#}");
    for (service, ca) in [("apiserver", "kubernetes"), ("etcd", "etcd"), ("kubelet", "kubernetes")]
    {
        assert_eq!(clients(&report, service), format!("ca/{ca}: accepted"));
    }
}

#[test]
fn without_the_cas_key_nothing_is_proven_of_clients() {
    let cluster = Cluster::new("");
    cluster.start_all();
    for name in ["kubernetes", "etcd"] {
        std::fs::remove_file(cluster.project.out(&format!("ca/{name}.key"))).unwrap();
    }
    // Copies on nodes count, too.
    for entry in cluster.project.entries() {
        if entry.path.ends_with("/ca.key") {
            std::fs::remove_file(cluster.project.out(&entry.path)).unwrap();
        }
    }
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 4, "{report:#}");
    for (service, ca) in [("apiserver", "kubernetes"), ("etcd", "etcd")] {
        let found = clients(&report, service);
        assert_eq!(found, format!("ca/{ca}: not-proven the key of ca/{ca} is not here"));
    }
}

#[test]
fn a_sealed_key_is_opened_by_its_identity_alone() {
    let key = age::Key::age();
    let cluster = Cluster::new(&format!("secrets {{ recipient \"{}\" }}\n", key.recipient));
    // The servers' own keys are sealed, too: they get them opened.
    let opened = |stem: &str| {
        let file = |end: &str| cluster.project.on_node("cp1", &format!("{stem}.{end}"));
        let mut open = tool("age");
        open.arg("-d").arg("-i").arg(key.file()).arg(file("key.age"));
        super::servers::Pair {
            certificate: std::fs::read(file("crt")).unwrap(),
            key: crate::testkit::printed(&mut open).into_bytes(),
        }
    };
    let tls = Tls {
        pair: opened("pki/apiserver"),
        trusts: Trusts::Cas(vec![cluster.ca("kubernetes")]),
        says: super::servers::Says::Unauthorized(200),
        keys: None,
        version: None,
    };
    super::servers::start(cluster.address, API, tls);
    let (_, report) = cluster.verify(&[]);
    let found = clients(&report, "apiserver");
    assert!(found.contains("not-proven") && found.contains("no identity was given"), "{found}");
    let identity = key.file();
    let (_, report) = cluster.verify(&["--identity", identity.to_str().unwrap()]);
    assert_eq!(clients(&report, "apiserver"), "ca/kubernetes: accepted", "{report:#}");
}

/// What a server sees of it: a name that nobody gives a right, no group, some minutes.
#[test]
fn the_client_that_is_tried_has_no_right_and_a_short_life() {
    let cluster = Cluster::new("");
    let listener = std::net::TcpListener::bind((cluster.address, API)).unwrap();
    let server = ApiServer::start(listener, &cluster.project);
    let (_, report) = cluster.verify(&[]);
    assert_eq!(clients(&report, "apiserver"), "ca/kubernetes: accepted", "{report:#}");
    // The stranger does not get that far.
    let der = (0..9).find_map(|_| server.next().ok()).unwrap();
    let desk = Desk::new();
    desk.put("client.der", der);
    let text = desk.openssl("x509 -inform DER -in client.der -noout -text -nameopt RFC2253");
    assert!(text.contains("Subject: CN=kpki-verify-live\n"), "{text}");
    assert!(text.contains("TLS Web Client Authentication\n"), "{text}");
    for word in ["Server Authentication", "Subject Alternative Name", "CA:TRUE"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let (ends, _) = desk.try_openssl("x509 -inform DER -in client.der -noout -checkend 1200");
    assert!(!ends, "it lives for more than 20 minutes");
    assert_eq!(report["probe"]["common-name"], "kpki-verify-live");
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `-Verify` demands a client's certificate, of a CA in the file.
fn openssl_serves(cluster: &Cluster, port: u16, ca: &[u8], version: &str) -> (Desk, Ended) {
    let desk = Desk::new();
    let pair = cluster.pair(if port == ETCD { "pki/etcd/server" } else { "pki/etcd/peer" });
    for (name, bytes) in [("a.crt", &pair.certificate[..]), ("a.key", &pair.key), ("ca.crt", ca)] {
        desk.put(name, bytes);
    }
    let mut server = tool("openssl");
    server.current_dir(desk.path("")).args(["s_server", "-www", version, "-verify_return_error"]);
    server.args(["-Verify", "1", "-cert", "a.crt", "-key", "a.key", "-CAfile", "ca.crt"]);
    server.args(["-accept", &format!("{}:{port}", cluster.address)]);
    let server = server.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    let server = Ended(server.spawn().unwrap());
    while std::net::TcpStream::connect((cluster.address, port)).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    (desk, server)
}

/// Another implementation on the other side.
#[test]
fn openssl_takes_a_client_of_its_ca_and_refuses_the_stranger() {
    let cluster = Cluster::new("");
    let own = cluster.ca("etcd");
    let other = certificate_pem(&other_ca("etcd-ca").certificate).into_bytes();
    let _right = openssl_serves(&cluster, ETCD, &own, "-tls1_3");
    let _older = openssl_serves(&cluster, PEER, &own, "-tls1_2");
    let (_, report) = cluster.verify(&[]);
    for service in ["etcd", "etcd-peer"] {
        assert_eq!(clients(&report, service), "ca/etcd: accepted", "{report:#}");
    }
    let cluster = Cluster::new("");
    let _strange = openssl_serves(&cluster, ETCD, &other, "-tls1_3");
    let _older = openssl_serves(&cluster, PEER, &other, "-tls1_2");
    let (_, report) = cluster.verify(&[]);
    for service in ["etcd", "etcd-peer"] {
        assert_eq!(faults(&report, service), ["clients-refused"], "{report:#}");
    }
}
