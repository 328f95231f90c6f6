//! Flags that decide who is believed and who may do what.
//!
//! Sources: the reference pages of kube-apiserver, kube-controller-manager and kube-scheduler (kubernetes.io,
//! Component tools), and etcd's configuration options and transport security model (etcd.io).

use super::Process;

#[derive(Debug)]
pub struct PowerfulFlag {
    pub process: Process,
    /// Without its dashes.
    pub name: &'static str,
}

const fn flag(process: Process, name: &'static str) -> PowerfulFlag {
    PowerfulFlag { process, name }
}

use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};

pub const POWERFUL_FLAGS: &[PowerfulFlag] = &[
    // Who is whom.
    flag(API, "anonymous-auth"),
    flag(API, "authentication-config"),
    flag(API, "authentication-token-webhook-config-file"),
    flag(API, "client-ca-file"),
    flag(API, "enable-bootstrap-token-auth"),
    flag(API, "oidc-ca-file"),
    flag(API, "oidc-groups-claim"),
    flag(API, "oidc-groups-prefix"),
    flag(API, "oidc-issuer-url"),
    flag(API, "oidc-username-claim"),
    flag(API, "oidc-username-prefix"),
    flag(API, "proxy-client-cert-file"),
    flag(API, "requestheader-allowed-names"),
    flag(API, "requestheader-client-ca-file"),
    flag(API, "requestheader-group-headers"),
    flag(API, "requestheader-username-headers"),
    flag(API, "service-account-issuer"),
    flag(API, "service-account-key-file"),
    flag(API, "service-account-signing-key-file"),
    flag(API, "token-auth-file"),
    // Who may do what.
    flag(API, "admission-control-config-file"),
    flag(API, "authorization-config"),
    flag(API, "authorization-mode"),
    flag(API, "authorization-policy-file"),
    flag(API, "authorization-webhook-config-file"),
    flag(API, "disable-admission-plugins"),
    flag(API, "enable-admission-plugins"),
    // Ports without authentication, of versions that have them.
    flag(API, "insecure-bind-address"),
    flag(API, "insecure-port"),
    // Whom it talks to.
    flag(API, "egress-selector-config-file"),
    flag(API, "encryption-provider-config"),
    flag(API, "etcd-cafile"),
    flag(API, "etcd-servers"),
    flag(API, "kubelet-certificate-authority"),
    flag(API, "tls-cert-file"),
    flag(CM, "authentication-kubeconfig"),
    flag(CM, "authorization-always-allow-paths"),
    flag(CM, "authorization-kubeconfig"),
    flag(CM, "client-ca-file"),
    flag(CM, "cluster-signing-cert-file"),
    flag(CM, "cluster-signing-key-file"),
    flag(CM, "kubeconfig"),
    flag(CM, "requestheader-client-ca-file"),
    flag(CM, "root-ca-file"),
    flag(CM, "service-account-private-key-file"),
    flag(CM, "use-service-account-credentials"),
    flag(SCHEDULER, "authentication-kubeconfig"),
    flag(SCHEDULER, "authorization-always-allow-paths"),
    flag(SCHEDULER, "authorization-kubeconfig"),
    flag(SCHEDULER, "client-ca-file"),
    flag(SCHEDULER, "kubeconfig"),
    flag(ETCD, "auto-tls"),
    flag(ETCD, "client-cert-auth"),
    flag(ETCD, "config-file"),
    flag(ETCD, "listen-client-urls"),
    flag(ETCD, "listen-peer-urls"),
    flag(ETCD, "peer-auto-tls"),
    flag(ETCD, "peer-client-cert-auth"),
    flag(ETCD, "peer-trusted-ca-file"),
    flag(ETCD, "trusted-ca-file"),
];
