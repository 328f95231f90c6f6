//! What a plan changes in power, and what a policy says to it: who may do more or less than before, as far as
//! certificates, bindings, static pods and recipients say.
//!
//! Before is what a CA's signature proves, never what the lock claims, or what another description asks for;
//! after is what the recipes make. A gain stops apply until a person names it.

mod anchors;
mod before;
mod between;
mod compare;
mod credential;
mod find;
mod folder;
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
mod policy;
mod proved;
mod recipients;
mod roles;
mod standing;
mod violation;

use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::{Intent, Plan, World};
use crate::spec::{Origin, Spec};
use crate::time::Timestamp;

pub use between::{Described, between};
pub use compare::{compare, new_subject};
pub use credential::Credential;
pub use folder::{FolderPrefix, is_harmless};
pub use gain::{Direction, Gain};
pub use holder::Holder;
pub use holders::holders;
pub use policy::{GroupPattern, ReviewPolicy, SanPattern};
pub use violation::Violation;

/// What a person must know and decide before a plan is carried out.
#[derive(Debug, Default)]
pub struct Review {
    /// Who gains and loses power.
    pub changes: Vec<PrivilegeChange>,
    /// What a policy forbids.
    pub violations: Vec<Violation>,
    /// Of the policy's file.
    pub policy: Option<Digest>,
}

/// Holds a plan against what is here now and against a policy.
pub fn review(
    world: World<'_>,
    spec: &Spec,
    intent: &Intent,
    policy: &ReviewPolicy,
    plan: &Plan,
) -> Review {
    Review {
        changes: find::find(world, spec, intent, policy, plan),
        violations: violation::find(world.graph, spec, policy),
        policy: policy.digest,
    }
}

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
