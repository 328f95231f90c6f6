//! What no recipe makes and somebody put there: certificates that the cluster signed, and the roots of trust
//! that a proposal brings beside its description.

use std::collections::BTreeSet;

use super::Credential;
use super::access_change::AccessChange;
use super::difference::Difference;
use super::powers::{ArtifactPower, Certificate, Power};
use super::principal::Principal;
use super::verified::{line, on_record};
use crate::facts::{CertificateFacts, PublicKey};
use crate::graph::{DerivationId, Recipe};
use crate::plan::{Plan, World};
use crate::spec::CaName;

/// Certificates that the cluster signed and that nobody accepted: what they say counts as agreed once they
/// are on record.
pub(super) fn adopted(world: World<'_>, plan: &Plan) -> impl Iterator<Item = ArtifactPower> {
    plan.steps.iter().filter_map(move |step| {
        let id = step.derivation;
        if on_record(world, id).is_some() {
            return None;
        }
        answer(world, id, world.survey.public_part(id).certificate()?)
    })
}

/// Those that a proposal records otherwise than its base does.
pub(super) fn answers(base: World<'_>, proposed: World<'_>) -> impl Iterator<Item = ArtifactPower> {
    proposed.graph.ids().filter_map(move |id| {
        let facts = on_record(proposed, id)?;
        let is_known = on_record(base, id).is_some_and(|known| known.digest == facts.digest);
        if is_known { None } else { answer(proposed, id, facts) }
    })
}

fn answer(world: World<'_>, id: DerivationId, facts: &CertificateFacts) -> Option<ArtifactPower> {
    let derivation = world.graph.get(id);
    let Recipe::ClusterSigned(_) = derivation.recipe else {
        return None;
    };
    if facts.not_after < world.now {
        return None;
    }
    Some(ArtifactPower {
        artifact: derivation.artifact.clone(),
        places: BTreeSet::new(),
        power: Power::Certificate(Box::new(Certificate {
            credential: Credential::of_certificate(facts),
            until: Some(facts.not_after),
            ca: CaName::Kubernetes,
            same_as: None,
            chosen: BTreeSet::new(),
            chosen_groups: BTreeSet::new(),
        })),
    })
}

/// Roots of trust that are others than the base has on record, whatever the description says.
pub(super) fn other_roots(
    base: World<'_>,
    proposed: World<'_>,
) -> impl Iterator<Item = Difference> {
    let graph = base.graph;
    graph.ids().filter(|id| graph.get(*id).recipe.is_anchor()).filter_map(move |id| {
        let known = line(base, id)?;
        let found = proposed.survey.public_part(id);
        let key = found.public_key().map(PublicKey::digest);
        let certificate = found.certificate().map(|facts| facts.digest);
        let access = if key.is_some() && key != known.public_key {
            AccessChange::RootReplaced
        } else if certificate.is_some() && certificate != known.certificate {
            AccessChange::RootReissued
        } else {
            return None;
        };
        let artifact = graph.get(id).name.clone();
        let principal = Principal::of(&artifact);
        Some(Difference { principal, artifact, access, until: None, is_exempt: false })
    })
}
