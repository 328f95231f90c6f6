//! Subject alternative names out of a certificate or request (RFC 5280 4.2.1.6).

use std::collections::BTreeSet;
use std::net::IpAddr;

use x509_parser::oid_registry::Oid;

use super::alternative_names::{ADDRESS, DNS, EMAIL, URI};
use super::der::Element;
use crate::name::San;
use crate::visible::printable;

/// What Kubernetes checks, and the rest as text.
#[derive(Default)]
pub(super) struct Sans {
    pub sans: BTreeSet<San>,
    pub other: Vec<String>,
}

const DIRECTORY_NAME: u8 = 0xa4;
const REGISTERED_ID: u8 = 0x88;

impl Sans {
    pub fn add(&mut self, name: Element<'_>) {
        match known(name) {
            Ok(san) => {
                self.sans.insert(san);
            }
            Err(text) => self.other.push(text),
        }
    }
}

fn known(name: Element<'_>) -> Result<San, String> {
    let text = String::from_utf8_lossy(name.body);
    match name.tag {
        // Names compare without regard to case (RFC 4343), so `API.lab` is the wish `api.lab`.
        DNS => match text.to_ascii_lowercase().parse() {
            Ok(San::Dns(name)) => Ok(San::Dns(name)),
            _ => Err(format!("DNS:{}", printable(&text))),
        },
        ADDRESS => address(name.body)
            .map(San::Ip)
            .ok_or_else(|| format!("IP of {} bytes", name.body.len())),
        EMAIL => Err(format!("email:{}", printable(&text))),
        URI => Err(format!("URI:{}", printable(&text))),
        DIRECTORY_NAME => Err("directory name".into()),
        REGISTERED_ID => Err(format!("registered id {}", Oid::new(name.body.into()))),
        _ => Err("other name".into()),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
