//! A described control plane on an address of its own, the pairs that its servers show, and what kpki sees.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use kpki::facts::{DistinguishedName, certificate_pem, certificates_in_pem};
use kpki::keys::PrivateKey;
use kpki::spec::Usage;
use kpki::time::{Span, Timestamp};
use serde_json::Value;

use super::servers::{Pair, Says, Tls, Trusts, own_address, start};
use crate::testkit::{Authority, FolderProject, Wish, generate};
use kpki::algorithm::KeyAlgorithm;

pub const API: u16 = 6443;
pub const ETCD: u16 = 2379;
pub const PEER: u16 = 2380;
pub const KUBELET: u16 = 10250;

pub struct Cluster {
    pub project: FolderProject,
    pub address: IpAddr,
}

/// What a server may show that is not its own.
pub struct Wrong<'a> {
    pub ca: &'a Authority,
    pub names: &'a [&'a str],
    /// Seconds from now.
    pub from: i64,
    pub until: i64,
}

pub const DAY: i64 = 24 * 3600;

impl Cluster {
    /// One control-plane node, `cp1`, whose kubelet serves with a certificate of kpki's; nothing runs yet.
    pub fn new(more: &str) -> Cluster {
        Cluster::with(more, &[])
    }

    /// Applied with these words.
    pub fn with(more: &str, words: &[&str]) -> Cluster {
        let address = own_address();
        let project = FolderProject::described(&format!(
            "cluster \"live\" {{ kubernetes \"1.36.2\" }}\nnode \"cp1\" role=\"control-plane\" address=\"{address}\"\n\
             component \"kubelet\" serving=#true\n{more}"
        ));
        Cluster { project: project.applied_with(words), address }
    }

    pub fn pair(&self, stem: &str) -> Pair {
        let file = |end: &str| std::fs::read(self.project.on_node("cp1", &format!("{stem}.{end}")));
        Pair { certificate: file("crt").unwrap(), key: file("key").unwrap() }
    }

    pub fn ca(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.project.out(&format!("ca/{name}.crt"))).unwrap()
    }

    /// One of the cluster's own CAs, with its key.
    pub fn authority(&self, name: &str) -> Authority {
        let certificate = certificates_in_pem(&self.ca(name)).unwrap().remove(0);
        let key = std::fs::read(self.project.out(&format!("ca/{name}.key"))).unwrap();
        Authority::brought(certificate, PrivateKey::from_pem(&key).unwrap())
    }

    /// As it should be: an API server or kubelet.
    pub fn kubernetes(&self, stem: &str) -> Tls {
        Tls {
            pair: self.pair(stem),
            trusts: Trusts::Cas(vec![self.ca("kubernetes")]),
            says: Says::Unauthorized(200),
            keys: None,
            version: None,
        }
    }

    pub fn etcd(&self, stem: &str) -> Tls {
        Tls {
            pair: self.pair(stem),
            trusts: Trusts::Cas(vec![self.ca("etcd")]),
            says: Says::Alert,
            keys: None,
            version: None,
        }
    }

    pub fn start_api(&self, change: impl FnOnce(Tls) -> Tls) {
        start(self.address, API, change(self.kubernetes("pki/apiserver")));
    }

    pub fn start_kubelet(&self, change: impl FnOnce(Tls) -> Tls) {
        let kubelet = Tls { says: Says::Unauthorized(403), ..self.kubernetes("pki/kubelet") };
        start(self.address, KUBELET, change(kubelet));
    }

    pub fn start_etcd(&self, port: u16, change: impl FnOnce(Tls) -> Tls) {
        let stem = if port == ETCD { "pki/etcd/server" } else { "pki/etcd/peer" };
        start(self.address, port, change(self.etcd(stem)));
    }

    pub fn start_all(&self) {
        self.start_api(|right| right);
        self.start_kubelet(|right| right);
        self.start_etcd(ETCD, |right| right);
        self.start_etcd(PEER, |right| right);
    }

    /// The exit code, and what is seen, by service.
    pub fn verify(&self, more: &[&str]) -> (i32, Value) {
        let words = [&["verify", "--live", "--format", "json"], more].concat();
        let output = self.project.kpki(&words);
        let text = String::from_utf8(output.stdout).unwrap();
        let report = serde_json::from_str(&text);
        let said = String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), report.unwrap_or_else(|why| panic!("{why}: {text}{said}")))
    }
}

pub fn wrong_pair(wrong: &Wrong<'_>) -> Pair {
    let key = generate(KeyAlgorithm::EcdsaP256);
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    let now = now.unwrap();
    let subject = DistinguishedName::new([], Some("kube-apiserver"));
    let wish = Wish {
        not_before: Timestamp::from_unix(now + wrong.from),
        not_after: Timestamp::from_unix(now + wrong.until),
        ..Wish::leaf(subject, Usage::ServerAndClient, wrong.names)
    };
    let certificate = certificate_pem(&wrong.ca.issue(&wish, &key)).into_bytes();
    Pair { certificate, key: key.to_pem().expose().to_vec() }
}

/// A CA that is not the cluster's, whatever its name.
pub fn other_ca(name: &str) -> Authority {
    let mut ca = Authority::new(name, KeyAlgorithm::EcdsaP256);
    let wish = Wish {
        subject: ca.subject.clone(),
        purpose: kpki::build::certificate::Purpose::Authority,
        sans: std::collections::BTreeSet::new(),
        not_before: Timestamp::from_unix(1_700_000_000),
        not_after: Timestamp::from_unix(1_700_000_000).plus(Span::days(36500)),
    };
    ca.certificate = ca.issue(&wish, &ca.key);
    ca
}

/// What is said of the one address of a service.
pub fn of<'v>(report: &'v Value, service: &str) -> &'v Value {
    let all = report["addresses"].as_array().unwrap();
    let mut found = all.iter().filter(|one| one["service"] == service);
    let first = found.next().unwrap_or_else(|| panic!("no {service}: {report:#}"));
    assert!(found.next().is_none(), "{service} twice");
    first
}

/// The kinds of the faults there.
pub fn faults(report: &Value, service: &str) -> Vec<String> {
    let faults = of(report, service)["faults"].as_array().unwrap();
    faults.iter().map(|fault| fault["kind"].as_str().unwrap().to_owned()).collect()
}

/// What becomes of clients of the one keypair there, with the reason.
pub fn clients(report: &Value, service: &str) -> String {
    let clients = of(report, service)["clients"].as_array().unwrap();
    let words = clients.iter().map(|one| {
        let why = one["why"].as_str().map(|why| format!(" {why}")).unwrap_or_default();
        format!("{}: {}{why}", one["signed-by"].as_str().unwrap(), one["are"].as_str().unwrap())
    });
    words.collect::<Vec<_>>().join("; ")
}
