//! `defaults { … }`: what leaves get where nothing nearer says otherwise.

use super::block::{Block, Shape, one};
use super::reader::Reader;
use crate::algorithm::KeyAlgorithm;
use crate::spec::{Policy, Setting};
use crate::time::Span;

pub const SHAPE: Shape = Shape {
    word: "defaults",
    example: None,
    fields: &[one("key"), one("validity"), one("renew-before")],
};

/// kubeadm's 8760h.
const VALIDITY: Span = Span::days(365);

pub fn read(block: Option<&Block<'_>>, reader: &mut Reader<'_>) -> Policy {
    let builtin = Policy {
        key: Setting::default(KeyAlgorithm::DEFAULT),
        validity: Setting::default(VALIDITY),
        renew_before: None,
    };
    let Some(block) = block else {
        return builtin;
    };
    let written = reader.policy(block);
    let policy = builtin.overridden_by(&written.policy);
    reader.check_renewal(&policy, &written);
    policy
}
