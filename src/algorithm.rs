//! Key algorithms by the names that the description uses.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;

/// What a key pair is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    EcdsaP256,
    EcdsaP384,
    Ed25519,
}

impl KeyAlgorithm {
    /// The default: what kubeadm calls `ECDSA-P256`, small and fast.
    pub const DEFAULT: KeyAlgorithm = KeyAlgorithm::EcdsaP256;

    pub const ALL: [(KeyAlgorithm, &'static str); 6] = [
        (KeyAlgorithm::EcdsaP256, "ecdsa-p256"),
        (KeyAlgorithm::EcdsaP384, "ecdsa-p384"),
        (KeyAlgorithm::Rsa2048, "rsa-2048"),
        (KeyAlgorithm::Rsa3072, "rsa-3072"),
        (KeyAlgorithm::Rsa4096, "rsa-4096"),
        (KeyAlgorithm::Ed25519, "ed25519"),
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            KeyAlgorithm::Rsa2048 => "rsa-2048",
            KeyAlgorithm::Rsa3072 => "rsa-3072",
            KeyAlgorithm::Rsa4096 => "rsa-4096",
            KeyAlgorithm::EcdsaP256 => "ecdsa-p256",
            KeyAlgorithm::EcdsaP384 => "ecdsa-p384",
            KeyAlgorithm::Ed25519 => "ed25519",
        }
    }
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
            .find(|(_, name)| *name == text)
            .map(|(algorithm, _)| algorithm)
            .ok_or_else(|| NameError("is not a key algorithm".into()))
    }
}
