//! Secrets at rest: whom they are sealed to, what an age file (<https://c2sp.org/age>) tells from outside,
//! and how one is sealed and opened.
//!
//! No other room names age.

mod file;
mod identity_file;
mod kind;
mod list;
#[cfg(feature = "age")]
mod openssh;
#[cfg_attr(not(feature = "age"), path = "parse_none.rs")]
mod parse;
#[cfg(feature = "age")]
mod point;
mod recipient;
mod recipients;
#[cfg(feature = "age")]
mod rsa;
#[cfg_attr(not(feature = "age"), path = "seal_none.rs")]
mod seal;
mod unopened;

pub use file::{SealedFile, Stanza};
pub use identity_file::identities;
pub use kind::RecipientKind;
pub use list::{LIST_LIMIT, NotAList, is_secret, listed};
pub use recipient::Recipient;
pub use recipients::{Owner, Recipients};
pub use seal::{Identity, open, recipient_of, seal};
pub use unopened::{Locked, NotAnIdentity, NotSealed, Unopened};

/// Of a file that holds a sealed secret: `ca/kubernetes.key.age`.
pub const SUFFIX: &str = ".age";
