//! Nodes of all files to one [`Spec`], and the rules that concern several of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::block::{Block, unknown};
use super::cluster::ClusterDraft;
use super::component::Components;
use super::files::INCLUDE;
use super::networks::{self, Told};
use super::node::NodeDraft;
use super::problem::{At, Problem, suggestion};
use super::reader::Reader;
use super::shape::Shape;
use super::tree::Node;
use super::{
    authorities, ca, certificate, cluster, collisions, component, defaults, leaf, manifests, node,
    reproducible, secrets, user,
};
use crate::name::CertificatesDir;
use crate::profile::{LEAVES, LeafRow};
use crate::sources::Sources;
use crate::spec::{
    Authority, CaName, ExtraCertificate, Policy, PolicyOverride, Role, Setting, Spec, User,
};
use crate::time::Span;
use crate::version::KubernetesVersion;

pub const SHAPES: [&Shape; 10] = [
    &cluster::SHAPE,
    &defaults::SHAPE,
    &ca::SHAPE,
    &node::SHAPE,
    &component::SHAPE,
    &user::SHAPE,
    &certificate::SHAPE,
    &manifests::SHAPE,
    &reproducible::SHAPE,
    &secrets::SHAPE,
];

/// So many problems have one cause, such as another kind of file; looking further only takes time.
const ENOUGH: usize = 1000;

/// A description as far as its own files tell; the manifests that it names are still to be read.
pub struct Described {
    pub spec: Spec,
    pub manifests: Option<manifests::Folder>,
    pub places: component::Places,
    pub folders: collisions::Folders,
    pub authorities: authorities::Places,
    pub leaves: leaf::Places,
}

pub fn describe(
    nodes: &[Node],
    sources: &Sources,
    locked: Option<KubernetesVersion>,
    reader: &mut Reader<'_>,
) -> Option<Described> {
    let mut complete = reader.problems.is_empty();
    let blocks = sort(nodes, reader, &mut complete);
    let of = |shape: &Shape| blocks.get(shape.word).map_or(&[][..], Vec::as_slice);
    let cluster =
        only(of(&cluster::SHAPE), reader).map(|block| ClusterDraft::read(block, locked, reader));
    if cluster.is_none() && complete {
        reader.problem(
            Problem::new(At::whole(0), "the description has no `cluster`")
                .help("add cluster \"lab\""),
        );
    }
    let defaults_block = only(of(&defaults::SHAPE), reader);
    let defaults = defaults::read(defaults_block, reader);
    let (cas, authorities) = ca::read(of(&ca::SHAPE), &defaults, sources, reader);
    let before = reader.problems.len();
    let nodes = node::read(of(&node::SHAPE), reader);
    let nodes_complete = complete && reader.problems.len() == before;
    let components = component::read(of(&component::SHAPE), &defaults, reader);
    node::check_etcd(&nodes, components.etcd, components.topology_at, nodes_complete, reader);
    check_node_renewal(&nodes, &components, &defaults, reader);
    check_leaf_renewal(&nodes, &components, &defaults, reader);
    node::check_primary(&nodes, components.no_super_admin, reader);
    let leaves = node::leaf_places(&nodes);
    let users = user::read(of(&user::SHAPE), &defaults, sources, reader);
    let names = nodes.iter().filter_map(|node| node.name.as_ref());
    let names: HashMap<&str, _> = names.map(|name| (name.as_str(), name.clone())).collect();
    let mut folders = collisions::Folders::new();
    let usual_dir = CertificatesDir::kubeadms();
    let dir = cluster.as_ref().map_or(&usual_dir, |cluster| &cluster.certificates_dir.value);
    let hosts = certificate::Hosts { nodes: &names, dir };
    let certificates =
        certificate::read(of(&certificate::SHAPE), &defaults, hosts, &mut folders, reader);
    drop(names);
    let manifests =
        only(of(&manifests::SHAPE), reader).and_then(|block| manifests::folder(block, reader));
    let reproducible =
        only(of(&reproducible::SHAPE), reader).and_then(|block| reproducible::read(block, reader));
    if let (Some(_), Some(cluster)) = (&reproducible, &cluster) {
        cluster.check_reproducible(reader);
    }
    let secrets = secrets::read(only(of(&secrets::SHAPE), reader), sources, reader);
    node::check_recipients(&nodes, complete && secrets.is_none(), reader);
    if let Some(cluster) = &cluster {
        let told = Told { components: &components, by_manifests: manifests.is_some() };
        networks::check(cluster, &nodes, &told, reader);
    }
    let cluster = cluster
        .and_then(|cluster| cluster.finish(&nodes, nodes_complete, components.api_port(), reader));
    note_clamped(&cas, &defaults, &components, &nodes, &users, &certificates, reader);
    let mut nodes: Vec<_> = nodes.into_iter().filter_map(|node| node.finish(reader)).collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let spec = Spec {
        cluster: cluster?,
        cas,
        service_account: components.service_account,
        nodes,
        components: components.settings,
        etcd: components.etcd,
        kubelet_serving: components.kubelet_serving,
        kubelet_config: components.kubelet_config,
        kubelet_client: components.kubelet_client,
        kube_proxy: components.kube_proxy,
        super_admin: components.no_super_admin.is_none(),
        defaults,
        users: sorted(users, |user| user.name.as_str()),
        certificates: sorted(certificates, |certificate| certificate.name.as_str()),
        manifests: None,
        reproducible,
        secrets,
    };
    let places = components.places;
    Some(Described { spec, manifests, places, folders, authorities, leaves })
}

fn sorted<T>(mut all: Vec<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    all.sort_by(|a, b| name(a).cmp(name(b)));
    all
}

/// Reads each node by the shape of its word.
fn sort<'n>(
    nodes: &'n [Node],
    reader: &mut Reader<'_>,
    complete: &mut bool,
) -> HashMap<&'static str, Vec<Block<'n>>> {
    let mut blocks: HashMap<&'static str, Vec<Block<'n>>> = HashMap::new();
    for node in nodes {
        if reader.problems.len() >= ENOUGH {
            *complete = false;
            break;
        }
        let word = &*node.word.text;
        if let Some(shape) = SHAPES.iter().find(|shape| shape.word == word) {
            let block = Block::read(node, shape, &mut reader.problems);
            blocks.entry(shape.word).or_default().push(block);
            continue;
        }
        *complete = false;
        let known = SHAPES.iter().map(|shape| shape.word).chain([INCLUDE.word]);
        // `key: value` is YAML's habit; the colon belongs to the name in KDL.
        let help =
            match word.strip_suffix(':').filter(|word| known.clone().any(|known| known == *word)) {
                Some(word) => format!("write {word} without a colon"),
                None => suggestion(word, known),
            };
        reader.problem(unknown(&node.word, "at the top level").help(help));
    }
    blocks
}

/// The first of blocks that may stand once.
fn only<'b, 'n>(blocks: &'b [Block<'n>], reader: &mut Reader<'_>) -> Option<&'b Block<'n>> {
    let (first, others) = blocks.split_first()?;
    for other in others {
        reader.problem(
            Problem::new(other.at, format!("a second `{}`", other.shape.word))
                .first(first.at)
                .help("a description has one; merge the two"),
        );
    }
    Some(first)
}

/// A node's override meets each component's on that node.
fn check_node_renewal(
    nodes: &[NodeDraft],
    components: &Components,
    defaults: &Policy,
    reader: &mut Reader<'_>,
) {
    for node in nodes {
        if node.written.validity.is_none() && node.written.renew_before.is_none() {
            continue;
        }
        let nothing = PolicyOverride::default();
        let near = components.written.values().map(|written| &written.policy).chain([&nothing]);
        let before = reader.problems.len();
        for component in near {
            let policy = defaults.overridden_by(component).overridden_by(&node.written.policy);
            reader.check_renewal(&policy, &node.written);
            if reader.problems.len() > before {
                break;
            }
        }
    }
}

/// What is written of one leaf meets all that is farther.
fn check_leaf_renewal(
    nodes: &[NodeDraft],
    components: &Components,
    defaults: &Policy,
    reader: &mut Reader<'_>,
) {
    for (node, leaf) in
        nodes.iter().flat_map(|node| node.leaves.iter().map(move |leaf| (node, leaf)))
    {
        let mut policy = defaults.clone();
        if let Some(component) = components.written.get(&leaf.row.component) {
            policy = policy.overridden_by(&component.policy);
        }
        let policy = policy.overridden_by(&node.written.policy);
        reader.check_renewal(&policy.overridden_by(&leaf.written.policy), &leaf.written);
    }
}

/// Says where a leaf would outlive its CA: its end is clamped, so the description promises too much.
fn note_clamped(
    cas: &BTreeMap<CaName, Authority>,
    defaults: &Policy,
    components: &Components,
    nodes: &[NodeDraft],
    users: &[User],
    certificates: &[ExtraCertificate],
    reader: &mut Reader<'_>,
) {
    let mut note = |what: &str, validity: &Setting<Span>, name: CaName| {
        // How much is left of a brought certificate depends on the clock, which is not read here.
        let signer = cas.get(&name).map(|authority| &authority.signer);
        let Some(ca) =
            signer.filter(|ca| ca.brought.is_none() && ca.validity.value < validity.value)
        else {
            return;
        };
        reader.note(format!(
            "{what} would be valid for {} ({}), longer than the {name} CA ({}, {}): clamped to the CA's end",
            validity.value, validity.origin, ca.validity.value, ca.validity.origin
        ));
    };
    for name in CaName::ALL {
        note("certificates", &defaults.validity, name);
    }
    for (component, written) in &components.written {
        if let Some(validity) = &written.policy.validity {
            for name in issuers(|row| row.component == *component) {
                note(&format!("component {}'s certificates", component.as_str()), validity, name);
            }
        }
    }
    for node in nodes {
        if let (Some(validity), Some(name)) = (&node.written.policy.validity, &node.name) {
            let role = node.role.unwrap_or(Role::Worker);
            for issuer in issuers(|row| row.hosts.may_include(role)) {
                note(&format!("node {name}'s certificates"), validity, issuer);
            }
        }
    }
    for node in nodes {
        for leaf in &node.leaves {
            if let (Some(validity), Some(name)) = (&leaf.written.policy.validity, &node.name) {
                note(&format!("node {name}'s {}", leaf.row.name), validity, leaf.row.issuer);
            }
        }
    }
    for user in users.iter().filter(|user| user.policy.validity != defaults.validity) {
        note(
            &format!("user {}'s certificate", user.name),
            &user.policy.validity,
            CaName::Kubernetes,
        );
    }
    for certificate in
        certificates.iter().filter(|certificate| certificate.policy.validity != defaults.validity)
    {
        note(
            &format!("certificate {}", certificate.name),
            &certificate.policy.validity,
            certificate.ca,
        );
    }
}

/// Which CAs sign the certificates of these rows.
fn issuers(of: impl Fn(&LeafRow) -> bool) -> BTreeSet<CaName> {
    LEAVES.iter().filter(|row| of(row)).map(|row| row.issuer).collect()
}
