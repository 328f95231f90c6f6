//! URLs of flags against the certificates that answer there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::found::{About, Contradiction, Severity, is_variable};
use crate::name::San;
use crate::profile::{Answers, Process, URL_FLAGS, UrlRole};

/// What somebody finds at the end of a flag's URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Host::Ip(address) => address.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

impl Host {
    /// As Go's `VerifyHostname`: a wildcard stands for one label.
    pub fn is_in(&self, sans: &BTreeSet<San>) -> bool {
        let name = match self {
            Host::Ip(address) => return sans.contains(&San::Ip(*address)),
            Host::Name(name) => name.as_str(),
        };
        let above = name.split_once('.').map(|(_, above)| above);
        sans.iter().any(|san| match san {
            San::Dns(san) => {
                let san = san.to_ascii_lowercase();
                san == name || san.strip_prefix("*.").is_some_and(|rest| Some(rest) == above)
            }
            San::Ip(_) => false,
        })
    }
}

enum Target {
    Tls(Host),
    Plain,
    /// A socket of the machine.
    Local,
    Damaged,
}

fn target(url: &str) -> Target {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Target::Damaged;
    };
    match scheme.to_ascii_lowercase().as_str() {
        "https" => {}
        "http" => return Target::Plain,
        "unix" | "unixs" => return Target::Local,
        _ => return Target::Damaged,
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match (authority.strip_prefix('['), authority.rsplit_once(':')) {
        (Some(rest), _) => rest.split(']').next().unwrap_or_default(),
        // An IPv6 address without brackets.
        (None, Some((host, _))) if host.contains(':') => return Target::Damaged,
        (None, Some((host, _))) => host,
        (None, None) => authority,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.parse() {
        Ok(address) => Target::Tls(Host::Ip(address)),
        Err(_) if host.is_empty() || host.contains([':', ' ', '@']) => Target::Damaged,
        Err(_) => Target::Tls(Host::Name(host.to_ascii_lowercase())),
    }
}

/// The hosts that URLs over TLS in a flag's list name.
pub fn hosts(list: &str) -> impl Iterator<Item = Host> {
    list.split(',').filter_map(|url| match target(url.trim()) {
        Target::Tls(host) => Some(host),
        Target::Plain | Target::Local | Target::Damaged => None,
    })
}

/// The names of the certificate that answers at a host of a flag's URL, and words for it, as "which the
/// certificate of cp1 lacks"; `None`: not known, so not judged.
pub type Known<'a> = dyn Fn(Answers, &Host) -> Option<(BTreeSet<San>, String)> + 'a;

pub(super) fn urls(
    process: Process,
    flags: &BTreeMap<String, String>,
    known: &Known<'_>,
) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for row in URL_FLAGS.iter().filter(|row| row.process == process) {
        let Some(value) = flags.get(row.flag).filter(|value| !is_variable(value)) else {
            continue;
        };
        let flag = row.flag;
        let mut add = |severity, about, message: String, help: String| {
            let flag = flag.to_owned();
            found.push(Contradiction { flag, other: None, severity, about, message, help });
        };
        // etcd reads a member's list at its first start alone.
        let severity = match row.role {
            UrlRole::Dialled => Severity::Refused,
            UrlRole::OfMembers | UrlRole::Listens => Severity::Remark,
        };
        let own = flags.get("name").map_or("default", String::as_str);
        let is_own = |part: &str| part.trim().split_once('=').is_some_and(|(name, _)| name == own);
        if row.role == UrlRole::OfMembers && !is_variable(own) && !value.split(',').any(is_own) {
            let message = format!(
                "--{flag} has no member {own}, the --name of this one: it cannot be a new one"
            );
            add(severity, About::Url, message, String::new());
        }
        for part in value.split(',') {
            let part = part.trim();
            let url = match row.role {
                UrlRole::OfMembers => match part.split_once('=') {
                    Some((name, url)) if name == own && !is_variable(own) => url,
                    _ => continue,
                },
                _ => part,
            };
            match target(url) {
                Target::Local => {}
                Target::Plain => {
                    let message = format!("--{flag}: {url} is not encrypted");
                    add(Severity::Remark, About::Plain, message, String::new());
                }
                Target::Damaged => {
                    let message = format!("--{flag} has {url:?}, which is no URL of a server");
                    add(severity, About::Url, message, "write https://ADDRESS:PORT".to_owned());
                }
                // Every address of the machine.
                Target::Tls(Host::Ip(address)) if address.is_unspecified() => {}
                Target::Tls(host) => {
                    let Some((sans, who)) = known(row.answers, &host) else { continue };
                    if !host.is_in(&sans) {
                        let help = format!(
                            "correct the flag or the node's `address`, or add component \"etcd\" {{ san \"{host}\" }}"
                        );
                        let message = format!("--{flag} names {host}, {who}");
                        add(severity, About::Url, message, help);
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_go_reads_them() {
        for (url, host) in [
            ("https://10.0.0.1:2379", Some("10.0.0.1")),
            ("HTTPS://Etcd1.Lab:2379/path", Some("etcd1.lab")),
            ("https://[fd00::1]:2379", Some("fd00::1")),
            ("https://etcd_1.lab.:2379", Some("etcd_1.lab")),
            ("https://localhost", Some("localhost")),
            ("https://:2379", None),
            ("https://", None),
            ("https://fd00::1:2379", None),
            ("ftp://10.0.0.1", None),
            ("10.0.0.1:2379", None),
            ("", None),
        ] {
            let found = match target(url) {
                Target::Tls(host) => Some(host.to_string()),
                Target::Damaged => None,
                _ => panic!("{url}"),
            };
            assert_eq!(found.as_deref(), host, "{url}");
        }
        assert!(matches!(target("http://10.0.0.1:2379"), Target::Plain));
        assert!(matches!(target("unix://localhost:2379"), Target::Local));
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let sans = BTreeSet::from([San::Dns("*.Lab.internal".into())]);
        for (host, expected) in [
            ("a.lab.internal", true),
            ("a.b.lab.internal", false),
            ("lab.internal", false),
            ("*.lab.internal", true),
        ] {
            assert_eq!(Host::Name(host.to_owned()).is_in(&sans), expected, "{host}");
        }
    }

    type Case<'a> = (Process, &'a [(&'a str, &'a str)], &'a [Severity]);

    /// By hand, from what etcd and its clients do with each flag.
    #[test]
    fn whoever_is_dialled_must_have_the_name() {
        use Process::{Apiserver as API, Etcd as ETCD};
        let sans = |_: Answers, host: &Host| {
            let sans = BTreeSet::from([San::Ip([10, 0, 0, 1].into()), San::Dns("a.lab".into())]);
            let is_ours = host != &Host::Name("elsewhere".to_owned());
            is_ours.then(|| (sans, "which it lacks".to_owned()))
        };
        let cases: &[Case<'_>] = &[
            (API, &[("etcd-servers", "https://10.0.0.1:2379,https://a.lab:2379")], &[]),
            (API, &[("etcd-servers", "https://10.0.0.2:2379")], &[Severity::Refused]),
            (API, &[("etcd-servers", "https://elsewhere:2379")], &[]),
            (API, &[("etcd-servers", "$(SERVERS)")], &[]),
            (API, &[("etcd-servers", "http://10.0.0.1:2379")], &[Severity::Remark]),
            (API, &[("etcd-servers", "10.0.0.1")], &[Severity::Refused]),
            (ETCD, &[("advertise-client-urls", "https://127.0.0.1:2379")], &[Severity::Refused]),
            (ETCD, &[("listen-client-urls", "https://0.0.0.0:2379")], &[]),
            (ETCD, &[("listen-client-urls", "https://127.0.0.1:2379")], &[Severity::Remark]),
            (ETCD, &[("listen-peer-urls", "http://10.0.0.1:2380")], &[Severity::Remark]),
            (ETCD, &[("initial-advertise-peer-urls", "https://b:2380")], &[Severity::Refused]),
            (
                ETCD,
                &[("initial-cluster", "m=https://b:2380,n=https://c:2380"), ("name", "n")],
                &[Severity::Remark],
            ),
            (ETCD, &[("initial-cluster", "m=https://b:2380"), ("name", "n")], &[Severity::Remark]),
            (ETCD, &[("initial-cluster", "m=https://b:2380"), ("name", "$(NAME)")], &[]),
            (ETCD, &[("listen-metrics-urls", "http://127.0.0.1:2381")], &[]),
        ];
        for (process, flags, expected) in cases {
            let given = flags.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let found = urls(*process, &given, &sans);
            let found: Vec<Severity> = found.into_iter().map(|one| one.severity).collect();
            assert_eq!(found, *expected, "{flags:?}");
        }
    }
}
