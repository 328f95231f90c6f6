//! `cluster "NAME" { … }`: what holds for the whole cluster.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::block::Block;
use super::node::NodeDraft;
use super::problem::{At, Problem};
use super::reader::Reader;
use super::shape::{Many, One, Shape, Values, many, one, word};
use crate::name::{CertificatesDir, DnsName, Endpoint, Label, NameError, unfit_for_services};
use crate::spec::{Cluster, Origin, Role, Setting};
use crate::version::{KubernetesVersion, VersionRequest};

pub const SHAPE: Shape = Shape {
    word: "cluster",
    example: Some("lab"),
    names: Values::Text("a name of your choice, which kubeconfigs show"),
    means: "What holds for the whole cluster. A description has one.",
    fields: &[
        KUBERNETES.field,
        ENDPOINT.field,
        SERVICE_CIDR.field,
        DNS_DOMAIN.field,
        CERTIFICATES_DIR.field,
    ],
    shows: "cluster \"lab\" {\n    kubernetes \"1.36.2\"\n    endpoint \"api.lab.internal:6443\"\n    \
        service-cidr \"10.96.0.0/12\" \"fd00:10:96::/112\"\n}",
    ..Shape::PLAIN
};

pub const KUBERNETES: One<VersionRequest> = one(word("kubernetes")
    .means("The version of Kubernetes, which decides what some certificates say and what flags there are.")
    .text("a version, or a minor version alone: its newest patch known")
    .same("\"1.36.2\"")
    .sample("\"1.35\""));
pub const ENDPOINT: One<Endpoint> = one(word("endpoint")
    .means("What clients dial to reach the API server.")
    .text("a DNS name or an address, and a port")
    .follows("the address of the only control-plane node; with several it must be written")
    .sample("\"api.lab.internal:6443\""));
pub const SERVICE_CIDR: Many<ServiceCidr> = many(word("service-cidr")
    .means("The network of services; two for dual stack. The first decides the API server's own address.")
    .text("a network, address/prefix")
    .same("\"10.96.0.0/12\"")
    .sample("\"10.96.0.0/12\" \"fd00:10:96::/112\""));
pub const DNS_DOMAIN: One<DnsName> = one(word("dns-domain")
    .means("The domain of services within the cluster.")
    .text("a DNS name")
    .same("\"cluster.local\"")
    .sample("\"k8s.lab.internal\""));
pub const CERTIFICATES_DIR: One<CertificatesDir> = one(word("certificates-dir")
    .means(
        "Where the nodes keep their certificates and keys: kubeadm's certificatesDir. Kubeconfigs and \
        manifests stay in /etc/kubernetes.",
    )
    .text("a folder by its full path")
    .same("\"/etc/kubernetes/pki\"")
    .sample("\"/etc/kubernetes/ssl\""));

/// kubeadm's default.
pub const DEFAULT_CIDR: &str = "10.96.0.0/12";
pub const DEFAULT_DOMAIN: &str = "cluster.local";

/// A cluster whose endpoint may still follow from its nodes.
pub struct ClusterDraft {
    at: At,
    name: Option<Label>,
    pub kubernetes: Setting<KubernetesVersion>,
    kubernetes_at: Option<At>,
    requested: VersionRequest,
    pub endpoint: Option<Setting<Endpoint>>,
    endpoint_written: bool,
    pub service_cidrs: Setting<Vec<IpNet>>,
    /// Where networks are written, and an endpoint.
    pub cidrs_at: Vec<At>,
    pub endpoint_at: Option<At>,
    dns_domain: Option<Setting<DnsName>>,
    pub certificates_dir: Setting<CertificatesDir>,
}

/// A network without host bits whose addresses services can have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceCidr(IpNet);

impl FromStr for ServiceCidr {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let padded = text
            .rsplit_once('/')
            .is_some_and(|(_, prefix)| prefix.len() > 1 && prefix.starts_with('0'));
        let Some(network) = text.parse::<IpNet>().ok().filter(|_| !padded) else {
            let missing = text.parse::<IpAddr>().is_ok();
            return Err(NameError(
                if missing {
                    "lacks a prefix length; write address/prefix, such as 10.96.0.0/12"
                } else {
                    "is not a network; write address/prefix"
                }
                .into(),
            ));
        };
        if network.trunc() != network {
            return Err(NameError(format!(
                "has host bits set; the network is {}",
                network.trunc()
            )));
        }
        if let Some(why) = unfit_for_services(network) {
            let example = if text.contains(':') { "fd00:10:96::/112" } else { DEFAULT_CIDR };
            return Err(NameError(format!(
                "{why}; write a private network that nothing else is in, such as {example}"
            )));
        }
        Ok(ServiceCidr(network))
    }
}

impl ClusterDraft {
    pub fn read(
        block: &Block<'_>,
        locked: Option<KubernetesVersion>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let name = block.name.and_then(|value| reader.parsed(value, SHAPE.word));
        let requested = reader
            .one(block, KUBERNETES)
            .unwrap_or_else(|| Setting::default(KubernetesVersion::DEFAULT.into()));
        let kubernetes =
            Setting { value: requested.value.resolve(locked), origin: requested.origin.clone() };
        if !kubernetes.value.has_evidence() {
            reader.note(format!(
                "kubernetes {} ({}) is not among the versions that kpki was checked against; its certificates are made as for the newest one known",
                kubernetes.value, kubernetes.origin
            ));
        }
        ClusterDraft {
            at: block.at,
            name,
            kubernetes,
            kubernetes_at: block.one(KUBERNETES).map(|value| value.at),
            requested: requested.value,
            endpoint: reader.one(block, ENDPOINT),
            endpoint_at: block.one(ENDPOINT).map(|value| value.at),
            cidrs_at: block.many(SERVICE_CIDR).iter().map(|value| value.at).collect(),
            endpoint_written: block.written(ENDPOINT.field).is_some(),
            service_cidrs: service_cidrs(block, reader),
            dns_domain: match block.written(DNS_DOMAIN.field) {
                Some(_) => reader.one(block, DNS_DOMAIN),
                None => DEFAULT_DOMAIN.parse().ok().map(Setting::default),
            },
            certificates_dir: reader
                .one(block, CERTIFICATES_DIR)
                .unwrap_or_else(|| Setting::default(CertificatesDir::kubeadms())),
        }
    }

    /// A newer kpki knows newer patches: bytes that are the same for ever need the whole version.
    pub fn check_reproducible(&self, reader: &mut Reader<'_>) {
        if let Some(at) = self.kubernetes_at.filter(|_| !self.requested.is_exact()) {
            let problem = Problem::new(at, "a reproducible cluster needs a whole version")
                .label("its newest patch is another one later")
                .help(format!("write kubernetes \"{}\"", self.kubernetes.value));
            reader.problem(problem);
        }
    }

    /// The cluster, its endpoint decided; none when a problem stands in the way.
    pub fn finish(
        self,
        nodes: &[NodeDraft],
        nodes_complete: bool,
        api_port: u16,
        reader: &mut Reader<'_>,
    ) -> Option<Cluster> {
        let mut members = nodes.iter().filter(|node| node.role == Some(Role::ControlPlane));
        let endpoint = match (self.endpoint, members.next(), members.next()) {
            (Some(endpoint), ..) => Some(endpoint),
            (None, Some(only), None) => only.addresses.first().map(|(address, _)| Setting {
                value: Endpoint::at(address.ip(), api_port),
                origin: Origin::Derived("the address of the only control-plane node"),
            }),
            (None, Some(_), Some(second)) if !self.endpoint_written => {
                reader.problem(
                    Problem::new(self.at, "several control-plane nodes need an `endpoint`")
                        .other(second.at, "the second one")
                        .help("name what clients dial: a load balancer or DNS name, endpoint \"api.lab.internal:6443\""),
                );
                None
            }
            (None, None, _) if nodes_complete => {
                reader.problem(
                    Problem::new(self.at, "the cluster has no control-plane node")
                        .help("add node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\""),
                );
                None
            }
            _ => None,
        };
        Some(Cluster {
            name: self.name?,
            kubernetes: self.kubernetes,
            requested: self.requested,
            endpoint: endpoint?,
            service_cidrs: self.service_cidrs,
            dns_domain: self.dns_domain?,
            certificates_dir: self.certificates_dir,
        })
    }
}

fn service_cidrs(block: &Block<'_>, reader: &mut Reader<'_>) -> Setting<Vec<IpNet>> {
    let list = reader.list(block, SERVICE_CIDR);
    let is_v6 = |network: &IpNet| matches!(network, IpNet::V6(_));
    let mut networks: Vec<IpNet> = Vec::new();
    let mut first = None;
    for (ServiceCidr(network), at) in list {
        let same = first.filter(|_| networks.iter().any(|known| is_v6(known) == is_v6(&network)));
        if let Some(first) = same {
            reader.problem(
                Problem::new(at, "two service networks of the same family")
                    .first(first)
                    .help("dual stack means one IPv4 and one IPv6 network; delete one"),
            );
        }
        first = first.or(Some(at));
        networks.push(network);
    }
    match first {
        Some(at) => reader.setting(networks, at),
        None => Setting::default(default_cidrs()),
    }
}

pub fn default_cidrs() -> Vec<IpNet> {
    DEFAULT_CIDR.parse().into_iter().collect()
}
