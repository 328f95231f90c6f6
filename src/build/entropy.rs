//! Where randomness comes from: the operating system, and nowhere else.

use ring::rand::{SecureRandom, SystemRandom};

use super::BuildError;

#[derive(Debug, Clone)]
pub struct Entropy {
    system: SystemRandom,
}

impl Entropy {
    pub fn system() -> Self {
        Entropy {
            system: SystemRandom::new(),
        }
    }

    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), BuildError> {
        self.system.fill(bytes).map_err(|_| BuildError::Entropy)
    }

    /// A certificate's serial number: 126 random bits (CA/Browser Forum: at least 64), positive, and never
    /// shorter or longer than 16 bytes (RFC 5280 4.1.2.2: at most 20).
    pub fn serial(&self) -> Result<[u8; 16], BuildError> {
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
        assert!(
            serials
                .iter()
                .all(|serial| (0x40..0x80).contains(&serial[0]))
        );
    }
}
