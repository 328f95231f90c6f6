//! Every leaf of the graph as the nodes have it.

use std::collections::BTreeMap;

use super::node::Node;
use super::refusal::{Refusal, Refusals};
use crate::facts::{CertificateFacts, KubeconfigFacts, certificates_in_pem};
use crate::graph::{DerivationId, FilePart, Graph, Recipe, tree_of};
use crate::name::NodeName;

/// What was found, by leaf.
pub type Found = BTreeMap<DerivationId, FoundLeaf>;

/// A leaf's certificate on its node.
pub struct FoundLeaf {
    pub node: NodeName,
    /// Below the node's root: of the certificate, or of the kubeconfig around it.
    pub path: String,
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
    /// The kubeconfig around it.
    pub config: Option<Box<KubeconfigFacts>>,
}

/// Looks for each leaf where the graph places it.
pub fn found(graph: &Graph, nodes: &[Node<'_>]) -> Result<Found, Refusals> {
    let by_name: BTreeMap<&str, &Node<'_>> =
        nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let mut all = Found::new();
    let mut refusals = Refusals::new();
    for id in graph.ids() {
        if !matches!(graph.get(id).recipe, Recipe::Leaf(_)) {
            continue;
        }
        let holder = graph.kubeconfig_of(id).unwrap_or(id);
        let places = graph.placements(holder).iter();
        let mut places = places
            .filter(|place| matches!(place.content, FilePart::Certificate | FilePart::Kubeconfig));
        let Some((node, path)) = places.find_map(|place| {
            let (node, path) = tree_of(place.path.as_str())?;
            Some((*by_name.get(node)?, path))
        }) else {
            continue;
        };
        match leaf(node, path, holder != id) {
            Ok(leaf) => {
                all.insert(id, leaf);
            }
            Err(why) => refusals.push(why),
        }
    }
    if refusals.is_empty() { Ok(all) } else { Err(refusals) }
}

fn leaf(node: &Node<'_>, path: &str, is_kubeconfig: bool) -> Result<FoundLeaf, Refusal> {
    let refuse = |why: String| Refusal::of_file(&node.name, path, why);
    let Some(bytes) = node.bytes(path) else {
        return Err(refuse("is not there, and kubeadm would have it".to_owned())
            .help("kpki would make it anew: make it with kubeadm first, or hand the file over"));
    };
    let mut config = None;
    let ders = if is_kubeconfig {
        let facts = KubeconfigFacts::from_yaml(bytes).map_err(|error| refuse(error.to_string()))?;
        let ders = certificates_in_pem(&facts.client_certificate);
        config = Some(Box::new(facts));
        ders
    } else {
        certificates_in_pem(bytes)
    };
    let ders = ders.map_err(|error| refuse(error.to_string()))?;
    let der = ders.into_iter().next().ok_or_else(|| refuse("holds no certificate".to_owned()))?;
    let facts = CertificateFacts::from_der(&der).map_err(|error| refuse(error.to_string()))?;
    Ok(FoundLeaf { node: node.name.clone(), path: path.to_owned(), der, facts, config })
}
