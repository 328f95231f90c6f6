//! What an extension says, in words.
//!
//! Nothing is judged by it. What cannot be read here is an empty list: whoever shows it has its bytes.

mod policies;
mod private;

use super::der::{self, Element};
use super::extension::{
    AUTHORITY_ACCESS, AUTHORITY_KEY_ID, DISTRIBUTION_POINTS, Extension, INHIBIT_ANY_POLICY,
    NAME_CONSTRAINTS, POLICIES, POLICY_CONSTRAINTS, POLICY_MAPPINGS,
};
use super::general_name::{all_in_words, in_words as name_in_words, oid};
use crate::hash::hexadecimal;

impl Extension {
    /// Each value for itself. Empty also for those that a certificate's facts have fields for.
    pub fn values(&self) -> Vec<String> {
        read(&self.oid, &self.value).unwrap_or_default()
    }
}

fn read(id: &str, value: &[u8]) -> Option<Vec<String>> {
    let elements = || der::elements(der::only(der::SEQUENCE, value)?);
    match id {
        NAME_CONSTRAINTS => name_constraints(elements()?),
        POLICIES => policies::policies(&elements()?),
        POLICY_MAPPINGS => policies::mappings(&elements()?),
        POLICY_CONSTRAINTS => policies::constraints(&elements()?),
        INHIBIT_ANY_POLICY => {
            let after = der::unsigned(der::only(der::INTEGER, value)?)?;
            Some(vec![format!("after {after} certificates")])
        }
        AUTHORITY_KEY_ID => Some(authority_key(&elements()?)),
        AUTHORITY_ACCESS | SUBJECT_ACCESS => elements()?.into_iter().map(access).collect(),
        DISTRIBUTION_POINTS | FRESHEST_CRL => Some(
            elements()?.into_iter().map(distribution_point).collect::<Option<Vec<_>>>()?.concat(),
        ),
        ISSUER_ALTERNATIVE_NAMES => all_in_words(der::only(der::SEQUENCE, value)?),
        DIRECTORY_ATTRIBUTES => elements()?
            .into_iter()
            .map(|attribute| Some(oid(der::expect(der::OID, attribute.body)?.0)))
            .collect(),
        KEY_USAGE_PERIOD => elements()?.into_iter().map(period).collect(),
        TLS_FEATURE => elements()?.into_iter().map(feature).collect(),
        OCSP_NO_CHECK | PRECERTIFICATE => der::only(der::NULL, value)?.is_empty().then(Vec::new),
        _ => private::read(id, value),
    }
}

const DIRECTORY_ATTRIBUTES: &str = "2.5.29.9";
const KEY_USAGE_PERIOD: &str = "2.5.29.16";
const ISSUER_ALTERNATIVE_NAMES: &str = "2.5.29.18";
const FRESHEST_CRL: &str = "2.5.29.46";
const SUBJECT_ACCESS: &str = "1.3.6.1.5.5.7.1.11";
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
const OCSP_NO_CHECK: &str = "1.3.6.1.5.5.7.48.1.5";
const PRECERTIFICATE: &str = "1.3.6.1.4.1.11129.2.4.3";

/// RFC 5280 4.2.1.10: those that are permitted, then those that are excluded.
fn name_constraints(parts: Vec<Element<'_>>) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for part in parts {
        let word = if part.tag == der::context(0) { "only" } else { "not" };
        for subtree in der::elements(part.body)? {
            let (base, _) = der::split(subtree.body)?;
            all.push(format!("{word} {}", name_in_words(base)));
        }
    }
    Some(all)
}

/// RFC 5280 4.2.1.1: of the issuer's own issuer, where it is named beside or instead of the key.
fn authority_key(parts: &[Element<'_>]) -> Vec<String> {
    let named = parts.iter().filter_map(|part| match part.tag {
        0xa1 => Some(format!("issued by {}", all_in_words(part.body)?.join(", "))),
        0x82 => Some(format!("with the serial number {}", hexadecimal(part.body))),
        _ => None,
    });
    named.collect()
}

/// RFC 5280 4.2.2: how to get at something, and where it is.
fn access(description: Element<'_>) -> Option<String> {
    let (method, location) = der::expect(der::OID, description.body)?;
    let method = match oid(method).as_str() {
        "1.3.6.1.5.5.7.48.1" => "OCSP".to_owned(),
        "1.3.6.1.5.5.7.48.2" => "CA issuers".to_owned(),
        "1.3.6.1.5.5.7.48.3" => "time stamping".to_owned(),
        "1.3.6.1.5.5.7.48.5" => "CA repository".to_owned(),
        other => other.to_owned(),
    };
    Some(format!("{method} {}", name_in_words(der::split(location)?.0)))
}

/// RFC 5280 4.2.1.13.
fn distribution_point(point: Element<'_>) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for part in der::elements(point.body)? {
        match part.tag {
            0xa0 => match der::split(part.body)?.0 {
                Element { tag: 0xa0, body, .. } => all.extend(all_in_words(body)?),
                _ => all.push("a name below the issuer's".to_owned()),
            },
            0x81 => all.push("for some reasons only".to_owned()),
            0xa2 => all.push(format!("issued by {}", all_in_words(part.body)?.join(", "))),
            _ => return None,
        }
    }
    Some(all)
}

fn period(end: Element<'_>) -> Option<String> {
    let word = match end.tag {
        0x80 => "from",
        0x81 => "until",
        _ => return None,
    };
    let text = str::from_utf8(end.body).ok().filter(|text| text.is_ascii())?;
    let part = |range| text.get(range);
    Some(format!("{word} {}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?))
}

/// RFC 7633 4: numbers of TLS extensions.
fn feature(number: Element<'_>) -> Option<String> {
    let number = (number.tag == der::INTEGER).then(|| der::unsigned(number.body)).flatten()?;
    Some(match number {
        5 => "status_request (must staple)".to_owned(),
        17 => "status_request_v2".to_owned(),
        other => format!("TLS extension {other}"),
    })
}

#[cfg(test)]
mod tests;
