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

const WORDS: &[&[u8]] = &[
    b"-----BEGIN CERTIFICATE-----\n",
    b"-----END CERTIFICATE-----",
    b"-----BEGIN EC PRIVATE KEY-----\n",
    b"Proc-Type: 4,ENCRYPTED\n",
    b"LS0tLS1CRUdJTi",
    b"\xef\xbb\xbf",
    b"---\n",
    b"...\n",
    b"<<: *a\n",
    b"&a ",
    b"*a ",
    b"!!binary ",
    b"? ",
    b"|\n",
    b">-2\n",
    b"null",
    b"~",
    b"\xe2\x80\xa8",
    b"\\u0000",
    b"users:\n",
    b"current-context: c\n",
    b"kind: Config\n",
];

/// Of one of the seeds.
pub fn bytes(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.one(seeds).clone();
    mutate(&mut bytes, seeds, random);
    bytes
}

/// As [`bytes`], and as often with changed elements whose lengths are right.
pub fn der(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if random.below(2) == 0 {
        return bytes(seeds, random);
    }
    let mut der = random.one(seeds).clone();
    for _ in 0..=random.below(3) {
        der = elements(&der, seeds, random);
    }
    der
}

/// Some certificates of all seeds in any order, each behind its length in two bytes; now and then one of them
/// is changed.
pub fn frames(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..2 + random.below(8) {
        let frame = match random.below(12) {
            0 => der(seeds, random),
            _ => random.one(seeds).clone(),
        };
        let Ok(length) = u16::try_from(frame.len()) else { continue };
        out.extend(length.to_be_bytes());
        out.extend(frame);
    }
    out
}

/// Tag, content, and what comes after.
fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = der else { return None };
    let (length, rest) = match length {
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        0x80.. => return None,
        short => (usize::from(*short), rest),
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

fn children(mut content: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut all = Vec::new();
    while !content.is_empty() {
        let (tag, inside, after) = split(content)?;
        all.push((tag, inside));
        content = after;
    }
    Some(all)
}

fn joined(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        0..0x80 => out.push(length[1]),
        0x80..0x100 => out.extend([0x81, length[1]]),
        _ => out.extend([0x82, length[0], length[1]]),
    }
    out.extend(content);
    out
}

/// One element changed, somewhere; octet strings and bit strings are looked into.
fn elements(der: &[u8], seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let Some((tag, content, after)) = split(der) else { return der.to_vec() };
    let (unused, inside) = match (tag, content) {
        (3, [0, inside @ ..]) => (&[0_u8][..], inside),
        _ => (&[][..], content),
    };
    let looked_into = tag & 0x20 != 0 || matches!(tag, 3 | 4);
    let all = children(inside).filter(|all| looked_into && !all.is_empty());
    let changed = match all {
        Some(all) if random.below(8) > 0 => {
            let at = random.below(all.len());
            let mut out: Vec<Vec<u8>> =
                all.iter().map(|(tag, content)| joined(*tag, content)).collect();
            match random.below(12) {
                0 => {
                    out.remove(at);
                }
                1 => {
                    let twice = out[at].clone();
                    out.insert(random.below(out.len()), twice);
                }
                2 => out.swap(at, random.below(all.len())),
                3 => {
                    let many = out[at].clone();
                    out.extend(std::iter::repeat_n(many, random.below(60)));
                }
                _ => out[at] = elements(&out[at], seeds, random),
            }
            [unused, &out.concat()].concat()
        }
        _ => {
            let mut content = content.to_vec();
            match random.below(5) {
                0 => content.clear(),
                1 => {
                    let other = random.one(seeds);
                    let from = random.below(other.len());
                    content = split(&other[from..]).map_or(content, |(_, found, _)| found.to_vec());
                }
                _ => mutate(&mut content, seeds, random),
            }
            content
        }
    };
    let tag = if random.below(16) == 0 { *random.one(TELLING) } else { tag };
    [joined(tag, &changed), after.to_vec()].concat()
}

fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(10) {
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
            8 => {
                bytes.splice(at..at, random.one(WORDS).iter().copied());
            }
            _ => {
                let end = (at + random.below(200)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part.repeat(1 + random.below(40)));
                bytes.truncate(200_000);
            }
        }
    }
}
