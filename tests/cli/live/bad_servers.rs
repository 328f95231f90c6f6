//! What answers is no server as described, or nothing answers: told by its kind, and in time.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::cluster::{API, Cluster, ETCD, KUBELET, PEER, faults, of};
use super::servers::{Tls, raw};
use crate::testkit::tool;

fn hello(stream: &mut TcpStream) {
    let mut start = [0; 64];
    drop(stream.read(&mut start));
}

#[test]
fn plain_http_another_protocol_a_hang_up_and_nobody_at_all() {
    let cluster = Cluster::new("");
    raw(cluster.address, API, |mut stream| {
        hello(&mut stream);
        // As Go's net/http and nginx answer a ClientHello.
        drop(stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n"));
    });
    raw(cluster.address, ETCD, |mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")));
    raw(cluster.address, PEER, |mut stream| hello(&mut stream));
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 1);
    for (service, kind) in [
        ("apiserver", "plain-http"),
        ("etcd", "no-tls"),
        ("etcd-peer", "handshake"),
        ("kubelet", "connection-refused"),
    ] {
        assert_eq!(faults(&report, service), [kind], "{report:#}");
        assert!(of(&report, service)["served"].is_null());
    }
}

/// A byte now and then keeps no limit from ending it.
#[test]
fn a_silent_server_and_one_that_dribbles_end_with_the_time_limit() {
    let cluster = Cluster::new("");
    let wait = |stream: TcpStream| {
        std::thread::sleep(Duration::from_mins(1));
        drop(stream);
    };
    raw(cluster.address, API, wait);
    // A record of the handshake that says that it has 16,000 bytes.
    raw(cluster.address, ETCD, |mut stream| {
        hello(&mut stream);
        drop(stream.write_all(&[22, 3, 3, 0x3e, 0x80]));
        while stream.write_all(&[2]).is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let began = Instant::now();
    let (code, report) = cluster.verify(&["--timeout", "2s"]);
    let took = began.elapsed();
    assert_eq!(code, 1);
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(8), "{took:?}");
    assert_eq!(faults(&report, "apiserver"), ["silent"], "{report:#}");
    assert_eq!(faults(&report, "etcd"), ["silent"], "{report:#}");
}

/// Over TLS it does not end either.
#[test]
fn an_answer_that_never_ends_proves_nothing() {
    let cluster = Cluster::new("");
    let pair = cluster.pair("pki/apiserver");
    let desk = crate::testkit::Desk::new();
    desk.put("a.crt", &pair.certificate);
    desk.put("a.key", &pair.key);
    // s_server without -www sends what it reads from its own standard input: nothing.
    let mut server = tool("openssl")
        .args(["s_server", "-quiet", "-accept", &format!("{}:{KUBELET}", cluster.address)])
        .arg("-cert")
        .arg(desk.path("a.crt"))
        .arg("-key")
        .arg(desk.path("a.key"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while TcpStream::connect((cluster.address, KUBELET)).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (code, report) = cluster.verify(&["--timeout", "4s"]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(code, 1, "the others are not there");
    // A certificate of the cluster for this address, though another one than the kubelet's.
    assert_eq!(faults(&report, "kubelet"), [""; 0], "{report:#}");
    let clients = super::cluster::clients(&report, "kubelet");
    assert!(clients.contains("not-proven") && clients.contains("unclear"), "{clients}");
}

#[test]
fn a_name_without_an_address_and_a_node_without_one() {
    let cluster = Cluster::new("node \"w1\" role=\"worker\"\n");
    let description = cluster.project.text("cluster.kdl");
    let description = description.replace(
        "kubernetes \"1.36.2\"",
        "kubernetes \"1.36.2\"; endpoint \"api.lab.invalid:6443\"",
    );
    cluster.project.describe(&description);
    cluster.start_api(|right| Tls { ..right });
    let (code, report) = cluster.verify(&[]);
    assert_eq!(code, 1);
    assert_eq!(faults(&report, "endpoint"), ["unresolved"], "{report:#}");
    let all = report["addresses"].as_array().unwrap();
    let worker = all.iter().find(|one| one["node"] == "w1").unwrap();
    assert!(worker["not-proven"].to_string().contains("no address"), "{worker:#}");
}

/// What the description or the operator's manifest says of etcd's URLs is dialled, and what cannot be read
/// is told.
#[test]
fn etcd_is_dialled_where_its_flags_say() {
    let cluster = Cluster::new("");
    let address = cluster.address;
    let moved = |value: &str| {
        cluster.project.describe(&format!(
            "cluster \"live\" {{ kubernetes \"1.36.2\" }}\nnode \"cp1\" role=\"control-plane\" address=\"{address}\"\n\
             component \"etcd\" {{ flag \"advertise-client-urls\" \"{value}\" }}\n"
        ));
    };
    moved(&format!("https://{address}:12379"));
    super::servers::start(address, 12379, cluster.etcd("pki/etcd/server"));
    let (_, report) = cluster.verify(&[]);
    assert_eq!(of(&report, "etcd")["address"], format!("{address}:12379"));
    assert_eq!(super::cluster::clients(&report, "etcd"), "ca/etcd: accepted", "{report:#}");
}
