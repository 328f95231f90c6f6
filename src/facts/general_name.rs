//! A GeneralName in words (RFC 5280 4.2.1.6): everything that a certificate may call something.

use std::net::IpAddr;

use x509_parser::oid_registry::Oid;

use super::alternative_names::{ADDRESS, DNS, EMAIL, URI};
use super::der::{self, Element};
use super::directory_string::decode;
use super::distinguished_name::DistinguishedName;
use crate::hash::hexadecimal;
use crate::visible::printable;

const OTHER_NAME: u8 = 0xa0;
const DIRECTORY_NAME: u8 = 0xa4;
const REGISTERED_ID: u8 = 0x88;

/// `DNS:a.b`; of an address as of a network, which stands in name constraints.
pub(super) fn in_words(name: Element<'_>) -> String {
    let text = || printable(&String::from_utf8_lossy(name.body));
    match name.tag {
        DNS => format!("DNS:{}", text()),
        EMAIL => format!("email:{}", text()),
        URI => format!("URI:{}", text()),
        ADDRESS => address(name.body),
        DIRECTORY_NAME => match DistinguishedName::from_der(name.body) {
            Ok(name) => format!("directory name {name}"),
            Err(_) => format!("directory name {}", hexadecimal(name.body)),
        },
        REGISTERED_ID => format!("registered id {}", oid(name.body)),
        OTHER_NAME => other_name(name.body),
        tag => format!("name of kind {:#04x} {}", tag, hexadecimal(name.body)),
    }
}

pub(super) fn all_in_words(names: &[u8]) -> Option<Vec<String>> {
    Some(der::elements(names)?.into_iter().map(in_words).collect())
}

pub(super) fn oid(body: &[u8]) -> String {
    Oid::new(body.into()).to_string()
}

fn address(bytes: &[u8]) -> String {
    let one = |bytes: &[u8]| {
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
    };
    let network = || {
        let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
        let (address, mask) = (one(address)?, one(mask)?);
        Some(match ipnet::IpNet::with_netmask(address, mask) {
            Ok(network) => format!("IP:{network}"),
            Err(_) => format!("IP:{address}/{mask}"),
        })
    };
    match one(bytes) {
        // Sixteen bytes are an address here and no network of four twice: that has eight.
        Some(address) => format!("IP:{address}"),
        None => network().unwrap_or_else(|| format!("IP of {} bytes", bytes.len())),
    }
}

/// Of Microsoft a user's name as in a mail address: what a smart card logs in as.
const USER_PRINCIPAL_NAME: &str = "1.3.6.1.4.1.311.20.2.3";

fn other_name(body: &[u8]) -> String {
    let parts = || {
        let (kind, value) = der::expect(der::OID, body)?;
        Some((oid(kind), der::only(der::context(0), value)?))
    };
    let Some((kind, value)) = parts() else {
        return format!("other name {}", hexadecimal(body));
    };
    let text = der::split(value).and_then(|(value, _)| decode(value.tag, value.body).ok());
    let kind = if kind == USER_PRINCIPAL_NAME { "user principal name".to_owned() } else { kind };
    match text {
        Some(text) => format!("other name {kind}:{}", printable(&text)),
        None => format!("other name {kind}:{}", hexadecimal(value)),
    }
}
