//! The addresses of a description, one for each thing that answers.

use std::collections::BTreeMap;

use super::service::{At, SERVICES, ServiceRow};
use crate::graph::{Artifact, DerivationId, Graph};
use crate::name::{Endpoint, NodeName, Server};
use crate::pod;
use crate::profile::Process;
use crate::spec::{Component, Node, Spec};

pub struct Target {
    pub row: &'static ServiceRow,
    /// `None`: the endpoint.
    pub node: Option<NodeName>,
    /// Where, or why that is not known.
    pub at: Result<Endpoint, String>,
    /// The artifacts of which one should be shown there.
    pub leaves: Vec<DerivationId>,
}

/// In the order of the table, then of the nodes.
pub fn targets(spec: &Spec, graph: &Graph) -> Vec<Target> {
    let mut all: Vec<Target> = Vec::new();
    for row in SERVICES {
        let nodes = || spec.nodes.iter().filter(|node| row.hosts.include(node, spec));
        let leaf = |node: &Node| {
            graph.find(&Artifact::Leaf(Some(node.name.clone()), row.leaf.name).name())
        };
        if row.at == At::Endpoint {
            let endpoint = &spec.cluster.endpoint.value;
            // The only control-plane node's own address, most often.
            if !all.iter().any(|other| other.at.as_ref() == Ok(endpoint)) {
                let leaves = nodes().filter_map(leaf).collect();
                all.push(Target { row, node: None, at: Ok(endpoint.clone()), leaves });
            }
            continue;
        }
        for node in nodes() {
            all.extend(on_node(spec, node, row.at).into_iter().map(|at| Target {
                row,
                node: Some(node.name.clone()),
                at,
                leaves: leaf(node).into_iter().collect(),
            }));
        }
    }
    all
}

fn on_node(spec: &Spec, node: &Node, at: At) -> Vec<Result<Endpoint, String>> {
    let port = match at {
        At::ApiPort | At::Endpoint => spec.api_port(),
        At::Port(port) => port,
        At::Url { flag, port } => match etcd_flags(spec, node) {
            Err(why) => return vec![Err(why)],
            Ok(flags) => match flags.get(flag) {
                Some(urls) => return urls.split(',').map(|url| dialled(flag, url)).collect(),
                None => port,
            },
        },
    };
    let none = || "the description has no address of this node".to_owned();
    let address = node.addresses.first().ok_or_else(none);
    vec![address.map(|address| Endpoint::at(address.ip(), port))]
}

/// What is written of etcd's flags: by the description, else in the operator's own manifest.
fn etcd_flags(spec: &Spec, node: &Node) -> Result<BTreeMap<String, String>, String> {
    let mut flags = match spec.manifest_of(&node.name, Component::Etcd) {
        None => BTreeMap::new(),
        Some(manifest) => pod::read(&manifest.bytes, Process::Etcd)
            .map_err(|_| format!("{} cannot be read", manifest.path))?
            .told(Process::Etcd),
    };
    let written = spec.components.get(&Component::Etcd).map(|settings| &settings.flags);
    for (name, setting) in written.into_iter().flatten() {
        match setting.value() {
            Some(value) => drop(flags.insert(name.clone(), value.to_owned())),
            None => drop(flags.remove(name)),
        }
    }
    Ok(flags)
}

/// Go's url.Parse and etcd's NewURLs, of which kpki reads the usual form alone.
fn dialled(flag: &str, url: &str) -> Result<Endpoint, String> {
    let server: Server =
        url.trim().parse().map_err(|why| format!("--{flag} says {:?}, which {why}", url.trim()))?;
    Ok(Endpoint { host: server.host.clone(), port: server.port() })
}
