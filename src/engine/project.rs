//! What every use case starts from.

use std::collections::BTreeSet;

use crate::config::Loaded;
use crate::graph::{FilePart, Graph, Placement};
use crate::plan::{Survey, World};
use crate::spec::Spec;
use crate::state::{Inventory, Lock, is_public};
use crate::time::Timestamp;

/// A project as values: what is described, what was recorded, and what is here.
pub struct Project {
    pub spec: Spec,
    pub graph: Graph,
    pub lock: Lock,
    pub inventory: Inventory,
    pub survey: Survey,
    /// What the description's reader wants said.
    pub notes: Vec<String>,
}

/// Files below `out/` whose names are those of secrets and that are none: kubeconfigs that only name a pair.
/// Not one of which the lock still has an embedded key.
pub fn public_kubeconfigs(graph: &Graph, lock: &Lock) -> BTreeSet<String> {
    let embeds_key = |place: &Placement| {
        let entry = lock.entries.get(&graph.get(place.derivation).name);
        entry.is_some_and(|entry| entry.size.is_some())
    };
    let places = graph.all_placements().iter();
    places
        .filter(|place| place.content == FilePart::Rendered && !is_public(place.path.as_str()))
        .filter(|place| !embeds_key(place))
        .map(|place| place.path.to_string())
        .collect()
}

impl Project {
    /// Holds a description against its lock and its files.
    pub fn new(loaded: Loaded, lock: Lock, inventory: Inventory) -> Project {
        let Loaded { spec, graph, notes, .. } = loaded;
        Project::of(spec, graph, notes, lock, inventory)
    }

    /// As [`Project::new`], of a description that was loaded before.
    pub fn of(
        spec: Spec,
        graph: Graph,
        notes: Vec<String>,
        lock: Lock,
        inventory: Inventory,
    ) -> Project {
        let survey = Survey::take(&graph, &lock, &inventory);
        Project { spec, graph, lock, inventory, survey, notes }
    }

    /// The world that a plan is made in.
    pub fn world(&self, now: Timestamp) -> World<'_> {
        World {
            graph: &self.graph,
            lock: &self.lock,
            inventory: &self.inventory,
            survey: &self.survey,
            now,
        }
    }
}
