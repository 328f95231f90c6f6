//! What is here of what is asked for: what the lock in force records and the bytes prove. Without a line of
//! the lock there is nothing before.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::elsewhere::new_ones;
use super::former::Former;
use super::pod_records::{half, whole};
use super::powers::{ArtifactPower, Certificate, Elsewhere, Leads, Power, Powers};
use super::roots::{chain, root};
use super::safeguards::Safeguards;
use super::{endpoint, halves, recipients, removed, verified};
use crate::facts::{RoleGrant, requested_life, role_grants};
use crate::graph::{Artifact, DerivationId, FilePart, Placement};
use crate::hash::Digest;
use crate::name::{NodeName, TreePath};
use crate::plan::{AtRest, Plan, World, at_rest};
use crate::profile::Hosts;
use crate::spec::{CaName, Role};

impl Powers {
    /// Nothing is looked at that the comparison with `asked` does not need: a signature costs as much as all
    /// else.
    pub fn here(world: World<'_>, plan: &Plan, asked: &Powers) -> Powers {
        let artifacts = asked.artifacts.par_iter();
        let artifacts: Vec<ArtifactPower> =
            artifacts.filter_map(|asked| power(world, asked)).collect();
        let new_ones = new_ones(&asked.artifacts, &artifacts);
        let halves = new_ones.par_iter().map(|new| (new.artifact.name(), halves::of(world, new)));
        let halves = halves.filter(|(_, halves)| !halves.is_empty()).collect();
        let wished = asked.recipients.as_ref();
        let recipients = wished.map(|wished| recipients::before(world, plan, wished));
        let changed = wished.zip(recipients.as_ref());
        let owners = changed.into_iter().flat_map(|(new, old)| new.symmetric_difference(old));
        let of_nodes = |new: &&&ArtifactPower| {
            matches!(new.power, Power::Certificate(_) | Power::StaticPod(_))
        };
        let wanted = new_ones
            .iter()
            .filter(of_nodes)
            .filter_map(|new| new.artifact.node())
            .chain(owners.filter_map(|(owner, _)| owner.as_ref()))
            .chain(asked.artifacts.iter().flat_map(|asked| holders(world, asked)));
        let had_name = |id, name: &_| {
            let certificate = world.survey.public_part(id).certificate();
            certificate.is_some_and(|facts| facts.sans.contains(name))
                && verified::of(world, id).is_some()
        };
        let former = Former::of(world, plan, &asked.artifacts, &artifacts);
        let half_pods = new_ones.iter().filter_map(|new| {
            let name = new.artifact.name();
            let half = half(world, plan, world.graph.find(&name)?)?;
            matches!(new.power, Power::StaticPod(_)).then_some((name, half))
        });
        Powers {
            half_pods: half_pods.collect(),
            names: former.names,
            users: former.users,
            lapsed: former.lapsed,
            nodes: nodes(world, &wanted.collect()),
            elsewhere: Elsewhere::of(&new_ones, world.graph, had_name, |id| whole(world, id))
                .with_roles(
                    &asked.artifacts,
                    world.graph,
                    |id| bindings(world, id),
                    || removed::grants(world, plan),
                ),
            endpoint: endpoint::before(world, &asked.artifacts, &artifacts),
            artifacts,
            recipients,
            removed: removed::find(world, plan),
            halves,
            safeguards: Safeguards::here(world, plan, &asked.safeguards),
        }
    }
}

fn power(world: World<'_>, asked: &ArtifactPower) -> Option<ArtifactPower> {
    let name = asked.artifact.name();
    let id = world.graph.find(&name)?;
    let power = match &asked.power {
        Power::Certificate(asked) => {
            let credential = verified::of(world, id)?;
            Power::Certificate(Box::new(Certificate {
                until: credential.not_after.filter(|end| *end > world.now),
                ca: asked.ca,
                same_as: None,
                chosen: BTreeSet::new(),
                chosen_groups: BTreeSet::new(),
                credential,
            }))
        }
        Power::Root(_) => Power::Root(Box::new(root(world, id)?)),
        Power::Bindings(_) => Power::Bindings(bindings(world, id)?),
        Power::RequestedLife(_) => Power::RequestedLife(requested_life(on_record(world, id)?)?),
        Power::Kubeconfig { leads, .. } => {
            let server = verified::line(world, id)?.server.clone()?;
            let was_local = endpoint::was_local(world, &asked.artifact, &server);
            let leads = match leads {
                Leads::ToTheEndpoint if was_local => Leads::ToItsNode,
                leads => *leads,
            };
            Power::Kubeconfig { server, leads }
        }
        Power::StaticPod(_) => Power::StaticPod(whole(world, id)?),
        Power::Chain(_) => Power::Chain(chain(world, id)?),
    };
    Some(ArtifactPower { artifact: asked.artifact.clone(), places: places(world, id), power })
}

/// Nodes that get a copy of a CA's key.
fn holders<'w>(world: World<'w>, asked: &ArtifactPower) -> impl Iterator<Item = &'w NodeName> {
    let ca = match asked.artifact {
        Artifact::Ca(..) => world.graph.find(&asked.artifact.name()),
        _ => None,
    };
    let keys = ca.into_iter().flat_map(|id| world.graph.placements_of(id, FilePart::PrivateKey));
    keys.filter_map(|place| place.node.as_ref())
}

/// Where copies lay, as far as whoever asks can know.
fn places(world: World<'_>, id: DerivationId) -> BTreeSet<TreePath> {
    let is_here = |place: &Placement| {
        world.inventory.get(place.path.as_str()).is_some()
            && !matches!(at_rest(world, place), AtRest::Unrecorded(_) | AtRest::Modified)
    };
    // Where no key is here, a missing one says nothing.
    let has_key = world.graph.key_places(id).any(is_here);
    let places = world.graph.placements(id).iter();
    // A sealed copy that is gone was there by the lock's own line of it; of the cluster CA alone, whose key
    // is on every control-plane node.
    let is_usual = matches!(world.graph.get(id).artifact, Artifact::Ca(CaName::Kubernetes, _));
    let was_here = |place: &Placement| is_usual && world.lock.copies.contains_key(&place.path);
    let here = places.filter(|place| {
        is_here(place) || was_here(place) || (place.content.is_secret() && !has_key)
    });
    here.map(|place| place.path.clone()).collect()
}

/// Whose certificate is here and on record was there; one of a control plane says that it was of that.
fn nodes(world: World<'_>, wanted: &BTreeSet<&NodeName>) -> BTreeMap<String, Role> {
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let mut here: BTreeMap<&NodeName, Vec<DerivationId>> = BTreeMap::new();
    for id in world.graph.ids() {
        if let Some(node) = world.graph.get(id).artifact.node()
            && wanted.contains(node)
            && verified::on_record(world, id).is_some()
        {
            here.entry(node).or_default().push(id);
        }
    }
    let is_verified = |id: &DerivationId| verified::of(world, *id).is_some();
    let is_of_control_plane = |id: &DerivationId| {
        let row = world.graph.get(*id).artifact.row();
        row.is_some_and(|row| row.hosts == Hosts::ControlPlane)
    };
    let role = |ids: &[DerivationId]| {
        if ids.iter().any(|id| is_of_control_plane(id) && is_verified(id)) {
            return Some(Role::ControlPlane);
        }
        ids.iter().any(is_verified).then_some(Role::Worker)
    };
    let roles = here.into_par_iter();
    roles.filter_map(|(node, all)| Some((node.to_string(), role(&all)?))).collect()
}

fn bindings(world: World<'_>, id: DerivationId) -> Option<BTreeSet<RoleGrant>> {
    role_grants(on_record(world, id)?)
}

/// A rendered file. Another one than the one on record says nothing of what was: it was put there.
fn on_record(world: World<'_>, id: DerivationId) -> Option<&[u8]> {
    let place = world.graph.placements_of(id, FilePart::Rendered).next()?;
    let file = world.inventory.public(place.path.as_str())?;
    (verified::line(world, id)?.content == Some(Digest::of(file))).then_some(file)
}
