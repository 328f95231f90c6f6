//! What a policy forbids by naming what it allows, and what it forbids by name.

use kpki::review::Violation;

use super::privileges::{changes, with_policy};
use crate::testkit::age::Key;
use crate::testkit::memory_project::MemoryProject;

const CLUSTER: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
user "jane" { bind cluster-role="edit" { namespace "dev" "kube-system"; }; }
user "breakglass" { bind cluster-role="cluster-admin" }
component "apiserver" {
    flag "audit-log-path" "/var/log/kubernetes/audit.log"
    flag "runtime-config" "api/alpha=true"
}
component "scheduler" image="mirror.lab/kube-scheduler:v1.36.2"
"#;

fn lines(violations: &[Violation]) -> Vec<String> {
    let line = |violation: &Violation| {
        let artifacts: Vec<String> = violation.artifacts.iter().map(ToString::to_string).collect();
        let origin = violation.origin.as_ref().map(ToString::to_string).unwrap_or_default();
        let place = origin.replace("cluster.kdl", "");
        format!("{} {} {place} by {}", artifacts.join(" "), violation.what, violation.rule)
    };
    violations.iter().map(line).collect()
}

#[test]
fn a_table_of_kinds() {
    let mut wrong = Vec::new();
    for (rules, expected) in [
        (
            "forbid-role \"cluster-admin\"",
            &[
                "users/breakglass has the forbidden role cluster-admin everywhere :6 by policy.kdl:1",
            ][..],
        ),
        ("forbid-role \"cluster-admin\"; except \"users/breakglass\"", &[]),
        (
            "forbid-role \"*\" namespace=\"kube-*\"",
            &[
                "users/breakglass has the forbidden role cluster-admin everywhere :6 by policy.kdl:1",
                "users/jane has the forbidden role edit in kube-system :5 by policy.kdl:1",
            ],
        ),
        ("forbid-role \"admin\"", &[]),
        (
            "allow-namespace \"de*\"; except \"users/breakglass\"",
            &[
                "users/jane has the role edit in kube-system, which no allow-namespace names :5 by policy.kdl:1",
            ],
        ),
        ("allow-namespace \"dev\" \"kube-system\"; except \"users/*\"", &[]),
        ("allow-flag \"runtime-*\"", &[]),
        ("allow-flag \"runtime-config=api/*\" component=\"apiserver\"", &[]),
        (
            // Where audit logs lie may be anybody's choice.
            "allow-flag \"runtime-*\" component=\"etcd\"",
            &["nodes/cp1/manifests/kube-apiserver nodes/cp2/manifests/kube-apiserver runs with \
                 --runtime-config=api/alpha=true, which no allow-flag names :7 by policy.kdl:1"],
        ),
        ("allow-image \"mirror.lab/*\"", &[]),
        (
            "allow-image \"registry.k8s.io/*\"",
            &["nodes/cp1/manifests/kube-scheduler nodes/cp2/manifests/kube-scheduler runs \
                 mirror.lab/kube-scheduler:v1.36.2, which no allow-image names :11 by policy.kdl:1"],
        ),
        // Nothing is sealed.
        ("allow-recipient \"age1fkzj9rnwurrg4uudls9ztm9fwzvupntwtdu9zx065h26st9x89as35pqga\"", &[]),
        // Kubernetes' own are nobody's choice, whoever keeps them.
        ("forbid-group \"system:*\" \"kubeadm:*\"", &[]),
    ] {
        let project = MemoryProject::applied(CLUSTER);
        let planned = with_policy(&project, &format!("policy {{ {rules} }}"));
        let found = lines(&planned.review.violations);
        if found != expected {
            wrong.push(format!("{rules}: {found:#?} instead of {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// By the key itself: a comment is whatever its owner writes.
#[test]
fn a_recipient_that_the_policy_names_needs_no_consent() {
    let (alice, mallory) = (Key::ssh("ed25519", "alice", ""), Key::ssh("ed25519", "mallory", ""));
    let renamed = |key: &Key| {
        let words: Vec<&str> = key.recipient.split(' ').take(2).collect();
        format!("{} alice", words.join(" "))
    };
    let sealed = |recipient: &str| {
        format!(
            "{CLUSTER}node \"w1\" address=\"10.0.1.1\" {{ recipient {recipient:?} }}\nsecrets {{ recipient {:?} }}\n",
            alice.recipient
        )
    };
    let rule = format!("policy {{ allow-recipient {:?} }}", alice.recipient);
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = sealed(&renamed(&alice));
    let planned = with_policy(&project, &rule);
    assert_eq!(lines(&planned.review.violations), [""; 0]);
    assert!(
        changes(&planned).iter().all(|line| !line.starts_with('x')),
        "{:#?}",
        changes(&planned)
    );
    project.description = sealed(&renamed(&mallory));
    let planned = with_policy(&project, &rule);
    let found = lines(&planned.review.violations);
    assert!(found[0].starts_with("nodes/w1 open to SHA256:"), "{found:#?}");
    assert!(
        found[0].ends_with(", whom no allow-recipient names :12 by policy.kdl:1"),
        "{found:#?}"
    );
    let found = changes(&planned);
    assert!(found.iter().any(|line| line.starts_with("x w1 open to SHA256:")), "{found:#?}");
}

/// What is ordinary for somebody known is for somebody new.
#[test]
fn somebody_new_in_ordinary_groups() {
    for (rules, groups, sign) in [
        ("ordinary-group \"team-*\"", "\"team-a\"", '='),
        ("ordinary-group \"team-*\"", "\"team-a\" \"ops\"", 'x'),
        ("ordinary-san \"*.lab\"", "\"team-a\"", 'x'),
    ] {
        let mut project = MemoryProject::applied(CLUSTER);
        project.description = format!(
            "{}{}",
            project.description,
            format_args!("user \"ann\" {{ group {groups} }}\n")
        );
        let found = changes(&with_policy(&project, &format!("policy {{ {rules} }}")));
        assert!(
            found[0].starts_with(&format!("{sign} ann is new")),
            "{rules} {groups}: {found:#?}"
        );
    }
}
