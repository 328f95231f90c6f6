//! Key algorithms by the names that the description uses.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;
use crate::words::words;

words! {
    /// What a key pair is made with.
    pub enum KeyAlgorithm {
        /// ECDSA with the curve P-256: small, fast, and read by everything.
        EcdsaP256 = "ecdsa-p256",
        /// ECDSA with the curve P-384.
        EcdsaP384 = "ecdsa-p384",
        /// RSA with 2048 bits, as kubeadm makes keys unless told otherwise.
        Rsa2048 = "rsa-2048",
        /// RSA with 3072 bits.
        Rsa3072 = "rsa-3072",
        /// RSA with 4096 bits: each handshake takes longer.
        Rsa4096 = "rsa-4096",
        /// Ed25519, for leaves only: as the key of a CA or of the service accounts it is not read everywhere.
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
