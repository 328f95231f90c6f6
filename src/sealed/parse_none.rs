//! In place of `parse.rs` where kpki is built without the feature `age`: no recipient can be had.

use std::fmt;

use super::kind::RecipientKind;
use crate::name::NameError;

/// There is none.
#[derive(Clone)]
pub(crate) enum Key {}

type Parsed = (RecipientKind, String, Key);

impl fmt::Display for Key {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

pub(super) fn of_age(_text: &str) -> Result<Parsed, NameError> {
    Err(NameError(WITHOUT_AGE.to_owned()))
}

pub(super) fn of_ssh(_kind: &str, _key: &str) -> Result<Parsed, NameError> {
    Err(NameError(WITHOUT_AGE.to_owned()))
}

const WITHOUT_AGE: &str =
    "cannot be sealed to: this kpki was built without the feature `age`; take a kpki that has it";
