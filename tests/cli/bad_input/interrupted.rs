//! What a repository may bring below `out/.pending`: it is shown, and never carried out unread.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::project::{BASE, DESCRIPTION, Damaged, Ended, OTHER};
use crate::testkit::{mode, set_mode};

const ROOTS: [&str; 4] = ["kubernetes.key", "etcd.key", "front-proxy.key", "sa.key"];

/// A home of its own: what is written there is of no other machine.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Machine(tempfile::tempdir().unwrap())
    }

    fn kpki(&self, project: &Damaged, words: &str) -> Ended {
        let mut command = project.typed(words);
        command.env("XDG_STATE_HOME", self.0.path());
        project.run(command)
    }

    /// As BLAKE3's key derivation gives it (`b3sum --derive-key`).
    fn journal_key(&self) -> [u8; 32] {
        let key = fs::read(self.0.path().join("kpki/machine.key")).unwrap();
        blake3::derive_key("kpki 2026-11 journal of an apply", &key)
    }
}

enum Change {
    /// The other project's file.
    Put(String),
    Remove(&'static str),
}

fn files(project: &Damaged) -> Vec<String> {
    let mut all = Vec::new();
    project.walk(&PathBuf::from("out"), &mut |path, found| {
        if found.is_file() {
            all.push(path.strip_prefix("out").unwrap().to_str().unwrap().to_owned());
        }
    });
    all.sort();
    all
}

/// Lays a journal of the present format into `victim`, as documented in its module.
fn plant(victim: &Damaged, from: &Damaged, changes: &[Change], lock: &[u8], key: &[u8; 32]) {
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let before = hash(&victim.get("cluster.lock"));
    let mut text = format!("kpki journal 2\nlock {before} {}\n", hash(lock));
    for change in changes {
        match change {
            Change::Put(path) => {
                let bytes = from.get(&format!("out/{path}"));
                let staged = format!("out/.pending/tree/{path}");
                victim.write(&staged, &bytes);
                victim.mode(&staged, mode(from.path(&format!("out/{path}"))));
                writeln!(text, "put {} {path}", hash(&bytes)).unwrap();
            }
            Change::Remove(path) => writeln!(text, "remove {path}").unwrap(),
        }
    }
    fs::create_dir_all(victim.path("out/.pending")).unwrap();
    let seal = blake3::keyed_hash(key, text.as_bytes()).to_hex();
    writeln!(text, "end {seal}").unwrap();
    victim.write("out/.pending/journal", text);
    victim.write("out/.pending/cluster.lock", lock);
}

fn all_of_other() -> Vec<Change> {
    files(&OTHER).into_iter().map(Change::Put).collect()
}

/// No command that goes on its own changes a root of trust, or anything at all.
#[track_caller]
fn nothing_is_carried_out(machine: &Machine, victim: &Damaged, code: i32, says: &[&str]) {
    let before = victim.snapshot();
    victim.write("strict.kdl", "policy { forbid-group \"system:nobody\" }\n");
    machine.kpki(victim, "plan").expect(1, says);
    machine.kpki(victim, "plan --detailed-exitcode").expect(code, says);
    machine.kpki(victim, "plan --format markdown").expect(1, says);
    let report = machine.kpki(victim, "plan --format json");
    let report: Value = serde_json::from_slice(&report.0.stdout).unwrap();
    assert_eq!((&report["empty"], &report["interrupted"]["stops"]), (&json!(false), &json!(true)));
    machine.kpki(victim, "apply").expect(code, &[says, &["nothing was written"]].concat());
    machine.kpki(victim, "apply --prune").expect(code, says);
    machine.kpki(victim, "apply --policy strict.kdl").expect(code, says);
    for command in ["status", "why ca/etcd", "graph", "show ca/etcd"] {
        machine.kpki(victim, command).expect(0, &["interrupted"]);
    }
    machine.kpki(victim, "install cp1 --root .").expect(1, &["an apply was interrupted"]);
    victim.remove("strict.kdl");
    assert_eq!(victim.snapshot(), before);
}

fn roots(project: &Damaged) -> Vec<Vec<u8>> {
    ROOTS.iter().map(|name| project.get(&format!("out/ca/{name}"))).collect()
}

/// The format before this one had a checksum without a key.
#[test]
fn a_journal_with_a_plain_checksum() {
    let machine = Machine::new();
    let victim = Damaged::copy_of(&BASE);
    let changes = all_of_other();
    plant(&victim, &OTHER, &changes, &OTHER.get("cluster.lock"), &[0; 32]);
    let mut text = "kpki journal 1\n".to_owned();
    for path in files(&OTHER) {
        writeln!(text, "put {path}").unwrap();
    }
    let end = blake3::hash(text.as_bytes()).to_hex();
    writeln!(text, "end {end}").unwrap();
    victim.write("out/.pending/journal", text);
    nothing_is_carried_out(&machine, &victim, 1, &["its journal does not begin with"]);
    assert_eq!(roots(&victim), roots(&BASE));

    machine.kpki(&victim, "discard").expect(0, &["set aside: out/.discarded/1"]);
    machine.kpki(&victim, "plan --detailed-exitcode").expect(0, &["nothing to do"]);
    // Nothing of it was deleted.
    let aside = victim.get("out/.discarded/1/tree/ca/kubernetes.key");
    assert!(aside == OTHER.get("out/ca/kubernetes.key"));
    machine.kpki(&victim, "discard").expect(0, &["no interrupted apply is here"]);
}

#[test]
fn a_journal_of_another_machine_that_brings_its_own_roots() {
    let machine = Machine::new();
    let victim = Damaged::copy_of(&BASE);
    plant(&victim, &OTHER, &all_of_other(), &OTHER.get("cluster.lock"), &[7; 32]);
    let says = [
        "it was not begun by this user on this machine",
        "--allow interrupted:",
        "--allow replace:ca/kubernetes",
        "--allow replace:ca/etcd",
        "--allow replace:ca/front-proxy",
        "--allow replace:service-account",
    ];
    nothing_is_carried_out(&machine, &victim, 3, &says);
    // One consent is not the other.
    let report = machine.kpki(&victim, "plan --format json");
    let report: Value = serde_json::from_slice(&report.0.stdout).unwrap();
    let identity = report["interrupted"]["identity"].as_str().unwrap();
    for given in [
        format!("apply --allow interrupted:{identity}"),
        "apply --allow replace:ca/etcd --allow replace:ca/kubernetes".to_owned(),
        format!("apply --allow interrupted:{}", "0".repeat(32)),
    ] {
        machine
            .kpki(&victim, &given)
            .expect(3, &["an apply was interrupted", "nothing was written"]);
    }
    assert_eq!(roots(&victim), roots(&BASE));
}

#[test]
fn a_journal_that_deletes_or_exchanges_one_root_beside_the_same_lock() {
    let machine = Machine::new();
    for change in [
        Change::Remove("ca/kubernetes.key"),
        Change::Put("ca/kubernetes.key".to_owned()),
        Change::Remove("ca/sa.key"),
        Change::Put("nodes/cp1/etc/kubernetes/pki/ca.key".to_owned()),
    ] {
        let victim = Damaged::copy_of(&BASE);
        plant(&victim, &OTHER, &[change], &victim.get("cluster.lock"), &[7; 32]);
        nothing_is_carried_out(&machine, &victim, 3, &["--allow replace:"]);
        let report = machine.kpki(&victim, "plan --format json");
        let report: Value = serde_json::from_slice(&report.0.stdout).unwrap();
        let identity = report["interrupted"]["identity"].as_str().unwrap();
        machine
            .kpki(&victim, &format!("apply --allow interrupted:{identity}"))
            .expect(3, &["replace:"]);
        assert_eq!(roots(&victim), roots(&BASE));
    }
}

/// Sealed here, and yet not to be trusted.
#[test]
fn a_journal_of_this_machine_that_git_has_or_another_user_owns_or_that_is_stale() {
    let machine = Machine::new();
    let own = |changes: &[Change]| {
        let victim = Damaged::copy_of(&BASE);
        machine.kpki(&victim, "apply").expect(0, &["nothing to do"]);
        plant(&victim, &BASE, changes, &victim.get("cluster.lock"), &machine.journal_key());
        victim
    };
    let change = || [Change::Put("nodes/cp1/etc/kubernetes/pki/apiserver.crt".to_owned())];

    let tracked = own(&change());
    tracked.git(&["init", "-q"]);
    tracked.git(&["add", "-f", "out/.pending"]);
    nothing_is_carried_out(&machine, &tracked, 1, &["Git tracks out/.pending"]);

    let stale = own(&change());
    stale.change("cluster.lock", |lock| lock.replacen("ca/etcd", "ca/etcd-2", 1));
    nothing_is_carried_out(&machine, &stale, 1, &["cluster.lock has changed since it was begun"]);

    // A root that gets another key, and no consent in the journal.
    let victim = Damaged::copy_of(&BASE);
    machine.kpki(&victim, "apply").expect(0, &["nothing to do"]);
    plant(&victim, &OTHER, &all_of_other(), &OTHER.get("cluster.lock"), &machine.journal_key());
    nothing_is_carried_out(&machine, &victim, 3, &["--allow replace:ca/kubernetes"]);

    if rustix::process::geteuid().is_root() {
        let owned = own(&change());
        let nobody = rustix::fs::Uid::from_raw(65534);
        rustix::fs::chown(owned.path("out/.pending/journal"), Some(nobody), None).unwrap();
        nothing_is_carried_out(&machine, &owned, 1, &["belongs to another user"]);
    }
    // The same change, without any of that, is finished.
    let good = own(&change());
    machine
        .kpki(&good, "plan --detailed-exitcode")
        .expect(2, &["the next apply finishes it first"]);
    machine.kpki(&good, "apply").expect(0, &["finished an apply that was interrupted"]);
    machine.kpki(&good, "plan --detailed-exitcode").expect(0, &["nothing to do"]);
}

/// The operator's own, begun under another HOME: nothing is lost, and the way on is printed and works.
#[test]
fn what_one_began_under_another_home_is_finished_by_consent() {
    let (then, now) = (Machine::new(), Machine::new());
    let victim = Damaged::copy_of(&BASE);
    then.kpki(&victim, "apply").expect(0, &["nothing to do"]);
    // As if a rekey of one leaf had been cut off before its first rename.
    let next = Damaged::copy_of(&BASE);
    let rekey = "apply --rekey nodes/cp1/apiserver";
    then.kpki(&next, rekey).expect(0, &["1 rekeyed"]);
    let changed: Vec<Change> = files(&next)
        .into_iter()
        .filter(|path| next.get(&format!("out/{path}")) != victim.get(&format!("out/{path}")))
        .map(Change::Put)
        .collect();
    assert_eq!(changed.len(), 2);
    plant(&victim, &next, &changed, &next.get("cluster.lock"), &then.journal_key());
    let plan = now.kpki(&victim, "plan");
    plan.expect(1, &["begun under another HOME", "apiserver.key"]);
    let text = plan.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let allow = text.split("--allow ").nth(1).unwrap().split(' ').next().unwrap();
    now.kpki(&victim, &format!("plan --allow {allow}")).expect(0, &["finished by consent"]);
    now.kpki(&victim, &format!("apply --allow {allow}")).expect(0, &["finished an apply"]);
    now.kpki(&victim, "plan --detailed-exitcode").expect(0, &["nothing to do"]);
    for path in files(&next) {
        assert!(victim.get(&format!("out/{path}")) == next.get(&format!("out/{path}")), "{path}");
    }
}

#[test]
fn other_things_under_the_name_of_the_staging_folder() {
    let machine = Machine::new();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("journal"), "mine").unwrap();
    let link = Damaged::copy_of(&BASE);
    symlink(elsewhere.path(), link.path("out/.pending")).unwrap();
    machine.kpki(&link, "apply").expect(1, &["out/.pending is a symbolic link"]);
    machine.kpki(&link, "discard").expect(0, &["set aside"]);
    machine.kpki(&link, "plan --detailed-exitcode").expect(0, &["nothing to do"]);
    assert_eq!(fs::read(elsewhere.path().join("journal")).unwrap(), b"mine");

    let folder = Damaged::copy_of(&BASE);
    fs::create_dir_all(folder.path("out/.pending/journal")).unwrap();
    nothing_is_carried_out(&machine, &folder, 1, &["its journal is not a file"]);
    // Without a home kpki works; what it leaves at a crash it would only not finish by itself.
    let homeless = Damaged::described(DESCRIPTION);
    let mut command = homeless.typed("apply");
    command.env_remove("HOME").env_remove("XDG_STATE_HOME");
    homeless.run(command).expect(0, &["applied"]);
    // A state folder that others can write to is none.
    let open = Machine::new();
    fs::create_dir(open.0.path().join("kpki")).unwrap();
    set_mode(open.0.path().join("kpki"), 0o777);
    open.kpki(&homeless, "apply").expect(0, &["nothing to do"]);
}
