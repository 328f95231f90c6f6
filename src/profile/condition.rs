//! When a row of a table counts: where all its conditions hold.

use crate::version::{Change, KubernetesVersion};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Since(Change),
    Before(Change),
    /// `component "kubelet" serving=#true`: the API server then checks the kubelets' certificates.
    ServingKubelets,
}

/// What conditions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    pub version: KubernetesVersion,
    pub serving_kubelets: bool,
}

impl When {
    pub fn holds(self, circumstances: &Circumstances) -> bool {
        match self {
            When::Since(change) => circumstances.version.has(change),
            When::Before(change) => !circumstances.version.has(change),
            When::ServingKubelets => circumstances.serving_kubelets,
        }
    }
}
