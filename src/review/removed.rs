//! Who is described no longer, and what the certificate in their hands still says.

use std::collections::{BTreeMap, BTreeSet};

use super::Credential;
use super::access_change::AccessChange;
use super::powers::{Powers, Removed};
use super::principal::Principal;
use crate::facts::{CertificateFacts, RoleGrant, certificates_in_pem, role_grants};
use crate::graph::{Artifact, Graph, Origin, Scope, UserPart, origins, tree_of};
use crate::hash::Digest;
use crate::name::{ArtifactName, NodeName};
use crate::plan::{Orphan, Plan, World};
use crate::profile::Hosts;
use crate::spec::Role;
use crate::state::File;
use crate::time::Timestamp;

pub(super) fn find(world: World<'_>, plan: &Plan) -> Vec<Removed> {
    let certificates = certificates(world, plan);
    let removed = plan.orphans.iter().filter_map(|orphan| {
        let Orphan::Line(name) = orphan else {
            return None;
        };
        let entry = world.lock.entries.get(name)?;
        let until = entry.not_after.filter(|end| *end > world.now)?;
        let credential = entry.certificate.and_then(|digest| certificates.get(&digest));
        // A node's groups go without saying.
        let groups = match credential {
            Some(credential) if Scope::of(name).node().is_none() => credential.groups.clone(),
            _ => BTreeSet::new(),
        };
        Some(Removed {
            artifact: name.clone(),
            groups,
            until: Some(until),
            grants: BTreeSet::new(),
            now_with: now_with(world.graph, name),
        })
    });
    removed.chain(bindings(world, plan)).collect()
}

/// Bindings whose file is the one on record: what else lies there bound nobody.
fn bindings(world: World<'_>, plan: &Plan) -> Vec<Removed> {
    let mut found = Vec::new();
    for orphan in &plan.orphans {
        let Orphan::File { path, .. } = orphan else {
            continue;
        };
        let mut origins = origins(path.as_str()).into_iter().map(|origin| origin.artifact);
        let is_bindings =
            |artifact: &Artifact| matches!(artifact, Artifact::User(_, UserPart::Bindings));
        let Some(artifact) = origins.find(is_bindings).map(|artifact| artifact.name()) else {
            continue;
        };
        let on_record = world.lock.entries.get(&artifact).and_then(|entry| entry.content);
        let file = world.inventory.public(path.as_str());
        let file = file.filter(|file| on_record == Some(Digest::of(file)));
        if let Some(grants) = file.and_then(role_grants) {
            found.push(Removed::of_bindings(artifact, grants));
        }
    }
    found
}

impl Removed {
    pub fn of_bindings(artifact: ArtifactName, grants: BTreeSet<RoleGrant>) -> Self {
        Removed { artifact, groups: BTreeSet::new(), until: None, grants, now_with: None }
    }
}

/// Who has what there is once in a cluster.
pub(super) fn now_with(graph: &Graph, gone: &ArtifactName) -> Option<String> {
    let row = gone.as_str().parse::<Artifact>().ok()?.row()?;
    if row.hosts != Hosts::Primary {
        return None;
    }
    let mut all = graph.ids().map(|id| &graph.get(id).artifact);
    all.find_map(|artifact| match artifact {
        Artifact::Leaf(node, name) if *name == row.name => Some(with(node.as_ref())),
        _ => None,
    })
}

fn with(node: Option<&NodeName>) -> String {
    node.map_or_else(|| "the operator".to_owned(), ToString::to_string)
}

/// Whose loss, of which artifact, and until when what it gave cannot be taken back.
pub(super) type Loss = (Principal, ArtifactName, AccessChange, Option<Timestamp>);

/// One line for a node, whatever it had.
pub(super) fn told(removed: &[Removed], after: &Powers) -> Vec<Loss> {
    let mut demoted = BTreeMap::new();
    for gone in removed {
        if let Some((node, role)) = former_role(gone, after) {
            let known = demoted.entry(node).or_insert(role);
            if role == Role::ControlPlane {
                *known = role;
            }
        }
    }
    let mut told = Vec::new();
    for gone in removed {
        let name = &gone.artifact;
        let mut put =
            |principal, access, until| told.push((principal, name.clone(), access, until));
        let node = Scope::of(name).node();
        let left = node.filter(|node| !after.nodes.contains_key(*node));
        let role = node.and_then(|node| Some((node, *demoted.get(node)?)));
        // Of whoever is told to have left, that says it.
        let principal = Principal::of(name);
        let leaves = removed
            .iter()
            .any(|other| other.grants.is_empty() && Principal::of(&other.artifact) == principal);
        for grant in gone.grants.iter().filter(|_| !leaves) {
            put(Principal::of(name), AccessChange::LostRole(grant.clone()), None);
        }
        if !gone.grants.is_empty() {
            continue;
        }
        let (principal, access) = match (left, role, &gone.now_with) {
            (Some(node), ..) => {
                (Principal::node(node), AccessChange::Removed { groups: gone.groups.clone() })
            }
            (None, Some((node, role)), _) => (Principal::node(node), AccessChange::Demoted(role)),
            (None, None, Some(new)) => {
                let old = with(node.and_then(|node| node.parse().ok()).as_ref());
                (Principal::of(name), AccessChange::Relocated { old, new: new.clone() })
            }
            (None, None, None) => {
                (Principal::of(name), AccessChange::Removed { groups: gone.groups.clone() })
            }
        };
        put(principal, access, gone.until);
    }
    told
}

/// The role of a node that stays with another one, as far as this says so.
fn former_role<'a>(gone: &'a Removed, after: &Powers) -> Option<(&'a str, Role)> {
    let node = Scope::of(&gone.artifact).node()?;
    let now = *after.nodes.get(node)?;
    let row = gone.artifact.as_str().parse::<Artifact>().ok()?.row()?;
    match row.hosts {
        Hosts::ControlPlane if now != Role::ControlPlane => Some((node, Role::ControlPlane)),
        Hosts::EtcdMembers if now == Role::Worker => Some((node, Role::Etcd)),
        _ => None,
    }
}

/// What they were bound to, as the lock knows their files.
pub(super) fn grants(world: World<'_>, plan: &Plan) -> BTreeSet<RoleGrant> {
    let files = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::File { path, .. } => {
            let mut origins = origins(path.as_str()).into_iter();
            let is =
                |origin: Origin| matches!(origin.artifact, Artifact::User(_, UserPart::Bindings));
            origins.any(is).then(|| world.inventory.public(path.as_str()))?
        }
        Orphan::Line(_) => None,
    });
    files.filter_map(role_grants).flatten().collect()
}

fn certificates(world: World<'_>, plan: &Plan) -> BTreeMap<Digest, Credential> {
    let files = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::File { path, .. } if tree_of(path.as_str()).is_none() => {
            world.inventory.get(path.as_str())
        }
        _ => None,
    });
    let public = files.filter_map(|file| match file {
        File::Public { bytes, .. } => Some(bytes),
        _ => None,
    });
    public
        .filter_map(|bytes| certificates_in_pem(bytes).ok())
        .flatten()
        .filter_map(|der| CertificateFacts::from_der(&der).ok())
        .map(|facts| (facts.digest, Credential::of_certificate(&facts)))
        .collect()
}
