//! Where randomness comes from: the operating system, or a seed for all that must be the same again.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::KeyError;
use super::schedule::Seed;
use crate::hash::hexadecimal;
use crate::secret::Secret;

#[derive(Clone)]
pub struct Entropy {
    system: SystemRandom,
    seed: Option<Seed>,
}

impl Entropy {
    pub fn system() -> Self {
        Entropy { system: SystemRandom::new(), seed: None }
    }

    /// Nothing is drawn: keys, serial numbers and signatures follow from the seed.
    pub fn seeded(seed: Seed) -> Self {
        Entropy { seed: Some(seed), ..Entropy::system() }
    }

    /// What all follows from, where nothing is drawn.
    pub fn seed(&self) -> Option<&Seed> {
        self.seed.as_ref()
    }

    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
        self.system.fill(bytes).map_err(|_| KeyError::Entropy)
    }

    /// Random bytes, written as hexadecimal digits.
    pub fn hexadecimal(&self, bytes: usize) -> Result<Secret, KeyError> {
        let mut drawn = Zeroizing::new(vec![0; bytes]);
        self.fill(&mut drawn)?;
        Ok(Secret::new(hexadecimal(&drawn).into_bytes()))
    }

    /// A certificate's serial number: 126 random bits (CA/Browser Forum: at least 64), positive, and never
    /// shorter or longer than 16 bytes (RFC 5280 4.1.2.2: at most 20).
    pub fn serial(&self) -> Result<[u8; 16], KeyError> {
        let mut serial = [0; 16];
        self.fill(&mut serial)?;
        let [first, ..] = &mut serial;
        *first = *first & 0x7f | 0x40;
        Ok(serial)
    }

    /// In the form that ring's own key generation takes.
    pub(super) fn for_ring(&self) -> &SystemRandom {
        &self.system
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_positive_full_length_and_differ() {
        let entropy = Entropy::system();
        let serials: std::collections::BTreeSet<_> =
            (0..100).map(|_| entropy.serial().unwrap()).collect();
        assert_eq!(serials.len(), 100);
        assert!(serials.iter().all(|serial| (0x40..0x80).contains(&serial[0])));
    }
}
