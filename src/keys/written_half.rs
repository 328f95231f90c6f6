//! The public half that a private key's file carries, copied and not computed.
//!
//! For keys that kpki does not load (RSA of unusual sizes, other curves), so that a pair can still be
//! compared and a weak key named. Nothing here proves that the halves belong together.

use crate::facts::der;
use crate::facts::pem::Block;
use crate::facts::spki::{EC, RSA};
use crate::facts::{KeyKind, OtherKey, PublicKey};

/// PKCS#1, SEC1, or either in PKCS#8.
pub(crate) fn written_public_half(block: &Block) -> Option<PublicKey> {
    if block.encrypted {
        return None;
    }
    match block.label.as_str() {
        "RSA PRIVATE KEY" => of_pkcs1(&block.der),
        "EC PRIVATE KEY" => of_sec1(&block.der, None),
        "PRIVATE KEY" => {
            let body = der::only(der::SEQUENCE, &block.der)?;
            let (_version, rest) = der::expect(der::INTEGER, body)?;
            let (algorithm, rest) = der::expect(der::SEQUENCE, rest)?;
            let (key, _) = der::expect(der::OCTET_STRING, rest)?;
            match der::expect(der::OID, algorithm)? {
                (RSA, _) => of_pkcs1(key),
                (EC, curve) => of_sec1(key, der::only(der::OID, curve)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What kind of key it says that it is, also where nothing of its public half is written.
pub(crate) fn written_kind(block: &Block) -> Option<KeyKind> {
    if let Some(half) = written_public_half(block) {
        return Some(half.kind());
    }
    let algorithm = || {
        let body = der::only(der::SEQUENCE, &block.der)?;
        let (_version, rest) = der::expect(der::INTEGER, body)?;
        Some(der::split(rest)?.0.whole)
    };
    match block.label.as_str() {
        "PRIVATE KEY" if !block.encrypted => {
            Some(PublicKey::of_parts(algorithm()?, &[]).ok()?.kind())
        }
        // The form of old versions of OpenSSL.
        "DSA PRIVATE KEY" => Some(KeyKind::Other(OtherKey::Dsa)),
        _ => None,
    }
}

/// RFC 8017 A.1.2: version, modulus, public exponent, and what is secret.
fn of_pkcs1(bytes: &[u8]) -> Option<PublicKey> {
    let (_version, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, bytes)?)?;
    let (modulus, rest) = der::split(rest)?;
    let (exponent, _) = der::split(rest)?;
    let oid = der::element(der::OID, &[RSA]);
    let algorithm = der::element(der::SEQUENCE, &[&oid, &der::element(der::NULL, &[])]);
    let key = der::element(der::SEQUENCE, &[modulus.whole, exponent.whole]);
    PublicKey::of_parts(&algorithm, &key).ok()
}

/// RFC 5915 3: version, the secret, `[0]` the curve, `[1]` the point.
fn of_sec1(bytes: &[u8], curve: Option<&[u8]>) -> Option<PublicKey> {
    let (_version, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, bytes)?)?;
    let (_secret, mut rest) = der::expect(der::OCTET_STRING, rest)?;
    let (mut curve, mut point) = (curve, None);
    while let Some((element, after)) = der::split(rest) {
        if element.tag == der::context(0) {
            curve = curve.or(der::only(der::OID, element.body));
        } else if element.tag == der::context(1) {
            point = der::only(der::BIT_STRING, element.body);
        }
        rest = after;
    }
    let [0, point @ ..] = point? else { return None };
    let oid = |bytes| der::element(der::OID, &[bytes]);
    let algorithm = der::element(der::SEQUENCE, &[&oid(EC), &oid(curve?)]);
    PublicKey::of_parts(&algorithm, point).ok()
}
