//! What is dialled of a cluster: one row for each port that shows a certificate.
//!
//! Sources: Kubernetes' page "Ports and Protocols"; the handlers of `/version`, `/healthz` and
//! `/openid/v1/jwks` in k8s.io/apiserver and pkg/kubelet/server; etcd's api/etcdhttp (`/version` on both
//! ports).

use crate::profile::{APISERVER, ETCD_PEER, ETCD_SERVER, KUBELET_SERVER};
use crate::profile::{ETCD_CLIENT_PORT, ETCD_PEER_PORT, Hosts, LeafRow};

/// What answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Apiserver,
    /// What clients dial for the API servers; a load balancer may stand there.
    Endpoint,
    Etcd,
    EtcdPeer,
    Kubelet,
}

#[derive(Debug)]
pub struct ServiceRow {
    pub service: Service,
    pub hosts: Hosts,
    pub at: At,
    /// The certificate that it shows.
    pub leaf: &'static LeafRow,
    /// Answered without a right beyond being known.
    pub get: &'static str,
    pub refuses: Refuses,
}

/// Where it is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// On the API servers' port of each node.
    ApiPort,
    /// Once, whatever the nodes are.
    Endpoint,
    /// On each node at what this flag of etcd says, else at this port.
    Url {
        flag: &'static str,
        port: u16,
    },
    Port(u16),
}

/// How it shows that it does not take a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuses {
    /// It answers 401 (k8s.io/apiserver, authentication.go: one that does not verify makes the request fail,
    /// also where anonymous requests are allowed), and 200 or 403 to whom it knows.
    Unauthorized,
    /// It ends the handshake.
    Handshake,
    /// Nobody knows which of several servers answers.
    NotAsked,
}

/// `--port` of the kubelet; its default (kubelet config v1beta1).
const KUBELET_PORT: u16 = 10250;

const fn row(
    service: Service,
    hosts: Hosts,
    at: At,
    leaf: &'static LeafRow,
    get: &'static str,
    refuses: Refuses,
) -> ServiceRow {
    ServiceRow { service, hosts, at, leaf, get, refuses }
}

const fn url(flag: &'static str, port: u16) -> At {
    At::Url { flag, port }
}

use Hosts::{ControlPlane, EtcdMembers, Kubelets};
use Refuses::{Handshake, NotAsked, Unauthorized};

#[rustfmt::skip] // as in the table
pub const SERVICES: &[ServiceRow] = &[
    row(Service::Apiserver, ControlPlane, At::ApiPort, &APISERVER, "/version", Unauthorized),
    row(Service::Endpoint, ControlPlane, At::Endpoint, &APISERVER, "/version", NotAsked),
    row(Service::Etcd, EtcdMembers, url("advertise-client-urls", ETCD_CLIENT_PORT), &ETCD_SERVER, "/version", Handshake),
    row(Service::EtcdPeer, EtcdMembers, url("initial-advertise-peer-urls", ETCD_PEER_PORT), &ETCD_PEER, "/version", Handshake),
    row(Service::Kubelet, Kubelets, At::Port(KUBELET_PORT), &KUBELET_SERVER, "/healthz", Unauthorized),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Process, URL_FLAGS, UrlRole};
    use crate::spec::Usage;

    #[test]
    fn what_answers_is_a_server_and_a_flag_is_one_of_those_that_others_dial() {
        for row in SERVICES {
            assert!(row.leaf.usage != Usage::Client, "{row:?}");
            assert!(row.get.starts_with('/'), "{row:?}");
            if let At::Url { flag, .. } = row.at {
                let known = URL_FLAGS.iter().any(|known| {
                    (known.process, known.flag, known.role)
                        == (Process::Etcd, flag, UrlRole::Dialled)
                });
                assert!(known, "{flag}");
            }
        }
    }
}
