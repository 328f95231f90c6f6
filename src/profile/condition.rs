//! When a row of a table counts: where all its conditions hold.

use crate::version::{Change, KubernetesVersion};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Since(Change),
    Before(Change),
    /// `component "kubelet" serving=#true`: the API server then checks the kubelets' certificates.
    ServingKubelets,
    /// Not `ca "kubernetes" keys-on-nodes=#false`, which is kubeadm's external CA mode.
    ClusterCaKeyOnNodes,
}

/// What conditions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    pub version: KubernetesVersion,
    pub serving_kubelets: bool,
    pub ca_key_on_nodes: bool,
}

impl When {
    pub fn holds(self, circumstances: &Circumstances) -> bool {
        match self {
            When::Since(change) => circumstances.version.has(change),
            When::Before(change) => !circumstances.version.has(change),
            When::ServingKubelets => circumstances.serving_kubelets,
            When::ClusterCaKeyOnNodes => circumstances.ca_key_on_nodes,
        }
    }
}
