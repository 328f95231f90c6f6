//! Who dials whom with a certificate of its own; kubeconfigs name their server themselves.

/// A client certificate's row and what it is shown to.
#[derive(Debug)]
pub struct DialRow {
    /// A row of [`LEAVES`](super::LEAVES).
    pub client: &'static str,
    /// The row of the serving certificate; `None`: never one of the cluster's own.
    pub server: Option<&'static str>,
    /// Who answers where there is no such certificate.
    pub otherwise: &'static str,
    pub what_for: &'static str,
}

pub const APISERVER: &str = "apiserver";

/// From the Kubernetes page "PKI certificates and requirements" and the flags of kubeadm's static pods.
pub const DIALS: &[DialRow] = &[
    DialRow {
        client: "apiserver-kubelet-client",
        server: Some("kubelet-server"),
        otherwise: "kubelets, with serving certificates of their own",
        what_for: "logs, exec, port-forward",
    },
    DialRow {
        client: "apiserver-etcd-client",
        server: Some("etcd-server"),
        otherwise: "etcd",
        what_for: "every object of the cluster",
    },
    DialRow {
        client: "etcd-healthcheck-client",
        server: Some("etcd-server"),
        otherwise: "etcd",
        what_for: "health checks, etcdctl",
    },
    DialRow {
        client: "etcd-peer",
        server: Some("etcd-peer"),
        otherwise: "etcd",
        what_for: "replication",
    },
    DialRow {
        client: "front-proxy-client",
        server: None,
        otherwise: "extension API servers",
        what_for: "requests in the name of users",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::LEAVES;
    use crate::spec::Usage;

    #[test]
    fn clients_are_clients_and_servers_servers_of_one_authority() {
        let row = |name: &str| LEAVES.iter().find(|row| row.name == name).unwrap();
        for dial in DIALS {
            let client = row(dial.client);
            assert_ne!(client.usage, Usage::Server, "{}", dial.client);
            if let Some(server) = dial.server.map(row) {
                assert_ne!(server.usage, Usage::Client, "{}", server.name);
                assert_eq!(client.issuer, server.issuer, "{}", dial.client);
            }
        }
        assert_eq!(row(APISERVER).usage, Usage::Server);
    }
}
