//! The interpreter of the rules between flags: which of a command line exclude each other, and which lack
//! their company.

use std::collections::BTreeMap;

use crate::profile::{Counts, EXCLUSIONS, Process, WORD_NEEDS, Weight, companions};

/// Two flags of one process that do not go together, or one that lacks the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The one that is there, without dashes.
    pub flag: String,
    /// The other one of the two.
    pub other: String,
    pub is_other_given: bool,
    pub weight: Weight,
    pub message: String,
    pub help: String,
}

/// Judges the flags of one command line, by name without dashes.
pub fn disagreements(process: Process, flags: &BTreeMap<String, String>) -> Vec<Disagreement> {
    let mut found = Vec::new();
    exclusions(process, flags, &mut found);
    company(process, flags, &mut found);
    words(process, flags, &mut found);
    found
}

/// The flag among `given` with which the process does not start if it has `name`, too.
pub fn excluder<'f>(
    process: Process,
    name: &str,
    given: impl IntoIterator<Item = (&'f str, &'f str)>,
) -> Option<&'f str> {
    let rows = || EXCLUSIONS.iter().filter(|row| row.process == process);
    let excludes = |(flag, value): &(&str, &str)| {
        rows().any(|row| {
            row.weight == Weight::Ends
                && row.flags.hold(flag)
                && row.others.hold(name)
                && counts(row.counts, value)
        })
    };
    given.into_iter().find(excludes).map(|(flag, _)| flag)
}

fn counts(how: Counts, value: &str) -> bool {
    how == Counts::Written || !value.is_empty()
}

/// A boolean that is off asks for nothing.
fn is_on(value: &str) -> bool {
    !matches!(value, "" | "false")
}

fn is_variable(value: &str) -> bool {
    value.contains("$(")
}

fn exclusions(process: Process, flags: &BTreeMap<String, String>, found: &mut Vec<Disagreement>) {
    let name = process.name();
    for row in EXCLUSIONS.iter().filter(|row| row.process == process) {
        let counted = || flags.iter().filter(|(_, value)| counts(row.counts, value));
        let one = counted().find(|(flag, _)| row.flags.hold(flag));
        let others: Vec<_> = counted().filter(|(flag, _)| row.others.hold(flag)).collect();
        let (Some((flag, _)), Some((other, _))) = (one, others.first()) else {
            continue;
        };
        let (message, help) = match row.weight {
            Weight::Ends => (
                format!("{name} does not start with --{flag} and --{other} at once"),
                "keep one of the two, and delete the other".to_owned(),
            ),
            Weight::MayFail => (
                format!(
                    "{name} does not start with --{flag} and --{other} at once if the file of \
                     the first one speaks of the same"
                ),
                format!("take --{other} into that file"),
            ),
        };
        found.push(Disagreement {
            flag: flag.clone(),
            other: (*other).clone(),
            is_other_given: true,
            weight: row.weight,
            message,
            help,
        });
    }
}

fn company(process: Process, flags: &BTreeMap<String, String>, found: &mut Vec<Disagreement>) {
    let is_there = |name: &str| flags.get(name).is_some_and(|value| is_on(value));
    for row in companions().filter(|row| row.process == process) {
        if !is_there(row.flag) {
            continue;
        }
        let missing = row.needs.iter().filter(|name| !is_there(name));
        // One that another flag excludes is not missing: that is told, or meant so.
        let given = || flags.iter().map(|(flag, value)| (flag.as_str(), value.as_str()));
        let mut missing = missing.filter(|name| excluder(process, name, given()).is_none());
        if let Some(other) = missing.next() {
            found.push(Disagreement {
                flag: row.flag.to_owned(),
                other: (*other).to_owned(),
                is_other_given: false,
                weight: row.weight,
                message: format!(
                    "{} has --{} without --{other}: {}",
                    process.name(),
                    row.flag,
                    row.why
                ),
                help: format!("give --{other} as well"),
            });
        }
    }
}

fn words(process: Process, flags: &BTreeMap<String, String>, found: &mut Vec<Disagreement>) {
    let name = process.name();
    for row in WORD_NEEDS.iter().filter(|row| row.process == process) {
        let (list, word, flag) = (row.list, row.word, row.flag);
        let value = flags.get(list).map(String::as_str);
        let given = flags.iter().map(|(flag, value)| (flag.as_str(), value.as_str()));
        if value.is_some_and(is_variable) || excluder(process, list, given).is_some() {
            continue;
        }
        let has_word = value.is_some_and(|value| value.split(',').any(|other| other == word));
        let has_flag = flags.get(flag).is_some_and(|value| is_on(value));
        let (one, other, message, help) = match (has_word, has_flag) {
            (true, false) => (
                list,
                flag,
                format!("{name} has {word} in --{list} without --{flag}: it does not start"),
                format!("give --{flag} as well, or take {word} out of --{list}"),
            ),
            (false, true) => (
                flag,
                list,
                format!("{name} has --{flag} without {word} in --{list}: it does not start"),
                format!("write {word} into --{list}, or leave --{flag} out"),
            ),
            _ => continue,
        };
        found.push(Disagreement {
            flag: one.to_owned(),
            other: other.to_owned(),
            is_other_given: value.is_some() && one == flag,
            weight: Weight::Ends,
            message,
            help,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(process: Process, flags: &[(&str, &str)]) -> Vec<(String, String, Weight)> {
        let flags =
            flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = disagreements(process, &flags);
        found.into_iter().map(|one| (one.flag, one.other, one.weight)).collect()
    }

    /// Expected by hand from the processes' own checks; `None`: they start.
    #[test]
    fn flags_are_judged_as_their_process_does() {
        use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD};
        use Weight::{Ends, MayFail};
        type Case<'a> = (Process, &'a [(&'a str, &'a str)], Option<(&'a str, &'a str, Weight)>);
        let cases: &[Case<'_>] = &[
            (
                API,
                &[("authorization-config", "/a"), ("authorization-mode", "")],
                Some(("authorization-config", "authorization-mode", Ends)),
            ),
            (
                API,
                &[
                    ("authorization-config", "/a"),
                    ("authorization-webhook-cache-authorized-ttl", "5m"),
                ],
                Some(("authorization-config", "authorization-webhook-cache-authorized-ttl", Ends)),
            ),
            (
                API,
                &[("authentication-config", "/a"), ("oidc-username-prefix", "-")],
                Some(("authentication-config", "oidc-username-prefix", Ends)),
            ),
            (
                API,
                &[("anonymous-auth", "false"), ("authentication-config", "/a")],
                Some(("authentication-config", "anonymous-auth", MayFail)),
            ),
            (
                API,
                &[("service-account-key-file", "/a"), ("service-account-signing-endpoint", "/b")],
                Some(("service-account-signing-endpoint", "service-account-key-file", Ends)),
            ),
            (
                API,
                &[("service-account-key-file", "/a"), ("service-account-signing-key-file", "/b")],
                Some(("service-account-signing-key-file", "service-account-issuer", Ends)),
            ),
            (
                API,
                &[("authorization-mode", "Node,ABAC")],
                Some(("authorization-mode", "authorization-policy-file", Ends)),
            ),
            (
                API,
                &[("authorization-mode", "RBAC"), ("authorization-webhook-config-file", "/a")],
                Some(("authorization-webhook-config-file", "authorization-mode", Ends)),
            ),
            (API, &[("authorization-mode", "$(MODES)"), ("authorization-policy-file", "/a")], None),
            (API, &[("encryption-provider-config-automatic-reload", "false")], None),
            (
                API,
                &[("encryption-provider-config-automatic-reload", "true")],
                Some((
                    "encryption-provider-config-automatic-reload",
                    "encryption-provider-config",
                    Ends,
                )),
            ),
            (
                CM,
                &[
                    ("cluster-signing-cert-file", "/a"),
                    ("cluster-signing-key-file", "/b"),
                    ("cluster-signing-legacy-unknown-cert-file", "/c"),
                    ("cluster-signing-legacy-unknown-key-file", "/d"),
                ],
                Some((
                    "cluster-signing-legacy-unknown-cert-file",
                    "cluster-signing-cert-file",
                    Ends,
                )),
            ),
            // An empty path is none to the controller-manager.
            (
                CM,
                &[
                    ("cluster-signing-cert-file", ""),
                    ("cluster-signing-key-file", ""),
                    ("cluster-signing-kubelet-client-cert-file", "/c"),
                    ("cluster-signing-kubelet-client-key-file", "/d"),
                ],
                None,
            ),
            (
                ETCD,
                &[("discovery", "https://d/1"), ("initial-cluster", "a=https://b:2380")],
                Some(("discovery", "initial-cluster", Ends)),
            ),
            (
                ETCD,
                &[("peer-client-cert-file", "/a")],
                Some(("peer-client-cert-file", "peer-client-key-file", Ends)),
            ),
            (ETCD, &[("cert-file", "/a"), ("key-file", "/b")], None),
        ];
        for (process, flags, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(one, other, weight)| ((*one).to_owned(), (*other).to_owned(), *weight))
                .collect();
            assert_eq!(judged(*process, flags), expected, "{flags:?}");
        }
    }
}
