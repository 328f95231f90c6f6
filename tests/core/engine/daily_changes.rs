//! What operators change every day, and how many consents each takes: a review that stops ordinary work is
//! switched off. Each row is planned for one control-plane node and for three: the number is the same.

use std::collections::BTreeSet;

use kpki::hash::Digest;
use kpki::name::ArtifactName;
use kpki::plan::Intent;
use kpki::review::ReviewedChange;
use kpki::time::Span;

use crate::testkit::memory_project::MemoryProject;

const ONE: &str = r#"
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "w1" address="10.0.0.21"
"#;
const THREE: &str = r#"
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "cp2" role="control-plane" address="10.0.0.12"
node "cp3" role="control-plane" address="10.0.0.13"
node "w1" address="10.0.0.21"
"#;
/// What every row has besides.
const PEOPLE: &str = r#"user "pat" { group "dev"; bind cluster-role="edit" namespace="shop"; bind role="pager" namespace="ops" }
"#;

/// What the description says before and after, and how many principals must be consented to.
struct Row(&'static str, &'static str, &'static str, usize);

const ROWS: &[Row] = &[
    Row("more is logged", "", r#"component "apiserver" { flag "v" 4 }"#, 0),
    Row(
        "less is logged",
        r#"component "etcd" { flag "log-level" "info" }"#,
        r#"component "etcd" { flag "log-level" "warn" }"#,
        0,
    ),
    Row("logs as JSON", "", r#"component "apiserver" { flag "logging-format" "json" }"#, 0),
    Row(
        "no profiles of the API server",
        "",
        r#"component "apiserver" { flag "profiling" #false }"#,
        0,
    ),
    Row(
        "no profiles of the scheduler",
        "",
        r#"component "scheduler" { flag "profiling" #false }"#,
        0,
    ),
    Row(
        "more requests in flight",
        "",
        r#"component "apiserver" { flag "max-requests-inflight" 800; flag "max-mutating-requests-inflight" 400 }"#,
        0,
    ),
    Row(
        "requests may take longer",
        "",
        r#"component "apiserver" { flag "request-timeout" "2m" }"#,
        0,
    ),
    Row("events stay longer", "", r#"component "apiserver" { flag "event-ttl" "3h" }"#, 0),
    Row("connections move on", "", r#"component "apiserver" { flag "goaway-chance" "0.001" }"#, 0),
    Row(
        "more questions to the API server",
        "",
        r#"component "controller-manager" { flag "kube-api-qps" 50; flag "kube-api-burst" 100 }"#,
        0,
    ),
    Row(
        "more at a time",
        "",
        r#"component "controller-manager" { flag "concurrent-deployment-syncs" 10; flag "concurrent-gc-syncs" 30 }"#,
        0,
    ),
    Row(
        "slower elections",
        "",
        r#"component "scheduler" { flag "leader-elect-lease-duration" "30s" }"#,
        0,
    ),
    Row(
        "a node may be silent longer",
        "",
        r#"component "controller-manager" { flag "node-monitor-grace-period" "60s" }"#,
        0,
    ),
    Row(
        "fewer dead pods are kept",
        "",
        r#"component "controller-manager" { flag "terminated-pod-gc-threshold" 1000 }"#,
        0,
    ),
    Row("a larger etcd", "", r#"component "etcd" { flag "quota-backend-bytes" 8589934592 }"#, 0),
    Row(
        "etcd forgets earlier",
        "",
        r#"component "etcd" { flag "auto-compaction-mode" "periodic"; flag "auto-compaction-retention" "1h" }"#,
        0,
    ),
    Row(
        "a slow disk under etcd",
        "",
        r#"component "etcd" { flag "heartbeat-interval" 200; flag "election-timeout" 2000 }"#,
        0,
    ),
    Row(
        "rarer snapshots",
        r#"component "etcd" { flag "snapshot-count" 10000 }"#,
        r#"component "etcd" { flag "snapshot-count" 50000 }"#,
        0,
    ),
    Row(
        "a newer TLS alone",
        "",
        r#"component "apiserver" { flag "tls-min-version" "VersionTLS13" }"#,
        0,
    ),
    Row(
        "fewer cipher suites",
        r#"component "apiserver" { flag "tls-cipher-suites" "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" }"#,
        r#"component "apiserver" { flag "tls-cipher-suites" "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" }"#,
        0,
    ),
    Row(
        "one admission plugin more",
        "",
        r#"component "apiserver" { flag "enable-admission-plugins" "NodeRestriction,AlwaysPullImages" }"#,
        0,
    ),
    Row(
        "older audit logs are kept",
        r#"component "apiserver" { flag "audit-log-path" "/var/log/kubernetes/audit.log"; flag "audit-log-maxage" 7 }"#,
        r#"component "apiserver" { flag "audit-log-path" "/var/log/kubernetes/audit.log"; flag "audit-log-maxage" 30; flag "audit-log-maxbackup" 10; flag "audit-log-maxsize" 100 }"#,
        0,
    ),
    Row("kubelets show certificates", "", r#"component "kubelet" serving=#true"#, 0),
    Row("kpki writes the kubelets' configuration", "", r#"component "kubelet" config=#true"#, 0),
    Row("a worker", "", r#"node "w2" address="10.0.0.22""#, 0),
    Row(
        "ten workers",
        "",
        "node \"w10\" address=\"10.0.0.30\"\nnode \"w11\" address=\"10.0.0.31\"\nnode \"w12\" address=\"10.0.0.32\"\nnode \"w13\" address=\"10.0.0.33\"\nnode \"w14\" address=\"10.0.0.34\"\nnode \"w15\" address=\"10.0.0.35\"\nnode \"w16\" address=\"10.0.0.36\"\nnode \"w17\" address=\"10.0.0.37\"\nnode \"w18\" address=\"10.0.0.38\"\nnode \"w19\" address=\"10.0.0.39\"",
        0,
    ),
    Row("a worker leaves", r#"node "w2" address="10.0.0.22""#, "", 0),
    Row(
        "a worker is renamed",
        r#"node "w2" address="10.0.0.22""#,
        r#"node "w3" address="10.0.0.23""#,
        0,
    ),
    Row(
        "a control-plane node more",
        "",
        r#"node "cp9" role="control-plane" address="10.0.0.19""#,
        1,
    ),
    Row(
        "a control-plane node leaves",
        r#"node "cp9" role="control-plane" address="10.0.0.19""#,
        "",
        0,
    ),
    Row(
        "a control-plane node at another address",
        r#"node "cp9" role="control-plane" address="10.0.0.19""#,
        r#"node "cp9" role="control-plane" address="10.0.0.29""#,
        1,
    ),
    Row(
        "a worker at another address",
        "component \"kubelet\" serving=#true\nnode \"w2\" address=\"10.0.0.22\"",
        "component \"kubelet\" serving=#true\nnode \"w2\" address=\"10.0.0.32\"",
        0,
    ),
    Row(
        "a private address for the API server",
        "",
        r#"component "apiserver" { san "10.0.0.99" }"#,
        0,
    ),
    Row(
        "a colleague in a role of the team",
        "",
        r#"user "kim" { bind role="pager" namespace="ops" }"#,
        0,
    ),
    Row(
        "a colleague who edits in a namespace",
        "",
        r#"user "kim" { bind cluster-role="edit" namespace="shop" }"#,
        0,
    ),
    Row("a colleague who reads everywhere", "", r#"user "kim" { bind cluster-role="view" }"#, 0),
    Row("a colleague in the team's group", "", r#"user "kim" { group "dev" }"#, 1),
    Row(
        "a colleague whom the cluster signs for",
        "",
        r#"user "kim" { via "csr"; bind cluster-role="view" namespace="shop" }"#,
        0,
    ),
    Row("a user leaves", r#"user "kim" { bind cluster-role="edit" namespace="shop" }"#, "", 0),
    Row(
        "a user reads where she edited",
        r#"user "kim" { bind cluster-role="edit" namespace="shop" }"#,
        r#"user "kim" { bind cluster-role="view" namespace="shop" }"#,
        0,
    ),
    Row(
        "a user leaves a group",
        r#"user "kim" { group "ops" "dev" }"#,
        r#"user "kim" { group "dev" }"#,
        0,
    ),
    Row(
        "a shorter life",
        r#"user "kim" { validity "90d" }"#,
        r#"user "kim" { validity "30d" }"#,
        0,
    ),
    Row(
        "an earlier renewal",
        r#"user "kim" { renew-before "10d" }"#,
        r#"user "kim" { renew-before "20d" }"#,
        0,
    ),
    Row(
        "another algorithm for new keys of a user",
        r#"user "kim""#,
        r#"user "kim" { key "ecdsa-p384" }"#,
        0,
    ),
    Row("a user's new key", r#"user "kim" revision=1"#, r#"user "kim" revision=2"#, 0),
    Row("a certificate leaves", r#"certificate "web" { san "web.lab"; node "w1" }"#, "", 0),
    Row(
        "a comment and another order",
        r#"user "kim" { group "ops"; validity "30d" }"#,
        "// She came in May.\nuser \"kim\" { validity \"30d\"; group \"ops\" }",
        0,
    ),
    Row(
        "another namespace in a kubeconfig",
        r#"user "kim" { namespace "shop" }"#,
        r#"user "kim" { namespace "blog" }"#,
        0,
    ),
];

/// Rows for which there is nothing to do; all others change something.
const QUIET: &[&str] = &["an earlier renewal", "a comment and another order"];

/// Versions of Kubernetes before and after.
const VERSIONS: &[Row] = &[
    Row("a patch of Kubernetes", "1.36.1", "1.36.2", 0),
    Row("a minor version of Kubernetes", "1.35.3", "1.36.2", 0),
    Row("an older minor version too", "1.33.2", "1.34.5", 0),
    Row("tonight's rollback of a patch", "1.36.2", "1.36.1", 0),
    // Of the cluster, and of what then has its group from kubeadm's older rule.
    Row("another minor version back", "1.36.2", "1.35.3", 2),
    // Of the cluster alone: kubeadm 1.31 gives the scheduler no readiness probe, kubeadm 1.30 etcd none.
    Row("a readiness probe less", "1.32.13", "1.31.14", 1),
    Row("two readiness probes less", "1.32.13", "1.30.14", 1),
];

/// In the operator's own manifest of the API server.
const MANIFESTS: &[Row] = &[
    Row("more memory", "        cpu: 250m", "        cpu: 500m\n        memory: 2Gi", 0),
    Row("a label", "    tier: control-plane", "    tier: control-plane\n    team: platform", 0),
    Row("a comment", "spec:\n", "# Asked for by the platform team.\nspec:\n", 0),
    Row("a patient probe", "      failureThreshold: 24", "      failureThreshold: 40", 0),
    Row(
        "another priority",
        "  priorityClassName: system-node-critical",
        "  priorityClassName: system-cluster-critical",
        0,
    ),
    Row(
        "more time to end",
        "  hostNetwork: true",
        "  hostNetwork: true\n  terminationGracePeriodSeconds: 60",
        0,
    ),
    Row("quotes", "  namespace: kube-system", "  namespace: \"kube-system\"", 0),
    Row("more is logged", "    - --secure-port=6443", "    - --secure-port=6443\n    - --v=4", 0),
    Row(
        "no profiles",
        "    - --secure-port=6443",
        "    - --profiling=false\n    - --secure-port=6443",
        0,
    ),
];

fn described(version: &str, nodes: &str, more: &str) -> String {
    format!(
        "cluster \"lab\" {{ kubernetes \"{version}\"; endpoint \"api.lab:6443\" }}\n{nodes}{PEOPLE}{more}\n"
    )
}

/// The principals that stop an apply.
fn consents(project: &MemoryProject) -> BTreeSet<String> {
    consents_with(project, &Intent::default())
}

fn consents_with(project: &MemoryProject, intent: &Intent) -> BTreeSet<String> {
    let planned = project.plan_with(intent);
    assert!(planned.blocked().is_empty(), "{:?}", planned.blocked());
    assert!(planned.review.violations.is_empty(), "{:?}", planned.review.violations);
    let stopping = planned.review.changes.iter().filter(|change| change.stops());
    stopping.map(|change: &ReviewedChange| change.principal.to_string()).collect()
}

fn checked(wrong: &mut Vec<String>, row: &Row, nodes: &str, found: &BTreeSet<String>) {
    if found.len() != row.3 {
        wrong.push(format!(
            "{} ({} nodes): {found:?}, not {}",
            row.0,
            nodes.lines().count() - 1,
            row.3
        ));
    }
}

#[test]
fn daily_changes_of_a_description_take_no_more_consents_than_written() {
    let mut wrong = Vec::new();
    for nodes in [ONE, THREE] {
        for row in ROWS {
            let mut project = MemoryProject::applied(&described("1.36.2", nodes, row.1));
            project.description = described("1.36.2", nodes, row.2);
            let plan = project.plan().plan;
            let is_quiet = plan.is_empty() && plan.orphans.is_empty();
            if is_quiet != QUIET.contains(&row.0) {
                wrong.push(format!("{}: quiet {is_quiet}", row.0));
            }
            checked(&mut wrong, row, nodes, &consents(&project));
            project.apply().unwrap_or_else(|error| panic!("{}: {error:?}", row.0));
        }
        for row in VERSIONS {
            let mut project = MemoryProject::applied(&described(row.1, nodes, ""));
            project.description = described(row.2, nodes, "");
            checked(&mut wrong, row, nodes, &consents(&project));
        }
    }
    assert!(ROWS.len() + VERSIONS.len() + MANIFESTS.len() >= 40);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn daily_changes_of_a_manifest_take_no_consent() {
    let mut wrong = Vec::new();
    for nodes in [ONE, THREE] {
        let own = MemoryProject::applied(&described("1.36.2", nodes, ""));
        let mut before = MemoryProject::new(&described("1.36.2", nodes, "manifests \"m/\""));
        for (path, (bytes, _)) in &own.out {
            if let Some((node, file)) = path
                .strip_prefix("nodes/")
                .and_then(|path| path.split_once("/etc/kubernetes/manifests/"))
            {
                before.extra.insert(format!("m/{node}/{file}"), bytes.clone());
            }
        }
        before.apply().unwrap();
        for row in MANIFESTS {
            let mut project = before.clone();
            let files =
                project.extra.iter_mut().filter(|(path, _)| path.ends_with("/kube-apiserver.yaml"));
            for (path, bytes) in files {
                let text = String::from_utf8(bytes.clone()).unwrap();
                let changed = text.replacen(row.1, row.2, 1);
                assert_ne!(text, changed, "{}: {path}", row.0);
                *bytes = changed.into_bytes();
            }
            checked(&mut wrong, row, nodes, &consents(&project));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn renewals_take_no_consent() {
    for nodes in [ONE, THREE] {
        let mut project = MemoryProject::applied(&described("1.36.2", nodes, ""));
        let renewed =
            |pattern: &str| Intent { renew: vec![pattern.parse().unwrap()], ..Intent::default() };
        for pattern in ["users/pat", "nodes/cp1/*", "ca/kubernetes", "ca/etcd"] {
            assert_eq!(consents_with(&project, &renewed(pattern)), BTreeSet::new(), "{pattern}");
        }
        let rekeyed =
            Intent { rekey: vec!["nodes/cp1/apiserver".parse().unwrap()], ..Intent::default() };
        assert_eq!(consents_with(&project, &rekeyed), BTreeSet::new());
        // Everything but the CAs is due.
        project.later("350d".parse::<Span>().unwrap());
        assert!(!project.plan().plan.is_empty());
        assert_eq!(consents(&project), BTreeSet::new());
    }
}

/// A newer kpki that gives a process one flag more, as far as a project can tell: its manifests are on record
/// without it.
#[test]
fn an_upgrade_of_kpki_takes_no_consent() {
    const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
    for nodes in [ONE, THREE] {
        let applied = MemoryProject::applied(&described("1.36.2", nodes, ""));
        for flag in ["enable-bootstrap-token-auth", "enable-admission-plugins", "secure-port"] {
            let mut project = applied.clone();
            let mut lock = project.lock();
            let mut changed = 0;
            for (path, (bytes, _)) in &mut project.out {
                let Some(node) =
                    path.strip_suffix(MANIFEST).and_then(|path| path.strip_prefix("nodes/"))
                else {
                    continue;
                };
                let text = String::from_utf8(bytes.clone()).unwrap();
                let without = text.split_inclusive('\n');
                let without: String =
                    without.filter(|line| !line.contains(&format!("--{flag}="))).collect();
                changed += usize::from(without != text);
                *bytes = without.into_bytes();
                let name: ArtifactName =
                    format!("nodes/{node}/manifests/kube-apiserver").parse().unwrap();
                lock.entries.get_mut(&name).unwrap().content = Some(Digest::of(bytes));
            }
            project.lock = Some(kpki::lock::render(&lock));
            assert_eq!(changed, nodes.matches("control-plane").count(), "{flag}");
            assert!(!project.plan().plan.is_empty(), "{flag}");
            assert_eq!(consents(&project), BTreeSet::new(), "{flag}");
        }
    }
}
