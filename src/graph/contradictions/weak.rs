//! Flags that let in whom nobody meant.

use std::collections::BTreeMap;

use super::found::{About, Contradiction, Severity, is_variable};
use crate::profile::{Process, WEAK_FLAGS, WeakFlag, WeakWhen};

/// By name without dashes. A value from a variable is told where it decides over access.
pub(super) fn weak(process: Process, flags: &BTreeMap<String, String>) -> Vec<Contradiction> {
    let mut found: Vec<Contradiction> = Vec::new();
    for row in WEAK_FLAGS.iter().filter(|row| row.process == process) {
        let value = flags.get(row.flag).map(String::as_str);
        let message = match value.filter(|value| is_variable(value)) {
            Some(_) => {
                format!("--{} takes its value from a variable, which is not judged", row.flag)
            }
            None => {
                match words(row, value, |flag| flags.get(flag).is_some_and(|v| !v.is_empty())) {
                    Some(message) => message,
                    None => continue,
                }
            }
        };
        let about = if value.is_some_and(is_variable) { About::Variable } else { About::Access };
        let one = Contradiction {
            flag: row.flag.to_owned(),
            other: None,
            severity: Severity::Remark,
            about,
            message,
            help: String::new(),
        };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

fn words(row: &WeakFlag, value: Option<&str>, is_given: impl Fn(&str) -> bool) -> Option<String> {
    let flag = row.flag;
    // Go's strconv.ParseBool
    let is_on = |value: &str| matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True");
    let start = match (row.weak, value) {
        (WeakWhen::Absent, None) => format!("without --{flag}"),
        (WeakWhen::Off, value) if !value.is_some_and(is_on) => format!("without --{flag}=true"),
        (WeakWhen::On, Some(value)) if is_on(value) => format!("--{flag}={value}"),
        (WeakWhen::Has(word), Some(value)) if value.split(',').any(|other| other == word) => {
            format!("--{flag}={value}")
        }
        (WeakWhen::Not(harmless), Some(value)) if value != harmless => format!("--{flag}={value}"),
        _ => return None,
    };
    let says = match row.but {
        Some((other, instead)) if is_given(other) => instead?,
        _ => row.says,
    };
    Some(format!("{start} {says}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(process: Process, flags: &[(&str, &str)]) -> Vec<String> {
        let flags = flags.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        weak(process, &flags).into_iter().map(|one| one.message).collect()
    }

    type Case<'a> = (Process, Vec<(&'a str, &'a str)>, &'a [&'a str]);

    #[test]
    fn only_what_lets_somebody_in_is_told() {
        use Process::{Apiserver as API, Etcd as ETCD, Scheduler};
        let etcd = [("client-cert-auth", "true"), ("peer-client-cert-auth", "1")];
        let both = |more: &[(&'static str, &'static str)]| [&etcd[..], more].concat();
        let cases: [Case<'_>; 14] = [
            (API, vec![("authorization-mode", "Node,RBAC")], &[]),
            (API, vec![("authorization-config", "/a")], &[]),
            (API, vec![], &["without --authorization-mode everybody"]),
            (API, vec![("authorization-mode", "AlwaysAllow")], &["=AlwaysAllow allows everybody"]),
            (API, vec![("authorization-mode", "RBAC,AlwaysAllow")], &["allows everybody"]),
            (API, vec![("authorization-mode", "$(MODES)")], &["from a variable"]),
            (API, vec![("authorization-mode", "RBAC"), ("anonymous-auth", "true")], &[]),
            (
                API,
                vec![("authorization-mode", "RBAC"), ("insecure-port", "8080")],
                &["=8080 answers"],
            ),
            (API, vec![("authorization-mode", "RBAC"), ("insecure-port", "0")], &[]),
            (Scheduler, vec![], &[]),
            (ETCD, both(&[]), &[]),
            (ETCD, both(&[("auto-tls", "true")]), &["no client can check"]),
            (ETCD, both(&[("auto-tls", "true"), ("cert-file", "/a")]), &[]),
            (
                ETCD,
                vec![("client-cert-auth", "false"), ("trusted-ca-file", "/a")],
                &["only because it has a file", "can join"],
            ),
        ];
        for (process, flags, expected) in cases {
            let found = judged(process, &flags);
            assert_eq!(found.len(), expected.len(), "{flags:?}: {found:?}");
            for (found, word) in found.iter().zip(expected) {
                assert!(found.contains(word), "{flags:?}: {found}");
            }
        }
        let found = judged(ETCD, &[("peer-client-cert-auth", "true")]);
        assert!(found[0].contains("can read and change"), "{found:?}");
    }
}
