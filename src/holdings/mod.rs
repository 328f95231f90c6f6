//! What a file holds: the one reader of certificates, requests, keys, kubeconfigs and sealed secrets by their
//! content.
//!
//! `show`, `diff`, `verify`, `install` and the build take from it what concerns them. What cannot be read is
//! an answer with its reason, never an absence. Of a private key nothing is read until its half is asked for.
//!
//! May import `facts`, `keys` and `sealed`. Never here: a path, a clock, a judgement of what was found.

mod key_file;

use zeroize::Zeroizing;

use crate::facts::pem::{self, Block};
use crate::facts::{
    CertificateFacts, FactsError, KeyKind, Kubeconfig, PublicKey, RequestFacts, certificates_in_pem,
};
use crate::hash::hexadecimal;
use crate::keys::{KeyError, PrivateKey, form_of, written_kind, written_public_half};
use crate::sealed::SealedFile;

pub use key_file::KeyFile;

/// One thing in a file. It may be a secret, so there is no Debug.
#[allow(clippy::large_enum_variant, reason = "a file holds few, and most are certificates")]
pub enum Held {
    /// A certificate.
    Certificate {
        /// PEM with headers, which Kubernetes skips.
        under_headers: bool,
        read: Result<Certificate, FactsError>,
        /// What can be told of one that Kubernetes does not read, for who shows it; `read` has the reason.
        refused: Option<Box<CertificateFacts>>,
    },
    /// A certification request.
    Request(Result<RequestFacts, FactsError>),
    /// A public key.
    PublicKey(Result<PublicKey, FactsError>),
    /// A private key of any kind and form.
    PrivateKey(KeyBlock),
    /// A kubeconfig.
    Kubeconfig(Box<Kubeconfig>),
    /// A secret that is sealed.
    Sealed(SealedFile),
    /// A PEM block of another label.
    Other { label: String },
}

/// A certificate and what it says.
pub struct Certificate {
    /// Signatures are checked over it.
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
}

/// Why nothing can be said of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    Empty,
    /// It starts as an age file does.
    Sealed(&'static str),
    /// It starts as DER does, and why it is no certificate.
    Der(FactsError),
    /// One of its PEM blocks is damaged.
    Pem(FactsError),
    /// It has no PEM block, and why it is no kubeconfig.
    Text(FactsError),
}

impl Unreadable {
    /// Reads after the file's name: `in_der` and `in_text` name what was looked for besides.
    pub fn in_words(&self, in_der: &str, in_text: &str) -> String {
        match self {
            Unreadable::Empty => "is empty".to_owned(),
            Unreadable::Sealed(why) => (*why).to_owned(),
            Unreadable::Der(why) => format!("is DER, but no {in_der}; as a certificate it {why}"),
            Unreadable::Pem(why) => why.to_string(),
            Unreadable::Text(why) => format!("holds no {in_text}, and {why}"),
        }
    }
}

/// Everything in the file, in its order.
pub fn read(bytes: &[u8]) -> Result<Vec<Held>, Unreadable> {
    if bytes.trim_ascii().is_empty() {
        return Err(Unreadable::Empty);
    }
    if bytes.starts_with(b"age-encryption.org/") {
        let sealed = SealedFile::read(bytes).map_err(Unreadable::Sealed)?;
        return Ok(vec![Held::Sealed(sealed)]);
    }
    // DER of every form here starts with a SEQUENCE.
    if bytes.first() == Some(&0x30) {
        return der(bytes).map(|held| vec![held]).map_err(Unreadable::Der);
    }
    // Before PEM is looked for: a kubeconfig may have some where base64 belongs.
    if !Kubeconfig::is_meant(bytes) {
        let held = in_pem(bytes).map_err(Unreadable::Pem)?;
        if !held.is_empty() {
            return Ok(held);
        }
    }
    let config = Kubeconfig::from_yaml(bytes).map_err(Unreadable::Text)?;
    Ok(vec![Held::Kubeconfig(Box::new(config))])
}

/// Every PEM block; a text without any has none.
pub fn in_pem(bytes: &[u8]) -> Result<Vec<Held>, FactsError> {
    Ok(pem::blocks(bytes)?.into_iter().map(block).collect())
}

fn block(block: Block) -> Held {
    match block.label.as_str() {
        "CERTIFICATE" => certificate(&block.der, block.encrypted),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            Held::Request(RequestFacts::from_der(&block.der))
        }
        "PUBLIC KEY" => Held::PublicKey(PublicKey::from_spki_der(&block.der)),
        // client-go looks at the content, and kops labels its service-account key so.
        "RSA PUBLIC KEY" => match PublicKey::from_spki_der(&block.der) {
            Ok(key) => Held::PublicKey(Ok(key)),
            Err(_) => Held::Other { label: block.label },
        },
        label if label.ends_with("PRIVATE KEY") => Held::PrivateKey(KeyBlock(block)),
        _ => Held::Other { label: block.label },
    }
}

fn certificate(der: &[u8], under_headers: bool) -> Held {
    let read = Certificate::from_der(der);
    let reading = read.is_err().then(|| CertificateFacts::read(der).ok()).flatten();
    Held::Certificate { under_headers, read, refused: reading.map(|all| Box::new(all.facts)) }
}

/// What is no text; the error is that of a certificate.
pub fn der(bytes: &[u8]) -> Result<Held, FactsError> {
    let why = match certificate(bytes, false) {
        Held::Certificate { read: Err(why), refused: None, .. } => why,
        certificate => return Ok(certificate),
    };
    if let Ok(facts) = RequestFacts::from_der(bytes) {
        return Ok(Held::Request(Ok(facts)));
    }
    if let Ok(key) = PublicKey::from_spki_der(bytes) {
        return Ok(Held::PublicKey(Ok(key)));
    }
    let label = form_of(bytes).ok_or(why)?;
    let der = Zeroizing::new(bytes.to_vec());
    Ok(Held::PrivateKey(KeyBlock(Block { label: label.to_owned(), der, encrypted: false })))
}

impl Certificate {
    pub fn from_der(der: &[u8]) -> Result<Self, FactsError> {
        let facts = CertificateFacts::from_der(der)?;
        Ok(Certificate { der: der.to_vec(), facts })
    }

    /// SHA-256 over all of it, as OpenSSL's fingerprint has it.
    pub fn sha256(&self) -> String {
        hexadecimal(ring::digest::digest(&ring::digest::SHA256, &self.der).as_ref())
    }

    /// The certificates of a file in which nothing else belongs.
    pub fn all_in_pem(text: &[u8]) -> Result<Vec<Self>, FactsError> {
        certificates_in_pem(text)?.iter().map(|der| Self::from_der(der)).collect()
    }
}

/// A private key as it lies there, wiped on drop.
pub struct KeyBlock(Block);

impl KeyBlock {
    /// Whether a passphrase keeps it, so that nothing of it can be told.
    pub fn is_encrypted(&self) -> bool {
        self.0.encrypted || self.0.label == "ENCRYPTED PRIVATE KEY"
    }

    /// The public half of a key that kpki can use.
    pub fn public_half(&self) -> Result<PublicKey, KeyError> {
        PrivateKey::from_block(&self.0).map(|key| key.public_key().clone())
    }

    /// What it says that it is.
    pub fn kind(&self) -> Option<KeyKind> {
        written_kind(&self.0)
    }

    /// As [`KeyBlock::public_half`], and of a kind that others alone can use the half that is written there.
    /// Go's tls.X509KeyPair goes by the bytes and not by the label.
    pub fn any_public_half(&self) -> Result<PublicKey, KeyError> {
        let any = |block: &Block| {
            PrivateKey::from_block(block).map(|key| key.public_key().clone()).or_else(|why| {
                let written = written_public_half(block);
                written.filter(|key| key.algorithm().is_none()).ok_or(why)
            })
        };
        match form_of(&self.0.der) {
            Some(label) if !self.is_encrypted() && !self.fits_its_label() => any(&Block {
                label: label.to_owned(),
                der: Zeroizing::new(self.0.der.to_vec()),
                encrypted: false,
            }),
            _ => any(&self.0),
        }
    }

    /// Whether the bytes have the form that the label names, as k8s.io/client-go/util/keyutil wants it.
    pub fn fits_its_label(&self) -> bool {
        form_of(&self.0.der).is_none_or(|label| label == self.0.label)
    }
}
