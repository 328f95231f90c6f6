//! Where the API server is dialled.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::San;
use super::address::is_link_local;
use super::error::{NameError, refuse};

/// What clients dial: `host:port`, the port 6443 when left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    pub host: San,
    pub port: u16,
}

/// kubeadm's default API server port.
pub const API_PORT: u16 = 6443;

/// A port in decimal digits: what reads `+80` or `0080` differs (Go's flags take a leading zero for octal).
pub fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

impl Endpoint {
    pub fn at(address: IpAddr, port: u16) -> Self {
        Endpoint { host: San::Ip(address), port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            San::Ip(IpAddr::V6(six)) => write!(f, "[{six}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl FromStr for Endpoint {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains("//") {
            return refuse("is a URL; write `host:port`");
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, port)) => match port.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None => {
                        return refuse("has something other than `:` and a port behind its `]`");
                    }
                },
                None => return refuse("has a `[` without a `]`; write [address]:port"),
            }
        } else if text.matches(':').count() > 1 {
            if let Some((address, port)) = perhaps_a_port(text) {
                return refuse(if text.parse::<Ipv6Addr>().is_ok() {
                    format!(
                        "could be {address} with the port {port}, or an address that ends so; write \
                         [{address}]:{port}, or [{text}]"
                    )
                } else {
                    format!("has no brackets around its address; write [{address}]:{port}")
                });
            }
            (text, None)
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        let port = match port {
            None => API_PORT,
            Some(text) => match self::port(text) {
                Some(number) => number,
                None => {
                    return refuse(format!(
                        "has {text:?} where a port from 1 to 65535 belongs; write host:6443"
                    ));
                }
            },
        };
        let host: San = host.parse()?;
        if text.starts_with('[') && !matches!(&host, San::Ip(IpAddr::V6(_))) {
            return refuse("has brackets, which are for IPv6 addresses only");
        }
        if matches!(&host, San::Ip(address) if is_link_local(*address)) {
            return refuse(
                "is a link-local address, which is dialled with an interface; write one that every client reaches",
            );
        }
        if matches!(&host, San::Dns(name) if name.starts_with("*.")) {
            return refuse("is a wildcard; clients need a name that they can dial");
        }
        Ok(Endpoint { host, port })
    }
}

/// Of an IPv6 address without brackets: what stands before the last colon, if that is an address too and what
/// follows is what people write for a port.
fn perhaps_a_port(text: &str) -> Option<(Ipv6Addr, u16)> {
    let (before, last) = text.rsplit_once(':')?;
    let is_usual = last == "443" || last.len() == 4;
    Some((before.parse().ok()?, port(last).filter(|_| is_usual)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_plain_digits() {
        for (text, url) in [
            ("api.lab", "https://api.lab:6443"),
            ("api.lab:443", "https://api.lab:443"),
            ("10.0.0.1:65535", "https://10.0.0.1:65535"),
            ("fd00::1", "https://[fd00::1]:6443"),
            ("[fd00::1]", "https://[fd00::1]:6443"),
            ("[fd00::1]:1", "https://[fd00::1]:1"),
            ("[fd00::1:6443]", "https://[fd00::1:6443]:6443"),
            ("fd00::10:1", "https://[fd00::10:1]:6443"),
            ("fd00::a:64a3", "https://[fd00::a:64a3]:6443"),
            ("fd00:1:2:3:4:5:6:6443", "https://[fd00:1:2:3:4:5:6:6443]:6443"),
            ("169.254.1.1", "https://169.254.1.1:6443"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(format!("https://{endpoint}"), url);
        }
        for text in [
            "evil:+1",
            "evil:06443",
            "evil:0",
            "evil:00",
            "evil:65536",
            "evil:-1",
            "evil:",
            "evil: 1",
            "evil:1 ",
            "evil:0x50",
            "evil:1_000",
            "evil:٦٤٤٣",
            "[fd00::1]:+1",
            "[fd00::1]:01",
            "[fd00::1]6443",
            "[fd00::1]:",
            "[api.lab]:6443",
            "[10.0.0.1]:6443",
            "fd00::1:6443",
            "fd00::1:443",
            "fd00:1:2:3:4:5:6:7:6443",
            "2001:db8::10:8443",
            "fe80::1",
            "[fe80::1]:6443",
            "fe80::1%eth0",
            "[fe80::1%eth0]:6443",
            "255.255.255.255:6443",
            "[ff02::1]:6443",
            "[::ffff:10.0.0.1]:6443",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
