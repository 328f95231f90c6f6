//! The recipes of certificate authorities: one that kpki makes, and one that the user brings.

use super::{Revision, explicit, written};
use crate::algorithm::KeyAlgorithm;
use crate::facts::DistinguishedName;
use crate::hash::Fields;
use crate::name::CommonName;
use crate::spec::{BroughtCa, CaName, Keypair, KeypairState, Setting};
use crate::time::{Span, Timestamp};

/// A certificate authority whose key and certificate kpki makes: an anchor.
#[derive(Debug)]
pub struct OwnCa {
    pub ca: CaName,
    pub number: Keypair,
    /// `None`: it signs. Never hashed.
    pub state: Option<KeypairState>,
    pub common_name: Setting<CommonName>,
    pub subject: DistinguishedName,
    pub validity: Setting<Span>,
    pub key: Setting<KeyAlgorithm>,
    /// Only an algorithm that the `ca` block names is a demand on an existing key.
    pub explicit_key: bool,
    pub revision: Revision,
    /// Of a reproducible cluster.
    pub not_before: Option<Timestamp>,
}

/// A certificate authority whose certificate the user brings: an anchor that kpki only checks.
#[derive(Debug)]
pub struct ImportedCa {
    pub ca: CaName,
    pub number: Keypair,
    /// `None`: it signs. Never hashed.
    pub state: Option<KeypairState>,
    pub brought: Box<BroughtCa>,
}

impl OwnCa {
    pub(super) fn fields(&self) -> Fields {
        self.issuer_fields()
            .integer("validity", self.validity.value.as_seconds(), 0)
            .text("not-before", written(self.not_before))
    }

    /// Subject and key: what a leaf depends on.
    pub(super) fn issuer_fields(&self) -> Fields {
        Fields::default()
            .text("builder", "authority")
            .text("common-name", self.common_name.value.as_str())
            .text("key", explicit(self.explicit_key, &self.key))
            .text("revision", self.revision.hashed())
            .text("keypair", self.number.hashed())
    }
}

impl ImportedCa {
    pub(super) fn fields(&self) -> Fields {
        Fields::default()
            .text("builder", "brought-authority")
            .text("certificate", self.brought.facts.digest.to_string())
    }
}
