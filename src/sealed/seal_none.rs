//! In place of `seal.rs` where kpki is built without the feature `age`: nothing can be sealed or opened.

use super::unopened::{Locked, NotAnIdentity, NotSealed, Unopened};
use super::{Recipient, Recipients};
use crate::secret::Secret;

/// There is none.
pub enum Identity {}

pub fn seal(recipients: &Recipients, _secret: &[u8]) -> Result<Vec<u8>, NotSealed> {
    match recipients.iter().next() {
        // No recipient can be made.
        Some(recipient) => match *recipient.key() {},
        None => Err(NotSealed),
    }
}

pub fn open(_file: &[u8], _size: u64, _identities: &[Identity]) -> Result<Secret, Unopened> {
    Err(Unopened::WithoutAge)
}

pub fn recipient_of(_secret: &Secret) -> Option<Recipient> {
    None
}

pub(super) fn native(_line: &str) -> Option<Identity> {
    None
}

pub(super) fn ssh(_file: &[u8], _passphrase: Locked<'_>) -> Result<Identity, NotAnIdentity> {
    Err(NotAnIdentity::because("is not read"))
}

pub(super) fn unlocked(_file: &[u8], _passphrase: Locked<'_>) -> Result<Secret, NotAnIdentity> {
    Err(NotAnIdentity::because("is not read"))
}
