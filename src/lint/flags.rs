//! What static pods are told, against the files: there, seen, of the right CA, of one pair.

use super::finding::Findings;
use super::kubernetes_folder::{KubernetesFolder, Named, Pod, Where};
use super::rules::{
    FLAG_CONFLICT, FLAG_HIDDEN_FILE, FLAG_INCOMPLETE, FLAG_MISSING_FILE, FLAG_OTHER_CA,
    KEY_MISMATCH, SIGNING_BUNDLE, WRONG_CA,
};
use super::world::World;
use crate::manifest::disagreements;
use crate::pod::Process;
use crate::profile::{KEY_PAIRS, KeyPair, LEAVES, Weight};
use crate::visible::printable;
use Process::ControllerManager as CM;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for folder in &world.folders {
        for named in &folder.flags {
            file(findings, named);
        }
        for pod in &folder.pods {
            company(findings, pod);
        }
        trust(world, findings, folder);
        pairs(world, findings, folder);
        signer(world, findings, folder);
    }
}

/// Flags that exclude or need each other: as a plan judges them.
fn company(findings: &mut Findings, pod: &Pod<'_>) {
    for found in disagreements(pod.process, &pod.facts.told(pod.process)) {
        let line =
            pod.facts.flags.iter().rfind(|flag| flag.name == found.flag).map(|flag| flag.line);
        let rule = if found.is_other_given { &FLAG_CONFLICT } else { &FLAG_INCOMPLETE };
        if found.weight == Weight::Ends {
            let detail = format!("line {}: {}", line.unwrap_or_default(), found.message);
            findings.add(rule, pod.path, detail);
        }
    }
}

fn told(named: &Named<'_>) -> String {
    format!("line {}: --{}={}", named.flag.line, named.flag.name, printable(&named.flag.value))
}

fn file(findings: &mut Findings, named: &Named<'_>) {
    let rule = match named.file {
        Where::Missing => &FLAG_MISSING_FILE,
        Where::Hidden => &FLAG_HIDDEN_FILE,
        Where::At(_) | Where::Unknown => return,
    };
    findings.add(rule, named.manifest, told(named));
}

/// The last value counts, as for the processes.
fn at<'f>(
    folder: &'f KubernetesFolder<'_>,
    process: Process,
    flag: &str,
) -> Option<(&'f Named<'f>, &'f str)> {
    let named =
        (folder.flags.iter()).rfind(|named| named.process == process && named.flag.name == flag)?;
    match &named.file {
        Where::At(path) => Some((named, path)),
        _ => None,
    }
}

fn trust(world: &World<'_>, findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let checks = LEAVES.iter().filter_map(|row| Some((row.told?, row.checked_by)));
    for (told_of, (process, ca_flag)) in
        checks.flat_map(|(told, checkers)| checkers.iter().map(move |checker| (told, *checker)))
    {
        let Some((ca, ca_path)) = at(folder, process, ca_flag) else {
            continue;
        };
        let shown = told_of.certificate.first();
        let Some((_, path)) = shown.and_then(|flag| at(folder, told_of.process, flag)) else {
            continue;
        };
        let bundle = world.tree.file(ca_path).map(|file| &file.holds.certificates);
        let leaf = world.tree.file(path).and_then(|file| file.holds.leaf());
        let (Some(bundle), Some(leaf)) = (bundle.filter(|all| !all.is_empty()), leaf) else {
            continue;
        };
        let Some(issuer) = world.issuer(leaf) else {
            continue;
        };
        let trusted = (bundle.iter())
            .any(|certificate| certificate.facts.public_key == issuer.facts.public_key);
        // Where the certificate is the wrong one, the flag is not to blame.
        let known = findings.has(&WRONG_CA, path)
            || findings.has(&super::rules::KUBECONFIG_CLIENT_CA, path);
        if !trusted && !known {
            let detail = format!("{}, which did not sign {}", told(ca), world.tree.shown(path));
            findings.add(&FLAG_OTHER_CA, ca.manifest, detail);
        }
    }
}

fn pairs(world: &World<'_>, findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    for KeyPair { process, certificate, key } in KEY_PAIRS {
        let process = *process;
        let Some((_, certificate_path)) = at(folder, process, certificate) else {
            continue;
        };
        let Some((named, key_path)) = at(folder, process, key) else {
            continue;
        };
        let holds = |path| world.tree.file(path).map(|file| &file.holds);
        let own = holds(certificate_path).and_then(|holds| holds.certificates.first());
        let other = holds(key_path).and_then(|holds| holds.private_keys.first());
        let (Some(own), Some(other)) = (own, other) else {
            continue;
        };
        if own.facts.public_key != *other && !findings.has(&KEY_MISMATCH, key_path) {
            let detail = format!(
                "{}, which is not the key of {}",
                told(named),
                world.tree.shown(certificate_path)
            );
            findings.add(&KEY_MISMATCH, named.manifest, detail);
        }
    }
}

fn signer(world: &World<'_>, findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let Some((named, path)) = at(folder, CM, "cluster-signing-cert-file") else {
        return;
    };
    let count = world.tree.file(path).map_or(0, |file| file.holds.certificates.len());
    if count > 1 {
        findings.add(
            &SIGNING_BUNDLE,
            named.manifest,
            format!("{}: {count} certificates", told(named)),
        );
    }
}
