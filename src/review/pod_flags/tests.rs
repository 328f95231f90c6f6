//! The lists of what is harmless: as docs/review/static-pods.md tells them, and row by row.

use std::collections::BTreeSet;

use super::*;
use crate::manifest::named_paths;
use crate::profile::{DEFAULT_FIELDS, FieldOf, FieldWhen, HARMLESS_FIELDS, TAKEN_AWAY};

const PAGE: &str = include_str!("../../../docs/review/static-pods.md");

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Rows with one kind of answer are one line of the table, in their first one's place.
fn table(rows: impl Iterator<Item = (String, String, String)>) -> String {
    let mut lines: Vec<(String, Vec<String>, String)> = Vec::new();
    for (whose, name, when) in rows {
        match lines.iter_mut().find(|line| line.0 == whose && line.2 == when) {
            Some(line) => line.1.push(name),
            None => lines.push((whose, vec![name], when)),
        }
    }
    let line = |(whose, names, when): &(String, Vec<String>, String)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("| {whose}{} | {when} |\n", quoted(&names))
    };
    lines.iter().map(line).collect()
}

#[test]
fn the_page_has_the_whole_list_of_flags() {
    let rows = HARMLESS_FLAGS.iter().map(|row| {
        let names = row.processes.iter().map(|process| process.component().as_str());
        let whose = names.collect::<Vec<_>>().join(", ");
        let when = match row.when {
            HarmlessWhen::Any => "any".to_owned(),
            HarmlessWhen::Only(values) => quoted(values),
            HarmlessWhen::NotLower => "not a lower version".to_owned(),
            HarmlessWhen::Fewer => {
                "no suite that was not there; where none was named, forward secret ones with AEAD"
                    .to_owned()
            }
            HarmlessWhen::More => "none of the old ones less".to_owned(),
            HarmlessWhen::Below(folders) => format!("in {} or below", quoted(folders)),
            HarmlessWhen::AddedBelow(folders) => {
                format!("in {} or below, where there was none", quoted(folders))
            }
            HarmlessWhen::Known => "elements that were there, or that kpki writes there".to_owned(),
            HarmlessWhen::Members => {
                "elements that were there, that kpki writes there, or etcd's URL of a described member".to_owned()
            }
        };
        (format!("{whose}: "), format!("--{}", row.name), when)
    });
    let table = table(rows);
    assert!(PAGE.contains(&table), "{table}");
}

#[test]
fn the_page_has_the_whole_list_of_fields() {
    let rows = HARMLESS_FIELDS.iter().map(|row| {
        let (whose, name) = match row.of {
            FieldOf::Pod => ("", row.path.to_owned()),
            FieldOf::Annotation => ("annotations ", format!("{}*", row.path)),
            FieldOf::Container => ("containers: ", row.path.to_owned()),
            FieldOf::Probe => ("probes: ", row.path.to_owned()),
        };
        let when = match row.when {
            FieldWhen::Any => "any".to_owned(),
            FieldWhen::Only(values) => quoted(values),
            FieldWhen::ListeningPort | FieldWhen::ListeningHost => {
                "where the process listens, as its flags say".to_owned()
            }
        };
        (whose.to_owned(), name, when)
    });
    let table = table(rows);
    assert!(PAGE.contains(&table), "{table}");
}

/// kpki mounts the folder of such a flag.
#[test]
fn no_harmless_flag_names_a_file_outside_of_its_folders() {
    for row in HARMLESS_FLAGS {
        let name = row.name.replace('*', "x");
        let leads = |process: &Process| !named_paths(*process, &name, "/etc/cron.d/x").is_empty();
        let leads = Process::ALL.iter().any(leads);
        let is_bound = matches!(
            row.when,
            HarmlessWhen::Below(_) | HarmlessWhen::AddedBelow(_) | HarmlessWhen::Only(_)
        );
        assert!(is_bound || !leads, "{name}");
    }
}

#[test]
fn every_check_is_a_flag_that_can_get_weaker() {
    for row in CHECKS {
        for process in row.processes {
            let (old, new) = match row.weaker {
                Weaker::Gone => ("x", None),
                Weaker::IsNot(value) => (value, Some("x")),
                Weaker::Lacks => ("a,b", Some("a")),
                Weaker::Lower => ("VersionTLS13", Some("VersionTLS12")),
                Weaker::Has => ("a", Some("a,b")),
            };
            let change =
                FlagChange { process: *process, flag: row.flag, old: Some(old), new, own: new };
            assert!(change.stops(&BTreeSet::new()), "{}", row.flag);
            let same = FlagChange { new: Some(old), own: Some(old), ..change };
            assert!(!same.stops(&BTreeSet::new()), "{}", row.flag);
        }
    }
}

#[test]
fn directions() {
    let api = Process::Apiserver;
    for (flag, old, new, stops) in [
        ("tls-min-version", None, Some("VersionTLS12"), false),
        ("tls-min-version", None, Some("VersionTLS11"), true),
        ("tls-min-version", None, Some("newest"), true),
        ("tls-min-version", Some("VersionTLS13"), Some("VersionTLS12"), true),
        ("tls-cipher-suites", None, Some("TLS_AES_128_GCM_SHA256"), false),
        ("tls-cipher-suites", None, Some(""), true),
        ("tls-cipher-suites", Some("A,B"), Some("B"), false),
        ("tls-cipher-suites", Some("A,B"), Some("A,C"), true),
        ("enable-admission-plugins", Some("A"), Some("B,A"), false),
        ("enable-admission-plugins", Some("A"), Some("B"), true),
        ("enable-admission-plugins", Some("A"), None, true),
        ("audit-log-path", None, Some("/var/log/a"), false),
        ("audit-log-path", None, Some("/var/log/a/b"), false),
        ("audit-log-path", None, Some("/var/log"), true),
        ("audit-log-path", None, Some("/var/log/"), true),
        ("audit-log-path", None, Some("/var/log/."), true),
        ("audit-log-path", None, Some("/var"), true),
        ("audit-log-path", Some("/var/log/a"), None, true),
        ("audit-policy-file", None, Some("/etc/kubernetes/audit.yaml"), false),
        ("audit-policy-file", None, Some("/etc/kubernetes"), true),
        ("audit-policy-file", None, Some("/root/.ssh/id"), true),
        ("audit-policy-file", Some("/etc/kubernetes/a"), Some("/etc/kubernetes/b"), true),
        ("audit-policy-file", Some("/etc/kubernetes/a"), None, true),
        ("encryption-provider-config", None, Some("/etc/kubernetes/enc/a.yaml"), false),
        ("service-account-extend-token-expiration", None, Some("false"), false),
        ("service-account-extend-token-expiration", Some("false"), None, true),
        ("profiling", Some("false"), Some("false, false"), false),
        ("profiling", Some("false"), Some("false, true"), true),
        ("profiling", Some("false"), Some("0"), false),
        ("profiling", Some("0"), None, true),
        ("anonymous-auth", Some("true, F"), Some("true"), true),
        ("tls-min-version", Some("VersionTLS13, VersionTLS13"), None, true),
        ("audit-log-path", None, Some("/var/logs/a"), true),
        ("audit-log-path", None, Some("/var/log/../a"), true),
        ("audit-log-path", None, Some("var/log/a"), true),
        ("audit-log-path", None, Some("/var/log/a, /etc/a"), true),
        ("etcd-servers", Some("https://a"), Some("https://b,https://a"), false),
        ("etcd-servers", Some("https://a"), Some("https://c"), true),
        ("etcd-servers", Some("https://a"), Some(""), true),
        ("v", Some("2"), None, false),
        ("profiling", None, Some("false"), false),
        ("profiling", None, Some("true"), true),
        ("feature-gates", None, Some("A=true"), true),
    ] {
        let own = Some("kpki's");
        let known = BTreeSet::from(["https://b".to_owned()]);
        let change = FlagChange { process: api, flag, old, new, own };
        assert_eq!(change.stops(&known), stops, "{flag} {old:?} {new:?}");
    }
}

/// kpki's own value is an excuse only for what kpki can have set before.
#[test]
fn an_operators_word_is_not_kpkis_to_drop() {
    use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD};
    for (process, flag, old, new, stops) in [
        (API, "allow-privileged", Some("false"), Some("true"), true),
        (API, "allow-privileged", None, Some("true"), false),
        (API, "kubelet-preferred-address-types", Some("Hostname"), Some("InternalIP"), true),
        (CM, "controllers", Some("*,-csrapproving"), Some("*,bootstrapsigner,tokencleaner"), true),
        (CM, "cluster-signing-duration", Some("1h"), None, true),
        (CM, "kube-api-qps", Some("50"), None, false),
        (CM, "leader-elect", Some("false"), Some("true"), false),
        (API, "oidc-groups-prefix", Some("oidc:"), None, true),
        (API, "feature-gates", Some("A=true"), None, true),
        (API, "service-account-issuer", Some("https://kubernetes.default.svc.a"), Some("x"), false),
        (API, "service-account-issuer", Some("https://issuer.lab"), Some("x"), true),
        (API, "service-cluster-ip-range", Some("10.96.0.0/12"), Some("10.1.0.0/16"), false),
        (API, "authorization-mode", Some("AlwaysAllow"), Some("Node,RBAC"), false),
        // What kpki does not set for this version, but for another one.
        (ETCD, "experimental-watch-progress-notify-interval", Some("5s"), None, false),
        (ETCD, "experimental-initial-corrupt-check", Some("true"), None, false),
        (ETCD, "feature-gates", Some("InitialCorruptCheck=true"), None, false),
        (ETCD, "feature-gates", Some("InitialCorruptCheck=true,B=true"), None, true),
        (ETCD, "tls-min-version", Some("TLS1.3"), None, true),
        (ETCD, "cipher-suites", Some("A"), None, true),
    ] {
        let change = FlagChange { process, flag, old, new, own: new };
        assert_eq!(change.stops(&BTreeSet::new()), stops, "{flag} {old:?} {new:?}");
    }
}

/// One listener's address is not another's: each asks its clients for something else.
#[test]
fn listeners_of_etcd_are_not_mixed() {
    let members = BTreeSet::from(["https://10.0.0.12:2379".to_owned()]);
    let own = Some("https://127.0.0.1:2379,https://10.0.0.11:2379");
    for (flag, own, new, stops) in [
        ("listen-client-urls", own, "https://127.0.0.1:2379", false),
        ("listen-client-urls", own, "https://10.0.0.12:2379", true),
        ("listen-metrics-urls", Some("http://127.0.0.1:2381"), "https://10.0.0.12:2379", true),
        ("listen-peer-urls", Some("https://10.0.0.11:2380"), "https://10.0.0.12:2379", true),
        ("advertise-client-urls", Some("https://10.0.0.11:2379"), "https://10.0.0.12:2379", true),
    ] {
        let change = FlagChange { process: Process::Etcd, flag, old: own, new: Some(new), own };
        assert_eq!(change.stops(&members), stops, "{flag}={new}");
    }
    let change = FlagChange {
        process: Process::Apiserver,
        flag: "etcd-servers",
        old: None,
        new: Some("https://10.0.0.12:2379"),
        own: None,
    };
    assert!(!change.stops(&members));
}

#[test]
fn defaults_and_what_goes_away_are_one_row_each() {
    let mut seen = BTreeSet::new();
    for row in DEFAULT_FIELDS {
        assert!(seen.insert((row.of == FieldOf::Pod, row.path)), "{}", row.path);
    }
    for path in TAKEN_AWAY {
        assert!(PAGE.contains(&format!("`{path}`")), "{path}");
    }
    let rows = DEFAULT_FIELDS.iter().map(|row| {
        let whose = if row.of == FieldOf::Container { "containers: " } else { "" };
        (whose.to_owned(), row.path.to_owned(), format!("`{}`", row.value))
    });
    let table = table(rows);
    assert!(PAGE.contains(&table), "{table}");
}
