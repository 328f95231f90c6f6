//! Whose key signed a certificate: tells a damaged or foreign one from our own.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::der;
use super::public_key::PublicKey;

/// Whether the signature is of this key. Names, dates and uses are judged elsewhere.
pub fn is_signed_by(certificate: &[u8], key: &PublicKey) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    let Ok((_, key)) = SubjectPublicKeyInfo::from_der(key.spki()) else {
        return false;
    };
    is_wrapped_strictly(certificate) && parsed.verify_signature(Some(&key)).is_ok()
}

/// No signature covers what lies around the signed part, and parsers differ in what they let pass there:
/// it must be as DER has it, and name the algorithm that the signed part names (RFC 5280 4.1.1.2).
fn is_wrapped_strictly(certificate: &[u8]) -> bool {
    let parts = || {
        let (signed, rest) = der::split(der::only(der::SEQUENCE, certificate)?)?;
        let (algorithm, rest) = der::split(rest)?;
        let [0, signature @ ..] = der::only(der::BIT_STRING, rest)? else {
            return None;
        };
        // A version, which only version 1 has not; the serial number; the algorithm.
        let inside = der::only(der::SEQUENCE, signed.whole)?;
        let inside = der::expect(der::context(0), inside).map_or(inside, |(_, rest)| rest);
        let (_serial, inside) = der::expect(der::INTEGER, inside)?;
        let (inner_algorithm, _) = der::split(inside)?;
        Some((signed, algorithm, signature, inner_algorithm))
    };
    parts().is_some_and(|(signed, algorithm, signature, inner_algorithm)| {
        let signature = der::element(der::BIT_STRING, &[&[0], signature]);
        let parts = [signed.whole, algorithm.whole, &signature];
        algorithm.whole == inner_algorithm.whole
            && der::element(der::SEQUENCE, &parts) == certificate
    })
}
