//! Any certificate, key, request or kubeconfig file in words. Of a private key only the public half is told.

use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::{CertificateReport, certificate_report};
use super::text::printable;
use crate::build::key::PrivateKey;
use crate::facts::pem::{self, Block};
use crate::facts::{
    CertificateFacts, KubeconfigFacts, PublicKey, RequestFacts, certificates_in_pem,
};
use crate::hash::Digest;
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

fn sealed(bytes: &[u8]) -> Result<SealedReport, String> {
    let file = SealedFile::read(bytes)?;
    let recipients = file.stanzas.iter().map(|stanza| match stanza {
        Stanza::Ssh(kind, tag) => format!("{} {}", kind.as_str(), printable(tag)),
        other => printable(other.kind()),
    });
    Ok(SealedReport {
        recipients: recipients.collect(),
        size: file.size,
        digest: file.digest.to_string(),
    })
}

struct Reader<'a> {
    now: Timestamp,
    owner: Owner<'a>,
}

impl Reader<'_> {
    fn read(&self, bytes: &[u8]) -> Result<Vec<Held>, String> {
        if bytes.trim_ascii().is_empty() {
            return Err("is empty".into());
        }
        if bytes.starts_with(b"age-encryption.org/") {
            return sealed(bytes).map(|sealed| vec![Held::Sealed(sealed)]);
        }
        // DER of every form here starts with a SEQUENCE.
        if bytes.first() == Some(&0x30) {
            return self.der(bytes).map(|held| vec![held]);
        }
        let blocks = pem::blocks(bytes).map_err(|error| error.0)?;
        if blocks.is_empty() {
            return self
                .kubeconfig(bytes)
                .map(|config| vec![Held::Kubeconfig(Box::new(config))])
                .map_err(|why| {
                    format!("holds no certificate, key or request in PEM or DER, and {why}")
                });
        }
        blocks
            .iter()
            // `openssl ecparam -genkey` writes the curve first, in a block of its own.
            .filter(|block| block.label != "EC PARAMETERS")
            .map(|block| self.block(block))
            .collect()
    }

    fn block(&self, block: &Block) -> Result<Held, String> {
        match block.label.as_str() {
            "ENCRYPTED PRIVATE KEY" => Ok(Held::EncryptedPrivateKey),
            label if label.ends_with("PRIVATE KEY") && block.encrypted => {
                Ok(Held::EncryptedPrivateKey)
            }
            "CERTIFICATE" => self.certificate(&block.der),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => self.request(&block.der),
            "PUBLIC KEY" => self.public_key(&block.der),
            label if label.ends_with("PRIVATE KEY") => self.private_key(label, &block.der),
            label => Ok(Held::Other { label: printable(label) }),
        }
    }

    fn der(&self, bytes: &[u8]) -> Result<Held, String> {
        let certificate = self.certificate(bytes);
        let why = certificate.as_ref().err().cloned().unwrap_or_default();
        certificate
            .or_else(|_| self.request(bytes))
            .or_else(|_| self.public_key(bytes))
            .or_else(|_| self.private_key("PRIVATE KEY", bytes))
            .or_else(|_| self.private_key("EC PRIVATE KEY", bytes))
            .or_else(|_| self.private_key("RSA PRIVATE KEY", bytes))
            .map_err(|_| {
                format!(
                    "is DER, but no key or request that kpki can read; as a certificate it {why}"
                )
            })
    }

    fn certificate(&self, der: &[u8]) -> Result<Held, String> {
        let facts = CertificateFacts::from_der(der).map_err(|error| error.0)?;
        Ok(Held::Certificate {
            certificate: Box::new(certificate_report(&facts, self.now)),
            artifact: (self.owner.of_certificate)(facts.digest),
        })
    }

    fn request(&self, der: &[u8]) -> Result<Held, String> {
        let facts = RequestFacts::from_der(der).map_err(|error| error.0)?;
        let sans = facts.sans.iter().map(ToString::to_string);
        Ok(Held::Request(RequestReport {
            subject: facts.subject.to_string(),
            sans: sans.chain(facts.other_sans.iter().cloned()).collect(),
            key: self.key(&facts.public_key),
            asks_for_ca: facts.asks_for_ca,
            signature_valid: facts.is_signature_valid,
        }))
    }

    fn public_key(&self, der: &[u8]) -> Result<Held, String> {
        let key = PublicKey::from_spki_der(der).map_err(|error| error.0)?;
        Ok(Held::PublicKey(self.key(&key)))
    }

    fn private_key(&self, label: &str, der: &[u8]) -> Result<Held, String> {
        // The one loader of keys reads PEM of a single block.
        let pem = Secret::new(pem::encode(label, der).into_bytes());
        let key = PrivateKey::from_pem(pem.expose()).map_err(|error| error.to_string())?;
        Ok(Held::PrivateKey(self.key(key.public_key())))
    }

    fn key(&self, key: &PublicKey) -> KeyReport {
        KeyReport {
            algorithm: key.kind().to_string(),
            public_key: key.digest().to_string(),
            artifact: (self.owner.of_key)(key.digest()),
        }
    }

    fn kubeconfig(&self, bytes: &[u8]) -> Result<KubeconfigReport, String> {
        let config = KubeconfigFacts::from_yaml(bytes).map_err(|error| error.0)?;
        let read = |field: &str, pem: &[u8]| -> Result<Vec<CertificateFacts>, String> {
            let all = certificates_in_pem(pem)
                .and_then(|all| all.iter().map(|der| CertificateFacts::from_der(der)).collect());
            all.map_err(|error| format!("its {field} {error}"))
        };
        let authorities = read("certificate-authority-data", &config.certificate_authority)?;
        let own = read("client-certificate-data", &config.client_certificate)?;
        let leaf = own.first().ok_or("its client-certificate-data holds no certificate")?;
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
            authorities: authorities.iter().map(|facts| facts.subject.to_string()).collect(),
            certificate: certificate_report(leaf, self.now),
            artifact: (self.owner.of_certificate)(leaf.digest),
            key_matches: key.map(|key| key.public_key() == &leaf.public_key),
        })
    }
}
