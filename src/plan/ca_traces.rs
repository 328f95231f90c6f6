//! What the anchors (the CAs and the service-account key) have in common: they were made once, and every
//! trace of them counts.

use std::collections::HashSet;
use std::fmt;

use super::context::PlanContext;
use super::keypairs::keypairs_on_record;
use super::{Reason, World};
use crate::facts::{CertificateFacts, PublicKey, certificates_in_pem};
use crate::graph::{DerivationId, FilePart, Revision, tree_of};
use crate::hash::Digest;
use crate::state::Entry;

/// Some file of this CA or of what it issued is here: it was made before.
pub(super) fn mentioned(context: &PlanContext<'_>, id: DerivationId) -> bool {
    let graph = context.world.graph;
    let here = |id: DerivationId| {
        graph
            .placements(id)
            .iter()
            .any(|place| context.world.inventory.get(place.path.as_str()).is_some())
    };
    if graph.get(id).recipe.keypair_state().is_some() {
        return here(id) || is_in_a_bundle(context, id);
    }
    here(id)
        || graph
            .dependents(id)
            .any(|dependent| here(dependent) || context.entry(dependent).is_some())
        || in_another_tree(context, id)
}

/// A bundle that holds the other key pairs' certificates holds a further one: it may be of this one.
fn is_in_a_bundle(context: &PlanContext<'_>, id: DerivationId) -> bool {
    let World { graph, survey, inventory, lock, .. } = context.world;
    let Some((root, _)) = graph.get(id).artifact.root() else { return false };
    let others = graph.keypairs(root).iter().filter(|other| **other != id);
    let mut known: HashSet<Digest> = others
        .filter_map(|other| survey.public_part(*other).public_key().map(PublicKey::digest))
        .collect();
    known.extend(keypairs_on_record(lock, root).filter_map(|(_, entry)| entry.public_key));
    let places = graph.bundles_of(id).flat_map(|bundle| graph.placements(bundle));
    let files: HashSet<&[u8]> =
        places.filter_map(|place| inventory.public(place.path.as_str())).collect();
    let ders = files.into_iter().filter_map(|file| certificates_in_pem(file).ok()).flatten();
    let mut facts = ders.filter_map(|der| CertificateFacts::from_der(&der).ok());
    facts.any(|facts| !known.contains(&facts.public_key.digest()))
}

/// The tree of a node that is no longer described (renamed, say) holds a file of this anchor.
pub(super) fn in_another_tree(context: &PlanContext<'_>, id: DerivationId) -> bool {
    let graph = context.world.graph;
    let files = &context.world.inventory.files;
    if files.is_empty() {
        return false;
    }
    let below_node = |path: &'_ str| tree_of(path).map(|(_, file)| file.to_owned());
    let own: HashSet<String> = std::iter::once(id)
        .chain(graph.bundles_of(id))
        .flat_map(|id| graph.placements(id))
        .filter_map(|place| below_node(place.path.as_str()))
        .collect();
    files.keys().any(|path| below_node(path).is_some_and(|rest| own.contains(&rest)))
}

/// The lock knows another revision than the description.
pub(super) struct RevisionChange {
    pub known: String,
    pub wanted: String,
}

impl RevisionChange {
    /// That of the artifact's own and that of its node, each where it is another.
    pub fn reasons(&self) -> Vec<Reason> {
        let [(old, old_node), (new, new_node)] =
            [&self.known, &self.wanted].map(|text| Revision::parts(text));
        let change =
            |field, old: &str, new: &str| (old != new).then(|| Reason::changed(field, old, new));
        [change("revision", old, new), change("the node's revision", old_node, new_node)]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl fmt::Display for RevisionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revision {} -> {}", self.known, self.wanted)
    }
}

pub(super) fn revision_changed(entry: Option<&Entry>, wanted: &str) -> Option<RevisionChange> {
    let known = entry.and_then(|entry| entry.revision.clone())?;
    (known != wanted).then(|| RevisionChange { known, wanted: wanted.to_owned() })
}

/// The master key file is here and empty; in words.
pub(super) fn empty_key(context: &PlanContext<'_>, id: DerivationId) -> Option<String> {
    let master = context.world.graph.placements_of(id, FilePart::PrivateKey).next()?;
    if context.secret_size(master) != Some(0) {
        return None;
    }
    let copy = context
        .world
        .graph
        .key_places(id)
        .find(|place| context.secret_size(place).is_some_and(|size| size > 0));
    let advice = copy.map_or_else(String::new, |copy| {
        format!(
            "; out/{} is not: delete the empty file, and apply restores it from there",
            copy.path
        )
    });
    Some(format!("its key file out/{} is empty{advice}", master.path))
}
