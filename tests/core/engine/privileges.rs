//! Who gains and loses power by a change: a table by hand, from what Kubernetes does with certificates and
//! bindings.

use kpki::config::load_policy;
use kpki::lock;
use kpki::plan::Intent;
use kpki::review::{Consent, ReviewPolicy};
use kpki::sources::Sources;
use kpki::time::Span;

use crate::testkit::memory_project::{MemoryProject, Planned};

const CLUSTER: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1" primary=#true
node "w1" address="10.0.1.1"
component "kubelet" serving=#true
user "jane" { group "dev"; bind cluster-role="view" namespace="dev" }
user "root" { group "system:masters"; allow-masters #true }
user "omar" { via "csr"; group "dev" }
certificate "web" { san "web.lab" }
"#;

/// `x jane gains …` where consent is missing, `! …` where it was given, `= …` where none is needed.
pub fn changes(planned: &Planned) -> Vec<String> {
    let line = |change: &kpki::review::ReviewedChange| {
        let sign = match change.consent {
            Consent::Missing => "x",
            Consent::Given => "!",
            Consent::NotNeeded => "=",
        };
        let line = match &change.origin {
            Some(origin) => origin.to_string().replace("cluster.kdl", ""),
            None => String::new(),
        };
        format!("{sign} {} {} {line}", change.principal, change.access).trim_end().to_owned()
    };
    planned.review.changes.iter().map(line).collect()
}

fn after(old: &str, new: &str) -> MemoryProject {
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = CLUSTER.replace(old, new);
    assert_ne!(project.description, CLUSTER, "{old}");
    project
}

#[test]
fn a_table_of_changes() {
    let end = "user \"jane\"";
    let mut wrong = Vec::new();
    for (what, old, new, expected) in [
        ("nothing", "\"web.lab\"", "\"web.lab\" /* the same */", &[][..]),
        (
            "a group of somebody known",
            "group \"dev\"; bind",
            "group \"dev\" \"ops\"; bind",
            &["x jane gains the group ops :6"],
        ),
        (
            "another group",
            "group \"dev\"; bind",
            "group \"ops\"; bind",
            &["x jane gains the group ops :6", "= jane loses the group dev :6"],
        ),
        (
            "a group of one who could do everything",
            "group \"system:masters\"",
            "group \"system:masters\" \"dev\"",
            &["= root gains the group dev :7"],
        ),
        (
            "somebody new",
            end,
            "user \"ann\" { group \"dev\" }\nuser \"jane\"",
            &["x ann is new: ann, in dev :6"],
        ),
        (
            "somebody new with power",
            end,
            "user \"ann\" { group \"kubeadm:cluster-admins\" }\nuser \"jane\"",
            &["x ann is new: ann, in kubeadm:cluster-admins :6"],
        ),
        (
            "another name of the same person",
            "user \"jane\" { group",
            "user \"jane\" { common-name \"janet\"; group",
            &[
                "x jane becomes janet, was jane :6",
                "= jane gains cluster-role view in dev :6",
                "= jane loses cluster-role view in dev: delete the old binding in the cluster :6",
            ],
        ),
        (
            "a role of little power",
            "namespace=\"dev\"",
            "namespace=\"test\"",
            &[
                "= jane gains cluster-role view in test :6",
                "= jane loses cluster-role view in dev: delete the old binding in the cluster :6",
            ],
        ),
        (
            "the whole cluster",
            "cluster-role=\"view\" namespace=\"dev\"",
            "cluster-role=\"cluster-admin\"",
            &[
                "x jane gains cluster-role cluster-admin everywhere :6",
                "= jane loses cluster-role view in dev: delete the old binding in the cluster :6",
            ],
        ),
        (
            "secrets of the system",
            "namespace=\"dev\"",
            "namespace=\"kube-system\"; bind cluster-role=\"edit\" namespace=\"kube-system\"",
            &[
                "x jane gains cluster-role edit in kube-system: the secrets and service accounts there :6",
                "= jane gains cluster-role view in kube-system :6",
                "= jane loses cluster-role view in dev: delete the old binding in the cluster :6",
            ],
        ),
        (
            "a group in a request",
            "via \"csr\"; group \"dev\"",
            "via \"csr\"; group \"dev\" \"ops\"",
            &["x omar gains the group ops :8"],
        ),
        (
            "a name of a component's server",
            "component \"kubelet\"",
            "component \"apiserver\" { san \"api.example.com\" }\ncomponent \"kubelet\"",
            &["x apiserver can serve as api.example.com :5"],
        ),
        (
            "a name of one node",
            "address=\"10.0.1.1\"",
            "address=\"10.0.1.1\" san=\"kubernetes.default\"",
            &[
                "x kubelet-server can serve as kubernetes.default, and so in the place of the API server :4",
            ],
        ),
        (
            "a wildcard",
            "\"web.lab\"",
            "\"web.lab\" \"*.web.lab\"",
            &["x web can serve as anything below web.lab :9"],
        ),
        (
            "a public address and a private one",
            "\"web.lab\"",
            "\"web.lab\" \"8.8.8.8\" \"10.1.2.3\"",
            &["x web can serve as the public address 8.8.8.8 :9"],
        ),
        ("fewer names", "san \"web.lab\"", "san \"10.9.9.9\"", &[]),
        (
            "a server that is a client, too",
            "san \"web.lab\"",
            "san \"web.lab\"; usage \"server\" \"client\"",
            &["x web can be a client :9"],
        ),
        (
            "of another CA",
            "san \"web.lab\"",
            "san \"web.lab\"; ca \"etcd\"",
            &["x web is issued by CN=etcd-ca, was by CN=kubernetes :9"],
        ),
        (
            "a client of etcd",
            "certificate \"web\"",
            "certificate \"backup\" { ca \"etcd\"; usage \"client\" }\ncertificate \"web\"",
            &["x backup is new: backup, for the etcd CA :9"],
        ),
        (
            "a longer life of one",
            "user \"jane\" {",
            "user \"jane\" { validity \"400d\";",
            &["x jane lives longer: 400d, was 365d :6"],
        ),
        (
            "a longer life of all is said once",
            end,
            "defaults { validity \"400d\" }\nuser \"jane\"",
            &["x defaults lives longer: 400d, was 365d :6"],
        ),
        ("a shorter life", "user \"jane\" {", "user \"jane\" { validity \"90d\";", &[]),
        (
            "a worker",
            "node \"w1\"",
            "node \"w2\" address=\"10.0.1.2\"\nnode \"w1\"",
            &["= w2 joins as a worker :4"],
        ),
        (
            "a worker with a name of its own choice",
            "node \"w1\"",
            "node \"w2\" address=\"10.0.1.2\" san=\"api.lab\"\nnode \"w1\"",
            &[
                "x kubelet-server can serve as api.lab, and so in the place of the API server :4",
                "= w2 joins as a worker :4",
            ],
        ),
        (
            "a control-plane node",
            "node \"w1\"",
            "node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\nnode \"w1\"",
            &["x cp2 joins as a control-plane node: it holds CA keys and an administrator's :4"],
        ),
        (
            "a worker that becomes one",
            "node \"w1\"",
            "node \"w1\" role=\"control-plane\"",
            &["x w1 joins as a control-plane node: it holds CA keys and an administrator's :4"],
        ),
        (
            "where clients dial",
            "api.lab",
            "api2.lab",
            &[
                "x endpoint moves: kubeconfigs lead to https://api2.lab:6443, led to https://api.lab:6443 :2",
                "x apiserver can serve as api2.lab :2",
            ],
        ),
        (
            "a root of trust",
            end,
            "ca \"etcd\" revision=2\nuser \"jane\"",
            &["= etcd is replaced as a root of trust :6"],
        ),
        (
            "somebody leaves",
            "user \"root\" { group \"system:masters\"; allow-masters #true }\n",
            "",
            &["= root is described no longer, was in system:masters"],
        ),
        (
            "a node leaves",
            "node \"w1\" address=\"10.0.1.1\"\n",
            "",
            &["= w1 is described no longer"],
        ),
        (
            "one for another of the same name and kind",
            "certificate \"web\" { san \"web.lab\" }",
            "user \"web\" { group \"system:nodes\" }",
            &[
                "x users/web is new: web, in system:nodes :9",
                "= certificates/web is described no longer",
            ],
        ),
    ] {
        let found = changes(&after(old, new).plan());
        if found != expected {
            wrong.push(format!("{what}: {found:#?} instead of {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lock claims what it likes: only files count.
#[test]
fn a_forged_lock_hides_nothing() {
    let mut forged =
        after("group \"dev\"; bind", "group \"dev\" \"system:masters\"; allow-masters #true; bind");
    let honest = changes(&forged.plan());
    assert_eq!(honest, ["x jane gains the group system:masters :6"]);
    let wish = MemoryProject::applied(&forged.description);
    let (mut old, new) = (forged.lock(), wish.lock());
    for (name, entry) in &mut old.entries {
        entry.hash = new.entries[name].hash;
    }
    forged.lock = Some(lock::render(&old));
    assert_eq!(changes(&forged.plan()), honest);
    // Nor does a lock that is gone, or a certificate that is.
    forged.lock = None;
    let found = changes(&forged.plan());
    let (stopping, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|line| line.starts_with("x "));
    let [record, gain] = &stopping[..] else { panic!("{stopping:#?}") };
    assert!(record.starts_with("x cluster has files under out/ and no lock: "), "{record}");
    assert_eq!(gain, "x jane is new: jane, in dev, system:masters :6");
    // Everybody and everything else is told, and needs no consent of its own.
    for line in [
        "= kubernetes is a new root of trust",
        "= cp1 joins as a control-plane node: it holds CA keys and an administrator's :3",
        "= root is new: root, in system:masters :7",
        "= jane gains cluster-role view in dev :6",
    ] {
        assert!(others.iter().any(|other| other == line), "{line}: {others:#?}");
    }
    forged.lock = Some(lock::render(&old));
    forged.out.remove("users/jane/jane.crt");
    assert_eq!(changes(&forged.plan()), ["x jane is new: jane, in dev, system:masters :6"]);
}

#[test]
fn a_first_build_and_one_that_changes_nothing_say_nothing() {
    assert_eq!(changes(&MemoryProject::new(CLUSTER).plan()), [""; 0]);
    let mut project = MemoryProject::applied(CLUSTER);
    assert_eq!(changes(&project.plan()), [""; 0]);
    // Renewal is no longer life.
    project.later(Span::days(350));
    let planned = project.plan();
    assert!(planned.plan.steps.len() > 5);
    assert_eq!(changes(&planned), [""; 0]);
}

/// The keys of a cluster are here, and nothing tells what was built from them: moved to kpki, or the lock and
/// all files were deleted so that nobody is asked.
#[test]
fn who_brings_the_keys_of_a_cluster_is_asked_once() {
    let mut project = MemoryProject::applied(CLUSTER);
    project.out.retain(|path, _| path.starts_with("ca/"));
    project.lock = None;
    let found = changes(&project.plan());
    assert_eq!(
        found[0],
        "x cluster is built anew from keys that are here: whoever trusts them believes all below"
    );
    assert!(found[1..].iter().all(|line| line.starts_with('=')), "{found:#?}");
    assert!(found.contains(&"= root is new: root, in system:masters :7".to_owned()), "{found:#?}");
    // The operator's secrets are left of what Git had.
    project = MemoryProject::applied(CLUSTER);
    project.out.retain(|path, _| !kpki::state::is_public(path));
    project.lock = None;
    let found = changes(&project.plan());
    assert!(found.contains(&"x root is new: root, in system:masters :7".to_owned()), "{found:#?}");
}

#[test]
fn consent_is_by_name() {
    let project = after("group \"dev\"; bind", "group \"dev\" \"ops\"; bind");
    for (allow, expected) in [
        ("escalation:jane", "! jane gains the group ops :6"),
        ("escalation:users/jane", "! jane gains the group ops :6"),
        ("escalation:root", "x jane gains the group ops :6"),
        ("escalation:certificates/jane", "x jane gains the group ops :6"),
        ("replace:users/jane", "x jane gains the group ops :6"),
    ] {
        let intent = Intent { allow: vec![allow.parse().unwrap()], ..Intent::default() };
        assert_eq!(changes(&project.plan_with(&intent)), [expected], "{allow}");
    }
}

fn policy(text: &str) -> ReviewPolicy {
    let sources = Sources::Memory([("policy.kdl".to_owned(), text.as_bytes().to_vec())].into());
    load_policy(&sources, "policy.kdl").map_err(|report| report.render(false)).unwrap()
}

pub fn with_policy(project: &MemoryProject, text: &str) -> Planned {
    project.reviewed(&Intent::default(), &policy(text))
}

#[test]
fn a_policy_takes_some_gains_for_ordinary() {
    let project = after("\"web.lab\"", "\"web.lab\" \"a.web.lab\" \"a.example.com\" \"8.8.8.8\"");
    let planned = with_policy(&project, "policy { ordinary-san \"*.lab\" \"8.8.8.0/24\" }");
    assert_eq!(
        changes(&planned),
        [
            "x web can serve as a.example.com :9",
            "= web can serve as a.web.lab :9",
            "= web can serve as the public address 8.8.8.8 :9",
        ]
    );
}

/// Whatever changed or not.
#[test]
fn a_table_of_rules() {
    for (rules, expected) in [
        ("max-validity \"365d\"", &[][..]),
        (
            "max-validity \"90d\"; except \"nodes/*\" \"operator/*\" \"users/*\"",
            &["certificates/web is valid for 365d, at most 90d is allowed"],
        ),
        (
            "max-ca-validity \"1y\"; except \"ca/etcd\" \"ca/front-proxy\"",
            &["ca/kubernetes is valid for 10y, at most 365d is allowed"],
        ),
        ("min-key \"ecdsa-p256\" \"rsa-4096\" \"ed25519\"", &[]),
        (
            "min-key \"ecdsa-p384\"; except \"nodes/*\" \"ca/*\" \"users/*\" \"service-account\"",
            &["certificates/web has a key of ecdsa-p256, ecdsa-p384 is the least"],
        ),
        ("forbid-group \"system:*\"", &["users/root is in the forbidden group system:masters"]),
        ("forbid-group \"system:*\"; except \"users/root\"", &[]),
        (
            "forbid-san \"*.lab\"",
            &[
                "nodes/cp1/apiserver has the forbidden name api.lab",
                "certificates/web has the forbidden name web.lab",
            ],
        ),
        ("forbid-wildcards #true", &[]),
    ] {
        let project = MemoryProject::applied(CLUSTER);
        let planned = with_policy(&project, &format!("policy {{ {rules} }}"));
        let violations = planned.review.violations.iter();
        let lines: Vec<String> = violations
            .flat_map(|violation| {
                let artifacts = violation.artifacts.iter();
                artifacts.map(|artifact| format!("{artifact} {}", violation.what))
            })
            .collect();
        assert_eq!(lines, expected, "{rules}");
    }
    let mut wild = MemoryProject::new(&CLUSTER.replace("\"web.lab\"", "\"*.web.lab\""));
    wild.apply().unwrap();
    let planned = with_policy(&wild, "policy { forbid-wildcards #true }");
    assert_eq!(planned.review.violations[0].what, "has the wildcard *.web.lab");
}

#[test]
fn a_bad_policy_is_refused_with_its_place() {
    for (text, says) in [
        ("polcy { }", "policy.kdl:1:1"),
        ("policy { max-validity 90 }", "policy.kdl:1:23"),
        ("policy { min-key \"rsa-1024\" }", "unknown min-key"),
        ("policy { forbid-san \"*\" }", "forbid-san"),
        ("policy { forbid-group \"a*b\" }", "has a `*` that is not at its end"),
        ("policy { }\npolicy { }", "a second `policy`"),
        ("policy { ordinary-folder \"/srv\" }", "write allow-folder"),
        ("policy { ordinary-role \"a*b\" }", "policy.kdl:1:24"),
        ("policy { ordinary-role \"edit\" namespac=\"dev\" }", "did you mean `namespace`?"),
        ("policy { forbid-role \"edit\" \"view\" }", "one too many"),
        ("policy { allow-flag \"v\" component=\"apisrver\" }", "did you mean `apiserver`?"),
        ("policy { allow-recipient \"age1qqq\" }", "policy.kdl:1:26"),
        ("", "the file has no `policy`"),
        ("include \"other.kdl\"", "other.kdl"),
    ] {
        let sources = Sources::Memory([("policy.kdl".to_owned(), text.as_bytes().to_vec())].into());
        let report = load_policy(&sources, "policy.kdl").unwrap_err().render(false);
        assert!(report.contains(says), "{text}\n{report}");
    }
}
