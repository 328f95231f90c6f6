//! Any certificate, key, request or kubeconfig file in words. Of a private key only the public half is told.

use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::{CertificateReport, certificate_report};
use super::text::printable;
use crate::facts::{CertificateFacts, Kubeconfig, PublicKey, RequestFacts};
use crate::hash::Digest;
use crate::holdings::{self, Certificate};
use crate::keys::PrivateKey;
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
    /// Digest of the SubjectPublicKeyInfo, as in cluster.lock.
    pub public_key: String,
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

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct KubeconfigReport {
    pub context: String,
    pub cluster: String,
    pub server: String,
    pub user: String,
    pub namespace: Option<String>,
    /// Subjects of the CAs that it trusts.
    pub authorities: Vec<String>,
    pub certificate: CertificateReport,
    pub artifact: Option<String>,
    /// Whether its private key belongs to its certificate; absent where the key is a file of its own.
    pub key_matches: Option<bool>,
}

/// Whose a certificate or key is.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    pub of_certificate: &'a dyn Fn(Digest) -> Option<String>,
    pub of_key: &'a dyn Fn(Digest) -> Option<String>,
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
        holdings::read(bytes)
            .map_err(|why| why.in_words("key or request that kpki can read", NOTHING_READABLE))?
            .into_iter()
            // `openssl ecparam -genkey` writes the curve first, in a block of its own.
            .filter(
                |held| !matches!(held, holdings::Held::Other { label } if label == "EC PARAMETERS"),
            )
            .map(|held| self.report(held))
            .collect()
    }

    /// Errors: the first thing that cannot be read.
    fn report(&self, held: holdings::Held) -> Result<Held, String> {
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
            Read::PrivateKey(key) => key
                .public_half()
                .map(|key| Held::PrivateKey(self.key(&key)))
                .map_err(|why| why.to_string()),
            Read::Kubeconfig(config) => self
                .kubeconfig(*config)
                .map(|config| Held::Kubeconfig(Box::new(config)))
                .map_err(|why| format!("holds no {NOTHING_READABLE}, and {why}")),
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
            public_key: key.digest().to_string(),
            artifact: (self.owner.of_key)(key.digest()),
        }
    }

    fn kubeconfig(&self, config: Kubeconfig) -> Result<KubeconfigReport, String> {
        let config = config.complete().map_err(|error| error.0)?;
        let read = |field: &str, pem: &[u8]| {
            Certificate::all_in_pem(pem).map_err(|error| format!("its {field} {error}"))
        };
        let authorities = read("certificate-authority-data", &config.certificate_authority)?;
        let own = read("client-certificate-data", &config.client_certificate)?;
        let leaf = own.first().ok_or("its client-certificate-data holds no certificate")?;
        let leaf = &leaf.facts;
        let key = config
            .client_key
            .map(|key| PrivateKey::from_pem(key.expose()))
            .transpose()
            .map_err(|error| format!("its client-key-data {error}"))?;
        Ok(KubeconfigReport {
            context: printable(&config.context),
            cluster: printable(&config.cluster),
            server: printable(&config.server),
            user: printable(&config.user),
            namespace: config.namespace.as_deref().map(printable),
            authorities: authorities.iter().map(|held| held.facts.subject.to_string()).collect(),
            certificate: certificate_report(leaf, self.now),
            artifact: (self.owner.of_certificate)(leaf.digest),
            key_matches: key.map(|key| key.public_key() == &leaf.public_key),
        })
    }
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
