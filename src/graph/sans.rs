//! Subject alternative names: the table's and the description's.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::name::San;
use crate::profile::{LeafRow, SanFrom};
use crate::spec::{Node, Spec};

/// The alternative names of a row's certificate, on a node if it is of one.
pub fn sans(spec: &Spec, row: &LeafRow, node: Option<&Node>) -> BTreeSet<San> {
    let mut sans = BTreeSet::new();
    for from in row.sans {
        match from {
            SanFrom::Fixed(text) => {
                sans.insert(San::of(text));
            }
            SanFrom::Node => {
                if let Some(node) = node {
                    sans.insert(San::from(&node.name));
                    sans.extend(node.addresses.iter().map(|address| San::Ip(address.ip())));
                    sans.extend(node.sans.iter().cloned());
                }
            }
            SanFrom::Component => {
                if let Some(settings) = spec.components.get(&row.component) {
                    sans.extend(settings.sans.iter().cloned());
                }
            }
            SanFrom::ServiceDomain => {
                let name = format!("kubernetes.default.svc.{}", spec.cluster.dns_domain.value);
                sans.insert(San::Dns(name.into()));
            }
            SanFrom::ServiceAddress => {
                let first = spec.cluster.service_cidrs.value.first();
                sans.extend(first.and_then(|cidr| service_address(*cidr)).map(San::Ip));
            }
            SanFrom::EndpointHost => {
                sans.insert(spec.cluster.endpoint.value.host.clone());
            }
        }
    }
    sans
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
