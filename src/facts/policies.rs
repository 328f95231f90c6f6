//! What a certificate says of certificate policies (RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14).
//!
//! Kubernetes asks for no policy, but a CA may: then Go follows them, and a chain without the policies that
//! its CAs ask for is refused.

use super::der;

/// The content of an OBJECT IDENTIFIER.
type PolicyOid = Box<[u8]>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    pub policies: Vec<PolicyOid>,
    /// The issuer's policy, and what it means to the subject.
    pub mappings: Vec<(PolicyOid, PolicyOid)>,
    pub require_explicit: Option<u32>,
    pub inhibit_mapping: Option<u32>,
    pub inhibit_any: Option<u32>,
}

impl Policies {
    pub(super) fn read_policies(&mut self, value: &[u8]) -> Option<()> {
        for policy in der::elements(der::only(der::SEQUENCE, value)?)? {
            let body = (policy.tag == der::SEQUENCE).then_some(policy.body)?;
            let (oid, _qualifiers) = der::expect(der::OID, body)?;
            if self.policies.iter().any(|known| **known == *oid) {
                return None;
            }
            self.policies.push(oid.into());
        }
        Some(())
    }

    pub(super) fn read_mappings(&mut self, value: &[u8]) -> Option<()> {
        for mapping in der::elements(der::only(der::SEQUENCE, value)?)? {
            let body = (mapping.tag == der::SEQUENCE).then_some(mapping.body)?;
            let (issuers, rest) = der::expect(der::OID, body)?;
            let (subjects, _) = der::expect(der::OID, rest)?;
            self.mappings.push((issuers.into(), subjects.into()));
        }
        Some(())
    }

    pub(super) fn read_constraints(&mut self, value: &[u8]) -> Option<()> {
        let mut rest = der::only(der::SEQUENCE, value)?;
        for (tag, field) in [(0x80, &mut self.require_explicit), (0x81, &mut self.inhibit_mapping)]
        {
            if rest.first() == Some(&tag) {
                let (number, after) = der::expect(tag, rest)?;
                (*field, rest) = (Some(der::unsigned(number)?), after);
            }
        }
        Some(())
    }

    pub(super) fn read_inhibit_any(&mut self, value: &[u8]) -> Option<()> {
        self.inhibit_any = Some(der::unsigned(der::only(der::INTEGER, value)?)?);
        Some(())
    }
}
