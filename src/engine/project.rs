//! What every use case starts from.

use crate::config::Loaded;
use crate::graph::Graph;
use crate::plan::{Survey, World};
use crate::spec::Spec;
use crate::state::{Inventory, Lock};
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
