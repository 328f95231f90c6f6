//! To know a file again without keeping anything secret of it.

use serde::{Deserialize, Serialize};

use crate::hash::{Digest, Fields};
use crate::holdings::KeyFile;
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
        let file = if has(PEM_KEY) {
            Some(KeyFile::Key(bytes.clone()))
        } else if has(KUBECONFIG_KEY) {
            KeyFile::kubeconfig(bytes).ok()
        } else {
            return Holds::Public(Fingerprint { size: size(text), digest: Digest::of(text) });
        };
        let key = file.as_ref().and_then(|file| file.key().ok());
        match (file, key.map(|key| key.public_key().digest())) {
            (Some(file), Some(key)) => {
                let digest = public_content(&file, key);
                Holds::Key { key, print: Fingerprint { size: size(text), digest } }
            }
            _ => Holds::Unreadable,
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

/// The key and, of a kubeconfig, everything else that a client reads.
fn public_content(file: &KeyFile, key: Digest) -> Digest {
    let KeyFile::Kubeconfig(config) = file else {
        return key;
    };
    Fields::default()
        .text("context", &*config.context)
        .text("cluster", &*config.cluster)
        .text("server", &*config.server)
        .text("user", &*config.user)
        .text("namespace", config.namespace.as_deref().unwrap_or_default())
        .recipe("certificate-authority", Digest::of(&config.certificate_authority))
        .recipe("certificate", Digest::of(&config.client_certificate))
        .recipe("key", key)
        .hash()
}
