//! Whether another value of a process's flag may pass without a word.

use std::collections::BTreeSet;
use std::path::Path;

use crate::manifest::named_paths;
use crate::profile::{CHECKS, Check, FLAGS, HARMLESS_FLAGS, HarmlessWhen, Process, Weaker};

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
    /// `members`: URLs that kpki writes for described members of etcd.
    pub fn stops(&self, members: &BTreeSet<String>) -> bool {
        let change = self.as_the_process_reads();
        change.weakens_a_check() || !(change.is_kpkis() || change.is_harmless(members))
    }

    fn as_the_process_reads(&self) -> Self {
        let FlagChange { process, flag, .. } = *self;
        if !process.is_boolean(flag) {
            return *self;
        }
        let (old, new) = (self.old.map(boolean), self.new.map(boolean));
        FlagChange { old, new, own: self.own.map(boolean), ..*self }
    }

    fn checks(&self) -> impl Iterator<Item = &'static Check> {
        let FlagChange { process, flag, .. } = *self;
        CHECKS.iter().filter(move |row| row.flag == flag && row.processes.contains(&process))
    }

    fn weakens_a_check(&self) -> bool {
        let FlagChange { old, new, .. } = *self;
        self.checks().any(|row| match row.weaker {
            Weaker::Gone => old.is_some() && new.is_none(),
            Weaker::IsNot(value) => old == Some(value) && new != old,
            Weaker::Lacks => elements(old).any(|one| {
                // That one checks nothing.
                one != "AlwaysAllow" && !elements(new).any(|other| other == one)
            }),
            Weaker::Lower => match (tls_version(old), tls_version(new)) {
                (Some(old), Some(new)) => new < old,
                _ => old != new,
            },
            Weaker::Has => old.is_some() && !is_fewer(old, new),
        })
    }

    /// It becomes, or goes, as kpki has it, and what was there was no word of an operator's: that may have
    /// held somebody back. Which way a check went is judged already.
    fn is_kpkis(&self) -> bool {
        let FlagChange { process, flag, old, new, own } = *self;
        let could_be_kpkis = |old: &str| {
            let row = FLAGS.iter().find(|row| row.process == process && row.name == flag);
            row.is_some_and(|row| row.could_be(old))
        };
        new == own && (old.is_none_or(could_be_kpkis) || self.checks().next().is_some())
    }

    fn is_harmless(&self, members: &BTreeSet<String>) -> bool {
        let FlagChange { process, flag, old, new, own } = *self;
        let row = HARMLESS_FLAGS.iter().find(|row| row.is_of(process, flag));
        let is_known = |one: &str| elements(old).chain(elements(own)).any(|known| known == one);
        let all = |is_known: &dyn Fn(&str) -> bool| {
            elements(new).next().is_some() && elements(new).all(is_known)
        };
        row.is_some_and(|row| match row.when {
            HarmlessWhen::Any => true,
            HarmlessWhen::Only(values) => new.is_some_and(|new| values.contains(&new)),
            HarmlessWhen::NotLower => {
                tls_version(new).is_some_and(|new| Some(new) >= tls_version(old))
            }
            HarmlessWhen::Fewer => is_fewer(old, new),
            HarmlessWhen::More => elements(old).all(|one| elements(new).any(|other| other == one)),
            HarmlessWhen::Below(folders) => {
                new.is_some_and(|new| is_below(process, flag, new, folders))
            }
            HarmlessWhen::AddedBelow(folders) => {
                old.is_none() && new.is_some_and(|new| is_below(process, flag, new, folders))
            }
            HarmlessWhen::Known => all(&is_known),
            HarmlessWhen::Members => all(&|one| is_known(one) || members.contains(one)),
        })
    }
}

/// As Go's `strconv.ParseBool` reads it; of several the last one counts.
fn boolean(value: &str) -> &str {
    let last = value.rsplit(", ").next().unwrap_or(value);
    match last {
        "1" | "t" | "T" | "TRUE" | "True" => "true",
        "0" | "f" | "F" | "FALSE" | "False" => "false",
        other => other,
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

/// What is mounted for it, which of a file is the folder that it lies in. A path that climbs is nowhere, and
/// of several nobody knows which counts.
fn is_below(process: Process, flag: &str, path: &str, folders: &[&str]) -> bool {
    let named = named_paths(process, flag, path);
    let [named] = named.as_slice() else {
        return false;
    };
    let mounted = named.folder().map(Path::new);
    mounted.is_some_and(|mounted| folders.iter().any(|folder| mounted.starts_with(folder)))
}

#[cfg(test)]
mod tests;
