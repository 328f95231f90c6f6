//! What an install decides, as values: tables, and what holds for any node whatever lies there.

use std::collections::{BTreeMap, BTreeSet};

use kpki::algorithm::KeyAlgorithm;
use kpki::config;
use kpki::graph::{FilePart, Graph};
use kpki::install::{
    Fingerprint, Holds, Layer, Permission, Reason, Record, Recorded, Wanted, install, slots,
};
use kpki::name::{NodeName, TreePath};
use kpki::secret::Secret;
use kpki::sources::Sources;
use kpki::spec::Spec;
use kpki::state::{NodeFile, NodeState};
use proptest::prelude::*;

use super::node::LAB;
use crate::testkit::{FolderProject, generate};

pub fn spec() -> Spec {
    let files = BTreeMap::from([("cluster.kdl".to_owned(), LAB.as_bytes().to_vec())]);
    let loaded = config::load(&Sources::Memory(files), "cluster.kdl", None);
    loaded.map_err(|report| report.render(false)).unwrap().spec
}

pub fn graph() -> Graph {
    Graph::derive(&spec())
}

pub fn name() -> NodeName {
    "cp1".parse().unwrap()
}

/// Every path that a static pod's command line names has its file in an earlier layer.
#[test]
fn a_manifest_comes_after_every_file_that_it_names() {
    let project = FolderProject::described(LAB).applied();
    let graph = graph();
    let slots = slots(&graph, &name());
    assert!(slots.is_sorted_by_key(|slot| slot.layer));
    let layer = |path: &str| {
        let slot = slots.iter().find(|slot| format!("/{}", slot.path) == path);
        slot.map(|slot| slot.layer)
    };
    let mut named = 0;
    for slot in slots.iter().filter(|slot| slot.layer == Layer::Manifest) {
        let text = project.read(slot.place.path.as_str());
        for path in text.lines().filter_map(|line| line.split_once("=/etc/kubernetes/")) {
            let path = format!("/etc/kubernetes/{}", path.1);
            assert!(layer(&path).unwrap() < Layer::Manifest, "{path}");
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
    let config = project.read("nodes/cp1/var/lib/kubelet/config.yaml");
    for path in config.lines().filter_map(|line| line.split_once(": /etc/kubernetes/pki/")) {
        let path = format!("/etc/kubernetes/pki/{}", path.1);
        assert_eq!(layer(&path), Some(Layer::Pki), "{path}");
    }
    for slot in &slots {
        let kubeconfig = slot.place.content == FilePart::Kubeconfig;
        assert_eq!(kubeconfig, slot.layer == Layer::Kubeconfig, "{}", slot.path);
    }
}

/// A number's text or key: small worlds in which files often meet.
struct Things {
    texts: Vec<Secret>,
    keys: Vec<Secret>,
}

const PATHS: [(&str, Layer, bool); 6] = [
    ("etc/kubernetes/pki/a.crt", Layer::Pki, false),
    ("etc/kubernetes/pki/a.key", Layer::Pki, true),
    ("etc/kubernetes/pki/b.key", Layer::Pki, true),
    ("etc/kubernetes/x.conf", Layer::Kubeconfig, true),
    ("var/lib/kubelet/config.yaml", Layer::KubeletConfig, false),
    ("etc/kubernetes/manifests/p.yaml", Layer::Manifest, false),
];

impl Things {
    fn new() -> Self {
        let text = |n: u8| Secret::new(format!("text {n}\n").into_bytes());
        let key = |_| generate(KeyAlgorithm::EcdsaP256).to_pem();
        Things { texts: (0..3).map(text).collect(), keys: (0..3).map(key).collect() }
    }

    fn get(&self, is_key: bool, n: usize) -> Secret {
        let all = if is_key { &self.keys } else { &self.texts };
        all[n % 3].clone()
    }
}

fn wanted(things: &Things, graph: &Graph, choice: &[Option<usize>]) -> Vec<Wanted> {
    let each = PATHS.iter().zip(choice);
    each.filter_map(|((path, layer, secret), choice)| {
        let bytes = things.get(*secret, (*choice)?);
        Some(Wanted {
            path: TreePath::of(path),
            layer: *layer,
            derivation: graph.ids().next().unwrap(),
            mode: if *secret { 0o600 } else { 0o644 },
            owner: None,
            secret: *secret,
            holds: Holds::of(&bytes),
            bytes,
        })
    })
    .collect()
}

fn no(_: &TreePath) -> bool {
    false
}

/// Carries out on a model what was decided; `None` where it needs permission.
fn carry_out(
    things: &[Wanted],
    node: &mut NodeState,
    record: &mut Option<Record>,
    allowed: bool,
) -> Option<()> {
    let done =
        install(&"lab".parse().unwrap(), &name(), things, node, record.as_ref(), &|_| allowed);
    if !done.keys_at_risk.is_empty() {
        return None;
    }
    let writes: Vec<(TreePath, NodeFile)> = done
        .writes
        .iter()
        .map(|write| {
            let file = NodeFile {
                mode: write.file.mode,
                own: true,
                owner: None,
                bytes: write.file.bytes.clone(),
            };
            (write.file.path.clone(), file)
        })
        .collect();
    let removals: Vec<TreePath> = done.removals.iter().map(|(_, path)| path.clone()).collect();
    node.folders.extend(done.folders.clone());
    *record = Some(done.afterwards);
    for path in removals {
        node.files.remove(&path);
    }
    node.files.extend(writes);
    Some(())
}

#[derive(Debug, Clone)]
enum Event {
    Install(Vec<Option<usize>>, bool),
    /// Somebody writes a file, or deletes it.
    Foreign(usize, Option<usize>),
    Mode(usize, u32),
    LoseRecord,
}

fn event() -> impl Strategy<Value = Event> {
    let choice = prop::collection::vec(prop::option::of(0..3_usize), PATHS.len());
    prop_oneof![
        4 => (choice, any::<bool>()).prop_map(|(choice, allowed)| Event::Install(choice, allowed)),
        3 => (0..PATHS.len(), prop::option::of(0..3_usize)).prop_map(|(at, n)| Event::Foreign(at, n)),
        1 => (0..PATHS.len(), prop::sample::select(vec![0o600, 0o644, 0o666])).prop_map(|(at, mode)| Event::Mode(at, mode)),
        1 => Just(Event::LoseRecord),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_on_the_node(events in prop::collection::vec(event(), 1..12)) {
        let (things, graph) = (Things::new(), graph());
        let (mut node, mut record) = (NodeState::default(), None);
        // By hand: what kpki put there last. A file with these very bytes is taken for that one.
        let mut ours: BTreeMap<TreePath, Vec<u8>> = BTreeMap::new();
        for event in events {
            match event {
                Event::Foreign(at, Some(n)) => {
                    let (path, _, secret) = PATHS[at];
                    let bytes = things.get(secret, n);
                    let path = TreePath::of(path);
                    node.files.insert(path, NodeFile { mode: 0o600, own: false, owner: None, bytes });
                }
                Event::Foreign(at, None) => {
                    node.files.remove(PATHS[at].0);
                }
                Event::Mode(at, mode) => {
                    if let Some(file) = node.files.get_mut(PATHS[at].0) {
                        file.mode = mode;
                    }
                }
                Event::LoseRecord => {
                    record = None;
                    ours.clear();
                }
                Event::Install(choice, allowed) => {
                    let wanted = wanted(&things, &graph, &choice);
                    let before: BTreeMap<TreePath, Vec<u8>> = node
                        .files
                        .iter()
                        .map(|(path, file)| (path.clone(), file.bytes.expose().to_vec()))
                        .collect();
                    let described: BTreeSet<&TreePath> = wanted.iter().map(|file| &file.path).collect();
                    let foreign_key = wanted.iter().any(|file| {
                        let old = before.get(&file.path);
                        file.secret
                            && old.is_some_and(|old| old != file.bytes.expose() && ours.get(&file.path) != Some(old))
                    });
                    let carried = carry_out(&wanted, &mut node, &mut record, allowed);
                    // A key is lost only where somebody said so.
                    prop_assert_eq!(carried.is_none(), foreign_key && !allowed);
                    if carried.is_none() {
                        continue;
                    }
                    for file in &wanted {
                        let now = &node.files[&file.path];
                        prop_assert!(now.bytes.expose() == file.bytes.expose());
                        prop_assert!(now.mode == file.mode && now.own);
                    }
                    for (path, bytes) in &before {
                        let stays = node.files.contains_key(path);
                        let is_ours = ours.get(path) == Some(bytes);
                        prop_assert_eq!(stays, described.contains(path) || !is_ours, "{}", path);
                    }
                    ours = wanted
                        .iter()
                        .map(|file| (file.path.clone(), file.bytes.expose().to_vec()))
                        .collect();
                    let again = install(&"lab".parse().unwrap(), &name(), &wanted, &node, record.as_ref(), &no);
                    prop_assert!(again.is_empty());
                    prop_assert_eq!(again.unchanged, wanted.len());
                    // The record is public: none of the keys is in it.
                    let text = record.as_ref().unwrap().json();
                    prop_assert_eq!(&Record::parse(text.as_bytes()).unwrap(), record.as_ref().unwrap());
                }
            }
        }
    }
}

/// Which thing lies there, its mode and whether it is our own.
type There = Option<(usize, u32, bool)>;
/// A path, what lies there, the record, why it is written, whether a key is at risk.
type Row = (&'static str, There, Option<Record>, Option<Reason>, bool);

#[test]
fn reasons_one_by_one() {
    let (things, graph) = (Things::new(), graph());
    let choice = [Some(0), Some(0), None, None, None, None];
    let files = wanted(&things, &graph, &choice);
    let recorded = |n: usize, is_key: bool, path: &str| Record {
        cluster: "lab".parse().unwrap(),
        node: "cp1".parse().unwrap(),
        files: BTreeSet::from([Recorded {
            path: TreePath::of(path),
            layer: Layer::Pki,
            print: Holds::of(&things.get(is_key, n)).fingerprint().unwrap(),
        }]),
    };
    let (crt, key) = (PATHS[0].0, PATHS[1].0);
    let right = (0, 0o600, true);
    let table: [Row; 10] = [
        (key, None, None, Some(Reason::New), false),
        (key, Some(right), None, None, false),
        (key, Some((0, 0o644, true)), None, Some(Reason::Attributes), false),
        (key, Some((0, 0o600, false)), None, Some(Reason::Attributes), false),
        (key, Some((1, 0o600, true)), Some(recorded(1, true, key)), Some(Reason::Outdated), false),
        (key, Some((1, 0o600, true)), Some(recorded(2, true, key)), Some(Reason::Foreign), true),
        (key, Some((1, 0o600, true)), Some(recorded(1, true, crt)), Some(Reason::Foreign), true),
        (key, Some((1, 0o600, true)), None, Some(Reason::Foreign), true),
        (crt, Some((1, 0o644, true)), None, Some(Reason::Foreign), false),
        (crt, Some((1, 0o644, true)), Some(recorded(1, false, crt)), Some(Reason::Outdated), false),
    ];
    for (index, (path, there, record, reason, at_risk)) in table.into_iter().enumerate() {
        let mut node = NodeState::default();
        let path = TreePath::of(path);
        if let Some((n, mode, own)) = there {
            let bytes = things.get(path.as_str() == key, n);
            node.files.insert(path.clone(), NodeFile { mode, own, owner: None, bytes });
        }
        let done = install(&"lab".parse().unwrap(), &name(), &files, &node, record.as_ref(), &no);
        let found = done.writes.iter().find(|write| write.file.path == path);
        assert_eq!(found.map(|write| write.reason), reason, "row {index}");
        assert_eq!(done.keys_at_risk.contains(&path), at_risk, "row {index}");
        let allow: Permission = format!("overwrite:/{path}").parse().unwrap();
        let done =
            install(&"lab".parse().unwrap(), &name(), &files, &node, record.as_ref(), &|path| {
                allow.overwrites(path)
            });
        assert!(done.keys_at_risk.is_empty(), "row {index}");
    }
}

/// What is written down of a file knows it again and tells no secret of it.
#[test]
fn fingerprints() {
    let project = FolderProject::described(LAB).applied();
    let read = |path: &str| Secret::new(project.read(path).into_bytes());
    let config = "nodes/cp1/etc/kubernetes/scheduler.conf";
    let (key, other) = (read("ca/kubernetes.key"), read("ca/etcd.key"));
    let print = |bytes: &Secret| Holds::of(bytes).fingerprint();
    assert_ne!(print(&key), print(&other));
    let public = |holds| match holds {
        Holds::Key { key, .. } => key,
        other => panic!("{other:?}"),
    };
    // The key's own digest is that of cluster.lock, which is public.
    let lock = project.text("cluster.lock");
    assert!(lock.contains(&public(Holds::of(&key)).to_string()));
    assert!(lock.contains(&public(Holds::of(&read(config))).to_string()));
    let text = project.read(config);
    for (what, changed) in [
        ("server", text.replace("https://10.0.0.11", "https://10.0.0.12")),
        ("one more line", format!("{text}# mine\n")),
        ("user", text.replace("system:kube-scheduler", "system:kube-schedules")),
    ] {
        assert_ne!(changed, text, "{what}");
        assert_ne!(print(&Secret::new(changed.into_bytes())), print(&read(config)), "{what}");
    }
    let size = text.len() as u64;
    assert!(matches!(print(&read(config)), Some(Fingerprint { size: told, .. }) if told == size));
    let broken = text.replace("client-key-data: ", "client-key-data: x");
    assert_eq!(print(&Secret::new(broken.into_bytes())), None);
}

#[test]
fn permissions() {
    let allow = |text: &str| text.parse::<Permission>();
    for text in ["other-host:vm", "other-cluster:prod", "overwrite:/etc/kubernetes/pki/ca.key"] {
        assert_eq!(allow(text).unwrap().to_string(), text);
    }
    assert_eq!(allow("overwrite:etc/a").unwrap().to_string(), "overwrite:/etc/a");
    for text in ["", "other-host", "other-host:", "overwrite:", "overwrite:../a", "replace:ca/etcd"]
    {
        assert!(allow(text).is_err(), "{text}");
    }
    let path = TreePath::of("etc/kubernetes/pki/ca.key");
    for (text, expected) in [
        ("overwrite:/etc/kubernetes/pki/ca.key", true),
        ("overwrite:/etc/kubernetes/*", true),
        ("overwrite:/etc/kubernetes/pki", false),
        ("overwrite:/etc/kub/*", false),
        ("other-host:etc/kubernetes/pki/ca.key", false),
    ] {
        assert_eq!(allow(text).unwrap().overwrites(&path), expected, "{text}");
    }
}
