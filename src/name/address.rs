//! Addresses of machines, and those that no machine or no service can have.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::{NameError, refuse};

/// What somebody wants an address for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A machine's own.
    Node,
    /// A certificate's or an endpoint's: whoever dials may be on the same machine.
    Client,
    /// Of a network that services get theirs from.
    Services,
}

use Use::{Client, Node, Services};

/// Addresses with a meaning of their own.
struct Special {
    network: IpNet,
    /// As "is a multicast address".
    is: &'static str,
    help: &'static str,
    not_for: &'static [Use],
}

const fn v4(a: u8, b: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), prefix))
}

const fn v6(address: Ipv6Addr, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(address, prefix))
}

const ONE: &str = "write the address of one machine";
const WIDE: &str =
    "the kubelet and the API server take none: write one that is good beyond its own link";

/// RFC 6890 and IANA's registries of special-purpose addresses; for nodes the kubelet's `validateNodeIP`
/// and the API server's `ValidateEndpointIP` (of kubernetes/kubernetes).
#[rustfmt::skip] // one range, one line
const SPECIAL: &[Special] = &[
    Special { network: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 32)), is: "the unspecified address", help: "name the one that clients dial", not_for: &[Node, Client] },
    Special { network: v6(Ipv6Addr::UNSPECIFIED, 128), is: "the unspecified address", help: "name the one that clients dial", not_for: &[Node, Client, Services] },
    Special { network: v4(0, 0, 8), is: "an address of \"this network\" (RFC 1122)", help: ONE, not_for: &[Services] },
    Special { network: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::BROADCAST, 32)), is: "the broadcast address", help: ONE, not_for: &[Node, Client, Services] },
    Special { network: v4(224, 0, 4), is: "a multicast address", help: ONE, not_for: &[Node, Client, Services] },
    Special { network: v6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), is: "a multicast address", help: ONE, not_for: &[Node, Client, Services] },
    Special { network: v6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), is: "an IPv4-mapped IPv6 address", help: "write the IPv4 address", not_for: &[Node, Client, Services] },
    Special { network: v4(169, 254, 16), is: "a link-local address", help: WIDE, not_for: &[Node, Services] },
    Special { network: v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), is: "a link-local address", help: WIDE, not_for: &[Node, Services] },
    // A lab may have its one control-plane node there.
    Special { network: v4(127, 0, 8), is: "a loopback address", help: ONE, not_for: &[Services] },
    Special { network: v6(Ipv6Addr::LOCALHOST, 128), is: "a loopback address", help: ONE, not_for: &[Services] },
];

/// Link-local addresses of IPv6 are dialled with the name of an interface.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(six) if six.is_unicast_link_local())
}

pub(super) fn check(address: IpAddr, wish: Use) -> Result<IpAddr, NameError> {
    let special = (SPECIAL.iter())
        .find(|special| special.not_for.contains(&wish) && special.network.contains(&address));
    match special {
        Some(Special { is, help, .. }) => refuse(format!("is {is}; {help}")),
        None => Ok(address),
    }
}

/// An address, if the text is one. A zone behind it means something to one machine alone.
pub(super) fn of_text(text: &str) -> Result<Option<IpAddr>, NameError> {
    if let Some((address, zone)) = text.split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return refuse(format!(
            "has the zone {zone:?}, an interface of one machine; write an address without one"
        ));
    }
    Ok(text.parse().ok())
}

/// Why services cannot have addresses of this network; reads after it.
pub fn unfit_for_services(network: IpNet) -> Option<String> {
    let contains = |special: &&Special| {
        special.network.contains(&network) || network.contains(&special.network)
    };
    if network.prefix_len() == 0 {
        return Some("is the whole address space".to_owned());
    }
    // kube-apiserver: "must be at least 8 IP addresses".
    if network.max_prefix_len() - network.prefix_len() < 3 {
        return Some("is too small: the API server wants at least 8 addresses".to_owned());
    }
    let mut unfit = SPECIAL.iter().filter(|special| special.not_for.contains(&Services));
    let special = unfit.find(contains)?;
    let kind = special.is.split_once(' ').map_or(special.is, |(_, kind)| kind);
    Some(if special.network.contains(&network) {
        format!("lies in {}, of which each is {}", special.network, special.is)
    } else {
        format!("holds {}: {kind}", special.network)
    })
}

/// A node's own address: of one machine, and good beyond its link. Loopback serves tests on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeAddress(IpAddr);

impl NodeAddress {
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl FromStr for NodeAddress {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match of_text(text)? {
            Some(address) => check(address, Node).map(NodeAddress),
            None => refuse("is not an IP address; write one such as 10.0.0.11 or fd00::11"),
        }
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, from the RFCs: `is` in the reason, or taken.
    #[test]
    fn addresses_have_their_uses() {
        let cases: [(&str, [Option<&str>; 2]); 26] = [
            ("10.0.0.11", [None, None]),
            ("192.168.255.255", [None, None]),
            ("100.64.0.1", [None, None]),
            ("198.18.0.1", [None, None]),
            ("240.0.0.1", [None, None]),
            ("fd00::11", [None, None]),
            ("2001:db8::1", [None, None]),
            ("127.0.0.1", [None, None]),
            ("::1", [None, None]),
            ("0.0.0.0", [Some("unspecified"), Some("unspecified")]),
            ("::", [Some("unspecified"), Some("unspecified")]),
            ("0:0:0:0:0:0:0:0", [Some("unspecified"), Some("unspecified")]),
            ("255.255.255.255", [Some("broadcast"), Some("broadcast")]),
            ("224.0.0.1", [Some("multicast"), Some("multicast")]),
            ("239.255.255.255", [Some("multicast"), Some("multicast")]),
            ("ff02::1", [Some("multicast"), Some("multicast")]),
            ("::ffff:10.0.0.1", [Some("IPv4-mapped"), Some("IPv4-mapped")]),
            ("::ffff:127.0.0.1", [Some("IPv4-mapped"), Some("IPv4-mapped")]),
            ("169.254.0.1", [Some("link-local"), None]),
            ("169.254.169.254", [Some("link-local"), None]),
            ("fe80::1", [Some("link-local"), None]),
            ("febf::1", [Some("link-local"), None]),
            ("fec0::1", [None, None]),
            ("fe80::1%eth0", [Some("the zone \"eth0\""), Some("the zone \"eth0\"")]),
            ("fd00::1%2", [Some("the zone \"2\""), Some("the zone \"2\"")]),
            ("fe80::1%", [Some("the zone \"\""), Some("the zone \"\"")]),
        ];
        for (text, [node, client]) in cases {
            for (found, expected) in [
                (text.parse::<NodeAddress>().map(|_| ()), node),
                (text.parse::<super::super::San>().map(|_| ()), client),
            ] {
                match (found, expected) {
                    (Ok(()), None) => {}
                    (Err(why), Some(word)) if why.0.contains(word) => {}
                    (found, _) => panic!("{text}: {found:?}, expected {expected:?}"),
                }
            }
        }
    }

    #[test]
    fn services_need_a_network_of_their_own() {
        for (network, why) in [
            ("10.96.0.0/12", None),
            ("10.0.0.0/29", None),
            ("100.64.0.0/16", None),
            ("fd00:10:96::/112", None),
            ("2001:db8::/108", None),
            ("10.0.0.0/30", Some("at least 8 addresses")),
            ("10.0.0.0/32", Some("at least 8 addresses")),
            ("fd00::/126", Some("at least 8 addresses")),
            ("0.0.0.0/0", Some("whole address space")),
            ("::/0", Some("whole address space")),
            ("0.0.0.0/1", Some("holds 0.0.0.0/8")),
            ("0.0.0.0/16", Some("lies in 0.0.0.0/8")),
            ("127.0.0.0/8", Some("lies in 127.0.0.0/8, of which each is a loopback address")),
            ("127.5.0.0/16", Some("loopback")),
            ("126.0.0.0/7", Some("holds 127.0.0.0/8: loopback address")),
            ("128.0.0.0/1", Some("broadcast")),
            ("169.254.0.0/20", Some("link-local")),
            ("168.0.0.0/6", Some("link-local")),
            ("224.0.0.0/24", Some("multicast")),
            ("240.0.0.0/4", Some("broadcast")),
            ("::/64", Some("unspecified")),
            ("::ffff:10.0.0.0/112", Some("IPv4-mapped")),
            ("fe80::/108", Some("link-local")),
            ("ff00::/108", Some("multicast")),
        ] {
            let found = unfit_for_services(network.parse().unwrap());
            match (&found, why) {
                (None, None) => {}
                (Some(found), Some(why)) if found.contains(why) => {}
                _ => panic!("{network}: {found:?}, expected {why:?}"),
            }
        }
    }
}
