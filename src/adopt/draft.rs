//! The description as far as it follows from flags, names and places; what certificates say besides comes
//! later.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::authorities::{Authority, authorities};
use super::cluster::{certificates_dir, cluster, own_port};
use super::etcd::etcd;
use super::kubelet_file::{Client, client};
use super::node::{Node, in_folder};
use super::notes::Notes;
use super::refusal::{Refusal, Refusals};
use super::release::release;
use crate::facts::certificate_pem;
use crate::machine::kubeadm_config::KubeadmConfig;
use crate::name::{API_PORT, NodeName};
use crate::plan::validity_to_keep;
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
    let whole = cluster(&control_plane, nodes, witness, &mut remarks);
    let members = etcd(&control_plane, nodes, gone);
    let (found, kubelets, (version, version_from), cluster, is_external) =
        match (found, kubelets, version, whole, members) {
            (Ok(found), Ok(kubelets), Ok(version), Ok(whole), Ok(members)) => {
                (found, kubelets, version, whole, members)
            }
            (found, kubelets, version, whole, members) => {
                take(found.map(drop));
                take(kubelets.map(drop));
                take(version.map(drop));
                take(whole.map(drop));
                take(members.map(drop));
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
    if let Some(dir) = certificates_dir(&control_plane, witness, &mut remarks) {
        out.line(&format!("    certificates-dir \"{}\"", dir.value));
        out.notes.add(head.as_str(), "certificates-dir", dir.from);
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
        if let Some(common_name) = own_name.filter(|_| authority.has_key()) {
            let _ = write!(words, " common-name={common_name:?}");
            let life = validity_to_keep(facts, KUBEADMS_LIFE, now);
            let _ = write!(words, " validity=\"{life}\"");
        } else {
            let file = format!("pki/{name}-ca.crt");
            let _ = write!(words, " certificate={file:?}");
            files.insert(file, certificate_pem(der).into_bytes());
            let why = if authority.has_key() { "its subject" } else { "its key is on no node" };
            self.notes.add(head.as_str(), "certificate", why);
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
            Some(from) => self.notes.add_block(head.as_str(), format!("name: {from}")),
            None => {
                self.notes.add_block(head.as_str(), "name: the source's, no file says the node's");
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
