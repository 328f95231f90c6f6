//! Where the nodes keep their certificates: the same folder on all of them, or nothing is taken over.

use std::collections::BTreeMap;

use super::node::{Node, Pod};
use super::refusal::{Refusal, Refusals};
use crate::machine::Machine;
use crate::machine::kubelet::{Fact, KubeletFacts, KubeletSetting};
use crate::name::CertificatesDir;
use crate::pod;
use crate::profile::{
    Business, FLAGS, FlagFrom, Process, below_root, certificates_dir_of, own_files,
};
use crate::spec::Role;

/// The file that a kubelet names.
const CA_FILE: &str = "pki/ca.crt";

/// The folder that most flags name which kubeadm sets to a file of its own. An operator's file may lie
/// elsewhere.
pub(super) fn of_pods(pods: &BTreeMap<Process, Pod<'_>>) -> Option<CertificatesDir> {
    of_flags(pods.iter().flat_map(|(process, pod)| {
        let flags = pod.facts.flags.iter();
        flags.map(|flag| (*process, flag.name.as_str(), flag.value.as_str()))
    }))
}

fn of_flags<'f>(
    flags: impl Iterator<Item = (Process, &'f str, &'f str)>,
) -> Option<CertificatesDir> {
    let mut votes: BTreeMap<CertificatesDir, usize> = BTreeMap::new();
    for (process, name, value) in flags {
        let own = FLAGS.iter().find(|row| {
            row.process == process && row.name == name && row.business == Business::Own
        });
        if let Some(FlagFrom::File(file)) = own.map(|row| row.from)
            && let Some(path) = value.strip_prefix('/')
            && let Some(dir) = certificates_dir_of(path, file)
        {
            *votes.entry(dir).or_default() += 1;
        }
    }
    let most = votes.values().max().copied()?;
    votes.into_iter().find(|(_, count)| *count == most).map(|(dir, _)| dir)
}

/// Of a node without static pods: by the file that its kubelet checks its clients with.
fn of_kubelet(kubelet: &KubeletFacts) -> Option<CertificatesDir> {
    match kubelet.get(KubeletSetting::ClientCaFile) {
        Fact::Said { value, .. } => certificates_dir_of(value.strip_prefix('/')?, CA_FILE),
        Fact::NotSaid | Fact::Unread { .. } | Fact::NotHandedOver => None,
    }
}

/// Files of the PKI outside of Kubernetes' folder that a node's manifests and its kubelet speak of.
pub fn files_elsewhere(machine: &Machine) -> Vec<String> {
    let mut flags = Vec::new();
    for process in Process::ALL {
        let path = super::node::in_folder(&format!("manifests/{}.yaml", process.name()));
        let Some((_, file)) = machine.file(&path) else { continue };
        let facts = pod::read(file.bytes.expose(), process);
        let all = facts.into_iter().flat_map(|facts| facts.flags);
        flags.extend(all.map(|flag| (process, flag.name, flag.value)));
    }
    let flags =
        flags.iter().map(|(process, name, value)| (*process, name.as_str(), value.as_str()));
    let dir = of_flags(flags).or_else(|| of_kubelet(&KubeletFacts::read(machine)));
    dir.iter().flat_map(|dir| own_files().map(|file| below_root(dir, file))).collect()
}

/// Gives every node the folder that all of them have.
pub(super) fn agree(nodes: &mut [Node<'_>]) -> Result<(), Refusals> {
    let said = |node: &Node<'_>| of_pods(&node.pods);
    let mut by_dir: BTreeMap<CertificatesDir, Vec<String>> = BTreeMap::new();
    for node in nodes.iter() {
        if let Some(dir) = said(node) {
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
        let other = said(node)
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
