//! What a cluster that somebody else made has and what does not follow from its version: the words for it,
//! and what a reviewer is told of them.

use kpki::facts::{CertificateFacts, certificates_in_pem};
use kpki::plan::Intent;
use kpki::time::Span;

use super::privileges::{changes, with_policy};
use crate::testkit::kubeconfig::Kubeconfig;
use crate::testkit::memory_project::MemoryProject;

const CLUSTER: &str = r#"
cluster "lab" { endpoint "api.lab"; kubernetes "1.36.2" }
node "cp1" role="control-plane" address="10.0.0.1" {
}
node "w1" address="10.0.1.1" {
}
component "kubelet" serving=#true
component "admin" {
}
"#;
const PKI: &str = "nodes/cp1/etc/kubernetes/pki";

fn facts(project: &MemoryProject, path: &str) -> CertificateFacts {
    let all = certificates_in_pem(&project.out[path].0).unwrap();
    CertificateFacts::from_der(&all[0]).unwrap()
}

/// `CLUSTER` with more words in a block.
fn with(block: &str, words: &str) -> String {
    let found = CLUSTER.find(block).unwrap();
    let open = found + CLUSTER[found..].find("{\n").unwrap() + 2;
    format!("{}{words}\n{}", &CLUSTER[..open], &CLUSTER[open..])
}

fn in_cp1(words: &str) -> String {
    with("node \"cp1\"", words)
}

#[test]
fn a_leaf_has_what_its_own_block_says() {
    let words = "leaf \"apiserver\" { san \"cp1\" \"kubernetes\" \"10.96.0.1\" \"10.0.0.1\" \"old.lab\" }\n\
        leaf \"admin\" group=\"system:masters\" key=\"rsa-2048\"\n\
        leaf \"kubelet\" { group #null }\n\
        leaf \"scheduler\" validity=\"3650d\" renew-before=\"100d\" server=\"https://10.0.0.1:7443\"";
    let mut project = MemoryProject::applied(&in_cp1(words));
    project.assert_converged();
    let apiserver = facts(&project, &format!("{PKI}/apiserver.crt"));
    let names: Vec<String> = apiserver.sans.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["cp1", "kubernetes", "old.lab", "10.0.0.1", "10.96.0.1"]);
    let identity = |name: &str| facts(&project, &format!("identities/nodes/cp1/{name}.crt"));
    assert_eq!(identity("admin").subject.to_string(), "O=system:masters, CN=kubernetes-admin");
    assert_eq!(identity("admin").public_key.kind().to_string(), "rsa-2048");
    assert_eq!(identity("kubelet").subject.to_string(), "CN=system:node:cp1");
    let scheduler = identity("scheduler");
    let life = scheduler.not_after.since(scheduler.not_before);
    assert!(life >= Span::days(3649), "{life}");
    let server = |file: &str| {
        let bytes = &project.out[&format!("nodes/cp1/etc/kubernetes/{file}")].0;
        Kubeconfig::from_value(&serde_saphyr::from_slice(bytes).unwrap()).server
    };
    assert_eq!(server("scheduler.conf"), "https://10.0.0.1:7443");
    assert_eq!(server("controller-manager.conf"), "https://10.0.0.1:6443");
    // Of another node nothing is said.
    let w1 = facts(&project, "identities/nodes/w1/kubelet.crt");
    assert_eq!(w1.subject.to_string(), "O=system:nodes, CN=system:node:w1");
    // A name that somebody takes out of the list leaves the certificate.
    project.description = project.description.replace(" \"old.lab\"", "");
    assert_eq!(project.plan().rebuilt(), ["nodes/cp1/apiserver"]);
}

#[test]
fn groups_of_older_versions_stay_whatever_the_version() {
    let subject = |description: &str, path: &str| {
        facts(&MemoryProject::applied(description), path).subject.to_string()
    };
    let client = format!("{PKI}/apiserver-kubelet-client.crt");
    let group = |value: &str| {
        format!("{CLUSTER}component \"apiserver\" {{ kubelet-client-group {value}; }}\n")
    };
    let old = group("\"kubeadm:cluster-admins\"");
    let name = "CN=kube-apiserver-kubelet-client";
    assert_eq!(subject(CLUSTER, &client), name);
    assert_eq!(subject(&old, &client), format!("O=kubeadm:cluster-admins, {name}"));
    assert_eq!(subject(&group("#null").replace("1.36.2", "1.33.4"), &client), name);
    let admin = with("component \"admin\"", "admin-group \"system:masters\"");
    let path = "identities/nodes/cp1/admin.crt";
    assert_eq!(subject(&admin, path), "O=system:masters, CN=kubernetes-admin");
    // Nearer wins, and super-admin.conf is another leaf.
    let both = admin.replace("10.0.0.1\" {", "10.0.0.1\" {\nleaf \"admin\" { group #null; }");
    assert_eq!(subject(&both, path), "CN=kubernetes-admin");
    let path = "identities/nodes/cp1/super-admin.crt";
    assert_eq!(
        subject(&with("component \"admin\"", "admin-group #null"), path),
        "O=system:masters, CN=kubernetes-super-admin"
    );
}

#[test]
fn without_super_admin_nobody_has_it() {
    for nodes in ["", "node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\n"] {
        let described = format!("{CLUSTER}{nodes}");
        let has_one = |project: &MemoryProject| {
            let mut paths = project.out.keys();
            paths.any(|path| path.contains("super-admin"))
        };
        assert!(has_one(&MemoryProject::applied(&described)), "{nodes}");
        let none = with("component \"admin\"", "super #false") + nodes;
        let project = MemoryProject::applied(&none);
        assert!(!has_one(&project), "{nodes}");
        project.assert_converged();
    }
}

/// What is written as it is anyway is no change: an upgrade of kpki to these words reissues nothing.
#[test]
fn the_usual_in_words_changes_nothing() {
    let mut project = MemoryProject::applied(CLUSTER);
    let before = project.lock.clone();
    project.description = format!(
        "{}ca \"kubernetes\" keys-on-nodes=#true\nca \"etcd\" keys-on-nodes=#false\n\
         component \"apiserver\" {{ kubelet-client-group #null; }}\n",
        with("component \"admin\"", "super #true\nadmin-group \"kubeadm:cluster-admins\"")
    );
    let words = "leaf \"admin\"\nleaf \"scheduler\" server=\"https://10.0.0.1:6443\"\n\
        leaf \"kubelet\" group=\"system:nodes\" validity=\"365d\"";
    project.description =
        project.description.replace("10.0.0.1\" {", &format!("10.0.0.1\" {{\n{words}"));
    project.assert_converged();
    project.apply().unwrap();
    assert_eq!(project.lock, before);
}

#[test]
fn keys_of_cas_lie_on_nodes_where_that_is_written() {
    let words = "ca \"etcd\" keys-on-nodes=#true\nca \"front-proxy\" keys-on-nodes=#true\n";
    let cp2 = "node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\n";
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = format!("{CLUSTER}{words}");
    let planned = project.plan();
    assert_eq!(planned.steps(), ["Repair ca/etcd", "Repair ca/front-proxy"]);
    assert_eq!(
        changes(&planned),
        [
            "x etcd has its key on cp1 from now on :10",
            "x front-proxy has its key on cp1 from now on :11"
        ]
    );
    let allowed = Intent {
        allow: ["escalation:etcd".parse().unwrap(), "escalation:front-proxy".parse().unwrap()]
            .into(),
        ..Intent::default()
    };
    let told = changes(&project.plan_with(&allowed));
    assert!(told.iter().all(|line| line.starts_with("! ")), "{told:?}");
    project.apply().unwrap();
    project.assert_converged();
    for (copy, master) in
        [("etcd/ca.key", "ca/etcd.key"), ("front-proxy-ca.key", "ca/front-proxy.key")]
    {
        let (bytes, mode) = &project.out[&format!("{PKI}/{copy}")];
        assert_eq!((bytes, *mode), (&project.out[master].0, 0o600), "{copy}");
        assert!(!project.out.contains_key(&format!("nodes/w1/etc/kubernetes/pki/{copy}")));
    }
    // Whoever becomes a control-plane node is told to hold keys of CAs, and that is all.
    project.description.push_str(cp2);
    assert_eq!(
        changes(&project.plan()),
        [
            "x cp2 joins as a control-plane node: it holds CA keys and an administrator's :12",
            "= super-admin lies with the operator from now on, lay with cp1"
        ]
    );
    // Both at once: what is new is new on the node that was there.
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = format!("{CLUSTER}{words}{cp2}");
    let told = changes(&project.plan());
    assert!(told.contains(&"x etcd has its key on cp1 from now on :10".to_owned()), "{told:?}");
    // Without the words nobody can tell them from those that kubeadm left there: they are told, and stay.
    let mut project = MemoryProject::applied(&format!("{CLUSTER}{words}"));
    project.description = CLUSTER.to_owned();
    project.apply_with(&Intent::default(), true).unwrap();
    let key = format!("{PKI}/etcd/ca.key");
    assert!(project.out.contains_key(&key));
    assert!(project.plan().plan.foreign.contains(&key));
    project.assert_converged();
}

/// kubeadm's external CA mode.
#[test]
fn a_cluster_whose_ca_key_is_nowhere_has_an_empty_plan() {
    let own = format!("{CLUSTER}ca \"kubernetes\" keys-on-nodes=#false\n");
    let mut project = MemoryProject::applied(&own);
    project.assert_converged();
    let brought = project.out["ca/kubernetes.crt"].0.clone();
    project.out.remove("ca/kubernetes.key").unwrap();
    assert!(!project.out.contains_key(&format!("{PKI}/ca.key")));
    project.assert_converged();
    let path = "nodes/cp1/etc/kubernetes/manifests/kube-controller-manager.yaml";
    let manifest = String::from_utf8(project.out[path].0.clone()).unwrap();
    assert!(!manifest.contains("cluster-signing"), "{manifest}");
    // The same with the certificate brought, and whatever lies there is what is described.
    project.extra.insert("ca.crt".into(), brought);
    project.description = own.replace("keys-on", "certificate=\"ca.crt\" keys-on");
    let planned = project.plan();
    assert_eq!((planned.rebuilt_steps(), planned.blocked()), (vec![], vec![]));
    project.apply().unwrap();
    project.assert_converged();
    // Back again: the key comes to the nodes.
    let mut project = MemoryProject::applied(&own);
    project.description = CLUSTER.to_owned();
    let told = changes(&project.plan());
    assert!(
        told.iter().any(|line| line.starts_with("x kubernetes has its key on cp1")),
        "{told:?}"
    );
}

#[test]
fn what_a_leaf_gains_is_told() {
    let mut wrong = Vec::new();
    for (what, description, expected) in [
        (
            "all power for one",
            in_cp1("leaf \"kubelet\" { group \"system:masters\"; }"),
            &[
                "x kubelet gains the group system:masters :4",
                "= kubelet loses the group system:nodes :4",
            ][..],
        ),
        (
            "all power for a component",
            with("component \"admin\"", "admin-group \"system:masters\""),
            &[
                "x admin gains the group system:masters :9",
                "= admin loses the group kubeadm:cluster-admins :9",
            ],
        ),
        (
            "another node's name",
            in_cp1("").replace("10.0.1.1\" {", "10.0.1.1\" {\nleaf \"kubelet-server\" san=\"cp1\""),
            &["x kubelet-server can serve as cp1, and so in the place of node cp1 :7"],
        ),
        (
            "a longer life",
            in_cp1("leaf \"admin\" validity=\"400d\""),
            &["x admin lives longer: 400d, was 365d :4"],
        ),
        (
            "another server",
            in_cp1("leaf \"admin\" server=\"https://kubernetes.default.svc:6443\""),
            &[
                "x admin moves: kubeconfigs lead to https://kubernetes.default.svc:6443, led to https://api.lab:6443 :4",
            ],
        ),
        (
            "the node's own API server",
            in_cp1("leaf \"admin\" server=\"https://10.0.0.1:6443\""),
            &[],
        ),
        (
            "fewer groups",
            in_cp1("leaf \"admin\" { group #null; }"),
            &["= admin loses the group kubeadm:cluster-admins :4"],
        ),
        (
            "all of it on a new worker",
            format!(
                "{CLUSTER}node \"w2\" address=\"10.0.1.2\" {{\nleaf \"kubelet\" group=\"system:masters\" \
                server=\"https://kubernetes.default.svc:6443\"\nleaf \"kubelet-server\" {{ san \"w2\" \"api.example.com\"; }}\n}}\n"
            ),
            &[
                "x kubelet gains the group system:masters :11",
                "x kubelet may move: kubeconfigs lead to https://kubernetes.default.svc:6443, and nothing here says \
                 where they led :11",
                "x kubelet-server can serve as api.example.com :12",
                "= w2 joins as a worker :10",
            ],
        ),
    ] {
        let mut project = MemoryProject::applied(CLUSTER);
        project.description = description;
        let mut found = changes(&project.plan());
        let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        found.sort();
        expected.sort();
        if found != expected {
            wrong.push(format!("{what}: {found:#?} instead of {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_policy_forbids_groups_of_leaves_that_somebody_wrote() {
    let broken = |description: &str| -> Vec<String> {
        let project = MemoryProject::new(description);
        let planned = with_policy(&project, "policy { forbid-group \"system:*\" }");
        let all = planned.review.violations.iter();
        all.map(|one| format!("{} {}", one.artifacts[0], one.what)).collect()
    };
    // Kubernetes' own are not the description's to choose.
    assert_eq!(broken(CLUSTER), [""; 0]);
    assert_eq!(broken(&in_cp1("leaf \"kubelet\" group=\"system:nodes\"")), [""; 0]);
    let expected = "nodes/cp1/admin is in the forbidden group system:masters";
    assert_eq!(broken(&in_cp1("leaf \"admin\" group=\"system:masters\"")), [expected]);
    assert_eq!(broken(&with("component \"admin\"", "admin-group \"system:masters\"")), [expected]);
}
