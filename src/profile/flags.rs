//! Every flag that kubeadm gives to the four processes, one row each; those that name a leaf's files are in
//! the leaf's row.
//!
//! Sources: kubeadm v1.36.2's real manifests; for etcd before 3.6, k/k#132838 and k/k#135701. Left out:
//! `--allocate-node-cidrs` and `--cluster-cidr`, which kubeadm writes only for a pod network that a user
//! configured.
//!
//! What a version does not set any more stays here, with [`When`]: a review takes a flag that no row has for
//! an operator's own.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

use super::placements::{CHAIN, SIGNING};
use super::{FRONT_PROXY_CLIENT_NAME, Home, KUBERNETES_FOLDER, LEAVES, LeafRow, Process, When};
use crate::version::Change;

/// One flag of one process.
#[derive(Debug, Clone, Copy)]
pub struct FlagRow {
    pub process: Process,
    /// Without its dashes.
    pub name: &'static str,
    pub from: FlagFrom,
    pub business: Business,
    /// All must hold.
    pub when: &'static [When],
    /// Instead of `from`, where there is that file.
    pub instead: Option<(OtherFile, FlagFrom)>,
}

/// A file of the cluster CA that not every cluster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFile {
    /// What clients believe of servers, where that is more than ca.crt.
    Chain,
    /// What the controller-manager signs with, where ca.crt has several certificates.
    Signing,
}

/// Whose a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Business {
    /// It names a file of the PKI: kpki sets it in an operator's manifest too, and reports what it changed.
    Own,
    /// Of kpki's own manifests; an operator's value stays, and is reported where one is wished.
    Default,
}

/// Where a flag's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagFrom {
    Fixed(&'static str),
    /// A file below the Kubernetes folder.
    File(&'static str),
    NodeName,
    NodeAddress,
    ClusterName,
    /// All service CIDRs, in their order.
    ServiceCidrs,
    /// The issuer of service-account tokens, from the DNS domain.
    Issuer,
    ApiPort,
    /// Where the API server finds etcd: on this node over loopback, or every member of an external one.
    EtcdServers,
    /// `https://NODE:PORT`
    EtcdUrl(u16),
    /// Loopback and the node's address.
    EtcdClientListen,
    /// Loopback in the clear: the kubelet's probes have no certificate.
    EtcdMetricsListen,
    /// Every member's name and peer URL.
    EtcdInitialCluster,
}

impl FlagFrom {
    /// Whether kpki can have written this value, for whatever node and description.
    fn could_be(self, value: &str) -> bool {
        let all = |is: fn(&str) -> bool| value.split(',').all(is);
        match self {
            Fixed(text) => value == text,
            FlagFrom::File(path) => value == format!("/{KUBERNETES_FOLDER}/{path}"),
            NodeName | ClusterName => !value.contains([',', ' ']),
            NodeAddress => value.parse::<IpAddr>().is_ok(),
            ServiceCidrs => all(|one| one.parse::<IpNet>().is_ok()),
            Issuer => {
                value.starts_with("https://kubernetes.default.svc.") && !value.contains([',', ' '])
            }
            ApiPort => value.parse::<u16>().is_ok(),
            EtcdServers => all(|one| one.starts_with("https://")),
            EtcdUrl(port) => {
                value.starts_with("https://")
                    && value.ends_with(&format!(":{port}"))
                    && !value.contains(',')
            }
            EtcdClientListen => {
                value.split(',').count() == 2 && all(|one| one.starts_with("https://"))
            }
            EtcdMetricsListen => {
                value == format!("http://127.0.0.1:{ETCD_METRICS_PORT}")
                    || value == format!("http://[::1]:{ETCD_METRICS_PORT}")
            }
            EtcdInitialCluster => all(|one| one.contains("=https://")),
        }
    }
}

pub const ETCD_CLIENT_PORT: u16 = 2379;
pub const ETCD_PEER_PORT: u16 = 2380;
pub const ETCD_METRICS_PORT: u16 = 2381;

const fn own(process: Process, name: &'static str, file: &'static str) -> FlagRow {
    FlagRow {
        process,
        name,
        from: FlagFrom::File(file),
        business: Business::Own,
        when: &[],
        instead: None,
    }
}

const fn default(process: Process, name: &'static str, from: FlagFrom) -> FlagRow {
    FlagRow { process, name, from, business: Business::Default, when: &[], instead: None }
}

impl FlagRow {
    const fn when(self, when: &'static [When]) -> FlagRow {
        FlagRow { when, ..self }
    }

    const fn instead(self, file: OtherFile, path: &'static str) -> FlagRow {
        FlagRow { instead: Some((file, FlagFrom::File(path))), ..self }
    }

    /// Where its value comes from, with these files besides the usual ones.
    pub fn from(&self, there: &[OtherFile]) -> FlagFrom {
        let instead = self.instead.filter(|(file, _)| there.contains(file));
        instead.map_or(self.from, |(_, from)| from)
    }

    /// Whether kpki can have written this value, for whatever node and description.
    pub fn could_be(&self, value: &str) -> bool {
        let instead = self.instead.map(|(_, from)| from);
        [Some(self.from), instead].into_iter().flatten().any(|from| from.could_be(value))
    }
}

use FlagFrom::{
    ApiPort, ClusterName, EtcdClientListen, EtcdInitialCluster, EtcdMetricsListen, EtcdServers,
    EtcdUrl, Fixed, Issuer, NodeAddress, NodeName, ServiceCidrs,
};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};

/// By process, then by name: the order of kubeadm's command lines.
pub static FLAGS: LazyLock<Vec<FlagRow>> = LazyLock::new(|| {
    let mut rows: Vec<FlagRow> =
        LEAVES.iter().flat_map(of_leaf).chain(OTHERS.iter().copied()).collect();
    rows.sort_by_key(|row| (row.process, row.name));
    rows
});

/// The flags that name a leaf's files.
fn of_leaf(row: &LeafRow) -> impl Iterator<Item = FlagRow> {
    let key = match row.home {
        Home::Pair { key, .. } => Some(key),
        Home::Kubeconfig { .. } => None,
    };
    row.told.into_iter().flat_map(move |told| {
        let certificate =
            told.certificate.iter().map(move |name| own(told.process, name, row.home.file()));
        let key = told.key.zip(key).map(|(name, key)| own(told.process, name, key));
        certificate.chain(key)
    })
}

#[rustfmt::skip] // one row, one line
const OTHERS: &[FlagRow] = &[
    default(ETCD, "advertise-client-urls", EtcdUrl(ETCD_CLIENT_PORT)),
    default(ETCD, "client-cert-auth", Fixed("true")),
    default(ETCD, "data-dir", Fixed("/var/lib/etcd")),
    default(ETCD, "experimental-initial-corrupt-check", Fixed("true")).when(&[When::Before(Change::Etcd36)]),
    default(ETCD, "experimental-watch-progress-notify-interval", Fixed("5s")).when(&[When::Before(Change::Etcd36)]),
    default(ETCD, "feature-gates", Fixed("InitialCorruptCheck=true")).when(&[When::Since(Change::Etcd36)]),
    default(ETCD, "initial-advertise-peer-urls", EtcdUrl(ETCD_PEER_PORT)),
    default(ETCD, "initial-cluster", EtcdInitialCluster),
    default(ETCD, "listen-client-urls", EtcdClientListen),
    default(ETCD, "listen-metrics-urls", EtcdMetricsListen),
    default(ETCD, "listen-peer-urls", EtcdUrl(ETCD_PEER_PORT)),
    default(ETCD, "name", NodeName),
    default(ETCD, "peer-client-cert-auth", Fixed("true")),
    own(ETCD, "peer-trusted-ca-file", "pki/etcd/ca.crt"),
    default(ETCD, "snapshot-count", Fixed("10000")),
    own(ETCD, "trusted-ca-file", "pki/etcd/ca.crt"),
    default(ETCD, "watch-progress-notify-interval", Fixed("5s")).when(&[When::Since(Change::Etcd36)]),

    default(API, "advertise-address", NodeAddress),
    default(API, "allow-privileged", Fixed("true")),
    default(API, "authorization-mode", Fixed("Node,RBAC")),
    own(API, "client-ca-file", "pki/ca.crt"),
    default(API, "enable-admission-plugins", Fixed("NodeRestriction")),
    default(API, "enable-bootstrap-token-auth", Fixed("true")),
    own(API, "etcd-cafile", "pki/etcd/ca.crt"),
    default(API, "etcd-servers", EtcdServers),
    own(API, "kubelet-certificate-authority", "pki/ca.crt").when(&[When::ServingKubelets]),
    default(API, "kubelet-preferred-address-types", Fixed("InternalIP,ExternalIP,Hostname")),
    default(API, "requestheader-allowed-names", Fixed(FRONT_PROXY_CLIENT_NAME)),
    own(API, "requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
    default(API, "requestheader-extra-headers-prefix", Fixed("X-Remote-Extra-")),
    default(API, "requestheader-group-headers", Fixed("X-Remote-Group")),
    default(API, "requestheader-username-headers", Fixed("X-Remote-User")),
    default(API, "secure-port", ApiPort),
    default(API, "service-account-issuer", Issuer),
    own(API, "service-account-key-file", "pki/sa.pub"),
    own(API, "service-account-signing-key-file", "pki/sa.key"),
    default(API, "service-cluster-ip-range", ServiceCidrs),

    default(CM, "bind-address", Fixed("127.0.0.1")),
    own(CM, "client-ca-file", "pki/ca.crt"),
    default(CM, "cluster-name", ClusterName),
    own(CM, "cluster-signing-cert-file", "pki/ca.crt").instead(OtherFile::Signing, SIGNING).when(&[When::ClusterCaKeyOnNodes]),
    own(CM, "cluster-signing-key-file", "pki/ca.key").when(&[When::ClusterCaKeyOnNodes]),
    default(CM, "controllers", Fixed("*,bootstrapsigner,tokencleaner")),
    default(CM, "leader-elect", Fixed("true")),
    own(CM, "requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
    own(CM, "root-ca-file", "pki/ca.crt").instead(OtherFile::Chain, CHAIN),
    own(CM, "service-account-private-key-file", "pki/sa.key"),
    default(CM, "service-cluster-ip-range", ServiceCidrs),
    default(CM, "use-service-account-credentials", Fixed("true")),

    default(SCHEDULER, "bind-address", Fixed("127.0.0.1")),
    default(SCHEDULER, "leader-elect", Fixed("true")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::own_files;
    use std::collections::BTreeSet;

    #[test]
    fn flags_are_sorted_and_unique() {
        for pair in FLAGS.windows(2) {
            let key = |row: &FlagRow| (row.process, row.name);
            assert!(key(&pair[0]) < key(&pair[1]), "{:?}", pair[1]);
        }
    }

    /// A flag is kpki's own business exactly if it names a file, and every such file is one that kpki places.
    #[test]
    fn own_flags_name_placed_files() {
        let configs = LEAVES.iter().map(|row| row.home.file());
        let placed: BTreeSet<_> = own_files().chain(configs).collect();
        for row in FLAGS.iter() {
            match row.from {
                FlagFrom::File(file) => {
                    assert_eq!(row.business, Business::Own, "{}", row.name);
                    assert!(placed.contains(file), "{file}");
                }
                _ => assert_eq!(row.business, Business::Default, "{}", row.name),
            }
        }
    }

    /// The readers of "Kubernetes PKI facts", copied by hand.
    #[test]
    fn every_reader_of_a_file_has_its_flag() {
        let expected = [
            (API, "client-ca-file", "pki/ca.crt"),
            (API, "etcd-cafile", "pki/etcd/ca.crt"),
            (API, "etcd-certfile", "pki/apiserver-etcd-client.crt"),
            (API, "etcd-keyfile", "pki/apiserver-etcd-client.key"),
            (API, "kubelet-certificate-authority", "pki/ca.crt"),
            (API, "kubelet-client-certificate", "pki/apiserver-kubelet-client.crt"),
            (API, "kubelet-client-key", "pki/apiserver-kubelet-client.key"),
            (API, "proxy-client-cert-file", "pki/front-proxy-client.crt"),
            (API, "proxy-client-key-file", "pki/front-proxy-client.key"),
            (API, "requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
            (API, "service-account-key-file", "pki/sa.pub"),
            (API, "service-account-signing-key-file", "pki/sa.key"),
            (API, "tls-cert-file", "pki/apiserver.crt"),
            (API, "tls-private-key-file", "pki/apiserver.key"),
            (CM, "authentication-kubeconfig", "controller-manager.conf"),
            (CM, "authorization-kubeconfig", "controller-manager.conf"),
            (CM, "client-ca-file", "pki/ca.crt"),
            (CM, "cluster-signing-cert-file", "pki/ca.crt"),
            (CM, "cluster-signing-key-file", "pki/ca.key"),
            (CM, "kubeconfig", "controller-manager.conf"),
            (CM, "requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
            (CM, "root-ca-file", "pki/ca.crt"),
            (CM, "service-account-private-key-file", "pki/sa.key"),
            (SCHEDULER, "authentication-kubeconfig", "scheduler.conf"),
            (SCHEDULER, "authorization-kubeconfig", "scheduler.conf"),
            (SCHEDULER, "kubeconfig", "scheduler.conf"),
            (ETCD, "cert-file", "pki/etcd/server.crt"),
            (ETCD, "key-file", "pki/etcd/server.key"),
            (ETCD, "peer-cert-file", "pki/etcd/peer.crt"),
            (ETCD, "peer-key-file", "pki/etcd/peer.key"),
            (ETCD, "peer-trusted-ca-file", "pki/etcd/ca.crt"),
            (ETCD, "trusted-ca-file", "pki/etcd/ca.crt"),
        ];
        let found: BTreeSet<_> = FLAGS
            .iter()
            .filter_map(|row| match row.from {
                FlagFrom::File(file) => Some((row.process, row.name, file)),
                _ => None,
            })
            .collect();
        assert_eq!(found, expected.into_iter().collect());
    }
}
