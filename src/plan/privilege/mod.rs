//! What changes in power: who may do more or less than before, as far as certificates, bindings and
//! recipients say.
//!
//! Before is what a CA's signature proves, never what the lock claims, or what another description asks for;
//! after is what the recipes make. A gain stops apply until a person names it.

mod anchors;
mod before;
mod between;
mod compare;
mod credential;
mod find;
mod gain;
mod gravity;
mod holder;
mod holders;
mod left;
mod names;
mod nodes;
mod origin;
mod others;
mod pods;
mod proved;
mod recipients;
mod roles;
mod standing;

use crate::name::ArtifactName;
use crate::spec::Origin;
use crate::time::Timestamp;

pub use between::{Described, between};
pub use compare::{compare, new_subject};
pub use credential::Credential;
pub use gain::{Direction, Gain};
pub use holder::Holder;
pub use holders::holders;
pub use roles::grants;

pub(super) use find::find;
pub(super) use origin::block_of;

/// One change in power; the same one on several nodes is one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivilegeChange {
    pub holder: Holder,
    pub gain: Gain,
    /// Never empty.
    pub artifacts: Vec<ArtifactName>,
    /// Where the description says so.
    pub origin: Option<Origin>,
    /// Until when the certificate that holds it cannot be taken back.
    pub until: Option<Timestamp>,
    pub consent: Consent,
}

/// Whether apply may go on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// `--allow escalation:HOLDER` is missing.
    Missing,
    Given,
    /// It gives no power, or a policy takes it for ordinary.
    NotNeeded,
}

impl PrivilegeChange {
    /// It stops apply.
    pub fn stops(&self) -> bool {
        self.consent == Consent::Missing
    }
}
