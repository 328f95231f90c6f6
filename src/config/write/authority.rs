//! CAs and key pairs as a description writes them.

use super::written::Written;
use crate::config::fields::{KEY, VALIDITY};
use crate::config::{ca, keypair};
use crate::profile::key_is_usually_on_nodes;
use crate::spec::{Authority, Ca, CaName, Keypair, KeypairState};

pub(super) fn of_ca(name: CaName, authority: &Authority) -> Written {
    let mut block = Written::named(&ca::SHAPE, name.as_str());
    let others = authority.others.iter().map(|other| &other.ca);
    let all: Vec<&Ca> = std::iter::once(&authority.signer).chain(others).collect();
    // What those that kpki makes have in common.
    if let Some(own) = all.iter().find(|ca| ca.brought.is_none()) {
        if own.common_name.value.as_str() != ca::usual_name(name) {
            block.one(ca::COMMON_NAME, &own.common_name.value);
        }
        if own.explicit_key {
            block.one(KEY, own.key.value);
        }
        if own.validity.value != ca::TEN_YEARS {
            block.one(VALIDITY, own.validity.value);
        }
        block.revision(own.revision);
    }
    let certificate = |ca: &Ca| ca.brought.as_ref().map(|brought| brought.path.clone());
    if all.len() == 1 && authority.signer.number == Keypair::FIRST {
        block.maybe(keypair::CERTIFICATE, certificate(&authority.signer));
    } else {
        let others = authority.others.iter().map(|other| (Some(other.state), &other.ca));
        for (state, ca) in std::iter::once((None, &authority.signer)).chain(others) {
            let line = of_keypair(ca.number, state, certificate(ca).as_deref());
            block.blocks.push(line);
        }
    }
    let keys_on_nodes = authority.keys_on_nodes.value;
    block.unusual(ca::KEYS_ON_NODES, keys_on_nodes, key_is_usually_on_nodes(name));
    block
}

pub(super) fn of_keypair(
    number: Keypair,
    state: Option<KeypairState>,
    certificate: Option<&str>,
) -> Written {
    let head = format!("{} {number}", keypair::SHAPE.word);
    let mut line = Written { head, ..Written::new(&keypair::SHAPE) };
    line.maybe(keypair::STATE, state.map(KeypairState::as_str));
    line.maybe(keypair::CERTIFICATE, certificate);
    line
}
