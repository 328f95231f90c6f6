//! Every operation of an install fails, is killed or loses power in turn: each file is the old one or the new
//! one, no manifest is there before what it names, no file is left beside another, and the next run finishes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kpki::algorithm::KeyAlgorithm;
use kpki::engine::{Installed, Looked, NodeTree, Orders, install, look};
use kpki::error::Result;
use kpki::graph::{DerivationId, Graph};
use kpki::install::{Holds, Layer, Wanted};
use kpki::name::{NodeName, TreePath};
use kpki::secret::Secret;
use kpki::spec::Spec;
use kpki::store::{Disk, EntryKind, RECORD, begin_placing};
use rayon::prelude::*;

use super::decide::{graph, name, spec};
use crate::testkit::generate;
use crate::testkit::memory_disk::{Fault, Loss, MemoryDisk};

static SPEC: LazyLock<Spec> = LazyLock::new(spec);
static NODE: LazyLock<NodeName> = LazyLock::new(name);

struct Tree(Vec<Wanted>);

fn file(graph: &Graph, layer: Layer, path: &str, bytes: Secret) -> Wanted {
    let derivation: DerivationId = graph.ids().next().unwrap();
    Wanted {
        path: TreePath::of(path),
        layer,
        derivation,
        mode: 0o600,
        owner: None,
        secret: path.ends_with(".key"),
        holds: Holds::of(&bytes),
        bytes,
    }
}

/// In two versions, of which the second has no scheduler and no proxy.
fn tree(version: &str) -> Tree {
    let graph = graph();
    let text = |what: &str| Secret::new(format!("{what} {version}").into_bytes());
    let pod = |name: &str| {
        Secret::new(
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: kube-system\nspec:\n  \
                 containers:\n  - name: {name}\n    image: registry.k8s.io/{name}:{version}\n    command:\n    - {name}\n"
            )
            .into_bytes(),
        )
    };
    let key = generate(KeyAlgorithm::EcdsaP256).to_pem();
    let folder = "etc/kubernetes";
    let mut files = vec![
        file(&graph, Layer::Pki, &format!("{folder}/pki/ca.crt"), text("ca")),
        file(&graph, Layer::Pki, &format!("{folder}/pki/etcd/server.key"), key),
        file(&graph, Layer::Kubeconfig, &format!("{folder}/scheduler.conf"), text("conf")),
        file(&graph, Layer::KubeletConfig, "var/lib/kubelet/config.yaml", text("kubelet")),
        file(&graph, Layer::Manifest, &format!("{folder}/manifests/etcd.yaml"), pod("etcd")),
    ];
    if version == "1" {
        for (layer, path) in [(Layer::Pki, "pki/old.crt"), (Layer::Kubeconfig, "kube-proxy.conf")] {
            files.push(file(&graph, layer, &format!("{folder}/{path}"), text(path)));
        }
        let path = format!("{folder}/manifests/kube-scheduler.yaml");
        files.push(file(&graph, Layer::Manifest, &path, pod("kube-scheduler")));
    }
    files.sort_by(|a, b| (a.layer, &a.path).cmp(&(b.layer, &b.path)));
    Tree(files)
}

impl Tree {
    /// What is read before the node's lock is taken is not what is tested.
    fn look(&self, disk: &impl Disk) -> Looked {
        look(disk, &self.of_node()).unwrap()
    }

    fn of_node(&self) -> NodeTree<'_> {
        NodeTree { spec: &SPEC, node: &NODE, files: &self.0 }
    }

    fn install(&self, disk: &impl Disk) -> Result<Installed<'_>> {
        let no = &|_: &TreePath| false;
        let orders = Orders {
            dry_run: false,
            overwrites: no,
            puts_back: no,
            judge: &|_| Ok(()),
            handed_over: &|_| Ok(()),
        };
        let done = install(disk, &self.of_node(), self.look(disk), &orders)?;
        // Whatever happened before: no file on the node is taken for somebody else's.
        assert_eq!(done.installation.kept, Vec::<TreePath>::new());
        Ok(done)
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
        assert!(!tree.install(disk).unwrap().was_placed, "{what}: something was left to do");
    }
}

/// The operations of an install begin with those that only look.
fn looks(case: &Case) -> usize {
    let disk = case.before.clone();
    disk.set_fault(Fault::None);
    case.new.look(&disk);
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
            case.new.look(&whole);
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
    let error = tree("1").install(&disk).err().unwrap();
    assert_eq!(error.kind, kpki::error::Kind::Busy);
    drop(held);
    tree("1").install(&disk).unwrap();
}
