//! Every certificate by itself.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::pair::weak;
use super::rules::{
    DOUBLED_PREFIX, EC_KEY_ENCIPHERMENT, EXPIRED, EXPIRES_SOON, NO_AUTHORITY_KEY_ID,
    NO_DIGITAL_SIGNATURE, NO_SUBJECT_KEY_ID, NOT_YET_VALID, SERIAL_TWICE, SERVING_MASTERS,
    WEAK_SIGNATURE,
};
use super::world::{World, is_weak};
use crate::facts::{CertificateFacts, ExtendedKeyUsage, KeyUsage};
use crate::time::{Span, Timestamp};

const SOON: Span = Span::days(30);
const ANY_USAGE: &str = "2.5.29.37.0";

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let mut serials = BTreeMap::new();
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        dates(findings, path, facts, world.now);
        weak(findings, path, &facts.public_key);
        names(findings, path, facts);
        extensions(findings, path, facts);
        if is_weak(&facts.signature_algorithm) && !facts.is_self_issued() {
            let who = format!("{}: {}", subject(facts), facts.signature_algorithm);
            findings.add(&WEAK_SIGNATURE, path, who);
        }
        let key = (&facts.issuer, &facts.authority_key_id, &facts.serial);
        if let Some(first) = serials.insert(key, *path) {
            let first = world.tree.shown(first);
            findings.add(&SERIAL_TWICE, path, format!("as {first} has"));
        }
    }
}

fn dates(findings: &mut Findings, path: &str, facts: &CertificateFacts, now: Timestamp) {
    let left = facts.not_after.since(now);
    let third = facts.not_after.since(facts.not_before).divided_by(3);
    let (rule, when) = if now > facts.not_after {
        (&EXPIRED, format!("since {}", facts.not_after.date()))
    } else if now < facts.not_before {
        (&NOT_YET_VALID, format!("before {}", facts.not_before))
    } else if left < SOON && left < third {
        (&EXPIRES_SOON, format!("on {}, in {}", facts.not_after.date(), left.in_words()))
    } else {
        return;
    };
    findings.add(rule, path, format!("{}: {when}", subject(facts)));
}

fn names(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let organizations = facts.subject.organizations();
    let all = organizations.iter().cloned().chain(facts.subject.common_name());
    if all.into_iter().any(|name| name.starts_with("system:system:")) {
        findings.add(&DOUBLED_PREFIX, path, subject(facts));
    }
    let serves = may(facts, &ExtendedKeyUsage::Server) && !facts.sans.is_empty();
    let dials = may(facts, &ExtendedKeyUsage::Client);
    if serves && dials && !facts.is_ca && organizations.contains("system:masters") {
        findings.add(&SERVING_MASTERS, path, subject(facts));
    }
}

fn extensions(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let usage = facts.key_usage;
    if usage.contains(KeyUsage::KEY_ENCIPHERMENT) && !facts.public_key.is_rsa() {
        findings.add(&EC_KEY_ENCIPHERMENT, path, subject(facts));
    }
    let stated = usage != KeyUsage::NONE;
    if stated && !facts.is_ca && !usage.contains(KeyUsage::DIGITAL_SIGNATURE) {
        findings.add(&NO_DIGITAL_SIGNATURE, path, format!("{}: {usage}", subject(facts)));
    }
    // A root needs none: it names itself (RFC 5280 4.2.1.1).
    if facts.authority_key_id.is_none() && !facts.is_self_issued() {
        findings.add(&NO_AUTHORITY_KEY_ID, path, subject(facts));
    }
    if facts.is_ca && facts.subject_key_id.is_none() {
        findings.add(&NO_SUBJECT_KEY_ID, path, subject(facts));
    }
}

/// Without the extension a certificate is for everything (RFC 5280 4.2.1.12).
pub(super) fn may(facts: &CertificateFacts, usage: &ExtendedKeyUsage) -> bool {
    let usages = &facts.extended_key_usage;
    let any = ExtendedKeyUsage::Other(ANY_USAGE.to_owned());
    usages.is_empty() || usages.contains(usage) || usages.contains(&any)
}

pub(super) fn subject(facts: &CertificateFacts) -> String {
    if facts.subject.is_empty() { "(no subject)".to_owned() } else { facts.subject.to_string() }
}
