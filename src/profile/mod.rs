//! The profile of a Kubernetes cluster's PKI, as tables of data.
//!
//! Sources: kubeadm v1.36's `certlist.go` and its real output, and the Kubernetes page "PKI certificates
//! and requirements". [`crate::graph`] reads the rows of certificates and files, [`crate::manifest`] those of
//! flags and pods; a new certificate is a new row, a difference between Kubernetes versions is data on a
//! row.

mod bindings;
mod condition;
mod dials;
mod flags;
mod images;
mod leaves;
mod placements;
mod powerful_flags;
mod process;
mod reload;

pub use bindings::{BINDINGS, BindingRow, Subject};
pub use condition::{Circumstances, When};
pub use dials::{APISERVER, DIALS, DialRow};
pub use flags::{
    Business, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT, FLAGS, FlagFrom, FlagRow,
};
pub use leaves::{LEAVES, LeafRow};
pub use placements::{
    AUTHORITY_FILES, AuthorityFile, AuthorityFileRow, SERVICE_ACCOUNT_FILES, folder_mode,
};
pub use powerful_flags::{POWERFUL_FLAGS, PowerfulFlag};
pub use process::{MountRow, PodRow, Process};
pub use reload::{Input, RESTARTS, Reader, RestartRow, restart_inputs};

use crate::spec::{Component, EtcdTopology, Node, Role, Spec};
use crate::version::KubernetesVersion;

/// Where node files lie, as on the node itself.
pub const KUBERNETES_FOLDER: &str = "etc/kubernetes";

/// The versions from which on something holds: the first patch of every minor that got it, oldest first.
/// Minors after the last one have it from their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(pub &'static [KubernetesVersion]);

impl Since {
    pub const ALWAYS: Since = Since(&[KubernetesVersion::new(0, 0)]);

    /// kubeadm:cluster-admins and super-admin.conf (k/k#121305).
    pub const CLUSTER_ADMINS: Since = Since(&[KubernetesVersion::new(29, 0)]);

    /// apiserver-kubelet-client without an organization (k/k#138957, and its backports).
    pub const KUBELET_CLIENT_WITHOUT_GROUP: Since = Since(&[
        KubernetesVersion::new(33, 12),
        KubernetesVersion::new(34, 8),
        KubernetesVersion::new(35, 5),
        KubernetesVersion::new(36, 1),
    ]);

    /// kubeadm's etcd is 3.6, whose flags lost their `experimental-` (k/k#132838).
    pub const ETCD_3_6: Since = Since(&[KubernetesVersion::new(34, 0)]);

    /// The kubelet notices a changed `tlsCertFile` (k/k#124574).
    pub const KUBELET_RELOADS_SERVING: Since = Since(&[KubernetesVersion::new(31, 0)]);

    /// The kubelet notices a changed `clientCAFile` (k/k#136762).
    pub const KUBELET_RELOADS_CLIENT_CA: Since = Since(&[KubernetesVersion::new(36, 0)]);

    /// client-go notices a changed CA file (k/k#132922); 1.36 is the first version seen to have it.
    pub const CLIENTS_RELOAD_CA: Since = Since(&[KubernetesVersion::new(36, 0)]);

    pub fn holds_for(self, version: KubernetesVersion) -> bool {
        let in_its_minor =
            self.0.iter().any(|first| first.minor == version.minor && first.patch <= version.patch);
        let after_all = self.0.last().is_some_and(|last| last.minor < version.minor);
        in_its_minor || after_all
    }
}

/// The nodes that a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    ControlPlane,
    /// Where etcd runs: control-plane nodes when stacked, nodes of role etcd when external.
    EtcdMembers,
    /// Where etcd runs and where its clients do.
    EtcdMembersAndControlPlane,
    /// Every node with a kubelet of this cluster: all but the members of an external etcd.
    Kubelets,
    /// As `Kubelets`, where `component "kubelet" serving=#true` asks.
    ServingKubelets,
    /// As `Kubelets`, where `component "kube-proxy"` asks.
    KubeProxies,
    /// The only control-plane node, or the one marked primary; else the operator.
    Primary,
}

impl Hosts {
    pub fn include(self, node: &Node, spec: &Spec) -> bool {
        let control_plane = node.role == Role::ControlPlane;
        let etcd = match spec.etcd {
            EtcdTopology::Stacked => control_plane,
            EtcdTopology::External => node.role == Role::Etcd,
        };
        let kubelet = node.role != Role::Etcd;
        match self {
            Hosts::ControlPlane => control_plane,
            Hosts::EtcdMembers => etcd,
            Hosts::EtcdMembersAndControlPlane => etcd || control_plane,
            Hosts::Kubelets => kubelet,
            Hosts::ServingKubelets => kubelet && spec.kubelet_serving,
            Hosts::KubeProxies => kubelet && spec.kube_proxy,
            Hosts::Primary => primary(spec).is_some_and(|primary| primary.name == node.name),
        }
    }
}

/// The node that gets super-admin.conf, if there is one.
pub fn primary(spec: &Spec) -> Option<&Node> {
    let mut control_plane = spec.nodes.iter().filter(|node| node.role == Role::ControlPlane);
    match (control_plane.next(), control_plane.next()) {
        (Some(only), None) => Some(only),
        _ => spec.nodes.iter().find(|node| node.primary),
    }
}

/// Where a leaf's common name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommonNameFrom {
    Fixed(&'static str),
    /// The node's name.
    Node,
    /// `system:node:NAME`, which the node authorizer reads.
    SystemNode,
}

/// Where a leaf's subject alternative names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SanFrom {
    Fixed(&'static str),
    /// The node's name, all its addresses and its own extra SANs.
    Node,
    /// The component's extra SANs.
    Component,
    /// `kubernetes.default.svc.DOMAIN`
    ServiceDomain,
    /// The first address of the first service CIDR.
    ServiceAddress,
    /// The host of the control-plane endpoint.
    EndpointHost,
}

/// The address that a kubeconfig names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFrom {
    Endpoint,
    /// The API server on the same node: version skew rules want it for the control plane's own clients.
    LocalApiserver,
}

/// Where a leaf's key and certificate lie on the node, below [`KUBERNETES_FOLDER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// `STEM.crt` and `STEM.key`
    Pair(&'static str),
    /// Embedded in a kubeconfig.
    Kubeconfig { file: &'static str, server: ServerFrom },
}

/// Whether `san "…"` makes sense on a component: it has a certificate that takes them.
pub fn takes_sans(component: Component) -> bool {
    LEAVES.iter().any(|row| row.component == component && row.sans.contains(&SanFrom::Component))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the Kubernetes changelogs, by hand.
    #[test]
    fn backports_count_within_their_minor_only() {
        let without_group = |minor, patch| {
            Since::KUBELET_CLIENT_WITHOUT_GROUP.holds_for(KubernetesVersion::new(minor, patch))
        };
        for (minor, patch, expected) in [
            (28, 15, false),
            (32, 99, false),
            (35, 4, false),
            (35, 5, true),
            (36, 0, false),
            (36, 1, true),
            (36, 2, true),
            (37, 0, true),
        ] {
            assert_eq!(without_group(minor, patch), expected, "1.{minor}.{patch}");
        }
        assert!(!Since::CLUSTER_ADMINS.holds_for(KubernetesVersion::new(28, 15)));
        assert!(Since::CLUSTER_ADMINS.holds_for(KubernetesVersion::new(29, 0)));
        assert!(Since::ALWAYS.holds_for(KubernetesVersion::new(28, 0)));
    }
}
