//! Where a node keeps its certificates, by what its manifests and its kubelet name.

use std::collections::BTreeMap;

use crate::machine::Machine;
use crate::machine::kubelet::{Fact, KubeletFacts, KubeletSetting};
use crate::name::CertificatesDir;
use crate::pod::{self, PodFacts};
use crate::profile::{
    Business, FLAGS, FlagFrom, KUBERNETES_FOLDER, Process, below_root, certificates_dir_of,
    own_files,
};

/// The file that a kubelet names.
pub(super) const CA_FILE: &str = "pki/ca.crt";

/// The folder that most flags name which kubeadm sets to a file of its own. An operator's file may lie
/// elsewhere.
pub(super) fn of_pods<'p>(
    pods: impl Iterator<Item = (Process, &'p PodFacts)>,
) -> Option<CertificatesDir> {
    of_flags(pods.flat_map(|(process, facts)| {
        let flags = facts.flags.iter();
        flags.map(move |flag| (process, flag.name.as_str(), flag.value.as_str()))
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
pub(super) fn of_kubelet(kubelet: &KubeletFacts) -> Option<CertificatesDir> {
    match kubelet.get(KubeletSetting::ClientCaFile) {
        Fact::Said { value, .. } => certificates_dir_of(value.strip_prefix('/')?, CA_FILE),
        Fact::NotSaid | Fact::Unread { .. } | Fact::NotHandedOver => None,
    }
}

/// Files of the PKI outside of Kubernetes' folder that a node's manifests and its kubelet speak of.
pub fn files_elsewhere(machine: &Machine) -> Vec<String> {
    let mut pods = Vec::new();
    for process in Process::ALL {
        let path = format!("{KUBERNETES_FOLDER}/manifests/{}.yaml", process.name());
        let Some((_, file)) = machine.file(&path) else { continue };
        pods.extend(pod::read(file.bytes.expose(), process).map(|facts| (process, facts)));
    }
    let dir = of_pods(pods.iter().map(|(process, facts)| (*process, facts)));
    let dir = dir.or_else(|| of_kubelet(&KubeletFacts::read(machine)));
    dir.iter().flat_map(|dir| own_files().map(|file| below_root(dir, file))).collect()
}
