//! RSA signatures (PKCS #1 v1.5, RFC 8017 8.2.2) of keys from 1024 bits on that are too small for ring and
//! not for Go.

use crypto_bigint::U2048;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};

use super::der;
use super::signature_scheme::Hash;

/// `key` is an RSAPublicKey, its modulus shorter than 2048 bits; `None`: the signature is not of it.
pub fn verified(hash: Hash, key: &[u8], signed: &[u8], signature: &[u8]) -> Option<()> {
    let (modulus, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, key)?)?;
    let exponent = number(der::only(der::INTEGER, rest)?)?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let params = FixedMontyParams::new_vartime(number(modulus)?.to_odd().into_option()?);
    let signature_number = number(signature)?;
    if signature.len() != modulus.len() || signature_number >= *params.modulus().as_ref() {
        return None;
    }
    let message = FixedMontyForm::new(&signature_number, &params).pow_vartime(&exponent);
    (message.retrieve() == number(&padded(hash, signed, modulus.len())?)?).then_some(())
}

/// EMSA-PKCS1-v1_5 (RFC 8017 9.2).
fn padded(hash: Hash, signed: &[u8], length: usize) -> Option<Vec<u8>> {
    let number = match hash {
        Hash::Sha256 => 1,
        Hash::Sha384 => 2,
        Hash::Sha512 => 3,
    };
    let oid = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, number];
    let identifier = [der::element(der::OID, &[&oid]), vec![der::NULL, 0]].concat();
    let digest = ring::digest::digest(hash.algorithm(), signed);
    let info = der::element(
        der::SEQUENCE,
        &[
            &der::element(der::SEQUENCE, &[&identifier]),
            &der::element(der::OCTET_STRING, &[digest.as_ref()]),
        ],
    );
    let padding = length.checked_sub(info.len() + 3).filter(|count| *count >= 8)?;
    Some([vec![0, 1], vec![0xff; padding], vec![0], info].concat())
}

fn number(bytes: &[u8]) -> Option<U2048> {
    let mut all = [0; U2048::BYTES];
    let start = all.len().checked_sub(bytes.len())?;
    all.get_mut(start..)?.copy_from_slice(bytes);
    Some(U2048::from_be_slice(&all))
}
