//! An RSA key from where the searches for its two primes start.

use crypto_bigint::BoxedUint;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use zeroize::Zeroizing;

use super::KeyError;
use super::form::KeyMaterial;
use super::prime::{EXPONENT, first_prime};

/// No try is ever used up: the chance that the first does not do is below 2^-31.
const TRIES: u32 = 1000;

#[derive(Clone, Copy)]
pub(super) enum Prime {
    P,
    Q,
}

/// `start` fills in where the search for a prime starts, anew for each try: drawn (as OpenSSL draws it), or
/// from a seed.
///
/// A big integer has no Drop of its own, so each of ours wipes itself, and the finished key does. Not wiped
/// are the totients from which the library computes the private exponent, and what lies on the stack. They
/// stay in this process's memory, which writes no core file.
pub(super) fn rsa_key(
    bits: u32,
    start: impl Fn(Prime, u32, &mut [u8]) -> Result<(), KeyError>,
) -> Result<KeyMaterial, KeyError> {
    let failed = || KeyError::unusable("cannot be made");
    let search = |prime, counter| {
        let mut bytes = Zeroizing::new(vec![0; bits as usize / 16]);
        start(prime, counter, &mut bytes).map(|()| first_prime(bytes))
    };
    for counter in 0..TRIES {
        let (Some(p), Some(q)) = (search(Prime::P, counter)?, search(Prime::Q, counter)?) else {
            continue;
        };
        let (mut p, mut q) = if *p < *q { (q, p) } else { (p, q) };
        let distance = Zeroizing::new(p.wrapping_sub(&*q));
        if distance.bit_width() + 100 <= bits / 2 {
            continue;
        }
        // The numbers move: there is no second copy.
        let (p, q) = (std::mem::take(&mut *p), std::mem::take(&mut *q));
        let key =
            rsa::PrivateKey::from_p_q(p, q, BoxedUint::from(EXPONENT)).map_err(|_| failed())?;
        let document = key.to_pkcs1_der().map_err(|_| failed())?;
        return KeyMaterial::from_pkcs1(document.as_bytes())?.ok_or_else(failed);
    }
    Err(failed())
}
