//! Subject alternative names (RFC 5280 4.2.1.6): every one as Go's crypto/x509 sees it.

use std::net::{IpAddr, Ipv6Addr};

use super::der::{self, Element};
use super::domain_name::is_domain_name;
use super::uri;

// The tags of a GeneralName.
pub(super) const EMAIL: u8 = 0x81;
pub(super) const DNS: u8 = 0x82;
pub(super) const URI: u8 = 0x86;
pub(super) const ADDRESS: u8 = 0x87;

/// What may stand here is not checked: a name with a blank is one that nobody can dial.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlternativeNames {
    pub dns: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub emails: Vec<String>,
    pub uris: Vec<Uri>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    pub text: String,
    /// Of its authority, with a port if it has one; empty without an authority.
    pub host: String,
}

impl AlternativeNames {
    /// No name of a kind that Go knows.
    pub fn is_empty(&self) -> bool {
        self.dns.is_empty()
            && self.addresses.is_empty()
            && self.emails.is_empty()
            && self.uris.is_empty()
    }

    /// The error reads after a colon.
    pub(super) fn of(names: &[Element<'_>]) -> Result<Self, String> {
        let mut all = AlternativeNames::default();
        for name in names {
            let text = |kind: &str| {
                ascii(name.body).map(str::to_owned).ok_or_else(|| format!("{kind} is not ASCII"))
            };
            match name.tag {
                EMAIL => all.emails.push(text("an email address")?),
                DNS => all.dns.push(text("a DNS name")?),
                URI => {
                    let text = text("a URI")?;
                    let host = uri::host(&text).filter(|host| is_domain_name(host, false));
                    let host = host.ok_or("a URI cannot be read")?;
                    all.uris.push(Uri { text, host });
                }
                ADDRESS => all.addresses.push(address(name.body)?),
                _ => {}
            }
        }
        Ok(all)
    }
}

/// The names of the extension's value.
pub(super) fn general_names(value: &[u8]) -> Option<Vec<Element<'_>>> {
    der::elements(der::expect(der::SEQUENCE, value)?.0)
}

pub(super) fn ascii(bytes: &[u8]) -> Option<&str> {
    bytes.is_ascii().then(|| str::from_utf8(bytes).ok()).flatten()
}

fn address(bytes: &[u8]) -> Result<IpAddr, String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Ok(IpAddr::from(four));
    }
    let sixteen = <[u8; 16]>::try_from(bytes)
        .map_err(|_| format!("an IP address of {} bytes, and not of 4 or 16", bytes.len()))?;
    match Ipv6Addr::from(sixteen).to_ipv4_mapped() {
        Some(mapped) => Err(format!("the IP address {mapped} written as one of IPv6")),
        None => Ok(IpAddr::from(sixteen)),
    }
}
