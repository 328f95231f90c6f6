//! `component "NAME" { … }`: settings of everything that one Kubernetes component uses.

use std::collections::BTreeMap;

use super::block::{Block, Shape, many, one, pairs};
use super::flags;
use super::policy::Written;
use super::problem::{At, Problem, suggestion};
use super::reader::{Reader, Seen};
use crate::algorithm::KeyAlgorithm;
use crate::name::San;
use crate::spec::{Component, ComponentSettings, EtcdTopology, Origin, Policy, Setting};

pub const SHAPE: Shape = Shape {
    word: "component",
    example: Some("apiserver"),
    fields: &[
        one("key"),
        one("validity"),
        one("renew-before"),
        one("revision"),
        many("san"),
        one("topology"),
        one("serving"),
        one("config"),
        one("image"),
        pairs("flag"),
    ],
};

const NAMES: [(Component, &str); 8] = [
    (Component::Apiserver, "apiserver"),
    (Component::Etcd, "etcd"),
    (Component::Kubelet, "kubelet"),
    (Component::ControllerManager, "controller-manager"),
    (Component::Scheduler, "scheduler"),
    (Component::KubeProxy, "kube-proxy"),
    (Component::Admin, "admin"),
    (Component::ServiceAccount, "service-account"),
];

const TOPOLOGIES: [(EtcdTopology, &str); 2] =
    [(EtcdTopology::Stacked, "stacked"), (EtcdTopology::External, "external")];

/// What each component's block may hold.
fn words(component: Component) -> &'static [&'static str] {
    match component {
        Component::Apiserver => {
            &["key", "validity", "renew-before", "revision", "san", "image", "flag"]
        }
        Component::ControllerManager | Component::Scheduler => {
            &["key", "validity", "renew-before", "revision", "image", "flag"]
        }
        Component::Etcd => {
            &["key", "validity", "renew-before", "revision", "san", "topology", "image", "flag"]
        }
        Component::Kubelet => {
            &["key", "validity", "renew-before", "revision", "san", "serving", "config"]
        }
        // A key pair without a certificate: nothing expires.
        Component::ServiceAccount => &["key", "revision"],
        _ => &["key", "validity", "renew-before", "revision"],
    }
}

pub struct Components {
    pub settings: BTreeMap<Component, ComponentSettings>,
    pub written: BTreeMap<Component, Written>,
    pub etcd: EtcdTopology,
    pub topology_at: Option<At>,
    pub kubelet_serving: bool,
    pub kubelet_config: bool,
    pub kube_proxy: bool,
    pub places: Places,
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
        kube_proxy: false,
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
    let component = reader.choice(value, "component", &NAMES);
    if component.is_some() && !reader.once(block, value, seen) {
        return;
    }
    if let Some(component) = component {
        for (word, at) in block.words() {
            let known = words(component);
            if !known.contains(&word) {
                let message =
                    format!("`{word}` has no meaning for component \"{}\"", component.as_str());
                let help = suggestion("", known.iter().copied());
                reader.problem(Problem::new(at, message).help(help));
            }
        }
    }
    let sans: Vec<(San, At)> = reader.list(block, "san");
    let topology = block.one("topology");
    let serving = reader.flag(block, "serving");
    let config = reader.flag(block, "config");
    let flags = flags::flags(block, reader);
    let image = flags::image(block, reader);
    let written = reader.policy(block);
    let revision = reader.revision(block);
    let topology = topology
        .and_then(|value| reader.choice(value, "topology", &TOPOLOGIES).map(|t| (t, value.at)));
    match component {
        Some(Component::Etcd) => {
            if let Some((topology, at)) = topology {
                (all.etcd, all.topology_at) = (topology, Some(at));
            }
        }
        Some(Component::Kubelet) => {
            all.kubelet_serving = serving.is_some_and(|(serving, _)| serving);
            all.kubelet_config = config.is_some_and(|(config, _)| config);
            if let Some(at) = block.written("san").filter(|_| !all.kubelet_serving) {
                reader.problem(
                    Problem::new(at, "kubelet has no serving certificate to put a `san` in")
                        .help("add serving=#true, or delete the names"),
                );
            }
        }
        Some(Component::KubeProxy) => all.kube_proxy = true,
        Some(Component::ServiceAccount) if is_ed25519(&written) => {
            let at = block.one("key").map_or(block.at, |value| value.at);
            reader.problem(
                Problem::new(at, "kube-apiserver cannot read an ed25519 service-account key")
                    .label("it exits at start")
                    .help("use \"ecdsa-p256\" or \"rsa-2048\""),
            );
        }
        _ => {}
    }
    if let Some(component) = component {
        let places = flags.iter().map(|(name, (_, at))| ((component, name.clone()), *at));
        all.places.flags.extend(places);
        let image_at = block.written("image").map(|at| (component, at));
        all.places.images.extend(image_at);
        let settings = ComponentSettings {
            policy: written.policy.clone(),
            sans: sans.into_iter().map(|(san, _)| san).collect(),
            revision,
            flags: flags.into_iter().map(|(name, (value, _))| (name, value)).collect(),
            image,
        };
        all.settings.insert(component, settings);
        all.written.insert(component, written);
    }
}

fn is_ed25519(written: &Written) -> bool {
    let key = written.policy.key.as_ref();
    key.is_some_and(|key| key.value == KeyAlgorithm::Ed25519)
}

/// `defaults { key "ed25519" }` speaks of leaves.
fn keep_service_account_readable(all: &mut Components, defaults: &Policy) {
    if defaults.key.value == KeyAlgorithm::Ed25519
        && let Some(settings) = all.settings.get_mut(&Component::ServiceAccount)
    {
        settings.policy.key.get_or_insert(Setting {
            value: KeyAlgorithm::DEFAULT,
            origin: Origin::Derived(
                "ed25519 is not read by kube-apiserver as a service-account key",
            ),
        });
    }
}
