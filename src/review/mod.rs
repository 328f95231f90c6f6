//! What a plan changes in power, and what a policy says to it: who may do more or less than before, as far as
//! certificates, bindings, static pods and recipients say.
//!
//! Before is what the lock records and the bytes prove, never one without the other, or what another
//! description asks for; after is what the recipes make. What is on no record is adopted, and shown as if it
//! were made. A gain stops apply until a person names it.
//!
//! Powers are values: one of what is here or was described before, one of what is asked for, and one
//! pure function tells their difference. It costs nothing where a plan has no step. A [`ReviewPolicy`] is
//! no part of the description: whoever reviews gives it.
//!
//! May import `plan` and what lies below. Never here: files, a clock, the lock alone as a proof.

mod access_change;
mod asked;
mod between;
mod compare;
mod credential;
mod difference;
mod elsewhere;
mod endpoint;
mod equivalents;
mod folder;
mod former;
mod found;
mod halves;
mod here;
mod name_owners;
mod names;
mod nodes;
mod of_plan;
mod order;
mod origin;
mod pattern;
mod pod_access;
mod pod_fields;
mod pod_flags;
mod pod_records;
mod policy;
mod powerful;
mod powers;
mod principal;
mod principals;
mod recipients;
mod removed;
mod reviewed;
mod roles;
mod roots;
mod safeguards;
mod told;
mod verified;
mod violation;
mod whitelist;
mod wording;

use crate::hash::Digest;
use crate::plan::{Intent, Plan, World};
use crate::spec::Spec;

pub use access_change::{AccessChange, Direction};
pub use asked::Described;
pub use between::between;
pub use compare::{compare, new_subject};
pub use credential::Credential;
pub use folder::{FolderPrefix, is_harmless};
pub use pattern::{FlagPattern, RoleKind, RolePattern, SanPattern, TextPattern};
pub use policy::ReviewPolicy;
pub use principal::Principal;
pub use principals::principals;
pub use reviewed::{Consent, ReviewedChange};
pub use violation::Violation;

/// What a person must know and decide before a plan is carried out.
#[derive(Debug, Default)]
pub struct Review {
    /// Who gains and loses power.
    pub changes: Vec<ReviewedChange>,
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
    held(world, None, spec, intent, policy, plan)
}

/// The same against another state than the working tree's: `plan` is what the description asks for there, and
/// `proposed` what the working tree brings besides.
pub fn review_against(
    base: World<'_>,
    proposed: World<'_>,
    spec: &Spec,
    intent: &Intent,
    policy: &ReviewPolicy,
    plan: &Plan,
) -> Review {
    held(base, Some(proposed), spec, intent, policy, plan)
}

fn held(
    world: World<'_>,
    proposed: Option<World<'_>>,
    spec: &Spec,
    intent: &Intent,
    policy: &ReviewPolicy,
    plan: &Plan,
) -> Review {
    Review {
        changes: of_plan::changes(world, spec, intent, policy, plan, proposed),
        violations: violation::find(world.graph, spec, policy),
        policy: policy.digest,
    }
}
