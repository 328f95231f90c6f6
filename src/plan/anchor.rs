//! What the anchors (the CAs and the service-account key) have in common: they were made once, and every
//! trace of them counts.

use std::collections::HashSet;
use std::fmt;

use super::judge::Judge;
use crate::graph::{Content, DerivationId, Recipe, tree_of};
use crate::state::Entry;

/// Some file of this authority or of what it issued is here: it was made before.
pub(super) fn mentioned(judge: &Judge<'_>, id: DerivationId) -> bool {
    let graph = judge.world.graph;
    let here = |id: DerivationId| {
        graph
            .placements(id)
            .iter()
            .any(|place| judge.world.inventory.get(place.path.as_str()).is_some())
    };
    here(id)
        || graph.dependents(id).any(|dependent| here(dependent) || judge.entry(dependent).is_some())
        || in_another_tree(judge, id)
}

/// The tree of a node that is no longer described (renamed, say) holds a file of this anchor.
pub(super) fn in_another_tree(judge: &Judge<'_>, id: DerivationId) -> bool {
    let graph = judge.world.graph;
    let files = &judge.world.inventory.files;
    if files.is_empty() {
        return false;
    }
    let below_node = |path: &'_ str| tree_of(path).map(|(_, file)| file.to_owned());
    let bundles =
        graph.dependents(id).filter(|other| matches!(graph.get(*other).recipe, Recipe::Bundle(_)));
    let own: HashSet<String> = std::iter::once(id)
        .chain(bundles)
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
pub(super) fn empty_key(judge: &Judge<'_>, id: DerivationId) -> Option<String> {
    let master = judge.world.graph.placements_of(id, Content::PrivateKey).next()?;
    if judge.secret_size(master) != Some(0) {
        return None;
    }
    let copy = judge
        .world
        .graph
        .key_places(id)
        .find(|place| judge.secret_size(place).is_some_and(|size| size > 0));
    let advice = copy.map_or_else(String::new, |copy| {
        format!(
            "; out/{} is not: delete the empty file, and apply restores it from there",
            copy.path
        )
    });
    Some(format!("its key file out/{} is empty{advice}", master.path))
}

pub(super) fn key_path(judge: &Judge<'_>, id: DerivationId) -> String {
    judge
        .world
        .graph
        .placements_of(id, Content::PrivateKey)
        .next()
        .map_or_else(String::new, |place| place.path.to_string())
}
