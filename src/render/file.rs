//! Any certificate, key, request or kubeconfig file in words. Of a private key only the public half is told.

use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::{CertificateReport, certificate_report};
use super::kubeconfig::{KubeconfigReport, kubeconfig_report};
use super::owner::Owner;
use super::text::printable;
use crate::facts::{
    CertificateFacts, FactsError, KeyKind, KubeconfigFile, PublicKey, RequestFacts,
};
use crate::holdings;
use crate::sealed::{SealedFile, Stanza};
use crate::secret::Secret;
use crate::time::Timestamp;

/// What a file holds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FileReport {
    pub path: String,
    /// In the file's order.
    pub holds: Vec<Held>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Held {
    Certificate {
        certificate: Box<CertificateReport>,
        /// The artifact that it is.
        artifact: Option<String>,
    },
    PrivateKey(KeyReport),
    PublicKey(KeyReport),
    /// Its public half cannot be told.
    EncryptedPrivateKey,
    Request(RequestReport),
    Kubeconfig(Box<KubeconfigReport>),
    /// A secret that is sealed; only who it is sealed for can tell more.
    Sealed(SealedReport),
    /// A PEM block of another label.
    Other {
        label: String,
    },
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SealedReport {
    /// Of each recipient the kind, and of an ssh key the tag that the file shows.
    pub recipients: Vec<String>,
    /// Bytes of what is inside.
    pub size: u64,
    /// Digest of the file, as in cluster.lock.
    pub digest: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct KeyReport {
    pub algorithm: String,
    /// Digest of the SubjectPublicKeyInfo, as in cluster.lock. Absent where kpki cannot tell the public half
    /// of a private key of this kind.
    pub public_key: Option<String>,
    /// The artifact whose key it is.
    pub artifact: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RequestReport {
    pub subject: String,
    pub sans: Vec<String>,
    pub key: KeyReport,
    pub asks_for_ca: bool,
    /// Signed by the key that it names.
    pub signature_valid: bool,
}

/// The error reads after the file's name.
pub fn file_report(
    path: &str,
    bytes: &Secret,
    now: Timestamp,
    owner: Owner<'_>,
) -> Result<FileReport, String> {
    let reader = Reader { now, owner };
    Ok(FileReport { path: printable(path), holds: reader.read(bytes.expose())? })
}

struct Reader<'a> {
    now: Timestamp,
    owner: Owner<'a>,
}

const NOTHING_READABLE: &str = "certificate, key or request in PEM or DER";

impl Reader<'_> {
    fn read(&self, bytes: &[u8]) -> Result<Vec<Held>, String> {
        let whole = kubeconfig(bytes);
        if let Ok(Some(file)) = &whole {
            let report = kubeconfig_report(file, self.now, self.owner);
            return Ok(vec![Held::Kubeconfig(Box::new(report))]);
        }
        let why = whole.err().map_or_else(|| "is not a kubeconfig".to_owned(), |why| why.0);
        holdings::read(bytes)
            .map_err(|why| why.in_words("key or request that kpki can read", NOTHING_READABLE))?
            .into_iter()
            // `openssl ecparam -genkey` writes the curve first, in a block of its own.
            .filter(
                |held| !matches!(held, holdings::Held::Other { label } if label == "EC PARAMETERS"),
            )
            .map(|held| self.report(held, &why))
            .collect()
    }

    /// Errors: the first thing that cannot be read. A kubeconfig was read whole before, but for `why`.
    fn report(&self, held: holdings::Held, why: &str) -> Result<Held, String> {
        use holdings::Held as Read;
        match held {
            Read::Certificate { read, refused, .. } => match (read, refused) {
                (Ok(certificate), _) => Ok(self.certificate(&certificate.facts, None)),
                (Err(why), Some(facts)) => Ok(self.certificate(&facts, Some(why.0))),
                (Err(why), None) => Err(why.0),
            },
            Read::Request(facts) => facts.map(|facts| self.request(&facts)).map_err(|why| why.0),
            Read::PublicKey(key) => {
                key.map(|key| Held::PublicKey(self.key(&key))).map_err(|why| why.0)
            }
            Read::PrivateKey(key) if key.is_encrypted() => Ok(Held::EncryptedPrivateKey),
            Read::PrivateKey(key) => match (key.any_public_half(), key.kind()) {
                (Ok(half), _) => Ok(Held::PrivateKey(self.key(&half))),
                (Err(_), Some(KeyKind::Other(kind))) => Ok(Held::PrivateKey(KeyReport {
                    algorithm: KeyKind::Other(kind).to_string(),
                    public_key: None,
                    artifact: None,
                })),
                (Err(why), _) => Err(why.to_string()),
            },
            Read::Kubeconfig(_) => Err(format!("holds no {NOTHING_READABLE}, and {why}")),
            Read::Sealed(file) => Ok(Held::Sealed(sealed(&file))),
            Read::Other { label } => Ok(Held::Other { label: printable(&label) }),
        }
    }

    fn certificate(&self, facts: &CertificateFacts, refused: Option<String>) -> Held {
        let report = CertificateReport { refused, ..certificate_report(facts, self.now) };
        Held::Certificate {
            certificate: Box::new(report),
            artifact: (self.owner.of_certificate)(facts.digest),
        }
    }

    fn request(&self, facts: &RequestFacts) -> Held {
        let sans = facts.sans.iter().map(ToString::to_string);
        Held::Request(RequestReport {
            subject: facts.subject.to_string(),
            sans: sans.chain(facts.other_sans.iter().cloned()).collect(),
            key: self.key(&facts.public_key),
            asks_for_ca: facts.asks_for_ca,
            signature_valid: facts.is_signature_valid,
        })
    }

    fn key(&self, key: &PublicKey) -> KeyReport {
        KeyReport {
            algorithm: key.kind().to_string(),
            public_key: Some(key.digest().to_string()),
            artifact: (self.owner.of_key)(key.digest()),
        }
    }
}

/// `None`: it is something else by its beginning, or YAML of something else.
fn kubeconfig(bytes: &[u8]) -> Result<Option<KubeconfigFile>, FactsError> {
    let is_other =
        ["-----BEGIN ", "age-", "0"].iter().any(|start| bytes.starts_with(start.as_bytes()));
    if is_other { Ok(None) } else { KubeconfigFile::from_yaml(bytes) }
}

fn sealed(file: &SealedFile) -> SealedReport {
    let recipients = file.stanzas.iter().map(|stanza| match stanza {
        Stanza::Ssh(kind, tag) => format!("{} {}", kind.as_str(), printable(tag)),
        other => printable(other.kind()),
    });
    SealedReport {
        recipients: recipients.collect(),
        size: file.size,
        digest: file.digest.to_string(),
    }
}
