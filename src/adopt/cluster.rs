//! What the nodes say together of the cluster as a whole: its name, its networks, and what clients dial.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{Node, in_folder};
use super::refusal::{Refusal, Refusals};
use crate::facts::{CertificateFacts, Kubeconfig, certificates_in_pem};
use crate::machine::kubeadm_config::KubeadmConfig;
use crate::name::{API_PORT, CertificatesDir, DnsName, Endpoint, Label, San};
use crate::profile::Process;
use crate::spec::Role;

/// A value and where it was found.
pub(super) struct From<T> {
    pub value: T,
    pub from: String,
}

/// What stands in the cluster's own block.
pub(super) struct Cluster {
    pub name: From<Label>,
    pub endpoint: Option<From<Endpoint>>,
    pub service_cidrs: Option<From<Vec<String>>>,
    pub domain: Option<From<DnsName>>,
}

pub(super) fn cluster(
    control_plane: &[&Node<'_>],
    nodes: &[Node<'_>],
    witness: Option<&KubeadmConfig>,
    remarks: &mut Vec<String>,
) -> Result<Cluster, Refusals> {
    let mut refusals = Refusals::new();
    let name = name(control_plane);
    let service_cidrs = networks(control_plane, witness, &mut refusals);
    let domain = domain(control_plane, witness);
    let endpoint = endpoint(control_plane, nodes, witness, remarks, &mut refusals);
    if refusals.is_empty() {
        Ok(Cluster { name, endpoint, service_cidrs, domain })
    } else {
        Err(refusals)
    }
}

/// As admin.conf calls it: kubeadm calls every cluster `kubernetes` there.
fn name(control_plane: &[&Node<'_>]) -> From<Label> {
    let path = in_folder("admin.conf");
    for node in control_plane {
        let config = node.bytes(&path).and_then(|bytes| Kubeconfig::from_yaml(bytes).ok());
        if let Some(name) = config.and_then(|config| config.cluster.parse().ok()) {
            return From { value: name, from: format!("admin.conf of {}", node.name) };
        }
    }
    From { value: Label::of("kubernetes"), from: "what kubeadm calls every cluster".to_owned() }
}

/// The same flag on every control-plane node.
pub(super) fn same_flag<'n>(
    control_plane: &[&'n Node<'_>],
    process: Process,
    flag: &'n str,
    refusals: &mut Refusals,
) -> Option<(&'n str, String)> {
    let mut found: BTreeMap<&str, Vec<&Node<'_>>> = BTreeMap::new();
    for node in control_plane {
        if let Some(value) = node.flag(process, flag) {
            found.entry(value).or_default().push(node);
        }
    }
    if found.len() > 1 {
        let usual = found.iter().max_by_key(|(_, nodes)| nodes.len()).map(|(value, _)| *value);
        for (value, nodes) in found.iter().filter(|(value, _)| Some(**value) != usual) {
            for node in nodes {
                let path = in_folder(&format!("manifests/{}.yaml", process.name()));
                let why = format!(
                    "has --{flag}={value}, other control-plane nodes {}",
                    usual.unwrap_or_default()
                );
                refusals.push(Refusal::of_file(&node.name, &path, why));
            }
        }
    }
    let value = found.keys().next()?;
    Some((value, format!("{}'s --{flag}", process.name())))
}

fn networks(
    control_plane: &[&Node<'_>],
    witness: Option<&KubeadmConfig>,
    refusals: &mut Refusals,
) -> Option<From<Vec<String>>> {
    let flag = same_flag(control_plane, Process::Apiserver, "service-cluster-ip-range", refusals);
    let written = || {
        let found = witness?.text("networking.serviceSubnet")?;
        Some((found.value.as_str(), found.at.to_string()))
    };
    let (value, from) = flag.or_else(written)?;
    let value = value.split(',').map(|one| one.trim().to_owned()).collect();
    Some(From { value, from })
}

/// Where the flags of the control plane name their files; `None`: where kubeadm has them.
pub(super) fn certificates_dir(
    control_plane: &[&Node<'_>],
    witness: Option<&KubeadmConfig>,
    remarks: &mut Vec<String>,
) -> Option<From<CertificatesDir>> {
    let value = control_plane.first()?.certificates_dir.clone();
    let told = witness.and_then(|witness| witness.text("certificatesDir"));
    if let Some(told) = told.filter(|told| told.value != value.to_string()) {
        remarks.push(format!(
            "certificatesDir is {} ({}), and the manifests name files in {value}: that is taken",
            told.value, told.at
        ));
    }
    let from = "the files that the static pods' flags name".to_owned();
    (!value.is_kubeadms()).then_some(From { value, from })
}

const SERVICE: &str = "kubernetes.default.svc.";

/// By the name that the API server's certificate has in the cluster.
fn domain(control_plane: &[&Node<'_>], witness: Option<&KubeadmConfig>) -> Option<From<DnsName>> {
    if let Some(found) = witness.and_then(|witness| witness.text("networking.dnsDomain"))
        && let Ok(value) = found.value.parse()
    {
        return Some(From { value, from: found.at.to_string() });
    }
    control_plane.iter().find_map(|node| {
        let path = node.path("pki/apiserver.crt");
        let ders = certificates_in_pem(node.bytes(&path)?).ok()?;
        let facts = CertificateFacts::from_der(ders.first()?).ok()?;
        let domains: BTreeSet<DnsName> = (facts.sans.iter())
            .filter_map(|san| match san {
                San::Dns(name) => name.strip_prefix(SERVICE)?.parse().ok(),
                San::Ip(_) => None,
            })
            .collect();
        let issuer = node.flag(Process::Apiserver, "service-account-issuer");
        let issuer = issuer.and_then(|url| url.split_once(SERVICE)?.1.parse::<DnsName>().ok());
        let value = match issuer {
            Some(issuer) if domains.contains(&issuer) => issuer,
            _ => domains.into_iter().next()?,
        };
        Some(From { value, from: format!("apiserver.crt of {}", node.name) })
    })
}

/// What clients dial. kubeadm's configuration says it; else what most kubeconfigs name.
fn endpoint(
    control_plane: &[&Node<'_>],
    nodes: &[Node<'_>],
    witness: Option<&KubeadmConfig>,
    remarks: &mut Vec<String>,
    refusals: &mut Refusals,
) -> Option<From<Endpoint>> {
    let mut named: BTreeMap<Endpoint, Vec<String>> = BTreeMap::new();
    let files = |node: &Node<'_>| match node.role {
        Role::ControlPlane => Some("admin.conf"),
        Role::Worker => Some("kubelet.conf"),
        Role::Etcd => None,
    };
    for node in nodes {
        let Some(file) = files(node) else { continue };
        let config = node.bytes(&in_folder(file)).and_then(|it| Kubeconfig::from_yaml(it).ok());
        if let Some(endpoint) = config.and_then(|config| server(config.server.as_deref()?)) {
            named.entry(endpoint).or_default().push(format!("{file} of {}", node.name));
        }
    }
    let most = named.iter().max_by_key(|(_, places)| places.len());
    let most = most
        .map(|(endpoint, places)| From { value: endpoint.clone(), from: first_and_count(places) });
    let written = witness.and_then(|witness| witness.text("controlPlaneEndpoint"));
    let written = written.and_then(|found| {
        let value = found.value.parse().ok()?;
        Some(From { value, from: found.at.to_string() })
    });
    if named.len() > 1 {
        let told: Vec<String> = named
            .iter()
            .map(|(endpoint, places)| format!("{endpoint} in {}", places.join(", ")))
            .collect();
        remarks.push(format!(
            "kubeconfigs name several addresses of the API server: {}",
            told.join("; ")
        ));
    }
    let is_own = |endpoint: &Endpoint| match control_plane {
        [only] => only
            .address
            .is_some_and(|(ip, _)| *endpoint == Endpoint::at(ip, own_port(control_plane))),
        _ => false,
    };
    let chosen = written.or(most).filter(|found| !is_own(&found.value));
    if chosen.is_none() && control_plane.len() > 1 {
        let why = "no kubeconfig says where clients dial the API servers";
        refusals.push(Refusal::of_cluster(why).help(
            "kubeadm's configuration does: --kubeadm-config FILE, as kubectl -n kube-system get cm kubeadm-config -o yaml prints it",
        ));
    }
    chosen
}

/// Where the API servers listen, where all say the same.
pub(super) fn own_port(control_plane: &[&Node<'_>]) -> u16 {
    let said = control_plane.iter().filter_map(|node| node.flag(Process::Apiserver, "secure-port"));
    let said: BTreeSet<&str> = said.collect();
    let mut said = said.into_iter();
    match (said.next().map(str::parse), said.next()) {
        (Some(Ok(port)), None) => port,
        _ => API_PORT,
    }
}

fn first_and_count(places: &[String]) -> String {
    match places {
        [first] => first.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
        [] => String::new(),
    }
}

/// A kubeconfig's server as an endpoint: without a port it is that of https.
pub(super) fn server(url: &str) -> Option<Endpoint> {
    let rest = url.strip_prefix("https://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let after_host = rest.rsplit_once(']').map_or(rest, |(_, after)| after);
    if after_host.contains(':') { rest.parse().ok() } else { format!("{rest}:443").parse().ok() }
}
