//! What a certificate says of certificate policies (RFC 5280 4.2.1.4, 4.2.1.5 and 4.2.1.11).

use super::super::der::{self, Element};
use super::super::directory_string::decode;
use super::super::general_name::oid;
use crate::visible::printable;

/// RFC 5280 4.2.1.4, and those of the CA/Browser Forum.
const NAMES: [(&str, &str); 6] = [
    ("2.5.29.32.0", "any policy"),
    ("2.23.140.1.1", "extended validation"),
    ("2.23.140.1.2.1", "domain validated"),
    ("2.23.140.1.2.2", "organization validated"),
    ("2.23.140.1.2.3", "individual validated"),
    ("2.23.140.1.3", "code signing, extended validation"),
];

fn policy(body: &[u8]) -> String {
    let id = oid(body);
    match NAMES.iter().find(|(known, _)| *known == id) {
        Some((_, name)) => format!("{id} ({name})"),
        None => id,
    }
}

pub(super) fn policies(all: &[Element<'_>]) -> Option<Vec<String>> {
    all.iter()
        .map(|one| {
            let (id, qualifiers) = der::expect(der::OID, one.body)?;
            let mut text = policy(id);
            if !qualifiers.is_empty() {
                for qualifier in der::elements(der::only(der::SEQUENCE, qualifiers)?)? {
                    text.push_str(", ");
                    text.push_str(&self::qualifier(qualifier)?);
                }
            }
            Some(text)
        })
        .collect()
}

/// A statement's address, or a notice.
fn qualifier(qualifier: Element<'_>) -> Option<String> {
    let (kind, value) = der::expect(der::OID, qualifier.body)?;
    let (value, _) = der::split(value)?;
    Some(match oid(kind).as_str() {
        "1.3.6.1.5.5.7.2.1" => {
            format!("statement {}", printable(&String::from_utf8_lossy(value.body)))
        }
        "1.3.6.1.5.5.7.2.2" => {
            let parts = der::elements(value.body)?;
            let text = parts.iter().find_map(|part| decode(part.tag, part.body).ok());
            text.map_or_else(
                || "a notice".to_owned(),
                |text| format!("notice {}", printable(&text)),
            )
        }
        other => format!("qualifier {other}"),
    })
}

pub(super) fn mappings(all: &[Element<'_>]) -> Option<Vec<String>> {
    all.iter()
        .map(|one| {
            let (issuers, rest) = der::expect(der::OID, one.body)?;
            let (subjects, _) = der::expect(der::OID, rest)?;
            Some(format!("{} is {}", policy(issuers), policy(subjects)))
        })
        .collect()
}

pub(super) fn constraints(all: &[Element<'_>]) -> Option<Vec<String>> {
    all.iter()
        .map(|one| {
            let after = der::unsigned(one.body)?;
            match one.tag {
                0x80 => Some(format!("a policy is required after {after} certificates")),
                0x81 => Some(format!("no mapping after {after} certificates")),
                _ => None,
            }
        })
        .collect()
}
