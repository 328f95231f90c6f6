//! What a reader's refusal means, and which file is to blame.

use std::collections::BTreeSet;

use super::certificate::{may, subject};
use super::finding::Findings;
use super::flags::told;
use super::holds::Certificate;
use super::issuers::Signer;
use super::judge::{Anchors, Answer, Judge, Refused};
use super::readers::As;
use super::rules::{
    CA_CANNOT_SIGN, CA_USAGE, CRITICAL_EXTENSION, EXPIRED, FLAG_OTHER_CA, KUBECONFIG_CLIENT_CA,
    NAME_CONSTRAINT, NOT_YET_VALID, PATH_LENGTH, REFUSED_CHAIN, RENAMED_CA, Rule, WEAK_SIGNATURE,
    WRONG_CA,
};
use super::verdicts::Verdict;
use super::world::World;
use crate::facts::extension::NAME_CONSTRAINTS;
use crate::facts::is_signed_by;
use crate::path::{Reason, UnknownAuthority};

/// Who refuses what, for the sentences.
pub(super) struct Case<'c> {
    /// `etcd (pki/etcd/ca.crt)`
    pub reader: String,
    /// Where its CAs lie.
    pub loaded: &'c str,
    pub anchors: &'c Anchors<'c>,
    /// Where the leaf lies.
    pub path: &'c str,
    pub leaf: &'c Certificate,
}

/// Folders and flags of those whose CAs signed something that they are shown.
type Vouching = BTreeSet<(usize, Option<usize>)>;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let is_taken = |verdict: &&Verdict<'_>| matches!(verdict.answer, Answer::Taken(_));
    let vouching: Vouching = (world.verdicts.iter().filter(is_taken))
        .map(|verdict| (verdict.folder, verdict.loaded.flag))
        .collect();
    for verdict in &world.verdicts {
        if let Answer::Refused(refused) = &verdict.answer {
            of_folder(world, findings, verdict, refused, &vouching);
        }
    }
    let mut judge = Judge::new(world.now);
    for (path, certificate) in &world.certificates {
        if !certificate.facts.is_ca && !world.is_judged(certificate) {
            without_reader(world, findings, &mut judge, path, certificate);
        }
    }
}

fn of_folder(
    world: &World<'_>,
    findings: &mut Findings,
    verdict: &Verdict<'_>,
    refused: &Refused<'_>,
    vouching: &Vouching,
) {
    let loaded = &verdict.loaded;
    let case = Case {
        reader: format!("{} ({})", loaded.reader.who, world.tree.shown(&loaded.path)),
        loaded: &loaded.path,
        anchors: &loaded.anchors,
        path: &verdict.path,
        leaf: verdict.leaf,
    };
    let Reason::UnknownAuthority(unknown) = &refused.reason else {
        broken(world, findings, &case, refused);
        return;
    };
    if renamed(world, findings, &case, refused) {
        return;
    }
    let flag = loaded.flag.and_then(|at| world.folders.get(verdict.folder)?.flags.get(at));
    // Where the certificate is the right one, and the flag's CAs vouch for nothing, the flag is to blame.
    if let (Some(flag), Some(Answer::Taken(_))) = (flag, &verdict.otherwise)
        && !vouching.contains(&(verdict.folder, verdict.loaded.flag))
    {
        let shown = world.tree.shown(&verdict.path);
        let detail = format!("{}, which did not sign {shown}", told(flag));
        findings.add(&FLAG_OTHER_CA, flag.manifest, detail);
        return;
    }
    let is_kubeconfig = world.client(&verdict.path).is_some();
    let rule = if is_kubeconfig { &KUBECONFIG_CLIENT_CA } else { &WRONG_CA };
    stranger(world, findings, rule, &case, refused, unknown);
}

/// Of no CA that the reader has.
pub(super) fn stranger(
    world: &World<'_>,
    findings: &mut Findings,
    rule: &'static Rule,
    case: &Case<'_>,
    refused: &Refused<'_>,
    unknown: &UnknownAuthority,
) {
    // Several readers of one certificate are one mistake.
    if findings.has(rule, case.path) {
        return;
    }
    let last = refused.last;
    let by = match world.signer(last) {
        Signer::Found(issuer) if issuer.facts.digest == case.leaf.facts.digest => {
            "signed by itself".to_owned()
        }
        // The CA comes with it.
        Signer::Found(issuer) if issuer.facts.digest == last.facts.digest => {
            format!("signed by {}", subject(&last.facts))
        }
        Signer::Found(issuer) => {
            let name = subject(&issuer.facts);
            match unknown {
                UnknownAuthority::NoSuchName { .. } | UnknownAuthority::OtherBytes { .. } => {
                    format!("signed by {name}")
                }
                UnknownAuthority::OtherKey { .. }
                | UnknownAuthority::SignatureDoesNotFit { .. } => {
                    format!("signed by another CA of the name {name}")
                }
            }
        }
        Signer::OtherKey | Signer::NotHere | Signer::NotSearched => unknown.to_string(),
    };
    let who = subject(&case.leaf.facts);
    findings.add(rule, case.path, format!("{who}: {by}; {} refuses it", case.reader));
}

/// Whether one of the reader's CAs has the key, under another name than the certificate gives.
pub(super) fn renamed(
    world: &World<'_>,
    findings: &mut Findings,
    case: &Case<'_>,
    refused: &Refused<'_>,
) -> bool {
    let last = refused.last;
    let is_its_key = |anchor: &&&Certificate| {
        anchor.facts.subject != last.facts.issuer
            && anchor.facts.is_ca
            && is_signed_by(&last.der, &anchor.facts.public_key)
    };
    let Some(anchor) = case.anchors.certificates.iter().find(is_its_key) else {
        return false;
    };
    if findings.has(&RENAMED_CA, case.loaded) {
        return true;
    }
    let why = match &refused.reason {
        Reason::UnknownAuthority(why @ UnknownAuthority::OtherBytes { .. }) => why.to_string(),
        _ => format!("it names its issuer {}", last.facts.issuer),
    };
    let shown = world.tree.shown(case.path);
    let detail = format!(
        "{} over the key that signed {shown} ({why}); {} refuses it",
        subject(&anchor.facts),
        case.reader
    );
    findings.add(&RENAMED_CA, case.loaded, detail);
    true
}

/// A chain that ends at a trusted CA, and is refused all the same.
pub(super) fn broken(
    world: &World<'_>,
    findings: &mut Findings,
    case: &Case<'_>,
    refused: &Refused<'_>,
) {
    let of_broken = world.path_of(refused.certificate).unwrap_or(case.path);
    let (rule, path) = match &refused.reason {
        Reason::Expired { .. } => (&EXPIRED, of_broken),
        Reason::NotYetValid { .. } => (&NOT_YET_VALID, of_broken),
        Reason::CriticalExtension { .. } => (&CRITICAL_EXTENSION, of_broken),
        Reason::NotACa { .. } | Reason::NoCertSign => (&CA_CANNOT_SIGN, of_broken),
        Reason::WeakSignature { .. } => (&WEAK_SIGNATURE, of_broken),
        Reason::PathTooLong { .. } => (&PATH_LENGTH, of_broken),
        Reason::Name { .. } => (&NAME_CONSTRAINT, case.path),
        Reason::Usage { is_leaf: false, .. } => (&CA_USAGE, of_broken),
        // The leaf's own usages are held against its place and its names elsewhere.
        Reason::Usage { is_leaf: true, .. } | Reason::UncheckedSignature { .. } => return,
        Reason::OtherNames { .. }
        | Reason::UnknownAuthority(_)
        | Reason::UnknownSignature { .. }
        | Reason::UnusableKey { .. }
        | Reason::Policies
        | Reason::TooMuchWork => (&REFUSED_CHAIN, case.path),
    };
    // One mistake, however many certificates it breaks.
    if findings.has(rule, path) {
        return;
    }
    let who = subject(&refused.certificate.facts);
    let shown = world.tree.shown(case.path);
    let detail = format!("{who}: {}; {} refuses {shown}", refused.reason, case.reader);
    findings.add(rule, path, detail);
}

/// Where no place says who reads it: whoever trusts the CA above it.
fn without_reader<'a>(
    world: &World<'a>,
    findings: &mut Findings,
    judge: &mut Judge<'a>,
    path: &str,
    leaf: &'a Certificate,
) {
    let mut shown = vec![leaf];
    while let Some(issuer) = shown.last().and_then(|last| world.issuer(last)) {
        if shown.iter().any(|known| known.facts.digest == issuer.facts.digest) {
            break;
        }
        shown.push(issuer);
    }
    let Some(top) = shown.pop().filter(|_| !shown.is_empty()) else {
        return;
    };
    // Signatures, dates and CA:TRUE are findings by themselves.
    let limits = |one: &&Certificate| {
        let facts = &one.facts;
        facts.path_len.is_some()
            || !facts.extended_key_usage.is_empty()
            || facts.extension(NAME_CONSTRAINTS).is_some()
    };
    if !shown.iter().skip(1).chain([&top]).copied().any(|one| limits(&one)) {
        return;
    }
    let anchors = Anchors::new(vec![top]);
    for way in [As::Server, As::Client] {
        if !may(&leaf.facts, &way.usage()) {
            continue;
        }
        if let Answer::Refused(refused) = judge.ask(&shown, &anchors, way, None) {
            let loaded = world.path_of(top).unwrap_or(path);
            let reader = format!("whoever trusts {}", world.tree.shown(loaded));
            let case = Case { reader, loaded, anchors: &anchors, path, leaf };
            broken(world, findings, &case, &refused);
        }
    }
}
