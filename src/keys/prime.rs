//! An RSA prime: the first one from where a search starts.

use crypto_bigint::BoxedUint;
use crypto_primes::{Flavor, is_prime};
use zeroize::Zeroizing;

use super::strong_test::StrongTest;

/// The public exponent of every RSA key that is made here.
pub(super) const EXPONENT: u32 = 65537;

/// The first p at or after the start, in steps of two, that is prime with p - 1 no multiple of the exponent;
/// `None`: the search outgrew its bits. The start is a big-endian number of as many bits as a prime of one of
/// our RSA keys; its two highest bits and the lowest are set first.
///
/// Each of our buffers has its final size from the beginning and is wiped. Not wiped is what the library
/// works with in its last test, and what lies on the stack.
pub(super) fn first_prime(start: Zeroizing<Vec<u8>>) -> Option<Zeroizing<BoxedUint>> {
    // It changes no answer, and not optimized it takes longer than the library.
    let with_quick_test = !cfg!(debug_assertions);
    match start.len() {
        128 => search::<16>(start, with_quick_test),
        192 => search::<24>(start, with_quick_test),
        256 => search::<32>(start, with_quick_test),
        _ => None,
    }
}

fn search<const LIMBS: usize>(
    mut start: Zeroizing<Vec<u8>>,
    with_quick_test: bool,
) -> Option<Zeroizing<BoxedUint>> {
    if let Some(highest) = start.first_mut() {
        *highest |= 0xc0;
    }
    if let Some(lowest) = start.last_mut() {
        *lowest |= 1;
    }
    let mut sieve = Sieve::new(&start);
    let mut candidate = Zeroizing::new([0; LIMBS]);
    for (limb, bytes) in candidate.iter_mut().zip(start.as_chunks().0.iter().rev()) {
        *limb = u64::from_be_bytes(*bytes);
    }
    let mut test = StrongTest::new();
    let mut step = 0;
    loop {
        let next = sieve.next();
        add(&mut *candidate, next - step)?;
        step = next;
        if !with_quick_test || test.passes(&candidate) {
            for (bytes, limb) in start.as_chunks_mut().0.iter_mut().rev().zip(&*candidate) {
                *bytes = limb.to_be_bytes();
            }
            let bits = u32::try_from(8 * start.len()).ok()?;
            let number = Zeroizing::new(BoxedUint::from_be_slice(&start, bits).ok()?);
            if is_prime(Flavor::Any, &*number) {
                return Some(number);
            }
        }
    }
}

/// `None`: it outgrew its limbs.
fn add(number: &mut [u64], step: u64) -> Option<()> {
    let mut carry = step;
    for limb in number {
        let overflow;
        (*limb, overflow) = limb.overflowing_add(carry);
        carry = u64::from(overflow);
    }
    (carry == 0).then_some(())
}

/// Which steps of two from a start need no test, because a small prime divides what lies there or the
/// exponent divides what lies before it.
struct Sieve {
    /// A divisor, and the next place in the window that it rules out. Together they tell the number.
    next: Zeroizing<Vec<(u32, u32)>>,
    ruled_out: Zeroizing<Vec<bool>>,
    /// Steps of two before this window.
    before: u64,
    /// Where in the window to look on.
    at: usize,
}

impl Sieve {
    const WINDOW: u32 = 2048;

    fn new(start: &[u8]) -> Self {
        let small = small_primes();
        let mut next = Zeroizing::new(Vec::with_capacity(small.len() + 1));
        let place = |divisor: u32, rest: u32| {
            let missing = (divisor - rest) % divisor;
            let even = if missing.is_multiple_of(2) { missing } else { missing + divisor };
            (divisor, even / 2)
        };
        next.extend(small.iter().map(|prime| place(*prime, remainder(start, *prime))));
        // One less: what lies before the start.
        next.push(place(EXPONENT, (remainder(start, EXPONENT) + EXPONENT - 1) % EXPONENT));
        let ruled_out = Zeroizing::new(vec![false; Self::WINDOW as usize]);
        let mut sieve = Sieve { next, ruled_out, before: 0, at: 0 };
        sieve.rule_out();
        sieve
    }

    /// The next step that needs a test.
    fn next(&mut self) -> u64 {
        loop {
            let rest = self.ruled_out.iter().enumerate().skip(self.at);
            if let Some((place, _)) = rest.clone().find(|(_, ruled_out)| !**ruled_out) {
                self.at = place + 1;
                return 2 * (self.before + place as u64);
            }
            self.before += u64::from(Self::WINDOW);
            self.at = 0;
            self.ruled_out.fill(false);
            self.rule_out();
        }
    }

    fn rule_out(&mut self) {
        for (divisor, next) in self.next.iter_mut() {
            while let Some(place) = self.ruled_out.get_mut(*next as usize) {
                *place = true;
                *next += *divisor;
            }
            *next -= Self::WINDOW;
        }
    }
}

/// Odd ones. Twice as many of them would cost what they save.
fn small_primes() -> Vec<u32> {
    const BELOW: u32 = 1 << 15;
    let mut composite = vec![false; BELOW as usize];
    let mut primes = Vec::new();
    for number in (3..BELOW).step_by(2) {
        if composite.get(number as usize) == Some(&false) {
            primes.push(number);
            let multiples = composite.iter_mut().skip(number as usize).step_by(number as usize);
            multiples.for_each(|multiple| *multiple = true);
        }
    }
    primes
}

/// Of a big-endian number of whole 32-bit words, by fewer than 2^32.
fn remainder(number: &[u8], divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    let rest =
        number.as_chunks().0.iter().fold(0, |rest: u64, word| {
            (rest << 32 | u64::from(u32::from_be_bytes(*word))) % divisor
        });
    u32::try_from(rest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: u128) -> Option<u128> {
        let [quick, slow] = [true, false].map(|with_quick_test| {
            let number =
                search::<2>(Zeroizing::new(start.to_be_bytes().to_vec()), with_quick_test)?;
            Some(u128::from_be_bytes(number.to_be_bytes().as_ref().try_into().unwrap()))
        });
        assert_eq!(quick, slow, "{start:#x}");
        quick
    }

    #[test]
    fn small_primes_are_the_odd_ones() {
        let primes = small_primes();
        assert_eq!(primes[..8], [3, 5, 7, 11, 13, 17, 19, 23]);
        // Below 2^15 there are 3512, 2 among them.
        assert_eq!((primes.len(), primes.last()), (3511, Some(&32749)));
    }

    #[test]
    fn a_remainder_is_that_of_the_number() {
        let number: u128 = 0xc123_4567_89ab_cdef_0123_4567_89ab_cdef;
        for divisor in [3, 7, 32749, 65537] {
            let rest = u128::from(remainder(&number.to_be_bytes(), divisor));
            assert_eq!(rest, number % u128::from(divisor));
        }
    }

    /// Only what can be no key's prime is left out, so the search stops at the first one that can.
    #[test]
    fn no_suitable_prime_is_passed_over() {
        let mut start: u128 = 0xc000_0000_0000_0000_0000_0000_0000_0000;
        for _ in 0..40 {
            let prime = found(start).unwrap();
            let mut candidate = start | 1;
            let suits = |number: u128| {
                number % u128::from(EXPONENT) != 1
                    && is_prime(Flavor::Any, &crypto_bigint::U128::from(number))
            };
            while !suits(candidate) {
                candidate += 2;
            }
            assert_eq!(prime, candidate);
            start = prime + 0x0123_4567_89ab_cdef_0123;
        }
    }

    /// 2^128 - 159 is the last prime.
    #[test]
    fn a_search_that_outgrows_its_bits_ends() {
        assert_eq!(found(u128::MAX - 160), Some(u128::MAX - 158));
        assert_eq!(found(u128::MAX - 156), None);
    }
}
