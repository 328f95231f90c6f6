//! The interpreter of the flag table: what a process is told on one node.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::agreement::excluder;
use crate::name::CertificatesDir;
use crate::profile::{
    Business, Circumstances, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT, FLAGS, FlagFrom,
    FlagRow, OtherFile, Process, below_root,
};
use crate::spec::FlagSetting;
use crate::version::KubernetesVersion;

/// What the flags of one node depend on.
#[derive(Debug, Clone)]
pub struct FlagInputs<'a> {
    pub version: KubernetesVersion,
    pub cluster_name: &'a str,
    pub node_name: &'a str,
    /// The node's main address.
    pub node_address: IpAddr,
    /// Where this node's API server listens.
    pub api_port: u16,
    pub service_cidrs: &'a [IpNet],
    pub dns_domain: &'a str,
    pub serving_kubelets: bool,
    /// The cluster CA's, for the controller-manager to sign with.
    pub ca_key_on_nodes: bool,
    /// Of the cluster CA, besides those that every cluster has.
    pub other_files: &'a [OtherFile],
    pub certificates_dir: &'a CertificatesDir,
    pub etcd_servers: EtcdServers<'a>,
    /// What a member is told of the others at its first start: all of them, itself too. Later it reads its
    /// data folder, and a changed list would restart etcd for nothing: the caller keeps what it once decided.
    pub etcd_members: &'a [EtcdMember<'a>],
}

/// A member of etcd: its node's name and main address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EtcdMember<'a> {
    pub name: &'a str,
    pub address: IpAddr,
}

/// Where the API server finds etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtcdServers<'a> {
    /// A member on the same node.
    Stacked,
    External(&'a [EtcdMember<'a>]),
}

/// The table's flags of a process, by name without dashes.
pub fn own_flags(process: Process, inputs: &FlagInputs) -> BTreeMap<&'static str, String> {
    rows(process, inputs)
        .map(|row| (row.name, value(row.from(inputs.other_files), inputs)))
        .collect()
}

/// Those that name files of the PKI: in an operator's manifest, kpki's business.
pub fn pki_flags(process: Process, inputs: &FlagInputs) -> BTreeMap<&'static str, String> {
    rows(process, inputs)
        .filter(|row| row.business == Business::Own)
        .map(|row| (row.name, value(row.from(inputs.other_files), inputs)))
        .collect()
}

fn rows(process: Process, inputs: &FlagInputs) -> impl Iterator<Item = &'static FlagRow> {
    let circumstances = Circumstances {
        version: inputs.version,
        serving_kubelets: inputs.serving_kubelets,
        ca_key_on_nodes: inputs.ca_key_on_nodes,
    };
    FLAGS
        .iter()
        .filter(move |row| row.process == process)
        .filter(move |row| row.when.iter().all(|when| when.holds(&circumstances)))
}

/// The table's flags with the user's: the user's win, and what they exclude or take away is left out.
pub fn merged(
    process: Process,
    own: &BTreeMap<&'static str, String>,
    given: &BTreeMap<String, FlagSetting>,
) -> BTreeMap<String, String> {
    let values =
        || given.iter().filter_map(|(name, setting)| Some((name.as_str(), setting.value()?)));
    let stays =
        |name: &str| !given.contains_key(name) && excluder(process, name, values()).is_none();
    let own = own.iter().filter(|(name, _)| stays(name));
    let own = own.map(|(name, value)| ((*name).to_owned(), value.clone()));
    own.chain(values().map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

fn value(from: FlagFrom, inputs: &FlagInputs) -> String {
    let node = inputs.node_address;
    let loopback = loopback_like(node);
    match from {
        FlagFrom::Fixed(text) => text.to_owned(),
        FlagFrom::File(path) => format!("/{}", below_root(inputs.certificates_dir, path)),
        FlagFrom::NodeName => inputs.node_name.to_owned(),
        FlagFrom::NodeAddress => node.to_string(),
        FlagFrom::ClusterName => inputs.cluster_name.to_owned(),
        FlagFrom::ServiceCidrs => commas(inputs.service_cidrs.iter().map(IpNet::to_string)),
        FlagFrom::Issuer => format!("https://kubernetes.default.svc.{}", inputs.dns_domain),
        FlagFrom::ApiPort => inputs.api_port.to_string(),
        FlagFrom::EtcdServers => match inputs.etcd_servers {
            EtcdServers::Stacked => https(loopback, ETCD_CLIENT_PORT),
            EtcdServers::External(members) => {
                commas(members.iter().map(|member| https(member.address, ETCD_CLIENT_PORT)))
            }
        },
        FlagFrom::EtcdUrl(port) => https(node, port),
        FlagFrom::EtcdClientListen => {
            commas([loopback, node].map(|address| https(address, ETCD_CLIENT_PORT)))
        }
        FlagFrom::EtcdMetricsListen => {
            format!("http://{}", SocketAddr::new(loopback, ETCD_METRICS_PORT))
        }
        FlagFrom::EtcdInitialCluster => {
            let members = inputs.etcd_members.iter();
            commas(
                members.map(|member| {
                    format!("{}={}", member.name, https(member.address, ETCD_PEER_PORT))
                }),
            )
        }
    }
}

/// `SocketAddr` puts the brackets around an IPv6 address.
fn https(address: IpAddr, port: u16) -> String {
    format!("https://{}", SocketAddr::new(address, port))
}

fn commas(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(",")
}

/// The loopback address of the other address's family.
pub(super) fn loopback_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}
