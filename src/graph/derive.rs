//! The interpreter of the profile tables: Spec × tables → Graph.

mod authority;
mod sealing;
mod static_pods;
mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::sealing::Sealing;
use self::static_pods::static_pods;
use super::layout::{in_tree, masters};
use super::recipe::InputHashes;
use super::sans::{address_in, sans};
use super::{
    Artifact, Bindings, Content, Derivation, DerivationId, Graph, Kubeconfig, Leaf, Placement,
    Recipe, Revision,
};
use crate::facts::DistinguishedName;
use crate::hash::Digest;
use crate::manifest::KubeletConfiguration;
use crate::name::{CommonName, Endpoint, NodeName, San, TreePath};
use crate::profile::{
    BINDINGS, CommonNameFrom, Home, Hosts, KUBELET_CONFIG, LEAVES, LeafRow, ServerFrom, primary,
};
use crate::spec::{CaName, Delivery, ExtraCertificate, Node, Policy, Spec};

pub use static_pods::{flags_on, images};

const PUBLIC: u32 = 0o644;
const SECRET: u32 = 0o600;
/// kubeadm's mode of a static pod's manifest.
const MANIFEST: u32 = 0o600;
/// The DNS service's number in the service network (kubeadm, GetDNSIP).
const CLUSTER_DNS: u32 = 10;

impl Graph {
    /// Everything that the description asks for.
    pub fn derive(spec: &Spec) -> Graph {
        let mut builder = Builder { sealing: Sealing::of(spec), ..Builder::default() };
        builder.graph.not_before = spec.not_before();
        let authorities = authority::authorities(&mut builder, spec);
        authority::service_account(&mut builder, spec);
        let issuers = authorities
            .iter()
            .map(|(ca, (authority, bundle))| {
                (*ca, Issuers { authority: *authority, bundle: *bundle })
            })
            .collect();
        bindings(&mut builder, spec);
        for row in LEAVES {
            if row.since.is_none_or(|change| spec.cluster.kubernetes.value.has(change)) {
                component_leaves(&mut builder, spec, row, &issuers);
            }
        }
        for user in &spec.users {
            user::artifacts(&mut builder, spec, user, &issuers);
        }
        for certificate in &spec.certificates {
            extra_leaf(&mut builder, certificate, &issuers);
        }
        kubelet_config(&mut builder, spec);
        static_pods(&mut builder, spec);
        builder.finish()
    }
}

/// An authority and the bundle that its readers trust.
struct Issuers {
    authority: DerivationId,
    bundle: DerivationId,
}

type ByCa = BTreeMap<CaName, Issuers>;

#[derive(Default)]
struct Builder {
    graph: Graph,
    sealing: Sealing,
    as_issuer: HashMap<DerivationId, Digest>,
}

impl Builder {
    /// An artifact, and its files in their first places.
    fn add(&mut self, artifact: Artifact, recipe: Recipe) -> DerivationId {
        let holds_key = recipe.holds_key();
        let id = self.make(artifact, recipe);
        let artifact = self.graph.get(id).artifact.clone();
        let files = masters(&artifact).into_iter();
        for file in files.filter(|file| holds_key || file.content != Content::PrivateKey) {
            let mode = match artifact {
                Artifact::StaticPod(..) => MANIFEST,
                _ => mode_of(file.content),
            };
            self.place(id, file.content, file.path(), file.node, mode);
        }
        id
    }

    fn make(&mut self, artifact: Artifact, mut recipe: Recipe) -> DerivationId {
        recipe.begin(self.graph.not_before);
        let id = DerivationId(self.graph.derivations.len());
        let fields = recipe.fields(&|input| InputHashes {
            whole: self.graph.get(input).hash,
            as_issuer: self.as_issuer.get(&input).copied().unwrap_or(self.graph.get(input).hash),
        });
        if let Recipe::Authority(authority) = &recipe {
            self.as_issuer.insert(id, authority.issuer_fields().hash());
        }
        let inputs = recipe.inputs();
        for input in &inputs {
            if let Some(dependents) = self.graph.dependents.get_mut(input.0) {
                dependents.push(id);
            }
        }
        self.graph.dependents.push(Vec::new());
        let name = artifact.name();
        self.graph.by_name.insert(name.clone(), id);
        let hash = fields.hash();
        self.graph.derivations.push(Derivation { artifact, name, recipe, inputs, hash });
        id
    }

    /// A copy on a node.
    fn copy(&mut self, id: DerivationId, content: Content, path: TreePath, node: &NodeName) {
        self.place(id, content, path, Some(node), mode_of(content));
    }

    fn place(
        &mut self,
        derivation: DerivationId,
        content: Content,
        path: TreePath,
        node: Option<&NodeName>,
        mode: u32,
    ) {
        let mut place =
            Placement { derivation, content, path, mode, node: node.cloned(), recipients: None };
        if self.graph.holds_secret(&place) {
            place.recipients = self.sealing.of_tree(node);
        }
        self.graph.placements.push(place);
    }

    fn finish(mut self) -> Graph {
        // Stable: masters were placed first and stay first.
        self.graph.placements.sort_by_key(|placement| placement.derivation);
        let mut starts = Vec::with_capacity(self.graph.derivations.len());
        let mut next = 0;
        for id in 0..self.graph.derivations.len() {
            starts.push(next);
            next += self
                .graph
                .placements
                .get(next..)
                .unwrap_or(&[])
                .iter()
                .take_while(|placement| placement.derivation.0 == id)
                .count();
        }
        self.graph.starts = starts;
        self.graph.by_path = self
            .graph
            .placements
            .iter()
            .enumerate()
            .map(|(index, placement)| (placement.path.clone(), index))
            .collect();
        self.graph
    }
}

fn mode_of(content: Content) -> u32 {
    match content {
        Content::Certificate | Content::Request | Content::Rendered => PUBLIC,
        // sa.pub is 0600 in kubeadm's output too.
        Content::PublicKey | Content::PrivateKey | Content::Kubeconfig => SECRET,
    }
}

fn bindings(builder: &mut Builder, spec: &Spec) {
    let rows: Vec<_> =
        BINDINGS.iter().filter(|row| spec.cluster.kubernetes.value.has(row.since)).collect();
    if !rows.is_empty() {
        builder.add(Artifact::ClusterRoleBindings, Recipe::Bindings(Bindings { rows }));
    }
}

fn component_leaves(builder: &mut Builder, spec: &Spec, row: &LeafRow, issuers: &ByCa) {
    if row.hosts == Hosts::Primary {
        return component_leaf(builder, spec, row, issuers, primary(spec));
    }
    let hosts = spec.nodes.iter().filter(|node| row.hosts.include(node, spec));
    for node in hosts {
        component_leaf(builder, spec, row, issuers, Some(node));
    }
}

/// One row for one node, or for the operator where no node is meant.
fn component_leaf(
    builder: &mut Builder,
    spec: &Spec,
    row: &LeafRow,
    issuers: &ByCa,
    node: Option<&Node>,
) {
    let Some(issuer) = issuers.get(&row.issuer) else {
        return;
    };
    let settings = spec.components.get(&row.component);
    let mut policy = spec.defaults.clone();
    if let Some(settings) = settings {
        policy = policy.overridden_by(&settings.policy);
    }
    if let Some(node) = node {
        policy = policy.overridden_by(&node.policy);
    }
    let common_name = match (row.common_name, node) {
        (CommonNameFrom::Fixed(name), _) => name.to_owned(),
        (CommonNameFrom::Node, Some(node)) => node.name.to_string(),
        (CommonNameFrom::SystemNode, Some(node)) => format!("system:node:{}", node.name),
        (CommonNameFrom::Node | CommonNameFrom::SystemNode, None) => return,
    };
    let organizations = row
        .organization
        .iter()
        .find(|(since, _)| since.is_none_or(|change| spec.cluster.kubernetes.value.has(change)))
        .and_then(|(_, organization)| *organization)
        .map(str::to_owned)
        .into_iter()
        .collect();
    let node_name = node.map(|node| node.name.clone());
    let leaf = builder.add(
        Artifact::Leaf(node_name.clone(), row.name),
        leaf(
            issuer.authority,
            Some(CommonName::of(&common_name)),
            organizations,
            row.usage,
            sans(spec, row, node),
            policy,
            Revision {
                component: settings.map_or(1, |settings| settings.revision),
                node: node.map_or(1, |node| node.revision),
            },
        ),
    );
    if let Home::Kubeconfig { file, server } = row.home {
        let server = match (server, node.and_then(|node| node.addresses.first())) {
            (ServerFrom::LocalApiserver, Some(address)) => Endpoint::at(address.ip()),
            _ => spec.cluster.endpoint.value.clone(),
        };
        builder.add(
            Artifact::Kubeconfig(node_name, file),
            Recipe::Kubeconfig(Kubeconfig {
                identity: leaf,
                bundle: issuer.bundle,
                cluster: spec.cluster.name.clone(),
                server,
                user: common_name,
                namespace: None,
                client_key: None,
            }),
        );
    }
}

fn leaf(
    issuer: DerivationId,
    common_name: Option<CommonName>,
    organizations: BTreeSet<String>,
    usage: crate::spec::Usage,
    sans: BTreeSet<San>,
    policy: Policy,
    revision: Revision,
) -> Recipe {
    Recipe::Leaf(Leaf {
        issuer,
        subject: DistinguishedName::new(
            organizations.iter().map(String::as_str),
            common_name.as_ref().map(CommonName::as_str),
        ),
        common_name,
        organizations,
        usage,
        sans,
        policy,
        revision,
        not_before: None,
        brought: None,
    })
}

/// One file for every kubelet: it says nothing about its node.
fn kubelet_config(builder: &mut Builder, spec: &Spec) {
    if !spec.kubelet_config {
        return;
    }
    let first = spec.cluster.service_cidrs.value.first();
    let config = KubeletConfiguration {
        cluster_dns: first.and_then(|network| address_in(*network, CLUSTER_DNS)),
        cluster_domain: spec.cluster.dns_domain.value.to_string(),
        serving_certificate: spec.kubelet_serving,
    };
    let id = builder.add(Artifact::KubeletConfig, Recipe::KubeletConfig(config));
    for node in spec.nodes.iter().filter(|node| Hosts::Kubelets.include(node, spec)) {
        let path = in_tree(&node.name, KUBELET_CONFIG);
        builder.copy(id, Content::Rendered, path, &node.name);
    }
}

fn extra_leaf(builder: &mut Builder, certificate: &ExtraCertificate, issuers: &ByCa) {
    let Some(issuer) = issuers.get(&certificate.ca) else {
        return;
    };
    let artifact = Artifact::Certificate(certificate.name.clone());
    let id = builder.make(
        artifact.clone(),
        leaf(
            issuer.authority,
            certificate.common_name.clone(),
            certificate.organizations.iter().map(ToString::to_string).collect(),
            certificate.usage,
            certificate.sans.clone(),
            certificate.policy.clone(),
            Revision::of(certificate.revision),
        ),
    );
    for file in masters(&artifact) {
        let content = file.content;
        builder.place(id, content, file.path(), None, mode_of(content));
        if let Delivery::Nodes { nodes, folder } = &certificate.delivery {
            let copy = format!("{folder}/{}", file.name());
            for node in nodes {
                builder.copy(id, content, in_tree(node, &copy), node);
            }
        }
    }
}
