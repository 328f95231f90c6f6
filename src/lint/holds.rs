//! What one file holds, by its content; its name decides only where the content does not.

use super::Rule;
use super::rules::{UNREADABLE_CERTIFICATE, UNREADABLE_KEY, UNREADABLE_KUBECONFIG};
use crate::build::key::PrivateKey;
use crate::facts::pem::{self, Block};
use crate::facts::private_key::written_public_half;
use crate::facts::{CertificateFacts, KubeconfigParts, Part, PublicKey};
use crate::pod::{self, PodFacts, Process};
use crate::secret::Secret;

pub(super) struct Certificate {
    /// Signatures are checked over it.
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
}

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
            match KubeconfigParts::from_yaml(bytes) {
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
        let blocks = match pem::blocks(bytes) {
            Ok(blocks) => blocks,
            Err(error) => {
                // In other files it may be an example in a text.
                let rule = match end {
                    "key" | "pub" => &UNREADABLE_KEY,
                    "crt" | "cer" | "pem" => &UNREADABLE_CERTIFICATE,
                    _ => return,
                };
                self.secret = contains(bytes, b"PRIVATE KEY");
                self.damage.push((rule, error.0));
                return;
            }
        };
        for block in &blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block.label.as_str() {
            "CERTIFICATE" if block.encrypted => self.damage.push((
                &UNREADABLE_CERTIFICATE,
                "has headers inside the PEM block, which Kubernetes skips".into(),
            )),
            "CERTIFICATE" => match certificate(&block.der) {
                Ok(certificate) => self.certificates.push(certificate),
                Err(why) => self.damage.push((&UNREADABLE_CERTIFICATE, why)),
            },
            "PUBLIC KEY" => match PublicKey::from_spki_der(&block.der) {
                Ok(key) => self.public_keys.push(key),
                Err(error) => self.damage.push((&UNREADABLE_KEY, error.0)),
            },
            label if label.ends_with("PRIVATE KEY") => {
                self.secret = true;
                match private_key(block) {
                    Ok(key) => self.private_keys.push(key),
                    Err(why) => self.damage.push((&UNREADABLE_KEY, why)),
                }
            }
            _ => {}
        }
    }

    fn kubeconfig(&mut self, parts: KubeconfigParts) {
        self.secret = parts.holds_secret;
        let mut read = |field: &str, part: &Part| match part {
            Part::Embedded(bytes) => match certificates(bytes.expose()) {
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

fn certificate(der: &[u8]) -> Result<Certificate, String> {
    let facts = CertificateFacts::from_der(der).map_err(|error| error.0)?;
    Ok(Certificate { der: der.to_vec(), facts })
}

fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let all = pem::certificates_in_pem(bytes).map_err(|error| error.0)?;
    all.iter().map(|der| certificate(der)).collect()
}

fn private_key(block: &Block) -> Result<PublicKey, String> {
    // The one loader of keys reads PEM of a single block; a key that it does not support may still be
    // one that Kubernetes does.
    if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err("is encrypted, and Kubernetes cannot ask for a password".into());
    }
    let text = Secret::new(pem::encode(&block.label, &block.der).into_bytes());
    match PrivateKey::from_pem(text.expose()) {
        Ok(key) => Ok(key.public_key().clone()),
        Err(error) => written_public_half(block)
            .filter(|key| key.algorithm().is_none())
            .ok_or_else(|| error.to_string()),
    }
}

fn embedded_key(bytes: &Secret) -> Result<PublicKey, String> {
    let blocks = pem::blocks(bytes.expose()).map_err(|error| error.0)?;
    (blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")))
        .ok_or_else(|| "holds no private key".to_owned())
        .and_then(private_key)
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
