//! How a certificate is signed, by the name that OpenSSL prints.

use super::der;
use super::general_name::oid;

/// RFC 3279 2.2, RFC 4055 5, RFC 5758 3, RFC 8410 3, RFC 8692 2, RFC 9688 3, RFC 9881 2.
const NAMES: [(&str, &str); 33] = [
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.3", "md4WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.3.14.3.2.29", "sha1WithRSA"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.15", "sha512-224WithRSAEncryption"),
    ("1.2.840.113549.1.1.16", "sha512-256WithRSAEncryption"),
    ("2.16.840.1.101.3.4.3.13", "RSA-SHA3-224"),
    ("2.16.840.1.101.3.4.3.14", "RSA-SHA3-256"),
    ("2.16.840.1.101.3.4.3.15", "RSA-SHA3-384"),
    ("2.16.840.1.101.3.4.3.16", "RSA-SHA3-512"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("2.16.840.1.101.3.4.3.9", "ecdsa_with_SHA3-224"),
    ("2.16.840.1.101.3.4.3.10", "ecdsa_with_SHA3-256"),
    ("2.16.840.1.101.3.4.3.11", "ecdsa_with_SHA3-384"),
    ("2.16.840.1.101.3.4.3.12", "ecdsa_with_SHA3-512"),
    ("1.2.840.10040.4.3", "dsaWithSHA1"),
    ("2.16.840.1.101.3.4.3.1", "dsa_with_SHA224"),
    ("2.16.840.1.101.3.4.3.2", "dsa_with_SHA256"),
    ("1.3.101.112", "ED25519"),
    ("1.3.101.113", "ED448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("1.2.156.10197.1.501", "SM2-with-SM3"),
];
const PSS: &str = "1.2.840.113549.1.1.10";

/// RFC 4055 2.1.
const HASHES: [(&str, &str); 9] = [
    ("1.2.840.113549.2.5", "md5"),
    ("1.3.14.3.2.26", "sha1"),
    ("2.16.840.1.101.3.4.2.4", "sha224"),
    ("2.16.840.1.101.3.4.2.1", "sha256"),
    ("2.16.840.1.101.3.4.2.2", "sha384"),
    ("2.16.840.1.101.3.4.2.3", "sha512"),
    ("2.16.840.1.101.3.4.2.8", "sha3-256"),
    ("2.16.840.1.101.3.4.2.9", "sha3-384"),
    ("2.16.840.1.101.3.4.2.10", "sha3-512"),
];

/// Of an AlgorithmIdentifier's content. Its OID in dots, where it has no name here.
pub(super) fn signature_name(algorithm: &[u8]) -> String {
    let (id, parameters) = der::expect(der::OID, algorithm).unwrap_or_default();
    let id = oid(id);
    if id == PSS {
        return match der::only(der::SEQUENCE, parameters).and_then(pss) {
            Some((hash, salt)) => format!("rsassaPss with {hash} and a salt of {salt} bytes"),
            None => "rsassaPss with parameters that cannot be read".to_owned(),
        };
    }
    named(&NAMES, &id)
}

fn named(names: &[(&str, &str)], id: &str) -> String {
    let known = names.iter().find(|(known, _)| *known == id);
    known.map_or(id, |(_, name)| name).to_owned()
}

/// The content of RSASSA-PSS-params (RFC 4055 3.1): the hash and the length of the salt.
fn pss(parameters: &[u8]) -> Option<(String, u32)> {
    let (mut hash, mut salt) = ("sha1".to_owned(), 20);
    for part in der::elements(parameters)? {
        match part.tag {
            0xa0 => {
                let algorithm = der::only(der::SEQUENCE, part.body)?;
                hash = named(&HASHES, &oid(der::expect(der::OID, algorithm)?.0));
            }
            0xa2 => salt = der::unsigned(der::only(der::INTEGER, part.body)?)?,
            _ => {}
        }
    }
    Some((hash, salt))
}
