//! What a certificate or a request is signed with.

use super::{Entropy, KeyError, PrivateKey};
use crate::facts::PublicKey;

/// A key that signs, wherever it lies: all that issuing asks of one.
pub trait Signer {
    /// Gives the half that everybody may know.
    fn public_key(&self) -> &PublicKey;

    /// Signs with the hash that belongs to the key: SHA-384 for P-384, SHA-256 for the rest.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        PrivateKey::public_key(self)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        PrivateKey::sign(self, message)
    }
}

impl Signer for &PrivateKey {
    fn public_key(&self) -> &PublicKey {
        PrivateKey::public_key(self)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        PrivateKey::sign(self, message)
    }
}

/// A key whose signatures are the same every time, as a reproducible cluster's must be.
pub struct Repeatable<'a>(pub &'a PrivateKey);

impl Signer for Repeatable<'_> {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.sign_repeatably(message)
    }
}

impl Entropy {
    /// The key as it signs here: with a seed the same every time.
    pub fn signer<'k>(&self, key: &'k PrivateKey) -> Box<dyn Signer + 'k> {
        match self.seed() {
            Some(_) => Box::new(Repeatable(key)),
            None => Box::new(key),
        }
    }
}
