//! What a plan changes in access: each step is held against what is here now.

use std::collections::BTreeMap;

use super::access_change::AccessChange;
use super::asked::Described;
use super::difference::{Difference, differences};
use super::policy::ReviewPolicy;
use super::powers::Powers;
use super::principal::Principal;
use super::reviewed::ReviewedChange;
use super::roots::{has_nothing_built, has_roots};
use super::told::told;
use crate::graph::DerivationId;
use crate::name::ArtifactName;
use crate::plan::{Action, Allow, Intent, Plan, World};
use crate::spec::Spec;

/// In the order in which a reviewer must care. A cluster that is built for the first time gains nothing over
/// anybody.
pub(super) fn changes(
    world: World<'_>,
    spec: &Spec,
    intent: &Intent,
    policy: &ReviewPolicy,
    plan: &Plan,
) -> Vec<ReviewedChange> {
    if plan.changes_nothing() && plan.orphans.is_empty() {
        return Vec::new();
    }
    let is_new = has_nothing_built(world);
    if is_new && !has_roots(world) {
        return Vec::new();
    }
    let described = Described { spec, graph: world.graph };
    let start = world.graph.not_before().unwrap_or(world.now);
    let asked = Powers::asked(described, &touched(plan), Some(start));
    let here = Powers::here(world, plan, &asked);
    let mut found = differences(&here, &asked);
    if is_new {
        ask_once(&mut found);
    }
    told(found, described, intent, policy)
}

/// With whether the key of a root of trust is to be another.
fn touched(plan: &Plan) -> BTreeMap<DerivationId, bool> {
    let steps = plan.steps.iter().map(|step| (step.derivation, step.action == Action::Replace));
    let blocked = plan
        .blocked
        .iter()
        .map(|blocked| (blocked.derivation, matches!(blocked.allow, Some(Allow::Replace(_)))));
    let mut touched = BTreeMap::new();
    for (id, is_replaced) in steps.chain(blocked) {
        *touched.entry(id).or_default() |= is_replaced;
    }
    touched
}

/// One consent for all, and one line that says so.
fn ask_once(found: &mut Vec<Difference>) {
    for difference in &mut *found {
        difference.is_exempt = true;
    }
    let principal = Principal::cluster("cluster");
    found.push(Difference {
        artifact: ArtifactName::of(principal.name()),
        principal,
        access: AccessChange::Anew,
        until: None,
        is_exempt: false,
    });
}
