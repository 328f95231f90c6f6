//! The extensions of a certificate, as Go's crypto/x509 reads them (`processExtensions` in its parser.go).

use std::collections::BTreeSet;

use x509_parser::oid_registry::Oid;

use super::alternative_names::{AlternativeNames, general_names};
use super::extension::{
    ALTERNATIVE_NAMES, AUTHORITY_ACCESS, AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, DISTRIBUTION_POINTS,
    EXTENDED_KEY_USAGE, Extension, INHIBIT_ANY_POLICY, KEY_USAGE, NAME_CONSTRAINTS, POLICIES,
    POLICY_CONSTRAINTS, POLICY_MAPPINGS, SUBJECT_KEY_ID,
};
use super::key_usage::{ExtendedKeyUsage, KeyUsage};
use super::name_constraints::NameConstraints;
use super::policies::Policies;
use super::refused::Refused;
use super::sans::Sans;
use super::{der, encoding};

/// Whether Go acts upon it; why not, where it does not even read it. That reads after a colon, and is empty
/// where nothing more can be said.
type Handled = Result<bool, String>;

/// What all of them say; where one is absent, what its absence says.
#[derive(Default)]
pub(super) struct Said {
    pub is_ca: bool,
    pub path_len: Option<u32>,
    pub key_usage: KeyUsage,
    pub extended_key_usage: BTreeSet<ExtendedKeyUsage>,
    pub sans: Sans,
    pub alternative_names: AlternativeNames,
    pub name_constraints: NameConstraints,
    pub policies: Policies,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
}

/// Everything that can be read is, whatever stands in another extension; the first refusal is told.
pub(super) fn read(extensions: &mut [Extension]) -> (Said, Option<Refused>) {
    let mut said = Said::default();
    let mut refused = None;
    for position in 0..extensions.len() {
        let (earlier, rest) = extensions.split_at_mut(position);
        let Some(extension) = rest.first_mut() else { break };
        let mut refuse = |why| refused = refused.take().or(Some(why));
        if earlier.iter().any(|earlier| earlier.oid == extension.oid) {
            refuse(Refused::ExtensionTwice { extension: extension.to_string() });
            continue;
        }
        let must_not_be_critical = [SUBJECT_KEY_ID, AUTHORITY_KEY_ID, AUTHORITY_ACCESS];
        if extension.is_critical && must_not_be_critical.contains(&extension.oid.as_str()) {
            refuse(Refused::MarkedCritical { extension: extension.to_string() });
        }
        // Of one that Go does not know the content is its writer's matter.
        let is_known = KNOWN.contains(&extension.oid.as_str());
        if let (true, Err(why)) = (is_known, encoding::check(&extension.value)) {
            refuse(Refused::NotDer(why));
            continue;
        }
        match said.read(extension) {
            Ok(is_handled) => extension.is_handled = is_handled,
            Err(why) => {
                refuse(Refused::MalformedExtension { extension: extension.to_string(), why });
            }
        }
    }
    (said, refused)
}

impl Said {
    fn read(&mut self, extension: &Extension) -> Handled {
        let value = &*extension.value;
        let oid = extension.oid.as_str();
        match oid {
            KEY_USAGE => self.key_usage = key_usage(value).ok_or("")?,
            BASIC_CONSTRAINTS => {
                (self.is_ca, self.path_len) = basic_constraints(value).ok_or("")?;
            }
            ALTERNATIVE_NAMES => {
                let names = general_names(value).ok_or("")?;
                for name in &names {
                    self.sans.add(*name);
                }
                self.alternative_names = AlternativeNames::of(&names)?;
                return Ok(!self.alternative_names.is_empty());
            }
            NAME_CONSTRAINTS => {
                self.name_constraints = NameConstraints::read(value)?;
                return Ok(self.name_constraints.is_handled());
            }
            EXTENDED_KEY_USAGE => {
                let usages = der::only(der::SEQUENCE, value).and_then(der::elements).ok_or("")?;
                self.extended_key_usage =
                    usages.iter().map(|one| usage(*one)).collect::<Option<_>>().ok_or("")?;
            }
            SUBJECT_KEY_ID => {
                let id = der::only(der::OCTET_STRING, value).ok_or("")?;
                self.subject_key_id = Some(id.to_vec());
            }
            AUTHORITY_KEY_ID => {
                let parts = der::only(der::SEQUENCE, value).and_then(der::elements).ok_or("")?;
                let id = parts.first().filter(|part| part.tag == KEY_IDENTIFIER);
                self.authority_key_id = id.map(|id| id.body.to_vec());
            }
            DISTRIBUTION_POINTS | AUTHORITY_ACCESS => are_sequences(value).ok_or("")?,
            POLICIES => self.policies.read_policies(value).ok_or("")?,
            POLICY_MAPPINGS => self.policies.read_mappings(value).ok_or("")?,
            POLICY_CONSTRAINTS => self.policies.read_constraints(value).ok_or("")?,
            INHIBIT_ANY_POLICY => self.policies.read_inhibit_any(value).ok_or("")?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

const KNOWN: [&str; 13] = [
    KEY_USAGE,
    BASIC_CONSTRAINTS,
    ALTERNATIVE_NAMES,
    NAME_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    SUBJECT_KEY_ID,
    AUTHORITY_KEY_ID,
    DISTRIBUTION_POINTS,
    AUTHORITY_ACCESS,
    POLICIES,
    POLICY_MAPPINGS,
    POLICY_CONSTRAINTS,
    INHIBIT_ANY_POLICY,
];

/// `[0]` of an AuthorityKeyIdentifier (RFC 5280 4.2.1.1).
const KEY_IDENTIFIER: u8 = 0x80;

/// A BIT STRING, its first bit the highest of its first byte.
fn key_usage(value: &[u8]) -> Option<KeyUsage> {
    let (_unused, bytes) = der::only(der::BIT_STRING, value)?.split_first()?;
    let bits = bytes.iter().take(2).zip([0, 8]);
    let bits = bits.map(|(byte, by)| u16::from(byte.reverse_bits()) << by);
    Some(KeyUsage::from_bits(bits.fold(0, |all, some| all | some)))
}

/// Whether it is a CA, and how many CAs may stand below it.
fn basic_constraints(value: &[u8]) -> Option<(bool, Option<u32>)> {
    let parts = der::elements(der::only(der::SEQUENCE, value)?)?;
    let mut parts = parts.as_slice();
    let mut is_ca = false;
    if let [first, rest @ ..] = parts
        && first.tag == der::BOOLEAN
    {
        (is_ca, parts) = (first.body == [0xff], rest);
    }
    let length = match parts {
        [first, ..] if first.tag == der::INTEGER => Some(der::unsigned(first.body)?),
        _ => None,
    };
    Some((is_ca, length))
}

fn usage(element: der::Element<'_>) -> Option<ExtendedKeyUsage> {
    let oid = (element.tag == der::OID).then(|| Oid::new(element.body.into()).to_string())?;
    Some(match oid.as_str() {
        "1.3.6.1.5.5.7.3.1" => ExtendedKeyUsage::Server,
        "1.3.6.1.5.5.7.3.2" => ExtendedKeyUsage::Client,
        _ => ExtendedKeyUsage::Other(oid),
    })
}

fn are_sequences(value: &[u8]) -> Option<()> {
    let all = der::elements(der::only(der::SEQUENCE, value)?)?;
    all.iter().all(|one| one.tag == der::SEQUENCE).then_some(())
}
