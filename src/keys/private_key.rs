//! Private keys: made, loaded, written and used for signing.

use std::sync::OnceLock;

use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::KeyError;
use super::entropy::Entropy;
use super::form::{Curve, KeyMaterial};
use super::rsa_key::rsa_key;
use super::schedule::Seed;
use super::seeded;
use crate::algorithm::KeyAlgorithm;
use crate::facts::pem::{self, Block};
use crate::facts::public_key::PublicKey;
use crate::secret::Secret;

/// A key pair. No Debug, no Display, no Serialize; what we hold of it is wiped on drop.
pub struct PrivateKey {
    material: KeyMaterial,
    public: PublicKey,
    /// Most new keys never sign anything, so a key that was just made is readied when it first does.
    pair: OnceLock<KeyPair>,
}

/// Who does the arithmetic is named here, in `seeded.rs` and `rsa_key.rs` alone. ring signs five times faster
/// than RustCrypto on P-256 and is linked through webpki already; it cannot make RSA keys.
enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl PrivateKey {
    pub fn generate(algorithm: KeyAlgorithm, entropy: &Entropy) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::EcdsaP256 => Self::generate_ecdsa(Curve::P256, entropy),
            KeyAlgorithm::EcdsaP384 => Self::generate_ecdsa(Curve::P384, entropy),
            KeyAlgorithm::Ed25519 => {
                let mut seed = Zeroizing::new(vec![0; 32]);
                entropy.fill(&mut seed)?;
                Self::load(KeyMaterial::Ed25519 { seed, public: None })
            }
            KeyAlgorithm::Rsa2048 => Self::generate_rsa(2048, entropy),
            KeyAlgorithm::Rsa3072 => Self::generate_rsa(3072, entropy),
            KeyAlgorithm::Rsa4096 => Self::generate_rsa(4096, entropy),
        }
    }

    fn generate_ecdsa(curve: Curve, entropy: &Entropy) -> Result<Self, KeyError> {
        // ring's own document lives on the stack for a moment and is not wiped; ours is.
        let document = EcdsaKeyPair::generate_pkcs8(ring_curve(curve), entropy.for_ring())
            .map_err(|_| KeyError::Entropy)?;
        let material = KeyMaterial::from_pkcs8(document.as_ref())?;
        let Some(material) = material else {
            return Err(KeyError::unusable("cannot be made"));
        };
        let public = public_half(&material, material.point())?;
        Ok(PrivateKey { material, public, pair: OnceLock::new() })
    }

    fn generate_rsa(bits: u32, entropy: &Entropy) -> Result<Self, KeyError> {
        Self::load(rsa_key(bits, |_, _, start| entropy.fill(start))?)
    }

    /// The key of a reproducible cluster's artifact.
    pub fn derive(
        algorithm: KeyAlgorithm,
        name: &str,
        revision: &str,
        seed: &Seed,
    ) -> Result<Self, KeyError> {
        Self::load(seeded::key(seed, algorithm, name, revision)?)
    }

    /// PKCS#8, SEC1 or PKCS#1 in PEM. Both halves are checked to belong together.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        Self::load(KeyMaterial::from_pem(text)?)
    }

    /// As [`PrivateKey::from_pem`], of a block that stands among others.
    pub(crate) fn from_block(block: &Block) -> Result<Self, KeyError> {
        Self::load(KeyMaterial::from_block(block)?)
    }

    fn load(material: KeyMaterial) -> Result<Self, KeyError> {
        let pair = KeyPair::load(&material)?;
        let public = match &pair {
            KeyPair::Ecdsa(pair) => public_half(&material, pair.public_key().as_ref()),
            KeyPair::Ed25519(pair) => public_half(&material, pair.public_key().as_ref()),
            KeyPair::Rsa(pair) => public_half(&material, pair.public_key().as_ref()),
        }?;
        Ok(PrivateKey { material, public, pair: OnceLock::from(pair) })
    }

    /// PKCS#8 v1.
    pub fn to_pem(&self) -> Secret {
        Secret::new(pem::encode("PRIVATE KEY", &self.material.to_pkcs8()).into_bytes())
    }

    /// The same in DER.
    pub fn to_pkcs8(&self) -> Secret {
        Secret::new(self.material.to_pkcs8().to_vec())
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// As [`PrivateKey::sign`], and the same every time: RFC 6979 for ECDSA; Ed25519 and PKCS#1 v1.5 are so
    /// anyway.
    pub(super) fn sign_repeatably(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.material {
            KeyMaterial::Ecdsa { curve, scalar, .. } => {
                seeded::sign_ecdsa(*curve, scalar, message).ok_or_else(mismatch)
            }
            _ => self.sign(message),
        }
    }

    /// With the hash that belongs to the key: SHA-384 for P-384, SHA-256 for the rest.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if let Some(pair) = self.pair.get() {
            return pair.sign(message);
        }
        let pair = KeyPair::load(&self.material)?;
        self.pair.get_or_init(|| pair).sign(message)
    }
}

impl KeyPair {
    fn load(material: &KeyMaterial) -> Result<Self, KeyError> {
        match material {
            KeyMaterial::Ecdsa { curve, scalar, point } => {
                EcdsaKeyPair::from_private_key_and_public_key(
                    ring_curve(*curve),
                    scalar,
                    point,
                    Entropy::system().for_ring(),
                )
                .map(KeyPair::Ecdsa)
                .map_err(|_| mismatch())
            }
            KeyMaterial::Ed25519 { seed, public } => match public {
                Some(public) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
                None => Ed25519KeyPair::from_seed_unchecked(seed),
            }
            .map(KeyPair::Ed25519)
            .map_err(|_| mismatch()),
            KeyMaterial::Rsa { pkcs1 } => {
                RsaKeyPair::from_der(pkcs1).map(KeyPair::Rsa).map_err(|_| {
                    KeyError::unusable(
                        "holds a damaged RSA key, or one with a public exponent below 65537",
                    )
                })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // For ECDSA's nonces and for blinding; nothing of it can be told from the outside.
        let entropy = Entropy::system();
        match self {
            KeyPair::Ecdsa(pair) => pair
                .sign(entropy.for_ring(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| KeyError::Entropy),
            KeyPair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, entropy.for_ring(), message, &mut signature)
                    .map_err(|_| KeyError::Entropy)?;
                Ok(signature)
            }
        }
    }
}

fn public_half(material: &KeyMaterial, bits: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::of_parts(&material.algorithm(), bits).map_err(|error| KeyError::unusable(error.0))
}

fn mismatch() -> KeyError {
    KeyError::unusable("holds a damaged private key: its halves do not belong together")
}

fn ring_curve(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
    }
}
