//! The key pairs of a root of trust: while one takes the place of another, both are there.

use std::fmt;
use std::str::FromStr;

use super::{Ca, CaName, Origin, Setting};
use crate::name::NameError;
use crate::words::words;

/// Which key pair of a CA, or of the service accounts: the first one unless a description says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keypair(u32);

impl Keypair {
    pub const FIRST: Keypair = Keypair(1);
    pub const LAST: u32 = 1_000_000;

    /// `None`: there is no such number.
    pub fn new(number: u32) -> Option<Keypair> {
        (1..=Self::LAST).contains(&number).then_some(Keypair(number))
    }

    /// As names and files have it.
    pub fn parse(text: &str) -> Option<Keypair> {
        let keypair = Keypair::new(text.parse().ok()?)?;
        (keypair.to_string() == text).then_some(keypair)
    }

    pub fn next(self) -> Option<Keypair> {
        Keypair::new(self.0.checked_add(1)?)
    }

    /// As a hash has it: the first one is no field.
    pub fn hashed(self) -> String {
        if self == Self::FIRST { String::new() } else { self.to_string() }
    }
}

impl fmt::Display for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// What a key pair that does not sign is there for.
    pub enum KeypairState {
        /// Everybody believes what it signed.
        Trusted = "trusted",
        /// Clients believe servers that show what it signed, and no server takes a client by it: what is left
        /// of a CA whose key leaked.
        ServingOnly = "serving-only",
    }
}

/// A certificate authority of the cluster, with all of its key pairs.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its block's.
    pub origin: Origin,
    /// A signing key lies beside its certificate on control-plane nodes.
    pub keys_on_nodes: Setting<bool>,
    /// The key pair that signs.
    pub signer: Ca,
    /// The others, by number.
    pub others: Vec<OtherCa>,
}

/// A key pair that does not sign any more, or not yet.
#[derive(Debug, Clone)]
pub struct OtherCa {
    pub state: KeypairState,
    pub ca: Ca,
}

/// The service-account key pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountKeys {
    pub signer: Keypair,
    /// Tokens by these are believed; by number.
    pub others: Vec<Keypair>,
}

impl Default for ServiceAccountKeys {
    fn default() -> Self {
        ServiceAccountKeys { signer: Keypair::FIRST, others: Vec::new() }
    }
}

/// What is rotated: one of the CAs, or the service-account key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    Ca(CaName),
    ServiceAccount,
}

impl Root {
    pub const ALL: [Root; 4] = [
        Root::Ca(CaName::Kubernetes),
        Root::Ca(CaName::Etcd),
        Root::Ca(CaName::FrontProxy),
        Root::ServiceAccount,
    ];
}

impl FromStr for Root {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let found = Root::ALL.into_iter().find(|root| root.to_string() == text);
        let names = || Root::ALL.map(|root| root.to_string()).join(", ");
        found.ok_or_else(|| NameError(format!("is no root of trust; there are {}", names())))
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Root::Ca(ca) => write!(f, "ca/{ca}"),
            Root::ServiceAccount => f.write_str("service-account"),
        }
    }
}
