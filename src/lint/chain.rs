//! Who signed what.

use std::collections::BTreeSet;

use super::certificate::subject;
use super::finding::Findings;
use super::rules::{CA_CANNOT_SIGN, OTHER_AUTHORITY_KEY_ID, OUTLIVES_CA, UNKNOWN_ISSUER};
use super::world::World;
use crate::profile::AUTHORITY_FILES;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let mut signers = BTreeSet::new();
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        let Some(issuer) = world.issuer(certificate) else {
            // One that nobody but itself vouches for is judged by what it is for.
            if !facts.is_self_issued() {
                let who = format!("{}, by {}", subject(facts), facts.issuer);
                findings.add(&UNKNOWN_ISSUER, path, who);
            }
            continue;
        };
        if issuer.facts.digest == facts.digest {
            continue;
        }
        signers.insert(issuer.facts.digest);
        if facts.not_after > issuer.facts.not_after {
            let until = issuer.facts.not_after.date();
            let who = format!(
                "{}: until {}, its CA until {until}",
                subject(facts),
                facts.not_after.date()
            );
            findings.add(&OUTLIVES_CA, path, who);
        }
        let id = facts.authority_key_id.as_ref();
        // A CA without one is named by its key, and there are several ways to do that.
        let other = |own: &Vec<u8>| id.is_some_and(|id| id != own);
        if issuer.facts.subject_key_id.as_ref().is_some_and(other) {
            findings.add(&OTHER_AUTHORITY_KEY_ID, path, subject(facts));
        }
    }
    for folder in &world.folders {
        for place in AUTHORITY_FILES.iter().map(|row| row.path) {
            let certificates = folder.files(place).flat_map(|(_, holds)| &holds.certificates);
            signers.extend(certificates.map(|certificate| certificate.facts.digest));
        }
    }
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        if signers.contains(&facts.digest) && !facts.can_sign_certificates() {
            let what = if facts.is_ca { "no cert sign" } else { "not CA:TRUE" };
            findings.add(&CA_CANNOT_SIGN, path, format!("{}: {what}", subject(facts)));
        }
    }
}
