//! kubeadm's ClusterConfiguration, as a second witness: a file that was given to `kubeadm init`, or the
//! ConfigMap `kubeadm-config` as kubectl prints it. (Types: kubeadm `apis/v1beta3` and `v1beta4`.)

use std::collections::BTreeMap;

use super::At;
use crate::pod::{Lines, Setting, documents};

const GROUP: &str = "kubeadm.k8s.io/";
const VERSIONS: [&str; 2] = ["v1beta3", "v1beta4"];
const CLUSTER: &str = "ClusterConfiguration";

/// Kinds that stand beside it in such files and say nothing of the cluster's certificates.
const BESIDE: &[&str] = &[
    "InitConfiguration",
    "JoinConfiguration",
    "UpgradeConfiguration",
    "ResetConfiguration",
    "KubeletConfiguration",
    "KubeProxyConfiguration",
];

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub at: At,
    pub message: String,
}

/// Values as they are written, and none where nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeadmConfig {
    texts: BTreeMap<&'static str, Sourced<String>>,
    lists: BTreeMap<&'static str, Vec<Sourced<String>>>,
    /// Of each process: the names of `extraArgs`, sorted.
    pub extra_args: BTreeMap<&'static str, Vec<Sourced<String>>>,
    /// Kinds beside it that kpki does not know.
    pub unknown_kinds: Vec<Sourced<String>>,
    pub version: &'static str,
    /// Where it starts.
    pub at: At,
}

/// Text fields, by their path.
pub const TEXTS: &[&str] = &[
    "clusterName",
    "kubernetesVersion",
    "controlPlaneEndpoint",
    "certificatesDir",
    "networking.serviceSubnet",
    "networking.podSubnet",
    "networking.dnsDomain",
    "etcd.external.caFile",
    "etcd.external.certFile",
    "etcd.external.keyFile",
    "encryptionAlgorithm",
    "certificateValidityPeriod",
    "caCertificateValidityPeriod",
];
/// Only in v1beta4.
const NEWER: &[&str] =
    &["encryptionAlgorithm", "certificateValidityPeriod", "caCertificateValidityPeriod"];
pub const LISTS: &[&str] = &[
    "apiServer.certSANs",
    "etcd.local.serverCertSANs",
    "etcd.local.peerCertSANs",
    "etcd.external.endpoints",
];
/// A process, and where its extraArgs stand.
const EXTRA_ARGS: &[(&str, &str)] = &[
    ("kube-apiserver", "apiServer"),
    ("kube-controller-manager", "controllerManager"),
    ("kube-scheduler", "scheduler"),
    ("etcd", "etcd.local"),
];

impl KubeadmConfig {
    /// One of [`TEXTS`].
    pub fn text(&self, path: &str) -> Option<&Sourced<String>> {
        self.texts.get(path)
    }

    /// One of [`LISTS`].
    pub fn list(&self, path: &str) -> &[Sourced<String>] {
        self.lists.get(path).map_or(&[], Vec::as_slice)
    }

    /// Of a file that messages call `name`. All mistakes at once.
    pub fn read(name: &str, bytes: &[u8]) -> Result<KubeadmConfig, Vec<Mistake>> {
        let mut reader =
            Reader { name, mistakes: Vec::new(), found: None, unknown_kinds: Vec::new() };
        reader.file(bytes, Lines::After(0), true);
        if reader.found.is_none() && reader.mistakes.is_empty() {
            let names = reader.unknown_kinds.iter().map(|kind| kind.value.as_str());
            let names: Vec<&str> = names.collect();
            let instead = match names.as_slice() {
                [] => String::new(),
                names => format!(", but {}", names.join(", ")),
            };
            reader.mistake(
                0,
                format!(
                    "holds no ClusterConfiguration{instead}; \
                     kubectl -n kube-system get cm kubeadm-config -o yaml prints one"
                ),
            );
        }
        match reader.found {
            Some(found) if reader.mistakes.is_empty() => {
                Ok(KubeadmConfig { unknown_kinds: reader.unknown_kinds, ..found })
            }
            _ => Err(reader.mistakes),
        }
    }
}

struct Reader<'n> {
    name: &'n str,
    mistakes: Vec<Mistake>,
    found: Option<KubeadmConfig>,
    unknown_kinds: Vec<Sourced<String>>,
}

impl Reader<'_> {
    fn at(&self, line: usize) -> At {
        At::new(self.name, line)
    }

    fn mistake(&mut self, line: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake { at: self.at(line), message: message.into() });
    }

    fn file(&mut self, bytes: &[u8], lines: Lines, is_outermost: bool) {
        for document in documents(bytes, lines) {
            match document {
                Ok(document) => self.object(document.root(), is_outermost),
                Err(error) => self.mistake(error.line.unwrap_or(0), error.message),
            }
        }
    }

    fn object(&mut self, root: Setting<'_>, is_outermost: bool) {
        let text = |key: &str| root.get(key).and_then(Setting::text);
        let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            return self.mistake(root.line(), "a document without apiVersion or kind");
        };
        match (version.strip_prefix(GROUP), kind) {
            (Some(own), CLUSTER) => match VERSIONS.into_iter().find(|known| *known == own) {
                Some(version) => self.cluster(root, version),
                None => self.mistake(
                    root.line(),
                    format!(
                        "{version} is not read, only {}: kubeadm config migrate writes it anew",
                        VERSIONS.join(" and ")
                    ),
                ),
            },
            (None, "ConfigMap") if version == "v1" && is_outermost => self.config_map(root),
            _ if BESIDE.contains(&kind) => {}
            _ => {
                let value = format!("{kind} of {version}");
                let at = self.at(root.line());
                self.unknown_kinds.push(Sourced { value, at });
            }
        }
    }

    fn config_map(&mut self, root: Setting<'_>) {
        let data = root.get("data").and_then(|data| data.get(CLUSTER));
        match data.map(|data| (data, data.text())) {
            Some((data, Some(text))) => {
                self.file(text.as_bytes(), data.text_lines(), false);
            }
            Some((data, None)) => {
                self.mistake(data.line(), format!("data.{CLUSTER} is not a text"));
            }
            None => self.mistake(
                root.line(),
                format!("a ConfigMap without data.{CLUSTER}; kubeadm-config has it"),
            ),
        }
    }

    fn cluster(&mut self, root: Setting<'_>, version: &'static str) {
        if let Some(first) = &self.found {
            let first = first.at.line;
            return self
                .mistake(root.line(), format!("a second {CLUSTER}, the first is in line {first}"));
        }
        let mut found = KubeadmConfig {
            texts: BTreeMap::new(),
            lists: BTreeMap::new(),
            extra_args: BTreeMap::new(),
            unknown_kinds: Vec::new(),
            version,
            at: self.at(root.line()),
        };
        for path in TEXTS {
            let Some(setting) = self.find(root, path) else { continue };
            if NEWER.contains(path) && version == VERSIONS[0] {
                self.mistake(setting.line(), format!("{path} is not a field of {version}"));
            } else if let Some(value) = self.text(setting, path) {
                // An empty text is none, as in Go.
                if !value.value.is_empty() {
                    found.texts.insert(path, value);
                }
            }
        }
        for path in LISTS {
            let Some(setting) = self.find(root, path) else { continue };
            let Some(items) = setting.items() else {
                self.mistake(setting.line(), format!("{path} is not a list"));
                continue;
            };
            let values = items.filter_map(|item| self.text(item, path)).collect();
            found.lists.insert(path, values);
        }
        for (process, parent) in EXTRA_ARGS {
            let path = format!("{parent}.extraArgs");
            if let Some(setting) = self.find(root, &path) {
                let names = self.extra_args(setting, &path, version);
                found.extra_args.insert(process, names);
            }
        }
        self.found = Some(found);
    }

    /// What stands at a path; a part of it that is no mapping is a mistake, told once.
    fn find<'a>(&mut self, root: Setting<'a>, path: &str) -> Option<Setting<'a>> {
        let mut here = root;
        for key in path.split('.') {
            if !here.is_mapping() {
                let line = here.line();
                let message = format!("not a mapping, though {path} would stand in it");
                if !self.mistakes.iter().any(|mistake| mistake.at.line == line) {
                    self.mistake(line, message);
                }
                return None;
            }
            here = here.get(key)?;
        }
        Some(here)
    }

    fn text(&mut self, setting: Setting<'_>, path: &str) -> Option<Sourced<String>> {
        let text = setting.text();
        if text.is_none() {
            self.mistake(setting.line(), format!("{path}: not a text; write it in quotes"));
        }
        Some(Sourced { value: text?.to_owned(), at: self.at(setting.line()) })
    }

    /// A mapping of names in v1beta3, a list of `name` and `value` in v1beta4.
    fn extra_args(
        &mut self,
        setting: Setting<'_>,
        path: &str,
        version: &str,
    ) -> Vec<Sourced<String>> {
        let mut names = Vec::new();
        if version == VERSIONS[0] {
            match setting.entries() {
                Some(entries) => names.extend(entries.map(|(name, value)| Sourced {
                    value: name.to_owned(),
                    at: At::new(self.name, value.line()),
                })),
                None => {
                    self.mistake(
                        setting.line(),
                        format!("{path} is not a mapping, as {version} has it"),
                    );
                }
            }
        } else {
            match setting.items() {
                Some(items) => {
                    for item in items {
                        match item.get("name").and_then(Setting::text) {
                            Some(name) => names
                                .push(Sourced { value: name.to_owned(), at: self.at(item.line()) }),
                            None => self
                                .mistake(item.line(), format!("{path} has an item without a name")),
                        }
                    }
                }
                None => {
                    self.mistake(
                        setting.line(),
                        format!("{path} is not a list, as {version} has it"),
                    );
                }
            }
        }
        names.sort_by(|one, other| one.value.cmp(&other.value));
        names
    }
}
