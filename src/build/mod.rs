//! Makes the bytes of one artifact from its inputs: keys, certificates, kubeconfigs.
//!
//! Pure but for [`entropy`], the one room for randomness; from a seed pure altogether. Time comes in as a
//! value, bytes go out as values; who stores them is not known here.

pub mod accept;
mod authority;
pub mod certificate;
pub mod check;
pub mod entropy;
pub mod execute;
mod held_key;
mod identity;
pub mod identity_file;
pub mod key;
mod key_file;
pub mod key_schedule;
pub mod kubeconfig;
#[cfg(feature = "age")]
mod openssh;
mod prune;
pub mod rebuild;
mod request;
#[cfg_attr(not(feature = "age"), path = "seal_none.rs")]
pub mod seal;
pub mod sealing;
mod seed_pattern;
mod seeded_key;
mod signing_key;
mod splice;
mod static_pod;
pub mod verify;
pub mod witness;

/// Why something cannot be built, or a key cannot be used.
///
/// Like [`crate::facts::FactsError`] it reads after a name and never quotes bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The file is not a private key that kpki can use.
    #[error("{0}")]
    Key(String),
    #[error("cannot be issued: {0}")]
    Issue(String),
    #[error("does not verify: {0}")]
    Verify(String),
    #[error("cannot be made: the operating system gives no random numbers")]
    Entropy,
    #[error("cannot be sealed")]
    Seal,
}

impl BuildError {
    fn key(why: impl Into<String>) -> Self {
        BuildError::Key(why.into())
    }

    fn issue(why: impl Into<String>) -> Self {
        BuildError::Issue(why.into())
    }

    fn verify(why: impl Into<String>) -> Self {
        BuildError::Verify(why.into())
    }
}
