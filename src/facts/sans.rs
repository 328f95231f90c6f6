//! Subject alternative names out of a certificate or request (RFC 5280 4.2.1.6).

use std::collections::BTreeSet;
use std::net::IpAddr;

use x509_parser::extensions::GeneralName;

use crate::name::San;
use crate::visible::printable;

/// What Kubernetes checks, and the rest as text.
#[derive(Default)]
pub(super) struct Sans {
    pub sans: BTreeSet<San>,
    pub other: Vec<String>,
}

impl Sans {
    pub fn add(&mut self, name: &GeneralName<'_>) {
        match known(name) {
            Ok(san) => {
                self.sans.insert(san);
            }
            Err(text) => self.other.push(text),
        }
    }
}

fn known(name: &GeneralName<'_>) -> Result<San, String> {
    match name {
        // Names compare without regard to case (RFC 4343), so `API.lab` is the wish `api.lab`.
        GeneralName::DNSName(text) => match text.to_ascii_lowercase().parse() {
            Ok(San::Dns(name)) => Ok(San::Dns(name)),
            _ => Err(format!("DNS:{}", printable(text))),
        },
        GeneralName::IPAddress(bytes) => {
            address(bytes).map(San::Ip).ok_or_else(|| format!("IP of {} bytes", bytes.len()))
        }
        GeneralName::RFC822Name(text) => Err(format!("email:{}", printable(text))),
        GeneralName::URI(text) => Err(format!("URI:{}", printable(text))),
        GeneralName::DirectoryName(_) => Err("directory name".into()),
        GeneralName::RegisteredID(oid) => Err(format!("registered id {oid}")),
        _ => Err("other name".into()),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
