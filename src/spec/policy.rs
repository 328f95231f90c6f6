//! How a leaf is made and how long it lives.

use super::{Origin, Setting};
use crate::algorithm::KeyAlgorithm;
use crate::time::Span;

/// Key algorithm, validity and renewal window of a leaf.
#[derive(Debug, Clone)]
pub struct Policy {
    pub key: Setting<KeyAlgorithm>,
    pub validity: Setting<Span>,
    /// `None`: the smaller of 30 days and a third of the validity.
    pub renew_before: Option<Setting<Span>>,
}

/// What a nearer block says; nearer wins: leaf, then node, then component, then defaults.
#[derive(Debug, Clone, Default)]
pub struct PolicyOverride {
    pub key: Option<Setting<KeyAlgorithm>>,
    pub validity: Option<Setting<Span>>,
    pub renew_before: Option<Setting<Span>>,
}

impl Policy {
    /// `self` with what `nearer` says.
    pub fn overridden_by(&self, nearer: &PolicyOverride) -> Policy {
        Policy {
            key: nearer.key.clone().unwrap_or_else(|| self.key.clone()),
            validity: nearer.validity.clone().unwrap_or_else(|| self.validity.clone()),
            renew_before: nearer.renew_before.clone().or_else(|| self.renew_before.clone()),
        }
    }

    /// The smaller of 30 days and a third of the validity, unless written.
    pub fn renew_before(&self) -> Setting<Span> {
        self.renew_before.clone().unwrap_or_else(|| Setting {
            value: Span::days(30).min(self.validity.value.divided_by(3)),
            origin: Origin::Derived("the smaller of 30d and a third of the validity"),
        })
    }
}
