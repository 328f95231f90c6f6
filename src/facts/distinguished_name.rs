//! Who a certificate speaks of: a distinguished name, kept and compared as its DER.
//!
//! Chains are built by comparing names byte for byte (RFC 5280 7.1 allows more, implementations do not), so
//! the bytes are the value; the texts in them are read when somebody asks.

use std::collections::BTreeSet;
use std::fmt;

use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::{FactsError, der};
use crate::name::San;

const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];
const GO_FIELDS: [(&str, [u8; 3]); 6] = [
    ("C", [0x55, 0x04, 0x06]),
    ("ST", [0x55, 0x04, 0x08]),
    ("L", [0x55, 0x04, 0x07]),
    ("O", ORGANIZATION),
    ("OU", [0x55, 0x04, 0x0b]),
    ("CN", COMMON_NAME),
];

/// A Name of RFC 5280 4.1.2.4.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName {
    der: Box<[u8]>,
}

impl DistinguishedName {
    /// Each organization in an RDN of its own, sorted, then the common name: the order of Go's `pkix.Name`.
    pub fn new<'a>(
        organizations: impl IntoIterator<Item = &'a str>,
        common_name: Option<&str>,
    ) -> Self {
        let organizations: BTreeSet<&str> = organizations.into_iter().collect();
        let mut rdns = Vec::new();
        for organization in organizations {
            rdns.extend(relative_name(&ORGANIZATION, organization));
        }
        if let Some(common_name) = common_name {
            rdns.extend(relative_name(&COMMON_NAME, common_name));
        }
        DistinguishedName {
            der: der::element(der::SEQUENCE, &[&rdns]).into(),
        }
    }

    pub fn from_der(bytes: &[u8]) -> Result<Self, FactsError> {
        match X509Name::from_der(bytes) {
            Ok(([], _)) => Ok(DistinguishedName { der: bytes.into() }),
            _ => Err(FactsError::new("holds a malformed distinguished name")),
        }
    }

    /// A name that a parser has accepted already.
    pub(super) fn of_parsed(name: &X509Name<'_>) -> Self {
        DistinguishedName {
            der: name.as_raw().into(),
        }
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn is_empty(&self) -> bool {
        matches!(*self.der, [_, 0])
    }

    /// The user that Kubernetes sees: of several common names Go takes the last.
    pub fn common_name(&self) -> Option<String> {
        self.texts(&COMMON_NAME).pop()
    }

    /// The groups that Kubernetes sees, whether in RDNs of their own or in a multi-valued one.
    pub fn organizations(&self) -> BTreeSet<String> {
        self.texts(&ORGANIZATION).into_iter().collect()
    }

    /// The first value of each attribute that a `pkix.Name` of Go names, in the order C, ST, L, O, OU, CN; of several
    /// common names the last.
    pub fn go_fields(&self) -> Vec<(&'static str, String)> {
        GO_FIELDS
            .iter()
            .filter_map(|(name, oid)| {
                let mut texts = self.texts(oid).into_iter();
                let text = match *name {
                    "CN" => texts.next_back(),
                    _ => texts.next(),
                };
                Some((*name, text?))
            })
            .collect()
    }

    /// The common name as a DNS name, if it is one: what kubeadm writes into a CA's SAN.
    pub fn as_san(&self) -> Option<San> {
        self.common_name()?.parse().ok()
    }

    fn parsed(&self) -> Option<X509Name<'_>> {
        X509Name::from_der(&self.der).ok().map(|(_, name)| name)
    }

    fn texts(&self, attribute: &[u8]) -> Vec<String> {
        let Some(name) = self.parsed() else {
            return Vec::new();
        };
        name.iter_attributes()
            .filter(|value| value.attr_type().as_bytes() == attribute)
            .filter_map(|value| value.as_str().ok())
            .map(str::to_owned)
            .collect()
    }
}

/// One RDN of one attribute.
fn relative_name(attribute: &[u8], text: &str) -> Vec<u8> {
    let tag = if text.bytes().all(is_printable) {
        der::PRINTABLE_STRING
    } else {
        der::UTF8_STRING
    };
    let oid = der::element(der::OID, &[attribute]);
    let value = der::element(tag, &[text.as_bytes()]);
    let pair = der::element(der::SEQUENCE, &[&oid, &value]);
    der::element(der::SET, &[&pair])
}

/// X.680 41.4: the characters of a PrintableString.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

impl fmt::Display for DistinguishedName {
    /// `O=system:nodes, CN=system:node:w1`; what a terminal would act upon is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = self.parsed() else {
            return f.write_str("(malformed)");
        };
        for (position, rdn) in name.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            for (position, value) in rdn.iter().enumerate() {
                if position > 0 {
                    f.write_str("+")?;
                }
                write_attribute(f, value)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

fn write_attribute(
    f: &mut fmt::Formatter<'_>,
    attribute: &AttributeTypeAndValue<'_>,
) -> fmt::Result {
    match attribute.attr_type().as_bytes() {
        [0x55, 0x04, 0x03] => f.write_str("CN=")?,
        [0x55, 0x04, 0x05] => f.write_str("SERIALNUMBER=")?,
        [0x55, 0x04, 0x06] => f.write_str("C=")?,
        [0x55, 0x04, 0x07] => f.write_str("L=")?,
        [0x55, 0x04, 0x08] => f.write_str("ST=")?,
        [0x55, 0x04, 0x0a] => f.write_str("O=")?,
        [0x55, 0x04, 0x0b] => f.write_str("OU=")?,
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => f.write_str("DC=")?,
        _ => write!(f, "{}=", attribute.attr_type())?,
    }
    let Ok(text) = attribute.as_str() else {
        f.write_str("#")?; // RFC 4514 2.4: a value without a text form stands in hexadecimal
        return attribute
            .as_slice()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"));
    };
    for c in text.chars() {
        match c {
            ',' | '+' | '\\' => write!(f, "\\{c}")?,
            '\'' | '"' => write!(f, "{c}")?,
            // Control, bidirectional and invisible characters.
            _ => write!(f, "{}", c.escape_debug())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organizations_come_sorted_and_before_the_common_name() {
        let name = DistinguishedName::new(["ops", "dev", "ops"], Some("jane@example.com"));
        assert_eq!(name.to_string(), "O=dev, O=ops, CN=jane@example.com");
        assert_eq!(name.common_name().as_deref(), Some("jane@example.com"));
        assert_eq!(
            name.organizations(),
            ["dev", "ops"].map(str::to_owned).into()
        );
        assert_eq!(DistinguishedName::from_der(name.der()).unwrap(), name);
    }

    #[test]
    fn strings_are_printable_where_they_can_be_as_in_go() {
        let printable = DistinguishedName::new([], Some("system:node:w1"));
        assert!(printable.der().contains(&der::PRINTABLE_STRING));
        let utf8 = DistinguishedName::new([], Some("a_b"));
        assert!(!utf8.der().contains(&der::PRINTABLE_STRING));
    }

    #[test]
    fn groups_are_read_out_of_a_multi_valued_name() {
        // O=dev+O=ops as Go's CSR signer writes it.
        let attribute = |text: &str| {
            let oid = der::element(der::OID, &[&ORGANIZATION]);
            let value = der::element(der::UTF8_STRING, &[text.as_bytes()]);
            der::element(der::SEQUENCE, &[&oid, &value])
        };
        let rdn = der::element(der::SET, &[&attribute("dev"), &attribute("ops")]);
        let name = DistinguishedName::from_der(&der::element(der::SEQUENCE, &[&rdn])).unwrap();
        assert_eq!(
            name.organizations(),
            ["dev", "ops"].map(str::to_owned).into()
        );
        assert_eq!(name.to_string(), "O=dev+O=ops");
    }

    #[test]
    fn a_name_cannot_draw_on_the_terminal() {
        let name = DistinguishedName::new(["a,b"], Some("x\u{1b}[31m\u{202e}y"));
        assert_eq!(name.to_string(), "O=a\\,b, CN=x\\u{1b}[31m\\u{202e}y");
    }

    #[test]
    fn bytes_after_the_name_are_refused() {
        let mut bytes = DistinguishedName::new([], None).der().to_vec();
        assert!(DistinguishedName::from_der(&bytes).unwrap().is_empty());
        bytes.push(0);
        assert!(DistinguishedName::from_der(&bytes).is_err());
    }
}
