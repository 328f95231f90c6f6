//! What every use case starts from.

use crate::config::{self, Report};
use crate::graph::Graph;
use crate::plan::{Survey, World};
use crate::sources::Sources;
use crate::spec::Spec;
use crate::state::{Inventory, Lock};
use crate::time::Timestamp;

/// A description, read once, and what it asks for.
pub struct Described {
    pub spec: Spec,
    pub graph: Graph,
    /// What the description's reader wants said.
    pub notes: Vec<String>,
}

impl Described {
    /// Reads the description of this name, or tells every mistake in it.
    pub fn load(sources: &Sources, name: &str) -> Result<Described, Report> {
        let loaded = config::load(sources, name)?;
        Ok(Described { graph: Graph::derive(&loaded.spec), spec: loaded.spec, notes: loaded.notes })
    }

    /// Takes the version that the lock resolved.
    pub fn resolved(self, lock: &Lock) -> Described {
        let Described { mut spec, mut graph, notes } = self;
        let assumed = spec.cluster.kubernetes.value;
        spec.cluster.resolve_version(lock.kubernetes);
        if spec.cluster.kubernetes.value != assumed {
            graph = Graph::derive(&spec);
        }
        Described { spec, graph, notes }
    }
}

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
    pub fn new(described: Described, lock: Lock, inventory: Inventory) -> Project {
        let Described { spec, graph, notes } = described.resolved(&lock);
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
