//! Networks and addresses of a description against each other, where a cluster could not work with them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::cluster::{ClusterDraft, DEFAULT_CIDR};
use super::component::Components;
use super::node::NodeDraft;
use super::problem::{At, Problem};
use super::reader::Reader;
use crate::first_few::names;
use crate::graph::{LARGEST_BEFORE, largest_is_lifted};
use crate::name::San;
use crate::spec::{Component, Role};
use crate::version::Change;

/// What is proposed in the place of a network that is taken.
const FREE_CIDRS: [&str; 4] =
    [DEFAULT_CIDR, "172.30.0.0/16", "192.168.192.0/18", "fd00:10:96::/112"];

/// Nodes that a note names.
const SHOWN: usize = 5;

/// What the API server is told in another place than `cluster`.
pub struct Told<'a> {
    pub components: &'a Components,
    /// The operator's manifests may say anything, and are judged where they are read.
    pub by_manifests: bool,
}

impl Told<'_> {
    fn flag(&self, name: &str) -> Option<&str> {
        let settings = self.components.settings.get(&Component::Apiserver)?;
        settings.flags.get(name)?.value()
    }
}

pub fn check(
    cluster: &ClusterDraft,
    nodes: &[NodeDraft],
    told: &Told<'_>,
    reader: &mut Reader<'_>,
) {
    let networks = &cluster.service_cidrs.value;
    // Otherwise one of them is a mistake itself.
    if cluster.cidrs_at.is_empty() || cluster.cidrs_at.len() == networks.len() {
        let taken = taken(cluster, nodes);
        for (index, network) in networks.iter().enumerate() {
            let at = cluster.cidrs_at.get(index).copied();
            is_free(*network, at, &taken, reader);
            is_small_enough(cluster, *network, at, told, reader);
        }
        families(cluster, nodes, told, reader);
    }
    alone(nodes, reader);
    ends(nodes, reader);
}

/// Addresses of machines, each with whose it is and where it stands.
fn taken(cluster: &ClusterDraft, nodes: &[NodeDraft]) -> Vec<(IpAddr, String, At)> {
    let endpoint = cluster.endpoint.as_ref().and_then(|endpoint| match endpoint.value.host {
        San::Ip(address) => {
            Some((address, "the endpoint's address".to_owned(), cluster.endpoint_at?))
        }
        San::Dns(_) => None,
    });
    let own = nodes.iter().flat_map(|node| {
        let name = node.name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
        let addresses = node.addresses.iter();
        addresses.map(move |(ip, at)| (ip.ip(), format!("the address of node{name}"), *at))
    });
    own.chain(endpoint).collect()
}

/// Whoever may make a Service could give it such an address, and nodes take it from the machine that has
/// it (kube-apiserver, `--service-cluster-ip-range`: must not overlap with the networks of nodes).
fn is_free(
    network: IpNet,
    written: Option<At>,
    taken: &[(IpAddr, String, At)],
    reader: &mut Reader<'_>,
) {
    let Some((address, whose, at)) = taken.iter().find(|(address, ..)| network.contains(address))
    else {
        return;
    };
    let message = format!("service-cidr {network} holds {whose}, {address}");
    let problem = match written {
        Some(written) => Problem::new(written, message).other(*at, "in it"),
        None => Problem::new(*at, message)
            .label(format!("{network} is what services get where no `service-cidr` is written")),
    };
    let free = FREE_CIDRS.iter().filter_map(|text| text.parse::<IpNet>().ok()).find(|free| {
        network.network().is_ipv4() == free.network().is_ipv4()
            && !taken.iter().any(|(address, ..)| free.contains(address))
    });
    let free = free.map_or_else(String::new, |free| format!(", such as service-cidr \"{free}\""));
    reader.problem(problem.help(format!(
        "Kubernetes gives these addresses to services, and nodes send what goes there to pods: write a network \
         that nothing else is in{free}"
    )));
}

/// Before 1.34 the API server keeps a map of the whole network in etcd, and takes no larger one.
fn is_small_enough(
    cluster: &ClusterDraft,
    network: IpNet,
    at: Option<At>,
    told: &Told<'_>,
    reader: &mut Reader<'_>,
) {
    let version = cluster.kubernetes.value;
    let (Some(at), false) = (at, version.has(Change::LargeServiceNetworks)) else {
        return;
    };
    let smallest = network.max_prefix_len() - LARGEST_BEFORE;
    if network.prefix_len() >= smallest {
        return;
    }
    let message = format!(
        "service-cidr {network} is too large: the API server of Kubernetes {version} takes /{smallest} and smaller"
    );
    if told.by_manifests || told.flag("feature-gates").is_some_and(largest_is_lifted) {
        let place = reader.origin(at);
        reader.note(format!(
            "{message} unless its feature gates MultiCIDRServiceAllocator and DisableAllocatorDualWrite are on ({place})"
        ));
        return;
    }
    let help = format!("write {}/{smallest}, or a smaller one", network.network());
    reader.problem(Problem::new(at, message).help(help));
}

/// The `kubernetes` service has addresses of one family, and so have its endpoints: kube-apiserver does not
/// start with others (its `validatePublicIPServiceClusterIPRangeIPFamilies`).
fn families(cluster: &ClusterDraft, nodes: &[NodeDraft], told: &Told<'_>, reader: &mut Reader<'_>) {
    let says_more = ["advertise-address", "endpoint-reconciler-type", "service-cluster-ip-range"];
    if told.by_manifests || says_more.iter().any(|flag| told.flag(flag).is_some()) {
        // Judged with all flags.
        return;
    }
    let Some(network) = cluster.service_cidrs.value.first() else { return };
    let family = |is_v4: bool| if is_v4 { "IPv4" } else { "IPv6" };
    let is_v4 = network.network().is_ipv4();
    let control_plane = nodes.iter().filter(|node| node.role == Some(Role::ControlPlane));
    for node in control_plane {
        let Some((address, at)) = node.addresses.first() else { continue };
        if address.ip().is_ipv4() == is_v4 {
            continue;
        }
        let message = format!(
            "the first address of this control-plane node is {} and the first service network, {network}, {}: \
             kube-apiserver does not start so",
            family(!is_v4),
            family(is_v4)
        );
        let help = if node.addresses.iter().any(|(other, _)| other.ip().is_ipv4() == is_v4) {
            format!("write its {} address first", family(is_v4))
        } else {
            format!("begin `service-cidr` with an {} network", family(!is_v4))
        };
        reader.problem(Problem::new(*at, message).help(help));
    }
}

/// One machine may be a whole lab; others do not reach it there.
fn alone(nodes: &[NodeDraft], reader: &mut Reader<'_>) {
    let is_local = |node: &&NodeDraft| {
        !node.addresses.is_empty()
            && node.addresses.iter().all(|(address, _)| address.ip().is_loopback())
    };
    let others = nodes.iter().filter(|node| !node.addresses.is_empty() && !is_local(node));
    if others.count() == 0 {
        return;
    }
    let local = nodes.iter().filter(is_local).filter_map(|node| {
        Some(format!("{} at {}", node.name.as_ref()?, node.addresses.first()?.0))
    });
    let local: Vec<String> = local.collect();
    if !local.is_empty() {
        reader.note(format!("no other machine reaches {}", names(SHOWN, local)));
    }
}

/// How large a node's network is, the description does not say.
fn ends(nodes: &[NodeDraft], reader: &mut Reader<'_>) {
    let named = |last: &dyn Fn(IpAddr) -> bool| -> Vec<String> {
        let found = nodes.iter().filter_map(|node| {
            let (address, _) = node.addresses.iter().find(|(address, _)| last(address.ip()))?;
            Some(format!("{} ({})", address, node.name.as_ref()?))
        });
        found.collect()
    };
    let first = named(&|address| match address {
        IpAddr::V4(four) => four.octets()[3] == 0,
        // RFC 4291 2.6.1
        IpAddr::V6(six) => six.segments()[4..] == [0; 4],
    });
    let last = named(&|address| matches!(address, IpAddr::V4(four) if four.octets()[3] == 255));
    for (found, what) in [(first, "the network itself"), (last, "its broadcast address")] {
        if !found.is_empty() {
            let size = if found.iter().any(|text| text.contains(':')) { "/64" } else { "/24" };
            reader.note(format!(
                "in a network of {size} {} is {what}, and no machine's",
                names(SHOWN, &found)
            ));
        }
    }
}
