//! All nodes together: each is read, and all have their certificates in one folder.

use std::collections::BTreeMap;

use super::certificates_dir::{CA_FILE, of_kubelet};
use super::node::{Node, read};
use super::refusal::{Refusal, Refusals};
use crate::machine::Machine;
use crate::name::{CertificatesDir, NodeName};
use crate::profile::below_root;
use crate::spec::Role;

/// Every node, in the order of their names.
pub fn nodes(machines: &BTreeMap<NodeName, Machine>) -> Result<Vec<Node<'_>>, Refusals> {
    let mut nodes = Vec::new();
    let mut refusals = Refusals::new();
    for (name, machine) in machines {
        match read(name, machine) {
            Ok(node) => nodes.push(node),
            Err(mut why) => refusals.append(&mut why),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    agree(&mut nodes)?;
    Ok(nodes)
}

/// Gives every node the folder that all of them have.
fn agree(nodes: &mut [Node<'_>]) -> Result<(), Refusals> {
    let mut by_dir: BTreeMap<CertificatesDir, Vec<String>> = BTreeMap::new();
    for node in nodes.iter() {
        if let Some(dir) = node.told_dir() {
            by_dir.entry(dir).or_default().push(node.name.to_string());
        }
    }
    let most = by_dir.values().map(Vec::len).max();
    let usual = by_dir.iter().find(|(_, names)| Some(names.len()) == most);
    let usual = usual.map(|(dir, names)| (dir.clone(), names.join(", ")));
    let (usual, names) = usual.unwrap_or_else(|| (CertificatesDir::kubeadms(), String::new()));
    let mut refusals = Refusals::new();
    for node in nodes.iter_mut() {
        let has_none = node.bytes(&below_root(&usual, CA_FILE)).is_none();
        let other = node
            .told_dir()
            .or_else(|| of_kubelet(&node.kubelet).filter(|_| node.role == Role::Worker && has_none))
            .filter(|dir| *dir != usual);
        if let Some(dir) = other {
            let why = format!("has its certificates in {dir}, and {names} in {usual}");
            refusals.push(Refusal::of_node(&node.name, why).help(
                "kpki takes over clusters with one certificatesDir: move the files on the nodes that differ, and change \
                 what names them (manifests, the kubelet's clientCAFile)",
            ));
        }
        node.certificates_dir = usual.clone();
    }
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}
