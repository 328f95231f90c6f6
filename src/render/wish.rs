//! What an artifact should be, and where each value came from.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::graph::{
    Artifact, DerivationId, Graph, Leaf, PodSource, Recipe, Rendered, Request, Revision, StaticPod,
    binding_in_words, sans_from, written_organizations,
};
use crate::name::{Organization, San, Server};
use crate::profile::{LeafRow, SanFrom};
use crate::spec::{
    CaName, Component, KeypairState, LeafOverride, Node, Origin, Setting, Spec, Usage,
};

/// One value of the wish.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WishReport {
    pub field: String,
    pub value: String,
    /// `default`, `cluster.kdl:7`, `kubernetes 1.36.2` for what Kubernetes fixes.
    pub origin: String,
}

pub(super) fn wish(graph: &Graph, spec: &Spec, id: DerivationId) -> Vec<WishReport> {
    let name = |id: DerivationId| graph.get(id).name.to_string();
    let mut wish = Wish::default();
    let block = Block::of(spec, &graph.get(id).artifact);
    if let Some((root, _)) = graph.get(id).artifact.root()
        && graph.keypairs(root).len() > 1
    {
        let state = graph.get(id).recipe.keypair_state();
        wish.add("key pair", state.map_or("signs", KeypairState::as_str), &block.origin());
    }
    match &graph.get(id).recipe {
        Recipe::OwnCa(ca) => {
            wish.setting("common name", &ca.common_name);
            wish.setting("validity", &ca.validity);
            wish.setting("key", &ca.key);
            wish.revision(ca.revision, &graph.get(id).artifact, &block);
            key_on_nodes(&mut wish, spec, ca.ca);
        }
        Recipe::ImportedCa(ca) => {
            wish.add("certificate", &ca.brought.path, "brought");
            key_on_nodes(&mut wish, spec, ca.ca);
        }
        Recipe::SigningKey(key) => {
            wish.setting("key", &key.key);
            wish.revision(key.revision, &graph.get(id).artifact, &block);
        }
        Recipe::Leaf(leaf) => {
            leaf_wish(&mut wish, graph, spec, (id, leaf), &block);
            wish.add("issuer", &name(leaf.issuer), "");
        }
        Recipe::Kubeconfig(config) => {
            wish.add(
                "server",
                &config.server.url(),
                &server_origin(graph, id, spec, &config.server),
            );
            wish.add("cluster", config.cluster.as_str(), "");
            wish.add("user", &config.user, "");
            if let Some(namespace) = &config.namespace {
                wish.add("namespace", namespace.as_str(), "");
            }
            wish.add("identity", &name(config.identity), "");
            wish.add("trusts", &name(config.bundle), "");
        }
        Recipe::Request(request) => request_wish(&mut wish, graph, (id, request), &block),
        Recipe::ClusterSigned(accepted) => {
            wish.add("answers", &name(accepted.request), "");
            if let Recipe::Request(request) = &graph.get(accepted.request).recipe {
                request_wish(&mut wish, graph, (accepted.request, request), &block);
            }
            wish.add("issuer", &name(accepted.issuer), "");
        }
        Recipe::Rendered(rendered) => rendered_wish(&mut wish, graph, id, spec, rendered),
        Recipe::StaticPod(pod) => pod_wish(&mut wish, graph, spec, pod),
    }
    sealed(&mut wish, graph, id);
    wish.rows
}

/// What is as usual goes without saying.
fn key_on_nodes(wish: &mut Wish, spec: &Spec, ca: CaName) {
    let Some(setting) = spec.cas.get(&ca).map(|ca| &ca.keys_on_nodes) else { return };
    if setting.origin != Origin::Default {
        let value = if setting.value { "on control-plane nodes, too" } else { "on no node" };
        wish.add("its key lies", value, &setting.origin.to_string());
    }
}

/// What a node's block says of one leaf.
fn nearest<'a>(spec: &'a Spec, artifact: &Artifact) -> Option<&'a LeafOverride> {
    spec.node(artifact.node()?.as_str())?.leaves.get(artifact.row()?.name)
}

fn server_origin(graph: &Graph, id: DerivationId, spec: &Spec, server: &Server) -> String {
    let endpoint = &spec.cluster.endpoint;
    match graph.get(id).artifact.written_server(spec) {
        Some(written) => written.origin.to_string(),
        None if server.is(&endpoint.value) => format!("endpoint: {}", endpoint.origin),
        None => "the API server of the same node".to_owned(),
    }
}

fn rendered_wish(
    wish: &mut Wish,
    graph: &Graph,
    id: DerivationId,
    spec: &Spec,
    rendered: &Rendered,
) {
    let name = |id: DerivationId| graph.get(id).name.to_string();
    match rendered {
        Rendered::Bundle { cas } => {
            for ca in cas {
                wish.add("certificate of", &name(*ca), "");
            }
        }
        Rendered::PublicKeys { keys } => {
            for key in keys {
                wish.add("public key of", &name(*key), "");
            }
        }
        Rendered::Chain { cas, above } => {
            for ca in cas {
                wish.add("certificate of", &name(*ca), "");
            }
            for one in above {
                wish.add("issued by", &one.facts.subject.to_string(), "");
            }
        }
        Rendered::ClusterRoleBindings(rows) => {
            for row in rows {
                wish.add("binding", row.name, &kubernetes(spec));
            }
        }
        Rendered::SigningRequest(manifest) => {
            wish.add("request", &name(manifest.request), "");
            let user = spec.user(manifest.user.as_str());
            let origin =
                user.map_or_else(String::new, |user| user.policy.validity.origin.to_string());
            wish.add("validity", &manifest.validity.to_string(), &origin);
        }
        Rendered::UserBindings(bindings) => {
            let user = spec.user(bindings.user.as_str());
            for binding in &bindings.bindings {
                let mut described = user.iter().flat_map(|user| &user.bindings);
                let origin = described.find(|setting| setting.value == *binding);
                let origin = origin.map_or_else(String::new, |setting| setting.origin.to_string());
                wish.add("binding", &binding_in_words(binding), &origin);
            }
        }
        Rendered::Kustomization => wish.add("resource", "rbac.yaml", ""),
        Rendered::KubeletConfig(config) => {
            let cluster = &spec.cluster;
            if let Some(address) = config.cluster_dns {
                let origin = format!("service-cidr: {}", cluster.service_cidrs.origin);
                wish.add("clusterDNS", &address.to_string(), &origin);
            }
            wish.setting("clusterDomain", &cluster.dns_domain);
            let serving = if config.serving_certificate {
                "of the cluster's CA"
            } else {
                "the kubelet's own"
            };
            wish.add("serving certificate", serving, "component kubelet");
            if config.rotates_client {
                wish.add("rotateCertificates", "true", "component kubelet");
            }
        }
        Rendered::KubeletConf(config) => {
            wish.add(
                "server",
                &config.server.url(),
                &server_origin(graph, id, spec, &config.server),
            );
            for ca in &config.cas {
                wish.add("trusts", &name(*ca), "");
            }
            wish.add("identity", "the kubelet's own", "component kubelet");
            match spec.manifest_of(&config.node, Component::Kubelet) {
                Some(copy) => wish.add("copy of", &copy.path, "manifests"),
                None => wish.add("cluster", config.cluster.as_str(), ""),
            }
        }
    }
}

/// Of copies only those who can open more than the master.
fn sealed(wish: &mut Wish, graph: &Graph, id: DerivationId) {
    let mut said = BTreeSet::new();
    for place in graph.placements(id) {
        for recipient in place.recipients.iter().flat_map(|all| all.iter()) {
            let node = place.node.as_ref().filter(|_| graph.is_copy(place));
            if said.insert(recipient.id()) {
                let whose =
                    node.map_or_else(String::new, |node| format!("the copy of node {node}"));
                wish.add("sealed for", &recipient.full_name(), &whose);
            }
        }
    }
}

/// Where the description says it: the block of a user or an extra certificate, which rows of the profile
/// have not.
#[derive(Default)]
struct Block<'a> {
    own: Option<&'a Origin>,
    organizations: Option<&'a BTreeMap<Organization, Origin>>,
    sans: Option<&'a BTreeMap<San, Origin>>,
}

impl<'a> Block<'a> {
    fn of(spec: &'a Spec, artifact: &Artifact) -> Self {
        let user = match artifact {
            Artifact::User(name, _) => spec.user(name.as_str()),
            _ => None,
        };
        let certificate = match artifact {
            Artifact::Certificate(name) => spec.certificate(name.as_str()),
            _ => None,
        };
        let own = (user.map(|user| &user.origin)).or(certificate.map(|extra| &extra.origin));
        let organizations = certificate.map(|extra| &extra.organizations);
        Block {
            own,
            organizations: user.map(|user| &user.groups).or(organizations),
            sans: certificate.map(|extra| &extra.sans),
        }
    }

    fn origin(&self) -> String {
        self.own.map_or_else(|| "description".to_owned(), ToString::to_string)
    }

    fn organization(&self, name: &str) -> Option<String> {
        Some(self.organizations?.get(name)?.to_string())
    }

    fn san(&self, san: &San) -> Option<String> {
        Some(self.sans?.get(san)?.to_string())
    }
}

#[derive(Default)]
struct Wish {
    rows: Vec<WishReport>,
}

impl Wish {
    fn add(&mut self, field: &str, value: &str, origin: &str) {
        self.rows.push(WishReport {
            field: field.to_owned(),
            value: value.to_owned(),
            origin: origin.to_owned(),
        });
    }

    fn setting<T: ToString>(&mut self, field: &str, setting: &Setting<T>) {
        self.add(field, &setting.value.to_string(), &setting.origin.to_string());
    }

    /// A first one goes without saying.
    fn revision(&mut self, revision: Revision, artifact: &Artifact, block: &Block<'_>) {
        if revision.component != 1 {
            let own = match (artifact, artifact.row()) {
                (Artifact::Ca(name, _), _) => format!("ca {}", name.as_str()),
                (_, Some(row)) => format!("component {}", row.component.as_str()),
                (Artifact::ServiceAccount(_), None) => "component service-account".to_owned(),
                (_, None) => block.origin(),
            };
            self.add("revision", &revision.component.to_string(), &own);
        }
        if revision.node != 1 {
            let node = artifact.node().map_or_else(String::new, |node| format!("node {node}"));
            self.add("the node's revision", &revision.node.to_string(), &node);
        }
    }
}

fn leaf_wish(
    wish: &mut Wish,
    graph: &Graph,
    spec: &Spec,
    (id, leaf): (DerivationId, &Leaf),
    block: &Block<'_>,
) {
    let artifact = &graph.get(id).artifact;
    let row = artifact.row();
    // Rows of the profile follow Kubernetes; users and extra certificates are the description's own.
    let own = row.map_or_else(|| block.origin(), |_| kubernetes(spec));
    if let Some(common_name) = &leaf.common_name {
        wish.add("common name", common_name.as_str(), &own);
    }
    let node = artifact.node().and_then(|name| spec.node(name.as_str()));
    let written = row.and_then(|row| written_organizations(spec, row, node));
    let written = written.map(|written| written.origin.to_string());
    for organization in &leaf.organizations {
        let origin = written.clone().or_else(|| block.organization(organization));
        wish.add("organization", organization, origin.as_deref().unwrap_or(&own));
    }
    if let (true, Some(written)) = (leaf.organizations.is_empty(), &written) {
        wish.add("organization", "none", written);
    }
    let usage = match leaf.usage {
        Usage::Server => "server",
        Usage::Client => "client",
        Usage::ServerAndClient => "server, client",
    };
    wish.add("usages", usage, &own);
    let listed = nearest(spec, artifact).and_then(|leaf| leaf.sans.as_ref());
    for san in &leaf.sans {
        let origin = listed.and_then(|listed| listed.get(san)).map(ToString::to_string);
        let origin = origin.or_else(|| row.and_then(|row| san_origin(spec, row, node, san)));
        let origin = origin.or_else(|| block.san(san));
        wish.add("san", &san.to_string(), origin.as_deref().unwrap_or(&own));
    }
    match &leaf.brought {
        Some(brought) => wish.add("request", &brought.path, "brought, with its key"),
        None => wish.setting("key", &leaf.policy.key),
    }
    wish.setting("validity", &leaf.policy.validity);
    wish.setting("renew before", &leaf.policy.renew_before());
    wish.revision(leaf.revision, artifact, block);
}

fn request_wish(
    wish: &mut Wish,
    graph: &Graph,
    (id, request): (DerivationId, &Request),
    block: &Block<'_>,
) {
    let own = block.origin();
    wish.add("common name", request.common_name.as_str(), &own);
    for organization in &request.organizations {
        let origin = block.organization(organization);
        wish.add("organization", organization, origin.as_deref().unwrap_or(&own));
    }
    match &request.brought {
        Some(brought) => wish.add("request", &brought.path, "brought, with its key"),
        None => wish.setting("key", &request.policy.key),
    }
    wish.setting("validity", &request.policy.validity);
    wish.setting("renew before", &request.policy.renew_before());
    wish.revision(request.revision, &graph.get(id).artifact, block);
}

fn pod_wish(wish: &mut Wish, graph: &Graph, spec: &Spec, pod: &StaticPod) {
    let component = pod.process.component();
    let settings = spec.components.get(&component);
    let written = format!("component {}", component.as_str());
    let flag = |wish: &mut Wish, name: &str, value: &str| {
        let given = settings.is_some_and(|settings| settings.flags.contains_key(name));
        let origin = if given { written.clone() } else { kubernetes(spec) };
        wish.add("flag", &format!("--{name}={value}"), &origin);
    };
    for (name, setting) in settings.iter().flat_map(|settings| &settings.flags) {
        if setting.value().is_none() {
            wish.add("no flag", &format!("--{name}"), &written);
        }
    }
    match &pod.source {
        PodSource::Own { version: _, image, flags, runs_as, certificates_dir: _ } => {
            let given = settings.is_some_and(|settings| settings.image.is_some());
            let origin = if given { written.clone() } else { kubernetes(spec) };
            wish.add("image", image, &origin);
            if let Some(who) = runs_as {
                wish.add("runs as", &who.to_string(), &written);
            }
            for (name, value) in flags {
                flag(wish, name, value);
            }
        }
        PodSource::Patched { wish: operators, .. } => {
            if let Some(manifest) = spec.manifest_of(&pod.node, component) {
                wish.add("manifest", &manifest.path, "manifests");
            }
            for each in &operators.flags {
                flag(wish, &each.name, &each.value);
            }
        }
    }
    for (_, input) in &pod.restarts {
        wish.add("restarts for", graph.get(*input).name.as_str(), "");
    }
}

/// A name may come from several places: the nearest counts.
const NEAREST: [SanFrom; 5] = [
    SanFrom::Node,
    SanFrom::Component,
    SanFrom::EndpointHost,
    SanFrom::ServiceAddress,
    SanFrom::ServiceDomain,
];

/// Where a name in a component's certificate comes from, if not from Kubernetes.
fn san_origin(spec: &Spec, row: &LeafRow, node: Option<&Node>, san: &San) -> Option<String> {
    let cluster = &spec.cluster;
    let from = NEAREST
        .into_iter()
        .find(|from| row.sans.contains(from) && sans_from(spec, row, node, *from).contains(san))?;
    Some(match from {
        SanFrom::Fixed(_) => return None,
        SanFrom::Node => format!("node {}", node?.name),
        SanFrom::Component => format!("component {}", row.component.as_str()),
        SanFrom::EndpointHost => format!("endpoint: {}", cluster.endpoint.origin),
        SanFrom::ServiceAddress => format!("service-cidr: {}", cluster.service_cidrs.origin),
        SanFrom::ServiceDomain => format!("dns-domain: {}", cluster.dns_domain.origin),
    })
}

fn kubernetes(spec: &Spec) -> String {
    format!("kubernetes {}", spec.cluster.kubernetes.value)
}
