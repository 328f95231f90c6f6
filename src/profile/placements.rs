//! Which files of the CAs and of the service-account key lie on which nodes.
//!
//! A CA key reaches a node only where a process there reads it: the controller-manager signs with the
//! cluster CA's; nobody on a node reads etcd's or the front proxy's.

use super::{Home, Hosts, LEAVES};
use crate::spec::CaName;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityFile {
    /// What a server checks its clients against, and Kubernetes' own programs their servers: the certificate
    /// of the CA that signs, and nothing above it. Go takes it for an anchor whoever issued it, and all that
    /// a company's root has certified elsewhere are no clients of this cluster.
    Bundle,
    /// What other clients check servers against: a brought CA and all above it, for those that want a root.
    Chain,
    PrivateKey,
}

/// A CA's file on nodes, below the Kubernetes folder.
#[derive(Debug)]
pub struct AuthorityFileRow {
    pub ca: CaName,
    pub file: AuthorityFile,
    pub hosts: Hosts,
    pub path: &'static str,
}

const fn bundle(ca: CaName, hosts: Hosts, path: &'static str) -> AuthorityFileRow {
    AuthorityFileRow { ca, file: AuthorityFile::Bundle, hosts, path }
}

const fn chain(ca: CaName, hosts: Hosts, path: &'static str) -> AuthorityFileRow {
    AuthorityFileRow { ca, file: AuthorityFile::Chain, hosts, path }
}

const fn key(ca: CaName, hosts: Hosts, path: &'static str) -> AuthorityFileRow {
    AuthorityFileRow { ca, file: AuthorityFile::PrivateKey, hosts, path }
}

/// Where a brought cluster CA with its chain lies, for `--root-ca-file` alone: what the controller-manager
/// hands to every pod (kube-root-ca.crt).
pub(super) const CHAIN: &str = "pki/ca-chain.crt";

pub const AUTHORITY_FILES: &[AuthorityFileRow] = &[
    bundle(CaName::Kubernetes, Hosts::Kubelets, "pki/ca.crt"),
    chain(CaName::Kubernetes, Hosts::ControlPlane, CHAIN),
    key(CaName::Kubernetes, Hosts::ControlPlane, "pki/ca.key"),
    bundle(CaName::Etcd, Hosts::EtcdMembersAndControlPlane, "pki/etcd/ca.crt"),
    bundle(CaName::FrontProxy, Hosts::ControlPlane, "pki/front-proxy-ca.crt"),
];

/// The mode of a folder of a node's tree: the kubelet runs as root whatever lies in the last one.
pub fn folder_mode(path: &str) -> u32 {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "manifests" { 0o700 } else { 0o755 }
}

/// The service-account key pair on every control-plane node: private key, public key.
pub const SERVICE_ACCOUNT_FILES: (&str, &str) = ("pki/sa.key", "pki/sa.pub");

/// The kubelet's own configuration, below a node's root: where kubeadm puts it, and the kubelet's packages
/// look for it.
pub const KUBELET_CONFIG: &str = "var/lib/kubelet/config.yaml";

/// Every file of the PKI but kubeconfigs, below the Kubernetes folder.
pub fn own_files() -> impl Iterator<Item = &'static str> {
    let (private, public) = SERVICE_ACCOUNT_FILES;
    let leaves = LEAVES.iter().filter_map(|row| match row.home {
        Home::Pair { certificate, key } => Some([certificate, key]),
        Home::Kubeconfig { .. } => None,
    });
    AUTHORITY_FILES.iter().map(|row| row.path).chain([private, public]).chain(leaves.flatten())
}
