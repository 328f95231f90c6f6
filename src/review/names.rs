//! Names that mean more than a machine's own place in its network.

use std::net::IpAddr;

use crate::name::San;

/// A DNS name, or an address that the world can dial. Loopback and private addresses say nothing about who
/// serves.
pub(super) fn is_worth_telling(san: &San) -> bool {
    match san {
        San::Dns(name) => &**name != "localhost",
        San::Ip(IpAddr::V4(four)) => {
            let [a, b, ..] = four.octets();
            // RFC 6598: between a carrier and its customers.
            let shared = a == 100 && (64..128).contains(&b);
            !(four.is_private() || four.is_loopback() || four.is_link_local() || shared)
        }
        San::Ip(IpAddr::V6(six)) => {
            !(six.is_unique_local() || six.is_loopback() || six.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_told() {
        for (san, told) in [
            ("api.example.com", true),
            ("*.example.com", true),
            ("localhost", false),
            ("8.8.8.8", true),
            ("203.0.113.7", true),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("169.254.1.1", false),
            ("127.0.0.1", false),
            ("2001:db8::1", true),
            ("fd00::1", false),
            ("fe80::1", false),
            ("::1", false),
        ] {
            assert_eq!(is_worth_telling(&san.parse().unwrap()), told, "{san}");
        }
    }
}
