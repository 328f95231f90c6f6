//! What belongs to another user, or has no mode that lets anybody read it: an error of its own, and never a
//! reason to make anything anew or to give a key up.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use super::*;
use crate::testkit::{printed, set_mode};

/// `nobody`
const OTHER: u32 = 65534;
const PKI: &str = project::PKI;

/// Its owner's secret: found by plan already where it is ours.
const CA_KEY: &str = "out/ca/kubernetes.key";
const CA_SA: &str = "out/ca/sa.key";

/// What is taken away, what is run then, and what its message names.
const CASES: [(&str, &str, &str); 18] = [
    ("out/nodes/cp1/etc/kubernetes/pki/apiserver.crt", "plan", "apiserver.crt cannot be read: "),
    ("out/nodes/cp1/etc/kubernetes/pki/apiserver.crt", "apply", "apiserver.crt cannot be read: "),
    ("out/nodes/cp1/etc/kubernetes/manifests/etcd.yaml", "plan", "etcd.yaml cannot be read: "),
    ("out/ca/kubernetes.crt", "apply", "out/ca/kubernetes.crt cannot be read: "),
    ("out/ca", "plan", "out/ca cannot be read: "),
    ("out/nodes/cp1", "apply", "out/nodes/cp1 cannot be read: "),
    ("out/identities", "plan", "out/identities cannot be read: "),
    ("cluster.lock", "plan", "cannot read cluster.lock: "),
    ("out/ca/kubernetes.key", "apply --renew nodes/cp1/apiserver", CA_KEY),
    ("out/ca/sa.key", "apply", CA_SA),
    // What is handed out.
    (
        "out/nodes/cp1/etc/kubernetes/pki/etcd",
        "install cp1 --root .",
        "out/nodes/cp1/etc/kubernetes/pki/etcd cannot be read: ",
    ),
    (
        "out/nodes/cp1/etc/kubernetes/pki/etcd",
        "export cp1 -o -",
        "out/nodes/cp1/etc/kubernetes/pki/etcd cannot be read: ",
    ),
    ("out/identities", "export cp1 -o -", "out/identities cannot be read: "),
    (
        "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt",
        "install cp1 --root . --dry-run",
        "apiserver.crt cannot be read: ",
    ),
    ("out/nodes", "export cp1 -o -", "out/nodes cannot be read: "),
    ("out/ca/kubernetes.crt", "install cp1 --root .", "out/ca/kubernetes.crt cannot be read: "),
    // The description itself, and the way to it.
    ("cluster.kdl", "plan", "cannot read cluster.kdl: "),
    ("cluster.kdl", "install cp1 --root .", "cannot read cluster.kdl: "),
];

#[test]
fn what_cannot_be_read_is_an_error_of_its_own() {
    let root = rustix::process::geteuid().is_root();
    for (path, command, says) in CASES {
        let project = Damaged::copy_of(&BASE);
        // A copy that is to be restored needs its master.
        if path.ends_with("sa.key") {
            project.remove(&format!("{PKI}/sa.key"));
        }
        if root {
            give_away(&project);
        }
        hide(&project, path, root);
        let before = root.then(|| project.snapshot());
        let ended = run(&project, &command.split(' ').collect::<Vec<_>>());
        let why =
            if root { "it belongs to root, and you are uid 65534" } else { "its mode is 0000" };
        ended.expect(1, &[says, why, "owner"]);
        let text = ended.text();
        for never in [
            "--allow",
            "--rekey",
            "move ",
            "put the right key",
            "reissue",
            "lost and",
            "is not here",
            "mistake",
            "-C DIR",
            "there is no",
        ] {
            assert!(!text.contains(never), "{path}: {never}\n{text}");
        }
        if let Some(before) = before {
            assert_eq!(before, project.snapshot(), "{path}");
        }
        let _ = Command::new("chmod").arg("-R").arg("u+rwX").arg(project.path(".")).status();
    }
}

/// A key whose mode keeps its owner out stops a plan as it stops an apply; one of another is there, and who
/// only plans needs no more.
#[test]
fn a_key_that_its_owner_cannot_read_is_told_by_plan_and_apply_alike() {
    let root = rustix::process::geteuid().is_root();
    for (path, mode) in [
        (format!("{PKI}/apiserver.key"), 0),
        ("out/ca/kubernetes.key".to_owned(), 0o200),
        ("out/nodes/cp1/etc/kubernetes/admin.conf".to_owned(), 0o044),
    ] {
        let project = Damaged::copy_of(&BASE);
        let run = |words: &[&str]| run(&project, words);
        if root {
            give_away(&project);
        }
        project.mode(&path, mode);
        let says =
            format!("{path} cannot be read: its mode is {mode:04o} (chmod u+rX gives it back)");
        for words in [&["plan"][..], &["apply"]] {
            run(words).expect(1, &[&says]);
        }
        // What root may read is no obstacle to root.
        if root {
            project.kpki(&["plan"]).expect(0, &[]);
            chown(project.path(&path), Some(0), Some(0)).unwrap();
            project.mode(&path, 0o600);
            run(&["plan", "--detailed-exitcode"]).expect(0, &["nothing to do"]);
        } else {
            println!("skipped: a key of another user, which takes root");
        }
    }
}

/// Nothing of another node is needed to hand one out.
#[test]
fn what_of_another_node_cannot_be_read_is_in_nobodys_way() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: takes root");
        return;
    }
    let project = Damaged::copy_of(&BASE);
    project.change("cluster.kdl", |text| format!("{text}node \"w1\" address=\"10.0.0.21\"\n"));
    project.kpki(&["apply"]).expect(0, &["applied"]);
    give_away(&project);
    hide(&project, "out/nodes/w1", true);
    fs::create_dir(project.path("locked")).unwrap();
    hide(&project, "locked", true);
    let run = |words: &[&str]| run(&project, words);
    run(&["export", "cp1", "-o", "cp1.tar"]).expect(0, &["cp1.tar"]);
    // And a project's own folder is whose it is.
    let locked = run(&["status", "-C", "locked"]);
    locked.expect(1, &["cannot read locked: it belongs to root, and you are uid 65534"]);
}

/// To somebody who is not root.
fn give_away(project: &Damaged) {
    printed(Command::new("chown").args(["-R", "65534:65534"]).arg(project.folder()));
}

/// As somebody who is not root, whoever runs the test.
fn run(project: &Damaged, words: &[&str]) -> Ended {
    let mut kpki = project.command(words);
    kpki.stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        kpki.uid(OTHER).gid(OTHER);
    }
    Ended(kpki.output().unwrap())
}

fn hide(project: &Damaged, path: &str, root: bool) {
    let at = project.path(path);
    let folder = at.is_dir();
    let mode = match (root, folder) {
        (false, _) => 0,
        (true, true) => 0o700,
        (true, false) => 0o600,
    };
    if root {
        chown(&at, Some(0), Some(0)).unwrap();
    }
    set_mode(&at, mode);
}
