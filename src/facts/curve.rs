//! The curves that Go knows, P-224 to P-521 (FIPS 186-4 D.1.2): whether a point is on one, and whether an
//! ECDSA signature is of it.
//!
//! ring has two of them, each with two hashes; Kubernetes takes all. Nothing here is secret, so nothing need
//! take the same time whatever the numbers are.

use crypto_bigint::U576;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};

use super::der;
use super::key_kind::{KeyKind, OtherKey};

/// The same size for all: 521 bits are the most.
type Number = U576;
type Field = FixedMontyForm<{ U576::LIMBS }>;
type Modulus = FixedMontyParams<{ U576::LIMBS }>;

pub struct Curve {
    /// Bytes of a coordinate.
    size: usize,
    bits_of_order: usize,
    field: Modulus,
    order: Modulus,
    b: Field,
    generator: (Field, Field),
}

/// In hexadecimal; the `a` of each is -3.
struct Parameters {
    size: usize,
    p: &'static str,
    n: &'static str,
    b: &'static str,
    x: &'static str,
    y: &'static str,
}

const P224: Parameters = Parameters {
    size: 28,
    p: "ffffffffffffffffffffffffffffffff000000000000000000000001",
    n: "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
    b: "b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4",
    x: "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
    y: "bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
};

const P256: Parameters = Parameters {
    size: 32,
    p: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    n: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    x: "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    y: "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
};

const P384: Parameters = Parameters {
    size: 48,
    p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
        ffffffff0000000000000000ffffffff",
    n: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
        581a0db248b0a77aecec196accc52973",
    b: "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a\
        c656398d8a2ed19d2a85c8edd3ec2aef",
    x: "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38\
        5502f25dbf55296c3a545e3872760ab7",
    y: "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0\
        0a60b1ce1d7e819d7a431d7c90ea0e5f",
};

const P521: Parameters = Parameters {
    size: 66,
    p: "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        ffff",
    n: "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
        fffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e9138\
        6409",
    b: "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef1\
        09e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b50\
        3f00",
    x: "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d\
        3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5\
        bd66",
    y: "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e\
        662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd1\
        6650",
};

impl Curve {
    pub fn of(kind: KeyKind) -> Option<Self> {
        let Parameters { size, p, n, b, x, y } = match kind {
            KeyKind::EcdsaP256 => P256,
            KeyKind::EcdsaP384 => P384,
            KeyKind::Other(OtherKey::EcdsaP224) => P224,
            KeyKind::Other(OtherKey::EcdsaP521) => P521,
            KeyKind::Rsa { .. } | KeyKind::Ed25519 | KeyKind::Other(_) => return None,
        };
        let number = |hexadecimal: &str| {
            let mut digits = hexadecimal.bytes().map(|digit| char::from(digit).to_digit(16));
            digits.try_fold(Number::ZERO, |sum, digit: Option<u32>| {
                Some(sum.shl_vartime(4).wrapping_add(&Number::from_u32(digit?)))
            })
        };
        let modulus = |text| Some(Modulus::new_vartime(number(text)?.to_odd().into_option()?));
        let (field, order) = (modulus(p)?, modulus(n)?);
        let element = |text| Some(Field::new(&number(text)?, &field));
        let bits_of_order = usize::try_from(order.modulus().bit_width_vartime()).ok()?;
        let (b, generator) = (element(b)?, (element(x)?, element(y)?));
        Some(Curve { size, bits_of_order, field, order, b, generator })
    }

    /// An uncompressed point on the curve (SEC 1, 2.3.4): Go reads no other form.
    pub fn is_point(&self, bytes: &[u8]) -> bool {
        self.point(bytes).is_some()
    }

    /// FIPS 186-4 6.4; the signature is an ECDSA-Sig-Value (RFC 3279 2.2.3) over the hash.
    pub fn verifies(&self, key: &[u8], hash: &[u8], signature: &[u8]) -> bool {
        self.verified(key, hash, signature).is_some()
    }

    fn verified(&self, key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
        let key = self.point(key)?;
        let (r, rest) = der::expect(der::INTEGER, der::only(der::SEQUENCE, signature)?)?;
        let (r, s) = (self.scalar(r)?, self.scalar(der::only(der::INTEGER, rest)?)?);
        // Of a hash longer than the order the leftmost bits count.
        let hash = hash.get(..hash.len().min(self.bits_of_order.div_ceil(8)))?;
        let hash = Field::new(&number(hash)?, &self.order);
        let inverse = s.invert_vartime().into_option()?;
        let (of_generator, of_key) = ((hash * inverse).retrieve(), (r * inverse).retrieve());
        let generator = self.jacobian(self.generator);
        let both = self.sum(&generator, &self.jacobian(key));
        let mut sum = self.zero();
        for bit in (0..self.order.modulus().bit_width_vartime()).rev() {
            sum = Self::double(&sum);
            let added = match (of_generator.bit_vartime(bit), of_key.bit_vartime(bit)) {
                (false, false) => continue,
                (true, false) => &generator,
                (false, true) => &self.jacobian(key),
                (true, true) => &both,
            };
            sum = self.sum(&sum, added);
        }
        let inverse = sum.z.invert_vartime().into_option()?;
        let x = (sum.x * inverse.square()).retrieve();
        (Field::new(&x, &self.order).retrieve() == r.retrieve()).then_some(())
    }

    fn point(&self, bytes: &[u8]) -> Option<(Field, Field)> {
        let (first, rest) = bytes.split_first()?;
        let (x, y) = rest.split_at_checked(self.size)?;
        if *first != 4 || y.len() != self.size {
            return None;
        }
        let element = |bytes| {
            let number = number(bytes)?;
            (number < *self.field.modulus().as_ref()).then(|| Field::new(&number, &self.field))
        };
        let (x, y) = (element(x)?, element(y)?);
        let three = x.double() + x;
        (y.square() == x.square() * x - three + self.b).then_some((x, y))
    }

    /// From 1 to the order, without it.
    fn scalar(&self, integer: &[u8]) -> Option<Field> {
        // Minimal and positive (X.690 8.3).
        let is_positive = match integer {
            [0, second, ..] => *second >= 0x80,
            [first, ..] => *first < 0x80 && *first > 0,
            [] => false,
        };
        let number = number(integer)?;
        let is_in_range = is_positive && number < *self.order.modulus().as_ref();
        is_in_range.then(|| Field::new(&number, &self.order))
    }

    fn zero(&self) -> Jacobian {
        let (zero, one) = (Field::zero(&self.field), Field::one(&self.field));
        Jacobian { x: one, y: one, z: zero }
    }

    fn jacobian(&self, (x, y): (Field, Field)) -> Jacobian {
        Jacobian { x, y, z: Field::one(&self.field) }
    }

    /// `dbl-2001-b` of the Explicit-Formulas Database.
    fn double(Jacobian { x, y, z }: &Jacobian) -> Jacobian {
        let (delta, gamma) = (z.square(), y.square());
        let beta = *x * gamma;
        let product = (*x - delta) * (*x + delta);
        let alpha = product.double() + product;
        let four_beta = beta.double().double();
        let new_x = alpha.square() - four_beta.double();
        Jacobian {
            x: new_x,
            y: alpha * (four_beta - new_x) - gamma.square().double().double().double(),
            z: (*y + *z).square() - gamma - delta,
        }
    }

    /// `add-2007-bl`, and what it leaves out.
    #[allow(clippy::many_single_char_names, reason = "they are called so there")]
    fn sum(&self, one: &Jacobian, other: &Jacobian) -> Jacobian {
        let zero = Field::zero(&self.field);
        if one.z == zero {
            return *other;
        }
        if other.z == zero {
            return *one;
        }
        let (z1, z2) = (one.z.square(), other.z.square());
        let (u1, u2) = (one.x * z2, other.x * z1);
        let (s1, s2) = (one.y * other.z * z2, other.y * one.z * z1);
        if u1 == u2 {
            return if s1 == s2 { Self::double(one) } else { self.zero() };
        }
        let h = u2 - u1;
        let i = h.double().square();
        let j = h * i;
        let r = (s2 - s1).double();
        let v = u1 * i;
        let x = r.square() - j - v.double();
        Jacobian {
            x,
            y: r * (v - x) - (s1 * j).double(),
            z: ((one.z + other.z).square() - z1 - z2) * h,
        }
    }
}

/// x = X / Z^2 and y = Y / Z^3; nowhere where Z is zero.
#[derive(Clone, Copy)]
struct Jacobian {
    x: Field,
    y: Field,
    z: Field,
}

fn number(bytes: &[u8]) -> Option<Number> {
    let mut all = [0; Number::BYTES];
    let start = all.len().checked_sub(bytes.len())?;
    all.get_mut(start..)?.copy_from_slice(bytes);
    Some(Number::from_be_slice(&all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let pairs = hexadecimal.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// The kind, x, y, and r and s of two signatures.
    type Vector = (KeyKind, &'static str, &'static str, [(&'static str, &'static str); 2]);

    /// RFC 6979 A.2.4 to A.2.7: the message "sample" with SHA-256 and SHA-512; public keys and signatures.
    const VECTORS: [Vector; 3] = [
        (
            KeyKind::Other(OtherKey::EcdsaP224),
            "00cf08da5ad719e42707fa431292dea11244d64fc51610d94b130d6c",
            "eeab6f3debe455e3dbf85416f7030cbd94f34f2d6f232c69f3c1385a",
            [
                (
                    "61aa3da010e8e8406c656bc477a7a7189895e7e840cdfe8ff42307ba",
                    "bc814050dab5d23770879494f9e0a680dc1af7161991bde692b10101",
                ),
                (
                    "074bd1d979d5f32bf958ddc61e4fb4872adcafeb2256497cdac30397",
                    "a4ceca196c3d5a1ff31027b33185dc8ee43f288b21ab342e5d8eb084",
                ),
            ],
        ),
        (
            KeyKind::EcdsaP256,
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
            [
                (
                    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
                ),
                (
                    "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00",
                    "2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe",
                ),
            ],
        ),
        (
            KeyKind::Other(OtherKey::EcdsaP521),
            "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd3\
             71123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4",
            "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a2\
             8a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
            [
                (
                    "01511bb4d675114fe266fc4372b87682baecc01d3cc62cf2303c92b3526012659\
                     d16876e25c7c1e57648f23b73564d67f61c6f14d527d54972810421e7d87589e1a7",
                    "004a171143a83163d6df460aaf61522695f207a58b95c0644d87e52aa1a347916\
                     e4f7a72930b1bc06dbe22ce3f58264afd23704cbb63b29b931f7de6c9d949a7ecfc",
                ),
                (
                    "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f1\
                     74e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
                    "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af2\
                     82623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
                ),
            ],
        ),
    ];

    fn signature(r: &str, s: &str) -> Vec<u8> {
        let integer = |text: &str| {
            let bytes = bytes(text);
            let start = bytes.iter().take_while(|byte| **byte == 0).count();
            let padding: &[u8] = if bytes[start] >= 0x80 { &[0] } else { &[] };
            der::element(der::INTEGER, &[padding, &bytes[start..]])
        };
        der::element(der::SEQUENCE, &[&integer(r), &integer(s)])
    }

    #[test]
    fn signatures_of_others_verify_and_changed_ones_do_not() {
        for (kind, x, y, signatures) in VECTORS {
            let curve = Curve::of(kind).unwrap();
            let key = [vec![4], bytes(x), bytes(y)].concat();
            assert!(curve.is_point(&key), "{kind}");
            for ((r, s), algorithm) in
                signatures.iter().zip([&ring::digest::SHA256, &ring::digest::SHA512])
            {
                let hash = ring::digest::digest(algorithm, b"sample");
                let other = ring::digest::digest(algorithm, b"Sample");
                assert!(curve.verifies(&key, hash.as_ref(), &signature(r, s)), "{kind}");
                assert!(!curve.verifies(&key, hash.as_ref(), &signature(s, r)), "{kind}");
                assert!(!curve.verifies(&key, other.as_ref(), &signature(r, s)), "{kind}");
            }
            let mut off = key.clone();
            *off.last_mut().unwrap() ^= 1;
            assert!(!curve.is_point(&off), "{kind}");
            assert!(!curve.is_point(&key[..key.len() - 1]), "{kind}");
        }
    }
}
