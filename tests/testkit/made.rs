//! Certificates of every shape, right and wrong, made at run time byte by byte: what a library would refuse
//! to write is what a reader must be tried with.
//!
//! Both the unit tests of `src/path` and the tests of this folder use it, so it names nothing of kpki.
#![allow(dead_code, reason = "each of the two uses a part")]

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

pub const SERVER: &str = "1.3.6.1.5.5.7.3.1";
pub const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
pub const ANY_USAGE: &str = "2.5.29.37.0";

pub const PRINTABLE: u8 = 0x13;
pub const UTF8: u8 = 0x0c;

pub const DIGITAL_SIGNATURE: u16 = 0x8000;
pub const KEY_CERT_SIGN: u16 = 0x0400;

/// Of a certificate that is valid from 2025 to 2035.
pub const START: i64 = 1_735_689_600;
pub const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
pub struct Made {
    pub version: u8,
    pub serial: Vec<u8>,
    /// A Name in DER.
    pub subject: Vec<u8>,
    /// Otherwise the signer's subject.
    pub issuer: Option<Vec<u8>>,
    pub from: i64,
    pub until: i64,
    /// The same number is the same key.
    pub key: u32,
    /// CA, path length.
    pub constraints: Option<(bool, Option<u8>)>,
    /// The first bit is the highest.
    pub key_usage: Option<u16>,
    pub usages: Option<Vec<&'static str>>,
    /// `DNS:`, `IP:`, `email:`, `URI:`.
    pub sans: Vec<String>,
    pub permitted: Vec<String>,
    pub excluded: Vec<String>,
    pub subject_key_id: Option<Vec<u8>>,
    /// Otherwise the signer's, if it has one.
    pub authority_key_id: Option<Vec<u8>>,
    /// OID, critical, value.
    pub more: Vec<(&'static str, bool, Vec<u8>)>,
    pub critical: bool,
    pub damaged: bool,
}

pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![tag];
    match body.len() {
        short @ ..0x80 => out.push(u8::try_from(short).unwrap()),
        middle @ ..0x100 => out.extend([0x81, u8::try_from(middle).unwrap()]),
        long => {
            out.push(0x82);
            out.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend(body);
    out
}

pub fn oid(dotted: &str) -> Vec<u8> {
    let mut numbers = dotted.split('.').map(|number| number.parse::<u64>().unwrap());
    let first = numbers.next().unwrap() * 40 + numbers.next().unwrap();
    let mut body = Vec::new();
    for number in std::iter::once(first).chain(numbers) {
        let mut groups = vec![u8::try_from(number & 0x7f).unwrap()];
        let mut rest = number >> 7;
        while rest > 0 {
            groups.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        groups.reverse();
        body.extend(groups);
    }
    element(6, &[&body])
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, parts)
}

/// `CN=text`
pub fn name(tag: u8, text: &str) -> Vec<u8> {
    let pair = sequence(&[&oid("2.5.4.3"), &element(tag, &[text.as_bytes()])]);
    sequence(&[&element(0x31, &[&pair])])
}

pub fn general_name(text: &str) -> Vec<u8> {
    let (kind, text) = text.split_once(':').unwrap();
    match kind {
        "DNS" => element(0x82, &[text.as_bytes()]),
        "email" => element(0x81, &[text.as_bytes()]),
        "URI" => element(0x86, &[text.as_bytes()]),
        "dir" => element(0xa4, &[&name(UTF8, text)]),
        "IP" => match text.split_once('/') {
            None => element(0x87, &[&address(text)]),
            Some((net, mask)) => element(0x87, &[&address(net), &address(mask)]),
        },
        _ => panic!("{kind}"),
    }
}

fn address(text: &str) -> Vec<u8> {
    match text.parse().unwrap() {
        std::net::IpAddr::V4(four) => four.octets().to_vec(),
        std::net::IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// `YYMMDDHHMMSSZ`, or with four digits of the year where two would mean another century.
pub fn time(seconds: i64) -> Vec<u8> {
    let time = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    match time.year() {
        year @ 1950..2050 => element(0x17, &[format!("{:02}{rest}", year % 100).as_bytes()]),
        year => element(0x18, &[format!("{year:04}{rest}").as_bytes()]),
    }
}

/// The same for the same number, and known to nobody who does not run this.
pub fn signing_key(number: u32) -> SigningKey {
    let mut scalar = [0x5a; 32];
    scalar[28..].copy_from_slice(&(number + 1).to_be_bytes());
    SigningKey::from_slice(&scalar).unwrap()
}

/// The SubjectPublicKeyInfo.
pub fn public_key(number: u32) -> Vec<u8> {
    let point = signing_key(number).verifying_key().to_sec1_point(false);
    let algorithm = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
    sequence(&[&algorithm, &element(3, &[&[0], point.as_bytes()])])
}

impl Made {
    pub fn leaf(common_name: &str) -> Self {
        Made {
            version: 3,
            serial: vec![1],
            subject: name(PRINTABLE, common_name),
            issuer: None,
            from: START,
            until: START + 3652 * DAY,
            key: 0,
            constraints: None,
            key_usage: None,
            usages: None,
            sans: Vec::new(),
            permitted: Vec::new(),
            excluded: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
            more: Vec::new(),
            critical: true,
            damaged: false,
        }
    }

    /// As openssl makes them: no key usage.
    pub fn ca(common_name: &str, key: u32) -> Self {
        Made { constraints: Some((true, None)), key, ..Made::leaf(common_name) }
    }

    fn extensions(&self, signer: &Made) -> Vec<u8> {
        let mut all = Vec::new();
        let mut add = |number: &str, critical: bool, value: &[u8]| {
            let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
            all.extend(sequence(&[&oid(number), critical, &element(4, &[value])]));
        };
        if let Some(usage) = self.key_usage {
            let unused = u8::try_from(usage.trailing_zeros().min(15)).unwrap();
            let bytes = usage.to_be_bytes();
            let bits: Vec<u8> = match unused {
                8.. => vec![unused - 8, bytes[0]],
                _ => vec![unused, bytes[0], bytes[1]],
            };
            add("2.5.29.15", self.critical, &element(3, &[&bits]));
        }
        if let Some(usages) = &self.usages {
            let all: Vec<u8> = usages.iter().flat_map(|usage| oid(usage)).collect();
            add("2.5.29.37", false, &sequence(&[&all]));
        }
        if let Some((is_ca, length)) = self.constraints {
            let ca: &[u8] = if is_ca { &[1, 1, 0xff] } else { &[] };
            let length = length.map_or(Vec::new(), |length| element(2, &[&[length]]));
            add("2.5.29.19", self.critical, &sequence(&[ca, &length]));
        }
        if let Some(id) = &self.subject_key_id {
            add("2.5.29.14", false, &element(4, &[id]));
        }
        let authority = self.authority_key_id.as_ref().or(signer.subject_key_id.as_ref());
        if let Some(id) = authority {
            add("2.5.29.35", false, &sequence(&[&element(0x80, &[id])]));
        }
        if !self.sans.is_empty() {
            let all: Vec<u8> = self.sans.iter().flat_map(|san| general_name(san)).collect();
            add("2.5.29.17", false, &sequence(&[&all]));
        }
        if !self.permitted.is_empty() || !self.excluded.is_empty() {
            let part = |tag, names: &[String]| match names {
                [] => Vec::new(),
                names => {
                    let all = names.iter().flat_map(|name| sequence(&[&general_name(name)]));
                    element(tag, &[&all.collect::<Vec<u8>>()])
                }
            };
            let (permitted, excluded) = (part(0xa0, &self.permitted), part(0xa1, &self.excluded));
            add("2.5.29.30", self.critical, &sequence(&[&permitted, &excluded]));
        }
        for (number, critical, value) in &self.more {
            add(number, *critical, value);
        }
        all
    }

    /// The certificate in DER.
    pub fn signed_by(&self, signer: &Made) -> Vec<u8> {
        let algorithm = sequence(&[&oid("1.2.840.10045.4.3.2")]);
        let version = match self.version {
            1 => Vec::new(),
            version => element(0xa0, &[&element(2, &[&[version - 1]])]),
        };
        let extensions = match self.extensions(signer) {
            all if all.is_empty() || self.version < 3 => Vec::new(),
            all => element(0xa3, &[&sequence(&[&all])]),
        };
        let signed = sequence(&[
            &version,
            &element(2, &[&self.serial]),
            &algorithm,
            self.issuer.as_ref().unwrap_or(&signer.subject),
            &sequence(&[&time(self.from), &time(self.until)]),
            &self.subject,
            &public_key(self.key),
            &extensions,
        ]);
        let number = if self.damaged { signer.key + 1000 } else { signer.key };
        let signature: Signature = signing_key(number).sign(&signed);
        let signature = element(3, &[&[0], signature.to_der().as_bytes()]);
        sequence(&[&signed, &algorithm, &signature])
    }

    pub fn self_signed(&self) -> Vec<u8> {
        self.signed_by(self)
    }
}
