//! The flags that name files or folders, whatever for: the container must see them.
//!
//! Sources: the reference pages of kube-apiserver, kube-controller-manager and kube-scheduler (kubernetes.io,
//! Component tools) for Kubernetes 1.28 to 1.36, and etcd's configuration options (etcd.io), 3.5 and 3.6.

use super::Process;

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
    /// A certificate, key or kubeconfig that somebody issues for the cluster.
    Pki,
    Other,
}

use Content::{Other, Pki};
use Does::{Reads, Writes};
use FileForm::{CertificateAndKey, File, Folder, List, Settings};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};

const fn pki(process: Process, name: &'static str) -> FileFlag {
    FileFlag { process, name, form: File, does: Reads, holds: Pki }
}

const fn reads(process: Process, name: &'static str) -> FileFlag {
    FileFlag { process, name, form: File, does: Reads, holds: Other }
}

const fn writes(process: Process, name: &'static str, form: FileForm) -> FileFlag {
    FileFlag { process, name, form, does: Writes, holds: Other }
}

const fn pki_in(process: Process, name: &'static str, form: FileForm) -> FileFlag {
    FileFlag { form, ..pki(process, name) }
}

/// By process, then by name.
pub const FILE_FLAGS: &[FileFlag] = &[
    pki_in(ETCD, "auth-token", Settings),
    pki(ETCD, "cert-file"),
    pki(ETCD, "client-cert-file"),
    pki(ETCD, "client-crl-file"),
    pki(ETCD, "client-key-file"),
    reads(ETCD, "config-file"),
    writes(ETCD, "data-dir", Folder),
    pki(ETCD, "discovery-cacert"),
    pki(ETCD, "discovery-cert"),
    pki(ETCD, "discovery-key"),
    pki(ETCD, "key-file"),
    writes(ETCD, "log-outputs", List),
    pki(ETCD, "peer-cert-file"),
    pki(ETCD, "peer-client-cert-file"),
    pki(ETCD, "peer-client-key-file"),
    pki(ETCD, "peer-crl-file"),
    pki(ETCD, "peer-key-file"),
    pki(ETCD, "peer-trusted-ca-file"),
    pki(ETCD, "trusted-ca-file"),
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
    reads(API, "basic-auth-file"),
    writes(API, "cert-dir", Folder),
    pki(API, "client-ca-file"),
    reads(API, "cloud-config"),
    writes(API, "debug-socket-path", File),
    reads(API, "egress-selector-config-file"),
    reads(API, "encryption-provider-config"),
    pki(API, "etcd-cafile"),
    pki(API, "etcd-certfile"),
    pki(API, "etcd-keyfile"),
    reads(API, "experimental-encryption-provider-config"),
    pki(API, "kubelet-certificate-authority"),
    pki(API, "kubelet-client-certificate"),
    pki(API, "kubelet-client-key"),
    writes(API, "log-dir", Folder),
    writes(API, "log-file", File),
    reads(API, "oidc-ca-file"),
    pki(API, "peer-ca-file"),
    pki(API, "proxy-client-cert-file"),
    pki(API, "proxy-client-key-file"),
    pki(API, "requestheader-client-ca-file"),
    pki(API, "service-account-key-file"),
    writes(API, "service-account-signing-endpoint", File),
    pki(API, "service-account-signing-key-file"),
    pki(API, "tls-cert-file"),
    pki(API, "tls-private-key-file"),
    pki_in(API, "tls-sni-cert-key", CertificateAndKey),
    reads(API, "token-auth-file"),
    reads(API, "tracing-config-file"),
    pki(CM, "authentication-kubeconfig"),
    pki(CM, "authorization-kubeconfig"),
    writes(CM, "cert-dir", Folder),
    pki(CM, "client-ca-file"),
    reads(CM, "cloud-config"),
    pki(CM, "cluster-signing-cert-file"),
    pki(CM, "cluster-signing-key-file"),
    pki(CM, "cluster-signing-kube-apiserver-client-cert-file"),
    pki(CM, "cluster-signing-kube-apiserver-client-key-file"),
    pki(CM, "cluster-signing-kubelet-client-cert-file"),
    pki(CM, "cluster-signing-kubelet-client-key-file"),
    pki(CM, "cluster-signing-kubelet-serving-cert-file"),
    pki(CM, "cluster-signing-kubelet-serving-key-file"),
    pki(CM, "cluster-signing-legacy-unknown-cert-file"),
    pki(CM, "cluster-signing-legacy-unknown-key-file"),
    writes(CM, "flex-volume-plugin-dir", Folder),
    pki(CM, "kubeconfig"),
    writes(CM, "log-dir", Folder),
    writes(CM, "log-file", File),
    reads(CM, "pv-recycler-pod-template-filepath-hostpath"),
    reads(CM, "pv-recycler-pod-template-filepath-nfs"),
    pki(CM, "requestheader-client-ca-file"),
    pki(CM, "root-ca-file"),
    pki(CM, "service-account-private-key-file"),
    pki(CM, "tls-cert-file"),
    pki(CM, "tls-private-key-file"),
    pki_in(CM, "tls-sni-cert-key", CertificateAndKey),
    pki(SCHEDULER, "authentication-kubeconfig"),
    pki(SCHEDULER, "authorization-kubeconfig"),
    writes(SCHEDULER, "cert-dir", Folder),
    pki(SCHEDULER, "client-ca-file"),
    reads(SCHEDULER, "config"),
    pki(SCHEDULER, "kubeconfig"),
    writes(SCHEDULER, "log-dir", Folder),
    writes(SCHEDULER, "log-file", File),
    reads(SCHEDULER, "policy-config-file"),
    pki(SCHEDULER, "requestheader-client-ca-file"),
    pki(SCHEDULER, "tls-cert-file"),
    pki(SCHEDULER, "tls-private-key-file"),
    pki_in(SCHEDULER, "tls-sni-cert-key", CertificateAndKey),
    writes(SCHEDULER, "write-config-to", File),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{FLAGS, FlagFrom};

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
            assert_eq!(known.map(|flag| (flag.form, flag.holds)), Some((File, Pki)), "{row:?}");
        }
    }
}
