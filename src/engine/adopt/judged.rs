//! What `verify` finds on the nodes before they are taken over.

use std::collections::BTreeMap;

use crate::adopt::{Refusal, Refusals};
use crate::lint::{Finding, Rule, Severity, lint, rules, tree_of};
use crate::machine::{Machine, layout_of};
use crate::name::NodeName;
use crate::profile::{AUTHORITY_FILES, KUBERNETES_FOLDER, certificates_dir_of, own_files};
use crate::time::Timestamp;

/// What `verify` finds wrong on a node and does not stop an adoption: it is as it was, and kpki changes
/// nothing about it. An expired leaf is due, and plan says so.
const TOLD: &[&Rule] = &[
    &rules::EXPIRED,
    &rules::SECRET_READABLE_BY_OTHERS,
    &rules::WRITABLE_BY_OTHERS,
    &rules::FOLDER_OF_ANOTHER_USER,
    &rules::FOLDER_WRITABLE_BY_OTHERS,
    &rules::STRAY_MANIFEST,
    &rules::DUPLICATE_POD,
];

/// What stops it, and what is only told.
pub(super) fn judged(
    machines: &BTreeMap<NodeName, Machine>,
    now: Timestamp,
) -> (Refusals, Vec<String>) {
    let mut refusals = Refusals::new();
    let mut told: BTreeMap<&Rule, Vec<String>> = BTreeMap::new();
    for (node, machine) in machines {
        if let Some(layout) = layout_of(machine) {
            let why = format!("is not taken over yet: this is {}, and not kubeadm's", layout.name);
            let help = format!(
                "kpki takes over nodes of kubeadm; what it has no word for: {}",
                layout.missing
            );
            refusals.push(Refusal::of_node(node, why).help(help));
            continue;
        }
        for finding in lint(&tree_of(machine), now) {
            let is_root = is_authority(&finding.path) && finding.rule == &rules::EXPIRED;
            let Finding { rule, path, detail } = finding;
            // What the kubelet keeps for itself is not taken over.
            let is_ours = path.starts_with(KUBERNETES_FOLDER) || is_own(&path);
            let stops = is_ours && rule.severity == Severity::Error;
            if stops && (is_root || !TOLD.contains(&rule)) {
                let why = format!("{} ({}): {detail}", rule.title, rule.id);
                refusals.push(
                    Refusal::of_file(node, &path, why)
                        .help("kpki explain tells of each in brackets"),
                );
            } else {
                told.entry(rule).or_default().push(format!("{node}:/{path}"));
            }
        }
    }
    let remarks = told.into_iter().map(|(rule, places)| {
        let (first, more) = (places.first().cloned().unwrap_or_default(), places.len() - 1);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{} ({}): {first}{more}", rule.title, rule.id)
    });
    (refusals, remarks.collect())
}

fn is_authority(path: &str) -> bool {
    AUTHORITY_FILES.iter().any(|row| certificates_dir_of(path, row.path).is_some())
}

/// In whichever folder of certificates.
fn is_own(path: &str) -> bool {
    own_files().any(|file| certificates_dir_of(path, file).is_some())
}
