//! Which files of the CAs and of the service-account key lie on which nodes.
//!
//! A CA key reaches a node only where a process there reads it: the controller-manager signs with the
//! cluster CA's; nobody on a node reads etcd's or the front proxy's but kubeadm, which keeps all three there.
//! `keys-on-nodes` of a `ca` says otherwise.

use super::{Home, Hosts, KUBERNETES_FOLDER, LEAVES};
use crate::name::CertificatesDir;
use crate::spec::CaName;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityFile {
    /// What a server checks its clients against, and Kubernetes' own programs their servers: the certificate
    /// of the CA that signs, and nothing above it. Go takes it for an anchor whoever issued it, and all that
    /// a company's root has certified elsewhere are no clients of this cluster.
    Bundle,
    /// What other clients check servers against: a brought CA and all above it, for those that want a root.
    Chain,
    /// The certificate of the CA that signs, alone: with a file of two a controller-manager signs nothing and
    /// does not start (k8s.io/kubernetes/pkg/controller/certificates/signer, "expected 1 certificate").
    Signing,
    PrivateKey,
}

/// What whoever loads a file must find in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PkiFile {
    /// One certificate or a bundle, in PEM.
    Certificate,
    /// A server's or client's own.
    PrivateKey,
    /// A CA's, or that of the tokens: read by its PEM label (k8s.io/client-go/util/keyutil).
    SigningKey,
    /// kube-apiserver also takes it from a certificate or a private key.
    PublicKey,
    Kubeconfig,
}

impl AuthorityFile {
    const fn holds(self) -> PkiFile {
        match self {
            AuthorityFile::Bundle | AuthorityFile::Chain | AuthorityFile::Signing => {
                PkiFile::Certificate
            }
            AuthorityFile::PrivateKey => PkiFile::SigningKey,
        }
    }
}

/// A CA's file on nodes, below the Kubernetes folder. Keys lie there where the CA's `keys-on-nodes` says so.
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

const fn signing(ca: CaName, hosts: Hosts, path: &'static str) -> AuthorityFileRow {
    AuthorityFileRow { ca, file: AuthorityFile::Signing, hosts, path }
}

const fn key(ca: CaName, hosts: Hosts, path: &'static str) -> AuthorityFileRow {
    AuthorityFileRow { ca, file: AuthorityFile::PrivateKey, hosts, path }
}

/// Where a brought cluster CA with its chain lies, for `--root-ca-file` alone: what the controller-manager
/// hands to every pod (kube-root-ca.crt).
pub(super) const CHAIN: &str = "pki/ca-chain.crt";

/// What the controller-manager signs with where ca.crt has several certificates.
pub(super) const SIGNING: &str = "pki/ca-signing.crt";

pub const AUTHORITY_FILES: &[AuthorityFileRow] = &[
    bundle(CaName::Kubernetes, Hosts::Kubelets, "pki/ca.crt"),
    chain(CaName::Kubernetes, Hosts::ControlPlane, CHAIN),
    signing(CaName::Kubernetes, Hosts::ControlPlane, SIGNING),
    key(CaName::Kubernetes, Hosts::ControlPlane, "pki/ca.key"),
    bundle(CaName::Etcd, Hosts::EtcdMembersAndControlPlane, "pki/etcd/ca.crt"),
    key(CaName::Etcd, Hosts::ControlPlane, "pki/etcd/ca.key"),
    bundle(CaName::FrontProxy, Hosts::ControlPlane, "pki/front-proxy-ca.crt"),
    key(CaName::FrontProxy, Hosts::ControlPlane, "pki/front-proxy-ca.key"),
];

/// A file of the tables below a node's root: those of `pki/` lie in the folder of certificates, kubeconfigs
/// and manifests in Kubernetes' own.
pub fn below_root(dir: &CertificatesDir, file: &str) -> String {
    match file.strip_prefix(PKI) {
        Some(rest) => format!("{}/{rest}", dir.below_root()),
        None => format!("{KUBERNETES_FOLDER}/{file}"),
    }
}

/// The folder of certificates in which a path below a node's root is this file of the tables; `None`: in
/// none.
pub fn certificates_dir_of(path: &str, file: &str) -> Option<CertificatesDir> {
    let folder = path.strip_suffix(file.strip_prefix(PKI)?)?.strip_suffix('/')?;
    format!("/{folder}").parse().ok()
}

/// What stands for the folder of certificates in the tables.
const PKI: &str = "pki/";

/// Where no description says otherwise: the controller-manager signs with the cluster CA's key.
pub fn key_is_usually_on_nodes(ca: CaName) -> bool {
    ca == CaName::Kubernetes
}

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

/// Where a kubelet that renews its client certificate keeps the pair in use, as kubeadm's kubelet.conf names
/// it.
pub const KUBELET_CLIENT_PAIR: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

/// Every file of the PKI, below the Kubernetes folder, and what it holds.
pub fn pki_files() -> impl Iterator<Item = (&'static str, PkiFile)> {
    let (private, public) = SERVICE_ACCOUNT_FILES;
    let service_account = [(private, PkiFile::SigningKey), (public, PkiFile::PublicKey)];
    let authorities = AUTHORITY_FILES.iter().map(|row| (row.path, row.file.holds()));
    let leaves = LEAVES.iter().flat_map(|row| match row.home {
        Home::Pair { certificate, key } => {
            [Some((certificate, PkiFile::Certificate)), Some((key, PkiFile::PrivateKey))]
        }
        Home::Kubeconfig { file, .. } => [Some((file, PkiFile::Kubeconfig)), None],
    });
    authorities.chain(service_account).chain(leaves.flatten())
}

/// As [`pki_files`], without kubeconfigs.
pub fn own_files() -> impl Iterator<Item = &'static str> {
    pki_files().filter(|(_, holds)| *holds != PkiFile::Kubeconfig).map(|(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// kubeadm's own names.
    #[test]
    fn a_place_is_named_after_what_it_holds() {
        for (path, holds) in pki_files() {
            let end = match holds {
                PkiFile::Certificate => ".crt",
                PkiFile::PrivateKey | PkiFile::SigningKey => ".key",
                PkiFile::PublicKey => ".pub",
                PkiFile::Kubeconfig => ".conf",
            };
            assert!(path.ends_with(end), "{path}");
        }
    }
}
