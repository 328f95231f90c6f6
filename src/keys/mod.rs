//! Private keys: drawn or derived, read from the forms in which others store them, used for signing.
//!
//! Here is the one room for randomness. What does not draw is pure: from a seed everything follows. Whose a
//! key is and where it lies is not known here.
//!
//! [`Signer`] is all that a certificate needs of its issuer's key: a key that never leaves another machine
//! can stand behind it. Signatures and new EC and Ed25519 keys are ring's, five times as fast as
//! RustCrypto's at P-256. ring's ECDSA is randomized, so where a certificate must be a function of its
//! inputs RustCrypto makes it.
//!
//! May import `facts` and what lies below. Never here: an artifact, a placement, a certificate's content.

mod entropy;
mod form;
mod prime;
mod private_key;
mod rsa_key;
pub mod schedule;
mod seed_pattern;
mod seeded;
mod signer;
mod strong_test;
mod written_half;

pub use entropy::Entropy;
pub use private_key::PrivateKey;
pub use schedule::Seed;
pub use signer::{Repeatable, Signer};

pub(crate) use form::form_of;
pub(crate) use written_half::{written_kind, written_public_half};

/// Why a key cannot be used, or not be made.
///
/// Like [`crate::facts::FactsError`] it reads after a name and never quotes bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is none that kpki can use, and why.
    #[error("{0}")]
    Unusable(String),
    /// No random numbers are to be had.
    #[error("cannot be made: the operating system gives no random numbers")]
    Entropy,
}

impl KeyError {
    fn unusable(why: impl Into<String>) -> Self {
        KeyError::Unusable(why.into())
    }
}
