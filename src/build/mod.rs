//! Makes the bytes of one artifact from its inputs: certificates, requests, kubeconfigs.
//!
//! Pure but for the [`Entropy`](crate::keys::Entropy) that it is given; from a seed pure altogether. Time
//! comes in as a value, bytes go out as values; who stores them is not known here.
//!
//! Whatever is written goes through `writing` in the form that the description asks for, and whatever
//! secret is read comes through `reading`, held against its public half. A key that does not belong is
//! never written over: whose it is, a person knows. Every certificate is verified under its issuer before
//! it is handed on.
//!
//! May import `plan` and what lies below. Never here: files, a clock, a terminal, a decision of what to
//! build.

pub mod accept;
mod ca;
pub mod ca_key;
pub mod certificate;
pub mod check;
mod context;
pub mod execute;
mod held_key;
mod identity;
mod known_seed;
pub mod kubeconfig;
mod prune;
pub mod public_part;
pub mod reading;
pub mod rebuild;
mod request;
mod retire;
mod sealing;
mod signing_key;
mod splice;
mod static_pod;
pub mod verify;
mod writing;

/// Why something cannot be built.
///
/// Like [`crate::facts::FactsError`] it reads after a name and never quotes bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Its key, or its issuer's, cannot sign.
    #[error(transparent)]
    Key(#[from] crate::keys::KeyError),
    #[error("cannot be issued: {0}")]
    Issue(String),
    /// Its CA does not allow it, or does not count for those who read it.
    #[error("would be refused because of its CA: {0}")]
    Authority(String),
    #[error("does not verify: {0}")]
    Verify(String),
}

impl BuildError {
    fn issue(why: impl Into<String>) -> Self {
        BuildError::Issue(why.into())
    }

    fn verify(why: impl Into<String>) -> Self {
        BuildError::Verify(why.into())
    }
}
