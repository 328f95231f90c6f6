//! What one file holds, by its content; its name decides only where the content does not.

use super::Rule;
use super::rules::{UNREADABLE_CERTIFICATE, UNREADABLE_KEY, UNREADABLE_KUBECONFIG};
use crate::facts::{self, Part, PublicKey};
pub(super) use crate::holdings::Certificate;
use crate::holdings::{self, Held, KeyBlock};
use crate::pod::{self, PodFacts, Process};
use crate::secret::Secret;

pub(super) struct Kubeconfig {
    pub server: Option<String>,
    pub authorities: Vec<Certificate>,
    /// The client's, then its intermediates.
    pub client: Vec<Certificate>,
    pub key: Option<PublicKey>,
}

pub(super) enum Manifest {
    Process(Process, PodFacts),
    /// Of one of the processes, but its flags cannot be told.
    Unclear(Process, String),
    /// Any other Pod.
    Other,
    NotAPod(String),
}

#[derive(Default)]
pub(super) struct Holds {
    pub certificates: Vec<Certificate>,
    /// Of each its public half.
    pub private_keys: Vec<PublicKey>,
    pub public_keys: Vec<PublicKey>,
    pub kubeconfig: Option<Kubeconfig>,
    pub manifest: Option<Manifest>,
    /// A private key, readable or not, or a token.
    pub secret: bool,
    pub damage: Vec<(&'static Rule, String)>,
}

const MARK: &[u8] = b"-----BEGIN ";

impl Holds {
    pub fn read(path: &str, bytes: &[u8]) -> Self {
        let mut holds = Holds::default();
        let name = path.rsplit('/').next().unwrap_or(path);
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let is_pki = ["crt", "key", "pem", "pub"].contains(&end);
        if is_manifest(path) {
            holds.manifest = Some(manifest(bytes));
        }
        if holds.manifest.is_some() && !is_pki {
            return holds;
        }
        if bytes.windows(MARK.len()).any(|part| part == MARK) {
            holds.pem(bytes, end);
        } else if is_kubeconfig(name, end, bytes) {
            match facts::Kubeconfig::from_yaml(bytes) {
                Ok(parts) => holds.kubeconfig(parts),
                Err(error) => holds.damage.push((&UNREADABLE_KUBECONFIG, error.0)),
            }
        } else {
            let rule = match end {
                "crt" | "cer" => &UNREADABLE_CERTIFICATE,
                "key" | "pub" => &UNREADABLE_KEY,
                _ => return holds,
            };
            // What it is cannot be told, so it may be a key.
            holds.secret = end == "key" && !bytes.is_empty();
            holds.damage.push((rule, "holds no PEM block".into()));
        }
        holds
    }

    fn pem(&mut self, bytes: &[u8], end: &str) {
        match holdings::in_pem(bytes) {
            Ok(all) => all.into_iter().for_each(|held| self.add(held)),
            Err(error) => {
                // In other files it may be an example in a text.
                let rule = match end {
                    "key" | "pub" => &UNREADABLE_KEY,
                    "crt" | "cer" | "pem" => &UNREADABLE_CERTIFICATE,
                    _ => return,
                };
                self.secret = contains(bytes, b"PRIVATE KEY");
                self.damage.push((rule, error.0));
            }
        }
    }

    fn add(&mut self, held: Held) {
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
                match public_half(&key) {
                    Ok(key) => self.private_keys.push(key),
                    Err(why) => self.damage.push((&UNREADABLE_KEY, why)),
                }
            }
            // Kubernetes reads none of these.
            Held::Request(_) | Held::Other { .. } | Held::Sealed(_) | Held::Kubeconfig(_) => {}
        }
    }

    fn kubeconfig(&mut self, parts: facts::Kubeconfig) {
        self.secret = parts.holds_secret;
        let mut read = |field: &str, part: &Part| match part {
            Part::Embedded(bytes) => match Certificate::all_in_pem(bytes.expose()) {
                Ok(found) => found,
                Err(why) => {
                    let why = format!("has a {field} that {why}");
                    self.damage.push((&UNREADABLE_KUBECONFIG, why));
                    Vec::new()
                }
            },
            Part::Damaged(why) => {
                self.damage.push((&UNREADABLE_KUBECONFIG, why.clone()));
                Vec::new()
            }
            Part::Absent | Part::File(_) => Vec::new(),
        };
        let authorities = read("certificate-authority-data", &parts.certificate_authority);
        let client = read("client-certificate-data", &parts.client_certificate);
        let key = match &parts.client_key {
            Part::Embedded(bytes) => match embedded_key(bytes) {
                Ok(key) => Some(key),
                Err(why) => {
                    let why = format!("has a client-key-data that {why}");
                    self.damage.push((&UNREADABLE_KUBECONFIG, why));
                    None
                }
            },
            Part::Damaged(why) => {
                self.damage.push((&UNREADABLE_KUBECONFIG, why.clone()));
                None
            }
            Part::Absent | Part::File(_) => None,
        };
        self.kubeconfig = Some(Kubeconfig { server: parts.server, authorities, client, key });
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|at| at == part)
}

/// A key that kpki does not support may still be one that Kubernetes does.
fn public_half(key: &KeyBlock) -> Result<PublicKey, String> {
    if key.is_encrypted() {
        return Err("is encrypted, and Kubernetes cannot ask for a password".into());
    }
    key.any_public_half().map_err(|error| error.to_string())
}

fn embedded_key(bytes: &Secret) -> Result<PublicKey, String> {
    let key = KeyBlock::first_in_pem(bytes.expose()).map_err(|error| error.0)?;
    public_half(&key)
}

/// A direct child of a folder `manifests` that the kubelet would read.
fn is_manifest(path: &str) -> bool {
    match path.rsplit_once('/') {
        Some((folder, name)) => {
            !name.starts_with('.') && folder.rsplit('/').next() == Some("manifests")
        }
        None => false,
    }
}

/// By its name, or as a YAML or JSON document of that form; a text that quotes one is none.
fn is_kubeconfig(name: &str, end: &str, bytes: &[u8]) -> bool {
    let starts = ["apiVersion:", "kind:", "clusters:", "---", "{"];
    let is_document = (starts.iter()).any(|start| bytes.trim_ascii().starts_with(start.as_bytes()));
    let is_config =
        ["current-context", "kind: Config\n"].iter().any(|word| contains(bytes, word.as_bytes()));
    end == "kubeconfig"
        || name == "kubeconfig"
        || is_document && is_config && contains(bytes, b"clusters")
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
