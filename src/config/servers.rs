//! The servers that kubeconfigs name and the port of the API server, against the certificates and the
//! processes that are there.

use std::collections::BTreeSet;

use super::held::Review;
use crate::first_few::names;
use crate::graph::{Artifact, Graph, Host, Recipe};
use crate::name::{NodeName, San, Server};
use crate::profile::{APISERVER, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT};
use crate::spec::{CaName, Component, EtcdTopology, Role, Setting, Spec};

/// API servers that a mistake names.
const SHOWN: usize = 3;

pub fn review(spec: &Spec, graph: &Graph, review: &mut Review) {
    let mut seen = BTreeSet::new();
    for id in graph.ids() {
        if let Some(server) = graph.get(id).artifact.written_server(spec)
            && seen.insert((&server.value, &server.origin))
        {
            names_of(spec, graph, server, review);
        }
    }
    port(spec, review);
}

/// Go's TLS refuses a certificate without the name that was dialled (x509.HostnameError).
fn names_of(spec: &Spec, graph: &Graph, server: &Setting<Server>, review: &mut Review) {
    let Server { host, .. } = &server.value;
    let dialled = match host {
        San::Ip(address) => Host::Ip(*address),
        San::Dns(name) => Host::Name(name.to_string()),
    };
    let lacking: Vec<&NodeName> = answering(spec, graph, host)
        .filter(|(_, sans)| !dialled.is_in(sans))
        .map(|(node, _)| node)
        .collect();
    if lacking.is_empty() || is_served_by_another(graph, &dialled) {
        return;
    }
    let whose = names(SHOWN, lacking);
    let message = format!(
        "clients are led to {}, and the API server's certificate lacks {host} on {whose}",
        server.value
    );
    if may_have_another_certificate(spec) {
        let at = review.at(&server.origin);
        let place = review.shown(at).map_or_else(String::new, |place| place + ": ");
        review.note(format!("{place}{message}: whoever answers there must have it"));
    } else {
        let help = format!(
            "add component \"apiserver\" {{ san \"{host}\" }}, or write a server whose name it has"
        );
        let at = review.at(&server.origin);
        review.refuse(at, &message, &help);
    }
}

/// The API servers that may be meant: the one that has the name for its own, else any.
fn answering<'g>(
    spec: &'g Spec,
    graph: &'g Graph,
    host: &San,
) -> impl Iterator<Item = (&'g NodeName, &'g BTreeSet<San>)> {
    let owner = control_plane_node_of(spec, host);
    let all = graph.ids().filter_map(|id| {
        let derivation = graph.get(id);
        match (&derivation.artifact, &derivation.recipe) {
            (Artifact::Leaf(Some(node), row), Recipe::Leaf(leaf)) if *row == APISERVER.name => {
                Some((node, &leaf.sans))
            }
            _ => None,
        }
    });
    all.filter(move |(node, _)| owner.is_none_or(|owner| owner == *node))
}

/// Loopback is every node's.
fn control_plane_node_of<'s>(spec: &'s Spec, host: &San) -> Option<&'s NodeName> {
    let mut nodes = spec.nodes.iter().filter(|node| node.role == Role::ControlPlane);
    let owner = nodes.find(|node| match host {
        San::Ip(address) if address.is_loopback() => false,
        San::Ip(address) => node.addresses.iter().any(|own| own.ip() == *address),
        San::Dns(name) => **name == *node.name.as_str(),
    });
    owner.map(|node| &node.name)
}

/// A load balancer with a certificate of its own from the same CA.
fn is_served_by_another(graph: &Graph, dialled: &Host) -> bool {
    graph.ids().any(|id| {
        let derivation = graph.get(id);
        match (&derivation.artifact, &derivation.recipe) {
            (Artifact::Certificate(_), Recipe::Leaf(leaf)) => {
                let issuer = graph.get(leaf.issuer).recipe.ca();
                leaf.usage.server()
                    && issuer == Some(CaName::Kubernetes)
                    && dialled.is_in(&leaf.sans)
            }
            _ => false,
        }
    })
}

/// Certificates that kpki does not make are believed, too: those of a brought CA, and those that flags name.
fn may_have_another_certificate(spec: &Spec) -> bool {
    const SNI: &str = "tls-sni-cert-key";
    let is_brought =
        spec.cas.get(&CaName::Kubernetes).is_some_and(|ca| ca.signer.brought.is_some());
    let flags = spec.components.get(&Component::Apiserver).map(|settings| &settings.flags);
    let is_told = |flag: &str| {
        let setting = flags.and_then(|flags| flags.get(flag));
        setting.is_some_and(|setting| setting.value().is_some())
    };
    let manifests = spec.manifests.iter().flat_map(|manifests| &manifests.all);
    let mut of_operators = manifests.filter(|((_, component), manifest)| {
        *component == Component::Apiserver
            && manifest.bytes.windows(SNI.len()).any(|part| part == SNI.as_bytes())
    });
    is_brought || is_told("tls-cert-file") || is_told(SNI) || of_operators.next().is_some()
}

/// What listens on a control-plane node besides.
/// <https://kubernetes.io/docs/reference/networking/ports-and-protocols/>
const TAKEN: &[(u16, &str)] = &[
    (10248, "the kubelet"),
    (10249, "kube-proxy"),
    (10250, "the kubelet"),
    (10256, "kube-proxy"),
    (10257, "kube-controller-manager"),
    (10259, "kube-scheduler"),
];

const OF_ETCD: [u16; 3] = [ETCD_CLIENT_PORT, ETCD_PEER_PORT, ETCD_METRICS_PORT];

fn port(spec: &Spec, review: &mut Review) {
    let settings = spec.components.get(&Component::Apiserver);
    let Some(port) = settings.and_then(|settings| settings.port.as_ref()) else { return };
    let number = port.value;
    let etcd = (spec.etcd == EtcdTopology::Stacked && OF_ETCD.contains(&number)).then_some("etcd");
    let other = TAKEN.iter().find(|(taken, _)| *taken == number).map(|(_, who)| *who).or(etcd);
    if let Some(who) = other {
        let at = review.at(&port.origin);
        let message = format!("port {number} is {who}'s on every control-plane node");
        review.refuse(at, &message, "write another one, such as 8443");
    }
    let endpoint = &spec.cluster.endpoint;
    if endpoint.value.port != number
        && let Some(node) = control_plane_node_of(spec, &endpoint.value.host)
    {
        let at = review.at(&endpoint.origin);
        let place = review.shown(at).map_or_else(String::new, |place| place + ": ");
        review.note(format!(
            "{place}the endpoint is port {} of {node}, and the API server listens on {number}: something on that \
             node must lead one to the other",
            endpoint.value.port
        ));
    }
}
