//! What a plan changes in access: each step is held against what is here now.

use std::collections::BTreeMap;

use super::access_change::AccessChange;
use super::asked::Described;
use super::difference::{Difference, differences};
use super::found;
use super::policy::ReviewPolicy;
use super::powers::Powers;
use super::principal::Principal;
use super::reviewed::ReviewedChange;
use super::roots::{has_nothing_built, has_roots};
use super::safeguards::has_kubelet_config;
use super::told::told;
use crate::facts::certificates_in_pem;
use crate::graph::{Artifact, DerivationId, tree_of};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::{Action, Allow, Intent, Orphan, Plan, World};
use crate::spec::Spec;

/// In the order in which a reviewer must care. `proposed`: what else there is besides the description, where
/// `world` is another than the working tree. A cluster that is built for the first time gains nothing over
/// anybody.
pub(super) fn changes(
    world: World<'_>,
    spec: &Spec,
    intent: &Intent,
    policy: &ReviewPolicy,
    plan: &Plan,
    proposed: Option<World<'_>>,
) -> Vec<ReviewedChange> {
    let loses = !spec.kubelet_config && has_kubelet_config(world, plan);
    if plan.changes_nothing() && plan.orphans.is_empty() && proposed.is_none() && !loses {
        return Vec::new();
    }
    let is_unrecorded = world.lock.entries.is_empty();
    let is_new = is_unrecorded && has_nothing_built(world);
    if is_new && !has_roots(world) {
        return Vec::new();
    }
    let described = Described { spec, graph: world.graph };
    let start = world.graph.not_before().unwrap_or(world.now);
    let mut asked = Powers::asked(described, &touched(plan), Some(start));
    asked.artifacts.extend(found::adopted(world, plan));
    asked.artifacts.extend(proposed.into_iter().flat_map(|new| found::answers(world, new)));
    let here = Powers::here(world, plan, &asked);
    let mut found = differences(&here, &asked);
    found.retain(|difference| !is_a_stage(plan, difference));
    for difference in &mut found {
        if let AccessChange::KeyOn(node) = &difference.access
            && was_on(world, plan, &difference.artifact, node)
        {
            difference.access = AccessChange::KeyInAnotherFolder(node.clone());
        }
    }
    found.extend(proposed.into_iter().flat_map(|new| found::other_roots(world, new)));
    if is_unrecorded {
        let access = if is_new { AccessChange::Anew } else { AccessChange::Unrecorded };
        ask_once(&mut found, access, |difference| is_new || is_as_found(world, plan, difference));
    }
    told(found, described, intent, policy)
}

/// That another key pair is trusted has a word of its own, which the plan asks for.
fn is_a_stage(plan: &Plan, difference: &Difference) -> bool {
    let root = difference.artifact.as_str().parse::<Artifact>().ok().and_then(|one| one.root());
    let is_added = |(root, keypair)| {
        let mut rotations = plan.rotations.iter();
        rotations
            .any(|one| one.root == root && one.added.contains(&keypair) && !one.stages.is_empty())
    };
    difference.access == AccessChange::Root && root.is_some_and(is_added)
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

/// The certificate on record lies in a place of the node that is not asked for any more. Anybody can have put
/// it there: it is told in other words, and stops all the same.
fn was_on(world: World<'_>, plan: &Plan, artifact: &ArtifactName, node: &str) -> bool {
    let on_record = world.lock.entries.get(artifact).and_then(|entry| entry.certificate);
    let files = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::File { path, .. } if tree_of(path.as_str()).is_some_and(|(of, _)| of == node) => {
            world.inventory.public(path.as_str())
        }
        _ => None,
    });
    let mut certificates = files.filter_map(|file| certificates_in_pem(file).ok()).flatten();
    on_record.is_some() && certificates.any(|der| Some(Digest::of(&der)) == on_record)
}

/// The files that are here say it already, and stay: it is a matter of the record alone.
fn is_as_found(world: World<'_>, plan: &Plan, difference: &Difference) -> bool {
    match difference.access {
        AccessChange::Recipient(_) => return plan.seals.is_empty(),
        // Whatever is done to it, its key stays: another one has a consent of its own.
        AccessChange::Root => return true,
        _ => {}
    }
    let Some(id) = world.graph.find(&difference.artifact) else {
        return false;
    };
    let step = plan.steps.binary_search_by_key(&id, |step| step.derivation).ok();
    step.and_then(|step| plan.steps.get(step)).is_some_and(|step| step.action == Action::Record)
}

/// One consent for all that is `covered`, and one line that says so.
fn ask_once(
    found: &mut Vec<Difference>,
    access: AccessChange,
    covered: impl Fn(&Difference) -> bool,
) {
    for difference in &mut *found {
        difference.is_exempt |= covered(difference);
    }
    let principal = Principal::cluster("cluster");
    found.push(Difference {
        artifact: ArtifactName::of(principal.name()),
        principal,
        access,
        until: None,
        is_exempt: false,
    });
}
