//! Names that are somebody else's: a server that has one can stand in the other's place, whether the world
//! can dial it or only the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use ipnet::IpNet;

use crate::graph::{Artifact, DerivationId, Graph, Recipe, address_in, tree_of};
use crate::name::San;
use crate::spec::{Role, Spec};

pub(super) const API_SERVER: &str = "apiserver";

/// Whom clients expect behind a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Apiserver,
    Node(String),
    /// `certificate "NAME"`
    Certificate(String),
    /// An address that Kubernetes gives to services.
    Services,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Apiserver => f.write_str("the API server"),
            Owner::Node(node) => write!(f, "node {node}"),
            Owner::Certificate(name) => write!(f, "certificate {name}"),
            Owner::Services => f.write_str("a service of the cluster"),
        }
    }
}

/// Where the key of a server lies.
#[derive(Debug, Default)]
pub(super) struct Holder<'a> {
    pub nodes: BTreeSet<&'a str>,
    /// It is that of a `certificate`.
    pub certificate: Option<&'a str>,
}

/// Names by which clients know somebody.
#[derive(Debug, Default)]
pub(super) struct NameOwners {
    pub owners: BTreeMap<San, BTreeSet<Owner>>,
    /// Of nodes.
    pub roles: HashMap<String, Role>,
    /// On which nodes the key of a `certificate` lies.
    pub certificates: HashMap<String, BTreeSet<String>>,
    /// Where kubeconfigs lead.
    pub endpoint: Option<San>,
    /// Networks of services.
    pub services: Vec<IpNet>,
    /// In which nodes have their own names.
    pub domains: BTreeSet<String>,
    /// `dns-domain`
    pub cluster_domain: Option<String>,
}

impl NameOwners {
    pub fn of(graph: &Graph, spec: &Spec) -> Self {
        let mut names = NameOwners {
            endpoint: Some(spec.cluster.endpoint.value.host.clone()),
            services: spec.cluster.service_cidrs.value.clone(),
            cluster_domain: Some(spec.cluster.dns_domain.value.to_string()),
            ..NameOwners::default()
        };
        for node in &spec.nodes {
            let owner = Owner::Node(node.name.to_string());
            let own = San::from(&node.name);
            let all = node.sans.keys().chain([&own]);
            names.domains.extend(all.filter_map(|name| domain_of(node.name.as_str(), name)));
            names.add(own, owner.clone());
            for address in &node.addresses {
                names.add(San::Ip(address.ip()), owner.clone());
            }
            names.roles.insert(node.name.to_string(), node.role);
        }
        for id in graph.ids() {
            let derivation = graph.get(id);
            let Recipe::Leaf(leaf) = &derivation.recipe else {
                continue;
            };
            match &derivation.artifact {
                Artifact::Leaf(Some(node), API_SERVER) => {
                    let node = spec.node(node.as_str());
                    let is_the_nodes = |name: &San| {
                        node.is_some_and(|node| {
                            *name == San::from(&node.name)
                                || node.sans.contains_key(name)
                                || node.addresses.iter().any(|own| *name == San::Ip(own.ip()))
                        })
                    };
                    for name in leaf.sans.iter().filter(|name| !is_the_nodes(name)) {
                        names.add(name.clone(), Owner::Apiserver);
                    }
                }
                Artifact::Certificate(label) if leaf.usage.server() => {
                    for name in &leaf.sans {
                        names.add(name.clone(), Owner::Certificate(label.to_string()));
                    }
                    names.certificates.insert(label.to_string(), nodes_with(graph, id));
                }
                _ => {}
            }
        }
        names
    }

    pub fn add(&mut self, name: San, owner: Owner) {
        let is_local = match &name {
            San::Dns(name) => &**name == "localhost",
            San::Ip(address) => address.is_loopback(),
        };
        if !is_local {
            self.owners.entry(name).or_default().insert(owner);
        }
    }

    /// Who else has the name, or had it before, than whoever holds the key. What holds a CA's key can stand
    /// in the place of all that do.
    pub fn owner(&self, before: &NameOwners, holder: &Holder<'_>, name: &San) -> Option<Owner> {
        let now = self.behind(name);
        // Of two certificates that are both new neither is the other's.
        let now = now.filter(|owner| !matches!(owner, Owner::Certificate(_)));
        // Whoever had a wildcard could be what is below it.
        let above = wildcard_above(name).and_then(|wildcard| before.owners.get(&wildcard));
        let then = before.behind(name).chain(above.into_iter().flatten());
        let mut known = now.chain(then).peekable();
        let is_known = known.peek().is_some();
        let found = known.find(|owner| !self.is_own(before, holder, owner));
        if found.is_some() {
            return found.cloned();
        }
        let is_theirs = is_known && self.is_control_plane(holder);
        let is_kubernetes =
            |network: &IpNet| address_in(*network, 1).map(San::Ip).as_ref() == Some(name);
        let San::Ip(address) = name else {
            return None;
        };
        let mut services = self.services.iter().filter(|network| network.contains(address));
        services.any(|network| !(is_theirs && is_kubernetes(network))).then_some(Owner::Services)
    }

    /// Whom clients expect behind a name, or behind any that a wildcard stands for.
    fn behind(&self, name: &San) -> impl Iterator<Item = &Owner> {
        let is_wildcard = matches!(name, San::Dns(name) if name.starts_with("*."));
        let all = self.owners.iter().filter(move |_| is_wildcard);
        let below = all.filter(|(below, _)| wildcard_above(below).as_ref() == Some(name));
        self.owners.get(name).into_iter().chain(below.map(|(_, owners)| owners)).flatten()
    }

    fn is_own(&self, before: &NameOwners, holder: &Holder<'_>, owner: &Owner) -> bool {
        // A node that left was what it was.
        let role = |node: &str| self.roles.get(node).or_else(|| before.roles.get(node)).copied();
        let has_keys = |node: &str| matches!(role(node), Some(Role::ControlPlane | Role::Etcd));
        let nodes = &holder.nodes;
        match owner {
            Owner::Certificate(name) => {
                let is_there =
                    |all: &BTreeSet<String>| nodes.iter().all(|node| all.contains(*node));
                holder.certificate == Some(name)
                    || self.is_control_plane(holder)
                    || (!nodes.is_empty() && before.certificates.get(name).is_some_and(is_there))
            }
            _ if nodes.is_empty() => false,
            Owner::Apiserver => self.is_control_plane(holder),
            Owner::Node(node) => {
                nodes.iter().eq([&node.as_str()])
                    || (has_keys(node) && nodes.iter().all(|node| has_keys(node)))
            }
            Owner::Services => false,
        }
    }

    fn is_control_plane(&self, holder: &Holder<'_>) -> bool {
        let mut nodes = holder.nodes.iter();
        !holder.nodes.is_empty()
            && nodes.all(|node| self.roles.get(*node) == Some(&Role::ControlPlane))
    }

    /// It comes into a network of services that an API server with these names did not have.
    pub fn becomes_a_services(&self, before: &BTreeSet<San>, name: &San) -> bool {
        let (San::Ip(address), Some(network)) = (name, self.services.first()) else {
            return false;
        };
        let own = address_in(*network, 1).map(San::Ip);
        own.is_some_and(|own| own != *name && !before.contains(&own)) && network.contains(address)
    }

    /// Kubeconfigs dial it.
    pub fn is_endpoint(&self, name: &San) -> bool {
        self.endpoint.as_ref() == Some(name)
    }
}

/// The nodes in whose trees an artifact lies.
pub(super) fn nodes_with(graph: &Graph, id: DerivationId) -> BTreeSet<String> {
    let places = graph.placements(id).iter();
    let nodes = places.filter_map(|place| tree_of(place.path.as_str()));
    nodes.map(|(node, _)| node.to_owned()).collect()
}

/// The domain in which a name is the node's own: `lab.example` of `w1.lab.example`, whether the node is
/// called so or `w1`.
pub(super) fn domain_of(node: &str, name: &San) -> Option<String> {
    let San::Dns(name) = name else {
        return None;
    };
    let domain = match name.strip_prefix(node) {
        Some("") => node.split_once('.').map(|(_, domain)| domain),
        Some(rest) => rest.strip_prefix('.'),
        None => None,
    };
    domain.map(str::to_owned)
}

/// `*.lab.example` of `w1.lab.example`: who has that can serve as this (RFC 6125 6.4.3).
pub(super) fn wildcard_above(name: &San) -> Option<San> {
    let San::Dns(name) = name else {
        return None;
    };
    let (first, parent) = name.split_once('.')?;
    (first != "*").then(|| San::Dns(format!("*.{parent}").into()))
}
