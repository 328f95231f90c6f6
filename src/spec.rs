//! What the user wants, validated: nothing optional or stringly is left where a default exists.

mod keypair;
mod leaf;
mod policy;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;

use crate::algorithm::KeyAlgorithm;
use crate::facts::CertificateFacts;
use crate::name::{
    API_PORT, CertificatesDir, CommonName, DnsName, Endpoint, Label, NodeAddress, NodeName,
    Organization, San, Server, TreePath,
};
use crate::sealed::{Owner, Recipient};
use crate::time::{Span, Timestamp};
use crate::version::{KubernetesVersion, VersionRequest};
use crate::words::words;

pub use keypair::{Authority, Keypair, KeypairState, OtherCa, Root, ServiceAccountKeys};
pub use leaf::LeafOverride;
pub use policy::{Policy, PolicyOverride};
pub use user::{Binding, BroughtRequest, RoleRef, User, Via};

/// One cluster's PKI as described.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the description")]
pub struct Spec {
    pub cluster: Cluster,
    pub cas: BTreeMap<CaName, Authority>,
    pub service_account: ServiceAccountKeys,
    /// Sorted by name: the order in the file never matters.
    pub nodes: Vec<Node>,
    pub components: BTreeMap<Component, ComponentSettings>,
    pub etcd: EtcdTopology,
    /// `component "kubelet" serving=#true`
    pub kubelet_serving: bool,
    /// `component "kubelet" config=#true`: kpki writes the kubelet's configuration file.
    pub kubelet_config: bool,
    /// `component "kubelet" client="…"`
    pub kubelet_client: KubeletClient,
    /// `component "kube-proxy"` was written.
    pub kube_proxy: bool,
    /// `component "admin" super=#false` was not written.
    pub super_admin: bool,
    /// What leaves get where nothing nearer says otherwise.
    pub defaults: Policy,
    /// Sorted by name.
    pub users: Vec<User>,
    /// Sorted by name.
    pub certificates: Vec<ExtraCertificate>,
    /// The operator's own static pods; `None`: kpki writes them.
    pub manifests: Option<Manifests>,
    /// Whom every secret is sealed to; `None`: secrets rest in the clear.
    pub secrets: Option<Setting<BTreeSet<Recipient>>>,
    /// Keys from a seed; `None`: every key is drawn.
    pub reproducible: Option<Reproducible>,
}

words! {
    /// Where kubelets have their client certificates from.
    pub enum KubeletClient {
        /// kpki issues them and embeds them in kubelet.conf.
        Issued = "issued",
        /// Each kubelet asks the cluster for its next one and keeps it below /var/lib/kubelet/pki, which
        /// kubelet.conf names.
        SelfRotated = "self-rotated",
    }
}

/// `reproducible { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproducible {
    /// Relative to the description. Read only where keys are made.
    pub seed_file: Arc<str>,
    /// Where every certificate's validity begins.
    pub not_before: Setting<Timestamp>,
}

impl Spec {
    /// The written start of every certificate's validity.
    pub fn not_before(&self) -> Option<Timestamp> {
        let reproducible = self.reproducible.as_ref()?;
        Some(reproducible.not_before.value)
    }
}

/// `manifests "DIR"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifests {
    /// Relative to the description; empty: beside it.
    pub folder: Arc<str>,
    pub all: BTreeMap<(NodeName, Component), Manifest>,
}

/// A static pod's manifest that the operator wrote, or a self-rotated kubelet's kubelet.conf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Relative to the description, for messages.
    pub path: Arc<str>,
    pub bytes: Arc<[u8]>,
}

impl Spec {
    /// Full names of the recipients, each with whose they are.
    pub fn recipients(&self) -> BTreeMap<Owner, BTreeSet<String>> {
        let names = |all: &BTreeSet<Recipient>| all.iter().map(Recipient::full_name).collect();
        let cluster = self.secrets.iter().map(|all| (None, names(&all.value)));
        let nodes = self
            .nodes
            .iter()
            .filter(|node| !node.recipients.is_empty())
            .map(|node| (Some(node.name.clone()), names(&node.recipients)));
        cluster.chain(nodes).collect()
    }

    pub fn node(&self, name: &str) -> Option<&Node> {
        named(&self.nodes, name, |node| node.name.as_str())
    }

    pub fn user(&self, name: &str) -> Option<&User> {
        named(&self.users, name, |user| user.name.as_str())
    }

    pub fn certificate(&self, name: &str) -> Option<&ExtraCertificate> {
        named(&self.certificates, name, |certificate| certificate.name.as_str())
    }

    /// Where every API server of the cluster listens.
    pub fn api_port(&self) -> u16 {
        let settings = self.components.get(&Component::Apiserver);
        settings.and_then(|settings| settings.port.as_ref()).map_or(API_PORT, |port| port.value)
    }

    pub fn manifest_of(&self, node: &NodeName, component: Component) -> Option<&Manifest> {
        let key = (node.clone(), component);
        self.manifests.as_ref()?.all.get(&key)
    }
}

/// One of those that are sorted by name.
fn named<'a, T>(all: &'a [T], name: &str, name_of: impl Fn(&T) -> &str) -> Option<&'a T> {
    let at = all.binary_search_by(|known| name_of(known).cmp(name));
    at.ok().and_then(|at| all.get(at))
}

/// A value and where it came from, so that `show` can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

/// Where a value came from. Never hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// kpki's own default.
    Default,
    /// Derived from other settings, in words.
    Derived(&'static str),
    /// A line of the description.
    File { file: Arc<str>, line: usize },
}

impl<T> Setting<T> {
    pub fn default(value: T) -> Self {
        Setting { value, origin: Origin::Default }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Derived(how) => f.write_str(how),
            Origin::File { file, line } => write!(f, "{file}:{line}"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Cluster {
    pub name: Label,
    pub kubernetes: Setting<KubernetesVersion>,
    /// What was written: the lock may have resolved it.
    pub requested: VersionRequest,
    /// With one control-plane node the default is that node's address.
    pub endpoint: Setting<Endpoint>,
    /// Never empty; the first one decides the service address in the API server's certificate.
    pub service_cidrs: Setting<Vec<IpNet>>,
    pub dns_domain: Setting<DnsName>,
    /// Where the nodes keep their certificates and keys.
    pub certificates_dir: Setting<CertificatesDir>,
}

words! {
    /// The three certificate authorities of a cluster (PKI certificates and requirements).
    pub enum CaName {
        /// The CA of the cluster: the API server, the kubelets and all who are its clients.
        Kubernetes = "kubernetes",
        /// The CA of etcd: its members and their clients.
        Etcd = "etcd",
        /// The CA of the API server as a client of API extensions, in the name of others.
        FrontProxy = "front-proxy",
    }
}

impl fmt::Display for CaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One key pair of a certificate authority.
#[derive(Debug, Clone)]
pub struct Ca {
    pub number: Keypair,
    /// Its own line's, else its block's.
    pub origin: Origin,
    pub common_name: Setting<CommonName>,
    pub validity: Setting<Span>,
    /// `Origin::Default` or from `defaults` counts only when the key is first made; see [`Ca::explicit_key`].
    pub key: Setting<KeyAlgorithm>,
    /// The `ca` block itself names the algorithm: then another one on record needs `--allow replace:`.
    pub explicit_key: bool,
    pub revision: u32,
    /// A certificate that the user brings: imported, never issued.
    pub brought: Option<BroughtCa>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroughtCa {
    /// As named in the description, for messages.
    pub path: Arc<str>,
    /// Of the certificate that signs, and of no other.
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
    /// Each issued the one before it, the signer first of all; the last one is most often a root.
    pub above: Vec<ChainCertificate>,
}

/// A CA certificate above a brought one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCertificate {
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
}

words! {
    /// Role of a node.
    pub enum Role {
        /// Runs the API server, the controller manager, the scheduler and, where etcd is stacked, etcd.
        ControlPlane = "control-plane",
        /// Runs a kubelet and nothing of the control plane.
        Worker = "worker",
        /// A member of an external etcd: no kubelet identity, only etcd's files.
        Etcd = "etcd",
    }
}

#[derive(Debug, Clone)]
pub struct Node {
    /// Its block's.
    pub origin: Origin,
    pub name: NodeName,
    pub role: Role,
    /// In the order written; the first is the node's main address. Never empty for control-plane and
    /// etcd nodes.
    pub addresses: Vec<NodeAddress>,
    pub sans: BTreeMap<San, Origin>,
    /// `primary=#true`: gets super-admin.conf.
    pub primary: bool,
    pub policy: PolicyOverride,
    /// 1 unless written; a higher one forces new keys for everything on the node.
    pub revision: u32,
    /// Who may open the secrets of this node's tree besides.
    pub recipients: BTreeSet<Recipient>,
    /// By the names of their rows in the profile.
    pub leaves: BTreeMap<&'static str, LeafOverride>,
}

words! {
    /// Where etcd runs.
    pub enum EtcdTopology {
        /// On every control-plane node.
        Stacked = "stacked",
        /// On nodes with role="etcd".
        External = "external",
    }
}

words! {
    /// What `component "NAME"` may name; each governs rows of the profile tables.
    pub enum Component {
        /// The API server: what it serves with, and what it shows kubelets, etcd and API extensions.
        Apiserver = "apiserver",
        /// etcd: what its members serve with, show each other, and are probed with.
        Etcd = "etcd",
        /// The kubelet of every node: kubelet.conf, and more where it is asked for.
        Kubelet = "kubelet",
        /// controller-manager.conf.
        ControllerManager = "controller-manager",
        /// scheduler.conf.
        Scheduler = "scheduler",
        /// A kube-proxy.conf for every node, only where the block is written.
        KubeProxy = "kube-proxy",
        /// admin.conf and super-admin.conf.
        Admin = "admin",
        /// The key that signs service-account tokens: sa.key and sa.pub. Nothing of it expires.
        ServiceAccount = "service-account",
    }
}

/// What a description says of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagSetting {
    /// May be empty, which is a value, too.
    Value(String),
    /// `#null`: the process is not given it, whatever kpki would choose.
    Absent,
}

impl FlagSetting {
    pub fn value(&self) -> Option<&str> {
        match self {
            FlagSetting::Value(value) => Some(value),
            FlagSetting::Absent => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct ComponentSettings {
    /// Its block's.
    pub origin: Origin,
    pub policy: PolicyOverride,
    /// Extra SANs of the component's serving certificates, on every node.
    pub sans: BTreeMap<San, Origin>,
    pub revision: u32,
    /// All organizations of the component's leaf whose organization follows the version; an empty set: none.
    pub organizations: Option<Setting<BTreeSet<Organization>>>,
    /// Flags of its static pod by name without dashes: they add to kpki's own and win over them.
    pub flags: BTreeMap<String, FlagSetting>,
    /// Of its static pod, instead of the one that kubeadm deploys.
    pub image: Option<String>,
    /// That its kubeconfigs name, on every node.
    pub server: Option<Setting<Server>>,
    /// Of the API server: where it listens.
    pub port: Option<Setting<u16>>,
    /// Whom its process runs as; `None`: root.
    pub user: Option<Setting<u32>>,
    /// Of that user; of the service-account key the group of its readers.
    pub group: Option<Setting<u32>>,
}

impl Default for ComponentSettings {
    fn default() -> Self {
        ComponentSettings {
            origin: Origin::Default,
            policy: PolicyOverride::default(),
            sans: BTreeMap::new(),
            revision: 1,
            organizations: None,
            flags: BTreeMap::new(),
            image: None,
            server: None,
            port: None,
            user: None,
            group: None,
        }
    }
}

/// Any further leaf.
#[derive(Debug, Clone)]
pub struct ExtraCertificate {
    /// Its block's.
    pub origin: Origin,
    pub name: Label,
    pub ca: CaName,
    pub common_name: Option<CommonName>,
    pub organizations: BTreeMap<Organization, Origin>,
    pub usage: Usage,
    pub sans: BTreeMap<San, Origin>,
    pub policy: Policy,
    pub revision: u32,
    pub delivery: Delivery,
}

/// Extended key usages of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    Server,
    Client,
    ServerAndClient,
}

impl Usage {
    pub fn server(self) -> bool {
        self != Usage::Client
    }

    pub fn client(self) -> bool {
        self != Usage::Server
    }
}

/// Where an extra certificate's files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// `out/certificates/NAME/`, for the operator to carry on.
    Operator,
    /// `nodes/N/FOLDER/NAME.{crt,key}` on each named node: one shared key pair. The folder is absolute on
    /// the node, without its leading slash.
    Nodes { nodes: Vec<NodeName>, folder: TreePath },
}
