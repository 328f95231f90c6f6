//! An apply of promote or distrust is stopped at every operation, with and without a loss of power: the old
//! key goes only after the lock that no longer knows it is durable, and the next apply finds one world or the
//! other.

use std::collections::{BTreeMap, BTreeSet};

use kpki::error::Result;
use kpki::keys::Entropy;
use kpki::name::TreePath;
use kpki::plan::{Allow, Intent};
use kpki::store::{Disk as _, JournalKey, begin};
use rayon::prelude::*;

use crate::testkit::memory_disk::{Fault, Files, Loss, MemoryDisk};
use crate::testkit::memory_project::{MemoryProject, Tree};

const LOCK: &str = "cluster.lock";
const ROOTS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];
const ONE: &str = "keypair 1";
const TRUST: &str = r#"keypair 1; keypair 2 state="trusted""#;
const PROMOTE: &str = r#"keypair 1 state="trusted"; keypair 2"#;
const TWO: &str = "keypair 2";

fn described(root: &str, keypairs: &str) -> String {
    let block = match root {
        "service-account" => format!("component \"service-account\" {{ {keypairs} }}"),
        ca => format!("ca {:?} {{ {keypairs} }}", ca.strip_prefix("ca/").unwrap()),
    };
    format!("cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.1\"\n{block}\n")
}

fn go(project: &MemoryProject, root: &str, stage: &str, keypairs: &str) -> MemoryProject {
    let mut project = project.clone();
    project.description = described(root, keypairs);
    let allow: Vec<Allow> = vec![format!("{stage}:{root}").parse().unwrap()];
    project.apply_with(&Intent { allow, all: true, ..Intent::default() }, false).unwrap();
    project
}

/// One apply, as what it writes and removes.
struct Case {
    name: String,
    before: MemoryProject,
    after: MemoryProject,
    disk: MemoryDisk,
    key: JournalKey,
    operations: usize,
}

impl Case {
    fn of(name: String, before: MemoryProject, after: MemoryProject) -> Case {
        let key = JournalKey::of_this_run(&Entropy::system()).unwrap();
        let disk = MemoryDisk::new();
        commit(&disk, &key, &Tree::new(), &before).unwrap();
        disk.sync_all().unwrap();
        let whole = disk.clone();
        whole.set_fault(Fault::None);
        commit(&whole, &key, &before.out, &after).unwrap();
        let operations = whole.operations();
        Case { name, before, after, disk, key, operations }
    }
}

fn commit(disk: &MemoryDisk, key: &JournalKey, old: &Tree, to: &MemoryProject) -> Result<()> {
    let mut transaction = begin(disk, key.clone())?;
    transaction.settle(None).map_err(|failed| failed.error)?;
    for (path, (bytes, mode)) in &to.out {
        if old.get(path) != Some(&(bytes.clone(), *mode)) {
            transaction.stage(&TreePath::of(path), bytes, *mode)?;
        }
    }
    for path in old.keys().filter(|path| !to.out.contains_key(*path)) {
        transaction.remove(&TreePath::of(path))?;
    }
    let lock = to.lock.clone().unwrap();
    transaction.commit(lock.as_bytes(), BTreeSet::new()).map_err(|failed| failed.error)
}

/// The anchors' private keys of a tree: what nobody can make again.
fn anchors(project: &MemoryProject) -> BTreeMap<String, Vec<u8>> {
    let keys = project.secrets().into_iter();
    keys.filter(|(path, _)| path.starts_with("ca/") && path.strip_suffix(".key").is_some())
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .collect()
}

fn lock_is(files: &Files, project: &MemoryProject) -> bool {
    files.get(LOCK).map(Vec::as_slice) == project.lock.as_ref().map(String::as_bytes)
}

impl Case {
    /// Before anybody repairs.
    fn check_crashed(&self, disk: &MemoryDisk, what: &str) {
        let files = disk.files();
        let [is_old, is_new] = [&self.before, &self.after].map(|world| lock_is(&files, world));
        assert!(is_old || is_new, "{what}: the lock is neither");
        // In its place, or beside it until the transaction is done with.
        let holds = |key: &Vec<u8>| files.values().any(|bytes| bytes == key);
        let known = if is_new { &self.after } else { &self.before };
        for (path, key) in anchors(known) {
            assert!(holds(&key), "{what}: {path} is lost");
        }
    }

    fn check_settled(&self, disk: &MemoryDisk, what: &str) -> bool {
        begin(disk, self.key.clone())
            .and_then(|mut transaction| {
                transaction.settle(None).map_err(|failed| failed.error).map(drop)
            })
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let files = disk.files();
        let is_new = lock_is(&files, &self.after);
        let world = if is_new { &self.after } else { &self.before };
        assert!(is_new || lock_is(&files, &self.before), "{what}");
        let tree: BTreeMap<&str, &Vec<u8>> = files
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix("out/")?, bytes)))
            .filter(|(path, _)| !path.starts_with(".pending"))
            .collect();
        let expected: BTreeMap<&str, &Vec<u8>> =
            world.out.iter().map(|(path, (bytes, _))| (path.as_str(), bytes)).collect();
        assert!(tree == expected, "{what}: neither world");
        is_new
    }
}

#[test]
fn the_old_key_goes_after_the_lock() {
    let cases = ROOTS.into_par_iter().flat_map(|root| {
        let one = MemoryProject::applied(&described(root, ONE));
        let trust = go(&one, root, "trust", TRUST);
        let promote = go(&trust, root, "promote", PROMOTE);
        let distrust = go(&promote, root, "distrust", TWO);
        let back = go(&trust, root, "distrust", ONE);
        let old = anchors(&one).into_values().collect::<BTreeSet<_>>();
        let gone = |world: &MemoryProject| {
            let kept: BTreeSet<Vec<u8>> = anchors(world).into_values().collect();
            old.difference(&kept).count()
        };
        assert_eq!([&trust, &promote, &distrust, &back].map(gone), [0, 0, 1, 0], "{root}");
        let case = |stage: &str, before: &MemoryProject, after| {
            Case::of(format!("{root} {stage}"), before.clone(), after)
        };
        vec![
            case("promote", &trust, promote.clone()),
            case("distrust", &promote, distrust),
            case("back from trust", &trust, back),
        ]
    });
    let ends: Vec<[usize; 2]> = cases
        .map(|case| {
            let mut ends = [0, 0];
            for k in 0..=case.operations {
                let crashed = case.disk.clone();
                crashed.set_fault(Fault::Stop(k));
                let done = commit(&crashed, &case.key, &case.before.out, &case.after);
                assert_eq!(done.is_ok(), k == case.operations, "{} at {k}", case.name);
                for loss in
                    [None, Some(Loss::All), Some(Loss::Contents), Some(Loss::Some(k as u64))]
                {
                    let what = format!("{}, {loss:?} at {k}", case.name);
                    let disk = crashed.clone();
                    match loss {
                        None => disk.restart(),
                        Some(loss) => disk.lose_power(loss),
                    }
                    case.check_crashed(&disk, &what);
                    ends[usize::from(case.check_settled(&disk, &what))] += 1;
                }
            }
            // Both worlds are ones that a plan understands.
            case.after.assert_converged();
            let mut again = case.before.clone();
            again.description.clone_from(&case.after.description);
            assert_eq!(again.plan().blocked().len(), 1, "{}", case.name);
            ends
        })
        .collect();
    assert_eq!(ends.len(), 12);
    assert!(ends.iter().all(|[old, new]| *old > 50 && *new > 50), "{ends:?}");
}
