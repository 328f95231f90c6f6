//! How a certificate is signed, told from its AlgorithmIdentifier as Go's crypto/x509 does
//! (`getSignatureAlgorithmFromAI`).

use super::der;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn algorithm(self) -> &'static ring::digest::Algorithm {
        match self {
            Hash::Sha256 => &ring::digest::SHA256,
            Hash::Sha384 => &ring::digest::SHA384,
            Hash::Sha512 => &ring::digest::SHA512,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    RsaPkcs1(Hash),
    /// With a salt as long as the hash: Go takes no other.
    RsaPss(Hash),
    Ecdsa(Hash),
    Ed25519,
    /// Go 1.27 takes it, and no version before.
    MlDsa,
    /// MD5 and SHA-1: Go has refused them since 1.18.
    Weak,
    Unknown,
}

/// RFC 3279 2.2, RFC 4055 5, RFC 5758 3.2, RFC 8410 3, RFC 9881 2.
const SCHEMES: [(&[u8], Scheme); 16] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], Scheme::Weak),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], Scheme::Weak),
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1d], Scheme::Weak),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03], Scheme::Weak),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], Scheme::Weak),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b], Scheme::RsaPkcs1(Hash::Sha256)),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c], Scheme::RsaPkcs1(Hash::Sha384)),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d], Scheme::RsaPkcs1(Hash::Sha512)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02], Scheme::Ecdsa(Hash::Sha256)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03], Scheme::Ecdsa(Hash::Sha384)),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04], Scheme::Ecdsa(Hash::Sha512)),
    (&[0x2b, 0x65, 0x70], Scheme::Ed25519),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11], Scheme::MlDsa),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12], Scheme::MlDsa),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13], Scheme::MlDsa),
    // MD2: Go does not even know that it is weak.
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02], Scheme::Unknown),
];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];

/// RFC 4055 2.1, each with its length in bytes.
const HASHES: [(&[u8], Hash, u8); 3] = [
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01], Hash::Sha256, 32),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02], Hash::Sha384, 48),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03], Hash::Sha512, 64),
];

impl Scheme {
    /// Of an AlgorithmIdentifier's content.
    pub fn of(algorithm: &[u8]) -> Self {
        let Some((oid, parameters)) = der::expect(der::OID, algorithm) else {
            return Scheme::Unknown;
        };
        if oid == RSA_PSS {
            return pss(parameters).map_or(Scheme::Unknown, Scheme::RsaPss);
        }
        let known = SCHEMES.iter().find(|(known, _)| *known == oid);
        match known.map_or(Scheme::Unknown, |(_, scheme)| *scheme) {
            Scheme::Ed25519 | Scheme::MlDsa if !parameters.is_empty() => Scheme::Unknown,
            scheme => scheme,
        }
    }
}

/// RSASSA-PSS-params (RFC 4055 3.1): one hash for both of its uses, and a salt of its length.
fn pss(parameters: &[u8]) -> Option<Hash> {
    let parts = der::elements(der::expect(der::SEQUENCE, parameters)?.0)?;
    let (hash, mask, salt) = match parts.as_slice() {
        [hash, mask, salt] => (hash, mask, salt),
        [hash, mask, salt, trailer] if trailer.whole == [0xa3, 3, der::INTEGER, 1, 1] => {
            (hash, mask, salt)
        }
        _ => return None,
    };
    let is_tagged = [hash.tag, mask.tag, salt.tag] == [0xa0, 0xa1, 0xa2];
    let (own, hash_of_mask) = (
        der::expect(der::SEQUENCE, hash.body)?.0,
        der::expect(der::OID, der::expect(der::SEQUENCE, mask.body)?.0)
            .filter(|(oid, _)| *oid == MGF1)?
            .1,
    );
    let oid = bare_hash(own)?;
    let is_one = is_tagged && bare_hash(der::expect(der::SEQUENCE, hash_of_mask)?.0)? == oid;
    let (_, hash, length) = HASHES.iter().find(|(known, _, _)| *known == oid)?;
    (is_one && der::only(der::INTEGER, salt.body)? == [*length]).then_some(*hash)
}

/// The OID of a hash without parameters.
fn bare_hash(algorithm: &[u8]) -> Option<&[u8]> {
    let (oid, parameters) = der::expect(der::OID, algorithm)?;
    (parameters.is_empty() || parameters == [der::NULL, 0]).then_some(oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u8) -> Vec<u8> {
        let mut oid = HASHES[0].0.to_vec();
        *oid.last_mut().unwrap() = number;
        der::element(der::SEQUENCE, &[&der::element(der::OID, &[&oid]), &[5, 0]])
    }

    fn identifier(own: u8, of_mask: u8, salt: u8, trailer: &[u8]) -> Vec<u8> {
        let mask = [der::element(der::OID, &[MGF1]), hash(of_mask)].concat();
        let parameters = [
            der::element(0xa0, &[&hash(own)]),
            der::element(0xa1, &[&der::element(der::SEQUENCE, &[&mask])]),
            der::element(0xa2, &[&[2, 1, salt]]),
            trailer.to_vec(),
        ];
        let oid = der::element(der::OID, &[RSA_PSS]);
        [oid, der::element(der::SEQUENCE, &[&parameters.concat()])].concat()
    }

    #[test]
    fn of_pss_one_bucket_for_each_hash_is_taken() {
        for (identifier, scheme) in [
            (identifier(1, 1, 32, &[]), Scheme::RsaPss(Hash::Sha256)),
            (identifier(3, 3, 64, &[0xa3, 3, 2, 1, 1]), Scheme::RsaPss(Hash::Sha512)),
            (identifier(1, 2, 32, &[]), Scheme::Unknown),
            (identifier(1, 1, 20, &[]), Scheme::Unknown),
            (identifier(1, 1, 32, &[0xa3, 3, 2, 1, 2]), Scheme::Unknown),
            (identifier(4, 4, 28, &[]), Scheme::Unknown),
        ] {
            assert_eq!(Scheme::of(&identifier), scheme);
        }
    }

    #[test]
    fn ed25519_has_no_parameters() {
        let oid = der::element(der::OID, &[&[0x2b, 0x65, 0x70]]);
        assert_eq!(Scheme::of(&oid), Scheme::Ed25519);
        assert_eq!(Scheme::of(&[oid, vec![5, 0]].concat()), Scheme::Unknown);
    }
}
