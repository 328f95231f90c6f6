//! Who signed what.

use std::collections::BTreeSet;

use super::certificate::subject;
use super::finding::Findings;
use super::issuers::Signer;
use super::readers::bundle;
use super::rules::{
    CA_CANNOT_SIGN, INTERMEDIATE_ANCHOR, ISSUER_NOT_HERE, ISSUER_NOT_SEARCHED,
    OTHER_AUTHORITY_KEY_ID, OUTLIVES_CA, UNKNOWN_ISSUER,
};
use super::world::World;
use crate::facts::CertificateFacts;
use crate::hash::Digest;
use crate::profile::AUTHORITY_FILES;
use crate::spec::CaName;
use crate::time::Span;

/// Whoever signs in one go gives dates that are seconds apart.
const APART: Span = Span::days(1);

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let anchors = anchors(world);
    let mut signers = BTreeSet::new();
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        let issuer = match world.signer(certificate) {
            Signer::Found(issuer) => issuer,
            // One that nobody but itself vouches for is judged by what it is for.
            _ if facts.is_self_issued() => continue,
            other => {
                let is_anchor = anchors.all.contains(&facts.digest);
                if !is_anchor {
                    // Its readers have said what they think of it.
                    if !world.is_judged(certificate) {
                        stranger(findings, path, facts, other);
                    }
                } else if anchors.of_clients.contains(&facts.digest) {
                    let who = format!("{}, by {}", subject(facts), facts.issuer);
                    findings.add(&INTERMEDIATE_ANCHOR, path, who);
                }
                continue;
            }
        };
        if issuer.facts.digest == facts.digest {
            continue;
        }
        signers.insert(issuer.facts.digest);
        if facts.not_after.since(issuer.facts.not_after) > APART {
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
    signers.extend(anchors.of_places);
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        if signers.contains(&facts.digest) && !facts.can_sign_certificates() {
            let what = if facts.is_ca { "no cert sign" } else { "not CA:TRUE" };
            findings.add(&CA_CANNOT_SIGN, path, format!("{}: {what}", subject(facts)));
        }
    }
}

fn stranger(findings: &mut Findings, path: &str, facts: &CertificateFacts, signer: Signer<'_>) {
    let rule = match signer {
        Signer::OtherKey => &UNKNOWN_ISSUER,
        Signer::NotSearched => &ISSUER_NOT_SEARCHED,
        Signer::NotHere | Signer::Found(_) => &ISSUER_NOT_HERE,
    };
    findings.add(rule, path, format!("{}, by {}", subject(facts), facts.issuer));
}

#[derive(Default)]
struct Anchors {
    all: BTreeSet<Digest>,
    /// Those of the cluster's bundles. A kubeconfig may trust a server's own certificate instead of a CA.
    of_places: BTreeSet<Digest>,
    /// Those that clients of any make load: the cluster's CA and what kubeconfigs have.
    of_clients: BTreeSet<Digest>,
}

/// What some reader loads as a trusted CA: it needs no issuer.
fn anchors(world: &World<'_>) -> Anchors {
    let mut anchors = Anchors::default();
    for folder in &world.folders {
        for place in AUTHORITY_FILES.iter().map(|row| row.path) {
            let loaded = folder.files(place).flat_map(|(_, holds)| &holds.certificates);
            let digests: BTreeSet<Digest> =
                loaded.map(|certificate| certificate.facts.digest).collect();
            if place == bundle(CaName::Kubernetes) {
                anchors.of_clients.extend(&digests);
            }
            anchors.of_places.extend(digests);
        }
        for (ca, path) in folder.bundles() {
            let loaded = world.tree.file(&path).map_or(&[][..], |file| &file.holds.certificates);
            let digests = loaded.iter().map(|certificate| certificate.facts.digest);
            if ca == CaName::Kubernetes {
                anchors.of_clients.extend(digests.clone());
            }
            anchors.of_places.extend(digests);
        }
    }
    for client in &world.clients {
        let loaded = client.authorities.here().unwrap_or_default();
        anchors.of_clients.extend(loaded.iter().map(|certificate| certificate.facts.digest));
    }
    anchors.all.extend(anchors.of_clients.union(&anchors.of_places));
    anchors
}
