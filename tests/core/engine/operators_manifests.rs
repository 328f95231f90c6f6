//! `manifests "DIR"`: the operator's own static pods, patched as little as possible.

use std::collections::BTreeMap;

use kpki::plan::Intent;
use kpki::sources::Sources;

use crate::testkit::memory_project::{MemoryProject, Planned, Tree};

pub(super) const NODES: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "cp2" role="control-plane" address="10.0.0.12"
"#;
const DIGEST: &str = "kpki.dev/restart-digest: ";
const PROCESSES: [&str; 4] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

pub(super) fn placed(project: &MemoryProject, node: &str, process: &str) -> String {
    let path = format!("nodes/{node}/etc/kubernetes/manifests/{process}.yaml");
    let (bytes, mode) = &project.out[&path];
    assert_eq!(*mode, 0o600, "{path}");
    String::from_utf8(bytes.clone()).unwrap()
}

/// Manifests in kubeadm's shape, a folder a node, as somebody has them who never heard of kpki.
pub(super) fn kubeadm_like() -> BTreeMap<String, Vec<u8>> {
    let mut own = MemoryProject::new(NODES);
    own.apply().unwrap();
    let mut files = BTreeMap::new();
    for node in ["cp1", "cp2"] {
        for process in PROCESSES {
            let text = placed(&own, node, process);
            let lines = text.split_inclusive('\n');
            let without: String = lines.filter(|line| !line.contains(DIGEST)).collect();
            let text = without.replace("  annotations:\n  labels:", "  labels:");
            files.insert(format!("manifests/{node}/{process}.yaml"), text.into_bytes());
        }
    }
    files
}

pub(super) fn with_manifests(extra: BTreeMap<String, Vec<u8>>, more: &str) -> MemoryProject {
    let mut project = MemoryProject::new(&format!("{NODES}manifests \"manifests/\"\n{more}"));
    project.extra.extend(extra);
    project
}

/// Lines that only `new` has; every line of `old` must be there, in order.
fn added(old: &str, new: &str) -> Vec<String> {
    let mut rest = old.split_inclusive('\n').peekable();
    let mut more = Vec::new();
    for line in new.split_inclusive('\n') {
        if rest.peek() == Some(&line) {
            rest.next();
        } else {
            more.push(line.to_owned());
        }
    }
    assert_eq!(rest.next(), None, "a line is gone\n{new}");
    more
}

fn restarts(planned: &Planned) -> Vec<String> {
    let restarts = planned.plan.restarts.iter();
    let mut names: Vec<String> =
        restarts.map(|restart| format!("{} {:?}", restart.node, restart.reader)).collect();
    names.sort();
    names
}

#[test]
fn unchanged_input_gains_one_annotation_and_nothing_else() {
    let files = kubeadm_like();
    let mut project = with_manifests(files.clone(), "");
    project.apply().unwrap();
    for (path, source) in &files {
        let (node, file) =
            path.strip_prefix("manifests/").and_then(|path| path.split_once('/')).unwrap();
        let source = String::from_utf8(source.clone()).unwrap();
        let more = added(&source, &placed(&project, node, file.trim_end_matches(".yaml")));
        let more: Vec<&str> = more.iter().map(|line| line.trim()).collect();
        let expected = if source.contains("  annotations:\n") {
            1
        } else {
            assert_eq!(more[0], "annotations:", "{path}");
            2
        };
        assert_eq!(more.len(), expected, "{path}: {more:?}");
        assert!(more[expected - 1].starts_with(DIGEST), "{path}: {more:?}");
    }
    assert!(project.plan().steps().is_empty());
    // What was read is not what is written: a second run patches the source again, not its own output.
    project.lock = None;
    let before = project.out.clone();
    project.apply().unwrap();
    assert_eq!(project.out, before, "a rebuilt lock changes no manifest");
}

/// The operator takes kpki's own pods over, to change them later.
#[test]
fn taking_over_the_same_pods_restarts_nothing() {
    let files = kubeadm_like();
    let mut project = MemoryProject::new(NODES);
    project.apply().unwrap();
    let before = project.out.clone();
    project.description.push_str("manifests \"manifests/\"\n");
    project.extra.extend(files);
    let planned = project.plan();
    assert_eq!(restarts(&planned), [""; 0]);
    project.apply().unwrap();
    // A manifest of the operator's has the annotation after theirs; keys have no order.
    let sorted = |project: &Tree| -> Vec<(String, Vec<String>)> {
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let files = project.iter();
        files.map(|(path, (bytes, _))| (path.clone(), lines(bytes))).collect()
    };
    assert_eq!(sorted(&project.out), sorted(&before));
}

#[test]
fn one_changed_flag_is_one_changed_line() {
    let mut files = kubeadm_like();
    let path = "manifests/cp1/kube-scheduler.yaml";
    let source = String::from_utf8(files[path].clone()).unwrap();
    let elsewhere = source
        .replace("--kubeconfig=/etc/kubernetes/scheduler.conf", "--kubeconfig=/srv/scheduler.conf");
    assert_ne!(source, elsewhere);
    files.insert(path.to_owned(), elsewhere.clone().into_bytes());
    let mut project = with_manifests(files, "");
    project.apply().unwrap();
    let result = placed(&project, "cp1", "kube-scheduler");
    let pairs = elsewhere.lines().filter(|line| !result.contains(line));
    assert_eq!(pairs.collect::<Vec<_>>(), ["    - --kubeconfig=/srv/scheduler.conf"]);
    let back = result
        .replace("--kubeconfig=/etc/kubernetes/scheduler.conf", "--kubeconfig=/srv/scheduler.conf");
    assert_eq!(added(&elsewhere, &back).len(), 2, "the annotation");

    // And so is a flag that the description gives.
    project.description.push_str("component \"scheduler\" { flag \"leader-elect\" #false; }\n");
    let planned = project.plan();
    assert_eq!(
        planned.rebuilt_steps(),
        ["Render nodes/cp1/manifests/kube-scheduler", "Render nodes/cp2/manifests/kube-scheduler"]
    );
    assert_eq!(restarts(&planned), ["cp1 Pod(Scheduler)", "cp2 Pod(Scheduler)"]);
    let before = placed(&project, "cp2", "kube-scheduler");
    project.apply().unwrap();
    let after = placed(&project, "cp2", "kube-scheduler");
    assert_eq!(after, before.replace("--leader-elect=true", "--leader-elect=false"));
}

/// To the kubelet a comment is nothing: the pod stays.
#[test]
fn a_changed_comment_restarts_nothing() {
    let mut project = with_manifests(kubeadm_like(), "");
    project.apply().unwrap();
    let path = "manifests/cp2/etcd.yaml";
    let source = String::from_utf8(project.extra[path].clone()).unwrap();
    let commented = source.replace("    - etcd\n", "    - etcd # ours\n");
    assert_ne!(source, commented);
    project.extra.insert(path.to_owned(), commented.into_bytes());
    let planned = project.plan();
    assert_eq!(planned.rebuilt_steps(), ["Render nodes/cp2/manifests/etcd"]);
    assert_eq!(restarts(&planned), [""; 0]);
    project.apply().unwrap();
    assert!(placed(&project, "cp2", "etcd").contains("    - etcd # ours\n"));
    assert!(project.plan().steps().is_empty());

    // An argument is not a comment.
    let source = source.replace("--snapshot-count=10000", "--snapshot-count=5000");
    project.extra.insert(path.to_owned(), source.into_bytes());
    assert_eq!(restarts(&project.plan()), ["cp2 Pod(Etcd)"]);
}

#[test]
fn what_a_process_reads_at_its_start_restarts_it() {
    let mut project = with_manifests(kubeadm_like(), "");
    project.apply().unwrap();
    let intent = Intent { renew: vec!["ca/etcd".parse().unwrap()], ..Intent::default() };
    let planned = project.plan_with(&intent);
    assert_eq!(
        restarts(&planned),
        ["cp1 Pod(Apiserver)", "cp1 Pod(Etcd)", "cp2 Pod(Apiserver)", "cp2 Pod(Etcd)"]
    );
}

/// The nodes' own folder first, then the shared file; what is in neither is not written, and that is said.
#[test]
fn a_nodes_folder_wins_and_the_missing_is_named() {
    let mut files = kubeadm_like();
    let shared = files.remove("manifests/cp2/kube-scheduler.yaml").unwrap();
    files.remove("manifests/cp1/kube-scheduler.yaml");
    let own = String::from_utf8(shared.clone()).unwrap().replace("cpu: 100m", "cpu: 200m");
    files.insert("manifests/kube-scheduler.yaml".into(), shared);
    files.insert("manifests/cp1/kube-scheduler.yaml".into(), own.into_bytes());
    files.remove("manifests/cp2/kube-controller-manager.yaml");
    let mut project = with_manifests(files, "");
    project.apply().unwrap();
    assert!(placed(&project, "cp1", "kube-scheduler").contains("cpu: 200m"));
    assert!(placed(&project, "cp2", "kube-scheduler").contains("cpu: 100m"));
    let manager = "etc/kubernetes/manifests/kube-controller-manager.yaml";
    assert!(project.out.contains_key(&format!("nodes/cp1/{manager}")));
    assert!(!project.out.contains_key(&format!("nodes/cp2/{manager}")));
    let notes = notes(&project);
    let said =
        "kube-controller-manager.yaml is not in manifests/: nothing is written for it on cp2";
    assert!(notes.iter().any(|note| note == said), "{notes:?}");
}

pub(super) fn notes(project: &MemoryProject) -> Vec<String> {
    let mut files = project.extra.clone();
    files.insert("cluster.kdl".into(), project.description.clone().into_bytes());
    let loaded = kpki::config::load(&Sources::Memory(files), "cluster.kdl", None);
    let mut notes = loaded.unwrap().notes;
    let members = "etcd has 2 members: an even number tolerates no more failures than 1";
    notes.retain(|note| note != members);
    notes
}

/// What is legal and somebody should know, with its place.
#[test]
fn what_deserves_a_look_is_said() {
    let mut files = kubeadm_like();
    let mut edit = |path: &str, from: &str, to: &str| {
        let text = String::from_utf8(files[path].clone()).unwrap();
        assert!(text.contains(from), "{path} lacks {from}");
        files.insert(path.to_owned(), text.replace(from, to).into_bytes());
    };
    let apiserver = "manifests/cp1/kube-apiserver.yaml";
    edit(apiserver, "--authorization-mode=Node,RBAC", "--authorization-mode=AlwaysAllow");
    edit(apiserver, "--allow-privileged=true", "--anonymous-auth=true");
    edit(apiserver, "--advertise-address=10.0.0.11", "--advertise-address=10.0.0.12");
    edit(
        apiserver,
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-allowed-names=aggregator",
    );
    edit(apiserver, "--enable-bootstrap-token-auth=true", "--audit-policy-file=/srv/audit.yaml");
    let tls = "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt";
    edit(apiserver, tls, "--tls-cert-file=/srv/tls.crt");
    edit("manifests/cp2/kube-apiserver.yaml", "    - --authorization-mode=Node,RBAC\n", "");
    edit("manifests/cp2/etcd.yaml", "    - --client-cert-auth=true\n", "");
    let line = |path: &str, what: &str| {
        let text = String::from_utf8(files[path].clone()).unwrap();
        1 + text.lines().position(|line| line.contains(what)).unwrap()
    };
    let at = |what: &str| format!("{apiserver}:{}: ", line(apiserver, what));
    let expected = [
        at("authorization-mode") + "--authorization-mode=AlwaysAllow allows everybody everything",
        at("anonymous-auth")
            + "--anonymous-auth=true: requests without a certificate or token are authorized as system:anonymous",
        at("advertise-address=") + "--advertise-address=10.0.0.12 is no address of cp1",
        at("requestheader-allowed-names")
            + "--requestheader-allowed-names changed from aggregator to aggregator,front-proxy-client",
        at("audit-policy-file")
            + "--audit-policy-file names /srv/audit.yaml, which is on no mount: the process sees there what its image has",
        at("tls-cert-file")
            + "--tls-cert-file changed from /srv/tls.crt to /etc/kubernetes/pki/apiserver.crt",
        "manifests/cp2/kube-apiserver.yaml: without --authorization-mode everybody is allowed everything"
            .to_owned(),
        "manifests/cp2/etcd.yaml: without --client-cert-auth=true etcd asks clients for certificates only because it has a file of trusted CAs"
            .to_owned(),
    ];
    let project = with_manifests(files, "");
    let mut found = notes(&project);
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    // kubeadm's own deserve no look.
    assert_eq!(notes(&with_manifests(kubeadm_like(), "")), [""; 0]);
}

/// Keys and kubeconfigs are of root, with mode 0600.
#[test]
fn a_process_of_another_user_is_told() {
    let path = "manifests/cp1/kube-scheduler.yaml";
    for (context, is_told) in [
        ("runAsUser: 65534", true),
        ("runAsNonRoot: true", true),
        ("runAsUser: 0", false),
        ("fsGroup: 9", false),
    ] {
        let mut files = kubeadm_like();
        let text = String::from_utf8(files[path].clone()).unwrap();
        let changed =
            text.replace("  securityContext:\n", &format!("  securityContext:\n    {context}\n"));
        assert_ne!(text, changed);
        let line = 1 + changed.lines().position(|line| line.contains(context)).unwrap();
        files.insert(path.to_owned(), changed.into_bytes());
        let found = notes(&with_manifests(files, ""));
        let told: Vec<bool> = found
            .iter()
            .map(|note| {
                note.starts_with(&format!("{path}:{line}: securityContext runs kube-scheduler as "))
            })
            .collect();
        assert_eq!(told, vec![true; usize::from(is_told)], "{context}: {found:?}");
    }
}

/// The description's own flags, too.
#[test]
fn a_flag_that_leads_away_from_kpkis_file_is_said() {
    let mut project = MemoryProject::new(NODES);
    project
        .description
        .push_str("component \"apiserver\" { flag \"tls-cert-file\" \"/srv/tls.crt\"; }\n");
    assert_eq!(
        notes(&project),
        [
            "component apiserver: --tls-cert-file is /srv/tls.crt (cluster.kdl:5); kpki does not look after that file"
        ]
    );
}
