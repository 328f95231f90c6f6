//! Every operation of a commit fails, is killed or loses power in turn: the tree and the lock stay old or
//! become new, and no key is lost.

use std::collections::BTreeMap;

use std::sync::LazyLock;

use kpki::error::{Error, Result};
use kpki::keys::Entropy;
use kpki::name::TreePath;
use kpki::store::{
    Disk, Doubt, Effect, EntryKind, Failed, JournalKey, Pending, RealDisk, Settled, begin,
    interrupted, pending,
};
use rayon::prelude::*;

enum Step {
    Put(&'static str, &'static str, u32),
    Remove(&'static str),
    Mode(&'static str, u32),
}
use Step::{Mode, Put, Remove};

use crate::testkit::memory_disk::{Fault, Loss, MemoryDisk};

struct Scenario {
    name: &'static str,
    before: Vec<Step>,
    change: Vec<Step>,
}

fn tree() -> Vec<Step> {
    vec![
        Put("ca/ca.crt", "ca cert 1", 0o644),
        Put("ca/ca.key", "ca key 1", 0o600),
        Put("nodes/cp1/etc/kubernetes/pki/apiserver.crt", "cert 1", 0o644),
        Put("nodes/cp1/etc/kubernetes/pki/apiserver.key", "key 1", 0o600),
        Put("nodes/cp1/etc/kubernetes/admin.conf", "conf 1", 0o600),
        Put("users/jane/jane.key", "jane 1", 0o600),
        Put("users/jane/jane.crt", "jane cert 1", 0o644),
        Put("users/jo/jo.key", "jo 1", 0o644),
    ]
}

fn scenarios() -> Vec<Scenario> {
    let one = |name, change| Scenario { name, before: tree(), change };
    vec![
        Scenario { name: "first apply", before: Vec::new(), change: tree() },
        one("reissue", vec![Put("nodes/cp1/etc/kubernetes/pki/apiserver.crt", "cert 2", 0o644)]),
        one(
            "rekey",
            vec![
                Put("nodes/cp1/etc/kubernetes/pki/apiserver.crt", "cert 2", 0o644),
                Put("nodes/cp1/etc/kubernetes/pki/apiserver.key", "key 2", 0o600),
                Put("ca/ca.key", "ca key 2", 0o600),
            ],
        ),
        one(
            "remove",
            vec![
                Remove("users/jane/jane.key"),
                Remove("users/jane/jane.crt"),
                Remove("users/jo/jo.key"),
            ],
        ),
        one(
            "mixed",
            vec![
                Put("ca/ca.crt", "ca cert 2", 0o644),
                Put("nodes/cp1/etc/kubernetes/pki/apiserver.key", "key 2", 0o600),
                Put("nodes/cp1/etc/kubernetes/manifests/etcd.yaml", "pod", 0o600),
                Put("nodes/w1/etc/kubernetes/pki/ca.crt", "ca cert 2", 0o644),
                Put("nodes/w1/etc/kubernetes/kubelet.conf", "conf", 0o600),
                Remove("users/jane/jane.key"),
                Mode("users/jo/jo.key", 0o600),
            ],
        ),
        one("lock only", Vec::new()),
        one("secrets sealed", sealed()),
    ]
}

/// Every secret of the tree gives way to its sealed form.
fn sealed() -> Vec<Step> {
    let secrets = [
        ("ca/ca.key", "ca/ca.key.age"),
        (
            "nodes/cp1/etc/kubernetes/pki/apiserver.key",
            "nodes/cp1/etc/kubernetes/pki/apiserver.key.age",
        ),
        ("nodes/cp1/etc/kubernetes/admin.conf", "nodes/cp1/etc/kubernetes/admin.conf.age"),
        ("users/jane/jane.key", "users/jane/jane.key.age"),
        ("users/jo/jo.key", "users/jo/jo.key.age"),
    ];
    secrets
        .into_iter()
        .flat_map(|(clear, file)| [Put(file, "sealed", 0o600), Remove(clear)])
        .collect()
}

/// More files than are synced one by one.
fn large() -> Scenario {
    let path = |n: usize| -> &'static str { format!("users/all/{n}.key").leak() };
    let before = (0..70).map(|n| Put(path(n), "old", 0o644)).collect();
    let mut change: Vec<Step> = (0..66).map(|n| Mode(path(n), 0o600)).collect();
    change.extend((66..68).map(|n| Put(path(n), "new", 0o600)));
    change.extend((68..70).map(|n| Remove(path(n))));
    Scenario { name: "large", before, change }
}

/// Of the machine that all of this happens on.
static HERE: LazyLock<JournalKey> = LazyLock::new(other_machine);

fn other_machine() -> JournalKey {
    JournalKey::of_this_run(&Entropy::system()).unwrap()
}

fn settle(disk: &impl Disk) -> Result<Settled, Failed> {
    let nothing = |error: Error| Failed { error, effect: Effect::Nothing };
    begin(disk, HERE.clone()).map_err(nothing)?.settle(None)
}

fn apply<D: Disk>(disk: &D, steps: &[Step], lock: &str) -> Result<()> {
    try_apply(disk, steps, lock).map_err(|failed| failed.error)
}

/// As the commands do it: whatever fails before the commit has written nothing.
fn try_apply<D: Disk>(disk: &D, steps: &[Step], lock: &str) -> Result<(), Failed> {
    let nothing = |error: Error| Failed { error, effect: Effect::Nothing };
    let mut transaction = begin(disk, HERE.clone()).map_err(nothing)?;
    transaction.settle(None)?;
    stage(&transaction, steps).map_err(nothing)?;
    transaction.commit(lock.as_bytes(), std::collections::BTreeSet::new())
}

fn stage<D: Disk>(transaction: &kpki::store::Transaction<'_, D>, steps: &[Step]) -> Result<()> {
    for step in steps {
        match step {
            Put(path, text, mode) => {
                transaction.stage(&TreePath::of(path), text.as_bytes(), *mode)?;
            }
            Remove(path) => transaction.remove(&TreePath::of(path))?,
            Mode(path, mode) => transaction.set_mode(&TreePath::of(path), *mode)?,
        }
    }
    Ok(())
}

type Tree = BTreeMap<String, (u32, Vec<u8>)>;

/// All files but those of `.pending`; and the folders too, if they matter.
fn snapshot(disk: &impl Disk, folders: bool) -> Tree {
    fn walk(disk: &impl Disk, path: &str, folders: bool, tree: &mut Tree) {
        for name in disk.list(path).unwrap() {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            if path == "out/.pending" || (path == "cluster.lock.new" && !folders) {
                continue;
            }
            match disk.kind(&path).unwrap() {
                EntryKind::Folder { mode } => {
                    if folders && path != "out" {
                        tree.insert(path.clone() + "/", (mode, Vec::new()));
                    }
                    walk(disk, &path, folders, tree);
                }
                EntryKind::File { mode, .. } => {
                    let bytes = disk.read(&path).unwrap();
                    tree.insert(path, (mode, bytes));
                }
                other => panic!("{path} is {other:?}"),
            }
        }
    }
    let mut tree = Tree::new();
    walk(disk, "", folders, &mut tree);
    tree
}

/// What `.pending/old` keeps.
fn kept(disk: &MemoryDisk) -> Vec<Vec<u8>> {
    if disk.kind("out/.pending/old").unwrap() == EntryKind::Missing {
        return Vec::new();
    }
    let names = disk.list("out/.pending/old").unwrap();
    let read = |name: String| disk.read(&format!("out/.pending/old/{name}")).unwrap();
    names.into_iter().map(read).collect()
}

struct Case {
    before: MemoryDisk,
    change: Vec<Step>,
    old: Tree,
    new: Tree,
    /// With folders, once nothing is pending.
    whole: [Tree; 2],
    operations: usize,
}

impl Case {
    fn of(scenario: Scenario, empty: MemoryDisk) -> Self {
        if !scenario.before.is_empty() {
            apply(&empty, &scenario.before, "lock 1").unwrap();
            empty.sync_all().unwrap();
        }
        let after = empty.clone();
        after.set_fault(Fault::None);
        apply(&after, &scenario.change, "lock 2").unwrap();
        let operations = after.operations();
        Case {
            old: snapshot(&empty, false),
            new: snapshot(&after, false),
            whole: [snapshot(&empty, true), snapshot(&after, true)],
            before: empty,
            change: scenario.change,
            operations,
        }
    }

    /// Right after the crash, before anybody repairs: nothing may be gone.
    fn check_crashed(&self, disk: &MemoryDisk, what: &str) {
        let now = snapshot(disk, false);
        if pending(disk).unwrap() == Pending::Unfinished {
            let kept = kept(disk);
            let locked = now.get("cluster.lock") == self.new.get("cluster.lock");
            for (path, old) in &self.old {
                let here = now.get(path).map(|(_, bytes)| bytes);
                let is_old = here == Some(&old.1);
                let is_new = here == self.new.get(path).map(|(_, bytes)| bytes);
                assert!(
                    path == "cluster.lock" || is_old || locked && is_new || kept.contains(&old.1),
                    "{what}: {path} is lost"
                );
            }
        } else {
            assert!(
                now == self.old || now == self.new,
                "{what}: {:?} {:?} {:?}",
                snapshot(disk, true),
                disk.list("out"),
                disk.list("out/.pending")
            );
        }
    }

    fn check_settled(&self, disk: &MemoryDisk, what: &str) -> bool {
        assert_eq!(pending(disk).unwrap(), Pending::Nothing, "{what}");
        let now = snapshot(disk, true);
        let is_new = now == self.whole[1];
        assert!(is_new || now == self.whole[0], "{what}: {now:?}");
        is_new
    }

    /// The next apply works, whatever happened before.
    fn check_usable(disk: &MemoryDisk, what: &str) {
        let mut expected = snapshot(disk, false);
        apply(disk, &[Put("next/key", "next", 0o600)], "lock 3")
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        expected.insert("out/next/key".to_owned(), (0o600, b"next".to_vec()));
        expected.insert("cluster.lock".to_owned(), (0o644, b"lock 3".to_vec()));
        disk.lose_power(Loss::All);
        assert_eq!(snapshot(disk, false), expected, "{what}");
    }

    /// What the error says of the files is so.
    fn check_effect(&self, disk: &MemoryDisk, failed: &Failed, what: &str) {
        let now = snapshot(disk, false);
        let unfinished = pending(disk).unwrap() == Pending::Unfinished;
        match failed.effect {
            Effect::Nothing => assert!(now == self.old && !unfinished, "{what}"),
            Effect::Recorded => assert!(unfinished, "{what}"),
            Effect::Complete => assert!(now == self.new, "{what}"),
        }
    }

    fn settle(&self, disk: &MemoryDisk, what: &str) {
        self.check_crashed(disk, what);
        let unfinished = pending(disk).unwrap();
        let was_new = snapshot(disk, false) == self.new;
        let settled = settle(disk).unwrap_or_else(|failed| panic!("{what}: {}", failed.error));
        let expected = match unfinished {
            Pending::Nothing => Settled::Nothing,
            Pending::Unfinished => Settled::Finished,
            Pending::Staged => Settled::Undone,
        };
        assert_eq!(settled, expected, "{what}");
        let is_new = self.check_settled(disk, what);
        assert_eq!(is_new, was_new || unfinished == Pending::Unfinished, "{what}");
        Case::check_usable(disk, what);
    }
}

/// Ways to come to an end at operation `k`.
fn endings() -> Vec<Option<Loss>> {
    let some = (1..=3).map(|seed| Some(Loss::Some(seed)));
    [None, Some(Loss::All), Some(Loss::Contents)].into_iter().chain(some).collect()
}

fn end(disk: &MemoryDisk, ending: Option<Loss>, k: usize) {
    match ending {
        None => disk.restart(),
        Some(Loss::Some(seed)) => disk.lose_power(Loss::Some(seed * 1000 + k as u64)),
        Some(loss) => disk.lose_power(loss),
    }
}

fn disks() -> Vec<MemoryDisk> {
    vec![MemoryDisk::new(), MemoryDisk::new().without_hard_links()]
}

fn cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for (links, empty) in disks().into_iter().enumerate() {
        // The large one differs in how it syncs, not in how it keeps.
        let large = (links == 0).then(large);
        for scenario in scenarios().into_iter().chain(large) {
            let name = format!("{} (disk {links})", scenario.name);
            cases.push((name, Case::of(scenario, empty.clone())));
        }
    }
    cases
}

#[test]
fn an_error_at_any_operation() {
    for (name, case) in cases() {
        for k in 0..case.operations {
            let what = format!("{name}, error at {k}");
            let disk = case.before.clone();
            disk.set_fault(Fault::Error(k));
            let done = try_apply(&disk, &case.change, "lock 2");
            disk.set_fault(Fault::None);
            let failed = done.expect_err(&what);
            case.check_effect(&disk, &failed, &what);
            // Nobody died, so the abort has cleaned up; only what comes after the lock may be left to do.
            let now = pending(&disk).unwrap();
            let is_new = snapshot(&disk, false) == case.new;
            assert!(now != Pending::Staged || is_new, "{what}");
            case.settle(&disk, &what);
        }
    }
}

#[test]
fn a_stop_at_any_operation() {
    cases().into_par_iter().for_each(|(name, case)| {
        for k in 0..=case.operations {
            let crashed = case.before.clone();
            crashed.set_fault(Fault::Stop(k));
            let done = apply(&crashed, &case.change, "lock 2");
            assert_eq!(done.is_ok(), k == case.operations, "{name} at {k}");
            for ending in endings() {
                let what = format!("{name}, {ending:?} at {k}");
                let disk = crashed.clone();
                end(&disk, ending, k);
                if done.is_ok() {
                    assert!(snapshot(&disk, false) == case.new, "{what}");
                }
                case.settle(&disk, &what);
            }
        }
    });
}

/// Pairs of operations: every `k` of the commit with one in `stride` of the recovery's.
fn stops_of_recoveries(stride: usize) {
    cases().into_par_iter().for_each(|(name, case)| {
        let stride = if case.operations > 200 && stride > 1 { 5 * stride } else { stride };
        for k in 0..case.operations {
            let crashed = case.before.clone();
            crashed.set_fault(Fault::Stop(k));
            assert!(apply(&crashed, &case.change, "lock 2").is_err());
            for first in [None, Some(Loss::All), Some(Loss::Some(7))] {
                let disk = crashed.clone();
                end(&disk, first, k);
                let whole = disk.clone();
                whole.set_fault(Fault::None);
                settle(&whole).unwrap();
                for j in (k % stride..whole.operations()).step_by(stride) {
                    let again = disk.clone();
                    again.set_fault(Fault::Stop(j));
                    let _ = settle(&again);
                    let losses = [Loss::All, Loss::Contents, Loss::Some(8)].map(Some);
                    for second in losses.into_iter().chain([None]) {
                        let what = format!("{name}, {first:?} at {k}, {second:?} at {j}");
                        let disk = again.clone();
                        end(&disk, second, j);
                        case.settle(&disk, &what);
                    }
                }
            }
        }
    });
}

#[test]
fn a_stop_at_any_operation_of_a_recovery() {
    stops_of_recoveries(29);
}

#[test]
#[ignore = "takes minutes; run it after a change to the store"]
fn a_stop_at_every_pair_of_operations() {
    stops_of_recoveries(1);
}

#[test]
fn memory_and_real_disk_agree() {
    for scenario in scenarios().into_iter().chain([large()]) {
        let folder = tempfile::tempdir().unwrap();
        let real = RealDisk::open(folder.path()).unwrap();
        let memory = MemoryDisk::new();
        for (steps, lock) in [(&scenario.before, "lock 1"), (&scenario.change, "lock 2")] {
            apply(&real, steps, lock).unwrap();
            apply(&memory, steps, lock).unwrap();
            assert_eq!(snapshot(&real, true), snapshot(&memory, true), "{}", scenario.name);
            assert_eq!(pending(&real).unwrap(), Pending::Nothing);
        }
    }
}

#[test]
fn a_dropped_transaction_changes_nothing() {
    let disk = MemoryDisk::new();
    apply(&disk, &tree(), "lock 1").unwrap();
    let before = snapshot(&disk, true);
    let mut transaction = begin(&disk, HERE.clone()).unwrap();
    transaction.settle(None).unwrap();
    transaction.stage(&TreePath::of("ca/ca.key"), b"other", 0o600).unwrap();
    transaction.remove(&TreePath::of("ca/ca.crt")).unwrap();
    assert_eq!(pending(&disk).unwrap(), Pending::Staged);
    drop(transaction);
    assert_eq!(pending(&disk).unwrap(), Pending::Nothing);
    assert_eq!(snapshot(&disk, true), before);
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let disk = MemoryDisk::new();
    apply(&disk, &tree(), "lock 1").unwrap();
    disk.mkdir("out/.pending", 0o700).unwrap();
    disk.write_new("out/.pending/journal", b"kpki journal 1\nput ca/ca", 0o600).unwrap();
    let failed = settle(&disk).unwrap_err();
    assert!(failed.error.message.contains("its journal does not begin"), "{}", failed.error);
    assert_eq!(failed.effect, Effect::Nothing);
    disk.remove_file("out/.pending/journal").unwrap();
    disk.mkdir("out/.pending/old", 0o700).unwrap();
    disk.write_new("out/.pending/old/0", b"the only copy", 0o600).unwrap();
    let error = settle(&disk).unwrap_err().error;
    assert!(error.message.contains("out/.pending/old holds replaced files"), "{error}");
    assert_eq!(kept(&disk), [b"the only copy".to_vec()]);
}

/// A crash at each operation, and then another HOME, user or machine: nothing is finished, undone behind a
/// journal, or lost; a person may consent to exactly what is there, or set it aside.
#[test]
fn what_was_begun_elsewhere_stays_as_it_is() {
    let mut seen = 0;
    for (name, case) in cases() {
        for k in 0..case.operations {
            let what = format!("{name}, stop at {k}");
            let disk = case.before.clone();
            disk.set_fault(Fault::Stop(k));
            let _ = apply(&disk, &case.change, "lock 2");
            disk.restart();
            if pending(&disk).unwrap() != Pending::Unfinished {
                continue;
            }
            seen += 1;
            let before = snapshot(&disk, true);
            let key = other_machine();
            let found = interrupted(&disk, Ok(Some(&key))).unwrap().unwrap();
            assert_eq!(found.doubt, Some(Doubt::NotFromHere(None)), "{what}");
            assert_eq!(interrupted(&disk, Ok(Some(&HERE))).unwrap().unwrap().doubt, None, "{what}");

            let other = kpki::hash::Digest::of(b"another journal");
            for consent in [None, Some(&other)] {
                let failed = begin(&disk, key.clone()).unwrap().settle(consent).unwrap_err();
                assert_eq!(failed.effect, Effect::Nothing, "{what}");
                assert_eq!(snapshot(&disk, true), before, "{what}");
            }
            case.check_crashed(&disk, &what);

            let aside = disk.clone();
            let place = begin(&aside, key.clone()).unwrap().discard().unwrap();
            let place = place.unwrap_or_else(|| panic!("{what}"));
            let now = snapshot(&aside, false);
            let is_locked = now.get("cluster.lock") == case.new.get("cluster.lock");
            let moved: Vec<_> = now.into_iter().collect();
            for (path, file) in &case.old {
                let is_here = |(at, other): &(String, (u32, Vec<u8>))| {
                    (at == path || at.starts_with(&format!("{place}/old/"))) && file.1 == other.1
                };
                // With the new lock in force, what it replaces may be gone.
                assert!(moved.iter().any(is_here) || is_locked, "{what}: {path} is lost");
            }
            assert_eq!(pending(&aside).unwrap(), Pending::Nothing, "{what}");

            let settled = begin(&disk, key).unwrap().settle(Some(&found.identity));
            assert_eq!(
                settled.map_err(|failed| failed.error.message),
                Ok(Settled::Finished),
                "{what}"
            );
            assert!(case.check_settled(&disk, &what), "{what}");
        }
    }
    assert!(seen > 100, "{seen}");
}

/// What changed between the crash and the next run is not put in place.
#[test]
fn a_change_to_what_was_staged_or_to_the_lock_stops_the_recovery() {
    let case = Case::of(scenarios().remove(2), MemoryDisk::new());
    let crashed = (0..case.operations).find_map(|k| {
        let disk = case.before.clone();
        disk.set_fault(Fault::Stop(k));
        let _ = apply(&disk, &case.change, "lock 2");
        disk.restart();
        (pending(&disk).unwrap() == Pending::Unfinished).then_some(disk)
    });
    let crashed = crashed.unwrap();
    for (path, said) in [
        ("out/.pending/tree/ca/ca.key", "out/.pending/tree/ca/ca.key has changed since"),
        ("out/.pending/cluster.lock", "out/.pending/cluster.lock has changed since"),
        ("cluster.lock", "cluster.lock has changed since"),
        ("out/.pending/journal", "its journal is cut off"),
    ] {
        let disk = crashed.clone();
        let mut bytes = disk.read(path).unwrap();
        bytes.truncate(bytes.len() - 1);
        disk.remove_file(path).unwrap();
        disk.write_new(path, &bytes, 0o600).unwrap();
        let before = snapshot(&disk, true);
        let failed = settle(&disk).unwrap_err();
        assert!(failed.error.message.contains(said), "{path}: {}", failed.error);
        assert_eq!(snapshot(&disk, true), before, "{path}");
    }
}
