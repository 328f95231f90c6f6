//! Who a certificate speaks of: a distinguished name, kept and compared as its DER.
//!
//! Chains are built by comparing names byte for byte (RFC 5280 7.1 allows more, implementations do not), so
//! the bytes are the value. The texts in them are read once, when the name is: a name with a value that Go
//! does not read is none, so nothing that Kubernetes sees in a name can be missing here.

use std::collections::BTreeSet;
use std::fmt;

use super::attribute::{Attribute, AttributeType};
use super::{FactsError, der};
use crate::name::San;

const GO_FIELDS: [AttributeType; 6] = [
    AttributeType::Country,
    AttributeType::Province,
    AttributeType::Locality,
    AttributeType::Organization,
    AttributeType::OrganizationalUnit,
    AttributeType::CommonName,
];

/// A Name of RFC 5280 4.1.2.4.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName {
    der: Box<[u8]>,
    attributes: Box<[Attribute]>,
}

impl DistinguishedName {
    /// Each organization in an RDN of its own, sorted, then the common name: the order of Go's `pkix.Name`.
    pub fn new<'a>(
        organizations: impl IntoIterator<Item = &'a str>,
        common_name: Option<&str>,
    ) -> Self {
        let organizations: BTreeSet<&str> = organizations.into_iter().collect();
        let organizations = organizations.into_iter();
        let attributes: Box<[Attribute]> = organizations
            .map(|text| Attribute::new(AttributeType::Organization, text))
            .chain(common_name.map(|text| Attribute::new(AttributeType::CommonName, text)))
            .collect();
        let rdns = attributes.iter().map(|attribute| {
            let pair = attribute.to_der();
            der::element(der::SET, &[&pair])
        });
        let rdns: Vec<u8> = rdns.flatten().collect();
        DistinguishedName { der: der::element(der::SEQUENCE, &[&rdns]).into(), attributes }
    }

    /// # Errors
    ///
    /// What is no Name in DER, and a name with a value that Go does not read.
    pub fn from_der(bytes: &[u8]) -> Result<Self, FactsError> {
        Ok(DistinguishedName { der: bytes.into(), attributes: attributes(bytes)?.into() })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The user that Kubernetes sees: of several common names Go takes the last.
    pub fn common_name(&self) -> Option<String> {
        let last = self.texts(&AttributeType::CommonName).next_back();
        last.map(str::to_owned)
    }

    /// The groups that Kubernetes sees, whether in RDNs of their own or in a multi-valued one.
    pub fn organizations(&self) -> BTreeSet<String> {
        let all = self.texts(&AttributeType::Organization);
        all.map(str::to_owned).collect()
    }

    /// The first value of each attribute that a `pkix.Name` of Go names, in the order C, ST, L, O, OU, CN; of
    /// several common names the last.
    pub fn go_fields(&self) -> Vec<(&'static str, String)> {
        GO_FIELDS
            .iter()
            .filter_map(|kind| {
                let mut texts = self.texts(kind);
                let text = match kind {
                    AttributeType::CommonName => texts.next_back(),
                    _ => texts.next(),
                };
                Some((kind.short_name()?, text?.to_owned()))
            })
            .collect()
    }

    /// The common name as a DNS name, if it is one: what kubeadm writes into a CA's SAN.
    pub fn as_san(&self) -> Option<San> {
        self.common_name()?.parse().ok()
    }

    /// Whether both say the same in the same order. Bytes may differ all the same, by string types, and then
    /// neither is the issuer of what the other one issued.
    pub fn says_the_same(&self, other: &DistinguishedName) -> bool {
        let (own, others) = (self.attributes.iter(), other.attributes.iter());
        own.map(Attribute::said).eq(others.map(Attribute::said))
    }

    /// The string types of the first attribute in which the two names differ, with articles: `a
    /// PrintableString`, `a UTF8String`. For names that say the same.
    pub fn forms_that_differ(&self, other: &DistinguishedName) -> (String, String) {
        let mut pairs = self.attributes.iter().zip(&other.attributes);
        let found = pairs.find(|(own, other)| own.form() != other.form());
        found.map_or_else(
            || ("other bytes".to_owned(), "other bytes".to_owned()),
            |(own, other)| (own.form(), other.form()),
        )
    }

    /// Why it is more than a user and groups, in a form that everybody reads alike; `None`: it is just that.
    /// Reads after a verb: `it names OU=ops`.
    pub fn beyond_user_and_groups(&self) -> Option<String> {
        let mut seen: BTreeSet<(&AttributeType, &str)> = BTreeSet::new();
        self.attributes.iter().find_map(|attribute| {
            let kind = attribute.kind();
            let is_known = !seen.insert((kind, attribute.text()));
            let is_second_user = *kind == AttributeType::CommonName
                && seen.iter().filter(|(known, _)| *known == kind).count() > 1;
            if !matches!(kind, AttributeType::CommonName | AttributeType::Organization) {
                Some(attribute.to_string())
            } else if is_known {
                Some(format!("{attribute} twice"))
            } else if is_second_user {
                Some(format!("{attribute} beside another common name"))
            } else if !attribute.is_in_usual_form() {
                Some(format!("{attribute} as {}", attribute.form()))
            } else {
                None
            }
        })
    }

    fn texts<'a>(&'a self, kind: &'a AttributeType) -> impl DoubleEndedIterator<Item = &'a str> {
        let attributes = self.attributes.iter();
        attributes.filter(move |attribute| attribute.kind() == kind).map(Attribute::text)
    }
}

fn attributes(name: &[u8]) -> Result<Vec<Attribute>, FactsError> {
    let malformed = || FactsError::new("holds a malformed distinguished name");
    let mut attributes = Vec::new();
    let mut rdns = der::only(der::SEQUENCE, name).ok_or_else(malformed)?;
    while !rdns.is_empty() {
        let (mut rdn, rest) = der::expect(der::SET, rdns).ok_or_else(malformed)?;
        rdns = rest;
        let mut is_first = true;
        // An RDN has at least one attribute (X.501 9.3).
        while is_first || !rdn.is_empty() {
            let (pair, rest) = der::expect(der::SEQUENCE, rdn).ok_or_else(malformed)?;
            let (oid, value) = der::expect(der::OID, pair).ok_or_else(malformed)?;
            let (value, after) = der::split(value).ok_or_else(malformed)?;
            if !after.is_empty() {
                return Err(malformed());
            }
            attributes.push(Attribute::read(oid, value, is_first)?);
            (rdn, is_first) = (rest, false);
        }
    }
    Ok(attributes)
}

impl fmt::Display for DistinguishedName {
    /// `O=system:nodes, CN=system:node:w1`; what a terminal would act upon is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, attribute) in self.attributes.iter().enumerate() {
            match (position, attribute.begins_rdn()) {
                (0, _) => {}
                (_, true) => f.write_str(", ")?,
                (_, false) => f.write_str("+")?,
            }
            attribute.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
    const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];

    fn pair(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        let (oid, value) = (der::element(der::OID, &[oid]), der::element(tag, &[value]));
        der::element(der::SEQUENCE, &[&oid, &value])
    }

    /// A name of RDNs with one attribute each.
    fn name(pairs: &[(&[u8], u8, &[u8])]) -> Result<DistinguishedName, FactsError> {
        let rdns = pairs
            .iter()
            .flat_map(|(oid, tag, value)| der::element(der::SET, &[&pair(oid, *tag, value)]));
        let rdns: Vec<u8> = rdns.collect();
        DistinguishedName::from_der(&der::element(der::SEQUENCE, &[&rdns]))
    }

    #[test]
    fn organizations_come_sorted_and_before_the_common_name() {
        let name = DistinguishedName::new(["ops", "dev", "ops"], Some("jane@example.com"));
        assert_eq!(name.to_string(), "O=dev, O=ops, CN=jane@example.com");
        assert_eq!(name.common_name().as_deref(), Some("jane@example.com"));
        assert_eq!(name.organizations(), ["dev", "ops"].map(str::to_owned).into());
        assert_eq!(name.beyond_user_and_groups(), None);
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
        let attribute = |text: &str| pair(&ORGANIZATION, der::UTF8_STRING, text.as_bytes());
        let rdn = der::element(der::SET, &[&attribute("dev"), &attribute("ops")]);
        let name = DistinguishedName::from_der(&der::element(der::SEQUENCE, &[&rdn])).unwrap();
        assert_eq!(name.organizations(), ["dev", "ops"].map(str::to_owned).into());
        assert_eq!(name.to_string(), "O=dev+O=ops");
    }

    /// As Go reads them: FillFromRDNSequence appends organizations and overwrites the common name.
    #[test]
    fn values_in_rare_forms_are_read_and_the_last_common_name_counts() {
        let two_faces = name(&[
            (&ORGANIZATION, 0x0c, b"dev"),
            (&ORGANIZATION, 0x14, b"kubeadm:cluster-admins"),
            (&COMMON_NAME, 0x0c, b"eve"),
            (&COMMON_NAME, 0x1e, b"\0r\0o\0o\0t"),
        ])
        .unwrap();
        assert_eq!(two_faces.common_name().as_deref(), Some("root"));
        assert_eq!(
            two_faces.organizations(),
            ["dev", "kubeadm:cluster-admins"].map(str::to_owned).into()
        );
        assert_eq!(two_faces.to_string(), "O=dev, O=kubeadm:cluster-admins, CN=eve, CN=root");
    }

    #[test]
    fn a_value_that_go_does_not_read_makes_no_name() {
        for (tag, value) in [(0x1c, b"\0\0\0e"), (0x04, b"evil"), (0x13, b"e@il")] {
            let one = [(&ORGANIZATION[..], 0x0c, &b"dev"[..]), (&COMMON_NAME[..], tag, &value[..])];
            let error = name(&one).unwrap_err().to_string();
            assert!(error.starts_with("holds a name that cannot be read: its CN is "), "{error}");
            assert!(!error.contains("il"), "{error}");
        }
    }

    #[test]
    fn what_is_more_than_a_user_and_groups_is_told() {
        let dev = (&ORGANIZATION[..], 0x13, &b"dev"[..]);
        let eve = (&COMMON_NAME[..], 0x0c, &b"eve"[..]);
        for (more, told) in [
            ((&ORGANIZATION[..], 0x0c, &b"dev"[..]), "O=dev twice"),
            ((&ORGANIZATION, 0x14, b"ops"), "O=ops as a T61String"),
            ((&COMMON_NAME, 0x0c, b"eve"), "CN=eve twice"),
            ((&COMMON_NAME, 0x0c, b""), "CN= beside another common name"),
            ((&[0x55, 0x04, 0x0b], 0x0c, b"ops"), "OU=ops"),
            ((&[0x55, 0x04, 0x05], 0x13, b"7"), "SERIALNUMBER=7"),
            (
                (&[0x2b, 6, 1, 4, 1, 0x83, 0xc2, 0x61, 2], 0x0c, b"0-0-0\x1b"),
                "1.3.6.1.4.1.57697.2=0-0-0\\u{1b}",
            ),
        ] {
            let found = name(&[dev, eve, more]).unwrap().beyond_user_and_groups();
            assert_eq!(found.as_deref(), Some(told));
        }
    }

    #[test]
    fn names_in_other_string_types_say_the_same_and_are_not_equal() {
        let printable = DistinguishedName::new([], Some("kubernetes"));
        let utf8 = name(&[(&COMMON_NAME, 0x0c, b"kubernetes")]).unwrap();
        assert!(printable.says_the_same(&utf8));
        assert_ne!(printable, utf8);
        assert!(!printable.says_the_same(&DistinguishedName::new(["kubernetes"], None)));
        let flat = DistinguishedName::new(["dev", "ops"], None);
        let attribute = |text: &str| pair(&ORGANIZATION, der::PRINTABLE_STRING, text.as_bytes());
        let rdn = der::element(der::SET, &[&attribute("dev"), &attribute("ops")]);
        let joined = DistinguishedName::from_der(&der::element(der::SEQUENCE, &[&rdn])).unwrap();
        assert!(!flat.says_the_same(&joined));
    }

    #[test]
    fn a_name_cannot_draw_on_the_terminal() {
        let name = DistinguishedName::new(["a,b"], Some("x\u{1b}[31m\u{202e}y"));
        assert_eq!(name.to_string(), "O=a\\,b, CN=x\\u{1b}[31m\\u{202e}y");
    }

    #[test]
    fn bytes_in_the_wrong_place_are_refused() {
        let mut bytes = DistinguishedName::new([], None).der().to_vec();
        assert!(DistinguishedName::from_der(&bytes).unwrap().is_empty());
        bytes.push(0);
        assert!(DistinguishedName::from_der(&bytes).is_err());
        // An RDN of nothing, and something behind a value: Go passes over both.
        assert!(DistinguishedName::from_der(&[0x30, 2, 0x31, 0]).is_err());
        let crowded: [&[u8]; 3] = [&[6, 3, 0x55, 4, 3], &[0x0c, 1, b'a'], &[0x0c, 1, b'b']];
        let pair = der::element(der::SEQUENCE, &crowded);
        let rdn = der::element(der::SET, &[&pair]);
        assert!(DistinguishedName::from_der(&der::element(der::SEQUENCE, &[&rdn])).is_err());
    }
}
