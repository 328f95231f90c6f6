//! What certificates that were built let somebody do, beside what descriptions say of it.

use std::collections::{BTreeMap, HashMap};

use super::privilege::{PrivilegeReport, privilege_report};
use super::text::printable;
use crate::diff::CertificatePair;
use crate::facts::CertificateFacts;
use crate::review::{Credential, Direction, Gain, PrivilegeChange, compare, new_subject};
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
    pub holder: String,
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
    described: &[PrivilegeChange],
    held: &[FileCertificate<'_>],
) -> Vec<PrivilegeReport> {
    let mut reports: Vec<PrivilegeReport> = described.iter().map(privilege_report).collect();
    let mut by_holder: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, change) in described.iter().enumerate() {
        let all = by_holder.entry(change.holder.to_string()).or_default();
        all.push(at);
    }
    let mut found: BTreeMap<(Direction, String, Gain), Found> = BTreeMap::new();
    for one in held {
        let holder = one.holder();
        let own = by_holder.get(&holder).map_or(&[][..], Vec::as_slice);
        let own: Vec<(usize, &Gain)> = (own.iter())
            .filter_map(|at| described.get(*at).map(|change| (*at, &change.gain)))
            .collect();
        // What was built has an end; a description has none.
        for (at, gain) in &own {
            if let Some(report) = reports.get_mut(*at).filter(|_| rests_on_a_certificate(gain)) {
                report.until = report.until.max(one.until(gain));
            }
        }
        for gain in one.gains() {
            if own.iter().any(|(_, told)| is_told(told, &gain)) {
                continue;
            }
            let until = one.until(&gain);
            let told = found.entry((gain.direction(), holder.clone(), gain)).or_default();
            told.until = told.until.max(until);
            let path = printable(&one.pair.within);
            if !told.paths.contains(&path) {
                told.paths.push(path);
            }
        }
    }
    let found = found.into_iter();
    reports.extend(found.map(|((direction, holder, gain), found)| {
        PrivilegeReport::of_files(holder, direction, &gain, found.paths, found.until)
    }));
    reports.sort_by_key(|report| report.direction);
    reports
}

impl FileCertificate<'_> {
    fn holder(&self) -> String {
        match &self.described {
            Some(wished) => wished.holder.clone(),
            None => printable(&self.pair.within),
        }
    }

    fn gains(&self) -> Vec<Gain> {
        let credential = |facts: &CertificateFacts| Credential::of_certificate(facts);
        match (&self.pair.before, &self.pair.after, &self.described) {
            (Some(before), Some(after), described) => {
                let mut gains = compare(&credential(before), &credential(after));
                // A new key is kpki's to make, and is told below.
                gains.retain(|gain| described.is_none() || !matches!(gain, Gain::AnotherKey));
                gains
            }
            (None, Some(after), None) => new_subject(&credential(after)),
            (None, Some(after), Some(wished)) => {
                let wished = wished.credential.as_ref();
                let mut gains =
                    wished.map_or_else(Vec::new, |wished| compare(wished, &credential(after)));
                // Of how long it lives the description is told already.
                gains.retain(|gain| !matches!(gain, Gain::LongerLife { .. }));
                gains
            }
            (_, None, _) => Vec::new(),
        }
    }

    /// Until when what a client holds is good: nobody can revoke it.
    fn until(&self, gain: &Gain) -> Option<Timestamp> {
        let facts = match gain.direction() {
            Direction::Loss => self.pair.before.as_deref(),
            _ => self.pair.after.as_deref(),
        }?;
        let is_client = Credential::of_certificate(facts).client;
        is_client.then_some(facts.not_after)
    }
}

/// A life that was built is a few minutes longer than the one that is described.
fn is_told(described: &Gain, built: &Gain) -> bool {
    match (described, built) {
        (Gain::LongerLife { .. }, Gain::LongerLife { .. }) => true,
        _ => described == built,
    }
}

fn rests_on_a_certificate(gain: &Gain) -> bool {
    !matches!(
        gain,
        Gain::Role(_)
            | Gain::LostRole(_)
            | Gain::Joined(_)
            | Gain::Endpoint { .. }
            | Gain::Recipient(_)
            | Gain::LostRecipient(_)
    )
}
