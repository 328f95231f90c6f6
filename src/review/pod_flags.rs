//! Whether another value of a process's flag may pass without a word.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use crate::profile::{CHECKS, HARMLESS_FLAGS, HarmlessWhen, Process, Weaker};

/// One flag of one process.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlagChange<'a> {
    pub process: Process,
    pub flag: &'a str,
    pub old: Option<&'a str>,
    pub new: Option<&'a str>,
    /// As kpki sets it from the description without the operator's own words.
    pub own: Option<&'a str>,
}

impl FlagChange<'_> {
    /// `known`: further elements that kpki writes for described nodes.
    pub fn stops(&self, known: &BTreeSet<String>) -> bool {
        self.weakens_a_check() || (self.new != self.own && !self.is_harmless(known))
    }

    fn weakens_a_check(&self) -> bool {
        let FlagChange { process, flag, old, new, .. } = *self;
        let mut checks =
            CHECKS.iter().filter(|row| row.flag == flag && row.processes.contains(&process));
        checks.any(|row| match row.weaker {
            Weaker::Gone => old.is_some() && new.is_none(),
            Weaker::IsNot(value) => old == Some(value) && new != old,
            Weaker::Lacks => elements(old).any(|one| {
                // That one checks nothing.
                one != "AlwaysAllow" && !elements(new).any(|other| other == one)
            }),
            Weaker::Lower => tls_version(new) < tls_version(old),
            Weaker::Has => old.is_some() && !is_fewer(old, new),
        })
    }

    fn is_harmless(&self, known: &BTreeSet<String>) -> bool {
        let FlagChange { process, flag, old, new, own } = *self;
        let row = HARMLESS_FLAGS.iter().find(|row| row.is_of(process, flag));
        row.is_some_and(|row| match row.when {
            HarmlessWhen::Any => true,
            HarmlessWhen::Only(values) => new.is_some_and(|new| values.contains(&new)),
            HarmlessWhen::NotLower => {
                tls_version(new).is_some_and(|new| Some(new) >= tls_version(old))
            }
            HarmlessWhen::Fewer => is_fewer(old, new),
            HarmlessWhen::More => elements(old).all(|one| elements(new).any(|other| other == one)),
            HarmlessWhen::Below(folders) => new.is_some_and(|new| is_below(new, folders)),
            HarmlessWhen::Known => {
                let is_known = |one: &str| {
                    elements(old).chain(elements(own)).any(|known| known == one)
                        || known.contains(one)
                };
                new.is_some_and(|new| !new.is_empty()) && elements(new).all(is_known)
            }
        })
    }
}

fn elements(value: Option<&str>) -> impl Iterator<Item = &str> {
    value
        .into_iter()
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|one| !one.is_empty())
}

/// `None` for what nobody knows; without the flag it is Go's least.
fn tls_version(value: Option<&str>) -> Option<u8> {
    const VERSIONS: [(&str, u8); 6] = [
        ("VersionTLS10", 10),
        ("VersionTLS11", 11),
        ("VersionTLS12", 12),
        ("TLS1.2", 12),
        ("VersionTLS13", 13),
        ("TLS1.3", 13),
    ];
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Some(12);
    };
    VERSIONS.iter().find(|(name, _)| *name == value).map(|(_, version)| *version)
}

/// RFC 9325, 4.2; TLS 1.3's cannot be chosen, but may be named.
const GOOD_CIPHERS: [&str; 11] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

fn is_fewer(old: Option<&str>, new: Option<&str>) -> bool {
    let were: Vec<&str> = elements(old).collect();
    let allowed = if were.is_empty() { &GOOD_CIPHERS } else { were.as_slice() };
    elements(new).next().is_some() && elements(new).all(|one| allowed.contains(&one))
}

/// A path that climbs is nowhere, and of several nobody knows which counts.
fn is_below(path: &str, folders: &[&str]) -> bool {
    if path.contains(',') {
        return false;
    }
    let path = Path::new(path);
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    path.components().all(plain) && folders.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests;
