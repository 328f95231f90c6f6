//! What a row of a layout says.

use crate::pod::Process;
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD};

/// A reader of trusted CAs, by the flag that names its file; the kubelet has a configuration of its own.
pub type ReaderKey = Option<(Process, &'static str)>;

#[derive(Debug)]
pub struct Layout {
    /// All files of one of these are there; the first one's path tells the folder.
    pub signs: &'static [&'static [&'static str]],
    /// A row of [`crate::profile::LEAVES`], and the files and kubeconfigs that show such a certificate.
    pub leaves: &'static [(&'static str, &'static [&'static str])],
    /// Who loads which CAs: the first of the files that is there.
    pub loads: &'static [(&'static [ReaderKey], &'static [&'static str])],
    /// The key of the tokens, and a certificate that its public half lies in.
    pub service_account: &'static [&'static str],
    /// The folder of static pods.
    pub manifests: Option<&'static str>,
    /// The one name of all kubelets, where the distribution binds a role to their group instead of asking the
    /// node authorizer.
    pub every_kubelet: Option<&'static str>,
    /// Kubeconfigs that nobody reads.
    pub idle: &'static [&'static str],
}

/// Nothing; a layout says what it has.
pub const NONE: Layout = Layout {
    signs: &[],
    leaves: &[],
    loads: &[],
    service_account: &[],
    manifests: None,
    every_kubelet: None,
    idle: &[],
};

pub const CLIENTS: ReaderKey = Some((API, "client-ca-file"));
pub const KUBELET: ReaderKey = None;
pub const PODS: ReaderKey = Some((CM, "root-ca-file"));
pub const KUBELET_SERVERS: ReaderKey = Some((API, "kubelet-certificate-authority"));
pub const ETCD_SERVERS: ReaderKey = Some((API, "etcd-cafile"));
pub const ETCD_CLIENTS: ReaderKey = Some((ETCD, "trusted-ca-file"));
pub const ETCD_PEERS: ReaderKey = Some((ETCD, "peer-trusted-ca-file"));
pub const FRONT_PROXY: ReaderKey = Some((API, "requestheader-client-ca-file"));
pub const FRONT_PROXY_OF_CM: ReaderKey = Some((CM, "requestheader-client-ca-file"));
