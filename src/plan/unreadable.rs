//! What the operating system does not let us read. It is neither lost nor damaged: nothing is concluded from
//! it, and what it may hold is not made anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{DerivationId, Graph, Placement};
use crate::name::NodeName;
use crate::sealed::SUFFIX;
use crate::state::{File, Inventory, is_in_our_folders};

/// Files and folders that cannot be read, and why.
pub struct Unreadable<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Unreadable<'a> {
    pub fn of(inventory: &'a Inventory) -> Self {
        let files = inventory.files.iter();
        let unread = files.filter_map(|(path, file)| match file {
            File::Unreadable { why } => Some((path.as_str(), why.as_str())),
            _ => None,
        });
        Unreadable(unread.collect())
    }

    /// Why nothing can be said of an artifact.
    pub(super) fn hides(
        &self,
        graph: &Graph,
        inventory: &Inventory,
        id: DerivationId,
    ) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut places = graph.placements(id).iter();
        let own = places.find_map(|place| self.at(inventory, place.path.as_str()));
        // An anchor is first made only where nothing at all speaks of it.
        let anywhere = || {
            let is_anchor = graph.get(id).recipe.is_anchor();
            let known = || {
                let mut places = graph.placements(id).iter();
                places.any(|place| inventory.get(place.path.as_str()).is_some())
            };
            // Not `lost+found`, say; an empty path is `out/` itself.
            let ours = |path: &str| path.is_empty() || is_in_our_folders(path);
            let mut ours = self.0.iter().filter(|(path, _)| ours(path));
            let (path, why) = ours.next()?;
            (is_anchor && !known()).then(|| in_words(path, why))
        };
        own.or_else(anywhere)
    }

    /// All that stands between us and a file of the graph, in words and without repetition.
    pub fn in_the_way(&self, graph: &Graph, inventory: &Inventory) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let ids = graph.ids();
        let mut all: Vec<String> = ids
            .filter_map(|id| self.hides(graph, inventory, id))
            .chain(
                (graph.all_placements().iter())
                    .filter_map(|place| self.at(inventory, place.path.as_str())),
            )
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// The same for one node's files, and for the public files by which they are judged. The private keys
    /// that signed them are not asked for.
    pub fn before_node(
        &self,
        graph: &Graph,
        inventory: &Inventory,
        node: &NodeName,
    ) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let is_own = |place: &&Placement| place.node.as_ref() == Some(node);
        let mut judged: BTreeSet<DerivationId> =
            (graph.all_placements().iter()).filter(is_own).map(|place| place.derivation).collect();
        // Inputs come first in a graph.
        for id in graph.ids().rev() {
            if judged.contains(&id) {
                judged.extend(&graph.get(id).inputs);
            }
        }
        let is_asked = |place: &&Placement| {
            is_own(place) || place.node.is_none() && !place.content.is_secret()
        };
        let places = judged.into_iter().flat_map(|id| graph.placements(id));
        let found =
            places.filter(is_asked).filter_map(|place| self.at(inventory, place.path.as_str()));
        let all: BTreeSet<String> = found.collect();
        all.into_iter().collect()
    }

    /// The file itself, in either form, or a folder above one that is not seen.
    fn at(&self, inventory: &Inventory, path: &str) -> Option<String> {
        let sealed = format!("{path}{SUFFIX}");
        for file in [path, &sealed] {
            if let Some(why) = self.0.get(file) {
                return Some(in_words(file, why));
            }
        }
        if inventory.get(path).is_some() {
            return None;
        }
        let mut above = path;
        loop {
            above = above.rsplit_once('/').map_or("", |(above, _)| above);
            if let Some(why) = self.0.get(above) {
                return Some(in_words(above, why));
            }
            if above.is_empty() {
                return None;
            }
        }
    }
}

fn in_words(path: &str, why: &str) -> String {
    format!("out/{path} cannot be read: {why}")
}
