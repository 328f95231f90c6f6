//! When a row of a table counts: where all its conditions hold.

use super::Since;
use crate::version::KubernetesVersion;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Since(Since),
    Before(Since),
    /// `component "kubelet" serving=#true`: the API server then checks the kubelets' certificates.
    ServingKubelets,
    /// This etcd member joins a cluster that runs already.
    JoiningEtcd,
}

/// What conditions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    pub version: KubernetesVersion,
    pub serving_kubelets: bool,
    pub joining_etcd: bool,
}

impl When {
    pub fn holds(self, circumstances: &Circumstances) -> bool {
        match self {
            When::Since(since) => since.holds_for(circumstances.version),
            When::Before(since) => !since.holds_for(circumstances.version),
            When::ServingKubelets => circumstances.serving_kubelets,
            When::JoiningEtcd => circumstances.joining_etcd,
        }
    }
}
