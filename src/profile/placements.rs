//! Which files of the CAs and of the service-account key lie on which nodes.
//!
//! A CA key reaches a node only where a process there reads it: the controller-manager signs with the
//! cluster CA's; nobody on a node reads etcd's or the front proxy's.

use super::Hosts;
use crate::spec::CaName;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityFile {
    /// The trust bundle: one CA certificate until a rotation.
    Bundle,
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

pub const AUTHORITY_FILES: &[AuthorityFileRow] = &[
    AuthorityFileRow {
        ca: CaName::Kubernetes,
        file: AuthorityFile::Bundle,
        hosts: Hosts::Kubelets,
        path: "pki/ca.crt",
    },
    AuthorityFileRow {
        ca: CaName::Kubernetes,
        file: AuthorityFile::PrivateKey,
        hosts: Hosts::ControlPlane,
        path: "pki/ca.key",
    },
    AuthorityFileRow {
        ca: CaName::Etcd,
        file: AuthorityFile::Bundle,
        hosts: Hosts::EtcdMembersAndControlPlane,
        path: "pki/etcd/ca.crt",
    },
    AuthorityFileRow {
        ca: CaName::FrontProxy,
        file: AuthorityFile::Bundle,
        hosts: Hosts::ControlPlane,
        path: "pki/front-proxy-ca.crt",
    },
];

/// The mode of a folder of a node's tree: the kubelet runs as root whatever lies in the last one.
pub fn folder_mode(path: &str) -> u32 {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "manifests" { 0o700 } else { 0o755 }
}

/// The service-account key pair on every control-plane node: private key, public key.
pub const SERVICE_ACCOUNT_FILES: (&str, &str) = ("pki/sa.key", "pki/sa.pub");
