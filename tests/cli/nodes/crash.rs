//! Every operation of an install fails, is killed or loses power in turn: each file is the old one or the new
//! one, no manifest is there before what it names, no file is left beside another, and the next run finishes.

use std::collections::{BTreeMap, BTreeSet};

use kpki::algorithm::KeyAlgorithm;
use kpki::error::Result;
use kpki::graph::{DerivationId, Graph};
use kpki::install::{Holds, Installation, Layer, Record, Wanted, install};
use kpki::name::{NodeName, TreePath};
use kpki::secret::Secret;
use kpki::store::{
    Change, Disk, EntryKind, Put, RECORD, begin_placing, left_behind, look_at_node, read_record,
};
use rayon::prelude::*;

use super::decide::graph;
use crate::testkit::generate;
use crate::testkit::memory_disk::{Fault, Loss, MemoryDisk};

struct Tree(Vec<Wanted>);

fn file(graph: &Graph, layer: Layer, path: &str, bytes: Secret) -> Wanted {
    let derivation: DerivationId = graph.ids().next().unwrap();
    Wanted {
        path: TreePath::of(path),
        layer,
        derivation,
        mode: 0o600,
        secret: path.ends_with(".key"),
        holds: Holds::of(&bytes),
        bytes,
    }
}

/// In two versions, of which the second has no scheduler and no proxy.
fn tree(version: &str) -> Tree {
    let graph = graph();
    let text = |what: &str| Secret::new(format!("{what} {version}").into_bytes());
    let key = generate(KeyAlgorithm::EcdsaP256).to_pem();
    let folder = "etc/kubernetes";
    let mut files = vec![
        file(&graph, Layer::Pki, &format!("{folder}/pki/ca.crt"), text("ca")),
        file(&graph, Layer::Pki, &format!("{folder}/pki/etcd/server.key"), key),
        file(&graph, Layer::Kubeconfig, &format!("{folder}/scheduler.conf"), text("conf")),
        file(&graph, Layer::KubeletConfig, "var/lib/kubelet/config.yaml", text("kubelet")),
        file(&graph, Layer::Manifest, &format!("{folder}/manifests/etcd.yaml"), text("etcd")),
    ];
    if version == "1" {
        for (layer, path) in [
            (Layer::Pki, "pki/old.crt"),
            (Layer::Kubeconfig, "kube-proxy.conf"),
            (Layer::Manifest, "manifests/kube-scheduler.yaml"),
        ] {
            files.push(file(&graph, layer, &format!("{folder}/{path}"), text(path)));
        }
    }
    files.sort_by(|a, b| (a.layer, &a.path).cmp(&(b.layer, &b.path)));
    Tree(files)
}

impl Tree {
    fn decide<'t>(&'t self, disk: &impl Disk) -> (Installation<'t>, BTreeSet<String>) {
        let record = read_record(disk).unwrap();
        let record = record.map(|bytes| Record::parse(bytes.expose()).unwrap());
        let recorded = record.iter().flat_map(|record| &record.files);
        let paths: BTreeSet<&TreePath> =
            (self.0.iter().map(|file| &file.path)).chain(recorded.map(|line| &line.path)).collect();
        let targets = paths.iter().map(ToString::to_string).chain([RECORD.to_owned()]);
        let targets = targets.collect();
        let node = look_at_node(disk, paths).unwrap();
        let name: NodeName = "cp1".parse().unwrap();
        let done =
            install(&"lab".parse().unwrap(), &name, &self.0, &node, record.as_ref(), &|_| false);
        // Whatever happened before: no key on the node is taken for somebody else's.
        assert_eq!(done.keys_at_risk, Vec::<TreePath>::new());
        assert_eq!(done.kept, Vec::<TreePath>::new());
        (done, targets)
    }

    fn install(&self, disk: &impl Disk) -> Result<()> {
        // What is read before is not what is tested; a fault starts with the lock.
        let (done, targets) = self.decide(disk);
        let records = [done.meanwhile.json(), done.afterwards.json()];
        let layer = |layer| {
            let writes = done.writes.iter().filter(|write| write.file.layer == layer);
            writes
                .map(|write| Put {
                    path: write.file.path.as_str(),
                    bytes: write.file.bytes.expose(),
                    mode: write.file.mode,
                })
                .collect()
        };
        let change = Change {
            folders: done.folders.iter().map(|(path, mode)| (path.as_str(), *mode)).collect(),
            layers: Layer::ALL.into_iter().map(layer).collect(),
            removals: done
                .removals
                .chunk_by(|(one, _), (other, _)| one == other)
                .map(|layer| layer.iter().map(|(_, path)| path.as_str()).collect())
                .collect(),
            records: [records[0].as_bytes(), records[1].as_bytes()],
            targets: targets.iter().map(String::as_str).collect(),
        };
        begin_placing(disk)?.place(&change)
    }

    fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let each = self.0.iter();
        each.map(|file| (file.path.to_string(), file.bytes.expose().to_vec())).collect()
    }
}

/// Every file, and the names of folders.
fn files(disk: &impl Disk) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        for name in disk.list(&folder).unwrap() {
            let path = format!("{folder}/{name}").trim_start_matches('/').to_owned();
            if let EntryKind::Folder { .. } = disk.kind(&path).unwrap() {
                waiting.push(path);
            } else {
                let bytes = disk.read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

fn is_temporary(path: &str) -> bool {
    path.rsplit('/').next().unwrap().starts_with('.')
}

struct Case {
    name: &'static str,
    before: MemoryDisk,
    old: BTreeMap<String, Vec<u8>>,
    new: Tree,
    other: Tree,
    operations: usize,
}

fn cases() -> Vec<Case> {
    let case = |name, old: Option<&Tree>, new: Tree, other: Tree| {
        let before = MemoryDisk::new();
        if let Some(old) = old {
            old.install(&before).unwrap();
            before.sync_all().unwrap();
        }
        let after = before.clone();
        let change = new.decide(&after);
        drop(change);
        after.set_fault(Fault::None);
        new.install(&after).unwrap();
        Case {
            name,
            old: old.map_or_else(BTreeMap::new, Tree::bytes),
            operations: after.operations(),
            before,
            new,
            other,
        }
    };
    vec![
        case("first", None, tree("1"), tree("2")),
        case("again", Some(&tree("1")), tree("2"), tree("3")),
    ]
}

impl Case {
    /// Whatever the end was.
    fn check(&self, disk: &MemoryDisk, what: &str) {
        let now = files(disk);
        let new = self.new.bytes();
        for (path, bytes) in &now {
            if path == RECORD || is_temporary(path) {
                continue;
            }
            let known = self.old.get(path) == Some(bytes) || new.get(path) == Some(bytes);
            assert!(known, "{what}: {path} is neither old nor new");
        }
        for path in self.old.keys() {
            assert!(now.contains_key(path) || !new.contains_key(path), "{what}: {path} is lost");
        }
        // What is new stands upon what is new.
        let is_new = |file: &&Wanted| now.get(file.path.as_str()) == new.get(file.path.as_str());
        let differs =
            |file: &&Wanted| self.old.get(file.path.as_str()) != new.get(file.path.as_str());
        let reached = self.new.0.iter().filter(differs).filter(is_new).map(|file| file.layer).max();
        if let Some(reached) = reached {
            for file in self.new.0.iter().filter(|file| file.layer < reached) {
                assert!(is_new(&file), "{what}: {} is older than {reached:?}", file.path);
            }
        }
        // And nothing goes before all that is new is there.
        let gone = self.old.keys().any(|path| !now.contains_key(path));
        assert!(!gone || self.new.0.iter().all(|file| is_new(&file)), "{what}");
    }

    fn check_finished(tree: &Tree, disk: &MemoryDisk, what: &str) {
        tree.install(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
        disk.lose_power(Loss::All);
        let mut now = files(disk);
        assert!(now.remove(RECORD).is_some(), "{what}");
        assert_eq!(now, tree.bytes(), "{what}");
        let (done, targets) = tree.decide(disk);
        assert!(done.is_empty(), "{what}");
        assert!(!left_behind(disk, targets.iter().map(String::as_str)).unwrap());
    }
}

/// The operations of an install begin with those that only look.
fn looks(case: &Case) -> usize {
    let disk = case.before.clone();
    disk.set_fault(Fault::None);
    let _ = case.new.decide(&disk);
    disk.operations()
}

#[test]
fn an_error_at_any_operation() {
    for case in cases() {
        for k in looks(&case)..case.operations {
            let what = format!("{}, error at {k}", case.name);
            let disk = case.before.clone();
            disk.set_fault(Fault::Error(k));
            let done = case.new.install(&disk);
            disk.set_fault(Fault::None);
            assert!(done.is_err(), "{what}");
            case.check(&disk, &what);
            let left: Vec<String> =
                files(&disk).into_keys().filter(|path| is_temporary(path)).collect();
            assert_eq!(left, Vec::<String>::new(), "{what}");
            Case::check_finished(&case.new, &disk, &what);
        }
    }
}

#[test]
fn a_stop_at_any_operation() {
    cases().into_par_iter().for_each(|case| {
        for k in looks(&case)..=case.operations {
            let crashed = case.before.clone();
            crashed.set_fault(Fault::Stop(k));
            let done = case.new.install(&crashed);
            assert_eq!(done.is_ok(), k == case.operations, "{} at {k}", case.name);
            let some = (1..=5).map(|seed| Some(Loss::Some(seed * 1000 + k as u64)));
            for loss in [None, Some(Loss::All), Some(Loss::Contents)].into_iter().chain(some) {
                let what = format!("{}, {loss:?} at {k}", case.name);
                let disk = crashed.clone();
                match loss {
                    None => disk.restart(),
                    Some(loss) => disk.lose_power(loss),
                }
                case.check(&disk, &what);
                if done.is_ok() {
                    let mut now = files(&disk);
                    now.remove(RECORD);
                    assert_eq!(now, case.new.bytes(), "{what}");
                }
                // The next run may be for the same tree, or for another one.
                Case::check_finished(&case.new, &disk.clone(), &what);
                Case::check_finished(&case.other, &disk, &what);
            }
        }
    });
}

#[test]
fn a_stop_in_the_run_after_a_stop() {
    cases().into_par_iter().for_each(|case| {
        for k in looks(&case)..case.operations {
            let crashed = case.before.clone();
            crashed.set_fault(Fault::Stop(k));
            assert!(case.new.install(&crashed).is_err());
            crashed.restart();
            let whole = crashed.clone();
            whole.set_fault(Fault::None);
            let _ = case.new.decide(&whole);
            let first = whole.operations();
            whole.set_fault(Fault::None);
            case.new.install(&whole).unwrap();
            for j in (first + k % 7..whole.operations()).step_by(7) {
                let again = crashed.clone();
                again.set_fault(Fault::Stop(j));
                assert!(case.new.install(&again).is_err());
                for loss in [Loss::All, Loss::Contents, Loss::Some(9)] {
                    let what = format!("{}, stop at {k}, {loss:?} at {j}", case.name);
                    let disk = again.clone();
                    disk.lose_power(loss);
                    case.check(&disk, &what);
                    Case::check_finished(&case.new, &disk, &what);
                }
            }
        }
    });
}

#[test]
fn two_installs_at_once() {
    let disk = MemoryDisk::new();
    let held = begin_placing(&disk).unwrap();
    let error = tree("1").install(&disk).unwrap_err();
    assert_eq!(error.kind, kpki::error::Kind::Busy);
    drop(held);
    tree("1").install(&disk).unwrap();
}
