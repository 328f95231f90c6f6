//! Static pods: which process runs where, with which flags, and what it must be restarted for.

use std::collections::{BTreeMap, HashMap};

use super::anchors;
use super::builder::Builder;
use super::owners::runs_as;
use crate::graph::{Artifact, DerivationId, Graph, PodSource, Recipe, StaticPod};
use crate::manifest::{
    EtcdMember, EtcdServers, FlagInputs, Mount, excluder, merged, own_flags, pki_flags,
};
use crate::name::NodeName;
use crate::pod::{self, Business, Flag, FlagWish, MountWish, PathKind, PodWish};
use crate::profile::{
    Circumstances, ETCD_PEER_PORT, FRONT_PROXY_CLIENT_NAME, Hosts, Input, Process, Reader, Weight,
    companions, restart_inputs,
};
use crate::spec::{EtcdTopology, Node, Spec};

const INITIAL_CLUSTER: &str = "initial-cluster";

/// The image of each process that runs, or the processes without one.
pub fn images(spec: &Spec) -> Result<BTreeMap<Process, String>, Vec<Process>> {
    let mut images = BTreeMap::new();
    let mut unknown = Vec::new();
    for process in Process::ALL {
        let given =
            spec.components.get(&process.component()).and_then(|settings| settings.image.clone());
        match given.or_else(|| process.image(spec.cluster.kubernetes.value)) {
            Some(image) => {
                images.insert(process, image);
            }
            None => unknown.push(process),
        }
    }
    if unknown.is_empty() { Ok(images) } else { Err(unknown) }
}

/// The flags of kpki's own that a process gets on a node, `--initial-cluster` as for a new cluster.
pub fn flags_on(spec: &Spec, node: &Node, process: Process) -> BTreeMap<&'static str, String> {
    with_inputs(spec, node, |inputs| own_flags(process, inputs))
}

/// What an operator's manifest of a process must say on a node: the files of the PKI with the flags that
/// these need, and the flags that the description gives.
fn wish_on(spec: &Spec, node: &Node, process: Process, there: &[Flag]) -> PodWish {
    let nothing = BTreeMap::new();
    let given = spec.components.get(&process.component());
    let given = given.map_or(&nothing, |given| &given.flags);
    let mut own = with_inputs(spec, node, |inputs| pki_flags(process, inputs));
    own.retain(|name, _| {
        let written = there.iter().map(|flag| (flag.name.as_str(), flag.value.as_str()));
        excluder(process, name, written).is_none()
    });
    let dir = &spec.cluster.certificates_dir.value;
    let rows = process.row().mounts(spec.cluster.kubernetes.value);
    let mounts = rows.filter(|row| {
        let mount = Mount::of(row, dir);
        own.values().any(|path| mount.holds(path))
    });
    let mounts = mounts.map(|row| MountWish {
        path: row.path_in(dir),
        kind: if row.file { PathKind::File } else { PathKind::Folder },
    });
    let mounts = mounts.collect();
    own.extend(company(&flags_on(spec, node, process), &own, process, there));
    if own.contains_key(FRONT_PROXY_FLAG) && !given.contains_key(FRONT_PROXY_FLAG) {
        own.extend(allowed_names(there).map(|names| (ALLOWED_NAMES, names)));
    }
    let flags = merged(process, &own, given);
    PodWish {
        process,
        mounts,
        flags: flags
            .into_iter()
            .map(|(name, value)| FlagWish { name, value, business: Business::Own })
            .collect(),
        annotations: Vec::new(),
    }
}

/// What a manifest lacks of the groups of which kpki sets a member: of one without which the process does not
/// start always, of another one where kpki brings the member.
fn company(
    all: &BTreeMap<&'static str, String>,
    own: &BTreeMap<&'static str, String>,
    process: Process,
    there: &[Flag],
) -> BTreeMap<&'static str, String> {
    let is_there = |name: &str| there.iter().any(|flag| flag.name == name);
    let rows = companions().filter(|row| {
        let completes = row.weight == Weight::Ends || !is_there(row.flag);
        row.process == process && own.contains_key(row.flag) && completes
    });
    let names = rows.flat_map(|row| row.completed_by).filter(|name| !is_there(name));
    names
        .filter_map(|name| all.get_key_value(name))
        .map(|(name, value)| (*name, value.clone()))
        .collect()
}

const ALLOWED_NAMES: &str = "requestheader-allowed-names";
/// Of the certificate that must have such a name.
const FRONT_PROXY_FLAG: &str = "proxy-client-cert-file";

/// The names that a manifest gives, and kpki's client: it takes the place of the one that had such a name.
fn allowed_names(there: &[Flag]) -> Option<String> {
    let names = &there.iter().rfind(|flag| flag.name == ALLOWED_NAMES)?.value;
    let is_shut_out = !names.is_empty()
        && !names.contains("$(")
        && !names.split(',').any(|name| name == FRONT_PROXY_CLIENT_NAME);
    is_shut_out.then(|| format!("{names},{FRONT_PROXY_CLIENT_NAME}"))
}

/// Nothing for a node without an address: the description demands one where these processes run.
fn with_inputs<T: Default>(spec: &Spec, node: &Node, read: impl Fn(&FlagInputs<'_>) -> T) -> T {
    let members: Vec<EtcdMember<'_>> = members(spec)
        .filter_map(|node| {
            let address = node.addresses.first()?.ip();
            Some(EtcdMember { name: node.name.as_str(), address })
        })
        .collect();
    let Some(address) = node.addresses.first() else {
        return T::default();
    };
    read(&FlagInputs {
        version: spec.cluster.kubernetes.value,
        cluster_name: spec.cluster.name.as_str(),
        node_name: node.name.as_str(),
        node_address: address.ip(),
        api_port: spec.api_port(),
        service_cidrs: &spec.cluster.service_cidrs.value,
        dns_domain: spec.cluster.dns_domain.value.as_str(),
        serving_kubelets: spec.kubelet_serving,
        ca_key_on_nodes: anchors::has_key_on_nodes(spec),
        other_files: &anchors::other_files(spec),
        certificates_dir: &spec.cluster.certificates_dir.value,
        etcd_servers: match spec.etcd {
            EtcdTopology::Stacked => EtcdServers::Stacked,
            EtcdTopology::External => EtcdServers::External(&members),
        },
        etcd_members: &members,
    })
}

fn members(spec: &Spec) -> impl Iterator<Item = &Node> {
    spec.nodes.iter().filter(|node| Hosts::EtcdMembers.include(node, spec))
}

/// Where other members dial etcd on a node, as kpki's own manifests say it.
pub fn etcd_peer_url(node: &Node) -> Option<String> {
    let address = node.addresses.first()?.ip();
    Some(format!("https://{}", std::net::SocketAddr::new(address, ETCD_PEER_PORT)))
}

fn circumstances(spec: &Spec) -> Circumstances {
    Circumstances {
        version: spec.cluster.kubernetes.value,
        serving_kubelets: spec.kubelet_serving,
        ca_key_on_nodes: anchors::has_key_on_nodes(spec),
    }
}

pub(super) fn static_pods(builder: &mut Builder, spec: &Spec) {
    let images = match &spec.manifests {
        Some(_) => BTreeMap::new(),
        None => images(spec).unwrap_or_default(),
    };
    let mut read: HashMap<(Process, &str), Vec<Flag>> = HashMap::new();
    for process in Process::ALL {
        let hosts = spec.nodes.iter().filter(|node| process.hosts().include(node, spec));
        for node in hosts {
            if let Some(image) = images.get(&process) {
                own_pod(builder, spec, node, process, image);
            } else if let Some(manifest) = spec.manifest_of(&node.name, process.component()) {
                // Nodes share manifests. One that cannot be read is refused later, with its line.
                let there = read.entry((process, &manifest.path)).or_insert_with(|| {
                    pod::read(&manifest.bytes, process)
                        .map_or_else(|_| Vec::new(), |facts| facts.flags)
                });
                let source = PodSource::Patched {
                    bytes: manifest.bytes.clone(),
                    wish: wish_on(spec, node, process, there),
                };
                add(builder, spec, node, process, source, BTreeMap::new());
            }
        }
    }
}

fn own_pod(builder: &mut Builder, spec: &Spec, node: &Node, process: Process, image: &str) {
    let nothing = BTreeMap::new();
    let settings = spec.components.get(&process.component());
    let given = settings.map_or(&nothing, |settings| &settings.flags);
    let mut flags = merged(process, &flags_on(spec, node, process), given);
    let mut peers = BTreeMap::new();
    if process == Process::Etcd
        && !given.contains_key(INITIAL_CLUSTER)
        && flags.remove(INITIAL_CLUSTER).is_some()
    {
        peers.extend(
            members(spec).filter_map(|node| Some((node.name.to_string(), etcd_peer_url(node)?))),
        );
    }
    let runs_as = runs_as(spec, process);
    let version = spec.cluster.kubernetes.value;
    let certificates_dir = spec.cluster.certificates_dir.value.clone();
    let image = image.to_owned();
    let source = PodSource::Own { version, image, flags, runs_as, certificates_dir };
    add(builder, spec, node, process, source, peers);
}

fn add(
    builder: &mut Builder,
    spec: &Spec,
    node: &Node,
    process: Process,
    source: PodSource,
    members: BTreeMap<String, String>,
) {
    let restarts = inputs_of(&builder.graph, spec, Reader::Pod(process), &node.name);
    let name = node.name.clone();
    let artifact = Artifact::StaticPod(name.clone(), process);
    let pod = StaticPod { process, node: name, source, restarts, members };
    builder.add(artifact, Recipe::StaticPod(pod), &node.origin);
}

/// The artifacts that a reader on a node must be restarted for.
fn inputs_of(
    graph: &Graph,
    spec: &Spec,
    reader: Reader,
    node: &NodeName,
) -> Vec<(Input, DerivationId)> {
    (restart_inputs(reader, circumstances(spec)).into_iter())
        .filter_map(|input| {
            // Not every cluster has every input: serving kubelets' certificates, for one.
            let artifact = Artifact::of_input(input, node, spec);
            Some((input, graph.find(&artifact.name())?))
        })
        .collect()
}

impl Graph {
    /// What a service on a node must be restarted for.
    pub fn service_inputs(
        &self,
        spec: &Spec,
        reader: Reader,
        node: &NodeName,
    ) -> Vec<DerivationId> {
        let inputs = inputs_of(self, spec, reader, node);
        inputs.into_iter().map(|(_, id)| id).collect()
    }
}
