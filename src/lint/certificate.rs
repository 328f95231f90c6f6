//! Every certificate by itself.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::holds::{Certificate, Kubeconfig, Source};
use super::issuers::is_weak;
use super::pair::weak;
use super::rules::{
    CA_NO_KEY_USAGE, CRITICAL_EXTENSION, EC_KEY_ENCIPHERMENT, EXPIRED, EXPIRED_IN_BUNDLE,
    EXPIRES_SOON, NO_AUTHORITY_KEY_ID, NO_DIGITAL_SIGNATURE, NO_SUBJECT_KEY_ID, NOT_YET_VALID,
    NOT_YET_VALID_IN_BUNDLE, RSA_NO_DIGITAL_SIGNATURE, SERIAL_TWICE, SERVING_MASTERS, TLS_KEY_KIND,
    WEAK_SIGNATURE,
};
use super::world::World;
use crate::facts::{CertificateFacts, ExtendedKeyUsage, KeyUsage};
use crate::time::Span;

const SOON: Span = Span::days(30);
const ANY_USAGE: &str = "2.5.29.37.0";

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        dates(world, findings, path, facts);
        weak(findings, path, &facts.public_key);
        names(findings, path, facts);
        key_kind(findings, path, facts);
        extensions(findings, path, facts);
        if is_weak(&facts.signature_algorithm) && !facts.is_self_issued() {
            let who = format!("{}: {}", subject(facts), facts.signature_algorithm);
            findings.add(&WEAK_SIGNATURE, path, who);
        }
    }
    serial_numbers(world, findings);
}

/// Two certificates of one issuer's name are of one CA if the same key signed them; where it is not known who
/// did, if their identifiers do not say otherwise.
fn serial_numbers(world: &World<'_>, findings: &mut Findings) {
    let mut given: BTreeMap<_, Vec<(&str, &Certificate)>> = BTreeMap::new();
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        given.entry((&facts.issuer, &facts.serial)).or_default().push((path, certificate));
    }
    for twins in given.values().filter(|twins| twins.len() > 1) {
        let mut by_key = BTreeMap::new();
        let mut by_identifier = BTreeMap::new();
        let mut unnamed = None;
        for (path, certificate) in twins {
            let id = certificate.facts.authority_key_id.as_ref();
            let key = world.issuer(certificate).map(|issuer| &issuer.facts.public_key);
            let of_key = key.and_then(|key| by_key.get(key).copied());
            let of_identifier = id.and_then(|id| by_identifier.get(id).copied());
            let first = match (key, id) {
                (Some(_), _) => of_key,
                (None, Some(_)) => of_identifier.or(unnamed),
                (None, None) => unnamed.or_else(|| by_identifier.values().next().copied()),
            };
            if let Some(first) = first {
                let first = world.tree.shown(first);
                findings.add(&SERIAL_TWICE, path, format!("as {first} has"));
            }
            if let Some(key) = key {
                by_key.entry(key).or_insert(*path);
            } else if let Some(id) = id {
                by_identifier.entry(id).or_insert(*path);
            } else {
                unnamed = unnamed.or(Some(*path));
            }
        }
    }
}

fn dates(world: &World<'_>, findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let now = world.now;
    let left = facts.not_after.since(now);
    let third = facts.not_after.since(facts.not_before).divided_by(3);
    let (rule, when) = if now > facts.not_after {
        let rule = if is_passed_by(world, path, facts) { &EXPIRED_IN_BUNDLE } else { &EXPIRED };
        (rule, format!("since {}", facts.not_after.date()))
    } else if now < facts.not_before {
        let is_passed_by = is_passed_by(world, path, facts);
        let rule = if is_passed_by { &NOT_YET_VALID_IN_BUNDLE } else { &NOT_YET_VALID };
        (rule, format!("before {}", facts.not_before))
    } else if left < SOON && left < third {
        (&EXPIRES_SOON, format!("on {}, in {}", facts.not_after.date(), left.in_words()))
    } else {
        return;
    };
    findings.add(rule, path, format!("{}: {when}", subject(facts)));
}

/// Whether its readers have another CA in the same file. Who depends on it is told by its readers.
fn is_passed_by(world: &World<'_>, path: &str, facts: &CertificateFacts) -> bool {
    let Some(file) = world.tree.files.get(path) else {
        return false;
    };
    let bundle = match &file.holds.kubeconfig {
        Some(Kubeconfig { authorities: Source::Data(all), .. }) => all,
        _ => &file.holds.certificates,
    };
    let is_valid = |other: &CertificateFacts| {
        other.is_ca && (other.not_before..=other.not_after).contains(&world.now)
    };
    facts.is_ca
        && bundle.iter().any(|one| one.facts.digest == facts.digest)
        && bundle.iter().any(|other| is_valid(&other.facts))
        && bundle.iter().all(|one| one.facts.is_ca)
}

fn names(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let organizations = facts.subject.organizations();
    let serves = may(facts, &ExtendedKeyUsage::Server) && !facts.sans.is_empty();
    let dials = may(facts, &ExtendedKeyUsage::Client);
    if serves && dials && !facts.is_ca && organizations.contains("system:masters") {
        findings.add(&SERVING_MASTERS, path, subject(facts));
    }
}

fn key_kind(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let is_shown = [ExtendedKeyUsage::Server, ExtendedKeyUsage::Client];
    let is_shown = is_shown.iter().any(|usage| may(facts, usage));
    let kind = facts.public_key.kind();
    if !facts.is_ca && is_shown && !kind.is_for_tls() {
        findings.add(&TLS_KEY_KIND, path, format!("{}: {kind}", subject(facts)));
    }
}

fn extensions(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let usage = facts.key_usage;
    if usage.contains(KeyUsage::KEY_ENCIPHERMENT) && !facts.public_key.is_rsa() {
        findings.add(&EC_KEY_ENCIPHERMENT, path, subject(facts));
    }
    let stated = usage != KeyUsage::NONE;
    if stated && !facts.is_ca && !usage.contains(KeyUsage::DIGITAL_SIGNATURE) {
        let is_rsa = facts.public_key.is_rsa();
        let rule = if is_rsa { &RSA_NO_DIGITAL_SIGNATURE } else { &NO_DIGITAL_SIGNATURE };
        findings.add(rule, path, format!("{}: {usage}", subject(facts)));
    }
    if facts.is_ca && !stated {
        findings.add(&CA_NO_KEY_USAGE, path, subject(facts));
    }
    if let Some(extension) = facts.unhandled_critical_extension() {
        findings.add(&CRITICAL_EXTENSION, path, format!("{}: {extension}", subject(facts)));
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
