//! Who is described no longer, and what the certificate in their hands still says.

use std::collections::{BTreeMap, BTreeSet};

use super::find::Finder;
use super::gain::Gain;
use super::nodes::described;
use super::{Credential, Holder};
use crate::facts::{CertificateFacts, certificates_in_pem};
use crate::graph::{Scope, tree_of};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::{Orphan, Plan, World};
use crate::state::File;

pub(super) fn find(finder: &mut Finder<'_>, world: World<'_>, plan: &Plan) {
    let lines = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::Line(name) => Some((name, world.lock.entries.get(name)?)),
        Orphan::File { .. } => None,
    });
    let certificates = certificates(world, plan);
    for (name, entry) in lines {
        let Some(end) = entry.not_after.filter(|end| *end > world.now) else {
            continue;
        };
        let holder = holder(finder, name);
        let credential = entry.certificate.and_then(|digest| certificates.get(&digest));
        // A node's groups go without saying.
        let groups = match credential {
            Some(credential) if Scope::of(name).node().is_none() => credential.groups.clone(),
            _ => BTreeSet::new(),
        };
        finder.put(holder, Gain::Left { groups }, name.clone(), None, Some(end));
    }
}

/// Whose an artifact was that is described no longer.
pub(super) fn holder(finder: &Finder<'_>, name: &ArtifactName) -> Holder {
    match Scope::of(name).node() {
        // A part of a node that stays.
        Some(node) if described(finder.spec, node).is_some() => Holder::of(name),
        Some(node) => Holder::node(node),
        None => Holder::of(name),
    }
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
