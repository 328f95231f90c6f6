//! `component "NAME" { … }`: settings of everything that one Kubernetes component uses.

mod words;

use std::collections::BTreeMap;

use self::words::LEAF;
pub use self::words::{
    ADMIN_GROUP, CLIENT, CONFIG, GROUP, KUBELET_CLIENT_GROUP, PORT, SERVING, SHAPE, SUPER,
    TOPOLOGY, USER, fields, group_word,
};
use super::block::Block;
use super::fields::{KEY, SAN, SERVER};
use super::flags::{self, IMAGE};
use super::groups;
use super::keypair;
use super::policy::Written;
use super::problem::{At, Problem, suggestion};
use super::reader::{Reader, Seen};
use crate::algorithm::KeyAlgorithm;
use crate::name::{API_PORT, San};
use crate::spec::{
    Component, ComponentSettings, EtcdTopology, KeypairState, KubeletClient, Origin, Policy,
    ServiceAccountKeys, Setting,
};
use crate::words::Worded as _;

pub struct Components {
    pub settings: BTreeMap<Component, ComponentSettings>,
    pub written: BTreeMap<Component, Written>,
    pub etcd: EtcdTopology,
    pub topology_at: Option<At>,
    pub kubelet_serving: bool,
    pub kubelet_config: bool,
    pub kubelet_client: KubeletClient,
    pub kube_proxy: bool,
    pub service_account: ServiceAccountKeys,
    /// Where `super=#false` is written.
    pub no_super_admin: Option<At>,
    pub places: Places,
}

impl Components {
    pub fn api_port(&self) -> u16 {
        let settings = self.settings.get(&Component::Apiserver);
        settings.and_then(|settings| settings.port.as_ref()).map_or(API_PORT, |port| port.value)
    }
}

/// Where the settings of static pods are written.
#[derive(Default)]
pub struct Places {
    pub flags: BTreeMap<(Component, String), At>,
    pub images: BTreeMap<Component, At>,
}

pub fn read(blocks: &[Block<'_>], defaults: &Policy, reader: &mut Reader<'_>) -> Components {
    let mut all = Components {
        settings: Component::ALL
            .into_iter()
            .map(|component| (component, ComponentSettings::default()))
            .collect(),
        written: BTreeMap::new(),
        etcd: EtcdTopology::Stacked,
        topology_at: None,
        kubelet_serving: false,
        kubelet_config: false,
        kubelet_client: KubeletClient::Issued,
        kube_proxy: false,
        service_account: ServiceAccountKeys::default(),
        no_super_admin: None,
        places: Places::default(),
    };
    let mut seen = Seen::new();
    for block in blocks {
        read_one(block, &mut seen, &mut all, reader);
    }
    keep_service_account_readable(&mut all, defaults);
    for written in all.written.values() {
        reader.check_renewal(&defaults.overridden_by(&written.policy), written);
    }
    all
}

fn read_one(block: &Block<'_>, seen: &mut Seen, all: &mut Components, reader: &mut Reader<'_>) {
    let Some(value) = block.name else {
        return;
    };
    let component = reader.choice(value, SHAPE.word, Component::WORDS);
    if component.is_some() && !reader.once(block, value, seen) {
        return;
    }
    if let Some(component) = component {
        for (word, at) in block.words() {
            let known = fields(component);
            if !known.clone().any(|field| field == word) {
                let message =
                    format!("`{word}` has no meaning for component \"{}\"", component.as_str());
                let help = suggestion("", known);
                reader.problem(Problem::new(at, message).help(help));
            }
        }
    }
    let sans: Vec<(San, At)> = reader.list(block, SAN);
    let topology = block.one(TOPOLOGY);
    let serving = reader.flag(block, SERVING);
    let config = reader.flag(block, CONFIG);
    let super_admin = reader.flag(block, SUPER);
    let words = [KUBELET_CLIENT_GROUP, ADMIN_GROUP];
    let groups = words.map(|word| groups::read(block, word, reader).map(|found| (word, found)));
    let word = component.and_then(group_word).map(|word| word.word());
    let own = groups.into_iter().flatten().find(|(known, _)| Some(known.word()) == word);
    let client = block.one(CLIENT);
    let client = client.and_then(|value| reader.choice(value, CLIENT.word(), KubeletClient::WORDS));
    let server = reader.one(block, SERVER);
    let port = reader.port(block, PORT);
    let user = reader.id(block, USER);
    let group = reader.id(block, GROUP);
    if let Some(at) = block.written(GROUP.field)
        && component.is_some_and(|component| component != Component::ServiceAccount)
        && block.written(USER.field).is_none()
    {
        reader.problem(
            Problem::new(at, "`group` without the `user` whose group it is")
                .help("write user=65534 as well, or delete the group: root reads every file"),
        );
    }
    let flags = flags::flags(block, reader);
    let image = flags::image(block, reader);
    let written = reader.policy(block);
    let revision = reader.revision(block);
    let topology = topology.and_then(|value| {
        reader.choice(value, TOPOLOGY.word(), EtcdTopology::WORDS).map(|t| (t, value.at))
    });
    match component {
        Some(Component::Etcd) => {
            if let Some((topology, at)) = topology {
                (all.etcd, all.topology_at) = (topology, Some(at));
            }
        }
        Some(Component::Kubelet) => {
            all.kubelet_serving = serving.is_some_and(|(serving, _)| serving);
            all.kubelet_config = config.is_some_and(|(config, _)| config);
            all.kubelet_client = client.unwrap_or(KubeletClient::Issued);
            if all.kubelet_client == KubeletClient::SelfRotated && !all.kubelet_serving {
                refuse_words_of_a_leaf(block, reader);
            }
            if let Some(at) = block.written(SAN.field).filter(|_| !all.kubelet_serving) {
                reader.problem(
                    Problem::new(at, "kubelet has no serving certificate to put a `san` in")
                        .help("add serving=#true, or delete the names"),
                );
            }
        }
        Some(Component::KubeProxy) => all.kube_proxy = true,
        Some(Component::Admin) => {
            all.no_super_admin = super_admin.filter(|(wanted, _)| !wanted).map(|(_, at)| at);
        }
        Some(Component::ServiceAccount) => {
            all.service_account = keypairs(block, reader);
            refuse_ed25519(block, &written, reader);
        }
        _ => {}
    }
    if let Some(component) = component {
        let places = flags.iter().map(|(name, (_, at))| ((component, name.clone()), *at));
        all.places.flags.extend(places);
        let image_at = block.written(IMAGE.field).map(|at| (component, at));
        all.places.images.extend(image_at);
        let settings = ComponentSettings {
            origin: reader.origin(block.at),
            policy: written.policy.clone(),
            sans: reader.origins(sans),
            revision,
            organizations: own.map(|(_, organizations)| organizations),
            flags: flags.into_iter().map(|(name, (value, _))| (name, value)).collect(),
            image,
            server,
            port,
            user,
            group,
        };
        all.settings.insert(component, settings);
        all.written.insert(component, written);
    }
}

/// Tokens by all of them are believed; there is no chain that a server shows.
fn keypairs(block: &Block<'_>, reader: &mut Reader<'_>) -> ServiceAccountKeys {
    let Some((signer, others)) = keypair::read(block, reader) else {
        return ServiceAccountKeys::default();
    };
    for line in std::iter::once(&signer).chain(&others) {
        if let Some(value) = line.certificate {
            reader.problem(
                Problem::new(value.at, "a service-account key has no certificate")
                    .help("delete it: kpki makes the key"),
            );
        }
        if line.state == Some(KeypairState::ServingOnly) {
            reader.problem(
                Problem::new(line.at, "nothing is served by a service-account key")
                    .help("write state=\"trusted\", or delete the line"),
            );
        }
    }
    let others = others.iter().map(|line| line.number).collect();
    ServiceAccountKeys { signer: signer.number, others }
}

fn refuse_ed25519(block: &Block<'_>, written: &Written, reader: &mut Reader<'_>) {
    if is_ed25519(written) {
        let at = block.one(KEY).map_or(block.at, |value| value.at);
        reader.problem(
            Problem::new(at, "kube-apiserver cannot read an ed25519 service-account key")
                .label("it exits at start")
                .help("use \"ecdsa-p256\" or \"rsa-2048\""),
        );
    }
}

/// Its own client certificate is the cluster's matter, and it has no other one.
fn refuse_words_of_a_leaf(block: &Block<'_>, reader: &mut Reader<'_>) {
    for (field, at) in LEAF.iter().filter_map(|field| Some((field, block.written(*field)?))) {
        let message =
            format!("`{}` speaks of no certificate: the kubelet renews its own", field.word);
        let help = "delete it; or add serving=#true, and it is of the serving certificate";
        reader.problem(Problem::new(at, message).help(help));
    }
}

fn is_ed25519(written: &Written) -> bool {
    let key = written.policy.key.as_ref();
    key.is_some_and(|key| key.value == KeyAlgorithm::Ed25519)
}

/// The service-account key's algorithm where `defaults { key "ed25519" }` cannot speak of it.
pub fn readable(defaults: &Policy) -> Option<KeyAlgorithm> {
    (defaults.key.value == KeyAlgorithm::Ed25519).then_some(KeyAlgorithm::DEFAULT)
}

fn keep_service_account_readable(all: &mut Components, defaults: &Policy) {
    if let Some(value) = readable(defaults)
        && let Some(settings) = all.settings.get_mut(&Component::ServiceAccount)
    {
        settings.policy.key.get_or_insert(Setting {
            value,
            origin: Origin::Derived(
                "ed25519 is not read by kube-apiserver as a service-account key",
            ),
        });
    }
}
