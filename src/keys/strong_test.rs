//! One round of Miller and Rabin to base 2, fast: what a search for a prime spends its time on.

use zeroize::Zeroizing;

/// No judgement: what passes is left to `crypto_primes::is_prime`, whose first step is this same test, so
/// that the answer of both together is the library's. To base 2 a multiplication is a doubling and a square
/// takes three quarters of a product's work, in memory of one size that is wiped: half the library's time.
///
/// Numbers are limbs of 64 bits, the lowest first.
pub(super) struct StrongTest<const LIMBS: usize> {
    candidate: Zeroizing<[u64; LIMBS]>,
    /// The number under test, times this, is -1 modulo 2^64.
    inverse: u64,
    /// In Montgomery's form, as are `one` and `minus_one`: times 2^(64 * LIMBS).
    power: Zeroizing<[u64; LIMBS]>,
    one: Zeroizing<[u64; LIMBS]>,
    minus_one: Zeroizing<[u64; LIMBS]>,
    square: Zeroizing<[[u64; LIMBS]; 2]>,
}

impl<const LIMBS: usize> StrongTest<LIMBS> {
    pub fn new() -> Self {
        let zeros = || Zeroizing::new([0; LIMBS]);
        StrongTest {
            candidate: zeros(),
            inverse: 0,
            power: zeros(),
            one: zeros(),
            minus_one: zeros(),
            square: Zeroizing::new([[0; LIMBS]; 2]),
        }
    }

    /// Whether an odd number of full size, its highest bit set, is a strong probable prime to base 2.
    pub fn passes(&mut self, candidate: &[u64; LIMBS]) -> bool {
        self.load(candidate);
        // candidate - 1 = d * 2^twos. The bits of d are those of the candidate above its lowest `twos`.
        let twos = factors_of_two_before(candidate);
        let bits =
            candidate.iter().rev().flat_map(|limb| (0..64).rev().map(move |at| limb >> at & 1));
        *self.power = *self.one;
        for bit in bits.take(64 * candidate.len() - twos) {
            self.square();
            if bit == 1 {
                self.double();
            }
        }
        if self.power == self.one || self.power == self.minus_one {
            return true;
        }
        (1..twos).any(|_| {
            self.square();
            self.power == self.minus_one
        })
    }

    fn load(&mut self, candidate: &[u64; LIMBS]) {
        *self.candidate = *candidate;
        let lowest = candidate.first().copied().unwrap_or_default();
        // Newton: each step doubles the bits that are right, and an odd number is its own inverse modulo 8.
        let inverse = (0..5).fold(lowest, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)))
        });
        self.inverse = inverse.wrapping_neg();
        // Above half of it 2^(64 * limbs) leaves itself less the number.
        self.one.fill(0);
        subtract(&mut *self.one, candidate);
        *self.minus_one = *candidate;
        subtract(&mut *self.minus_one, &*self.one);
    }

    /// Squares the power and reduces it as Montgomery does.
    fn square(&mut self) {
        let square = self.square.as_flattened_mut();
        square.fill(0);
        let mut rest = &self.power[..];
        let mut column = 1;
        while let Some((first, others)) = rest.split_first() {
            let columns = square.get_mut(column..).unwrap_or_default();
            if let Some((low, [next, ..])) = columns.split_at_mut_checked(others.len()) {
                *next = add_product(low, others, *first);
            }
            rest = others;
            column += 2;
        }
        // So far each product of two different limbs is there once, and no square of one.
        let (mut shifted_out, mut carry) = (0, false);
        for ([low, high], limb) in square.as_chunks_mut().0.iter_mut().zip(&*self.power) {
            let (square_low, square_high) = limb.carrying_mul(*limb, 0);
            let doubled_low = *low << 1 | shifted_out;
            let doubled_high = *high << 1 | *low >> 63;
            shifted_out = *high >> 63;
            (*low, carry) = doubled_low.carrying_add(square_low, carry);
            (*high, carry) = doubled_high.carrying_add(square_high, carry);
        }
        let mut overflow = false;
        for column in 0..LIMBS {
            let columns = square.get_mut(column..).unwrap_or_default();
            if let Some((low, [next, ..])) = columns.split_first_chunk_mut::<LIMBS>() {
                let factor = low.first().map_or(0, |lowest| lowest.wrapping_mul(self.inverse));
                let carry = add_product(low, &*self.candidate, factor);
                (*next, overflow) = next.carrying_add(carry, overflow);
            }
        }
        let [_, high] = *self.square;
        *self.power = high;
        self.reduce(overflow);
    }

    fn double(&mut self) {
        let mut shifted_out = 0;
        for limb in self.power.iter_mut() {
            (*limb, shifted_out) = (*limb << 1 | shifted_out, *limb >> 63);
        }
        self.reduce(shifted_out == 1);
    }

    /// With `overflow` the power lacks its highest bit, which is no limb's.
    fn reduce(&mut self, overflow: bool) {
        if overflow || self.power.iter().rev().ge(self.candidate.iter().rev()) {
            subtract(&mut *self.power, &*self.candidate);
        }
    }
}

/// How often 2 divides the number before an odd one.
fn factors_of_two_before(odd: &[u64]) -> usize {
    let mut factors = 0;
    for (limb, lowest) in odd.iter().zip([1].into_iter().chain(std::iter::repeat(0))) {
        let limb = limb - lowest;
        factors += limb.trailing_zeros() as usize;
        if limb != 0 {
            break;
        }
    }
    factors
}

/// Adds `row * factor`; gives what belongs into the next column.
#[inline]
fn add_product(columns: &mut [u64], row: &[u64], factor: u64) -> u64 {
    let mut carry = 0;
    for (column, limb) in columns.iter_mut().zip(row) {
        (*column, carry) = limb.carrying_mul_add(factor, *column, carry);
    }
    carry
}

/// Modulo 2^(64 * LIMBS).
#[inline]
fn subtract(from: &mut [u64], what: &[u64]) {
    let mut borrow = false;
    for (limb, what) in from.iter_mut().zip(what) {
        (*limb, borrow) = limb.borrowing_sub(*what, borrow);
    }
}

#[cfg(test)]
mod tests {
    use crypto_bigint::{Odd, U64, U1024};
    use crypto_primes::hazmat::MillerRabin;

    use super::*;

    /// 2^n less `below` is the largest prime of its size.
    fn only_the_prime_passes<const LIMBS: usize>(below: u64) {
        for less in (below.saturating_sub(40)..=below + 2).map(|less| less | 1) {
            let mut number = [u64::MAX; LIMBS];
            number[0] -= less - 1;
            let passes = StrongTest::new().passes(&number);
            assert_eq!(passes, less == below, "2^{} - {less}", 64 * LIMBS);
        }
    }

    #[test]
    fn primes_pass_and_their_neighbours_do_not() {
        only_the_prime_passes::<1>(59);
        only_the_prime_passes::<2>(159);
        only_the_prime_passes::<4>(189);
        only_the_prime_passes::<8>(569);
        only_the_prime_passes::<16>(105);
        only_the_prime_passes::<32>(1_942_289);
    }

    /// 2147484349 * 4294968697 and 2147505769 * 4295011537: d's power is -1 after a square, and is 1.
    #[test]
    fn strong_pseudoprimes_pass() {
        for pseudoprime in [9_223_378_056_252_423_253, 9_223_562_053_629_056_953] {
            assert!(StrongTest::new().passes(&[pseudoprime]), "{pseudoprime}");
        }
    }

    #[test]
    fn it_says_what_the_library_says() {
        let mut test = StrongTest::new();
        for number in (0x8000_0000_0000_0001_u64..).step_by(2).take(2000) {
            let library = MillerRabin::new(Odd::new(U64::from(number)).unwrap()).test_base_two();
            assert_eq!(test.passes(&[number]), !library.is_composite(), "{number}");
        }
        let mut test = StrongTest::new();
        for step in (1..80_u64).step_by(2) {
            let mut number = [0x0123_4567_89ab_cdef; 16];
            (number[0], number[15]) = (step, u64::MAX - step);
            let odd = Odd::new(U1024::from_words(number)).unwrap();
            let library = MillerRabin::new(odd).test_base_two();
            assert_eq!(test.passes(&number), !library.is_composite(), "{step}");
        }
    }
}
