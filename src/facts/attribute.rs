//! One attribute of a distinguished name: what kind of thing it says, and what (RFC 5280 4.1.2.4).

use std::fmt;

use x509_parser::oid_registry::Oid;

use super::der::Element;
use super::directory_string::{decode, is_printable, is_usual, kind};
use super::{FactsError, der};
use crate::visible;

/// Those that have a short name, and the rest by number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AttributeType {
    CommonName,
    SerialNumber,
    Country,
    Locality,
    Province,
    Organization,
    OrganizationalUnit,
    DomainComponent,
    /// The content of its OBJECT IDENTIFIER.
    Other(Box<[u8]>),
}

/// RFC 4519 2 and X.520 have the numbers.
const KNOWN: [(AttributeType, &[u8], &str); 8] = [
    (AttributeType::CommonName, &[0x55, 0x04, 0x03], "CN"),
    (AttributeType::SerialNumber, &[0x55, 0x04, 0x05], "SERIALNUMBER"),
    (AttributeType::Country, &[0x55, 0x04, 0x06], "C"),
    (AttributeType::Locality, &[0x55, 0x04, 0x07], "L"),
    (AttributeType::Province, &[0x55, 0x04, 0x08], "ST"),
    (AttributeType::Organization, &[0x55, 0x04, 0x0a], "O"),
    (AttributeType::OrganizationalUnit, &[0x55, 0x04, 0x0b], "OU"),
    (
        AttributeType::DomainComponent,
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19],
        "DC",
    ),
];

impl AttributeType {
    fn of(oid: &[u8]) -> Self {
        let known = KNOWN.iter().find(|(_, known, _)| *known == oid);
        known.map_or_else(|| AttributeType::Other(oid.into()), |(kind, _, _)| kind.clone())
    }

    fn oid(&self) -> &[u8] {
        match self {
            AttributeType::Other(oid) => oid,
            known => KNOWN.iter().find(|(kind, _, _)| kind == known).map_or(&[], |(_, oid, _)| oid),
        }
    }

    pub fn short_name(&self) -> Option<&'static str> {
        let known = KNOWN.iter().find(|(kind, _, _)| kind == self);
        known.map(|(_, _, name)| *name)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.short_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", Oid::new(self.oid().into())),
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attribute {
    kind: AttributeType,
    /// Tag of the value.
    tag: u8,
    text: Box<str>,
    /// The first of its RDN, most often the only one.
    begins_rdn: bool,
}

impl Attribute {
    /// One in an RDN of its own, in the form that Go gives it.
    pub(super) fn new(kind: AttributeType, text: &str) -> Self {
        let tag =
            if text.bytes().all(is_printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
        Attribute { kind, tag, text: text.into(), begins_rdn: true }
    }

    /// The error never has the value: anything may stand there.
    pub(super) fn read(
        oid: &[u8],
        value: Element<'_>,
        begins_rdn: bool,
    ) -> Result<Self, FactsError> {
        let kind = AttributeType::of(oid);
        let text = decode(value.tag, value.body).map_err(|why| {
            FactsError::new(format!("holds a name that cannot be read: its {kind} {why}"))
        })?;
        Ok(Attribute { kind, tag: value.tag, text: text.into(), begins_rdn })
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        let oid = der::element(der::OID, &[self.kind.oid()]);
        let value = der::element(self.tag, &[self.text.as_bytes()]);
        der::element(der::SEQUENCE, &[&oid, &value])
    }

    pub fn kind(&self) -> &AttributeType {
        &self.kind
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn begins_rdn(&self) -> bool {
        self.begins_rdn
    }

    /// Everything but the form.
    pub(super) fn said(&self) -> (&AttributeType, &str, bool) {
        (&self.kind, &self.text, self.begins_rdn)
    }

    pub(super) fn is_in_usual_form(&self) -> bool {
        is_usual(self.tag)
    }

    /// `a BMPString`
    pub fn form(&self) -> String {
        kind(self.tag)
    }
}

impl fmt::Display for Attribute {
    /// `CN=jane`; what a terminal would act upon is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.kind)?;
        for c in self.text.chars() {
            match c {
                ',' | '+' | '\\' => write!(f, "\\{c}")?,
                _ => f.write_str(&visible::harmless(c.encode_utf8(&mut [0; 4])))?,
            }
        }
        Ok(())
    }
}
