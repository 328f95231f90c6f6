//! A wrong clock: what it did is mended, what it would do is asked about, and a cluster that is merely late
//! is not held up.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use kpki::plan::{ClockDoubt, clock_doubt};
use kpki::time::{Span, Timestamp};

use crate::testkit::memory_project::MemoryProject;
use crate::testkit::{FolderProject, put, set_mode};

const BASE: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { group "dev" }
"#;

const SHORT_CAS: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
defaults { validity "90d"; renew-before "30d" }
ca "kubernetes" validity="200d"
ca "etcd" validity="200d"
ca "front-proxy" validity="200d"
node "cp1" role="control-plane" address="10.0.0.11"
"#;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap())
}

fn applied_at(description: &str, at: Timestamp) -> MemoryProject {
    let mut project = MemoryProject::new(description);
    project.now = at;
    project.apply().unwrap();
    project
}

/// On a disk, for the binary and this machine's clock.
fn on_disk(project: &MemoryProject) -> FolderProject {
    let disk = FolderProject::described(&project.description);
    for (path, (bytes, mode)) in &project.out {
        put(disk.out(path), bytes);
        set_mode(disk.out(path), *mode);
    }
    if let Some(lock) = &project.lock {
        disk.write("cluster.lock", lock);
    }
    disk
}

fn said(disk: &FolderProject, arguments: &[&str]) -> (Option<i32>, String) {
    let output = disk.kpki(arguments);
    (output.status.code(), crate::testkit::said(&output))
}

fn doubt(project: &MemoryProject) -> Option<ClockDoubt> {
    let opened = project.opened();
    let planned = project.plan();
    clock_doubt(opened.world(project.now), &planned.plan, project.now)
}

/// Of everything that has dates.
fn keys(project: &MemoryProject) -> Vec<Vec<u8>> {
    let keys = project.secrets();
    let keys = keys.iter().filter(|(path, _)| path.contains(".key"));
    keys.map(|(_, bytes)| bytes.to_vec()).collect()
}

#[test]
fn what_a_clock_ahead_has_issued_is_due() {
    let start = now();
    let mut project = applied_at(BASE, start);
    let before = keys(&project);
    project.later(Span::days(3100));
    assert!(matches!(doubt(&project), Some(ClockDoubt::FarAhead { .. })));
    project.apply().unwrap();
    project.now = start.plus(Span::days(1));
    for with_lock in [true, false] {
        let mut project = project.clone();
        if !with_lock {
            project.lock = None;
        }
        let planned = project.plan();
        assert_eq!(planned.blocked(), [""; 0]);
        for name in ["nodes/cp1/apiserver", "users/jane", "nodes/cp1/admin"] {
            let step = planned
                .plan
                .steps
                .iter()
                .find(|step| planned.graph.get(step.derivation).name.as_str() == name);
            let step = step.unwrap();
            let why: Vec<String> = step.reasons.iter().map(ToString::to_string).collect();
            assert!(
                why.iter().any(|why| why.starts_with("not valid before 20")),
                "{name}: {why:?}"
            );
        }
        let leaves = planned.steps();
        assert!(leaves.contains(&"Reissue nodes/cp1/apiserver".to_owned()), "{leaves:?}");
        assert!(leaves.contains(&"Reissue users/jane".to_owned()), "{leaves:?}");
        assert!(matches!(doubt(&project), Some(ClockDoubt::Behind { .. })));
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(doubt(&project), None);
        assert_eq!(keys(&project), before, "no key is another");
    }
}

/// A CA, too: its key stays, so what it signed stays.
#[test]
fn a_ca_that_begins_in_the_future_is_issued_again_over_its_key() {
    let start = now();
    let mut project = applied_at(BASE, start.plus(Span::days(3650)));
    let before = keys(&project);
    project.now = start;
    let steps = project.plan().steps();
    for name in ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "users/jane"] {
        assert!(steps.contains(&format!("Reissue {name}")), "{steps:?}");
    }
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(keys(&project), before);
}

/// Machines' clocks differ by some minutes, and a day is forgiven.
#[test]
fn tomorrow_is_not_the_future() {
    for (ahead, steps) in
        [(Span::minutes(30), false), (Span::days(1), false), (Span::days(2), true)]
    {
        let mut project = applied_at(BASE, now().plus(ahead));
        project.now = now();
        assert_eq!(!project.plan().steps().is_empty(), steps, "{ahead}");
    }
}

#[test]
fn a_cluster_found_dead_is_renewed_at_once() {
    for days in [366, 426, 600] {
        let disk = on_disk(&applied_at(BASE, now().minus(Span::days(days))));
        let (code, text) = said(&disk, &["apply"]);
        assert_eq!(code, Some(0), "{days}: {text}");
        assert!(text.contains("expired"), "{days}: {text}");
        assert_eq!(said(&disk, &["plan", "--detailed-exitcode"]).0, Some(0));
    }
}

#[test]
fn a_clock_that_contradicts_what_is_here_needs_a_word() {
    let ago = |days| now().minus(Span::days(days));
    let future = {
        let mut project = applied_at(BASE, now());
        project.later(Span::days(3100));
        project.apply().unwrap();
        project
    };
    let without_lock = MemoryProject { lock: None, ..future.clone() };
    for (what, project, message) in [
        ("years", applied_at(BASE, ago(1100)), "expired more than a year ago"),
        ("every CA", applied_at(SHORT_CAS, ago(300)), "every CA in out/ has expired"),
        ("future", future, "is not valid before"),
        ("future, no lock", without_lock, "is not valid before"),
    ] {
        let disk = on_disk(&project);
        // Nobody who only reads is stopped.
        for reading in ["plan", "status", "verify"] {
            let code = said(&disk, &[reading]).0;
            assert!(matches!(code, Some(0..=2)), "{what}: {reading}: {code:?}");
        }
        // Of a lock that is gone nobody is asked here.
        let record = match what {
            "every CA" => "--allow escalation:cluster --allow escalation:cp1",
            _ => "--allow escalation:cluster --allow escalation:cp1 --allow escalation:jane",
        };
        let record: Vec<&'static str> = record.split(' ').collect();
        let with = |words: &[&'static str]| [words, &record[..]].concat();
        let (code, text) = said(&disk, &with(&["plan", "--out", "saved"]));
        assert_eq!(code, Some(0), "{what}: {text}");
        assert!(text.contains("apply needs --allow clock"), "{what}: {text}");
        let before = disk.read("ca/kubernetes.crt");
        for (arguments, help) in [
            (&with(&["apply"])[..], "set the clock; if it is right, add --allow clock"),
            (&["apply", "saved"], "set the clock; if it is right, plan again with --allow clock"),
        ] {
            let (code, text) = said(&disk, arguments);
            assert_eq!(code, Some(3), "{what}: {text}");
            assert!(text.contains("the clock says 20") && text.contains(message), "{what}: {text}");
            assert!(text.contains(help) && text.contains("nothing was written"), "{what}: {text}");
        }
        assert_eq!(disk.read("ca/kubernetes.crt"), before);
        let key = fs::read(disk.out("ca/kubernetes.key")).unwrap();
        let plan = with(&["plan", "--allow", "clock", "--out", "saved"]);
        let (code, text) = said(&disk, &plan);
        assert_eq!(code, Some(0), "{what}: {text}");
        assert!(!text.contains("needs --allow clock"), "{what}: {text}");
        let (code, text) = said(&disk, &["apply", "saved"]);
        assert_eq!(code, Some(0), "{what}: {text}");
        let (code, text) = said(&disk, &["plan", "--detailed-exitcode"]);
        assert_eq!(code, Some(0), "{what}: {text}");
        assert_eq!(fs::read(disk.out("ca/kubernetes.key")).unwrap(), key, "{what}");
    }
}

/// Where nothing is dated, no clock matters.
#[test]
fn what_issues_nothing_needs_no_word() {
    let disk = on_disk(&applied_at(BASE, now().plus(Span::minutes(600))));
    fs::remove_file(disk.out("nodes/cp1/etc/kubernetes/pki/ca.crt")).unwrap();
    let (code, text) = said(&disk, &["apply"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = said(&disk, &["apply", "--renew", "users/jane"]);
    assert_eq!(code, Some(3), "{text}");
    let (code, text) = said(&disk, &["apply", "--renew", "users/jane", "--allow", "clock"]);
    assert_eq!(code, Some(0), "{text}");
}
