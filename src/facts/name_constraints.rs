//! Which names the certificates below a CA may carry (RFC 5280 4.2.1.10), as Go's crypto/x509 reads it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::alternative_names::{ADDRESS, DNS, EMAIL, URI, ascii};
use super::der::{self, Element};
use super::domain_name::is_domain_name;
use super::mailbox::Mailbox;
use crate::visible::printable;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameConstraints {
    pub permitted: Subtrees,
    pub excluded: Subtrees,
}

/// Constraints of one kind of name say nothing about the other kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subtrees {
    pub dns: Vec<String>,
    pub addresses: Vec<IpNet>,
    pub emails: Vec<String>,
    pub uris: Vec<String>,
    /// Those of kinds that Go does not handle: directory names, most often.
    pub others: usize,
}

impl NameConstraints {
    /// Whether Go acts upon all of it.
    pub fn is_handled(&self) -> bool {
        self.permitted.others + self.excluded.others == 0
    }

    /// The error reads after a colon; it is empty where nothing more can be said.
    pub(super) fn read(value: &[u8]) -> Result<Self, String> {
        let parts = der::only(der::SEQUENCE, value).and_then(der::elements).ok_or("")?;
        let (permitted, excluded): (&[u8], &[u8]) = match parts.as_slice() {
            [Element { tag: 0xa0, body, .. }] => (body, &[]),
            [Element { tag: 0xa1, body, .. }] => (&[], body),
            [Element { tag: 0xa0, body: one, .. }, Element { tag: 0xa1, body: two, .. }] => {
                (one, two)
            }
            [] => return Err("it constrains nothing".into()),
            _ => return Err(String::new()),
        };
        if permitted.is_empty() && excluded.is_empty() {
            return Err("it constrains nothing".into());
        }
        Ok(NameConstraints {
            permitted: Subtrees::read(permitted)?,
            excluded: Subtrees::read(excluded)?,
        })
    }
}

impl Subtrees {
    fn read(subtrees: &[u8]) -> Result<Self, String> {
        let mut all = Subtrees::default();
        for subtree in der::elements(subtrees).ok_or("")? {
            if subtree.tag != der::SEQUENCE {
                return Err(String::new());
            }
            let (base, _distances) = der::split(subtree.body).ok_or("")?;
            let text = || ascii(base.body).ok_or("a name that is not ASCII");
            let told = |kind: &str, text: &str| format!("{kind} constraint {text:?}");
            match base.tag {
                DNS => {
                    let text = text()?;
                    let is_name = is_domain_name(text, true);
                    is_name.then_some(()).ok_or_else(|| told("the DNS", text))?;
                    all.dns.push(text.to_owned());
                }
                EMAIL => {
                    let text = text()?;
                    let is_one = if text.contains('@') {
                        Mailbox::read(text).is_some()
                    } else {
                        is_domain_name(text, true)
                    };
                    is_one.then_some(()).ok_or_else(|| told("the email", text))?;
                    all.emails.push(text.to_owned());
                }
                URI => {
                    let text = text()?;
                    let is_name = is_domain_name(text, true) && text.parse::<IpAddr>().is_err();
                    is_name.then_some(()).ok_or_else(|| told("the URI", text))?;
                    all.uris.push(text.to_owned());
                }
                ADDRESS => all.addresses.push(network(base.body)?),
                _ => all.others += 1,
            }
        }
        Ok(all)
    }

    fn texts(&self) -> impl Iterator<Item = String> {
        let dns = self.dns.iter().map(|text| format!("DNS:{text}"));
        let addresses = self.addresses.iter().map(|network| format!("IP:{network}"));
        let emails = self.emails.iter().map(|text| format!("email:{}", printable(text)));
        let uris = self.uris.iter().map(|text| format!("URI:{text}"));
        let others = (self.others > 0).then(|| format!("{} of other kinds", self.others));
        dns.chain(addresses).chain(emails).chain(uris).chain(others)
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// An address and a mask. The bits that the mask hides may be anything.
fn network(bytes: &[u8]) -> Result<IpNet, String> {
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2).unwrap_or_default();
    let (Some(address), Some(mask)) = (ip(address), ip(mask)) else {
        return Err(format!("an IP constraint of {} bytes, and not of 8 or 32", bytes.len()));
    };
    if let IpAddr::V6(address) = address
        && let Some(mapped) = Ipv6Addr::to_ipv4_mapped(&address)
    {
        return Err(format!("the IP constraint {mapped} written as one of IPv6"));
    }
    let network = IpNet::with_netmask(address, mask);
    Ok(network.map_err(|_| format!("an IP constraint with the mask {mask}"))?.trunc())
}

impl fmt::Display for NameConstraints {
    /// `only DNS:acme.internal; not IP:10.0.0.0/8`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (word, subtrees) in [("only", &self.permitted), ("not", &self.excluded)] {
            let texts: Vec<String> = subtrees.texts().collect();
            if !texts.is_empty() {
                write!(f, "{separator}{word} {}", texts.join(", "))?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subtree(tag: u8, value: &[u8]) -> Vec<u8> {
        der::element(der::SEQUENCE, &[&der::element(tag, &[value])])
    }

    fn read(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Result<NameConstraints, String> {
        let part = |tag, all: &[Vec<u8>]| match all {
            [] => Vec::new(),
            all => der::element(tag, &[&all.concat()]),
        };
        let (permitted, excluded) = (part(0xa0, permitted), part(0xa1, excluded));
        NameConstraints::read(&der::element(der::SEQUENCE, &[&permitted, &excluded]))
    }

    /// RFC 5280 4.2.1.10 has the form of each kind.
    #[test]
    fn each_kind_reads_back() {
        let constraints = read(
            &[subtree(DNS, b"acme.internal"), subtree(ADDRESS, &[10, 1, 0, 0, 255, 0, 0, 0])],
            &[subtree(EMAIL, b"jane@x"), subtree(URI, b".x"), subtree(0xa4, &[0x30, 0])],
        );
        let constraints = constraints.unwrap();
        assert!(!constraints.is_handled());
        assert_eq!(
            constraints.to_string(),
            "only DNS:acme.internal, IP:10.0.0.0/8; not email:jane@x, URI:.x, 1 of other kinds"
        );
    }

    #[test]
    fn what_go_does_not_read_is_told() {
        let mapped: [&[u8]; 4] = [&[0; 10], &[255, 255, 10, 0, 0, 0], &[255; 12], &[0; 4]];
        for (permitted, why) in [
            (vec![], "it constrains nothing"),
            (
                vec![subtree(ADDRESS, &[10, 0, 0, 0])],
                "an IP constraint of 4 bytes, and not of 8 or 32",
            ),
            (
                vec![subtree(ADDRESS, &[10, 0, 0, 0, 255, 0, 255, 0])],
                "an IP constraint with the mask 255.0.255.0",
            ),
            (
                vec![subtree(ADDRESS, &mapped.concat())],
                "the IP constraint 10.0.0.0 written as one of IPv6",
            ),
            (vec![subtree(DNS, b"a.")], "the DNS constraint \"a.\""),
            (vec![subtree(DNS, b"\xe9")], "a name that is not ASCII"),
            (vec![subtree(URI, b"10.0.0.1")], "the URI constraint \"10.0.0.1\""),
            (vec![subtree(EMAIL, b"@x")], "the email constraint \"@x\""),
            (vec![vec![5, 0]], ""),
        ] {
            assert_eq!(read(&permitted, &[]).unwrap_err(), why);
        }
    }
}
