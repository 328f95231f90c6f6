//! Changes to bytes: those that break a form, and those that keep it.

/// splitmix64 (Steele and others 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Bytes that mean something in DER, PEM or YAML.
const TELLING: &[u8] = b"\0\x01\x02\x03\x04\x05\x06\x0c\x13\x17\x18\x1e\x30\x31\x7f\x80\x81\x82\x84\x86\x87\xa0\xa1\xa3\xff\n\r\t -:|>'\"{}[]&*!%@=+/";

pub fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(9) {
            0..=3 if !bytes.is_empty() => {
                bytes[at] = match random.below(3) {
                    0 => bytes[at] ^ (1 << random.below(8)),
                    1 => *random.one(TELLING),
                    _ => u8::try_from(random.below(256)).unwrap(),
                };
            }
            4 => bytes.insert(at, *random.one(TELLING)),
            5 if !bytes.is_empty() => {
                bytes.remove(at);
            }
            6 => {
                let other = random.one(others);
                let from = random.below(other.len());
                let part: Vec<u8> =
                    other.iter().skip(from).take(random.below(64)).copied().collect();
                let end = (at + random.below(64)).min(bytes.len());
                bytes.splice(at..end, part);
            }
            7 => bytes.truncate(at),
            _ => {
                let end = (at + random.below(200)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part.repeat(1 + random.below(40)));
                bytes.truncate(200_000);
            }
        }
    }
}
