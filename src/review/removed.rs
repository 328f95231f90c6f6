//! Who is described no longer, and what the certificate in their hands still says.

use std::collections::{BTreeMap, BTreeSet};

use super::Credential;
use super::powers::Removed;
use crate::facts::{CertificateFacts, RoleGrant, certificates_in_pem, role_grants};
use crate::graph::{Artifact, Origin, Scope, UserPart, origins, tree_of};
use crate::hash::Digest;
use crate::plan::{Orphan, Plan, World};
use crate::state::File;

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
        Some(Removed { artifact: name.clone(), groups, until: Some(until) })
    });
    removed.collect()
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
