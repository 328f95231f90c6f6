//! Every leaf certificate of a cluster: one row says everything about it.
//!
//! Who shows what to whom is from the Kubernetes page "PKI certificates and requirements" and the flags of
//! kubeadm's static pods.

use super::{CommonNameFrom, Home, Hosts, Input, Process, Reader, SanFrom, ServerFrom, When};
use crate::spec::{CaName, Component, Usage};
use crate::version::{Change, KubernetesVersion};

/// One leaf certificate, per node that hosts it.
#[derive(Debug)]
pub struct LeafRow {
    /// Last segment of the artifact's name: `nodes/cp1/NAME`.
    pub name: &'static str,
    pub component: Component,
    pub issuer: CaName,
    pub hosts: Hosts,
    /// What brought it; `None`: it was always there.
    pub since: Option<Change>,
    pub common_name: CommonNameFrom,
    pub organization: Organization,
    pub usage: Usage,
    pub sans: &'static [SanFrom],
    pub home: Home,
    /// The process whose command line names its files.
    pub told: Option<Told>,
    /// Who checks it against its CA, and the flag that names that CA's bundle.
    pub checked_by: &'static [(Process, &'static str)],
    /// What it is shown to; a kubeconfig names its server itself.
    pub dials: Option<Dial>,
    /// Who must be restarted for another one, where all these conditions hold.
    pub restarts: Option<(Reader, &'static [When])>,
}

/// The newest change first; the first that a version has counts (`None`: every version has it). Without one
/// there is no organization.
pub type Organization = &'static [(Option<Change>, Option<&'static str>)];

/// Where a kubeconfig's server comes from, in the manner of `Organization`; the last entry always counts.
pub type Servers = &'static [(Option<Change>, ServerFrom)];

/// The flags that name a leaf's files, without their dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub process: Process,
    /// They name the certificate, or the kubeconfig; the first is what the process shows by it.
    pub certificate: &'static [&'static str],
    pub key: Option<&'static str>,
}

/// Whom a client certificate is shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dial {
    /// The row of the serving certificate; `None`: never one of the cluster's own.
    pub server: Option<&'static str>,
    /// Who answers where there is no such certificate.
    pub otherwise: &'static str,
    pub what_for: &'static str,
}

/// What each row says; the rest follows by the functions below.
const fn leaf(
    name: &'static str,
    component: Component,
    issuer: CaName,
    hosts: Hosts,
    usage: Usage,
    common_name: CommonNameFrom,
    home: Home,
) -> LeafRow {
    LeafRow {
        name,
        component,
        issuer,
        hosts,
        since: None,
        common_name,
        organization: &[],
        usage,
        sans: &[],
        home,
        told: None,
        checked_by: &[],
        dials: None,
        restarts: None,
    }
}

const fn pair(certificate: &'static str, key: &'static str) -> Home {
    Home::Pair { certificate, key }
}

const fn kubeconfig(file: &'static str, servers: Servers) -> Home {
    Home::Kubeconfig { file, servers }
}

impl LeafRow {
    const fn since(self, change: Change) -> Self {
        LeafRow { since: Some(change), ..self }
    }

    const fn of(self, organization: Organization) -> Self {
        LeafRow { organization, ..self }
    }

    const fn sans(self, sans: &'static [SanFrom]) -> Self {
        LeafRow { sans, ..self }
    }

    const fn told(
        self,
        process: Process,
        certificate: &'static [&'static str],
        key: Option<&'static str>,
    ) -> Self {
        LeafRow { told: Some(Told { process, certificate, key }), ..self }
    }

    const fn checked_by(self, checked_by: &'static [(Process, &'static str)]) -> Self {
        LeafRow { checked_by, ..self }
    }

    const fn dials(
        self,
        server: Option<&'static str>,
        otherwise: &'static str,
        what_for: &'static str,
    ) -> Self {
        LeafRow { dials: Some(Dial { server, otherwise, what_for }), ..self }
    }

    const fn restarts(self, reader: Reader, when: &'static [When]) -> Self {
        LeafRow { restarts: Some((reader, when)), ..self }
    }

    /// What it says at a version of Kubernetes.
    pub fn organization_at(&self, version: KubernetesVersion) -> Option<&'static str> {
        let mut rows = self.organization.iter();
        let row = rows.find(|(since, _)| since.is_none_or(|change| version.has(change)));
        row.and_then(|(_, organization)| *organization)
    }

    /// Its organization is another one in other versions of Kubernetes.
    pub fn follows_version(&self) -> bool {
        self.organization.len() > 1
    }

    /// What its readers read, and restart for.
    pub(super) fn input(&self) -> Input {
        match self.home {
            Home::Pair { .. } => Input::Leaf(self.name),
            Home::Kubeconfig { file, .. } => Input::Kubeconfig(file),
        }
    }
}

use CaName::{Etcd, FrontProxy, Kubernetes};
use CommonNameFrom::{Fixed, Node, SystemNode};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};
use Usage::{Client, Server, ServerAndClient};

const ALL_MASTERS: Organization = &[(None, Some("system:masters"))];
const ADMINS: Organization = &[
    (Some(Change::ClusterAdmins), Some("kubeadm:cluster-admins")),
    (None, Some("system:masters")),
];
const KUBELET_CLIENT: Organization = &[
    (Some(Change::KubeletClientWithoutGroup), None),
    (Some(Change::ClusterAdmins), Some("kubeadm:cluster-admins")),
    (None, Some("system:masters")),
];
const NODES: Organization = &[(None, Some("system:nodes"))];

const ENDPOINT: Servers = &[(None, ServerFrom::Endpoint)];
const LOCAL: Servers = &[(None, ServerFrom::LocalApiserver)];
const LOCAL_KUBELET: Servers = &[
    (Some(Change::KubeletDialsOwnApiserver), ServerFrom::LocalApiserver),
    (None, ServerFrom::Endpoint),
];

/// etcd checks a connecting peer's source address against its certificate too, so both certificates carry
/// the node's addresses, and loopback for local clients.
const ETCD_SANS: &[SanFrom] = &[
    SanFrom::Node,
    SanFrom::Fixed("localhost"),
    SanFrom::Fixed("127.0.0.1"),
    SanFrom::Fixed("::1"),
    SanFrom::Component,
];

const APISERVER_SANS: &[SanFrom] = &[
    SanFrom::Node,
    SanFrom::Fixed("kubernetes"),
    SanFrom::Fixed("kubernetes.default"),
    SanFrom::Fixed("kubernetes.default.svc"),
    SanFrom::ServiceDomain,
    SanFrom::ServiceAddress,
    SanFrom::EndpointHost,
    SanFrom::Component,
];

/// The flags that name a controller's kubeconfig.
const KUBECONFIG: &[&str] =
    &["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];

/// The kubelet's kubeconfig, in the Kubernetes folder.
pub const KUBELET_CONF: &str = "kubelet.conf";

/// The name that `--requestheader-allowed-names` has.
pub const FRONT_PROXY_CLIENT_NAME: &str = "front-proxy-client";

// Rows that somebody asks for by name.

#[rustfmt::skip] // as in the table
pub const APISERVER: LeafRow =
    leaf("apiserver", Component::Apiserver, Kubernetes, Hosts::ControlPlane, Server,
        Fixed("kube-apiserver"), pair("pki/apiserver.crt", "pki/apiserver.key"))
    .sans(APISERVER_SANS)
    .told(API, &["tls-cert-file"], Some("tls-private-key-file"))
    .checked_by(&[(CM, "root-ca-file")]);

#[rustfmt::skip] // as in the table
pub const FRONT_PROXY_CLIENT: LeafRow =
    leaf("front-proxy-client", Component::Apiserver, FrontProxy, Hosts::ControlPlane, Client,
        Fixed(FRONT_PROXY_CLIENT_NAME), pair("pki/front-proxy-client.crt", "pki/front-proxy-client.key"))
    .told(API, &["proxy-client-cert-file"], Some("proxy-client-key-file"))
    .checked_by(&[(API, "requestheader-client-ca-file"), (CM, "requestheader-client-ca-file")])
    .dials(None, "extension API servers", "requests in the name of users");

/// A client too: etcd's own gateway dials its server over loopback.
#[rustfmt::skip] // as in the table
pub const ETCD_SERVER: LeafRow =
    leaf("etcd-server", Component::Etcd, Etcd, Hosts::EtcdMembers, ServerAndClient,
        Node, pair("pki/etcd/server.crt", "pki/etcd/server.key"))
    .sans(ETCD_SANS)
    .told(ETCD, &["cert-file"], Some("key-file"))
    .checked_by(&[(API, "etcd-cafile"), (ETCD, "trusted-ca-file")]);

#[rustfmt::skip] // as in the table
pub const ETCD_PEER: LeafRow =
    leaf("etcd-peer", Component::Etcd, Etcd, Hosts::EtcdMembers, ServerAndClient,
        Node, pair("pki/etcd/peer.crt", "pki/etcd/peer.key"))
    .sans(ETCD_SANS)
    .told(ETCD, &["peer-cert-file"], Some("peer-key-file"))
    .checked_by(&[(ETCD, "peer-trusted-ca-file")])
    .dials(Some("etcd-peer"), "etcd", "replication");

#[rustfmt::skip] // as in the table
pub const KUBELET_SERVER: LeafRow =
    leaf("kubelet-server", Component::Kubelet, Kubernetes, Hosts::ServingKubelets, Server,
        SystemNode, pair("pki/kubelet.crt", "pki/kubelet.key"))
    .of(NODES)
    .sans(&[SanFrom::Node, SanFrom::Component])
    .restarts(Reader::Kubelet, &[When::Before(Change::KubeletReloadsServing)]);

#[rustfmt::skip] // one certificate, a few lines
pub const LEAVES: &[LeafRow] = &[
    APISERVER,
    leaf("apiserver-kubelet-client", Component::Apiserver, Kubernetes, Hosts::ControlPlane, Client,
        Fixed("kube-apiserver-kubelet-client"),
        pair("pki/apiserver-kubelet-client.crt", "pki/apiserver-kubelet-client.key"))
    .of(KUBELET_CLIENT)
    .told(API, &["kubelet-client-certificate"], Some("kubelet-client-key"))
    .dials(Some(KUBELET_SERVER.name), "kubelets, with serving certificates of their own",
        "logs, exec, port-forward"),

    leaf("apiserver-etcd-client", Component::Apiserver, Etcd, Hosts::ControlPlane, Client,
        Fixed("kube-apiserver-etcd-client"),
        pair("pki/apiserver-etcd-client.crt", "pki/apiserver-etcd-client.key"))
    .told(API, &["etcd-certfile"], Some("etcd-keyfile"))
    .checked_by(&[(ETCD, "trusted-ca-file")])
    .dials(Some(ETCD_SERVER.name), "etcd", "every object of the cluster"),

    FRONT_PROXY_CLIENT,
    ETCD_SERVER,
    ETCD_PEER,
    leaf("etcd-healthcheck-client", Component::Etcd, Etcd, Hosts::EtcdMembers, Client,
        Fixed("kube-etcd-healthcheck-client"),
        pair("pki/etcd/healthcheck-client.crt", "pki/etcd/healthcheck-client.key"))
    .dials(Some(ETCD_SERVER.name), "etcd", "health checks, etcdctl"),

    leaf("kubelet", Component::Kubelet, Kubernetes, Hosts::Kubelets, Client,
        SystemNode, kubeconfig(KUBELET_CONF, LOCAL_KUBELET))
    .of(NODES)
    .restarts(Reader::Kubelet, &[]),

    KUBELET_SERVER,
    leaf("admin", Component::Admin, Kubernetes, Hosts::ControlPlane, Client,
        Fixed("kubernetes-admin"), kubeconfig("admin.conf", ENDPOINT))
    .of(ADMINS),

    leaf("super-admin", Component::Admin, Kubernetes, Hosts::Primary, Client,
        Fixed("kubernetes-super-admin"), kubeconfig("super-admin.conf", ENDPOINT))
    .since(Change::ClusterAdmins)
    .of(ALL_MASTERS),

    leaf("controller-manager", Component::ControllerManager, Kubernetes, Hosts::ControlPlane, Client,
        Fixed("system:kube-controller-manager"), kubeconfig("controller-manager.conf", LOCAL))
    .told(CM, KUBECONFIG, None)
    .checked_by(&[(API, "client-ca-file")])
    .restarts(Reader::Pod(CM), &[]),

    leaf("scheduler", Component::Scheduler, Kubernetes, Hosts::ControlPlane, Client,
        Fixed("system:kube-scheduler"), kubeconfig("scheduler.conf", LOCAL))
    .told(SCHEDULER, KUBECONFIG, None)
    .checked_by(&[(API, "client-ca-file")])
    .restarts(Reader::Pod(SCHEDULER), &[]),

    leaf("kube-proxy", Component::KubeProxy, Kubernetes, Hosts::KubeProxies, Client,
        Fixed("system:kube-proxy"), kubeconfig("kube-proxy.conf", ENDPOINT))
    .restarts(Reader::KubeProxy, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{CommonName, San};
    use crate::profile::{AUTHORITY_FILES, FLAGS, FlagFrom};
    use std::collections::BTreeSet;

    fn row(name: &str) -> &'static LeafRow {
        LEAVES.iter().find(|row| row.name == name).unwrap()
    }

    #[test]
    fn names_and_homes_are_unique() {
        let names: BTreeSet<_> = LEAVES.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), LEAVES.len());
        let homes: BTreeSet<_> = LEAVES.iter().map(|row| row.home.file()).collect();
        assert_eq!(homes.len(), LEAVES.len());
        for row in LEAVES {
            if let Home::Pair { certificate, key } = row.home {
                let stem = certificate.strip_suffix(".crt").unwrap();
                assert_eq!(key.strip_suffix(".key"), Some(stem), "{}", row.name);
            }
        }
    }

    /// A TLS server without a SAN is refused by every Go client since 1.15.
    #[test]
    fn servers_have_sans_and_kubeconfigs_are_clients() {
        for row in LEAVES {
            assert_eq!(row.usage.server(), !row.sans.is_empty(), "{}", row.name);
            if matches!(row.home, Home::Kubeconfig { .. }) {
                assert_eq!(row.usage, Client, "{}", row.name);
            }
        }
    }

    #[test]
    fn fixed_names_are_names() {
        for row in LEAVES {
            if let Fixed(name) = row.common_name {
                name.parse::<CommonName>().unwrap();
            }
            for san in row.sans {
                if let SanFrom::Fixed(name) = san {
                    name.parse::<San>().unwrap();
                }
            }
        }
    }

    #[test]
    fn lists_by_version_end_in_what_always_counts() {
        for row in LEAVES {
            if let Some((since, _)) = row.organization.last() {
                assert_eq!(*since, None, "{}", row.name);
            }
            if let Home::Kubeconfig { servers, .. } = row.home {
                assert_eq!(servers.last().map(|(since, _)| *since), Some(None), "{}", row.name);
            }
        }
    }

    /// A component's block has one word for it.
    #[test]
    fn one_leaf_of_a_component_follows_the_version() {
        let rows: Vec<_> = LEAVES.iter().filter(|row| row.follows_version()).collect();
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["apiserver-kubelet-client", "admin"]);
        let components: BTreeSet<_> = rows.iter().map(|row| row.component).collect();
        assert_eq!(components.len(), rows.len());
    }

    #[test]
    fn clients_are_clients_and_servers_servers_of_one_authority() {
        for client in LEAVES {
            let Some(dial) = client.dials else { continue };
            assert_ne!(client.usage, Server, "{}", client.name);
            if let Some(server) = dial.server.map(row) {
                assert_ne!(server.usage, Client, "{}", server.name);
                assert_eq!(client.issuer, server.issuer, "{}", client.name);
            }
        }
        assert_eq!(APISERVER.usage, Server);
    }

    /// Whoever checks a certificate is given the bundle of the CA that signed it.
    #[test]
    fn a_certificate_is_checked_against_its_issuer() {
        for row in LEAVES {
            for (process, name) in row.checked_by {
                let flag = FLAGS.iter().find(|flag| (flag.process, flag.name) == (*process, name));
                let FlagFrom::File(path) = flag.unwrap().from else { panic!("--{name}") };
                let file = AUTHORITY_FILES.iter().find(|file| file.path == path).unwrap();
                assert_eq!(file.ca, row.issuer, "{} --{name}", row.name);
            }
        }
    }
}
