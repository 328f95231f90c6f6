//! What the kubelet of a machine goes by: flags of its command line, which win, and its configuration file.
//!
//! `instance-config.yaml` is no witness: kubeadm merges it into config.yaml, and the kubelet never reads it.

use std::collections::BTreeMap;

use super::kubelet_flags::{Flags, flags};
use super::unit::{command_line, text};
use super::{At, Look, Machine};
use crate::facts::CertificateFacts;
use crate::holdings::{Held, read};
use crate::pod::{Lines, Setting, documents};

/// What kubeadm lets the kubelet have of its own.
const FOLDER: &str = "var/lib/kubelet";
/// The flag's default (kubelet, `options.go`).
const CERT_DIR: &str = "/var/lib/kubelet/pki";
const NODE: &str = "system:node:";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KubeletSetting {
    ClientCaFile,
    StaticPodPath,
    ClusterDomain,
    TlsCertFile,
    TlsPrivateKeyFile,
    RotateCertificates,
    ServerTlsBootstrap,
    ContainerRuntimeEndpoint,
    Kubeconfig,
    BootstrapKubeconfig,
    Config,
    ConfigDir,
    CertDir,
    HostnameOverride,
    NodeIp,
}

use KubeletSetting as Of;

#[derive(Debug)]
struct Row {
    setting: KubeletSetting,
    flag: &'static str,
    /// In a KubeletConfiguration; none where the flag alone says it.
    keys: &'static [&'static str],
    is_boolean: bool,
}

const fn row(setting: Of, flag: &'static str, keys: &'static [&'static str]) -> Row {
    Row { setting, flag, keys, is_boolean: false }
}

/// As `options.go` of the kubelet and `v1beta1.KubeletConfiguration` name them.
const ROWS: &[Row] = &[
    row(Of::ClientCaFile, "client-ca-file", &["authentication", "x509", "clientCAFile"]),
    row(Of::StaticPodPath, "pod-manifest-path", &["staticPodPath"]),
    row(Of::ClusterDomain, "cluster-domain", &["clusterDomain"]),
    row(Of::TlsCertFile, "tls-cert-file", &["tlsCertFile"]),
    row(Of::TlsPrivateKeyFile, "tls-private-key-file", &["tlsPrivateKeyFile"]),
    Row {
        is_boolean: true,
        ..row(Of::RotateCertificates, "rotate-certificates", &["rotateCertificates"])
    },
    Row {
        is_boolean: true,
        ..row(Of::ServerTlsBootstrap, "rotate-server-certificates", &["serverTLSBootstrap"])
    },
    row(Of::ContainerRuntimeEndpoint, "container-runtime-endpoint", &["containerRuntimeEndpoint"]),
    row(Of::Kubeconfig, "kubeconfig", &[]),
    row(Of::BootstrapKubeconfig, "bootstrap-kubeconfig", &[]),
    row(Of::Config, "config", &[]),
    row(Of::ConfigDir, "config-dir", &[]),
    row(Of::CertDir, "cert-dir", &[]),
    row(Of::HostnameOverride, "hostname-override", &[]),
    row(Of::NodeIp, "node-ip", &[]),
];

/// What is known of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A boolean is `true` or `false`.
    Said { value: String, at: At },
    /// Flags and file were read and do not say it: the kubelet's own default.
    NotSaid,
    /// Something that may say it was not read.
    Unread { at: At, why: String },
    /// What would say it is not in the copy.
    NotHandedOver,
}

/// A pair of the kubelet's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeletPair {
    Read { at: String, facts: Box<CertificateFacts> },
    Unread { at: String, why: String },
    Absent,
    NotHandedOver,
}

#[derive(Debug)]
pub struct KubeletFacts {
    facts: BTreeMap<KubeletSetting, Fact>,
    /// No kubelet.service was handed over: its flags are those of kubeadm's packages and of the files of
    /// variables.
    pub unit_is_assumed: bool,
    /// Everything that could not be read.
    pub unread: Vec<(At, String)>,
    /// `kubelet-client-current.pem`: of a kubelet that renews its certificate itself.
    pub client: KubeletPair,
    /// `kubelet-server-current.pem`: signed by the cluster.
    pub server: KubeletPair,
    /// `kubelet.crt`: signed by the kubelet itself, where nothing else was given. Never a fault.
    pub self_signed: KubeletPair,
}

impl KubeletPair {
    /// The node whose kubelet shows it, by its common name.
    pub fn node(&self) -> Option<String> {
        let KubeletPair::Read { facts, .. } = self else { return None };
        Some(facts.subject.common_name()?.strip_prefix(NODE)?.to_owned())
    }
}

impl KubeletFacts {
    pub fn read(machine: &Machine) -> KubeletFacts {
        let line = command_line(machine);
        let unit_is_assumed = line.assumed;
        let booleans: Vec<&str> =
            ROWS.iter().filter(|row| row.is_boolean).map(|row| row.flag).collect();
        let flags = flags(line, &booleans);
        let mut unread = flags.unread.clone();
        let file = File::read(machine, &flags);
        if let File::Unread(at, why) = &file {
            unread.push((at.clone(), why.clone()));
        }
        let facts: BTreeMap<_, _> =
            ROWS.iter().map(|row| (row.setting, fact(row, &flags, &file))).collect();
        for fact in facts.values() {
            if let Fact::Unread { at, why } = fact
                && !unread.iter().any(|(known, reason)| (known, reason) == (at, why))
            {
                unread.push((at.clone(), why.clone()));
            }
        }
        let folder = match facts.get(&Of::CertDir) {
            Some(Fact::Said { value, .. }) => value.as_str(),
            _ => CERT_DIR,
        };
        let pair = |name: &str| pair(machine, folder, name);
        let (client, server, self_signed) = (
            pair("kubelet-client-current.pem"),
            pair("kubelet-server-current.pem"),
            pair("kubelet.crt"),
        );
        KubeletFacts { facts, unit_is_assumed, unread, client, server, self_signed }
    }

    pub fn get(&self, setting: KubeletSetting) -> &Fact {
        self.facts.get(&setting).unwrap_or(&Fact::NotSaid)
    }
}

/// The configuration file: what each row's keys say.
enum File {
    /// No flag names one.
    None,
    NotHandedOver,
    Unread(At, String),
    Read(BTreeMap<KubeletSetting, Fact>),
}

impl File {
    fn read(machine: &Machine, flags: &Flags) -> File {
        if let Some((at, _)) = flags.values.get("config-dir") {
            let why = "names a --config-dir, whose files say more than kpki reads".to_owned();
            return File::Unread(at.clone(), why);
        }
        let path = match flags.values.get("config") {
            None => return File::None,
            Some((at, Err(why))) => return File::Unread(at.clone(), why.clone()),
            Some((_, Ok(path))) => path,
        };
        let (real, text) = match text(machine, path) {
            Ok(Some(found)) => found,
            // The kubelet does not start without it.
            Ok(None) => return File::NotHandedOver,
            Err((at, why)) => return File::Unread(at, why),
        };
        let at = |line: Option<usize>| At::new(&real, line.unwrap_or(0));
        let mut all = documents(text.as_bytes(), Lines::After(0)).into_iter();
        let document = match (all.next(), all.next()) {
            (Some(Ok(document)), None) => document,
            (Some(Err(error)), _) => return File::Unread(at(error.line), error.message),
            (None, _) => return File::Unread(at(None), "is empty".to_owned()),
            (_, Some(_)) => {
                return File::Unread(at(None), "holds several documents".to_owned());
            }
        };
        let root = document.root();
        let says = |key: &str, wanted: &str| {
            root.get(key).and_then(Setting::text).is_some_and(|found| found == wanted)
        };
        if !says("kind", "KubeletConfiguration")
            || !says("apiVersion", "kubelet.config.k8s.io/v1beta1")
        {
            let why = "is no KubeletConfiguration of kubelet.config.k8s.io/v1beta1".to_owned();
            return File::Unread(at(Some(root.line())), why);
        }
        let rows = ROWS.iter().filter(|row| !row.keys.is_empty());
        File::Read(rows.map(|row| (row.setting, in_file(row, root, &real))).collect())
    }
}

fn in_file(row: &Row, root: Setting<'_>, path: &str) -> Fact {
    let mut here = root;
    for key in row.keys {
        if !here.is_mapping() {
            let at = At::new(path, here.line());
            return Fact::Unread { at, why: format!("has no mapping where {key} is looked for") };
        }
        match here.get(key) {
            Some(next) => here = next,
            None => return Fact::NotSaid,
        }
    }
    let at = At::new(path, here.line());
    let value = if row.is_boolean {
        here.boolean().map(|value| value.to_string())
    } else {
        here.text().map(str::to_owned)
    };
    let key = row.keys.join(".");
    match value {
        // An empty text is the default, as in Go.
        Some(value) if value.is_empty() => Fact::NotSaid,
        Some(value) => Fact::Said { value, at },
        None if row.is_boolean => Fact::Unread { at, why: format!("{key} is not a boolean") },
        None => Fact::Unread { at, why: format!("{key} is not a text") },
    }
}

fn fact(row: &Row, flags: &Flags, file: &File) -> Fact {
    // What was not read may set the flag once more, and the last one counts.
    if let Some((at, why)) = flags.unread.first() {
        return Fact::Unread { at: at.clone(), why: why.clone() };
    }
    match flags.values.get(row.flag) {
        Some((at, Ok(value))) if row.is_boolean => {
            // strconv.ParseBool
            let value = match value.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => "true",
                "0" | "f" | "F" | "false" | "FALSE" | "False" => "false",
                _ => {
                    let why = format!("--{} is not a boolean", row.flag);
                    return Fact::Unread { at: at.clone(), why };
                }
            };
            return Fact::Said { value: value.to_owned(), at: at.clone() };
        }
        Some((at, Ok(value))) => return Fact::Said { value: value.clone(), at: at.clone() },
        Some((at, Err(why))) => return Fact::Unread { at: at.clone(), why: why.clone() },
        None if row.keys.is_empty() && flags.partial => return Fact::NotHandedOver,
        None if row.keys.is_empty() => return Fact::NotSaid,
        None => {}
    }
    match file {
        File::None => Fact::NotSaid,
        File::NotHandedOver => Fact::NotHandedOver,
        File::Unread(at, why) => Fact::Unread { at: at.clone(), why: why.clone() },
        File::Read(facts) => facts.get(&row.setting).cloned().unwrap_or(Fact::NotSaid),
    }
}

fn pair(machine: &Machine, folder: &str, name: &str) -> KubeletPair {
    let path = format!("{folder}/{name}");
    let unread = |at: &str, why: String| KubeletPair::Unread { at: at.to_owned(), why };
    match machine.look(&path) {
        Look::File(at, file) => match read(file.bytes.expose()) {
            Ok(held) => {
                let certificate = held.into_iter().find_map(|held| match held {
                    Held::Certificate { read, .. } => Some(read),
                    _ => None,
                });
                match certificate {
                    Some(Ok(certificate)) => {
                        KubeletPair::Read { at: at.to_owned(), facts: Box::new(certificate.facts) }
                    }
                    Some(Err(why)) => unread(at, why.to_string()),
                    None => unread(at, "holds no certificate".to_owned()),
                }
            }
            Err(why) => unread(at, why.in_words("certificate", "certificate")),
        },
        Look::Folder(at) => unread(at, "is a folder".to_owned()),
        Look::Unread(at, why) => unread(at, why.to_owned()),
        Look::LeadsAway { link, target } => {
            unread(link, format!("is a link to {target}, which was not handed over"))
        }
        Look::Circle => unread(&path, "is a link that goes round".to_owned()),
        Look::Absent if machine.has_below(FOLDER) => KubeletPair::Absent,
        Look::Absent => KubeletPair::NotHandedOver,
    }
}
