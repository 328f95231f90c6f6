//! The recipe of kubelet.conf where the kubelet renews its own client certificate: no secret is in it.

use std::sync::Arc;

use crate::graph::DerivationId;
use crate::hash::{Digest, Fields};
use crate::name::{Label, NodeName, Server};

#[derive(Debug)]
pub struct KubeletConf {
    /// Whom the kubelet believes, the signing one first.
    pub cas: Vec<DerivationId>,
    pub server: Server,
    pub cluster: Label,
    pub node: NodeName,
    /// The operator's own file, of which everything else stays; `None`: kubeadm's form.
    pub source: Option<Arc<[u8]>>,
}

impl KubeletConf {
    /// The names of cluster and node are the file's own, where there is one.
    pub(super) fn own_fields(&self) -> Fields {
        let fields =
            Fields::default().text("builder", "kubelet-conf").text("server", self.server.url());
        match &self.source {
            Some(bytes) => fields.text("source", Digest::of(bytes).to_string()),
            None => fields.text("cluster", self.cluster.as_str()).text("node", self.node.as_str()),
        }
    }
}
