//! Subject alternative names: the table's and the description's.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::name::San;
use crate::profile::{LeafRow, SanFrom};
use crate::spec::{Node, Spec};

/// The alternative names of a row's certificate, on a node if it is of one.
pub fn sans(spec: &Spec, row: &LeafRow, node: Option<&Node>) -> BTreeSet<San> {
    if let Some(written) = node.and_then(|node| node.leaves.get(row.name)?.sans.as_ref()) {
        return written.keys().cloned().collect();
    }
    row.sans.iter().flat_map(|from| sans_from(spec, row, node, *from)).collect()
}

/// Those that come from one place, where no leaf's own list says otherwise.
pub fn sans_from(spec: &Spec, row: &LeafRow, node: Option<&Node>, from: SanFrom) -> Vec<San> {
    let cluster = &spec.cluster;
    match (from, node) {
        (SanFrom::Fixed(text), _) => vec![San::of(text)],
        (SanFrom::Node, None) => Vec::new(),
        (SanFrom::Node, Some(node)) => {
            let addresses = node.addresses.iter().map(|address| San::Ip(address.ip()));
            let own = [San::from(&node.name)].into_iter().chain(addresses);
            own.chain(node.sans.keys().cloned()).collect()
        }
        (SanFrom::Component, _) => {
            let settings = spec.components.get(&row.component);
            settings.into_iter().flat_map(|settings| settings.sans.keys().cloned()).collect()
        }
        (SanFrom::ServiceDomain, _) => {
            let name = format!("kubernetes.default.svc.{}", cluster.dns_domain.value);
            vec![San::Dns(name.into())]
        }
        (SanFrom::ServiceAddress, _) => {
            let first = cluster.service_cidrs.value.first();
            let address = first.and_then(|cidr| service_address(*cidr));
            address.map(San::Ip).into_iter().collect()
        }
        (SanFrom::EndpointHost, _) => vec![cluster.endpoint.value.host.clone()],
    }
}

/// The network's second address: the `kubernetes` service's (kubeadm, GetAPIServerVirtualIP).
fn service_address(network: IpNet) -> Option<IpAddr> {
    address_in(network, 1)
}

/// The same of the first network in a list, as `--service-cluster-ip-range` has it.
pub fn first_service_address(networks: &str) -> Option<IpAddr> {
    let first = networks.split(',').next()?;
    first.trim().parse::<IpNet>().ok().and_then(|network| service_address(network.trunc()))
}

/// An address by its number, from the network's own as 0.
pub fn address_in(network: IpNet, number: u32) -> Option<IpAddr> {
    let address: IpAddr = match network.network() {
        IpAddr::V4(first) => Ipv4Addr::from(u32::from(first).checked_add(number)?).into(),
        IpAddr::V6(first) => Ipv6Addr::from(u128::from(first).checked_add(number.into())?).into(),
    };
    network.contains(&address).then_some(address)
}
