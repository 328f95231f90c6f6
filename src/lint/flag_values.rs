//! What static pods are told beside their files: as a plan judges it, against the certificates of the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::finding::Findings;
use super::kubernetes_folder::{KubernetesFolder, Named, Pod};
use super::rules::{
    FLAG_ADDRESS, FLAG_NETWORK, FLAG_PLAIN_HTTP, FLAG_URL, FLAG_WEAK, KEY_MISMATCH, Rule,
    SERVICE_ACCOUNT_KEYS,
};
use super::tree::Where;
use super::world::World;
use crate::facts::PublicKey;
use crate::graph::{About, Contradiction, Host, Severity, flags_alone, hosts};
use crate::name::San;
use crate::pod::Process;
use crate::profile::{APISERVER, Answers, ETCD_PEER, ETCD_SERVER, LeafRow};
use crate::visible::printable;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let members = members(world);
    for folder in &world.folders {
        let known = |answers, host: &Host| answering(world, folder, &members, answers, host);
        let mut found = Vec::new();
        for pod in &folder.pods {
            let flags = pod.facts.told(pod.process);
            let of_pod = flags_alone(pod.process, &flags, None, &known).into_iter();
            found.extend(of_pod.filter_map(|one| Some((rule(&one)?, pod, one))));
            if pod.process == Process::Apiserver {
                advertised(world, findings, folder, pod);
            }
        }
        // A certificate without a name that is dialled is said once.
        let is_dialled = found.iter().any(|(rule, ..)| rule.id == FLAG_URL.id);
        found.retain(|(rule, ..)| !is_dialled || rule.id != FLAG_ADDRESS.id);
        for (rule, pod, one) in &found {
            add(findings, rule, pod, &one.flag, &one.message);
        }
        service_account(world, findings, folder);
        by_name(world, findings, folder);
    }
}

fn add(findings: &mut Findings, rule: &'static Rule, pod: &Pod<'_>, flag: &str, message: &str) {
    let line = pod.facts.flags.iter().rfind(|given| given.name == flag).map(|given| given.line);
    let line = line.map_or_else(String::new, |line| format!("line {line}: "));
    findings.add(rule, pod.path, line + &printable(message));
}

/// `None`: said by another check, or no mistake of a tree.
fn rule(found: &Contradiction) -> Option<&'static Rule> {
    match (found.about, found.severity) {
        (About::Network, Severity::Refused) => Some(&FLAG_NETWORK),
        (About::Url, Severity::Refused) => Some(&FLAG_URL),
        (About::Url, Severity::Remark) => Some(&FLAG_ADDRESS),
        (About::Plain, _) => Some(&FLAG_PLAIN_HTTP),
        (About::Access, _) => Some(&FLAG_WEAK),
        (About::Network, Severity::Remark)
        | (About::Company | About::Variable | About::Description, _) => None,
    }
}

/// The names of the certificate that a process of a folder shows, and words for it.
fn shown(
    world: &World<'_>,
    folder: &KubernetesFolder<'_>,
    row: &LeafRow,
) -> Option<(BTreeSet<San>, String)> {
    let leaves: Vec<_> = folder.leaves(row.home.file()).collect();
    let (path, _) = leaves.first()?;
    let sans: BTreeSet<San> =
        leaves.iter().flat_map(|(_, leaf)| leaf.facts.sans.iter().cloned()).collect();
    // One without any names is said to have none.
    (!sans.is_empty()).then(|| (sans, format!("which {} lacks", world.tree.shown(path))))
}

fn answering(
    world: &World<'_>,
    folder: &KubernetesFolder<'_>,
    members: &Members<'_>,
    answers: Answers,
    host: &Host,
) -> Option<(BTreeSet<San>, String)> {
    match answers {
        Answers::EtcdServer => shown(world, folder, &ETCD_SERVER),
        Answers::EtcdPeer => shown(world, folder, &ETCD_PEER),
        Answers::EtcdMember => {
            let is_local = match host {
                Host::Ip(address) => address.is_loopback(),
                Host::Name(name) => name == "localhost",
            };
            let member = if is_local {
                runs_etcd(folder).then_some(folder)
            } else {
                members.get(host).copied()
            }?;
            shown(world, member, &ETCD_SERVER)
        }
    }
}

fn runs_etcd(folder: &KubernetesFolder<'_>) -> bool {
    folder.pods.iter().any(|pod| pod.process == Process::Etcd)
}

/// The members of etcd by where they say that they are; of several the first.
type Members<'w> = BTreeMap<Host, &'w KubernetesFolder<'w>>;

fn members<'w>(world: &'w World<'_>) -> Members<'w> {
    const FLAGS: [&str; 3] =
        ["advertise-client-urls", "listen-client-urls", "initial-advertise-peer-urls"];
    let mut members = BTreeMap::new();
    for folder in &world.folders {
        for host in FLAGS.iter().flat_map(|flag| folder.values(Process::Etcd, flag)).flat_map(hosts)
        {
            members.entry(host).or_insert(folder);
        }
    }
    members
}

/// Where the API server says that it is.
fn advertised(
    world: &World<'_>,
    findings: &mut Findings,
    folder: &KubernetesFolder<'_>,
    pod: &Pod<'_>,
) {
    const FLAG: &str = "advertise-address";
    let Some(address) = pod.facts.values(FLAG).last().and_then(|text| text.parse::<IpAddr>().ok())
    else {
        return;
    };
    if let Some((sans, who)) = shown(world, folder, &APISERVER)
        && !sans.contains(&San::Ip(address))
    {
        add(findings, &FLAG_ADDRESS, pod, FLAG, &format!("--{FLAG}={address}, {who}"));
    }
}

/// Any of the keys that verify must be the one that signs.
fn service_account(world: &World<'_>, findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let named = |process, flag: &'static str| {
        folder.flags.iter().filter(move |named| named.process == process && named.flag.name == flag)
    };
    let mut verify: BTreeSet<&PublicKey> = BTreeSet::new();
    for one in named(Process::Apiserver, "service-account-key-file") {
        let Where::At(path) = &one.file else { return };
        let Some(file) = world.tree.file(path) else { return };
        let holds = &file.holds;
        let of_certificates = holds.certificates.iter().map(|one| &one.facts.public_key);
        let before = verify.len();
        verify.extend(holds.public_keys.iter().chain(&holds.private_keys).chain(of_certificates));
        if verify.len() == before && !holds.damage.is_empty() {
            return;
        }
    }
    if verify.is_empty() {
        return;
    }
    for (process, flag) in [
        (Process::Apiserver, "service-account-signing-key-file"),
        (Process::ControllerManager, "service-account-private-key-file"),
    ] {
        let Some(signs) = named(process, flag).next_back() else { continue };
        let Where::At(path) = &signs.file else { continue };
        let key = world.tree.file(path).and_then(|file| file.holds.private_keys.first());
        if key.is_some_and(|key| !verify.contains(key)) && !findings.has(&KEY_MISMATCH, path) {
            let detail = format!(
                "line {}: --{flag}={}, whose public half no --service-account-key-file holds",
                signs.flag.line,
                printable(&signs.flag.value)
            );
            findings.add(&SERVICE_ACCOUNT_KEYS, signs.manifest, detail);
        }
    }
}

/// `--tls-sni-cert-key=CERTIFICATE,KEY:NAME`
fn by_name(world: &World<'_>, findings: &mut Findings, folder: &KubernetesFolder<'_>) {
    let named: Vec<&Named<'_>> =
        folder.flags.iter().filter(|named| named.flag.name == "tls-sni-cert-key").collect();
    for pair in named.windows(2) {
        let [certificate, key] = pair else { continue };
        let (Where::At(shows), Where::At(holds)) = (&certificate.file, &key.file) else { continue };
        let is_one = std::ptr::eq(certificate.flag, key.flag);
        let own = world.tree.file(shows).and_then(|file| file.holds.certificates.first());
        let other = world.tree.file(holds).and_then(|file| file.holds.private_keys.first());
        if let (true, Some(own), Some(other)) = (is_one, own, other)
            && own.facts.public_key != *other
            && !findings.has(&KEY_MISMATCH, holds)
        {
            let detail = format!(
                "line {}: --{}={}: not one pair",
                key.flag.line,
                key.flag.name,
                printable(&key.flag.value)
            );
            findings.add(&KEY_MISMATCH, key.manifest, detail);
        }
    }
}
