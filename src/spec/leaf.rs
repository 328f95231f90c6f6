//! `leaf "NAME"` in a node's block: what one leaf of that node says instead of what follows from all else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Origin, PolicyOverride, Setting};
use crate::name::{Organization, San, Server};

/// What is not written follows from the version, the cluster, the component and the node, as without a block.
#[derive(Debug, Clone)]
pub struct LeafOverride {
    /// Its block's.
    pub origin: Origin,
    /// All alternative names, and no others. Of serving certificates.
    pub sans: Option<BTreeMap<San, Origin>>,
    /// All organizations of the subject; an empty set: none.
    pub organizations: Option<Setting<BTreeSet<Organization>>>,
    /// Nearer than the node's.
    pub policy: PolicyOverride,
    /// Of the kubeconfig that embeds it.
    pub server: Option<Setting<Server>>,
}
