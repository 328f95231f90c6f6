//! Whose annotation changes with what: written by hand from the reload table, never asked of kpki's own.

use std::collections::{BTreeMap, BTreeSet};

use kpki::plan::{Intent, Membership};
use kpki::pod::{self, DIGEST_ANNOTATION};
use kpki::profile::Process;
use proptest::prelude::*;

use crate::testkit::memory_project::{MemoryProject, Planned, everything};

const BASE: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
ca "kubernetes" validity="10y"
ca "etcd" validity="10y"
ca "front-proxy" validity="10y"
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "cp2" role="control-plane" address="10.0.0.12"
node "w1" address="10.0.0.21"
component "apiserver" { san "a.lab" }
component "kubelet" serving=#true
component "kube-proxy"
"#;

const BOTH: [&str; 2] = ["cp1", "cp2"];
const API: &str = "kube-apiserver";
const MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";
const ETCD: &str = "etcd";

type Pods = BTreeSet<(String, String)>;

fn pods(processes: &[&str], nodes: &[&str]) -> Pods {
    let pair = |node: &&str, process: &&str| (node.to_string(), process.to_string());
    nodes.iter().flat_map(|node| processes.iter().map(move |process| pair(node, process))).collect()
}

/// The annotation of every manifest, by node and process.
fn annotations(project: &MemoryProject) -> BTreeMap<(String, String), String> {
    manifests(project)
        .into_iter()
        .map(|((node, name), bytes)| {
            let process = Process::ALL.into_iter().find(|p| p.name() == name).unwrap();
            let facts = pod::read(&bytes, process).unwrap();
            let digest = facts.annotations.into_iter().find(|(key, _)| key == DIGEST_ANNOTATION);
            ((node, name), digest.unwrap().1)
        })
        .collect()
}

/// Everything that lies in a manifests folder.
fn manifests(project: &MemoryProject) -> BTreeMap<(String, String), Vec<u8>> {
    project
        .out
        .iter()
        .filter_map(|(path, (bytes, _))| {
            let (node, file) =
                path.strip_prefix("nodes/")?.split_once("/etc/kubernetes/manifests/")?;
            let name = file.strip_suffix(".yaml").unwrap();
            Some(((node.to_owned(), name.to_owned()), bytes.clone()))
        })
        .collect()
}

fn differing<T: PartialEq>(
    before: &BTreeMap<(String, String), T>,
    after: &BTreeMap<(String, String), T>,
) -> Pods {
    let differs = |key: &&(String, String)| before.get(*key) != after.get(*key);
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(differs).cloned().collect()
}

fn renewing(pattern: &str) -> Intent {
    Intent { renew: vec![pattern.parse().unwrap()], ..Intent::default() }
}

/// `kube-apiserver cp1`, in order.
fn restarts(planned: &Planned) -> Vec<String> {
    let line = |restart: &kpki::plan::Restart| format!("{} {}", restart.what(), restart.node);
    planned.plan.restarts.iter().map(line).collect()
}

/// Applies a change and returns whose annotation changed; the plan must have said it.
fn change(base: &MemoryProject, description: &str, intent: &Intent) -> Pods {
    let mut project = base.clone();
    description.clone_into(&mut project.description);
    let planned = project.plan_with(intent);
    let before = (annotations(base), manifests(base));
    project.apply_with(intent, false).unwrap();
    project.assert_converged();
    let after = (annotations(&project), manifests(&project));
    // Only manifests, under their names.
    assert!(
        after
            .1
            .keys()
            .all(|(_, name)| { [API, MANAGER, SCHEDULER, ETCD].contains(&name.as_str()) })
    );
    let said: Pods = planned
        .plan
        .restarts
        .iter()
        .filter(|restart| !restart.is_service())
        .map(|restart| (restart.node.to_string(), restart.what().to_owned()))
        .collect();
    let existed = differing(&before.1, &after.1)
        .into_iter()
        .filter(|pod| before.1.contains_key(pod))
        .collect::<Pods>();
    assert_eq!(said, existed, "{description}");
    differing(&before.0, &after.0)
}

#[test]
fn one_change_restarts_exactly_what_reads_once() {
    let base = MemoryProject::applied(BASE);
    assert_eq!(manifests(&base).len(), 8);
    let replaced = |name: &str| Intent {
        allow: vec![format!("replace:{name}").parse().unwrap()],
        rekey: vec![name.parse().unwrap()],
        ..Intent::default()
    };
    let nothing = Intent::default();
    let edited = |old: &str, new: &str| {
        assert!(BASE.contains(old), "{old}");
        BASE.replace(old, new)
    };
    let longer = |ca: &str| {
        edited(&format!("ca \"{ca}\" validity=\"10y\""), &format!("ca \"{ca}\" validity=\"11y\""))
    };
    let none = Pods::new();
    let table: Vec<(&str, String, Intent, Pods)> = vec![
        ("a longer etcd CA", longer("etcd"), nothing.clone(), pods(&[ETCD, API], &BOTH)),
        // --root-ca-file, and both kubeconfigs embed it.
        (
            "a longer cluster CA",
            longer("kubernetes"),
            nothing.clone(),
            pods(&[MANAGER, SCHEDULER], &BOTH),
        ),
        ("a longer front-proxy CA", longer("front-proxy"), nothing.clone(), none.clone()),
        (
            "another signing key",
            BASE.into(),
            replaced("service-account"),
            pods(&[API, MANAGER], &BOTH),
        ),
        (
            "every leaf of a node",
            BASE.into(),
            renewing("nodes/cp1/*"),
            pods(&[MANAGER, SCHEDULER], &["cp1"]),
        ),
        (
            "one identity",
            BASE.into(),
            renewing("nodes/cp2/scheduler"),
            pods(&[SCHEDULER], &["cp2"]),
        ),
        ("served certificates", BASE.into(), renewing("nodes/cp1/apiserver"), none.clone()),
        ("etcd's client", BASE.into(), renewing("nodes/cp1/apiserver-etcd-client"), none.clone()),
        ("etcd's own", BASE.into(), renewing("nodes/cp1/etcd-server"), none.clone()),
        ("etcd's peers", BASE.into(), renewing("nodes/cp2/etcd-peer"), none.clone()),
        ("the front proxy", BASE.into(), renewing("nodes/cp2/front-proxy-client"), none.clone()),
        ("a SAN", edited("a.lab", "b.lab"), nothing.clone(), none.clone()),
        (
            "a moved node",
            edited("10.0.0.12", "10.0.0.13"),
            nothing.clone(),
            pods(&[MANAGER, SCHEDULER], &["cp2"]),
        ),
        (
            "a flag",
            edited("san \"a.lab\"", "san \"a.lab\"; flag \"v\" 2"),
            nothing.clone(),
            none.clone(),
        ),
        (
            "a worker",
            edited("node \"w1\"", "node \"w2\" address=\"10.0.0.22\"\nnode \"w1\""),
            nothing.clone(),
            none.clone(),
        ),
        ("a user", format!("{BASE}user \"jane\"\n"), nothing.clone(), none),
    ];
    for (what, description, intent, expected) in table {
        assert_eq!(change(&base, &description, &intent), expected, "{what}");
    }
}

#[test]
fn before_1_36_the_api_server_reads_the_kubelets_ca_once() {
    let old = BASE.replace("1.36.2", "1.35.4");
    let base = MemoryProject::applied(&old);
    let longer =
        old.replace("ca \"kubernetes\" validity=\"10y\"", "ca \"kubernetes\" validity=\"11y\"");
    let expected = pods(&[API, MANAGER, SCHEDULER], &BOTH);
    assert_eq!(change(&base, &longer, &Intent::default()), expected);
    let unserved = longer.replace("serving=#true", "serving=#false");
    let base = MemoryProject::applied(&unserved.replace("11y", "10y"));
    let expected = pods(&[MANAGER, SCHEDULER], &BOTH);
    assert_eq!(change(&base, &unserved, &Intent::default()), expected);
}

#[test]
fn the_plan_tells_the_order_and_the_services() {
    let mut project = MemoryProject::applied(BASE);
    project.description = BASE.replace("validity=\"10y\"", "validity=\"11y\"");
    let expected = [
        "etcd cp1",
        "etcd cp2",
        "kube-apiserver cp1",
        "kube-apiserver cp2",
        "kube-controller-manager cp1",
        "kube-controller-manager cp2",
        "kube-scheduler cp1",
        "kube-scheduler cp2",
        "kubelet cp1",
        "kubelet cp2",
        "kubelet w1",
        "kube-proxy cp1",
        "kube-proxy cp2",
        "kube-proxy w1",
    ];
    assert_eq!(restarts(&project.plan()), expected);
    let renewed = MemoryProject::applied(BASE).plan_with(&renewing("nodes/w1/kubelet"));
    assert_eq!(restarts(&renewed), ["kubelet w1"]);
    // The kubelet notices a new serving certificate from 1.31 on.
    let served = MemoryProject::applied(BASE).plan_with(&renewing("nodes/w1/kubelet-server"));
    assert_eq!(restarts(&served), Vec::<String>::new());
    let old = MemoryProject::applied(&BASE.replace("1.36.2", "1.30.14"));
    let served = old.plan_with(&renewing("nodes/w1/kubelet-server"));
    assert_eq!(restarts(&served), ["kubelet w1"]);
}

#[test]
fn the_reasons_name_the_inputs() {
    let mut project = MemoryProject::applied(BASE);
    project.description =
        BASE.replace("ca \"etcd\" validity=\"10y\"", "ca \"etcd\" validity=\"11y\"");
    let planned = project.plan();
    let name = "nodes/cp1/manifests/kube-apiserver".parse().unwrap();
    let id = planned.graph.find(&name).unwrap();
    let step = planned.plan.steps.iter().find(|step| step.derivation == id);
    let reasons: Vec<String> = step.unwrap().reasons.iter().map(ToString::to_string).collect();
    assert_eq!(reasons, ["follows bundle/etcd"]);
}

/// What the description says, and whose kubelets must restart after it was changed to that.
const KUBELETS: &[(&str, &str, &str, &[&str])] = &[
    (
        "the DNS domain stands in the kubelets' configuration",
        "endpoint \"api.lab:6443\"",
        "endpoint \"api.lab:6443\"; dns-domain \"lab.local\"",
        &["cp1", "cp2", "w1"],
    ),
    (
        "so does the address of cluster DNS",
        "endpoint \"api.lab:6443\"",
        "endpoint \"api.lab:6443\"; service-cidr \"10.112.0.0/12\"",
        &["cp1", "cp2", "w1"],
    ),
    (
        "a second service network changes nothing in it",
        "endpoint \"api.lab:6443\"",
        "endpoint \"api.lab:6443\"; service-cidr \"10.96.0.0/12\" \"fd00:10::/112\"",
        &[],
    ),
    (
        "the kubelets' own certificates are named in it",
        "serving=#true",
        "serving=#false",
        &["cp1", "cp2", "w1"],
    ),
    (
        "it goes: what the kubelets read from now on is not known here",
        "config=#true",
        "config=#false",
        &[],
    ),
    (
        "a new worker's kubelet was never started",
        "node \"w1\"",
        "node \"w2\" address=\"10.0.0.22\"\nnode \"w1\"",
        &[],
    ),
    (
        "a new worker beside a change that all others read",
        "endpoint \"api.lab:6443\" }",
        "endpoint \"api.lab:6443\"; dns-domain \"lab.local\" }\nnode \"w2\" address=\"10.0.0.22\"",
        &["cp1", "cp2", "w1"],
    ),
    (
        "the endpoint: in the kubelet.conf of nodes without an API server",
        "api.lab:6443",
        "api.lab:8443",
        &["w1"],
    ),
    (
        "another life of the kubelets' certificates: in every kubelet.conf",
        "serving=#true",
        "serving=#true validity=\"300d\"",
        &["cp1", "cp2", "w1"],
    ),
];

#[test]
fn kubelets_restart_for_their_configuration() {
    let configured = BASE.replace("serving=#true", "serving=#true config=#true");
    let base = MemoryProject::applied(&configured);
    let kubelets = |planned: &Planned| -> Vec<String> {
        let lines = restarts(planned).into_iter();
        lines.filter_map(|line| Some(line.strip_prefix("kubelet ")?.to_owned())).collect()
    };
    for (what, old, new, nodes) in KUBELETS {
        let mut project = base.clone();
        project.description = configured.replace(old, new);
        assert_ne!(project.description, configured, "{what}");
        assert_eq!(kubelets(&project.plan()), *nodes, "{what}");
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(restarts(&project.plan()), Vec::<String>::new(), "{what}");
    }

    // First asked for where kubelets run already, and where none does.
    let mut project = MemoryProject::applied(BASE);
    project.description.clone_from(&configured);
    assert_eq!(kubelets(&project.plan()), ["cp1", "cp2", "w1"]);
    assert_eq!(kubelets(&MemoryProject::new(&configured).plan()), [""; 0]);

    // A copy that was damaged here is what it was on its node.
    let mut project = base.clone();
    let path = "nodes/w1/var/lib/kubelet/config.yaml";
    project.out.get_mut(path).unwrap().0.push(b'\n');
    let planned = project.plan();
    assert_eq!(planned.steps(), ["Repair kubelet-config"]);
    assert_eq!(restarts(&planned), [""; 0]);
    project.apply().unwrap();
    assert_eq!(project.out, base.out);

    // Nor does a lost lock restart anything.
    project.lock = None;
    assert_eq!(restarts(&project.plan()), [""; 0]);
    project.apply().unwrap();
    assert_eq!((project.out, project.lock), (base.out, base.lock));
}

/// A clone without keys judges pods as the operator's folder does.
#[test]
fn absent_keys_change_no_pod() {
    let mut project = MemoryProject::applied(BASE);
    project.out.retain(|path, _| kpki::state::is_public(path));
    let planned = project.plan();
    assert_eq!(planned.steps(), Vec::<String>::new());
    assert_eq!(restarts(&planned), Vec::<String>::new());
    project.lock = None;
    assert!(planned.rebuilt().is_empty());
    assert_eq!(restarts(&project.plan()), Vec::<String>::new());
}

#[test]
fn a_rebuilt_lock_and_restored_files_change_no_annotation() {
    let base = MemoryProject::applied(BASE);
    for lost in ["ca/sa.pub", "ca/etcd.crt", "nodes/cp1/etc/kubernetes/scheduler.conf"] {
        let mut project = base.clone();
        project.out.remove(lost).unwrap();
        if lost.ends_with("sa.pub") {
            project.out.retain(|path, _| !path.ends_with("/sa.pub"));
        }
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(annotations(&base), annotations(&project), "{lost}");
        project.lock = None;
        project.apply().unwrap();
        // The key of a kubeconfig went with it: the lock cannot say more of it than is here.
        if !lost.contains("scheduler") {
            assert_eq!(base.lock, project.lock, "{lost}");
        }
        assert_eq!(manifests(&base), manifests(&project), "{lost}");
    }
}

fn initial_cluster(project: &MemoryProject, node: &str) -> (String, bool) {
    let bytes = &manifests(project)[&(node.to_owned(), ETCD.to_owned())];
    let facts = pod::read(bytes, Process::Etcd).unwrap();
    let members = facts.values("initial-cluster").next().unwrap().to_owned();
    let existing = facts.values("initial-cluster-state").next() == Some("existing");
    (members, existing)
}

/// A joining member must be told of exactly those that are there (etcd's documentation, "Add a new member"),
/// and the plan adds one after the other.
#[test]
fn several_later_members_join_one_after_the_other() {
    let mut project = MemoryProject::applied(BASE);
    for (node, number) in [("cp4", 14), ("cp3", 13)] {
        let line = format!("node \"{node}\" role=\"control-plane\" address=\"10.0.0.{number}\"\n");
        project.description.push_str(&line);
    }
    let added: Vec<String> =
        (project.plan().plan.membership.iter()).map(|change| change.member().to_owned()).collect();
    assert_eq!(added, ["cp3", "cp4"]);
    project.apply().unwrap();
    project.assert_converged();
    let mut list = "cp1=https://10.0.0.11:2380,cp2=https://10.0.0.12:2380".to_owned();
    for (node, number) in [("cp3", 13), ("cp4", 14)] {
        list = format!("{list},{node}=https://10.0.0.{number}:2380");
        assert_eq!(initial_cluster(&project, node), (list.clone(), true));
    }
}

#[test]
fn a_later_member_joins_and_a_former_one_leaves() {
    let base = MemoryProject::applied(BASE);
    let two = "cp1=https://10.0.0.11:2380,cp2=https://10.0.0.12:2380";
    assert_eq!(initial_cluster(&base, "cp1"), (two.to_owned(), false));
    assert_eq!(initial_cluster(&base, "cp2"), (two.to_owned(), false));

    let mut project = base.clone();
    project.description =
        format!("{BASE}node \"cp3\" role=\"control-plane\" address=\"10.0.0.13\"\n");
    let planned = project.plan();
    let add = Membership::Add { member: "cp3".into(), peer_url: "https://10.0.0.13:2380".into() };
    assert_eq!(planned.plan.membership, std::slice::from_ref(&add));
    assert_eq!(add.command(), "etcdctl member add cp3 --peer-urls=https://10.0.0.13:2380");
    assert_eq!(restarts(&planned), Vec::<String>::new());
    project.apply().unwrap();
    project.assert_converged();
    let three = format!("{two},cp3=https://10.0.0.13:2380");
    assert_eq!(initial_cluster(&project, "cp3"), (three, true));
    for node in BOTH {
        let key = (node.to_owned(), ETCD.to_owned());
        assert_eq!(manifests(&base)[&key], manifests(&project)[&key]);
    }
    assert_eq!(project.plan().plan.membership, []);
    // Either of the two that remember is enough.
    let joined = project.clone();
    for lose in [true, false] {
        let mut project = joined.clone();
        if lose {
            project.lock = None;
        } else {
            project.out.retain(|path, _| !path.ends_with("/etcd.yaml"));
        }
        project.apply().unwrap();
        assert_eq!(joined.out, project.out);
        assert_eq!(joined.lock, project.lock);
    }

    project.description =
        BASE.replace("node \"cp2\" role=\"control-plane\" address=\"10.0.0.12\"\n", "");
    let planned = project.plan();
    let gone = ["cp2", "cp3"].map(|member| Membership::Remove { member: member.into() });
    assert_eq!(planned.plan.membership, gone);
    let of_cp1 = restarts(&planned).into_iter().filter(|line| line.ends_with("cp1"));
    assert_eq!(of_cp1.count(), 0);
    project.apply_with(&Intent::default(), true).unwrap();
    project.assert_converged();
    assert_eq!(project.plan().plan.membership, []);
    assert_eq!(initial_cluster(&project, "cp1"), (two.to_owned(), false));

    let mut moved = base;
    moved.description = BASE.replace("10.0.0.12", "10.0.0.99");
    let update = Membership::Update {
        member: "cp2".into(),
        peer_url: "https://10.0.0.99:2380".into(),
        is_sole: false,
    };
    assert_eq!(moved.plan().plan.membership, [update]);
}

/// What may be renewed, and who must restart for it on its node, or on both.
const RENEWALS: &[(&str, &[&str], &[&str])] = &[
    ("ca/kubernetes", &[MANAGER, SCHEDULER], &BOTH),
    ("ca/etcd", &[ETCD, API], &BOTH),
    ("ca/front-proxy", &[], &BOTH),
    ("nodes/cp1/admin", &[], &[]),
    ("nodes/cp1/apiserver", &[], &[]),
    ("nodes/cp1/apiserver-etcd-client", &[], &[]),
    ("nodes/cp2/apiserver-kubelet-client", &[], &[]),
    ("nodes/cp1/controller-manager", &[MANAGER], &["cp1"]),
    ("nodes/cp2/controller-manager", &[MANAGER], &["cp2"]),
    ("nodes/cp1/etcd-peer", &[], &[]),
    ("nodes/cp2/etcd-healthcheck-client", &[], &[]),
    ("nodes/cp1/kubelet", &[], &[]),
    ("nodes/cp1/scheduler", &[SCHEDULER], &["cp1"]),
    ("nodes/cp2/scheduler", &[SCHEDULER], &["cp2"]),
    ("nodes/w1/kubelet-server", &[], &[]),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_inputs_change_the_annotations_of_their_readers(
        chosen in prop::sample::subsequence((0..RENEWALS.len()).collect::<Vec<_>>(), 0..5),
    ) {
        let base = MemoryProject::applied(BASE);
        let mut intent = everything();
        let mut expected = Pods::new();
        for index in chosen {
            let (name, processes, nodes) = RENEWALS[index];
            intent.renew.push(name.parse().unwrap());
            expected.extend(pods(processes, nodes));
        }
        prop_assert_eq!(change(&base, BASE, &intent), expected);
    }
}
