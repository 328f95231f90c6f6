//! What static pods are told, against the files: there, seen, of the right CA, of one pair.

use super::finding::Findings;
use super::kubernetes_folder::{KubernetesFolder, Named, Pod};
use super::rules::{
    FLAG_CONFLICT, FLAG_FILE_ELSEWHERE, FLAG_HIDDEN_FILE, FLAG_INCOMPLETE, FLAG_MISSING_FILE,
    KEY_MISMATCH, SIGNING_BUNDLE,
};
use super::tree::Where;
use super::world::World;
use crate::manifest::disagreements;
use crate::pod::Process;
use crate::profile::{KEY_PAIRS, KeyPair, Weight};
use crate::visible::printable;
use Process::ControllerManager as CM;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for folder in &world.folders {
        for named in &folder.flags {
            file(world, findings, named);
        }
        for pod in &folder.pods {
            company(findings, pod);
        }
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

pub(super) fn told(named: &Named<'_>) -> String {
    format!("line {}: --{}={}", named.flag.line, named.flag.name, printable(&named.flag.value))
}

fn file(world: &World<'_>, findings: &mut Findings, named: &Named<'_>) {
    let rule = match named.file {
        // Of the operator's own files kpki puts none there.
        Where::Missing(_) if !named.is_kubeadms && world.tree.is_output() => &FLAG_FILE_ELSEWHERE,
        Where::Missing(_) => &FLAG_MISSING_FILE,
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
