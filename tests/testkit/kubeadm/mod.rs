//! Clusters as kubeadm leaves them, made when a test runs: each node's /etc/kubernetes and what of its
//! kubelet
//! lies beside. Facts, modes and bytes are those of real runs (`tests/kubeadm`) and of kubeadm's source;
//! nothing here asks kpki.

mod cluster;
mod kubeconfigs;
mod kubelet;
mod mint;
mod node_tree;
mod pods;
mod write;

pub use cluster::{Cluster, Etcd, ExtraArgument, Kubelet, Leaf, Node, Role, Super};
pub use kubeconfigs::{Client, Names, kubeconfig};
pub use kubelet::config_map;
pub use mint::{Certificate, Key, Keys, Texts};
pub use node_tree::{Entry, NodeTree, snapshot};
pub use pods::Volume;
pub use write::{NodeTrees, secrets, write_all};
