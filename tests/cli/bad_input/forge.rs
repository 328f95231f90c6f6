//! Certificates and requests byte by byte, as no honest tool writes them; OpenSSL makes keys and signatures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::testkit::tool;

/// One element in DER.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len();
    let short = |at: u32| u8::try_from(length >> at & 0xff).unwrap();
    let length = match length {
        0..0x80 => vec![short(0)],
        0x80..0x100 => vec![0x81, short(0)],
        _ => vec![0x82, short(8), short(0)],
    };
    [vec![tag], length, body].concat()
}

pub const CN: &[u8] = &[0x55, 4, 3];
pub const O: &[u8] = &[0x55, 4, 10];
pub const OU: &[u8] = &[0x55, 4, 11];
pub const UTF8: u8 = 0x0c;
pub const PRINTABLE: u8 = 0x13;
pub const T61: u8 = 0x14;
pub const BMP: u8 = 0x1e;

/// Type, tag of the value, value.
pub type Pair<'a> = (&'a [u8], u8, &'a [u8]);

/// A name with an RDN for each of `rdns`.
pub fn name(rdns: &[&[Pair<'_>]]) -> Vec<u8> {
    let rdns = rdns.iter().map(|pairs| {
        let pairs = pairs
            .iter()
            .map(|(oid, tag, value)| tlv(0x30, &[&tlv(6, &[oid]), &tlv(*tag, &[value])]));
        tlv(0x31, &[&pairs.collect::<Vec<_>>().concat()])
    });
    tlv(0x30, &[&rdns.collect::<Vec<_>>().concat()])
}

/// A name with one attribute in each RDN.
pub fn plain(pairs: &[Pair<'_>]) -> Vec<u8> {
    let rdns: Vec<&[Pair<'_>]> = pairs.iter().map(std::slice::from_ref).collect();
    name(&rdns)
}

const ECDSA_WITH_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// Somebody with a key on P-256.
pub struct Forger {
    folder: TempDir,
    key: PathBuf,
    pub spki: Vec<u8>,
}

impl Forger {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let curve = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out";
        openssl(tool("openssl").args(curve.split(' ')).arg(&key));
        Forger::with(folder, key)
    }

    /// With a key that is here.
    pub fn of(key: PathBuf) -> Self {
        Forger::with(tempfile::tempdir().unwrap(), key)
    }

    fn with(folder: TempDir, key: PathBuf) -> Self {
        let public = "pkey -pubout -outform DER -in";
        let spki = openssl(tool("openssl").args(public.split(' ')).arg(&key));
        Forger { folder, key, spki }
    }

    pub fn give_key(&self, path: &Path) {
        fs::copy(&self.key, path).unwrap();
    }

    /// Signed as X.509 and PKCS#10 are.
    pub fn signed(&self, what: &[u8]) -> Vec<u8> {
        let file = self.folder.path().join("signed");
        fs::write(&file, what).unwrap();
        let mut sign = tool("openssl");
        sign.args(["dgst", "-sha256", "-sign"]).arg(&self.key);
        let signature = openssl(sign.arg(&file));
        tlv(0x30, &[what, ECDSA_WITH_SHA256, &tlv(3, &[&[0], &signature])])
    }

    /// A certificate with some of its bytes exchanged, signed anew.
    pub fn resigned(&self, certificate: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let length =
            |at: usize| 4 + usize::from(u16::from_be_bytes([certificate[at], certificate[at + 1]]));
        assert_eq!((certificate[1], certificate[5]), (0x82, 0x82));
        let signed = &certificate[4..4 + length(6)];
        self.signed(&replaced(signed, from, to))
    }

    pub fn request(&self, subject: &[u8], attributes: &[u8]) -> Vec<u8> {
        let attributes = tlv(0xa0, &[attributes]);
        self.signed(&tlv(0x30, &[&[2, 1, 0], subject, &self.spki, &attributes]))
    }

    pub fn certificate(&self, wish: &Wish<'_>) -> Vec<u8> {
        let extensions = tlv(0xa3, &[&tlv(0x30, wish.extensions)]);
        let validity = [tlv(0x17, &[b"260101000000Z"]), tlv(0x17, &[b"491231000000Z"])].concat();
        self.signed(&tlv(
            0x30,
            &[
                &[0xa0, 3, 2, 1, wish.version],
                wish.serial,
                ECDSA_WITH_SHA256,
                wish.issuer,
                &tlv(0x30, &[&validity]),
                wish.subject,
                wish.spki.unwrap_or(&self.spki),
                &extensions,
            ],
        ))
    }
}

/// Elements of a TBSCertificate.
pub struct Wish<'a> {
    /// Two for version 3.
    pub version: u8,
    pub serial: &'a [u8],
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    /// `None`: the issuer's own.
    pub spki: Option<&'a [u8]>,
    pub extensions: &'a [&'a [u8]],
}

/// RFC 5280 4.2.1.9, 4.2.1.3 and 4.2.1.12.
pub const IS_CA: &[u8] = &[0x30, 15, 6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff, 4, 5, 0x30, 3, 1, 1, 0xff];
pub const SIGNS: &[u8] = &[0x30, 14, 6, 3, 0x55, 0x1d, 0x0f, 1, 1, 0xff, 4, 4, 3, 2, 2, 4];
pub const IS_CLIENT: &[u8] =
    &[0x30, 19, 6, 3, 0x55, 0x1d, 0x25, 4, 12, 0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];

/// With the last `from` in it exchanged.
pub fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut places = bytes.windows(from.len());
    let at = places.rposition(|at| at == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

pub fn pem(label: &str, der: Vec<u8>) -> String {
    ::pem::encode(&::pem::Pem::new(label, der))
}

fn openssl(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {done:?}");
    done.stdout
}
