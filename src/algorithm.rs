//! Key algorithms by the names that the description uses.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;
use crate::words::words;

words! {
    /// What a key pair is made with.
    pub enum KeyAlgorithm {
        EcdsaP256 = "ecdsa-p256",
        EcdsaP384 = "ecdsa-p384",
        Rsa2048 = "rsa-2048",
        Rsa3072 = "rsa-3072",
        Rsa4096 = "rsa-4096",
        Ed25519 = "ed25519",
    }
}

impl KeyAlgorithm {
    /// The default: what kubeadm calls `ECDSA-P256`, small and fast.
    pub const DEFAULT: KeyAlgorithm = KeyAlgorithm::EcdsaP256;
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        KeyAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| NameError("is not a key algorithm".into()))
    }
}
