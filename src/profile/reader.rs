//! Who reads what of the PKI.

use super::Process;
use crate::spec::CaName;

/// Who reads files of the PKI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// A static pod: a changed annotation makes the kubelet replace it.
    Pod(Process),
    /// Services: the operator restarts them.
    Kubelet,
    KubeProxy,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// A CA's trust bundle.
    Bundle(CaName),
    /// A brought CA with those above it.
    Chain(CaName),
    /// sa.key; where there is one key pair, sa.pub, too.
    ServiceAccount,
    /// sa.pub of several key pairs.
    ServiceAccountKeys,
    /// What clients believe of servers, where that is more than the bundle.
    Serving(CaName),
    /// A leaf's key and certificate: the name of its row.
    Leaf(&'static str),
    /// A kubeconfig's file name.
    Kubeconfig(&'static str),
    /// The kubelet's own configuration file.
    KubeletConfig,
}

impl Input {
    /// Names it in hashes and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Input::Bundle(CaName::Kubernetes) => "bundle-kubernetes",
            Input::Bundle(CaName::Etcd) => "bundle-etcd",
            Input::Bundle(CaName::FrontProxy) => "bundle-front-proxy",
            Input::Chain(CaName::Kubernetes) => "chain-kubernetes",
            Input::Chain(CaName::Etcd) => "chain-etcd",
            Input::Chain(CaName::FrontProxy) => "chain-front-proxy",
            Input::ServiceAccount => "service-account",
            Input::ServiceAccountKeys => "bundle-service-account",
            Input::Serving(CaName::Kubernetes) => "serving-kubernetes",
            Input::Serving(CaName::Etcd) => "serving-etcd",
            Input::Serving(CaName::FrontProxy) => "serving-front-proxy",
            Input::KubeletConfig => "kubelet-config",
            Input::Leaf(name) | Input::Kubeconfig(name) => name,
        }
    }
}
