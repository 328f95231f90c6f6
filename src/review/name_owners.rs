//! Names that are somebody else's: a server that has one can stand in the other's place, whether the world
//! can dial it or only the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::graph::{Artifact, Graph, Recipe};
use crate::name::San;
use crate::spec::{Role, Spec};

const API_SERVER: &str = "apiserver";

/// Whom clients expect behind a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Apiserver,
    Node(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Apiserver => f.write_str("the API server"),
            Owner::Node(node) => write!(f, "node {node}"),
        }
    }
}

/// Names by which clients know somebody.
#[derive(Debug, Default)]
pub(super) struct NameOwners {
    pub owners: BTreeMap<San, BTreeSet<Owner>>,
    /// Of nodes.
    pub roles: HashMap<String, Role>,
    /// Where kubeconfigs lead.
    pub endpoint: Option<San>,
}

impl NameOwners {
    pub fn of(graph: &Graph, spec: &Spec) -> Self {
        let mut owners: BTreeMap<San, BTreeSet<Owner>> = BTreeMap::new();
        let mut add = |name: San, owner| {
            let is_local = match &name {
                San::Dns(name) => &**name == "localhost",
                San::Ip(address) => address.is_loopback(),
            };
            if !is_local {
                owners.entry(name).or_default().insert(owner);
            }
        };
        for node in &spec.nodes {
            let owner = Owner::Node(node.name.to_string());
            add(San::from(&node.name), owner.clone());
            for address in &node.addresses {
                add(San::Ip(address.ip()), owner.clone());
            }
        }
        for id in graph.ids() {
            let derivation = graph.get(id);
            let (Recipe::Leaf(leaf), Artifact::Leaf(Some(node), API_SERVER)) =
                (&derivation.recipe, &derivation.artifact)
            else {
                continue;
            };
            let node = spec.node(node.as_str());
            let is_the_nodes = |name: &San| {
                node.is_some_and(|node| {
                    *name == San::from(&node.name)
                        || node.sans.contains_key(name)
                        || node.addresses.iter().any(|own| *name == San::Ip(own.ip()))
                })
            };
            let names = leaf.sans.iter().filter(|name| !is_the_nodes(name));
            names.for_each(|name| add(name.clone(), Owner::Apiserver));
        }
        let nodes = spec.nodes.iter();
        let roles = nodes.map(|node| (node.name.to_string(), node.role));
        let endpoint = Some(spec.cluster.endpoint.value.host.clone());
        NameOwners { owners, roles: roles.collect(), endpoint }
    }

    /// Who else has the name than what lies on these nodes. What holds a CA's key can stand in the place of
    /// all that do.
    pub fn owner(&self, nodes: &BTreeSet<&str>, name: &San) -> Option<&Owner> {
        let owners = self.owners.get(name)?;
        let role = |node: &str| self.roles.get(node).copied();
        let has_keys = |node: &str| matches!(role(node), Some(Role::ControlPlane | Role::Etcd));
        let is_own = |owner: &Owner| match owner {
            _ if nodes.is_empty() => false,
            Owner::Apiserver => {
                let mut nodes = nodes.iter();
                nodes.all(|node| role(node) == Some(Role::ControlPlane))
            }
            Owner::Node(node) => {
                nodes.iter().eq([&node.as_str()])
                    || (has_keys(node) && nodes.iter().all(|node| has_keys(node)))
            }
        };
        owners.iter().find(|owner| !is_own(owner))
    }

    /// Kubeconfigs dial it.
    pub fn is_endpoint(&self, name: &San) -> bool {
        self.endpoint.as_ref() == Some(name)
    }
}
