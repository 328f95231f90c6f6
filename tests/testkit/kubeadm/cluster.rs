//! What a cluster of kubeadm's is like.

use super::mint::{Keys, Texts};
use super::pods::Volume;

#[derive(Clone, Debug)]
pub struct Cluster {
    pub version: &'static str,
    pub keys: Keys,
    pub nodes: Vec<Node>,
    pub etcd: Etcd,
    /// `controlPlaneEndpoint`: host, or host:port.
    pub endpoint: Option<&'static str>,
    pub port: u16,
    pub service_subnet: &'static str,
    /// The first address of the first of them.
    pub service_address: &'static str,
    pub pod_subnet: &'static str,
    pub dns_domain: &'static str,
    /// `apiServer.certSANs`
    pub sans: Vec<&'static str>,
    pub certificates_dir: &'static str,
    pub repository: &'static str,
    /// After the version in the tags of images of Kubernetes: `-rancher1`, `@sha256:…`.
    pub image_suffix: &'static str,
    pub super_admin: Super,
    /// Of the CAs' own names.
    pub authority_texts: Texts,
    pub authority_days: (i64, i64),
    /// CAs of which no node has the key: `ca`, `etcd/ca`, `front-proxy-ca`.
    pub without_key: Vec<&'static str>,
    /// What single leaves are like; a later line beats an earlier one.
    pub leaves: Vec<Leaf>,
    pub arguments: Vec<ExtraArgument>,
    /// `extraVolumes` of a component.
    pub volumes: Vec<(&'static str, Volume)>,
    /// `clusterName`, which kubeconfigs and the controller-manager say.
    pub name: &'static str,
    /// Other material is other keys, with all that follows from them.
    pub material: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Etcd {
    Stacked,
    /// On machines of their own: the cluster's nodes of the role `Etcd`.
    External,
    /// Each control-plane node's manifest was written again by `kubeadm upgrade`: it names that member
    /// alone in `--initial-cluster`.
    StackedUpgraded,
}

/// Who has super-admin.conf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Super {
    First,
    Nobody,
    On(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    ControlPlane,
    Worker,
    Etcd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kubelet {
    /// kubelet.conf names /var/lib/kubelet/pki/kubelet-client-current.pem.
    SelfRotated,
    /// Certificate and key stand in kubelet.conf, as `kubeadm init phase kubeconfig kubelet` writes it.
    Embedded,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub name: &'static str,
    pub address: &'static str,
    pub role: Role,
    pub kubelet: Kubelet,
    /// kubelet.conf's server, where it is not the one of its version.
    pub kubelet_server: Option<&'static str>,
    /// Where etcd listens, if not at the node's address.
    pub etcd_address: Option<&'static str>,
    /// Otherwise the cluster's.
    pub version: Option<&'static str>,
    /// More names of its API server than the others have.
    pub sans: Vec<&'static str>,
    /// More flags of its kubelet.
    pub kubelet_flags: Vec<&'static str>,
    /// The kubelet asks for its serving certificate (`serverTLSBootstrap`).
    pub kubelet_serving: bool,
    /// Only /etc/kubernetes was handed over.
    pub without_var: bool,
}

/// What makes some leaves differ from what kubeadm makes by default.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    /// All nodes.
    pub node: Option<&'static str>,
    /// A path without its ending below the PKI's folder (`apiserver`, `etcd/server`), or a kubeconfig's name
    /// (`admin.conf`); all of them if empty.
    pub name: &'static str,
    pub group: Option<&'static str>,
    /// Days from today: from, until.
    pub days: Option<(i64, i64)>,
    /// Keys and certificates are new: `kubeadm certs renew`.
    pub renewal: Option<u32>,
    pub keys: Option<Keys>,
    /// `DNS:`, `IP:`; all of them.
    pub sans: Option<Vec<&'static str>>,
}

/// `apiServer.extraArgs` and the like.
#[derive(Clone, Copy, Debug)]
pub struct ExtraArgument {
    /// All nodes.
    pub node: Option<&'static str>,
    pub component: &'static str,
    pub name: &'static str,
    pub value: &'static str,
}

impl Node {
    pub fn new(name: &'static str, address: &'static str, role: Role) -> Self {
        Node {
            name,
            address,
            role,
            kubelet: Kubelet::SelfRotated,
            kubelet_server: None,
            etcd_address: None,
            version: None,
            sans: Vec::new(),
            kubelet_flags: Vec::new(),
            kubelet_serving: false,
            without_var: false,
        }
    }

    /// As in a URL.
    pub fn host(&self) -> String {
        in_url(self.address)
    }
}

pub fn in_url(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

impl Cluster {
    /// One control-plane node and a worker, 200 days old.
    pub fn small() -> Self {
        Cluster {
            version: "1.36.2",
            keys: Keys::P256,
            nodes: vec![
                Node::new("cp1", "10.0.0.11", Role::ControlPlane),
                Node::new("w1", "10.0.0.21", Role::Worker),
            ],
            etcd: Etcd::Stacked,
            endpoint: None,
            port: 6443,
            service_subnet: "10.96.0.0/12",
            service_address: "10.96.0.1",
            pod_subnet: "10.244.0.0/16",
            dns_domain: "cluster.local",
            sans: Vec::new(),
            certificates_dir: "/etc/kubernetes/pki",
            repository: "registry.k8s.io",
            image_suffix: "",
            super_admin: Super::First,
            authority_texts: Texts::Printable,
            authority_days: (-200, 3450),
            without_key: Vec::new(),
            leaves: Vec::new(),
            arguments: Vec::new(),
            volumes: Vec::new(),
            name: "kubernetes",
            material: "one",
        }
    }

    /// Three control-plane nodes behind a name, and a worker.
    pub fn large() -> Self {
        let control_plane = |name, address| Node::new(name, address, Role::ControlPlane);
        Cluster {
            nodes: vec![
                control_plane("cp1", "10.0.0.11"),
                control_plane("cp2", "10.0.0.12"),
                control_plane("cp3", "10.0.0.13"),
                Node::new("w1", "10.0.0.21", Role::Worker),
            ],
            endpoint: Some("k8s.corp.example:6443"),
            ..Cluster::small()
        }
    }

    /// The nodes of a role.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.role == role)
    }

    pub fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.name == name).unwrap()
    }

    pub fn version_of(&self, node: &Node) -> &'static str {
        node.version.unwrap_or(self.version)
    }

    pub fn minor_of(&self, node: &Node) -> (u32, u32) {
        let mut parts = self.version_of(node).split('.').skip(1).map(|part| part.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap())
    }

    /// `https://HOST:PORT` of the endpoint, else of the first control-plane node.
    pub fn server(&self) -> String {
        match self.endpoint {
            Some(endpoint) if has_port(endpoint) => format!("https://{endpoint}"),
            Some(host) => format!("https://{host}:{}", self.port),
            None => self.server_of(self.of(Role::ControlPlane).next().unwrap()),
        }
    }

    pub fn server_of(&self, node: &Node) -> String {
        format!("https://{}:{}", node.host(), self.port)
    }

    /// The endpoint's host.
    pub fn endpoint_host(&self) -> Option<&'static str> {
        let endpoint = self.endpoint?;
        let host = if has_port(endpoint) { endpoint.rsplit_once(':').unwrap().0 } else { endpoint };
        Some(host.trim_matches(['[', ']']))
    }
}

fn has_port(endpoint: &str) -> bool {
    endpoint
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}
