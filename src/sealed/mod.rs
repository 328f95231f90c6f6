//! Secrets at rest: whom they are sealed to, and what an age file (<https://c2sp.org/age>) tells from
//! outside.
//!
//! All of it is public. Who seals and opens is [`crate::build`].

mod file;
mod list;
#[cfg_attr(not(feature = "age"), path = "parse_none.rs")]
mod parse;
#[cfg(feature = "age")]
mod point;
mod recipient;
mod recipients;
#[cfg(feature = "age")]
mod rsa;

pub use file::{SealedFile, Stanza};
pub use list::{LIST_LIMIT, NotAList, is_secret, listed};
pub use recipient::{Recipient, RecipientKind};
pub use recipients::{Owner, Recipients};

/// Of a file that holds a sealed secret: `ca/kubernetes.key.age`.
pub const SUFFIX: &str = ".age";
