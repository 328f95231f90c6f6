//! Guides: one flat folder, one CA.

use super::layout::{CLIENTS, KUBELET, KUBELET_SERVERS, Layout, NONE, PODS};

pub(super) const LAYOUTS: &[&Layout] = &[&HARD_WAY, &CFSSL];

/// kubernetes-the-hard-way since it uses openssl: where it makes the files, and /var/lib/kubernetes.
const HARD_WAY: Layout = Layout {
    signs: &[&["kube-api-server.crt", "ca.crt"]],
    leaves: &[
        ("apiserver", &["kube-api-server.crt"]),
        ("apiserver-kubelet-client", &["kube-api-server.crt"]),
        ("kubelet", &["node-*.crt", "node-*.kubeconfig"]),
        ("admin", &["admin.crt", "admin.kubeconfig"]),
        (
            "controller-manager",
            &["kube-controller-manager.crt", "kube-controller-manager.kubeconfig"],
        ),
        ("scheduler", &["kube-scheduler.crt", "kube-scheduler.kubeconfig"]),
        ("kube-proxy", &["kube-proxy.crt", "kube-proxy.kubeconfig"]),
    ],
    loads: &[(&[CLIENTS, KUBELET, PODS, KUBELET_SERVERS], &["ca.crt"])],
    service_account: &["service-accounts.key", "service-accounts.crt"],
    ..NONE
};

/// cfssl's names, as most guides choose them: NAME.pem, NAME-key.pem.
const CFSSL: Layout = Layout {
    signs: &[
        &["kubernetes.pem", "ca.pem"],
        &["kube-apiserver.pem", "ca.pem"],
        &["apiserver.pem", "ca.pem"],
        &["kube-controller-manager.pem", "ca.pem"],
        &["kube-proxy.pem", "ca.pem"],
    ],
    leaves: &[
        ("apiserver", &["kubernetes.pem", "kube-apiserver.pem", "apiserver.pem"]),
        ("kubelet", &["worker-*.pem", "worker-*.kubeconfig"]),
        ("admin", &["admin.pem", "admin.kubeconfig"]),
        (
            "controller-manager",
            &["kube-controller-manager.pem", "kube-controller-manager.kubeconfig"],
        ),
        ("scheduler", &["kube-scheduler.pem", "kube-scheduler.kubeconfig"]),
        ("kube-proxy", &["kube-proxy.pem", "kube-proxy.kubeconfig"]),
    ],
    loads: &[(&[CLIENTS, KUBELET, PODS], &["ca.pem"])],
    service_account: &["service-account-key.pem", "service-account.pem"],
    ..NONE
};
