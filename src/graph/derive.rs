//! The interpreter of the profile tables: Spec × tables → Graph.

mod anchors;
mod builder;
mod owners;
mod sealing;
mod static_pods;
mod user;

use std::collections::BTreeSet;

use self::builder::{Builder, ByCa, Issuer, mode_of};
use self::static_pods::static_pods;
use super::layout::{in_tree, masters};
use super::sans::{address_in, sans};
use super::{
    Artifact, DerivationId, FilePart, Graph, Kubeconfig, KubeletConf, Leaf, Recipe, Rendered,
    Revision,
};
use crate::facts::DistinguishedName;
use crate::manifest::KubeletConfiguration;
use crate::name::{CommonName, Endpoint, Organization, San, Server};
use crate::profile::{
    BINDINGS, CommonNameFrom, Home, Hosts, KUBELET_CONFIG, LEAVES, LeafRow, ServerFrom, Servers,
    primary,
};
use crate::spec::{
    Component, Delivery, ExtraCertificate, KubeletClient, Node, Origin, Policy, Setting, Spec,
};

pub use owners::runs_as;
pub use static_pods::{etcd_peer_url, flags_on, images};

/// The DNS service's number in the service network (kubeadm, GetDNSIP).
const CLUSTER_DNS: u32 = 10;

impl Graph {
    /// Everything that the description asks for.
    pub fn derive(spec: &Spec) -> Graph {
        let mut builder = Builder::of(spec);
        let issuers = anchors::cas(&mut builder, spec);
        anchors::service_account(&mut builder, spec);
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

fn bindings(builder: &mut Builder, spec: &Spec) {
    let rows: Vec<_> =
        BINDINGS.iter().filter(|row| spec.cluster.kubernetes.value.has(row.since)).collect();
    if !rows.is_empty() {
        let recipe = Recipe::Rendered(Rendered::ClusterRoleBindings(rows));
        builder.add(Artifact::ClusterRoleBindings, recipe, &Origin::Default);
    }
}

fn component_leaves(builder: &mut Builder, spec: &Spec, row: &LeafRow, issuers: &ByCa) {
    if row.hosts == Hosts::Primary {
        if !spec.super_admin {
            return;
        }
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
    if let (true, Some(node)) = (is_self_rotated(row, spec), node) {
        return kubelet_conf(builder, spec, row, issuer, node);
    }
    let settings = spec.components.get(&row.component);
    let mut policy = spec.defaults.clone();
    if let Some(settings) = settings {
        policy = policy.overridden_by(&settings.policy);
    }
    if let Some(node) = node {
        policy = policy.overridden_by(&node.policy);
    }
    let nearest = node.and_then(|node| node.leaves.get(row.name));
    if let Some(nearest) = nearest {
        policy = policy.overridden_by(&nearest.policy);
    }
    let common_name = match (row.common_name, node) {
        (CommonNameFrom::Fixed(name), _) => name.to_owned(),
        (CommonNameFrom::Node, Some(node)) => node.name.to_string(),
        (CommonNameFrom::SystemNode, Some(node)) => format!("system:node:{}", node.name),
        (CommonNameFrom::Node | CommonNameFrom::SystemNode, None) => return,
    };
    let node_name = node.map(|node| node.name.clone());
    let origin = node.map_or(&Origin::Default, |node| &node.origin);
    let leaf = builder.add(
        Artifact::Leaf(node_name.clone(), row.name),
        leaf(
            issuer.ca,
            Some(CommonName::of(&common_name)),
            organizations(spec, row, node),
            row.usage,
            sans(spec, row, node),
            policy,
            Revision {
                component: settings.map_or(1, |settings| settings.revision),
                node: node.map_or(1, |node| node.revision),
            },
        ),
        origin,
    );
    if let Home::Kubeconfig { file, servers } = row.home {
        let artifact = Artifact::Kubeconfig(node_name, file);
        let server = server_of(spec, &artifact, servers, node);
        builder.add(
            artifact,
            Recipe::Kubeconfig(Kubeconfig {
                identity: leaf,
                // Kubernetes' own programs take any anchor; what a person's programs are, nobody knows.
                bundle: if row.restarts.is_some() { issuer.bundle } else { issuer.chain },
                cluster: spec.cluster.name.clone(),
                server,
                user: common_name,
                namespace: None,
                client_key: None,
            }),
            origin,
        );
    }
}

/// What is written of the leaf, else of its component, else what the version asks for.
fn organizations(spec: &Spec, row: &LeafRow, node: Option<&Node>) -> BTreeSet<String> {
    if let Some(written) = written_organizations(spec, row, node) {
        return written.value.iter().map(ToString::to_string).collect();
    }
    let usual = row.organization_at(spec.cluster.kubernetes.value);
    usual.map(str::to_owned).into_iter().collect()
}

/// The organizations of a row's certificate as the description says them, if it does.
pub fn written_organizations<'a>(
    spec: &'a Spec,
    row: &LeafRow,
    node: Option<&'a Node>,
) -> Option<&'a Setting<BTreeSet<Organization>>> {
    let nearest = node.and_then(|node| node.leaves.get(row.name)?.organizations.as_ref());
    nearest.or_else(|| {
        let settings = spec.components.get(&row.component).filter(|_| row.follows_version())?;
        settings.organizations.as_ref()
    })
}

fn server_of(spec: &Spec, artifact: &Artifact, servers: Servers, node: Option<&Node>) -> Server {
    if let Some(written) = artifact.written_server(spec) {
        return written.value.clone();
    }
    let version = spec.cluster.kubernetes.value;
    let from = servers.iter().find(|(since, _)| since.is_none_or(|change| version.has(change)));
    let own = node.filter(|node| Hosts::ControlPlane.include(node, spec));
    match (from, own.and_then(|node| node.addresses.first())) {
        (Some((_, ServerFrom::LocalApiserver)), Some(address)) => {
            (&Endpoint::at(address.ip(), spec.api_port())).into()
        }
        _ => (&spec.cluster.endpoint.value).into(),
    }
}

/// The certificate is the kubelet's own matter.
fn is_self_rotated(row: &LeafRow, spec: &Spec) -> bool {
    row.component == Component::Kubelet
        && matches!(row.home, Home::Kubeconfig { .. })
        && spec.kubelet_client == KubeletClient::SelfRotated
}

/// In the place of an identity and of the kubeconfig around it.
fn kubelet_conf(builder: &mut Builder, spec: &Spec, row: &LeafRow, issuer: &Issuer, node: &Node) {
    let Home::Kubeconfig { file, servers } = row.home else {
        return;
    };
    let artifact = Artifact::Kubeconfig(Some(node.name.clone()), file);
    let source = spec.manifest_of(&node.name, Component::Kubelet);
    let recipe = KubeletConf {
        cas: builder.graph.cas_in(issuer.bundle).to_vec(),
        server: server_of(spec, &artifact, servers, Some(node)),
        cluster: spec.cluster.name.clone(),
        node: node.name.clone(),
        source: source.map(|manifest| manifest.bytes.clone()),
    };
    builder.add(artifact, Recipe::Rendered(Rendered::KubeletConf(recipe)), &node.origin);
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
        rotates_client: spec.kubelet_client == KubeletClient::SelfRotated,
        certificates_dir: spec.cluster.certificates_dir.value.clone(),
    };
    let recipe = Recipe::Rendered(Rendered::KubeletConfig(config));
    let id = builder.add(Artifact::KubeletConfig, recipe, &Origin::Default);
    for node in spec.nodes.iter().filter(|node| Hosts::Kubelets.include(node, spec)) {
        let path = in_tree(&node.name, KUBELET_CONFIG);
        builder.copy(id, FilePart::Rendered, path, &node.name);
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
            issuer.ca,
            certificate.common_name.clone(),
            certificate.organizations.keys().map(ToString::to_string).collect(),
            certificate.usage,
            certificate.sans.keys().cloned().collect(),
            certificate.policy.clone(),
            Revision::of(certificate.revision),
        ),
        &certificate.origin,
    );
    for file in masters(&artifact, &builder.certificates_dir) {
        let content = file.content;
        builder.place(id, content, file.path.clone(), None, mode_of(content));
        if let Delivery::Nodes { nodes, folder } = &certificate.delivery {
            let copy = format!("{folder}/{}", file.name());
            for node in nodes {
                builder.copy(id, content, in_tree(node, &copy), node);
            }
        }
    }
}
