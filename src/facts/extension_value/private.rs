//! Extensions of Netscape and Microsoft, and certificate transparency (RFC 6962 3.3).

use super::super::der;
use super::super::directory_string::decode;
use super::super::general_name::oid;
use super::super::key_usage::ExtendedKeyUsage;
use crate::hash::hexadecimal;
use crate::time::Timestamp;
use crate::visible::printable;

/// Bits of Netscape's certificate type, the first one first.
const TYPES: [&str; 8] = [
    "SSL client",
    "SSL server",
    "S/MIME",
    "object signing",
    "reserved",
    "SSL CA",
    "S/MIME CA",
    "object signing CA",
];

pub(super) fn read(id: &str, value: &[u8]) -> Option<Vec<String>> {
    match id {
        "2.16.840.1.113730.1.1" => {
            let [_unused, bits, ..] = der::only(der::BIT_STRING, value)? else {
                return None;
            };
            let set = (0..8_usize).filter(|bit| bits & (0x80 >> bit) != 0);
            Some(set.filter_map(|bit| TYPES.get(bit)).map(ToString::to_string).collect())
        }
        // A comment, addresses and a server's name; Microsoft's name of a template.
        "2.16.840.1.113730.1.2"
        | "2.16.840.1.113730.1.3"
        | "2.16.840.1.113730.1.4"
        | "2.16.840.1.113730.1.7"
        | "2.16.840.1.113730.1.8"
        | "2.16.840.1.113730.1.12"
        | "2.16.840.1.113730.1.13"
        | "1.3.6.1.4.1.311.20.2" => {
            let (text, rest) = der::split(value)?;
            let text = rest.is_empty().then(|| decode(text.tag, text.body).ok()).flatten();
            // OpenSSL writes UTF-8 where an IA5String belongs.
            let text = text.or_else(|| {
                let (text, _) = der::split(value)?;
                Some(String::from_utf8_lossy(text.body).into_owned())
            })?;
            Some(vec![printable(&text)])
        }
        "1.3.6.1.4.1.311.21.1" => {
            // The certificate's number in the low half, the key's in the high one.
            let version = der::unsigned(der::only(der::INTEGER, value)?)?;
            Some(vec![format!("V{}.{}", version & 0xffff, version >> 16)])
        }
        "1.3.6.1.4.1.311.21.2" => Some(vec![hexadecimal(der::only(der::OCTET_STRING, value)?)]),
        "1.3.6.1.4.1.311.21.7" => {
            let (id, versions) = der::expect(der::OID, der::only(der::SEQUENCE, value)?)?;
            let numbers = der::elements(versions)?.into_iter();
            let numbers: Option<Vec<String>> =
                numbers.map(|one| Some(der::unsigned(one.body)?.to_string())).collect();
            Some(vec![format!("{} version {}", oid(id), numbers?.join("."))])
        }
        "1.3.6.1.4.1.311.21.10" => {
            let policies = der::elements(der::only(der::SEQUENCE, value)?)?.into_iter();
            policies
                .map(|one| {
                    let id = oid(der::expect(der::OID, one.body)?.0);
                    Some(ExtendedKeyUsage::Other(id).to_string())
                })
                .collect()
        }
        "1.3.6.1.4.1.11129.2.4.2" => timestamps(der::only(der::OCTET_STRING, value)?),
        _ => None,
    }
}

/// SignedCertificateTimestampList: each of version 1 names a log and a time in milliseconds.
fn timestamps(list: &[u8]) -> Option<Vec<String>> {
    let mut list = with_length(list).filter(|(_, rest)| rest.is_empty())?.0;
    let mut all = Vec::new();
    while !list.is_empty() {
        let (one, rest) = with_length(list)?;
        list = rest;
        let (log, after) = one.strip_prefix(&[0])?.split_first_chunk::<32>()?;
        let (time, _) = after.split_first_chunk::<8>()?;
        let seconds = i64::try_from(u64::from_be_bytes(*time) / 1000).ok()?;
        let log = hexadecimal(log.first_chunk::<8>()?);
        all.push(format!("log {log}... at {}", Timestamp::from_unix(seconds)));
    }
    Some(all)
}

/// Two bytes of length, and what follows.
fn with_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
