//! Variables stand for settings, and never for consent.

use std::collections::BTreeSet;

use crate::testkit::{FolderProject, ended, refused, said};

/// Flags that an environment variable must not stand for, and why.
const NEVER: [(&str, &[&str]); 4] = [
    ("consent", &["allow", "prune", "write", "rekey", "renew", "rejoin", "all", "back"]),
    (
        "whom a secret is sealed for, and where it goes",
        &["recipient", "recipients-file", "output", "out", "root"],
    ),
    (
        "what one run is asked",
        &[
            "base",
            "before",
            "certificate",
            "check",
            "dry-run",
            "format",
            "gone",
            "history",
            "kubeadm-config",
            "lab",
            "live",
            "marker-size",
            "no-plaintext",
            "now",
            "timeout",
        ],
    ),
    ("clap's own", &["help", "version"]),
];

const SETTINGS: [&str; 7] =
    ["color", "detailed-exitcode", "directory", "full", "identity", "policy", "quiet"];

fn flags(command: &clap::Command, found: &mut Vec<(String, Option<String>)>) {
    for arg in command.get_arguments() {
        let variable = arg.get_env().map(|name| name.to_str().unwrap().to_owned());
        found.extend(arg.get_long().map(|flag| (flag.to_owned(), variable)));
    }
    for command in command.get_subcommands() {
        flags(command, found);
    }
}

#[test]
fn every_flag_is_a_setting_or_says_why_not() {
    let mut all = Vec::new();
    flags(&kpki::cli::command(), &mut all);
    let never: BTreeSet<&str> = NEVER.iter().flat_map(|(_, flags)| *flags).copied().collect();
    for (flag, variable) in &all {
        let flag = flag.as_str();
        match variable {
            Some(name) => {
                assert!(SETTINGS.contains(&flag) && !never.contains(flag), "{flag}");
                assert_eq!(*name, format!("KPKI_{}", flag.to_uppercase().replace('-', "_")));
            }
            None => assert!(never.contains(flag), "{flag}: a setting, or why not?"),
        }
    }
    // None of both lists is gone.
    let known: BTreeSet<&str> = all.iter().map(|(flag, _)| flag.as_str()).collect();
    for flag in never.iter().chain(&SETTINGS).filter(|flag| !["help", "version"].contains(flag)) {
        assert!(known.contains(flag), "{flag}");
    }
}

const ESCALATING: &str = r#"
cluster "lab"
node "cp1" role="control-plane" address="10.0.0.11"
user "root" { group "ops"; validity "1d" }
"#;

#[test]
fn no_variable_consents() {
    let lab = FolderProject::described(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n",
    )
    .applied();
    lab.describe(ESCALATING);
    let mut apply = lab.command(&["apply"]);
    for (_, flags) in NEVER {
        for flag in flags {
            for value in ["1", "true", "escalation:root", "*"] {
                apply.env(format!("KPKI_{}", flag.to_uppercase().replace('-', "_")), value);
            }
        }
    }
    apply.env("KPKI_ALLOW", "escalation:root");
    let err = refused(&apply.output().unwrap(), 3);
    assert!(err.contains("--allow escalation:root"), "{err}");
    // Prune neither.
    lab.describe("cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n");
    let before = lab.files("");
    lab.write("out/users/old/old.crt", lab.read("ca/etcd.crt"));
    ended(&lab.command(&["apply"]).env("KPKI_PRUNE", "1").output().unwrap(), 0);
    assert_eq!(lab.files("").len(), before.len() + 1);
}

#[test]
fn settings_hold_in_every_command() {
    let lab = FolderProject::described(ESCALATING);
    let elsewhere = FolderProject::empty();
    let mut plan = elsewhere.command(&["plan"]);
    assert!(
        ended(&plan.env("KPKI_DIRECTORY", lab.folder()).output().unwrap(), 0).contains("ca/etcd")
    );
    // What is typed goes before what is set.
    let output =
        elsewhere.command(&["-C", "nowhere", "plan"]).env("KPKI_DIRECTORY", lab.folder()).output();
    assert!(refused(&output.unwrap(), 1).contains("nowhere/cluster.kdl"));
    lab.write("policy.kdl", "policy { forbid-group \"ops\" }\n");
    let output = lab.command(&["plan"]).env("KPKI_POLICY", "policy.kdl").output().unwrap();
    assert!(ended(&output, 1).contains("in the forbidden group ops"));
    // A policy that is set and empty is a mistake, not none.
    let output = lab.command(&["plan"]).env("KPKI_POLICY", "").output().unwrap();
    assert!(refused(&output, 64).contains("--policy"));
    for (value, code) in [("1", 3), ("yes", 3), ("0", 0), ("false", 0), ("", 0)] {
        let output = lab.command(&["plan"]).env("KPKI_DETAILED_EXITCODE", value).output().unwrap();
        // Without a lock nothing is gained, so there is only something to do.
        let expected = if code == 0 { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(expected), "{value}\n{}", said(&output));
    }
    let output = lab.command(&["plan"]).env("KPKI_COLOR", "mauve").output().unwrap();
    assert!(refused(&output, 64).contains("mauve"));
    // Help names them, and no value: it is the same page for everybody.
    let output = lab.command(&["plan", "--help"]).env("KPKI_POLICY", "mine.kdl").output().unwrap();
    let text = ended(&output, 0);
    assert!(text.contains("KPKI_POLICY") && !text.contains("mine.kdl"), "{text}");
}
