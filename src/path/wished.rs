//! Whether a CA stands in the way of a certificate that nobody has issued yet.

use std::collections::BTreeSet;

use super::name_constraints;
use super::reason::Reason;
use super::usages::passes_on;
use crate::facts::extension::NAME_CONSTRAINTS;
use crate::facts::{AlternativeNames, CertificateFacts, DistinguishedName, ExtendedKeyUsage};
use crate::name::San;

/// What a certificate is to say.
#[derive(Clone, Copy)]
pub struct Wished<'a> {
    pub subject: &'a DistinguishedName,
    pub sans: &'a BTreeSet<San>,
    /// What it is to be shown as: each must hold.
    pub usages: &'a [ExtendedKeyUsage],
}

/// By all that counts of the CA but its dates, which are a matter of when: extensions that nobody acts upon,
/// its right to sign, usages and names.
pub fn would_accept(authority: &CertificateFacts, wished: &Wished<'_>) -> Result<(), Reason> {
    if !authority.is_ca {
        let states_constraints = authority.states_basic_constraints();
        return Err(Reason::NotACa { states_constraints });
    }
    if !authority.allows_cert_sign() {
        return Err(Reason::NoCertSign);
    }
    if let Some(extension) = authority.unhandled_critical_extension() {
        return Err(Reason::critical(extension));
    }
    for usage in wished.usages {
        if !passes_on(authority, usage) {
            let has = authority.extended_key_usage.iter().cloned().collect();
            return Err(Reason::Usage { wanted: usage.clone(), has, is_leaf: false });
        }
    }
    // Without SANs no constraint is looked at.
    if authority.extension(NAME_CONSTRAINTS).is_none() || wished.sans.is_empty() {
        return Ok(());
    }
    let mut names = AlternativeNames::default();
    for san in wished.sans {
        match san {
            San::Dns(name) => names.dns.push(name.to_string()),
            San::Ip(address) => names.addresses.push(*address),
        }
    }
    name_constraints::one(&names, &authority.name_constraints)
        .map_err(|(name, breach)| Reason::Name { bearer: wished.subject.clone(), name, breach })
}
