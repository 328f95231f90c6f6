//! Changes of access as a reviewer is told of them.

use super::access_change::AccessChange;
use super::principal::Principal;
use crate::name::ArtifactName;
use crate::spec::Origin;
use crate::time::Timestamp;

/// One change of access; the same one on several nodes is one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedChange {
    pub principal: Principal,
    pub access: AccessChange,
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
    /// `--allow escalation:PRINCIPAL` is missing.
    Missing,
    Given,
    /// It gives no power, or a policy takes it for ordinary.
    NotNeeded,
}

impl ReviewedChange {
    /// It stops apply.
    pub fn stops(&self) -> bool {
        self.consent == Consent::Missing
    }
}
