//! To know a file again without keeping anything secret of it.

use serde::{Deserialize, Serialize};

use crate::build::key::PrivateKey;
use crate::facts::KubeconfigFacts;
use crate::hash::{Digest, Fields};
use crate::secret::Secret;

/// What may be written down of a file: of one with a private key its size and what is public of it, of any
/// other a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    pub size: u64,
    pub digest: Digest,
}

/// What a file holds, by its bytes and not by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Public(Fingerprint),
    /// `key`: digest of its public half.
    Key {
        key: Digest,
        print: Fingerprint,
    },
    /// A private key, it seems, but none that can be read.
    Unreadable,
}

const PEM_KEY: &[u8] = b"PRIVATE KEY-----";
const KUBECONFIG_KEY: &[u8] = b"client-key-data";

impl Holds {
    pub fn of(bytes: &Secret) -> Holds {
        let text = bytes.expose();
        let has = |what: &[u8]| text.windows(what.len()).any(|at| at == what);
        let found = if has(PEM_KEY) {
            key(text).map(|key| (key, key))
        } else if has(KUBECONFIG_KEY) {
            kubeconfig(text)
        } else {
            return Holds::Public(Fingerprint { size: size(text), digest: Digest::of(text) });
        };
        match found {
            Some((key, digest)) => {
                Holds::Key { key, print: Fingerprint { size: size(text), digest } }
            }
            None => Holds::Unreadable,
        }
    }

    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Holds::Public(print) | Holds::Key { print, .. } => Some(*print),
            Holds::Unreadable => None,
        }
    }
}

fn size(text: &[u8]) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn key(pem: &[u8]) -> Option<Digest> {
    let key = PrivateKey::from_pem(pem).ok()?;
    Some(key.public_key().digest())
}

/// The key, and everything else that a client reads.
fn kubeconfig(text: &[u8]) -> Option<(Digest, Digest)> {
    let config = KubeconfigFacts::from_yaml(text).ok()?;
    let key = key(config.client_key.as_ref()?.expose())?;
    let fields = Fields::default()
        .text("context", config.context)
        .text("cluster", config.cluster)
        .text("server", config.server)
        .text("user", config.user)
        .text("namespace", config.namespace.unwrap_or_default())
        .recipe("certificate-authority", Digest::of(&config.certificate_authority))
        .recipe("certificate", Digest::of(&config.client_certificate))
        .recipe("key", key);
    Some((key, fields.hash()))
}
