//! Who a certificate says that it is, by its names alone, wherever it lies.

use std::collections::BTreeSet;

use super::certificate::{may, subject};
use super::finding::Findings;
use super::rules::{
    DOUBLED_PREFIX, LEAF_IS_CA, MISSPELT_IDENTITY, NO_SERVER_USAGE, WRONG_IDENTITY,
};
use super::world::World;
use crate::facts::{CertificateFacts, ExtendedKeyUsage};
use crate::hash::Digest;
use crate::name::{DnsName, San};
use crate::profile::{CommonNameFrom, LEAVES};
use crate::visible::printable;

/// Groups that Kubernetes gives power to, and kubeadm binds.
const GROUPS: [&str; 6] = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "system:node-proxier",
    "system:monitoring",
    "kubeadm:cluster-admins",
];
const NODE: &str = "system:node:";
const NODES: &str = "system:nodes";

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let alike = of_every_kubelet(world);
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        doubled(findings, path, facts);
        if facts.is_ca {
            if names_the_api_server(facts)
                && !facts.is_self_issued()
                && !findings.has(&LEAF_IS_CA, path)
            {
                findings.add(&LEAF_IS_CA, path, subject(facts));
            }
            continue;
        }
        if may(facts, &ExtendedKeyUsage::Client) {
            if !alike.contains(&facts.digest) {
                node(findings, path, facts);
            }
            misspelt(findings, path, facts);
        }
        let is_server = may(facts, &ExtendedKeyUsage::Server);
        if names_the_api_server(facts) && !is_server && !findings.has(&NO_SERVER_USAGE, path) {
            let detail = format!("{}, with the API server's names", subject(facts));
            findings.add(&NO_SERVER_USAGE, path, detail);
        }
    }
}

fn doubled(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let all = facts.subject.organizations().into_iter().chain(facts.subject.common_name());
    if all.into_iter().any(|name| name.starts_with("system:system:")) {
        findings.add(&DOUBLED_PREFIX, path, subject(facts));
    }
}

/// Certificates that all kubelets of a cluster share, where its distribution means them to.
fn of_every_kubelet(world: &World<'_>) -> BTreeSet<Digest> {
    let mut alike = BTreeSet::new();
    let kubelets = || LEAVES.iter().filter(|row| row.name == "kubelet");
    for folder in world.folders.iter().filter(|folder| folder.every_kubelet().is_some()) {
        let leaves = kubelets().flat_map(|row| folder.leaves(row.home.file()));
        let is_it = |facts: &&CertificateFacts| {
            facts.subject.common_name().as_deref() == folder.every_kubelet()
        };
        alike.extend(leaves.map(|(_, leaf)| &leaf.facts).filter(is_it).map(|facts| facts.digest));
    }
    alike
}

/// The node authorizer takes neither without the other.
fn node(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let name = facts.subject.common_name().unwrap_or_default();
    let is_named = name.strip_prefix(NODE).is_some_and(|node| !node.is_empty());
    let in_group = facts.subject.organizations().contains(NODES);
    if findings.has(&WRONG_IDENTITY, path) || is_doubled(&name) {
        return;
    }
    // The kubelet registers in small letters whatever the machine is called.
    let node = name.strip_prefix(NODE).unwrap_or_default();
    if is_named && in_group && node.parse::<DnsName>().is_err() {
        let detail = format!("{}: no node can be called {}", subject(facts), printable(node));
        findings.add(&WRONG_IDENTITY, path, detail);
    }
    if is_named == in_group {
        return;
    }
    let what = if in_group { "without CN=system:node:NAME" } else { "without O=system:nodes" };
    findings.add(&WRONG_IDENTITY, path, format!("{} {what}", subject(facts)));
}

/// One letter more, less, other or in another place, or in other letters' case.
fn misspelt(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let users = LEAVES.iter().filter_map(|row| match row.common_name {
        CommonNameFrom::Fixed(name) if name.starts_with("system:") => Some(name),
        _ => None,
    });
    let users: Vec<&str> = users.collect();
    let user = facts.subject.common_name();
    let user = user.as_deref().and_then(|name| Some(("CN", name, almost(name, &users)?)));
    let organizations = facts.subject.organizations();
    let groups = organizations.iter().filter_map(|name| {
        // Hand-made certificates name the component as its group, too.
        (!users.contains(&name.as_str())).then_some(())?;
        Some(("O", name.as_str(), almost(name, &GROUPS)?))
    });
    for (kind, name, meant) in user.into_iter().chain(groups) {
        if !findings.has(&WRONG_IDENTITY, path) {
            let detail = format!("{kind}={}, almost {meant}", printable(name));
            findings.add(&MISSPELT_IDENTITY, path, detail);
        }
    }
}

fn almost<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let is_near = |known: &&&str| name.eq_ignore_ascii_case(known) || is_one_edit(name, known);
    (!known.contains(&name)).then(|| known.iter().find(is_near).copied()).flatten()
}

/// One letter added, left out, exchanged for another or with its neighbour.
fn is_one_edit(one: &str, other: &str) -> bool {
    let same = |(one, other): &(char, char)| one == other;
    let start = one.chars().zip(other.chars()).take_while(same).count();
    let one: Vec<char> = one.chars().skip(start).collect();
    let other: Vec<char> = other.chars().skip(start).collect();
    let end = (one.iter().rev()).zip(other.iter().rev()).take_while(|(one, other)| one == other);
    let end = end.count();
    match (one.get(..one.len() - end), other.get(..other.len() - end)) {
        (Some([a, b]), Some([c, d])) => (a, b) == (d, c),
        (Some(one), Some(other)) => one.len().max(other.len()) == 1,
        _ => false,
    }
}

fn is_doubled(name: &str) -> bool {
    name.starts_with("system:system:")
}

/// Names of the service `kubernetes`: no other process has them. A node may be called `kubernetes` alone.
pub(super) fn names_the_api_server(facts: &CertificateFacts) -> bool {
    facts.sans.iter().any(|name| {
        matches!(name, San::Dns(name)
            if name.starts_with("kubernetes.default") || name.starts_with("kubernetes.svc"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_one_letter_or_two_neighbours() {
        let known = "system:masters";
        for name in [
            "system:master",
            "system:masterss",
            "systems:masters",
            "system:mastres",
            "sytem:masters",
            "system-masters",
            "xsystem:masters",
        ] {
            assert_eq!(almost(name, &GROUPS), Some(known), "{name}");
        }
        assert_eq!(almost("SYSTEM:Masters", &GROUPS), Some(known));
        assert_eq!(almost("system:node", &GROUPS), Some("system:nodes"));
        for name in ["", "masters", "system:masters", "system:retsams", "dev", "system:node:w1"] {
            assert_eq!(almost(name, &GROUPS), None, "{name}");
        }
    }
}
