//! ClusterRoleBindings without which the certificates of a Kubernetes version lead to Forbidden.

use crate::version::Change;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    User(&'static str),
    Group(&'static str),
}

#[derive(Debug)]
pub struct BindingRow {
    pub name: &'static str,
    pub cluster_role: &'static str,
    pub subject: Subject,
    pub since: Change,
    /// What fails without it, as a comment beside it.
    pub without: &'static str,
}

pub const BINDINGS: &[BindingRow] = &[
    BindingRow {
        name: "kubeadm:apiserver-kubelet-client",
        cluster_role: "system:kubelet-api-admin",
        subject: Subject::User("kube-apiserver-kubelet-client"),
        since: Change::KubeletClientWithoutGroup,
        without: "kubectl logs and kubectl exec are Forbidden",
    },
    BindingRow {
        name: "kubeadm:cluster-admins",
        cluster_role: "cluster-admin",
        subject: Subject::Group("kubeadm:cluster-admins"),
        since: Change::ClusterAdmins,
        without: "admin.conf is Forbidden (super-admin.conf works without it)",
    },
];
