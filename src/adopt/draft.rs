//! The description as far as it follows from flags, names and places; what certificates say besides comes
//! later.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::authorities::{Authority, authorities};
use super::kubelet_file::{Client, client};
use super::node::{Node, in_folder};
use super::notes::Notes;
use super::refusal::{Refusal, Refusals};
use super::release::release;
use crate::facts::{Kubeconfig, certificate_pem, certificates_in_pem};
use crate::machine::kubeadm_config::KubeadmConfig;
use crate::name::{API_PORT, DnsName, Endpoint, Label, NodeName, San};
use crate::plan::validity_to_keep;
use crate::profile::Process;
use crate::spec::{CaName, Role};
use crate::time::{Span, Timestamp};
use crate::version::Change;

/// A first description, and the files that stand beside it.
///
/// It does not speak of manifests yet: they name addresses that only certificates tell of.
pub struct Draft {
    pub text: String,
    /// By their paths relative to the description.
    pub files: BTreeMap<String, Vec<u8>>,
    pub notes: Notes,
    /// What the witnesses do not agree about, or a person should know.
    pub remarks: Vec<String>,
}

/// Of a CA (87600h).
const KUBEADMS_LIFE: Span = Span::days(3650);

/// Where the manifests are copied to.
pub const MANIFESTS: &str = "manifests";

struct Writer {
    text: String,
    notes: Notes,
}

impl Writer {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{text}"); // a String takes everything
    }
}

/// What the nodes say together.
///
/// `gone`: members that left etcd, though manifests still name them.
pub fn draft(
    nodes: &[Node<'_>],
    witness: Option<&KubeadmConfig>,
    gone: &BTreeSet<NodeName>,
    now: Timestamp,
) -> Result<Draft, Refusals> {
    let mut refusals = Refusals::new();
    let mut remarks = Vec::new();
    let mut take = |result: Result<(), Refusals>| {
        if let Err(mut why) = result {
            refusals.append(&mut why);
        }
    };
    let control_plane: Vec<&Node<'_>> =
        nodes.iter().filter(|node| node.role == Role::ControlPlane).collect();
    if control_plane.is_empty() {
        let why = "none of the nodes is a control-plane node (no kube-apiserver.yaml)";
        return Err(vec![Refusal::of_cluster(why).help("give the control-plane nodes, too")]);
    }
    let mut out = Writer { text: String::new(), notes: Notes::default() };
    let found = authorities(nodes);
    let kubelets = client(nodes);
    let version = release(nodes, witness);
    let cluster = cluster(&control_plane, nodes, witness, &mut remarks);
    let etcd = etcd(&control_plane, nodes, gone);
    let (found, kubelets, (version, version_from), cluster, is_external) =
        match (found, kubelets, version, cluster, etcd) {
            (Ok(a), Ok(b), Ok(c), Ok(d), Ok(e)) => (a, b, c, d, e),
            (a, b, c, d, e) => {
                take(a.map(drop));
                take(b.map(drop));
                take(c.map(drop));
                take(d.map(drop));
                take(e.map(drop));
                return Err(refusals);
            }
        };
    let head = format!("cluster \"{}\"", cluster.name.value);
    out.notes.add_block(head.as_str(), cluster.name.from);
    out.line(&format!("{head} {{"));
    out.line(&format!("    kubernetes \"{version}\""));
    out.notes.add(head.as_str(), "kubernetes", version_from);
    if let Some(endpoint) = &cluster.endpoint {
        out.line(&format!("    endpoint \"{}\"", endpoint.value));
        out.notes.add(head.as_str(), "endpoint", endpoint.from.clone());
    }
    if let Some(networks) = &cluster.service_cidrs {
        let list: Vec<String> = networks.value.iter().map(|one| format!("\"{one}\"")).collect();
        out.line(&format!("    service-cidr {}", list.join(" ")));
        out.notes.add(head.as_str(), "service-cidr", networks.from.clone());
    }
    if let Some(domain) = &cluster.domain {
        out.line(&format!("    dns-domain \"{}\"", domain.value));
        out.notes.add(head.as_str(), "dns-domain", domain.from.clone());
    }
    out.line("}");
    let mut files = BTreeMap::new();
    for authority in found.values() {
        out.authority(authority, &control_plane, now, &mut files);
    }
    let primary = primary(&control_plane);
    for node in nodes {
        out.node(node, primary, control_plane.len());
    }
    out.components(
        &control_plane,
        kubelets,
        is_external,
        primary,
        version.has(Change::ClusterAdmins),
    );
    for node in nodes {
        for pod in node.pods.values() {
            let name = pod.path.rsplit('/').next().unwrap_or(&pod.path);
            files.insert(format!("{MANIFESTS}/{}/{name}", node.name), pod.bytes.to_vec());
        }
        let path = in_folder("kubelet.conf");
        if let (Client::SelfRotated, Some(bytes)) = (kubelets, node.bytes(&path)) {
            files.insert(format!("{MANIFESTS}/{}/kubelet.conf", node.name), bytes.to_vec());
        }
    }
    Ok(Draft { text: out.text, files, notes: out.notes, remarks })
}

struct From<T> {
    value: T,
    from: String,
}

struct Cluster {
    name: From<Label>,
    endpoint: Option<From<Endpoint>>,
    service_cidrs: Option<From<Vec<String>>>,
    domain: Option<From<DnsName>>,
}

fn cluster(
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
fn same_flag<'n>(
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

const SERVICE: &str = "kubernetes.default.svc.";

/// By the name that the API server's certificate has in the cluster.
fn domain(control_plane: &[&Node<'_>], witness: Option<&KubeadmConfig>) -> Option<From<DnsName>> {
    if let Some(found) = witness.and_then(|witness| witness.text("networking.dnsDomain"))
        && let Ok(value) = found.value.parse()
    {
        return Some(From { value, from: found.at.to_string() });
    }
    let path = in_folder("pki/apiserver.crt");
    control_plane.iter().find_map(|node| {
        let ders = certificates_in_pem(node.bytes(&path)?).ok()?;
        let facts = crate::facts::CertificateFacts::from_der(ders.first()?).ok()?;
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
fn own_port(control_plane: &[&Node<'_>]) -> u16 {
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

/// Whether etcd runs on nodes of its own, all of which must be given.
fn etcd(
    control_plane: &[&Node<'_>],
    nodes: &[Node<'_>],
    gone: &BTreeSet<NodeName>,
) -> Result<bool, Refusals> {
    let strangers = strangers(nodes, gone);
    if !strangers.is_empty() {
        return Err(strangers);
    }
    let stacked = control_plane.iter().filter(|node| node.pods.contains_key(&Process::Etcd));
    let (stacked, all) = (stacked.count(), control_plane.len());
    if stacked == all {
        return Ok(false);
    }
    if stacked > 0 {
        let without = control_plane.iter().filter(|node| !node.pods.contains_key(&Process::Etcd));
        let path = in_folder("manifests/etcd.yaml");
        let refuse = |node: &&&Node<'_>| {
            let why = "is not there, and other control-plane nodes have one";
            Refusal::of_file(&node.name, &path, why)
        };
        return Err(without.collect::<Vec<_>>().iter().map(refuse).collect());
    }
    let mut refusals = Refusals::new();
    let known: BTreeSet<String> = (nodes.iter())
        .filter(|node| node.role == Role::Etcd)
        .filter_map(|node| Some(node.address?.0.to_string()))
        .collect();
    let servers = same_flag(control_plane, Process::Apiserver, "etcd-servers", &mut refusals);
    let missing: Vec<&str> = (servers.iter())
        .flat_map(|(value, _)| value.split(','))
        .filter(|url| server(url).is_none_or(|it| !known.contains(&it.host.to_string())))
        .collect();
    if known.is_empty() || !missing.is_empty() {
        let why =
            format!("etcd runs on nodes of its own, which were not given: {}", missing.join(", "));
        refusals.push(Refusal::of_cluster(why).help(
            "give each member as a source, too (etcd1=…): kubeadm's layout, /etc/kubernetes/pki/etcd. An etcd with a PKI \
             in other hands is not taken over yet",
        ));
    }
    if refusals.is_empty() { Ok(true) } else { Err(refusals) }
}

/// Members that a manifest names and nobody gave: a cluster of which a part is not described is changed
/// without that part.
fn strangers(nodes: &[Node<'_>], gone: &BTreeSet<NodeName>) -> Refusals {
    let mut refusals = Refusals::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for node in nodes {
        let members = node.flag(Process::Etcd, "initial-cluster").unwrap_or_default().split(',');
        for (name, url) in members.filter_map(|member| member.split_once('=')) {
            let is_known = nodes.iter().any(|node| node.name.as_str() == name) || gone.contains(name);
            if !is_known && told.insert(name) {
                let path = in_folder("manifests/etcd.yaml");
                let why = format!("names the member {name} ({url}), which is not among the sources");
                refusals.push(Refusal::of_file(&node.name, &path, why).help(format!(
                    "give {name}, too: {name}=…; if it left the cluster (etcdctl member list tells): --gone {name}"
                )));
            }
        }
    }
    refusals
}

/// The node whose super-admin.conf is kpki's.
fn primary<'n>(control_plane: &[&'n Node<'n>]) -> Option<&'n Node<'n>> {
    let path = in_folder("super-admin.conf");
    control_plane.iter().copied().find(|node| node.bytes(&path).is_some())
}

impl Writer {
    fn authority(
        &mut self,
        authority: &Authority,
        control_plane: &[&Node<'_>],
        now: Timestamp,
        files: &mut BTreeMap<String, Vec<u8>>,
    ) {
        let Authority { name, facts, der, .. } = authority;
        let mut words = String::new();
        let head = format!("ca \"{name}\"");
        let own_name = facts.subject.common_name().filter(|_| facts.is_self_issued());
        let is_plain = facts.subject.beyond_user_and_groups().is_none()
            && facts.subject.organizations().is_empty();
        let own_name = own_name.filter(|_| is_plain);
        match own_name.filter(|_| authority.has_key()) {
            Some(common_name) => {
                let _ = write!(words, " common-name={common_name:?}");
                let life = validity_to_keep(facts, KUBEADMS_LIFE, now);
                let _ = write!(words, " validity=\"{life}\"");
            }
            None => {
                let file = format!("pki/{name}-ca.crt");
                let _ = write!(words, " certificate={file:?}");
                files.insert(file, certificate_pem(der).into_bytes());
                let why = if authority.has_key() { "its subject" } else { "its key is on no node" };
                self.notes.add(head.as_str(), "certificate", why);
            }
        }
        let on_none = authority.without_key.len() == control_plane.len();
        let on_all = authority.without_key.is_empty();
        if *name == CaName::Kubernetes && on_none {
            words.push_str(" keys-on-nodes=#false");
        }
        // Where some have it and some have not, those that have it keep theirs.
        if *name != CaName::Kubernetes && on_all && authority.has_key() {
            words.push_str(" keys-on-nodes=#true");
            let file = authority.keys_at.first().cloned().unwrap_or_default();
            self.notes.add(head.as_str(), "keys-on-nodes", file);
        }
        if !words.is_empty() {
            self.line(&format!("{head}{words}"));
        }
    }

    fn node(&mut self, node: &Node<'_>, primary: Option<&Node<'_>>, control_planes: usize) {
        let head = format!("node \"{}\"", node.name);
        let mut words = String::new();
        if node.role != Role::Worker {
            let _ = write!(words, " role=\"{}\"", node.role.as_str());
        }
        if let Some((address, from)) = node.address {
            let _ = write!(words, " address=\"{address}\"");
            self.notes.add(head.as_str(), "address", from);
        }
        let is_primary = primary.is_some_and(|primary| primary.name == node.name);
        if is_primary && control_planes > 1 {
            words.push_str(" primary=#true");
            self.notes.add(head.as_str(), "primary", "has super-admin.conf");
        }
        match &node.name_from {
            Some(from) => self.notes.add_block(head.as_str(), from.clone()),
            None => {
                self.notes.add_block(head.as_str(), "the source's name: no file says the node's")
            }
        }
        self.line(&format!("{head}{words}"));
    }

    fn components(
        &mut self,
        control_plane: &[&Node<'_>],
        kubelets: Client,
        is_external: bool,
        primary: Option<&Node<'_>>,
        has_super_admin: bool,
    ) {
        if is_external {
            self.line("component \"etcd\" topology=\"external\"");
            self.notes.add("component \"etcd\"", "topology", "no control-plane node has etcd.yaml");
        }
        if kubelets == Client::SelfRotated {
            self.line("component \"kubelet\" client=\"self-rotated\"");
            let from = "kubelet.conf names the file that the kubelet renews";
            self.notes.add("component \"kubelet\"", "client", from);
        }
        if has_super_admin && primary.is_none() {
            self.line("component \"admin\" super=#false");
            self.notes.add("component \"admin\"", "super", "no node has super-admin.conf");
        }
        let port = own_port(control_plane);
        if port != API_PORT {
            self.line(&format!("component \"apiserver\" port={port}"));
            self.notes.add("component \"apiserver\"", "port", "kube-apiserver's --secure-port");
        }
    }
}
