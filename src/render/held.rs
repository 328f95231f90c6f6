//! What certificates that were built let somebody do, beside what descriptions say of it.

use std::collections::BTreeMap;

use super::privilege::{PrivilegeReport, privilege_report};
use super::text::printable;
use crate::diff::CertificatePair;
use crate::facts::CertificateFacts;
use crate::plan::privilege::{Credential, Direction, Gain, PrivilegeChange, compare, new_subject};
use crate::time::Timestamp;

/// A certificate that differs, and whose it is.
pub struct HeldCertificate<'a> {
    pub pair: &'a CertificatePair,
    /// The holder of the artifact that lies there on both sides; `None`: nobody describes it.
    pub described: Option<String>,
}

#[derive(Default)]
struct Found {
    paths: Vec<String>,
    until: Option<Timestamp>,
}

/// Changes between descriptions, and those of certificates that no description tells of.
pub fn authority_report(
    described: &[PrivilegeChange],
    held: &[HeldCertificate<'_>],
) -> Vec<PrivilegeReport> {
    let mut reports: Vec<PrivilegeReport> = described.iter().map(privilege_report).collect();
    let mut found: BTreeMap<(Direction, String, Gain), Found> = BTreeMap::new();
    for one in held {
        let holder = (one.described.clone()).unwrap_or_else(|| printable(&one.pair.within));
        for gain in gains(one) {
            let same = |change: &&PrivilegeChange| {
                change.holder.to_string() == holder && is_told(&change.gain, &gain)
            };
            if let Some(at) = described.iter().position(|change| same(&change)) {
                // What was built has an end; a description has none.
                if let Some(report) = reports.get_mut(at) {
                    let until = until(one, &gain).map(|until| until.to_string());
                    report.until = report.until.take().max(until);
                }
                continue;
            }
            let entry = (gain.direction(), holder.clone(), gain);
            let end = until(one, &entry.2);
            let told = found.entry(entry).or_default();
            told.until = told.until.max(end);
            let path = printable(&one.pair.within);
            if !told.paths.contains(&path) {
                told.paths.push(path);
            }
        }
    }
    reports.extend(found.into_iter().map(|((direction, holder, gain), found)| {
        PrivilegeReport::of_files(holder, direction, &gain, found.paths, found.until)
    }));
    reports.sort_by_key(|report| match report.direction.as_str() {
        "escalation" => 0,
        "gain" => 1,
        _ => 2,
    });
    reports
}

fn gains(held: &HeldCertificate<'_>) -> Vec<Gain> {
    let credential = |facts: &CertificateFacts| Credential::of_certificate(facts);
    match (&held.pair.before, &held.pair.after) {
        (Some(before), Some(after)) => {
            let mut gains = compare(&credential(before), &credential(after));
            // A new key is kpki's to make, and is told below.
            gains.retain(|gain| held.described.is_none() || !matches!(gain, Gain::AnotherKey));
            gains
        }
        (None, Some(after)) if held.described.is_none() => new_subject(&credential(after)),
        _ => Vec::new(),
    }
}

/// A life that was built is a few minutes longer than the one that is described.
fn is_told(described: &Gain, built: &Gain) -> bool {
    match (described, built) {
        (Gain::LongerLife { .. }, Gain::LongerLife { .. }) => true,
        _ => described == built,
    }
}

/// Until when what a client holds is good: nobody can revoke it.
fn until(held: &HeldCertificate<'_>, gain: &Gain) -> Option<Timestamp> {
    let facts = match gain.direction() {
        Direction::Loss => held.pair.before.as_deref(),
        _ => held.pair.after.as_deref(),
    }?;
    let is_client = Credential::of_certificate(facts).client;
    is_client.then_some(facts.not_after)
}
