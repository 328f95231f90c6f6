//! The flags that name files or folders, whatever for: the container must see them.
//!
//! Sources: the reference pages of kube-apiserver, kube-controller-manager and kube-scheduler (kubernetes.io,
//! Component tools) for Kubernetes 1.28 to 1.36, and etcd's configuration options (etcd.io), 3.5 and 3.6.

use super::{PkiFile, Process};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFlag {
    pub process: Process,
    /// Without its dashes.
    pub name: &'static str,
    pub form: FileForm,
    pub does: Does,
    pub holds: Content,
}

/// How the value names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileForm {
    /// A file's path.
    File,
    Folder,
    /// `CERTIFICATE,KEY`, and perhaps `:NAME,NAME`.
    CertificateAndKey,
    /// Words with commas between them, of which some are paths.
    List,
    /// `WORD,NAME=PATH,NAME=VALUE`
    Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Reads,
    Writes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A certificate, key or kubeconfig that somebody issues for the cluster; `None`: of a form of its own.
    Pki(Option<PkiFile>),
    /// Passwords, tokens or keys in a form of their own.
    Secret,
    Other,
}

use Content::{Other, Pki};
use Does::{Reads, Writes};
use FileForm::{CertificateAndKey, File, Folder, List, Settings};
use PkiFile::{Certificate, Kubeconfig, PrivateKey, PublicKey, SigningKey};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};

const fn pki(process: Process, name: &'static str, holds: PkiFile) -> FileFlag {
    FileFlag { process, name, form: File, does: Reads, holds: Pki(Some(holds)) }
}

const fn secret(process: Process, name: &'static str) -> FileFlag {
    FileFlag { process, name, form: File, does: Reads, holds: Content::Secret }
}

const fn reads(process: Process, name: &'static str) -> FileFlag {
    FileFlag { process, name, form: File, does: Reads, holds: Other }
}

const fn writes(process: Process, name: &'static str, form: FileForm) -> FileFlag {
    FileFlag { process, name, form, does: Writes, holds: Other }
}

const fn pki_in(process: Process, name: &'static str, form: FileForm) -> FileFlag {
    FileFlag { process, name, form, does: Reads, holds: Pki(None) }
}

/// By process, then by name.
pub const FILE_FLAGS: &[FileFlag] = &[
    pki_in(ETCD, "auth-token", Settings),
    pki(ETCD, "cert-file", Certificate),
    pki(ETCD, "client-cert-file", Certificate),
    pki_in(ETCD, "client-crl-file", File),
    pki(ETCD, "client-key-file", PrivateKey),
    reads(ETCD, "config-file"),
    writes(ETCD, "data-dir", Folder),
    pki(ETCD, "discovery-cacert", Certificate),
    pki(ETCD, "discovery-cert", Certificate),
    pki(ETCD, "discovery-key", PrivateKey),
    pki(ETCD, "key-file", PrivateKey),
    writes(ETCD, "log-outputs", List),
    pki(ETCD, "peer-cert-file", Certificate),
    pki(ETCD, "peer-client-cert-file", Certificate),
    pki(ETCD, "peer-client-key-file", PrivateKey),
    pki_in(ETCD, "peer-crl-file", File),
    pki(ETCD, "peer-key-file", PrivateKey),
    pki(ETCD, "peer-trusted-ca-file", Certificate),
    pki(ETCD, "trusted-ca-file", Certificate),
    writes(ETCD, "wal-dir", Folder),
    reads(API, "admission-control-config-file"),
    writes(API, "audit-log-path", File),
    reads(API, "audit-policy-file"),
    reads(API, "audit-webhook-config-file"),
    reads(API, "authentication-config"),
    reads(API, "authentication-token-webhook-config-file"),
    reads(API, "authorization-config"),
    reads(API, "authorization-policy-file"),
    reads(API, "authorization-webhook-config-file"),
    secret(API, "basic-auth-file"),
    writes(API, "cert-dir", Folder),
    pki(API, "client-ca-file", Certificate),
    reads(API, "cloud-config"),
    writes(API, "debug-socket-path", File),
    reads(API, "egress-selector-config-file"),
    secret(API, "encryption-provider-config"),
    pki(API, "etcd-cafile", Certificate),
    pki(API, "etcd-certfile", Certificate),
    pki(API, "etcd-keyfile", PrivateKey),
    secret(API, "experimental-encryption-provider-config"),
    pki(API, "kubelet-certificate-authority", Certificate),
    pki(API, "kubelet-client-certificate", Certificate),
    pki(API, "kubelet-client-key", PrivateKey),
    writes(API, "log-dir", Folder),
    writes(API, "log-file", File),
    reads(API, "oidc-ca-file"),
    pki(API, "peer-ca-file", Certificate),
    pki(API, "proxy-client-cert-file", Certificate),
    pki(API, "proxy-client-key-file", PrivateKey),
    pki(API, "requestheader-client-ca-file", Certificate),
    pki(API, "service-account-key-file", PublicKey),
    writes(API, "service-account-signing-endpoint", File),
    pki(API, "service-account-signing-key-file", SigningKey),
    pki(API, "tls-cert-file", Certificate),
    pki(API, "tls-private-key-file", PrivateKey),
    pki_in(API, "tls-sni-cert-key", CertificateAndKey),
    secret(API, "token-auth-file"),
    reads(API, "tracing-config-file"),
    pki(CM, "authentication-kubeconfig", Kubeconfig),
    pki(CM, "authorization-kubeconfig", Kubeconfig),
    writes(CM, "cert-dir", Folder),
    pki(CM, "client-ca-file", Certificate),
    reads(CM, "cloud-config"),
    pki(CM, "cluster-signing-cert-file", Certificate),
    pki(CM, "cluster-signing-key-file", SigningKey),
    pki(CM, "cluster-signing-kube-apiserver-client-cert-file", Certificate),
    pki(CM, "cluster-signing-kube-apiserver-client-key-file", SigningKey),
    pki(CM, "cluster-signing-kubelet-client-cert-file", Certificate),
    pki(CM, "cluster-signing-kubelet-client-key-file", SigningKey),
    pki(CM, "cluster-signing-kubelet-serving-cert-file", Certificate),
    pki(CM, "cluster-signing-kubelet-serving-key-file", SigningKey),
    pki(CM, "cluster-signing-legacy-unknown-cert-file", Certificate),
    pki(CM, "cluster-signing-legacy-unknown-key-file", SigningKey),
    writes(CM, "flex-volume-plugin-dir", Folder),
    pki(CM, "kubeconfig", Kubeconfig),
    writes(CM, "log-dir", Folder),
    writes(CM, "log-file", File),
    reads(CM, "pv-recycler-pod-template-filepath-hostpath"),
    reads(CM, "pv-recycler-pod-template-filepath-nfs"),
    pki(CM, "requestheader-client-ca-file", Certificate),
    pki(CM, "root-ca-file", Certificate),
    pki(CM, "service-account-private-key-file", SigningKey),
    pki(CM, "tls-cert-file", Certificate),
    pki(CM, "tls-private-key-file", PrivateKey),
    pki_in(CM, "tls-sni-cert-key", CertificateAndKey),
    pki(SCHEDULER, "authentication-kubeconfig", Kubeconfig),
    pki(SCHEDULER, "authorization-kubeconfig", Kubeconfig),
    writes(SCHEDULER, "cert-dir", Folder),
    pki(SCHEDULER, "client-ca-file", Certificate),
    reads(SCHEDULER, "config"),
    pki(SCHEDULER, "kubeconfig", Kubeconfig),
    writes(SCHEDULER, "log-dir", Folder),
    writes(SCHEDULER, "log-file", File),
    reads(SCHEDULER, "policy-config-file"),
    pki(SCHEDULER, "requestheader-client-ca-file", Certificate),
    pki(SCHEDULER, "tls-cert-file", Certificate),
    pki(SCHEDULER, "tls-private-key-file", PrivateKey),
    pki_in(SCHEDULER, "tls-sni-cert-key", CertificateAndKey),
    writes(SCHEDULER, "write-config-to", File),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{FLAGS, FlagFrom, pki_files};

    #[test]
    fn flags_are_sorted_and_unique() {
        for pair in FILE_FLAGS.windows(2) {
            let key = |row: &FileFlag| (row.process, row.name);
            assert!(key(&pair[0]) < key(&pair[1]), "{:?}", pair[1]);
        }
    }

    /// What kpki sets to a file of its own is one of the PKI's.
    #[test]
    fn own_files_are_known() {
        for row in FLAGS.iter().filter(|row| matches!(row.from, FlagFrom::File(_))) {
            let known =
                FILE_FLAGS.iter().find(|flag| flag.process == row.process && flag.name == row.name);
            let FlagFrom::File(file) = row.from else { continue };
            let (_, holds) = pki_files().find(|(path, _)| *path == file).unwrap();
            let expected = Some((File, Pki(Some(holds))));
            assert_eq!(known.map(|flag| (flag.form, flag.holds)), expected, "{row:?}");
        }
    }
}
