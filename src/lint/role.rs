//! What certificates are for, told by where they lie and by the flags that name them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::certificate::{may, subject};
use super::finding::Findings;
use super::holds::Certificate;
use super::identity::names_the_api_server;
use super::kubernetes_folder::KubernetesFolder;
use super::rules::{
    APISERVER_MISSPELT_NAME, APISERVER_NAMES, CA_REUSE, COMPONENT_MASTERS, ETCD_NO_CLIENT_USAGE,
    ETCD_SHARES_CA, FRONT_PROXY_NAME, LEAF_IS_CA, NO_ALTERNATIVE_NAME, NO_CLIENT_USAGE,
    NO_SERVER_USAGE, SERVICE_ADDRESS, WRONG_IDENTITY,
};
use super::world::World;
use crate::facts::{CertificateFacts, ExtendedKeyUsage, PublicKey};
use crate::graph::first_service_address;
use crate::name::San;
use crate::pod::Process;
use crate::profile::{APISERVER, CommonNameFrom, FRONT_PROXY_CLIENT, LEAVES, LeafRow, SanFrom};
use crate::spec::Usage;
use crate::visible::printable;

/// Groups that may do everything.
const ADMINISTRATORS: [&str; 2] = ["system:masters", "kubeadm:cluster-admins"];

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for folder in &world.folders {
        for row in LEAVES {
            for (path, leaf) in folder.leaves(row.home.file()) {
                usages(findings, path, leaf, row);
                identity(findings, path, &leaf.facts, row, folder.every_kubelet());
            }
        }
        authorities(findings, folder);
        network(findings, folder);
        front_proxy(findings, folder);
    }
    for (path, certificate) in &world.certificates {
        let facts = &certificate.facts;
        let serves = !facts.is_ca && may(facts, &ExtendedKeyUsage::Server);
        if serves && names_the_api_server(facts) {
            api_server(findings, path, facts);
        }
    }
}

fn usages(findings: &mut Findings, path: &str, leaf: &Certificate, row: &LeafRow) {
    let facts = &leaf.facts;
    let who = || subject(facts);
    if facts.is_ca {
        findings.add(&LEAF_IS_CA, path, who());
    }
    if row.usage.server() && !may(facts, &ExtendedKeyUsage::Server) {
        findings.add(&NO_SERVER_USAGE, path, who());
    }
    if row.usage.client() && !may(facts, &ExtendedKeyUsage::Client) {
        let rule = match row.usage {
            Usage::ServerAndClient => &ETCD_NO_CLIENT_USAGE,
            _ => &NO_CLIENT_USAGE,
        };
        findings.add(rule, path, who());
    }
    if row.usage.server() && facts.sans.is_empty() && facts.other_sans.is_empty() {
        findings.add(&NO_ALTERNATIVE_NAME, path, who());
    } else if row.name == APISERVER.name {
        api_server(findings, path, facts);
    }
}

/// Only the names that roles are bound to.
fn identity(
    findings: &mut Findings,
    path: &str,
    facts: &CertificateFacts,
    row: &LeafRow,
    every_kubelet: Option<&str>,
) {
    let name = facts.subject.common_name().unwrap_or_default();
    let is_right = match row.common_name {
        CommonNameFrom::Fixed(fixed) if fixed.starts_with("system:") => name == fixed,
        CommonNameFrom::SystemNode if row.usage.client() => {
            (name.starts_with("system:node:") || every_kubelet == Some(&name))
                && facts.subject.organizations().contains("system:nodes")
        }
        _ => true,
    };
    let is_component = match row.common_name {
        CommonNameFrom::Fixed(fixed) => fixed.starts_with("system:"),
        CommonNameFrom::SystemNode => row.usage.client(),
        CommonNameFrom::Node => false,
    };
    let organizations = facts.subject.organizations();
    if is_component && ADMINISTRATORS.iter().any(|group| organizations.contains(*group)) {
        findings.add(&COMPONENT_MASTERS, path, subject(facts));
    }
    let doubled = name.starts_with("system:system:");
    if !is_right && !doubled {
        findings.add(&WRONG_IDENTITY, path, subject(facts));
    }
}

fn authorities(findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let clients: BTreeSet<&PublicKey> = (folder.told(Process::Apiserver, "client-ca-file").iter())
        .flat_map(|(_, holds)| &holds.certificates)
        .map(|certificate| &certificate.facts.public_key)
        .collect();
    for (process, flag, rule) in [
        (Process::Apiserver, "requestheader-client-ca-file", &CA_REUSE),
        (Process::Etcd, "trusted-ca-file", &ETCD_SHARES_CA),
    ] {
        for (path, holds) in folder.told(process, flag) {
            let shared = (holds.certificates.iter())
                .find(|certificate| clients.contains(&certificate.facts.public_key));
            if let Some(shared) = shared {
                findings.add(rule, &path, subject(&shared.facts));
            }
        }
    }
}

/// The names are fixed: the service `kubernetes` in the namespace `default`.
fn api_server(findings: &mut Findings, path: &str, facts: &CertificateFacts) {
    let names: Vec<&str> = (facts.sans.iter())
        .filter_map(|name| match name {
            San::Dns(name) => Some(&**name),
            San::Ip(_) => None,
        })
        .collect();
    let mut missing: Vec<&str> = (APISERVER.sans.iter())
        .filter_map(|name| match name {
            SanFrom::Fixed(name) => Some(*name),
            _ => None,
        })
        .filter(|name| !names.contains(name))
        .collect();
    if !names.iter().any(|name| name.starts_with("kubernetes.default.svc.")) {
        missing.push("kubernetes.default.svc.DOMAIN");
    }
    if !missing.is_empty() {
        findings.add(&APISERVER_NAMES, path, format!("without {}", missing.join(", ")));
    }
    let misspelt = |name: &&&str| **name == "kubernetes.svc" || name.starts_with("kubernetes.svc.");
    if let Some(name) = names.iter().find(misspelt) {
        findings.add(&APISERVER_MISSPELT_NAME, path, *name);
    }
}

/// What the API server's flags say of the names that its certificate needs.
fn network(findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let networks = folder.values(Process::Apiserver, "service-cluster-ip-range");
    let Some(address) = networks.first().and_then(|list| first_service_address(list)) else {
        return;
    };
    let has = |facts: &CertificateFacts, address: IpAddr| facts.sans.contains(&San::Ip(address));
    for (path, leaf) in folder.leaves(APISERVER.home.file()) {
        if !leaf.facts.sans.is_empty() && !has(&leaf.facts, address) {
            findings.add(&SERVICE_ADDRESS, path, format!("without {address}"));
        }
    }
}

fn front_proxy(findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let lists = folder.values(Process::Apiserver, "requestheader-allowed-names");
    let allowed: Vec<&str> = (lists.iter())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if allowed.is_empty() {
        return;
    }
    for (path, leaf) in folder.leaves(FRONT_PROXY_CLIENT.home.file()) {
        if let Some(name) = leaf.facts.subject.common_name()
            && !allowed.contains(&name.as_str())
        {
            let detail = format!("CN={}, allowed: {}", printable(&name), allowed.join(", "));
            findings.add(&FRONT_PROXY_NAME, path, detail);
        }
    }
}
