//! `defaults { … }`: what leaves get where nothing nearer says otherwise.

use super::block::Block;
use super::fields::{KEY, RENEW_BEFORE, VALIDITY};
use super::reader::Reader;
use super::shape::Shape;
use crate::algorithm::KeyAlgorithm;
use crate::spec::{Policy, Setting};
use crate::time::Span;

pub const SHAPE: Shape = Shape {
    word: "defaults",
    means: "What holds for every leaf where nothing nearer says otherwise; nearer are component, node and leaf.",
    fields: &[
        KEY.field.same("\"ecdsa-p256\""),
        VALIDITY.field.same("\"365d\""),
        RENEW_BEFORE.field,
    ],
    shows: "defaults {\n    key \"ecdsa-p384\"\n    validity \"180d\"\n    renew-before \"30d\"\n}",
    ..Shape::PLAIN
};

/// kubeadm's 8760h.
const ONE_YEAR: Span = Span::days(365);

pub fn read(block: Option<&Block<'_>>, reader: &mut Reader<'_>) -> Policy {
    let Some(block) = block else {
        return builtin();
    };
    let written = reader.policy(block);
    let policy = builtin().overridden_by(&written.policy);
    reader.check_renewal(&policy, &written);
    policy
}

/// Where nothing is written at all.
pub fn builtin() -> Policy {
    Policy {
        key: Setting::default(KeyAlgorithm::DEFAULT),
        validity: Setting::default(ONE_YEAR),
        renew_before: None,
    }
}
