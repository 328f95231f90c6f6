//! Public keys in JSON (RFC 7517, RFC 7518 6), as an API server publishes those of its service accounts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::public_key::PublicKey;
use super::spki::{EC, P256, P384, RSA};
use super::{FactsError, der};

/// Members that nobody here knows say nothing of the key.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// Every key of a set; of one that cannot be read why. The error reads after the name of the set.
pub fn json_web_keys(text: &[u8]) -> Result<Vec<Result<PublicKey, FactsError>>, FactsError> {
    let set: KeySet = serde_json::from_slice(text)
        .map_err(|_| FactsError::new("is no set of keys in JSON (RFC 7517 5)"))?;
    Ok(set.keys.iter().map(public_key).collect())
}

fn public_key(key: &Key) -> Result<PublicKey, FactsError> {
    let field = |text: &Option<String>| {
        let bytes = text.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| FactsError::new("lacks a part"))
    };
    let null = [der::NULL, 0];
    match (key.kty.as_str(), key.crv.as_deref()) {
        ("RSA", _) => {
            let numbers = [unsigned(&field(&key.n)?), unsigned(&field(&key.e)?)].concat();
            let algorithm = [&der::element(der::OID, &[RSA])[..], &null].concat();
            of_parts(&algorithm, &der::element(der::SEQUENCE, &[&numbers]))
        }
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let (oid, size) = if curve == "P-256" { (P256, 32) } else { (P384, 48) };
            let (x, y) = (field(&key.x)?, field(&key.y)?);
            // RFC 7518 6.2.1.2: never shorter.
            if (x.len(), y.len()) != (size, size) {
                return Err(FactsError::new("has a point of another size than its curve's"));
            }
            let algorithm =
                [der::element(der::OID, &[EC]), der::element(der::OID, &[oid])].concat();
            of_parts(&algorithm, &[&[4][..], &x, &y].concat())
        }
        _ => Err(FactsError::new("is of a kind that the API server does not sign with")),
    }
}

fn of_parts(algorithm: &[u8], bits: &[u8]) -> Result<PublicKey, FactsError> {
    PublicKey::of_parts(&der::element(der::SEQUENCE, &[algorithm]), bits)
}

/// An INTEGER (X.690 8.3).
fn unsigned(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = number.get(zeros..).unwrap_or(&[]);
    match number.first() {
        Some(first) if *first < 0x80 => der::element(der::INTEGER, &[number]),
        _ => der::element(der::INTEGER, &[&[0], number]),
    }
}
