//! Whom each tree's secrets are sealed to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::name::NodeName;
use crate::sealed::Recipients;
use crate::spec::Spec;

#[derive(Default)]
pub(super) struct Sealing {
    cluster: Option<Arc<Recipients>>,
    /// Of nodes with recipients of their own.
    nodes: HashMap<NodeName, Arc<Recipients>>,
}

impl Sealing {
    pub(super) fn of(spec: &Spec) -> Self {
        let Some(cluster) = &spec.secrets else {
            return Sealing::default();
        };
        let own = spec.nodes.iter().filter(|node| !node.recipients.is_empty());
        Sealing {
            cluster: Recipients::of(cluster.value.clone()).map(Arc::new),
            nodes: own
                .filter_map(|node| {
                    let all = cluster.value.union(&node.recipients).cloned().collect();
                    Some((node.name.clone(), Arc::new(Recipients::of(all)?)))
                })
                .collect(),
        }
    }

    /// `None` is the operator's: a node opens nothing there.
    pub(super) fn of_tree(&self, node: Option<&NodeName>) -> Option<Arc<Recipients>> {
        node.and_then(|node| self.nodes.get(node)).or(self.cluster.as_ref()).cloned()
    }
}
