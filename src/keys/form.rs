//! The forms in which private keys are stored, without any arithmetic.
//!
//! Read: PKCS#8 v1 and v2 (RFC 5958), SEC1 (RFC 5915), PKCS#1 (RFC 8017 A.1.2). Written: PKCS#8 v1 alone,
//! which every Kubernetes component and every OpenSSL reads; OpenSSL 3.0 cannot read v2.

use zeroize::Zeroizing;

use super::KeyError;
use crate::facts::der;
use crate::facts::pem::{self, Block};
use crate::facts::spki::{EC, ED25519, P256, P384, RSA, modulus_bits};

/// What a key file says. Nothing here proves that the halves of a key belong together.
pub(super) enum KeyMaterial {
    /// An RSAPrivateKey.
    Rsa { pkcs1: Zeroizing<Vec<u8>> },
    Ecdsa {
        curve: Curve,
        scalar: Zeroizing<Vec<u8>>,
        /// Uncompressed: 4, x, y.
        point: Vec<u8>,
    },
    Ed25519 {
        seed: Zeroizing<Vec<u8>>,
        /// Only in PKCS#8 v2.
        public: Option<Vec<u8>>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    fn oid(self) -> &'static [u8] {
        match self {
            Curve::P256 => P256,
            Curve::P384 => P384,
        }
    }
}

const OPENSSL: &str = "`openssl pkey -in OLD -out NEW`";

impl KeyMaterial {
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        if text.trim_ascii().is_empty() {
            return Err(KeyError::unusable("is empty where a private key belongs"));
        }
        let blocks = pem::blocks(text).map_err(|error| KeyError::unusable(error.0))?;
        // `openssl ecparam -genkey` writes the curve first, in a block of its own.
        let mut blocks = blocks.iter().filter(|block| block.label != "EC PARAMETERS");
        let block = blocks.next().ok_or_else(|| KeyError::unusable("holds no private key"))?;
        if let Some(second) = blocks.next() {
            return Err(KeyError::unusable(if second.label.ends_with("PRIVATE KEY") {
                "holds several private keys"
            } else {
                "holds more than a private key"
            }));
        }
        Self::from_block(block)
    }

    pub fn from_block(block: &Block) -> Result<Self, KeyError> {
        let label = block.label.as_str();
        if block.encrypted || label == "ENCRYPTED PRIVATE KEY" {
            return Err(KeyError::unusable(format!("is encrypted; decrypt it with {OPENSSL}")));
        }
        let damaged = || KeyError::unusable("holds a damaged private key");
        match label {
            "PRIVATE KEY" => Self::from_pkcs8(&block.der)?.ok_or_else(damaged),
            "EC PRIVATE KEY" => Self::from_sec1(&block.der, None)?.ok_or_else(damaged),
            "RSA PRIVATE KEY" => Self::from_pkcs1(&block.der)?.ok_or_else(damaged),
            "CERTIFICATE" => {
                Err(KeyError::unusable("holds a certificate where a private key belongs"))
            }
            "PUBLIC KEY" | "RSA PUBLIC KEY" => {
                Err(KeyError::unusable("holds a public key where a private key belongs"))
            }
            _ => Err(KeyError::unusable(
                "holds something other than a private key in PKCS#8, SEC1 or PKCS#1",
            )),
        }
    }

    /// `Ok(None)` is a file that does not follow its form.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Option<Self>, KeyError> {
        let Some((algorithm, parameters, key, rest)) = split_pkcs8(bytes) else {
            return Ok(None);
        };
        match algorithm {
            RSA => Self::from_pkcs1(key),
            EC => match der::only(der::OID, parameters) {
                Some(curve) => Self::from_sec1(key, Some(curve)),
                None => Err(unsupported_curve()),
            },
            ED25519 => Ok(der::only(der::OCTET_STRING, key).map(|seed| KeyMaterial::Ed25519 {
                seed: Zeroizing::new(seed.to_vec()),
                public: public_of_v2(rest),
            })),
            _ => Err(KeyError::unusable(
                "is of an unsupported kind; use RSA, ECDSA on P-256 or P-384, or Ed25519",
            )),
        }
    }

    /// The curve is named inside, or by the PKCS#8 around it.
    fn from_sec1(bytes: &[u8], curve: Option<&[u8]>) -> Result<Option<Self>, KeyError> {
        let Some((scalar, inner_curve, point)) = split_sec1(bytes) else {
            return Ok(None);
        };
        let curve = match curve.or(inner_curve) {
            Some(P256) => Curve::P256,
            Some(P384) => Curve::P384,
            _ => return Err(unsupported_curve()),
        };
        let point = match point {
            Some([0, point @ ..]) if point.first() == Some(&4) => point.to_vec(),
            _ => {
                return Err(KeyError::unusable(format!(
                    "holds a private key without its uncompressed public half; rewrite it with {OPENSSL}"
                )));
            }
        };
        Ok(Some(KeyMaterial::Ecdsa { curve, scalar: Zeroizing::new(scalar.to_vec()), point }))
    }

    pub fn from_pkcs1(bytes: &[u8]) -> Result<Option<Self>, KeyError> {
        let bits = der::only(der::SEQUENCE, bytes)
            .and_then(|body| der::expect(der::INTEGER, body))
            .and_then(|(_version, rest)| modulus_bits(rest));
        match bits {
            None => Ok(None),
            Some(2048..=4096) => {
                Ok(Some(KeyMaterial::Rsa { pkcs1: Zeroizing::new(bytes.to_vec()) }))
            }
            Some(bits) => Err(KeyError::unusable(format!(
                "holds an RSA key of {bits} bits; 2048 to 4096 are supported"
            ))),
        }
    }

    /// The public half as far as the file tells it; empty for RSA.
    pub fn point(&self) -> &[u8] {
        match self {
            KeyMaterial::Rsa { .. } => &[],
            KeyMaterial::Ecdsa { point, .. } => point,
            KeyMaterial::Ed25519 { public, .. } => public.as_deref().unwrap_or_default(),
        }
    }

    /// The AlgorithmIdentifier of both halves.
    pub fn algorithm(&self) -> Vec<u8> {
        let oid = |bytes| der::element(der::OID, &[bytes]);
        let (algorithm, parameters) = match self {
            KeyMaterial::Rsa { .. } => (RSA, der::element(der::NULL, &[])),
            KeyMaterial::Ecdsa { curve, .. } => (EC, oid(curve.oid())),
            KeyMaterial::Ed25519 { .. } => (ED25519, Vec::new()),
        };
        der::element(der::SEQUENCE, &[&oid(algorithm), &parameters])
    }

    /// PKCS#8 v1.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let key = match self {
            KeyMaterial::Rsa { pkcs1 } => pkcs1.clone(),
            KeyMaterial::Ecdsa { scalar, point, .. } => {
                let scalar = Zeroizing::new(der::element(der::OCTET_STRING, &[scalar]));
                let point = der::element(der::BIT_STRING, &[&[0], point]);
                let point = der::element(der::context(1), &[&point]);
                let version = [der::INTEGER, 1, 1];
                Zeroizing::new(der::element(der::SEQUENCE, &[&version, &scalar, &point]))
            }
            KeyMaterial::Ed25519 { seed, .. } => {
                Zeroizing::new(der::element(der::OCTET_STRING, &[seed]))
            }
        };
        let key = Zeroizing::new(der::element(der::OCTET_STRING, &[&key]));
        let version = [der::INTEGER, 1, 0];
        let parts: [&[u8]; 3] = [&version, &self.algorithm(), &key];
        Zeroizing::new(der::element(der::SEQUENCE, &parts))
    }
}

/// The label in PEM of what has the form of a private key, usable or not.
pub(crate) fn form_of(bytes: &[u8]) -> Option<&'static str> {
    let (version, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, bytes)?)?;
    // An RSA public key starts with its modulus instead, a signature with a number as large.
    if !matches!(version, [0 | 1]) {
        return None;
    }
    match der::split(rest)?.0.tag {
        der::SEQUENCE if split_pkcs8(bytes).is_some() => Some("PRIVATE KEY"),
        der::OCTET_STRING => Some("EC PRIVATE KEY"),
        der::INTEGER => Some("RSA PRIVATE KEY"),
        _ => None,
    }
}

fn unsupported_curve() -> KeyError {
    KeyError::unusable("is on an unsupported curve; use P-256 or P-384, by name")
}

/// Algorithm, parameters, key and what follows.
type Pkcs8<'a> = (&'a [u8], &'a [u8], &'a [u8], &'a [u8]);

fn split_pkcs8(bytes: &[u8]) -> Option<Pkcs8<'_>> {
    let (_version, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, bytes)?)?;
    let (algorithm, rest) = der::expect(der::SEQUENCE, rest)?;
    let (algorithm, parameters) = der::expect(der::OID, algorithm)?;
    let (key, rest) = der::expect(der::OCTET_STRING, rest)?;
    Some((algorithm, parameters, key, rest))
}

/// The public key that RFC 5958 adds, `[1] IMPLICIT BIT STRING`, after optional attributes.
fn public_of_v2(mut rest: &[u8]) -> Option<Vec<u8>> {
    while let Some((element, after)) = der::split(rest) {
        if let (0x81, [0, public @ ..]) = (element.tag, element.body) {
            return Some(public.to_vec());
        }
        rest = after;
    }
    None
}

/// Scalar, curve, and the point's bit string.
type Sec1<'a> = (&'a [u8], Option<&'a [u8]>, Option<&'a [u8]>);

fn split_sec1(bytes: &[u8]) -> Option<Sec1<'_>> {
    let (_version, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, bytes)?)?;
    let (scalar, mut rest) = der::expect(der::OCTET_STRING, rest)?;
    let (mut curve, mut point) = (None, None);
    while !rest.is_empty() {
        let (element, after) = der::split(rest)?;
        if element.tag == der::context(0) {
            curve = Some(der::only(der::OID, element.body).unwrap_or_default());
        } else if element.tag == der::context(1) {
            point = Some(der::only(der::BIT_STRING, element.body)?);
        }
        rest = after;
    }
    Some((scalar, curve, point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_told_from_other_sequences() {
        let number = |value: &[u8]| der::element(der::INTEGER, &[value]);
        let large = number(&[0x5a; 32]);
        let sequence = |parts: &[&[u8]]| der::element(der::SEQUENCE, parts);
        let octets = der::element(der::OCTET_STRING, &[&[7; 32]]);
        let algorithm = sequence(&[&der::element(der::OID, &[ED25519])]);
        for (parts, label) in [
            ([number(&[0]), algorithm.clone(), octets.clone()], Some("PRIVATE KEY")),
            ([number(&[1]), octets.clone(), Vec::new()], Some("EC PRIVATE KEY")),
            ([number(&[0]), large.clone(), large.clone()], Some("RSA PRIVATE KEY")),
            // A signature or an RSA public key, one that is encrypted, a certificate's beginning.
            ([large.clone(), large.clone(), Vec::new()], None),
            ([algorithm.clone(), octets, Vec::new()], None),
            ([der::element(der::context(0), &[&number(&[2])]), large, algorithm], None),
        ] {
            let [first, second, third] = &parts;
            assert_eq!(form_of(&sequence(&[first, second, third])), label, "{parts:02x?}");
        }
    }
}
