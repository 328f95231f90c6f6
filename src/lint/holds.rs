//! What one file holds, by its content; its name decides only where the content does not.

use std::collections::BTreeSet;

use memchr::memmem;

use super::Rule;
use super::other_secrets::other_secret;
use super::places::pki_file_at;
use super::rules::{UNREADABLE_CERTIFICATE, UNREADABLE_KEY, UNREADABLE_KUBECONFIG};
use crate::facts::kubeconfig::{Dialling, Login};
use crate::facts::{self, Part, PublicKey};
pub(super) use crate::holdings::Certificate;
use crate::holdings::{self, Held, KeyBlock};
use crate::pod::{self, PodFacts, Process};
use crate::profile::PkiFile;
use crate::secret::Secret;
use crate::state::Access;

/// One of a kubeconfig's data. Where there are both, embedded data wins over a file, as in client-go.
pub(super) enum Source<T> {
    Absent,
    Data(T),
    /// The path as it is written.
    File(String),
    /// Said among the damage.
    Unreadable,
}

/// The current context; without one all is absent.
pub(super) struct Kubeconfig {
    pub has_context: bool,
    pub server: Option<String>,
    pub dialling: Dialling,
    pub login: Login,
    pub authorities: Source<Vec<Certificate>>,
    /// The client's, then its intermediates.
    pub client: Source<Vec<Certificate>>,
    pub key: Source<PublicKey>,
}

pub(super) enum Manifest {
    Process(Process, PodFacts),
    /// Of one of the processes, but its flags cannot be told.
    Unclear(Process, String),
    /// Any other Pod.
    Other,
    NotAPod(String),
}

#[derive(Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Text,
    /// No component reads it.
    Der,
    /// An age file, not looked into.
    Sealed,
    /// PEM in base64 in a document of something else: each key belongs to what stands beside it there.
    Encoded,
}

#[derive(Default)]
pub(super) struct Holds {
    pub certificates: Vec<Certificate>,
    /// Of each its public half.
    pub private_keys: Vec<PublicKey>,
    /// One of the private keys has another form than its PEM label names.
    pub is_mislabelled: bool,
    pub public_keys: Vec<PublicKey>,
    pub kubeconfig: Option<Kubeconfig>,
    pub manifest: Option<Manifest>,
    /// PEM labels of what no component reads: requests, certificates in a form of OpenSSL's own.
    pub others: BTreeSet<String>,
    /// PEM that cannot be read in a file that may well be no PEM file.
    pub broken: Option<String>,
    pub form: Form,
    /// A private key, readable or not, or a token.
    pub secret: bool,
    /// A secret in another form, and which; looked for only where others can read it.
    pub other_secret: Option<&'static str>,
    pub damage: Vec<(&'static Rule, String)>,
}

const MARK: &[u8] = b"-----BEGIN ";
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";
const AGE_FILE: &[u8] = b"age-encryption.org/";
/// A SEQUENCE, as all of DER here begins.
const DER: u8 = 0x30;
/// Certificates under labels that OpenSSL takes and Go does not: a bundle loses them without a word.
const NOT_READ: [&str; 2] = ["TRUSTED CERTIFICATE", "X509 CERTIFICATE"];

impl Holds {
    pub fn read(path: &str, access: Access, bytes: &[u8]) -> Self {
        let mut holds = Self::content(path, bytes);
        // What is read as certificates is looked through.
        let is_read = bytes.starts_with(CERTIFICATE) && holds.damage.is_empty();
        if !holds.secret && !is_read && !access.is_private() {
            holds.other_secret = other_secret(name_of(path), bytes);
        }
        holds
    }

    fn content(path: &str, bytes: &[u8]) -> Self {
        let mut holds = Holds::default();
        let name = name_of(path);
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let is_pki = ["crt", "key", "pem", "pub"].contains(&end);
        if is_manifest(path) {
            holds.manifest = Some(manifest(bytes));
        }
        if holds.manifest.is_some() && !is_pki {
            return holds;
        }
        if bytes.starts_with(AGE_FILE) {
            holds.form = Form::Sealed;
        } else if is_kubeconfig(path, name, end, bytes) {
            // Before PEM is looked for: a kubeconfig may have some where base64 belongs.
            match facts::Kubeconfig::from_yaml(bytes) {
                Ok(parts) => holds.kubeconfig(parts),
                Err(error) => holds.damage.push((&UNREADABLE_KUBECONFIG, error.0)),
            }
        } else if memmem::find(bytes, MARK).is_some() {
            holds.pem(bytes, end);
        } else if !holds.encoded(bytes) {
            holds.binary(bytes, end);
        }
        holds
    }

    /// No PEM: DER in a file that nobody loads is read as what it is.
    fn binary(&mut self, bytes: &[u8], end: &str) {
        let rule = match end {
            "crt" => Some(&UNREADABLE_CERTIFICATE),
            "key" | "pub" => Some(&UNREADABLE_KEY),
            _ => None,
        };
        let read = (bytes.first() == Some(&DER)).then(|| holdings::der(bytes));
        match (read, rule) {
            (Some(Ok(held)), None) => {
                self.form = Form::Der;
                self.add(held);
            }
            (Some(Ok(held)), Some(rule)) => {
                self.secret = matches!(held, Held::PrivateKey(_));
                self.damage.push((rule, "is DER, and Kubernetes reads PEM alone".into()));
            }
            (_, Some(rule)) => {
                // What it is cannot be told, so it may be a key.
                self.secret = end == "key" && !bytes.is_empty();
                self.damage.push((rule, "holds no PEM block".into()));
            }
            (Some(Err(error)), None) if matches!(end, "cer" | "der") => {
                self.damage.push((&UNREADABLE_CERTIFICATE, error.0));
            }
            (None, None) if end == "cer" => {
                self.damage.push((&UNREADABLE_CERTIFICATE, "holds no PEM block".into()));
            }
            _ => {}
        }
    }

    fn pem(&mut self, bytes: &[u8], end: &str) {
        match holdings::in_pem(bytes) {
            Ok(all) => all.into_iter().for_each(|held| self.add(held)),
            Err(error) => {
                // In other files it may be an example in a text.
                let rule = match end {
                    "key" | "pub" => &UNREADABLE_KEY,
                    "crt" | "cer" | "pem" => &UNREADABLE_CERTIFICATE,
                    _ => {
                        self.broken = Some(error.0);
                        return;
                    }
                };
                self.secret = memmem::find(bytes, b"PRIVATE KEY").is_some();
                self.damage.push((rule, error.0));
            }
        }
    }

    pub(super) fn add(&mut self, held: Held) {
        match held {
            Held::Certificate { under_headers: true, .. } => self.damage.push((
                &UNREADABLE_CERTIFICATE,
                "has headers inside the PEM block, which Kubernetes skips".into(),
            )),
            Held::Certificate { read: Ok(certificate), .. } => self.certificates.push(certificate),
            Held::Certificate { read: Err(error), .. } => {
                self.damage.push((&UNREADABLE_CERTIFICATE, error.0));
            }
            Held::PublicKey(Ok(key)) => self.public_keys.push(key),
            Held::PublicKey(Err(error)) => self.damage.push((&UNREADABLE_KEY, error.0)),
            Held::PrivateKey(key) => {
                self.secret = true;
                self.is_mislabelled |= !key.fits_its_label();
                match public_half(&key) {
                    Ok(key) => self.private_keys.push(key),
                    Err(why) => self.damage.push((&UNREADABLE_KEY, why)),
                }
            }
            Held::Request(_) => {
                self.others.insert("CERTIFICATE REQUEST".to_owned());
            }
            Held::Other { label } if label == "AGE ENCRYPTED FILE" => self.form = Form::Sealed,
            Held::Other { label } => {
                if NOT_READ.contains(&label.as_str()) {
                    let why = format!("holds a block {label}, which Kubernetes passes over");
                    self.damage.push((&UNREADABLE_CERTIFICATE, why));
                }
                self.others.insert(label);
            }
            Held::Sealed(_) => self.form = Form::Sealed,
            // Never a block.
            Held::Kubeconfig(_) => {}
        }
    }

    fn kubeconfig(&mut self, parts: facts::Kubeconfig) {
        self.secret = parts.holds_secret;
        let authorities =
            self.part("certificate-authority-data", &parts.certificate_authority, certificates);
        let client = self.part("client-certificate-data", &parts.client_certificate, certificates);
        let key = self.part("client-key-data", &parts.client_key, key);
        self.kubeconfig = Some(Kubeconfig {
            has_context: !parts.context.is_empty(),
            server: parts.server,
            dialling: parts.dialling,
            login: parts.login,
            authorities,
            client,
            key,
        });
    }

    fn part<T>(
        &mut self,
        field: &str,
        part: &Part,
        read: fn(Holds) -> Result<T, String>,
    ) -> Source<T> {
        let why = match part {
            Part::Absent => return Source::Absent,
            Part::File(path) => return Source::File(path.clone()),
            Part::Embedded(bytes) => match embedded(bytes).and_then(read) {
                Ok(data) => return Source::Data(data),
                Err(why) => format!("has a {field} that {why}"),
            },
            Part::Damaged(why) => why.clone(),
        };
        self.damage.push((&UNREADABLE_KUBECONFIG, why));
        Source::Unreadable
    }
}

/// Every block of embedded data; the first thing that cannot be read ends it.
fn embedded(bytes: &Secret) -> Result<Holds, String> {
    let mut holds = Holds::default();
    holdings::in_pem(bytes.expose())
        .map_err(|error| error.0)?
        .into_iter()
        .for_each(|held| holds.add(held));
    match holds.damage.pop() {
        Some((_, why)) => Err(why),
        None => Ok(holds),
    }
}

fn certificates(holds: Holds) -> Result<Vec<Certificate>, String> {
    let found = Some(holds.certificates).filter(|all| !all.is_empty());
    found.ok_or_else(|| "holds no certificate".to_owned())
}

/// The first one, as Go takes it.
fn key(holds: Holds) -> Result<PublicKey, String> {
    holds.private_keys.into_iter().next().ok_or_else(|| "holds no private key".to_owned())
}

/// A key that kpki does not support may still be one that Kubernetes does.
fn public_half(key: &KeyBlock) -> Result<PublicKey, String> {
    if key.is_encrypted() {
        return Err("is encrypted, and Kubernetes cannot ask for a password".into());
    }
    key.any_public_half().map_err(|error| error.to_string())
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Folders of static pods: kubeadm's, that of RKE2, and that of Typhoon before it is laid out.
const STATIC_PODS: [&str; 3] = ["manifests", "pod-manifests", "static-manifests"];

/// A direct child of such a folder that the kubelet would read.
fn is_manifest(path: &str) -> bool {
    match path.rsplit_once('/') {
        Some((folder, name)) => {
            let folder = folder.rsplit('/').next();
            !name.starts_with('.') && folder.is_some_and(|folder| STATIC_PODS.contains(&folder))
        }
        None => false,
    }
}

/// Kubeconfigs by their whole name: kubeadm's for a node that joins, and everybody's.
const NAMES: [&str; 2] = ["bootstrap-kubelet.conf", "kubeconfig"];

/// By its name or place, or by its content.
fn is_kubeconfig(path: &str, name: &str, end: &str, bytes: &[u8]) -> bool {
    end == "kubeconfig"
        || NAMES.contains(&name)
        || facts::Kubeconfig::is_meant(bytes)
        || pki_file_at(path) == Some(PkiFile::Kubeconfig)
}

fn manifest(bytes: &[u8]) -> Manifest {
    match pod::process_of(bytes) {
        Err(error) => Manifest::NotAPod(error.to_string()),
        Ok(None) => Manifest::Other,
        Ok(Some(process)) => match pod::read(bytes, process) {
            Ok(facts) => Manifest::Process(process, facts),
            Err(error) => Manifest::Unclear(process, error.to_string()),
        },
    }
}
