//! The lists of what is harmless: as the README tells them, and row by row.

use std::collections::BTreeSet;

use super::*;
use crate::manifest::named_paths;
use crate::profile::{FieldOf, FieldWhen, HARMLESS_FIELDS};

const README: &str = include_str!("../../../README.md");

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
fn the_readme_has_the_whole_list_of_flags() {
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
            HarmlessWhen::Known => {
                "elements that were there, or are of described nodes as kpki writes them".to_owned()
            }
        };
        (format!("{whose}: "), format!("--{}", row.name), when)
    });
    let table = table(rows);
    assert!(README.contains(&table), "{table}");
}

#[test]
fn the_readme_has_the_whole_list_of_fields() {
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
    assert!(README.contains(&table), "{table}");
}

/// kpki mounts the folder of such a flag.
#[test]
fn no_harmless_flag_names_a_file_outside_of_its_folders() {
    for row in HARMLESS_FLAGS {
        let name = row.name.replace('*', "x");
        let leads = |process: &Process| !named_paths(*process, &name, "/etc/cron.d/x").is_empty();
        let leads = Process::ALL.iter().any(leads);
        let is_bound = matches!(row.when, HarmlessWhen::Below(_) | HarmlessWhen::Only(_));
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
        ("audit-log-path", None, Some("/var/log"), false),
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
