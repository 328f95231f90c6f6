//! What certificates that were built let somebody do, beside what descriptions say of it.

use std::collections::{BTreeMap, HashMap};

use super::privilege::{PrivilegeReport, privilege_report};
use super::text::harmless;
use crate::diff::CertificatePair;
use crate::facts::CertificateFacts;
use crate::review::{AccessChange, Credential, Direction, ReviewedChange, compare, new_subject};
use crate::time::Timestamp;

/// A certificate that differs, and whose it is.
pub struct FileCertificate<'a> {
    pub pair: &'a CertificatePair,
    /// `None`: no description has anything there.
    pub described: Option<Wished>,
}

/// What a description says of a certificate.
pub struct Wished {
    /// As changes of power call it.
    pub principal: String,
    /// What it asks for now.
    pub credential: Option<Credential>,
}

#[derive(Default)]
struct Found {
    paths: Vec<String>,
    until: Option<Timestamp>,
}

/// Changes between descriptions, and those of certificates that no description tells of.
pub fn authority_report(
    described: &[ReviewedChange],
    held: &[FileCertificate<'_>],
) -> Vec<PrivilegeReport> {
    let mut reports: Vec<PrivilegeReport> = described.iter().map(privilege_report).collect();
    let mut by_principal: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, change) in described.iter().enumerate() {
        let all = by_principal.entry(change.principal.to_string()).or_default();
        all.push(at);
    }
    let mut found: BTreeMap<(Direction, String, AccessChange), Found> = BTreeMap::new();
    for one in held {
        let principal = one.principal();
        let own = by_principal.get(&principal).map_or(&[][..], Vec::as_slice);
        let own: Vec<(usize, &AccessChange)> = (own.iter())
            .filter_map(|at| described.get(*at).map(|change| (*at, &change.access)))
            .collect();
        // What was built has an end; a description has none.
        for (at, change) in &own {
            if let Some(report) = reports.get_mut(*at).filter(|_| rests_on_a_certificate(change)) {
                report.until = report.until.max(one.until(change));
            }
        }
        for change in one.changes() {
            if own.iter().any(|(_, told)| is_told(told, &change)) {
                continue;
            }
            let until = one.until(&change);
            let told = found.entry((change.direction(), principal.clone(), change)).or_default();
            told.until = told.until.max(until);
            let path = harmless(&one.pair.within);
            if !told.paths.contains(&path) {
                told.paths.push(path);
            }
        }
    }
    let found = found.into_iter();
    reports.extend(found.map(|((direction, principal, change), found)| {
        PrivilegeReport::of_files(principal, direction, &change, found.paths, found.until)
    }));
    reports.sort_by_key(|report| report.direction);
    reports
}

impl FileCertificate<'_> {
    fn principal(&self) -> String {
        match &self.described {
            Some(wished) => wished.principal.clone(),
            None => harmless(&self.pair.within),
        }
    }

    fn changes(&self) -> Vec<AccessChange> {
        let credential = |facts: &CertificateFacts| Credential::of_certificate(facts);
        match (&self.pair.before, &self.pair.after, &self.described) {
            (Some(before), Some(after), described) => {
                let mut changes = compare(&credential(before), &credential(after));
                // A new key is kpki's to make, and is told below.
                changes.retain(|change| {
                    described.is_none() || !matches!(change, AccessChange::AnotherKey)
                });
                changes
            }
            (None, Some(after), None) => new_subject(&credential(after)),
            (None, Some(after), Some(wished)) => {
                let wished = wished.credential.as_ref();
                let mut changes =
                    wished.map_or_else(Vec::new, |wished| compare(wished, &credential(after)));
                // Of how long it lives the description is told already.
                changes.retain(|change| !matches!(change, AccessChange::LongerLife { .. }));
                changes
            }
            (_, None, _) => Vec::new(),
        }
    }

    /// Until when what a client holds is good: nobody can revoke it.
    fn until(&self, change: &AccessChange) -> Option<Timestamp> {
        let facts = match change.direction() {
            Direction::Loss => self.pair.before.as_deref(),
            _ => self.pair.after.as_deref(),
        }?;
        let is_client = Credential::of_certificate(facts).client;
        is_client.then_some(facts.not_after)
    }
}

/// A life that was built is a few minutes longer than the one that is described.
fn is_told(described: &AccessChange, built: &AccessChange) -> bool {
    match (described, built) {
        (AccessChange::LongerLife { .. }, AccessChange::LongerLife { .. }) => true,
        _ => described == built,
    }
}

fn rests_on_a_certificate(change: &AccessChange) -> bool {
    !matches!(
        change,
        AccessChange::Role { .. }
            | AccessChange::LostRole(_)
            | AccessChange::Joined(_)
            | AccessChange::Endpoint { .. }
            | AccessChange::Recipient(_)
            | AccessChange::LostRecipient(_)
    )
}
