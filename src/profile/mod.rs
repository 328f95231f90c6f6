//! The profile of a Kubernetes cluster's PKI, as tables of data.
//!
//! Sources: kubeadm v1.36's `certlist.go` and its real output, and the Kubernetes page "PKI certificates
//! and requirements". [`crate::graph`] reads the rows of certificates and files, [`crate::manifest`] those of
//! flags and pods; a new certificate is a new row, a difference between Kubernetes versions is data on a
//! row.
//!
//! May import `spec` for what a row depends on. Never here: code that makes something of a row.

mod bindings;
mod boolean_flags;
mod checks;
mod condition;
mod dialled;
mod file_flags;
mod flag_rules;
mod flags;
mod gone_flags;
mod harmless_fields;
mod harmless_flags;
mod images;
mod leaves;
mod placements;
mod process;
mod reader;
mod reload;
mod weak_flags;

pub use bindings::{BINDINGS, BindingRow, Subject};
pub use checks::{CHECKS, Check, Weaker};
pub use condition::{Circumstances, When};
pub use dialled::{Answers, URL_FLAGS, UrlFlag, UrlRole};
pub use file_flags::{Content, Does, FILE_FLAGS, FileFlag, FileForm};
pub use flag_rules::{
    Companions, Counts, EXCLUSIONS, Exclusion, KEY_PAIRS, KeyPair, WORD_NEEDS, Weight, companions,
};
pub use flags::{
    Business, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT, FLAGS, FlagFrom, FlagRow,
    OtherFile,
};
pub use gone_flags::GONE_FLAGS;
pub use harmless_fields::{
    DEFAULT_FIELDS, DefaultField, FieldOf, FieldWhen, HARMLESS_FIELDS, HarmlessField, TAKEN_AWAY,
};
pub use harmless_flags::{HARMLESS_FLAGS, HarmlessWhen};
pub use leaves::{
    APISERVER, Dial, ETCD_PEER, ETCD_SERVER, FRONT_PROXY_CLIENT, FRONT_PROXY_CLIENT_NAME,
    KUBELET_CONF, KUBELET_SERVER, LEAVES, LeafRow, Servers, Told,
};
pub use placements::{
    AUTHORITY_FILES, AuthorityFile, AuthorityFileRow, KUBELET_CLIENT_PAIR, KUBELET_CONFIG, PkiFile,
    SERVICE_ACCOUNT_FILES, below_root, certificates_dir_of, folder_mode, key_is_usually_on_nodes,
    own_files, pki_files,
};
pub use process::{MountRow, Process};
pub use reader::{Input, Reader};
pub use reload::restart_inputs;
pub use weak_flags::{LIST_FLAGS, WEAK_FLAGS, WeakFlag, WeakWhen};

use crate::spec::{EtcdTopology, Node, Role, Spec};

/// Where node files lie, as on the node itself.
pub const KUBERNETES_FOLDER: &str = "etc/kubernetes";

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
    /// Nodes of this role can be among them.
    pub fn may_include(self, role: Role) -> bool {
        match self {
            Hosts::ControlPlane | Hosts::Primary => role == Role::ControlPlane,
            Hosts::EtcdMembers | Hosts::EtcdMembersAndControlPlane => role != Role::Worker,
            Hosts::Kubelets | Hosts::ServingKubelets | Hosts::KubeProxies => role != Role::Etcd,
        }
    }

    pub fn include(self, node: &Node, spec: &Spec) -> bool {
        let control_plane = node.role == Role::ControlPlane;
        let etcd = match spec.etcd {
            EtcdTopology::Stacked => control_plane,
            EtcdTopology::External => node.role == Role::Etcd,
        };
        self.may_include(node.role)
            && match self {
                Hosts::ControlPlane | Hosts::Kubelets => true,
                Hosts::EtcdMembers => etcd,
                Hosts::EtcdMembersAndControlPlane => etcd || control_plane,
                Hosts::ServingKubelets => spec.kubelet_serving,
                Hosts::KubeProxies => spec.kube_proxy,
                Hosts::Primary => {
                    spec.super_admin
                        && primary(spec).is_some_and(|primary| primary.name == node.name)
                }
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
    /// The API server on the same node, and the endpoint from a node without one: no client of the control
    /// plane may be newer than the API server that it dials (version skew policy).
    LocalApiserver,
}

/// Where a leaf's key and certificate lie on the node, below [`KUBERNETES_FOLDER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Beside each other.
    Pair { certificate: &'static str, key: &'static str },
    /// Embedded in a kubeconfig.
    Kubeconfig { file: &'static str, servers: Servers },
}

impl Home {
    /// The file with the certificate.
    pub fn file(self) -> &'static str {
        match self {
            Home::Pair { certificate: file, .. } | Home::Kubeconfig { file, .. } => file,
        }
    }
}
