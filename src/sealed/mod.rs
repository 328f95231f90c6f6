//! Secrets at rest: whom they are sealed to, what an age file (<https://c2sp.org/age>) tells from outside,
//! and how one is sealed and opened.
//!
//! No other room names age.
//!
//! Whether a secret is sealed is a property of its placement, and of nothing else: no recipe, hash or step
//! knows it. age never writes the same file twice, so the lock has the digest of each sealed file and of
//! its recipients, of copies on nodes in lines of their own: a node that comes or goes touches no other
//! secret.
//!
//! May import names, hashes and secrets. Never here: files, and which secret is sealed to whom.

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
