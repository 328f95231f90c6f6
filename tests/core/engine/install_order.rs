//! Nodes are installed stage by stage while a root of trust is rotated: after each single change that can be
//! seen, each process may start, by its old manifest as long as the kubelet may not have seen the new one.

use std::cell::Cell;
use std::collections::BTreeMap;

use kpki::engine::{NodeTree, Orders, install, look};
use kpki::facts::{CertificateFacts, Kubeconfig, Part, certificates_in_pem};
use kpki::graph::Graph;
use kpki::install::{Effect, Holds, Wanted, restarts, slots};
use kpki::keys::PrivateKey;
use kpki::name::{NodeName, TreePath};
use kpki::plan::{Allow, Intent};
use kpki::profile::Process;
use kpki::secret::Secret;
use kpki::spec::{Role, Spec};
use kpki::store::Disk as _;
use proptest::prelude::*;

use super::rotation_talks::{At, Distrust, Promote, Rotating, ServingOnly, Start, Trust, rotating};
use crate::testkit::memory_disk::{Fault, MemoryDisk};
use crate::testkit::memory_project::MemoryProject;
use crate::testkit::talks::{Files, Judge, Node, Stage, talks};

/// What each process loads as a pair when it starts: certificate and key.
const PAIRS: [(&str, &str, &str); 8] = [
    ("etcd", "cert-file", "key-file"),
    ("etcd", "peer-cert-file", "peer-key-file"),
    ("kube-apiserver", "tls-cert-file", "tls-private-key-file"),
    ("kube-apiserver", "etcd-certfile", "etcd-keyfile"),
    ("kube-apiserver", "kubelet-client-certificate", "kubelet-client-key"),
    ("kube-apiserver", "proxy-client-cert-file", "proxy-client-key-file"),
    ("kube-controller-manager", "cluster-signing-cert-file", "cluster-signing-key-file"),
    ("kube-controller-manager", "tls-cert-file", "tls-private-key-file"),
];
const MANAGER: &str = "kube-controller-manager";

/// Why a process with this name would exit at its start, with these files of its node.
fn exits(name: &str, node: &Node<'_>) -> Option<String> {
    let flags = node.flags(name)?;
    let values = || flags.values().flatten().filter(|value| value.starts_with("/etc/kubernetes/"));
    if let Some(gone) = values().find(|value| !node.files.contains_key(*value)) {
        return Some(format!("{name}: {gone} is not there"));
    }
    let file = |flag: &str| flags.get(flag).map(|values| node.files[&values[0]].clone());
    for (_, certificate, key) in PAIRS.iter().filter(|(process, ..)| *process == name) {
        let (Some(certificate), Some(key)) = (file(certificate), file(key)) else { continue };
        if let Some(why) = pair_refused(&certificate, &key) {
            return Some(format!("{name}: {why}"));
        }
    }
    // k8s.io/kubernetes/pkg/controller/certificates/signer: "expected 1 certificate, found 2".
    let signs = flags
        .iter()
        .filter(|(flag, _)| flag.starts_with("cluster-signing-") && flag.ends_with("-cert-file"));
    for (flag, values) in signs {
        let count = certificates_in_pem(&node.files[&values[0]]).unwrap().len();
        if count != 1 {
            return Some(format!("{name}: --{flag} names {count} certificates"));
        }
    }
    for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
        if let Some(bytes) = file(flag)
            && let Some(why) = kubeconfig_refused(&bytes)
        {
            return Some(format!("{name}: --{flag} {why}"));
        }
    }
    None
}

fn pair_refused(certificate: &[u8], key: &[u8]) -> Option<String> {
    let all = certificates_in_pem(certificate).unwrap();
    let facts = CertificateFacts::from_der(&all[0]).unwrap();
    let key = PrivateKey::from_pem(key).unwrap();
    let fits = facts.public_key.spki() == key.public_key().spki();
    (!fits).then(|| format!("{} and its key do not fit", facts.subject))
}

fn kubeconfig_refused(bytes: &[u8]) -> Option<String> {
    let config = Kubeconfig::from_yaml(bytes).unwrap();
    let embedded = |part: &Part| match part {
        Part::Embedded(bytes) => Some(bytes.expose().to_vec()),
        _ => None,
    };
    let believes = embedded(&config.certificate_authority).map(|pem| certificates_in_pem(&pem));
    if !matches!(believes, Some(Ok(all)) if !all.is_empty()) {
        return Some("believes nobody".to_owned());
    }
    let certificate = embedded(&config.client_certificate)?;
    pair_refused(&certificate, &embedded(&config.client_key)?)
}

/// A node's tree as `install` hands it out.
fn wanted(project: &MemoryProject, graph: &Graph, node: &NodeName) -> Vec<Wanted> {
    let of = |slot: kpki::install::Slot<'_>| {
        let bytes = Secret::new(project.secret(slot.place.path.as_str()).unwrap());
        Wanted {
            holds: Holds::of(&bytes),
            path: slot.path,
            layer: slot.layer,
            derivation: slot.place.derivation,
            mode: slot.place.mode,
            owner: None,
            secret: slot.place.content.is_secret(),
            bytes,
        }
    };
    slots(graph, node).into_iter().map(of).collect()
}

/// What one run of `install` did.
pub(super) struct Run {
    was_placed: bool,
    /// Every moment that could be seen, and how many of them before the wait.
    moments: Vec<Files>,
    waited_at: Option<usize>,
    writes: usize,
    exchanged: bool,
    pub(super) restarted: Vec<(&'static str, Effect)>,
}

pub(super) fn run(project: &MemoryProject, name: &NodeName, disk: &MemoryDisk) -> Run {
    let (run, is_whole) = try_run(project, name, disk);
    assert!(is_whole);
    run
}

/// What was done, and whether it came to its end.
fn try_run(project: &MemoryProject, name: &NodeName, disk: &MemoryDisk) -> (Run, bool) {
    let opened = project.opened();
    let (spec, graph): (&Spec, &Graph) = (&opened.spec, &opened.graph);
    let files = wanted(project, graph, name);
    let tree = NodeTree { spec, node: name, files: &files };
    disk.watch();
    let waited_at = Cell::new(None);
    let no = |_: &TreePath| false;
    let orders = Orders {
        dry_run: false,
        overwrites: &no,
        puts_back: &no,
        judge: &|_| Ok(()),
        handed_over: &|handover| {
            let flag = "--cluster-signing-cert-file";
            let (old, new) = ("/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/ca-signing.crt");
            assert!(handover.is_old([MANAGER, &format!("{flag}={old}")]));
            assert!(handover.is_old([MANAGER, "--v=2", flag, old]));
            let new = [MANAGER, &format!("{flag}={new}"), &format!("--root-ca-file={old}")];
            assert!(!handover.is_old(new));
            assert!(!handover.is_left_to_operator());
            waited_at.set(Some(disk.seen().len()));
            Ok(())
        },
    };
    let done = look(disk, &tree).and_then(|looked| install(disk, &tree, looked, &orders));
    // What is written beside its target is not seen yet.
    let mut moments: Vec<Files> = Vec::new();
    let mut handed_over_at = None;
    for (index, files) in disk.seen().iter().enumerate() {
        if waited_at.get() == Some(index) {
            handed_over_at = Some(moments.len());
        }
        let now = visible(files);
        if moments.last() != Some(&now) {
            moments.push(now);
        }
    }
    if waited_at.get().is_some() {
        handed_over_at.get_or_insert(moments.len());
    }
    let mut run = Run {
        was_placed: false,
        moments,
        waited_at: handed_over_at,
        writes: 0,
        exchanged: false,
        restarted: Vec::new(),
    };
    let Ok(done) = done else { return (run, false) };
    let host = spec.nodes.iter().find(|node| node.name == *name).unwrap();
    let restarted = restarts(graph, spec, host, &done.state, &done.installation);
    run.restarted = restarted.iter().map(|one| (one.restart.what(), one.effect)).collect();
    run.was_placed = done.was_placed;
    run.writes = done.installation.writes.len();
    run.exchanged = done.installation.exchanged_pair.is_some();
    (run, true)
}

/// As processes name them, and without what is only on its way.
fn visible(files: &Files) -> Files {
    let is_there = |path: &&String| !path.rsplit('/').next().unwrap().starts_with('.');
    let paths = files.keys().filter(is_there);
    paths.map(|path| (format!("/{path}"), files[path].clone())).collect()
}

fn manifest(name: &str) -> String {
    format!("/etc/kubernetes/manifests/{name}.yaml")
}

/// Of each moment: who would exit, by which manifest.
fn failures(before: &Files, run: &Run, node: &str) -> Vec<(usize, String)> {
    let mut failures = Vec::new();
    // By process: every manifest that the kubelet may still start it by.
    let mut known: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    for process in Process::ALL.map(Process::name) {
        known.insert(process, before.get(&manifest(process)).cloned().into_iter().collect());
    }
    for (index, now) in run.moments.iter().enumerate() {
        for (process, manifests) in &mut known {
            if *process == MANAGER && run.waited_at == Some(index) {
                // It was seen to run by the last one.
                manifests.drain(..manifests.len().saturating_sub(1));
            }
            if let Some(own) = now.get(&manifest(process))
                && manifests.last() != Some(own)
            {
                manifests.push(own.clone());
            }
            for own in manifests {
                let mut files = now.clone();
                files.insert(manifest(process), own.clone());
                let why = exits(process, &Node { name: node, files: &files });
                failures.extend(why.map(|why| (index, why)));
            }
        }
        if let Some(conf) = now.get("/etc/kubernetes/kubelet.conf")
            && let Some(why) = kubeconfig_refused(conf)
        {
            failures.push((index, format!("kubelet: {why}")));
        }
    }
    failures
}

/// Before the wait the manifest changes, and after it once more, when what `--root-ca-file` names has both
/// certificates: it is read at the start alone, and goes to every namespace (kube-root-ca.crt).
fn started_anew_with_both(run: &Run) -> [bool; 2] {
    let (before, after) = run.moments.split_at(run.waited_at.unwrap());
    let manager = |files: &Files| files[&manifest(MANAGER)].clone();
    let waited_for = manager(before.last().unwrap());
    let last = after.last().unwrap();
    let changed = after.iter().find(|files| manager(files) != waited_for);
    let has_both = changed.is_some_and(|files| {
        let node = Node { name: "", files };
        let flags = node.flags(MANAGER).unwrap();
        let root = &node.files[&flags["root-ca-file"][0]];
        certificates_in_pem(root).unwrap().len() > 1 && files[&manifest(MANAGER)] == manager(last)
    });
    [manager(&before[0]) != waited_for, has_both]
}

/// Whoever starts at that moment talks to all others, as they are by then.
fn all_talk(run: &Run, node: &str, others: &Files, judge: &mut Judge, what: &str) {
    for moment in &run.moments {
        let mut tree = others.clone();
        let files = moment.iter();
        tree.extend(files.map(|(path, bytes)| (format!("nodes/{node}{path}"), bytes.clone())));
        let stage = Stage::of_files(&tree, &BTreeMap::new());
        let refused = talks(&stage, &stage, judge).refused;
        assert!(refused.is_empty(), "{what}: {:?}", refused.first());
    }
}

fn go(rotating: &Rotating) {
    let mut project = rotating.project();
    project.apply().unwrap();
    let names: Vec<(NodeName, Role)> =
        project.spec().nodes.iter().map(|node| (node.name.clone(), node.role)).collect();
    let disks: Vec<MemoryDisk> = names.iter().map(|_| MemoryDisk::new()).collect();
    for ((name, _), disk) in names.iter().zip(&disks) {
        assert!(run(&project, name, disk).was_placed);
    }
    for step in 1..rotating.steps() {
        let (from, to) = (rotating.stage(step - 1), rotating.stage(step));
        let words = from.iter().zip(&to).filter_map(|((root, one), (_, other))| {
            one.word(*other).map(|stage| format!("{stage}:{root}"))
        });
        let allow = words.map(|word| word.parse::<Allow>().unwrap()).collect();
        project.description = rotating.description(step);
        project.apply_with(&Intent { allow, all: true, ..Intent::default() }, true).unwrap();
        let of = |stages: &[(&str, At)]| {
            stages.iter().find(|(root, _)| *root == "ca/kubernetes").map(|(_, at)| *at)
        };
        let (was, is) = (of(&from), of(&to));
        let mut judge = Judge::at(project.now);
        for ((name, role), disk) in names.iter().zip(&disks) {
            let what = format!("{from:?} -> {to:?} on {name}\n{}", project.description);
            let before = visible(&disk.files());
            let done = run(&project, name, disk);
            let failures = failures(&before, &done, name.as_str());
            let (manages, runs) =
                (*role == Role::ControlPlane, before.contains_key(&manifest(MANAGER)));
            // Between the certificate and the key that the cluster signs with, and nowhere else.
            let exchanges = manages
                && runs
                && matches!((was, is), (Some(Trust), Some(Promote)) | (Some(Promote), Some(Trust)));
            let moments: Vec<usize> = failures.iter().map(|(at, _)| *at).collect();
            if exchanges {
                assert!(failures.iter().all(|(_, why)| why.starts_with(MANAGER)), "{what}");
                assert!(moments.iter().all(|at| *at == moments[0]), "{failures:?}\n{what}");
                assert!(!moments.is_empty(), "{what}");
            } else {
                assert!(failures.is_empty(), "{failures:?}\n{what}");
            }
            assert_eq!(done.exchanged, exchanges, "{what}");
            let grows = manages && matches!((was, is), (Some(Start), Some(Trust)));
            assert_eq!(done.waited_at.is_some(), grows, "{what}");
            if grows && runs {
                assert_eq!(started_anew_with_both(&done), [true, true], "{what}");
            }
            let others = names.iter().zip(&disks).filter(|((other, _), _)| other != name);
            let others = others.flat_map(|((other, _), disk)| {
                let files = visible(&disk.files()).into_iter();
                files.map(move |(path, bytes)| (format!("nodes/{other}{path}"), bytes))
            });
            all_talk(&done, name.as_str(), &others.collect(), &mut judge, &what);

            // What was only kept for pods that are gone by now goes with the next run, and that is all.
            let before = visible(&disk.files());
            let second = run(&project, name, disk);
            let shrinks = match (was, is) {
                (Some(Promote), Some(Distrust | ServingOnly))
                | (Some(Trust), Some(Start))
                | (Some(ServingOnly), Some(Distrust)) => runs,
                _ => false,
            };
            assert_eq!(second.was_placed, shrinks && manages, "{what}");
            assert_eq!((second.writes, second.restarted.len()), (0, 0), "{what}");
            assert_eq!(self::failures(&before, &second, name.as_str()), [], "{what}");
            assert!(!run(&project, name, disk).was_placed, "{what}");
            let tree = wanted(&project, &project.opened().graph, name).into_iter();
            let mut there = disk.files();
            there.remove(kpki::store::RECORD);
            let tree: Files =
                tree.map(|file| (file.path.to_string(), file.bytes.expose().to_vec())).collect();
            assert!(there == tree, "{what}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn each_process_may_start_at_any_moment(mut rotating in rotating()) {
        // The pair of such a kubelet is no file of kpki's.
        rotating.self_rotated = false;
        go(&rotating);
    }
}

/// The first stage of the cluster CA on one node, stopped at operation after operation: the next run goes
/// on, and in the meantime each process may start.
#[test]
fn a_stop_at_any_operation_of_the_handover() {
    let described = |keypairs: &str| {
        format!(
            "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.1\"\nca \"kubernetes\" {{ {keypairs} }}\n"
        )
    };
    let cp1: NodeName = "cp1".parse().unwrap();
    for (keypairs, word) in [
        (r#"keypair 1; keypair 2 state="trusted""#, vec!["trust"]),
        // The node misses a stage.
        (r#"keypair 1 state="trusted"; keypair 2"#, vec!["trust", "promote"]),
    ] {
        let mut project = MemoryProject::applied(&described("keypair 1"));
        let first = MemoryDisk::new();
        run(&project, &cp1, &first);
        first.sync_all().unwrap();
        let before = visible(&first.files());
        for word in &word {
            let keypairs =
                if *word == "trust" { r#"keypair 1; keypair 2 state="trusted""# } else { keypairs };
            project.description = described(keypairs);
            let allow: Vec<Allow> = vec![format!("{word}:ca/kubernetes").parse().unwrap()];
            project.apply_with(&Intent { allow, all: true, ..Intent::default() }, true).unwrap();
        }
        let whole = first.clone();
        whole.set_fault(Fault::None);
        run(&project, &cp1, &whole);
        let operations = whole.operations();
        assert!(operations > 100, "{operations}");
        // Then its signing pair changes, too, with one moment between certificate and key.
        let is_exchanged = word.len() > 1;
        for k in (0..operations).step_by(7) {
            let disk = first.clone();
            disk.set_fault(Fault::Stop(k));
            let (stopped, is_whole) = try_run(&project, &cp1, &disk);
            assert!(!is_whole, "{k}");
            let failed = failures(&before, &stopped, "cp1");
            assert!(is_exchanged || failed.is_empty(), "at {k}: {failed:?}");
            disk.restart();
            let again = visible(&disk.files());
            let done = run(&project, &cp1, &disk);
            let failed = failures(&again, &done, "cp1");
            assert!(is_exchanged || failed.is_empty(), "at {k}: {failed:?}");
            assert!(visible(&disk.files()) == visible(&whole.files()), "at {k}");
        }
    }
}
