//! A description in KDL of a [`Spec`]: what reading gives it back. What means the same without a word is not
//! written.

mod authority;
mod written;

use std::collections::BTreeMap;

use self::authority::{of_ca, of_keypair};
pub use self::written::Remark;
use self::written::{Written, quoted};
use super::fields::{GROUP, SAN, SERVER};
use super::{
    bind, certificate, cluster, component, defaults, flags, leaf, manifests, node, reproducible,
    secrets, user,
};
use crate::name::{Endpoint, Organization};
use crate::spec::{
    Binding, CaName, Component, Delivery, EtcdTopology, ExtraCertificate, KeypairState,
    KubeletClient, LeafOverride, Node, Policy, PolicyOverride, Role, RoleRef, ServiceAccountKeys,
    Setting, Spec, Usage, User, Via,
};

/// Writes a description that is read as `spec`, as long as the files that it names are beside it.
pub fn write(spec: &Spec) -> String {
    write_with(spec, &|_, _| None)
}

/// As [`write()`], with a comment where there is a remark.
pub fn write_with(spec: &Spec, remark: &Remark<'_>) -> String {
    let Spec { defaults, .. } = spec;
    let mut cas: Vec<_> = spec.cas.iter().map(|(name, ca)| of_ca(*name, ca)).collect();
    cas.retain(Written::says_something);
    let components = spec.components.keys().map(|name| of_component(*name, spec));
    let components = components.flatten().collect();
    let groups: [Vec<Written>; 8] = [
        vec![of_cluster(spec)],
        of_defaults(defaults).into_iter().chain(cas).collect(),
        spec.nodes.iter().map(of_node).collect(),
        components,
        spec.users.iter().map(|user| of_user(user, defaults)).collect(),
        spec.certificates.iter().map(|certificate| of_certificate(certificate, spec)).collect(),
        of_manifests(spec).into_iter().collect(),
        of_reproducible(spec).into_iter().chain(of_secrets(spec)).collect(),
    ];
    let groups = groups.iter().filter(|group| !group.is_empty());
    let texts =
        groups.map(|group| group.iter().map(|block| block.text(0, remark)).collect::<String>());
    texts.collect::<Vec<_>>().join("\n")
}

fn of_cluster(spec: &Spec) -> Written {
    let cluster = &spec.cluster;
    let mut block = Written::named(&cluster::SHAPE, cluster.name.as_str());
    block.is_open = true;
    block.one(cluster::KUBERNETES, cluster.requested);
    if Some(&cluster.endpoint.value) != only_address(spec).as_ref() {
        block.one(cluster::ENDPOINT, &cluster.endpoint.value);
    }
    if cluster.service_cidrs.value != cluster::default_cidrs() {
        block.many(cluster::SERVICE_CIDR, &cluster.service_cidrs.value);
    }
    if cluster.dns_domain.value.as_str() != cluster::DEFAULT_DOMAIN {
        block.one(cluster::DNS_DOMAIN, &cluster.dns_domain.value);
    }
    if !cluster.certificates_dir.value.is_kubeadms() {
        block.one(cluster::CERTIFICATES_DIR, &cluster.certificates_dir.value);
    }
    block
}

/// What clients dial where nothing is written.
fn only_address(spec: &Spec) -> Option<Endpoint> {
    let mut members = spec.nodes.iter().filter(|node| node.role == Role::ControlPlane);
    match (members.next(), members.next()) {
        (Some(only), None) => {
            let port = spec.api_port();
            only.addresses.first().map(|address| Endpoint::at(address.ip(), port))
        }
        _ => None,
    }
}

fn of_defaults(policy: &Policy) -> Option<Written> {
    let mut block = Written::new(&defaults::SHAPE);
    block.policy(&beyond(policy, &defaults::builtin()));
    block.says_something().then_some(block)
}

/// What a nearer block says to make `policy` of `defaults`.
fn beyond(policy: &Policy, defaults: &Policy) -> PolicyOverride {
    fn other<T: Clone + PartialEq>(
        own: Option<&Setting<T>>,
        given: Option<&Setting<T>>,
    ) -> Option<Setting<T>> {
        let given = given.map(|given| &given.value);
        own.filter(|own| Some(&own.value) != given).cloned()
    }
    PolicyOverride {
        key: other(Some(&policy.key), Some(&defaults.key)),
        validity: other(Some(&policy.validity), Some(&defaults.validity)),
        renew_before: other(policy.renew_before.as_ref(), defaults.renew_before.as_ref()),
    }
}

fn of_node(node: &Node) -> Written {
    let mut block = Written::named(&node::SHAPE, node.name.as_str());
    if node.role != Role::Worker {
        block.one(node::ROLE, node.role.as_str());
    }
    block.many(node::ADDRESS, &node.addresses);
    block.flag(node::PRIMARY, node.primary);
    block.many(SAN, node.sans.keys());
    block.policy(&node.policy);
    block.revision(node.revision);
    block.many(secrets::RECIPIENT, &node.recipients);
    block.blocks = node.leaves.iter().map(|(name, leaf)| of_leaf(name, leaf)).collect();
    block
}

fn of_leaf(name: &str, leaf: &LeafOverride) -> Written {
    let mut block = Written::named(&leaf::SHAPE, name);
    block.many(SAN, leaf.sans.iter().flat_map(BTreeMap::keys));
    block.groups(GROUP, leaf.organizations.as_ref());
    block.policy(&leaf.policy);
    block.maybe(SERVER, leaf.server.as_ref().map(|server| &server.value));
    block
}

fn of_component(component: Component, spec: &Spec) -> Option<Written> {
    let settings = spec.components.get(&component)?;
    let mut block = Written::named(&component::SHAPE, component.as_str());
    let mut policy = settings.policy.clone();
    if component == Component::ServiceAccount {
        let readable = component::readable(&spec.defaults);
        policy.key = policy.key.filter(|key| Some(key.value) != readable);
    }
    block.policy(&policy);
    block.revision(settings.revision);
    if component == Component::ServiceAccount
        && spec.service_account != ServiceAccountKeys::default()
    {
        let others = spec.service_account.others.iter();
        let others = others.map(|number| of_keypair(*number, Some(KeypairState::Trusted), None));
        block.blocks.push(of_keypair(spec.service_account.signer, None, None));
        block.blocks.extend(others);
    }
    block.many(SAN, settings.sans.keys());
    match component {
        Component::Etcd if spec.etcd == EtcdTopology::External => {
            block.one(component::TOPOLOGY, spec.etcd.as_str());
        }
        Component::Kubelet => {
            block.flag(component::SERVING, spec.kubelet_serving);
            block.flag(component::CONFIG, spec.kubelet_config);
            if spec.kubelet_client != KubeletClient::Issued {
                block.one(component::CLIENT, spec.kubelet_client.as_str());
            }
        }
        _ => {}
    }
    if let Some(word) = component::group_word(component) {
        block.groups(word, settings.organizations.as_ref());
    }
    if component == Component::Admin {
        block.unusual(component::SUPER, spec.super_admin, true);
    }
    block.maybe(SERVER, settings.server.as_ref().map(|server| &server.value));
    block.number(component::PORT, settings.port.as_ref());
    block.number(component::USER, settings.user.as_ref());
    block.number(component::GROUP, settings.group.as_ref());
    block.maybe(flags::IMAGE, settings.image.as_ref());
    for (flag, setting) in &settings.flags {
        let value = setting.value().map_or_else(|| flags::NOTHING.to_owned(), quoted);
        block.put(flags::FLAG.field, vec![quoted(flag), value]);
    }
    let is_asked_for = component == Component::KubeProxy && spec.kube_proxy;
    (block.says_something() || is_asked_for).then_some(block)
}

fn of_user(user: &User, defaults: &Policy) -> Written {
    let mut block = Written::named(&user::SHAPE, user.name.as_str());
    if user.common_name.as_str() != user.name.as_str() {
        block.one(user::COMMON_NAME, &user.common_name);
    }
    block.many(GROUP, user.groups.keys());
    block.policy(&beyond(&user.policy, defaults));
    block.revision(user.revision);
    if user.via != Via::Ca {
        block.one(user::VIA, user.via.as_str());
    }
    block.flag(user::ALLOW_MASTERS, user.allow_masters);
    block.maybe(user::NAMESPACE, user.namespace.as_ref());
    block.maybe(SERVER, user.server.as_ref().map(|server| &server.value));
    block.maybe(user::CSR, user.request.as_ref().map(|request| &request.path));
    block.blocks = user.bindings.iter().map(|binding| of_binding(&binding.value)).collect();
    block
}

fn of_binding(binding: &Binding) -> Written {
    let mut block = Written::new(&bind::SHAPE);
    match &binding.role {
        RoleRef::Role(role) => block.one(bind::ROLE, role),
        RoleRef::ClusterRole(role) => block.one(bind::CLUSTER_ROLE, role),
    }
    block.many(bind::NAMESPACE, &binding.namespaces);
    block.maybe(bind::GROUP, binding.group.as_ref());
    block
}

fn of_certificate(certificate: &ExtraCertificate, spec: &Spec) -> Written {
    let Spec { defaults, cluster, .. } = spec;
    let mut block = Written::named(&certificate::SHAPE, certificate.name.as_str());
    if certificate.ca != CaName::Kubernetes {
        block.one(certificate::CA, certificate.ca);
    }
    match certificate.usage {
        Usage::Server => {}
        Usage::Client => block.many(certificate::USAGE, ["client"]),
        Usage::ServerAndClient => block.many(certificate::USAGE, ["server", "client"]),
    }
    block.many(SAN, certificate.sans.keys());
    block.maybe(user::COMMON_NAME, certificate.common_name.as_ref());
    block.many(certificate::ORGANIZATION, certificate.organizations.keys());
    let is_master = |group: &Organization| group.as_str() == user::MASTERS;
    block.flag(user::ALLOW_MASTERS, certificate.organizations.keys().any(is_master));
    block.policy(&beyond(&certificate.policy, defaults));
    block.revision(certificate.revision);
    if let Delivery::Nodes { nodes, folder } = &certificate.delivery {
        block.many(certificate::NODE, nodes);
        if folder != cluster.certificates_dir.value.tree_path() {
            block.one(certificate::FOLDER, format_args!("/{folder}"));
        }
    }
    block
}

fn of_manifests(spec: &Spec) -> Option<Written> {
    let folder = &spec.manifests.as_ref()?.folder;
    let folder = if folder.is_empty() { "." } else { folder };
    Some(Written::named(&manifests::SHAPE, folder))
}

fn of_reproducible(spec: &Spec) -> Option<Written> {
    let reproducible = spec.reproducible.as_ref()?;
    let mut block = Written::new(&reproducible::SHAPE);
    block.one(reproducible::SEED_FILE, &reproducible.seed_file);
    block.one(reproducible::NOT_BEFORE, reproducible.not_before.value);
    Some(block)
}

fn of_secrets(spec: &Spec) -> Option<Written> {
    let mut block = Written::new(&secrets::SHAPE);
    block.many(secrets::RECIPIENT, &spec.secrets.as_ref()?.value);
    Some(block)
}
