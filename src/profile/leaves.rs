//! Every leaf certificate of a cluster, one row each.

use super::{CommonNameFrom, Home, Hosts, SanFrom, ServerFrom, Since};
use crate::spec::{CaName, Component, Usage};

/// One leaf certificate, per node that hosts it.
#[derive(Debug)]
pub struct LeafRow {
    /// Last segment of the artifact's name: `nodes/cp1/NAME`.
    pub name: &'static str,
    pub component: Component,
    pub issuer: CaName,
    pub hosts: Hosts,
    pub since: Since,
    pub common_name: CommonNameFrom,
    /// Newest first; the first that holds counts; none holds: no organization.
    pub organization: &'static [(Since, Option<&'static str>)],
    pub usage: Usage,
    pub sans: &'static [SanFrom],
    pub home: Home,
}

const NONE: &[(Since, Option<&str>)] = &[];
const ADMINS: &[(Since, Option<&str>)] = &[
    (Since::CLUSTER_ADMINS, Some("kubeadm:cluster-admins")),
    (Since::ALWAYS, Some("system:masters")),
];
const NODES: &[(Since, Option<&str>)] = &[(Since::ALWAYS, Some("system:nodes"))];

/// etcd checks a connecting peer's source address against its certificate too, so both certificates carry
/// the node's addresses, and loopback for local clients.
const ETCD_SANS: &[SanFrom] = &[
    SanFrom::Node,
    SanFrom::Fixed("localhost"),
    SanFrom::Fixed("127.0.0.1"),
    SanFrom::Fixed("::1"),
    SanFrom::Component,
];

pub const LEAVES: &[LeafRow] = &[
    LeafRow {
        name: "apiserver",
        component: Component::Apiserver,
        issuer: CaName::Kubernetes,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("kube-apiserver"),
        organization: NONE,
        usage: Usage::Server,
        sans: &[
            SanFrom::Node,
            SanFrom::Fixed("kubernetes"),
            SanFrom::Fixed("kubernetes.default"),
            SanFrom::Fixed("kubernetes.default.svc"),
            SanFrom::ServiceDomain,
            SanFrom::ServiceAddress,
            SanFrom::EndpointHost,
            SanFrom::Component,
        ],
        home: Home::Pair("pki/apiserver"),
    },
    LeafRow {
        name: "apiserver-kubelet-client",
        component: Component::Apiserver,
        issuer: CaName::Kubernetes,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("kube-apiserver-kubelet-client"),
        organization: &[
            (Since::KUBELET_CLIENT_WITHOUT_GROUP, None),
            (Since::CLUSTER_ADMINS, Some("kubeadm:cluster-admins")),
            (Since::ALWAYS, Some("system:masters")),
        ],
        usage: Usage::Client,
        sans: &[],
        home: Home::Pair("pki/apiserver-kubelet-client"),
    },
    LeafRow {
        name: "apiserver-etcd-client",
        component: Component::Apiserver,
        issuer: CaName::Etcd,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("kube-apiserver-etcd-client"),
        organization: NONE,
        usage: Usage::Client,
        sans: &[],
        home: Home::Pair("pki/apiserver-etcd-client"),
    },
    LeafRow {
        name: "front-proxy-client",
        component: Component::Apiserver,
        issuer: CaName::FrontProxy,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("front-proxy-client"),
        organization: NONE,
        usage: Usage::Client,
        sans: &[],
        home: Home::Pair("pki/front-proxy-client"),
    },
    LeafRow {
        name: "etcd-server",
        component: Component::Etcd,
        issuer: CaName::Etcd,
        hosts: Hosts::EtcdMembers,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Node,
        organization: NONE,
        // Client too: etcd's own gateway dials its server over loopback.
        usage: Usage::ServerAndClient,
        sans: ETCD_SANS,
        home: Home::Pair("pki/etcd/server"),
    },
    LeafRow {
        name: "etcd-peer",
        component: Component::Etcd,
        issuer: CaName::Etcd,
        hosts: Hosts::EtcdMembers,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Node,
        organization: NONE,
        usage: Usage::ServerAndClient,
        sans: ETCD_SANS,
        home: Home::Pair("pki/etcd/peer"),
    },
    LeafRow {
        name: "etcd-healthcheck-client",
        component: Component::Etcd,
        issuer: CaName::Etcd,
        hosts: Hosts::EtcdMembers,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("kube-etcd-healthcheck-client"),
        organization: NONE,
        usage: Usage::Client,
        sans: &[],
        home: Home::Pair("pki/etcd/healthcheck-client"),
    },
    LeafRow {
        name: "kubelet",
        component: Component::Kubelet,
        issuer: CaName::Kubernetes,
        hosts: Hosts::Kubelets,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::SystemNode,
        organization: NODES,
        usage: Usage::Client,
        sans: &[],
        home: Home::Kubeconfig { file: "kubelet.conf", server: ServerFrom::Endpoint },
    },
    LeafRow {
        name: "kubelet-server",
        component: Component::Kubelet,
        issuer: CaName::Kubernetes,
        hosts: Hosts::ServingKubelets,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::SystemNode,
        organization: NODES,
        usage: Usage::Server,
        sans: &[SanFrom::Node, SanFrom::Component],
        home: Home::Pair("pki/kubelet"),
    },
    LeafRow {
        name: "admin",
        component: Component::Admin,
        issuer: CaName::Kubernetes,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("kubernetes-admin"),
        organization: ADMINS,
        usage: Usage::Client,
        sans: &[],
        home: Home::Kubeconfig { file: "admin.conf", server: ServerFrom::Endpoint },
    },
    LeafRow {
        name: "super-admin",
        component: Component::Admin,
        issuer: CaName::Kubernetes,
        hosts: Hosts::Primary,
        since: Since::CLUSTER_ADMINS,
        common_name: CommonNameFrom::Fixed("kubernetes-super-admin"),
        organization: &[(Since::ALWAYS, Some("system:masters"))],
        usage: Usage::Client,
        sans: &[],
        home: Home::Kubeconfig { file: "super-admin.conf", server: ServerFrom::Endpoint },
    },
    LeafRow {
        name: "controller-manager",
        component: Component::ControllerManager,
        issuer: CaName::Kubernetes,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("system:kube-controller-manager"),
        organization: NONE,
        usage: Usage::Client,
        sans: &[],
        home: Home::Kubeconfig {
            file: "controller-manager.conf",
            server: ServerFrom::LocalApiserver,
        },
    },
    LeafRow {
        name: "scheduler",
        component: Component::Scheduler,
        issuer: CaName::Kubernetes,
        hosts: Hosts::ControlPlane,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("system:kube-scheduler"),
        organization: NONE,
        usage: Usage::Client,
        sans: &[],
        home: Home::Kubeconfig { file: "scheduler.conf", server: ServerFrom::LocalApiserver },
    },
    LeafRow {
        name: "kube-proxy",
        component: Component::KubeProxy,
        issuer: CaName::Kubernetes,
        hosts: Hosts::KubeProxies,
        since: Since::ALWAYS,
        common_name: CommonNameFrom::Fixed("system:kube-proxy"),
        organization: NONE,
        usage: Usage::Client,
        sans: &[],
        home: Home::Kubeconfig { file: "kube-proxy.conf", server: ServerFrom::Endpoint },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_homes_are_unique() {
        let names: BTreeSet<_> = LEAVES.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), LEAVES.len());
        let homes: BTreeSet<_> = LEAVES
            .iter()
            .map(|row| match row.home {
                Home::Pair(stem) => stem,
                Home::Kubeconfig { file, .. } => file,
            })
            .collect();
        assert_eq!(homes.len(), LEAVES.len());
    }

    /// A TLS server without a SAN is refused by every Go client since 1.15.
    #[test]
    fn servers_have_sans_and_kubeconfigs_are_clients() {
        for row in LEAVES {
            assert_eq!(row.usage.server(), !row.sans.is_empty(), "{}", row.name);
            if matches!(row.home, Home::Kubeconfig { .. }) {
                assert_eq!(row.usage, Usage::Client, "{}", row.name);
            }
        }
    }

    #[test]
    fn organization_lists_end_in_always_or_are_empty() {
        for row in LEAVES {
            if let Some((since, _)) = row.organization.last() {
                assert_eq!(*since, Since::ALWAYS, "{}", row.name);
            }
        }
    }
}
