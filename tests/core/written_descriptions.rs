//! What `config::write` writes is read as what it was written from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use kpki::algorithm::KeyAlgorithm;
use kpki::config::{load, write};
use kpki::name::{DnsName, Endpoint, NodeAddress, Organization, San, Server};
use kpki::sealed::Recipient;
use kpki::sources::Sources;
use kpki::spec::{
    Authority, Binding, Ca, CaName, Cluster, Component, ComponentSettings, Delivery, EtcdTopology,
    ExtraCertificate, FlagSetting, Keypair, KeypairState, KubeletClient, LeafOverride, Manifest,
    Manifests, Node, Origin, OtherCa, Policy, PolicyOverride, Reproducible, Role, RoleRef, Setting,
    Spec, Usage, User, Via,
};
use kpki::time::Span;
use kpki::version::{KubernetesVersion, VersionRequest};
use proptest::prelude::*;

use crate::testkit::{contents, entries_of};

type Files = BTreeMap<String, Vec<u8>>;

fn read(files: Files, locked: Option<KubernetesVersion>) -> Spec {
    let text = String::from_utf8_lossy(&files["cluster.kdl"]).into_owned();
    match load(&Sources::Memory(files), "cluster.kdl", locked) {
        Ok(loaded) => loaded.spec,
        Err(report) => panic!("{}\n{text}", report.render(false)),
    }
}

fn keypair(number: u32) -> Keypair {
    Keypair::new(number).unwrap()
}

/// What a description means, without where it says so.
fn meaning(mut spec: Spec) -> String {
    let cluster = &mut spec.cluster;
    forget(&mut cluster.kubernetes);
    forget(&mut cluster.endpoint);
    forget(&mut cluster.service_cidrs);
    forget(&mut cluster.dns_domain);
    forget(&mut cluster.certificates_dir);
    for ca in spec.cas.values_mut() {
        ca.origin = Origin::Default;
        forget(&mut ca.keys_on_nodes);
        let others = ca.others.iter_mut().map(|other| &mut other.ca);
        for keypair in std::iter::once(&mut ca.signer).chain(others) {
            keypair.origin = Origin::Default;
            forget(&mut keypair.common_name);
            forget(&mut keypair.validity);
            forget(&mut keypair.key);
        }
    }
    for node in &mut spec.nodes {
        node.origin = Origin::Default;
        forget_each(&mut node.sans);
        for leaf in node.leaves.values_mut() {
            leaf.origin = Origin::Default;
            leaf.sans.iter_mut().for_each(forget_each);
            leaf.organizations.iter_mut().for_each(forget);
            leaf.server.iter_mut().for_each(forget);
        }
    }
    for settings in spec.components.values_mut() {
        settings.origin = Origin::Default;
        forget_each(&mut settings.sans);
        settings.organizations.iter_mut().for_each(forget);
        settings.server.iter_mut().for_each(forget);
        settings.port.iter_mut().for_each(forget);
        settings.user.iter_mut().for_each(forget);
        settings.group.iter_mut().for_each(forget);
    }
    for user in &mut spec.users {
        user.origin = Origin::Default;
        forget_each(&mut user.groups);
        user.bindings.iter_mut().for_each(forget);
        user.server.iter_mut().for_each(forget);
    }
    for certificate in &mut spec.certificates {
        certificate.origin = Origin::Default;
        forget_each(&mut certificate.organizations);
        forget_each(&mut certificate.sans);
    }
    spec.secrets.iter_mut().for_each(forget);
    let overrides = spec.nodes.iter_mut().flat_map(|node| {
        let leaves = node.leaves.values_mut().map(|leaf| &mut leaf.policy);
        leaves.chain([&mut node.policy])
    });
    let components = spec.components.values_mut().map(|settings| &mut settings.policy);
    for policy in overrides.chain(components) {
        policy.key.iter_mut().for_each(forget);
        policy.validity.iter_mut().for_each(forget);
        policy.renew_before.iter_mut().for_each(forget);
    }
    let users = spec.users.iter_mut().map(|user| &mut user.policy);
    let certificates = spec.certificates.iter_mut().map(|certificate| &mut certificate.policy);
    for policy in users.chain(certificates).chain([&mut spec.defaults]) {
        forget(&mut policy.key);
        forget(&mut policy.validity);
        policy.renew_before.iter_mut().for_each(forget);
    }
    if let Some(reproducible) = &mut spec.reproducible {
        forget(&mut reproducible.not_before);
    }
    format!("{spec:#?}")
}

fn forget<T>(setting: &mut Setting<T>) {
    setting.origin = Origin::Default;
}

fn forget_each<T>(values: &mut BTreeMap<T, Origin>) {
    for origin in values.values_mut() {
        *origin = Origin::Default;
    }
}

/// Reads what is written from `spec`, beside the same files.
fn check(spec: &Spec, mut files: Files) {
    let text = write(spec);
    files.insert("cluster.kdl".into(), text.clone().into_bytes());
    let again = read(files, Some(spec.cluster.kubernetes.value));
    assert_same(&meaning(spec.clone()), &meaning(again.clone()), &text);
    assert_eq!(write(&again), text);
}

fn assert_same(wanted: &str, found: &str, text: &str) {
    let lines = wanted.lines().zip(found.lines()).enumerate();
    let other = lines.filter(|(_, (wanted, found))| wanted != found).take(3);
    let other: Vec<_> = other.collect();
    assert!(wanted == found, "{other:#?}\n{text}");
}

#[test]
fn every_example_is_read_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for example in entries_of(root.join("examples")) {
        let files = contents(&example);
        if files.contains_key("cluster.kdl") {
            count += 1;
            check(&read(files.clone(), None), files);
        }
    }
    assert!(count >= 10, "{count}");
    let mut files = contents(&root.join("tests/good-descriptions"));
    let full = files.remove("full.kdl").unwrap();
    files.insert("cluster.kdl".into(), full);
    check(&read(files.clone(), None), files);
}

/// What is as the defaults say has no word, and one value for each word is one line.
#[test]
fn little_is_written_of_little() {
    let text = "cluster lab {\n kubernetes \"1.35\"\n}\ndefaults validity=\"52w1d\"\n\
        ca etcd common-name=etcd-ca\nnode cp1 role=control-plane {\n address \"10.0.0.11\" }\n\
        node w2\nnode w1 {\n san a.lab b.lab\n}\ncomponent kube-proxy\ncomponent admin\n\
        user jane common-name=jane validity=\"365d\" {\n bind role=\"a\\\\b\" namespace=dev }\n";
    let spec = read([("cluster.kdl".to_owned(), text.as_bytes().to_vec())].into(), None);
    let expected = r#"cluster "lab" {
    kubernetes "1.35"
}

node "cp1" role="control-plane" address="10.0.0.11"
node "w1" {
    san "a.lab" "b.lab"
}
node "w2"

component "kube-proxy"

user "jane" {
    bind role="a\\b" namespace="dev"
}
"#;
    assert_eq!(write(&spec), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_description_is_read_again(choices in proptest::collection::vec(any::<u16>(), 1..500)) {
        let mut draw = Draw { choices: choices.into_iter() };
        let (spec, files) = draw.spec();
        check(&spec, files);
    }
}

fn named<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why:?}"))
}

fn written<T>(value: T) -> Setting<T> {
    Setting { value, origin: Origin::Default }
}

const ROOT: &[u8] = include_bytes!("../good-descriptions/root.crt");
const REQUEST: &[u8] = include_bytes!("../../examples/users/omar.csr");
const SCHEDULER: &[u8] = include_bytes!("../../examples/static-pods/manifests/kube-scheduler.yaml");

/// Those with kubeconfigs.
const LED: [Component; 5] = [
    Component::Admin,
    Component::ControllerManager,
    Component::KubeProxy,
    Component::Kubelet,
    Component::Scheduler,
];

/// A source of choices; the first of each when there are no more.
struct Draw {
    choices: std::vec::IntoIter<u16>,
}

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.choices.next().unwrap_or(0)) % end
    }

    fn is(&mut self) -> bool {
        self.below(2) == 1
    }

    fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Draw) -> T) -> Option<T> {
        self.is().then(|| make(self))
    }

    fn set<T: Ord>(&mut self, most: usize, make: impl Fn(&mut Draw) -> T) -> BTreeSet<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    fn origins<T: Ord>(
        &mut self,
        most: usize,
        make: impl Fn(&mut Draw) -> T,
    ) -> BTreeMap<T, Origin> {
        self.set(most, make).into_iter().map(|value| (value, Origin::Default)).collect()
    }

    /// What may stand in a name of X.509.
    fn printable(&mut self) -> String {
        const ALL: [&str; 8] = ["a", "Z9", " ", "\"", "\\", "#", "//", "/-{}="];
        let inner: String = (0..self.below(4)).map(|_| self.one(&ALL)).collect();
        format!("x{inner}y")
    }

    fn group(&mut self) -> Organization {
        let text = self.printable();
        named(&text)
    }

    fn san(&mut self) -> San {
        named(self.one(&["a.lab", "*.b.lab", "10.9.8.7", "fd00::9"]))
    }

    /// Names that every API server has.
    fn server(&mut self) -> Setting<Server> {
        let hosts = ["kubernetes", "kubernetes.default.svc:8443", "10.0.0.11:6443", "n0/a/b"];
        written(named(&format!("https://{}", self.one(&hosts))))
    }

    fn namespace(&mut self) -> DnsName {
        named(self.one(&["dev", "ops-2", "kube-system"]))
    }

    fn validity(&mut self) -> Span {
        let all = [Span::days(90), Span::minutes(11), Span::minutes(90), Span::days(7300)];
        self.one(&all)
    }

    fn revision(&mut self) -> u32 {
        self.one(&[1, 2, 1_000_000])
    }

    fn policy(&mut self, keys: &[KeyAlgorithm]) -> PolicyOverride {
        PolicyOverride {
            key: self.some(|draw| written(draw.one(keys))),
            validity: self.some(|draw| written(draw.validity())),
            renew_before: self
                .some(|draw| written(draw.one(&[Span::minutes(1), Span::minutes(9)]))),
        }
    }

    fn spec(&mut self) -> (Spec, Files) {
        // Brought things say more than their paths: read once.
        let mut files = Files::from([
            ("root.crt".to_owned(), ROOT.to_vec()),
            ("below/omar.csr".to_owned(), REQUEST.to_vec()),
        ]);
        let base = "cluster lab\nnode cp1 role=control-plane address=\"10.0.0.11\"\n\
            ca etcd certificate=\"root.crt\"\n\
            user omar csr=\"below/omar.csr\" common-name=\"omar@example.com\" group=dev\n";
        files.insert("cluster.kdl".into(), base.into());
        let mut spec = read(files.clone(), None);
        let builtin = spec.defaults.clone();
        spec.defaults = builtin.overridden_by(&self.policy(&KeyAlgorithm::ALL));
        let keys = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa4096];
        self.secrets(&mut spec);
        self.nodes(&mut spec);
        // The endpoint may follow from it.
        let port = self.some(|draw| written(draw.one(&[8443_u16, 443, 65535])));
        spec.components.entry(Component::Apiserver).or_default().port = port;
        self.cluster(&mut spec);
        self.cas(&mut spec, &keys);
        self.manifests(&mut spec, &mut files);
        self.components(&mut spec, &keys);
        self.leaves(&mut spec);
        self.users(&mut spec);
        self.certificates(&mut spec);
        if spec.cluster.requested.is_exact() {
            spec.reproducible = self.some(|draw| Reproducible {
                seed_file: Arc::from(draw.one(&["lab.seed", "below/a b.seed"])),
                not_before: written(named(draw.one(&["2026-01-01", "2027-02-03T04:05:06Z"]))),
            });
        }
        (spec, files)
    }

    fn secrets(&mut self, spec: &mut Spec) {
        spec.secrets = self.some(|draw| {
            let known = recipients();
            let mut all = draw.set(3, |draw| draw.one(&known));
            all.insert(known[0].clone());
            written(all)
        });
    }

    fn nodes(&mut self, spec: &mut Spec) {
        let known = recipients();
        let masters = 1 + self.below(3);
        let mut roles = vec![Role::ControlPlane; masters];
        roles.extend(vec![Role::Worker; self.below(3)]);
        spec.etcd = self.one(&EtcdTopology::ALL);
        if spec.etcd == EtcdTopology::External {
            roles.extend(vec![Role::Etcd; 1 + self.below(2)]);
        }
        let primary = self.some(|draw| draw.below(masters));
        spec.super_admin = primary.is_some() || self.is();
        let node = |(index, role): (usize, Role)| {
            let mut addresses: Vec<NodeAddress> = vec![named(&format!("10.0.0.{}", 11 + index))];
            addresses.extend(self.some(|_| named::<NodeAddress>(&format!("fd00::{index:x}"))));
            // A control plane's first address is of the first service network's family.
            if role != Role::ControlPlane && self.is() {
                addresses.reverse();
            }
            if role == Role::Worker && self.is() {
                addresses.clear();
            }
            let recipients = match spec.secrets {
                Some(_) => self.set(2, |draw| draw.one(&known)),
                None => BTreeSet::new(),
            };
            Node {
                origin: Origin::Default,
                name: named(&format!("n{index}")),
                role,
                addresses,
                sans: self.origins(3, Draw::san),
                primary: primary == Some(index),
                policy: self.policy(&KeyAlgorithm::ALL),
                revision: self.revision(),
                recipients,
                leaves: BTreeMap::new(),
            }
        };
        spec.nodes = roles.into_iter().enumerate().map(node).collect();
    }

    fn cluster(&mut self, spec: &mut Spec) {
        let requested: VersionRequest = named(self.one(&["1.36.2", "1.35", "1.34.3"]));
        let mut masters = spec.nodes.iter().filter(|node| node.role == Role::ControlPlane);
        let (first, second) = (masters.next().unwrap(), masters.next());
        let endpoint = if second.is_some() || self.is() {
            named(self.one(&["api.lab.internal:6443", "[fd00::1]:443", "10.0.0.11:6443"]))
        } else {
            Endpoint::at(first.addresses[0].ip(), spec.api_port())
        };
        let locked = self.some(|_| KubernetesVersion::new(35, 1));
        let networks: [&[&str]; 3] =
            [&["10.96.0.0/12"], &["10.200.0.0/16"], &["10.96.0.0/12", "fd01::/108"]];
        spec.cluster = Cluster {
            name: named(self.one(&["lab", "A_b.c-9"])),
            kubernetes: written(requested.resolve(locked)),
            requested,
            endpoint: written(endpoint),
            service_cidrs: written(self.one(&networks).iter().map(|text| named(text)).collect()),
            dns_domain: written(named(self.one(&["cluster.local", "k8s.lab"]))),
            certificates_dir: written(named(self.one(&[
                "/etc/kubernetes/pki",
                "/etc/kubernetes/ssl",
                "/srv/tls",
            ]))),
        };
    }

    fn cas(&mut self, spec: &mut Spec, keys: &[KeyAlgorithm]) {
        for (index, (name, ca)) in spec.cas.iter_mut().enumerate() {
            let on_nodes = self.is();
            if *name == CaName::Etcd && self.is() {
                ca.keys_on_nodes = written(on_nodes);
                continue;
            }
            let usual = ["kubernetes", "etcd-ca", "front-proxy-ca"][index];
            let own = self.some(|draw| format!("{index}{}", draw.printable()));
            let key = self.some(|draw| draw.one(keys));
            let fallback = match spec.defaults.key.value {
                KeyAlgorithm::Ed25519 => KeyAlgorithm::DEFAULT,
                key => key,
            };
            let several = self.one(&[1, 1, 2, 3]);
            let revision = self.revision();
            let signer = Ca {
                number: keypair(self.one(&[1, several])),
                origin: Origin::Default,
                common_name: written(named(own.as_deref().unwrap_or(usual))),
                validity: written(self.one(&[Span::days(3650), Span::days(100)])),
                key: written(key.unwrap_or(fallback)),
                explicit_key: key.is_some(),
                revision: if several == 1 { revision } else { 1 },
                brought: None,
            };
            let numbers = (1..=several).map(keypair).filter(|number| *number != signer.number);
            // Nothing but the cluster CA has servers and clients that can be told apart.
            let states = if index == 0 { &KeypairState::ALL[..] } else { &KeypairState::ALL[..1] };
            let other =
                |number| OtherCa { state: self.one(states), ca: Ca { number, ..signer.clone() } };
            let others = numbers.map(other).collect();
            let origin = Origin::Default;
            *ca = Authority { origin, keys_on_nodes: written(on_nodes), signer, others };
        }
    }

    fn manifests(&mut self, spec: &mut Spec, files: &mut Files) {
        if self.is() {
            return;
        }
        let folder = self.one(&["", "manifests", "n0", "a b/c"]);
        let below = |name: &str| Path::new(folder).join(name).to_str().unwrap().to_owned();
        let shared = below("kube-scheduler.yaml");
        files.insert(shared.clone(), SCHEDULER.to_vec());
        let mut all = BTreeMap::new();
        for node in spec.nodes.iter().filter(|node| node.role == Role::ControlPlane) {
            let own = self.some(|_| below(&format!("{}/kube-scheduler.yaml", node.name)));
            if let Some(own) = &own {
                files.insert(own.clone(), SCHEDULER.to_vec());
            }
            let path = Arc::from(own.unwrap_or_else(|| shared.clone()));
            let manifest = Manifest { path, bytes: Arc::from(SCHEDULER) };
            all.insert((node.name.clone(), Component::Scheduler), manifest);
        }
        spec.manifests = Some(Manifests { folder: Arc::from(folder), all });
    }

    fn components(&mut self, spec: &mut Spec, keys: &[KeyAlgorithm]) {
        use Component::{Apiserver, ControllerManager, Etcd, KubeProxy, Kubelet, Scheduler};
        spec.kubelet_serving = self.is();
        spec.kubelet_config = self.is();
        if self.is() {
            spec.kubelet_client = KubeletClient::SelfRotated;
        }
        for component in Component::ALL {
            let has_sans = match component {
                Apiserver | Etcd => true,
                Kubelet => spec.kubelet_serving,
                _ => false,
            };
            let runs = matches!(component, Apiserver | Etcd | ControllerManager | Scheduler);
            let mut settings = ComponentSettings::default();
            if component == Apiserver {
                settings.port.clone_from(&spec.components[&Apiserver].port);
            }
            if LED.contains(&component) {
                settings.server = self.some(Draw::server);
            }
            if self.is() {
                settings.policy = self.policy(keys);
                settings.revision = self.revision();
            }
            let has_leaf = spec.kubelet_client == KubeletClient::Issued || spec.kubelet_serving;
            if component == Kubelet && !has_leaf {
                settings = ComponentSettings::default();
            }
            if has_sans {
                settings.sans = self.origins(3, Draw::san);
            }
            // An operator's manifest must agree.
            if runs && spec.manifests.is_none() {
                settings.user = self.some(|_| written(65534));
                settings.group =
                    settings.user.as_ref().and_then(|_| self.some(|_| written(2_147_483_647)));
            }
            if component == Component::ServiceAccount
                && [Apiserver, ControllerManager]
                    .iter()
                    .any(|reader| spec.components[reader].user.is_some())
            {
                settings.group = self.some(|_| written(2000));
            }
            if runs {
                settings.flags = self.flags(component, spec.manifests.is_none());
            }
            if runs && spec.manifests.is_none() {
                settings.image = self.some(|_| "registry.lab/x@sha256:00".to_owned());
            }
            if matches!(component, Apiserver | Component::Admin) {
                settings.organizations = self.some(|draw| written(draw.set(2, Draw::group)));
            }
            if component == Component::ServiceAccount {
                let key = settings.policy.key.take();
                settings.policy = PolicyOverride { key, ..PolicyOverride::default() };
                if spec.defaults.key.value == KeyAlgorithm::Ed25519 {
                    settings.policy.key.get_or_insert(written(KeyAlgorithm::DEFAULT));
                }
            }
            if component == KubeProxy {
                let default = format!("{:?}", ComponentSettings::default());
                spec.kube_proxy = self.is() || format!("{settings:?}") != default;
            }
            spec.components.insert(component, settings);
        }
    }

    fn flags(&mut self, component: Component, own_pods: bool) -> BTreeMap<String, FlagSetting> {
        const VALUES: [&str; 7] = ["2", "", "true", "a b=c,d", "\"é\" \\n", "#true //", "#null"];
        let names = self.set(3, |draw| draw.one(&["v", "profiling", "feature-gates"]));
        let value = |name: &str, draw: &mut Self| {
            (name.to_owned(), FlagSetting::Value(draw.one(&VALUES).to_owned()))
        };
        let given: Vec<_> = names.into_iter().map(|name| value(name, self)).collect();
        let own = match component {
            Component::Apiserver => "enable-bootstrap-token-auth",
            Component::Etcd => "snapshot-count",
            _ => "leader-elect",
        };
        // An operator deletes it from the manifest.
        let taken =
            own_pods.then(|| self.some(|_| (own.to_owned(), FlagSetting::Absent))).flatten();
        given.into_iter().chain(taken).collect()
    }

    /// Of rows that every node of a role has.
    fn leaves(&mut self, spec: &mut Spec) {
        for node in &mut spec.nodes {
            let rows: &[&str] = match node.role {
                Role::ControlPlane => &["apiserver", "admin", "front-proxy-client", "kubelet"],
                Role::Worker => &["kubelet"],
                Role::Etcd => &["etcd-server", "etcd-peer"],
            };
            for row in rows {
                let is_server = matches!(*row, "apiserver" | "etcd-server" | "etcd-peer");
                let in_kubeconfig = matches!(*row, "admin" | "kubelet");
                let mut leaf = LeafOverride {
                    origin: Origin::Default,
                    sans: self.some(|draw| draw.origins(3, Draw::san)),
                    organizations: self.some(|draw| written(draw.set(2, Draw::group))),
                    policy: self.policy(&KeyAlgorithm::ALL),
                    server: self.some(Draw::server),
                };
                leaf.sans = leaf.sans.filter(|_| is_server);
                // Whoever dials it is refused without: the description would contradict itself.
                let dialled = [
                    "10.96.0.1",
                    "10.200.0.1",
                    "127.0.0.1",
                    "::1",
                    "kubernetes",
                    "kubernetes.default.svc",
                    "10.0.0.11",
                    "n0",
                ]
                .map(named);
                let own = node.addresses.iter().map(|address| San::Ip(address.ip()));
                let dialled: Vec<San> = dialled.into_iter().chain(own).collect();
                if let Some(sans) = &mut leaf.sans {
                    sans.extend(dialled.iter().map(|name| (name.clone(), Origin::Default)));
                }
                leaf.server = leaf.server.filter(|_| in_kubeconfig);
                let LeafOverride { sans, organizations, policy, server, .. } = &leaf;
                let PolicyOverride { key, validity, renew_before } = policy;
                let says = [sans.is_some(), organizations.is_some(), server.is_some()];
                let says = says.contains(&true) || key.is_some();
                if says || validity.is_some() || renew_before.is_some() {
                    node.leaves.insert(row, leaf);
                }
            }
        }
    }

    fn users(&mut self, spec: &mut Spec) {
        let mut omar = spec.users.remove(0);
        for index in 0..self.below(3) {
            let user = self.user(index, &spec.defaults);
            spec.users.push(user);
        }
        if self.is() {
            let PolicyOverride { validity, renew_before, .. } = self.policy(&KeyAlgorithm::ALL);
            let own = PolicyOverride { key: None, validity, renew_before };
            omar.policy = spec.defaults.overridden_by(&own);
            omar.via = self.one(&Via::ALL);
            spec.users.push(omar);
        }
        spec.users.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    }

    fn user(&mut self, index: usize, defaults: &Policy) -> User {
        let via = self.one(&Via::ALL);
        let allow_masters = via == Via::Ca && self.is();
        let mut groups = self.origins(3, Draw::group);
        if allow_masters {
            groups.insert(named("system:masters"), Origin::Default);
        }
        let own = self.some(|draw| format!("{index}{}", draw.printable()));
        let common_name = own.unwrap_or_else(|| format!("u{index}"));
        let mut bindings: Vec<Binding> =
            (0..self.below(4)).map(|role| self.binding(role, &groups)).collect();
        bindings.sort();
        User {
            origin: Origin::Default,
            name: named(&format!("u{index}")),
            common_name: named(&common_name),
            groups,
            policy: defaults.overridden_by(&self.policy(&KeyAlgorithm::ALL)),
            revision: self.revision(),
            allow_masters,
            namespace: self.some(Draw::namespace),
            server: self.some(Draw::server),
            via,
            request: None,
            bindings: bindings.into_iter().map(written).collect(),
        }
    }

    fn binding(&mut self, index: usize, groups: &BTreeMap<Organization, Origin>) -> Binding {
        let role = named(&format!("role{index}{}", self.one(&["", ":x", "\"", "\\"])));
        let mut namespaces = self.set(3, Draw::namespace);
        let role = if self.is() {
            RoleRef::ClusterRole(role)
        } else {
            namespaces.insert(named("dev"));
            RoleRef::Role(role)
        };
        let groups: Vec<_> =
            groups.keys().cloned().chain([named("system:authenticated")]).collect();
        let group = self.some(|draw| draw.one(&groups));
        Binding { role, namespaces, group }
    }

    fn certificates(&mut self, spec: &mut Spec) {
        for index in 0..self.below(3) {
            let certificate = self.certificate(index, spec);
            spec.certificates.push(certificate);
        }
    }

    fn certificate(&mut self, index: usize, spec: &Spec) -> ExtraCertificate {
        let usage = self.one(&[Usage::Server, Usage::Client, Usage::ServerAndClient]);
        let name = format!("c{index}");
        let own = self.some(Draw::printable);
        let common_name = own.or_else(|| usage.client().then(|| name.clone()));
        let mut sans = self.origins(3, Draw::san);
        if usage.server() {
            sans.insert(named("c.lab"), Origin::Default);
        }
        let mut organizations = self.origins(2, Draw::group);
        organizations.extend(self.some(|_| (named("system:masters"), Origin::Default)));
        let mut nodes: Vec<_> = spec.nodes.iter().map(|node| node.name.clone()).collect();
        nodes.rotate_left(self.below(spec.nodes.len()));
        nodes.truncate(1 + self.below(2));
        let folders = ["etc/kubernetes/pki", "srv/certificates", "etc", "srv/tls"];
        let delivery =
            self.some(|draw| Delivery::Nodes { nodes, folder: named(draw.one(&folders)) });
        ExtraCertificate {
            origin: Origin::Default,
            name: named(&name),
            ca: self.one(&CaName::ALL),
            common_name: common_name.map(|name| named(&name)),
            organizations,
            usage,
            sans,
            policy: spec.defaults.overridden_by(&self.policy(&KeyAlgorithm::ALL)),
            revision: self.revision(),
            delivery: delivery.unwrap_or(Delivery::Operator),
        }
    }
}

/// One of each kind that is short.
fn recipients() -> [Recipient; 2] {
    [
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@laptop",
    ]
    .map(named)
}
