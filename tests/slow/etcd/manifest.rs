//! A member's command line, out of its static pod and onto this machine.

use std::net::TcpListener;
use std::path::Path;

/// The flags of kpki's own manifest that must name something else than on a machine of the member's own:
/// files below /etc/kubernetes and /var/lib/etcd, and ports. Addresses stay, and so does every other flag.
const MOVED: [&str; 13] = [
    "advertise-client-urls",
    "cert-file",
    "data-dir",
    "initial-advertise-peer-urls",
    "initial-cluster",
    "key-file",
    "listen-client-urls",
    "listen-metrics-urls",
    "listen-peer-urls",
    "peer-cert-file",
    "peer-key-file",
    "peer-trusted-ca-file",
    "trusted-ca-file",
];

/// The ports that stand for etcd's own. Other members, of other tests too, share this machine; and all
/// members share the one 127.0.0.1.
pub struct Ports {
    pub client: u16,
    pub peer: u16,
    /// Each member's own, on 127.0.0.1.
    pub loopback: Vec<u16>,
    pub metrics: Vec<u16>,
}

impl Ports {
    pub fn free(addresses: &[&str]) -> Self {
        let mut held = Vec::new();
        let mut on_all = |addresses: &[&str]| {
            loop {
                let first = TcpListener::bind("127.0.0.10:0").unwrap();
                let port = first.local_addr().unwrap().port();
                let bind = |address: &&str| TcpListener::bind((*address, port));
                if let Ok(listeners) = addresses.iter().map(bind).collect::<Result<Vec<_>, _>>() {
                    held.push((first, listeners));
                    return port;
                }
            }
        };
        Ports {
            client: on_all(addresses),
            peer: on_all(addresses),
            loopback: addresses.iter().map(|_| on_all(&["127.0.0.1"])).collect(),
            metrics: addresses.iter().map(|_| on_all(&["127.0.0.1"])).collect(),
        }
    }

    /// The URLs of a member's flags, or of an order to etcd.
    pub fn moved(&self, urls: &str, member: usize) -> String {
        urls.replace("//127.0.0.1:2379", &format!("//127.0.0.1:{}", self.loopback[member]))
            .replace("//127.0.0.1:2381", &format!("//127.0.0.1:{}", self.metrics[member]))
            .replace(":2379", &format!(":{}", self.client))
            .replace(":2380", &format!(":{}", self.peer))
    }
}

/// The member's flags; `kubernetes` stands for its /etc/kubernetes. The manifest is read as YAML by a reader
/// that knows nothing of kpki.
pub fn flags(kubernetes: &Path, member: usize, ports: &Ports, data: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(kubernetes.join("manifests/etcd.yaml")).unwrap();
    let pod: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let containers = pod["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1, "{text}");
    assert_eq!(containers[0].get("args"), None, "{text}");
    let command: Vec<&str> = containers[0]["command"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    let (binary, written) = command.split_first().unwrap();
    assert_eq!(*binary, "etcd");
    let kubernetes = format!("{}/", kubernetes.display());
    let data = data.display().to_string();
    let flags: Vec<String> = written
        .iter()
        .map(|flag| {
            let (name, value) = flag.split_once('=').unwrap();
            let value = match value {
                "/var/lib/etcd" => data.clone(),
                path if path.starts_with("/etc/kubernetes/") => {
                    path.replacen("/etc/kubernetes/", &kubernetes, 1)
                }
                other => ports.moved(other, member),
            };
            format!("{name}={value}")
        })
        .collect();
    let moved: Vec<&str> = written
        .iter()
        .zip(&flags)
        .filter(|(written, used)| **written != used.as_str())
        .map(|(written, _)| written.split_once('=').unwrap().0)
        .collect();
    assert_eq!(moved, MOVED.map(|name| format!("--{name}")));
    flags
}
