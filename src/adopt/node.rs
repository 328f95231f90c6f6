//! What one node's files say of the node itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::certificates_dir::of_pods;
use super::embedded::embedded_certificate;
use super::refusal::{Refusal, Refusals};
use crate::facts::CertificateFacts;
use crate::machine::Machine;
use crate::machine::kubelet::{Fact, KubeletFacts, KubeletPair, KubeletSetting};
use crate::name::{CertificatesDir, NodeName};
use crate::pod::{self, PodFacts};
use crate::profile::{KUBERNETES_FOLDER, Process, below_root};
use crate::spec::{Component, Role};

/// One node as it was handed over.
pub struct Node<'m> {
    pub name: NodeName,
    pub machine: &'m Machine,
    pub kubelet: KubeletFacts,
    pub role: Role,
    /// The manifests that are there, and what they say.
    pub pods: BTreeMap<Process, Pod<'m>>,
    /// Where it was found, in words.
    pub address: Option<(IpAddr, &'static str)>,
    pub name_from: Option<String>,
    /// The same on all nodes.
    pub certificates_dir: CertificatesDir,
}

pub struct Pod<'m> {
    /// Below the node's root.
    pub path: String,
    pub bytes: &'m [u8],
    pub facts: PodFacts,
}

/// A kubeconfig or manifest in Kubernetes' folder, below the node's root.
pub(super) fn in_folder(file: &str) -> String {
    format!("{KUBERNETES_FOLDER}/{file}")
}

/// The folder of certificates that static pods name.
fn pods_dir(pods: &BTreeMap<Process, Pod<'_>>) -> Option<CertificatesDir> {
    of_pods(pods.iter().map(|(process, pod)| (*process, &pod.facts)))
}

impl Node<'_> {
    /// The folder of certificates that its static pods name.
    pub(super) fn told_dir(&self) -> Option<CertificatesDir> {
        pods_dir(&self.pods)
    }

    /// A file of the tables, below the node's root.
    pub(super) fn path(&self, file: &str) -> String {
        below_root(&self.certificates_dir, file)
    }

    pub(super) fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.machine.file(path).map(|(_, file)| file.bytes.expose())
    }

    /// What the description's folder of manifests has of it: whose, where on the node, and its bytes.
    pub fn manifests(&self) -> Vec<(Component, String, &[u8])> {
        let pods = self.pods.iter();
        let mut all: Vec<(Component, String, &[u8])> =
            pods.map(|(process, pod)| (process.component(), pod.path.clone(), pod.bytes)).collect();
        let path = in_folder("kubelet.conf");
        if let Some(bytes) = self.bytes(&path) {
            all.push((Component::Kubelet, path, bytes));
        }
        all
    }

    pub(super) fn flag<'a>(&'a self, process: Process, name: &'a str) -> Option<&'a str> {
        self.pods.get(&process)?.facts.values(name).last()
    }
}

pub(super) fn read<'m>(name: &NodeName, machine: &'m Machine) -> Result<Node<'m>, Refusals> {
    let mut refusals = Refusals::new();
    let pods = pods(name, machine, &mut refusals);
    let certificates_dir = pods_dir(&pods).unwrap_or_else(CertificatesDir::kubeadms);
    let unread = machine.unread().filter(|(path, _)| {
        path.starts_with(KUBERNETES_FOLDER) || path.starts_with(certificates_dir.below_root())
    });
    refusals.extend(unread.map(|(path, why)| Refusal::of_file(name, path, why)));
    let kubelet = KubeletFacts::read(machine);
    if let Some((folder, at)) = said(&kubelet, KubeletSetting::StaticPodPath)
        && folder.trim_end_matches('/') != format!("/{}", in_folder("manifests"))
    {
        let why = format!("its kubelet takes static pods from {folder} ({at})");
        let help = "kpki takes over nodes whose manifests lie in /etc/kubernetes/manifests";
        refusals.push(Refusal::of_node(name, why).help(help));
    }
    let role = role(machine, &pods, &certificates_dir);
    let Some(role) = role else {
        let why = "nothing of kubeadm's was handed over: no manifest, no kubelet.conf, no pki";
        refusals.push(Refusal::of_node(name, why).help(COPY));
        return Err(refusals);
    };
    let mut node = Node {
        name: name.clone(),
        machine,
        kubelet,
        role,
        pods,
        address: None,
        name_from: None,
        certificates_dir,
    };
    node.name_from = own_name(&node, &mut refusals);
    node.address = address(&node, &mut refusals);
    if refusals.is_empty() { Ok(node) } else { Err(refusals) }
}

/// A setting that something says, and where.
fn said(kubelet: &KubeletFacts, setting: KubeletSetting) -> Option<(&str, String)> {
    match kubelet.get(setting) {
        Fact::Said { value, at } => Some((value, at.to_string())),
        Fact::NotSaid | Fact::Unread { .. } | Fact::NotHandedOver => None,
    }
}

/// The line that copies what decides.
pub(super) const COPY: &str = "hand over the node's files: ssh NODE sudo tar -C / -cf - etc/kubernetes \
     var/lib/kubelet/config.yaml var/lib/kubelet/kubeadm-flags.env var/lib/kubelet/pki | kpki adopt NODE=-";

fn pods<'m>(
    name: &NodeName,
    machine: &'m Machine,
    refusals: &mut Refusals,
) -> BTreeMap<Process, Pod<'m>> {
    let mut pods = BTreeMap::new();
    for process in Process::ALL {
        let path = in_folder(&format!("manifests/{}.yaml", process.name()));
        let Some((_, file)) = machine.file(&path) else { continue };
        let bytes = file.bytes.expose();
        match pod::read(bytes, process) {
            Ok(facts) => {
                pods.insert(process, Pod { path, bytes, facts });
            }
            Err(error) => {
                let why =
                    format!("cannot be read as the static pod of {}: {error}", process.name());
                refusals.push(Refusal::of_file(name, &path, why));
            }
        }
    }
    pods
}

fn role(
    machine: &Machine,
    pods: &BTreeMap<Process, Pod<'_>>,
    dir: &CertificatesDir,
) -> Option<Role> {
    let has = |file: &str| machine.file(&below_root(dir, file)).is_some();
    if pods.contains_key(&Process::Apiserver) || has("pki/apiserver.crt") {
        return Some(Role::ControlPlane);
    }
    if pods.contains_key(&Process::Etcd) || has("pki/etcd/server.crt") {
        return Some(Role::Etcd);
    }
    (has("kubelet.conf") || has("pki/ca.crt")).then_some(Role::Worker)
}

const SYSTEM_NODE: &str = "system:node:";

/// Where the node's name is confirmed. Another name than the argument's is a mistake: kpki's files would go
/// to the wrong node.
fn own_name(node: &Node<'_>, refusals: &mut Refusals) -> Option<String> {
    let mut seen: Vec<(String, String, String)> = Vec::new();
    let mut add = |name: Option<String>, path: String, what: &str| {
        seen.extend(name.map(|name| (name, path, what.to_owned())));
    };
    if let Some((path, facts)) = client_of_kubelet(node) {
        add(node_name(&facts), path, "its kubelet's certificate");
    }
    if let Some(pod) = node.pods.get(&Process::Etcd) {
        let name = pod.facts.values("name").last().map(str::to_owned);
        add(name, pod.path.clone(), "--name");
    }
    if let Some((name, at)) = said(&node.kubelet, KubeletSetting::HostnameOverride) {
        add(Some(name.to_owned()), at, "--hostname-override");
    }
    let other: BTreeSet<&str> = (seen.iter().map(|(name, ..)| name.as_str()))
        .filter(|name| *name != node.name.as_str())
        .collect();
    if let Some((name, path, what)) = seen.iter().find(|(name, ..)| other.contains(name.as_str())) {
        let path = path.trim_start_matches('/').split(':').next().unwrap_or_default();
        let why = format!("says by {what} that the node is called {name}");
        let help = format!("name the source as the node: {name}=…");
        refusals.push(Refusal::of_file(&node.name, path, why).help(help));
    }
    seen.first().map(|(_, _, what)| what.clone())
}

fn node_name(facts: &CertificateFacts) -> Option<String> {
    let name = facts.subject.common_name()?;
    name.strip_prefix(SYSTEM_NODE).map(str::to_owned)
}

/// The certificate by which the kubelet is known to the API server.
fn client_of_kubelet(node: &Node<'_>) -> Option<(String, CertificateFacts)> {
    if let KubeletPair::Read { at, facts } = &node.kubelet.client {
        return Some((at.clone(), (**facts).clone()));
    }
    let path = in_folder("kubelet.conf");
    let facts = embedded_certificate(node.bytes(&path)?)?;
    Some((path, facts))
}

/// The address by which the others know it.
fn address(node: &Node<'_>, refusals: &mut Refusals) -> Option<(IpAddr, &'static str)> {
    let (process, flag) = match node.role {
        Role::ControlPlane => (Process::Apiserver, "advertise-address"),
        Role::Etcd => (Process::Etcd, "initial-advertise-peer-urls"),
        Role::Worker => {
            let (addresses, _) = said(&node.kubelet, KubeletSetting::NodeIp)?;
            let ip = addresses.split(',').next()?.trim().parse().ok()?;
            return Some((ip, "--node-ip"));
        }
    };
    let Some(pod) = node.pods.get(&process) else {
        let path = in_folder(&format!("manifests/{}.yaml", process.name()));
        let why = "is not there: the node's address stands in it";
        refusals.push(Refusal::of_file(&node.name, &path, why).help(COPY));
        return None;
    };
    let value = pod.facts.values(flag).last();
    let host = value.and_then(|value| match value.split_once("://") {
        Some((_, rest)) => rest.rsplit_once(':').map(|(host, _)| host.trim_matches(['[', ']'])),
        None => Some(value),
    });
    if let Some(ip) = host.and_then(|host| host.parse().ok()) {
        let from = match node.role {
            Role::Etcd => "--initial-advertise-peer-urls",
            _ => "--advertise-address",
        };
        return Some((ip, from));
    }
    let why = match value {
        Some(value) => format!("has --{flag}={value}, which is no address"),
        None => format!("has no --{flag}: the node's address is not known"),
    };
    refusals.push(Refusal::of_file(&node.name, &pod.path, why));
    None
}
