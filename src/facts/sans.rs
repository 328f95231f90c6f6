//! Subject alternative names out of a certificate or request (RFC 5280 4.2.1.6).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::alternative_names::{ADDRESS, DNS};
use super::der::Element;
use super::general_name::in_words;
use crate::name::San;

/// What Kubernetes checks, and the rest as text.
#[derive(Default)]
pub(super) struct Sans {
    pub sans: BTreeSet<San>,
    pub other: Vec<String>,
}

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
    let san = match name.tag {
        // Names compare without regard to case (RFC 4343), so `API.lab` is the wish `api.lab`.
        DNS => match String::from_utf8_lossy(name.body).to_ascii_lowercase().parse() {
            Ok(San::Dns(name)) => Some(San::Dns(name)),
            _ => None,
        },
        ADDRESS => address(name.body).map(San::Ip),
        _ => None,
    };
    san.ok_or_else(|| in_words(name))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
