//! Rotations of the cluster's CA as they reach a node: what comes first, what comes later, and what is said.

use std::fs;

use super::node::Node;
use crate::testkit::{FolderProject, done, refused};

const CA: &str = "etc/kubernetes/pki/ca.crt";
const SIGNING: &str = "etc/kubernetes/pki/ca-signing.crt";
const MANIFEST: &str = "etc/kubernetes/manifests/kube-controller-manager.yaml";

const TRUST: &str = r#"keypair 1; keypair 2 state="trusted""#;
const PROMOTE: &str = r#"keypair 1 state="trusted"; keypair 2"#;
const DISTRUST: &str = "keypair 2";

fn described(version: &str, keypairs: &str) -> String {
    format!(
        r#"
cluster "lab" {{ kubernetes "{version}"; endpoint "api.lab" }}
node "cp1" role="control-plane" address="10.0.0.1"
node "w1" address="10.0.1.1"
ca "kubernetes" {{ {keypairs} }}
"#
    )
}

fn go(project: &FolderProject, version: &str, stage: &str, keypairs: &str) {
    project.describe(&described(version, keypairs));
    project.done(&["apply", "--prune", "--allow", &format!("{stage}:ca/kubernetes")]);
}

/// The lines that contain one of these words.
fn lines(said: &str, words: &[&str]) -> Vec<String> {
    let joined = said.replace("\n  ", " ");
    let all = joined.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    all.map(str::to_owned).collect()
}

#[test]
fn each_stage_tells_its_order() {
    let version = "1.36.2";
    let project = FolderProject::described(&described(version, "keypair 1")).applied();
    let node = Node::new();
    let first = node.installed(&project, "cp1");
    assert_eq!(lines(&first, &["note: ", "must answer"]), [""; 0], "{first}");

    let archive = |more: &str| {
        let output = project.kpki(&["export", "cp1", "-o", &format!("cp1-{more}.tar")]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(!archive("before").contains("note:"));
    go(&project, version, "trust", TRUST);
    assert!(archive("trust").contains("note: a rotation of ca/kubernetes is under way"));
    let calendar = project.done(&["status", "--format", "ics"]).replace("\r\n ", "");
    assert!(
        calendar.contains("SUMMARY:lab: the rotation of ca/kubernetes is not ended"),
        "{calendar}"
    );
    let looked = done(node.install(&project, "cp1", &["--dry-run"]));
    let trust = node.install(&project, "cp1", &[]);
    let talk = String::from_utf8_lossy(&trust.stderr).into_owned();
    assert!(
        talk.contains("nobody can see whether kube-controller-manager runs from its new manifest"),
        "{talk}"
    );
    let trust = done(trust);
    assert_eq!(looked.replace(" to write", " written"), trust);
    assert_eq!(
        lines(&trust, &["note: "]),
        [format!(
            "note: /{SIGNING}, /{MANIFEST} first; kube-controller-manager must run so before /{CA} gets a second \
             certificate, with which it would not start; then it starts once more, to hand both to all namespaces"
        )]
    );
    let commands: Vec<&str> =
        trust.split_once("minute to replace one):\n").unwrap().1.lines().map(str::trim).collect();
    assert_eq!(
        commands,
        [
            "kubectl -n kube-system get pods -l tier=control-plane --field-selector 'spec.nodeName=cp1'",
            "kubectl wait --for=condition=Ready node cp1 --timeout=2m",
        ]
    );

    go(&project, version, "promote", PROMOTE);
    let promote = node.installed(&project, "cp1");
    let moment = lines(&promote, &["note: "]);
    assert_eq!(
        moment,
        [format!(
            "note: /{SIGNING} and /etc/kubernetes/pki/ca.key change one right after the other; should \
             kube-controller-manager start between the two, it exits, and the kubelet starts it again"
        )]
    );

    go(&project, version, "distrust", DISTRUST);
    let distrust = node.installed(&project, "cp1");
    let later = lines(&distrust, &["- next time"]);
    assert!(matches!(&later[..], [line] if line.ends_with(&format!("  /{SIGNING}"))), "{distrust}");
    assert!(node.path(SIGNING).exists());
    let json = done(node.install(&project, "cp1", &["--dry-run", "--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["removes"][0], format!("/{SIGNING}"));
    let second = node.installed(&project, "cp1");
    assert_eq!(lines(&second, &["note: ", "restart", "must answer"]), [""; 0], "{second}");
    assert!(!node.path(SIGNING).exists());
    assert!(node.installed(&project, "cp1").starts_with("nothing to do: "));
}

/// kpki knows no images of that version and writes no static pods; the operator's name ca.crt.
#[test]
fn a_manifest_that_is_the_operators_alone_comes_first() {
    let version = "1.36.99";
    let project = FolderProject::described(&described(version, "keypair 1")).applied();
    assert!(!project.out("nodes/cp1/etc/kubernetes/manifests").exists());
    let node = Node::new();
    node.installed(&project, "cp1");
    let pod = |signing: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-controller-manager\n  namespace: kube-system\nspec:\n  \
             containers:\n  - name: kube-controller-manager\n    image: registry.k8s.io/kube-controller-manager:v1.36.99\n    \
             command:\n    - kube-controller-manager\n    - --cluster-signing-cert-file=/{signing}\n    \
             - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key\n    volumeMounts:\n    \
             - mountPath: /etc/kubernetes/pki\n      name: pki\n  volumes:\n  - name: pki\n    hostPath:\n      \
             path: /etc/kubernetes/pki\n"
        )
    };
    node.put(MANIFEST, pod(CA), 0o600);
    go(&project, version, "trust", TRUST);
    let before = fs::read(node.path(CA)).unwrap();
    let looked = done(node.install(&project, "cp1", &["--dry-run"]));
    assert_eq!(
        lines(&looked, &["note: "]),
        [format!(
            "note: /{SIGNING} first; then set --cluster-signing-cert-file=/{SIGNING} in /{MANIFEST}, which is yours, before \
             /{CA} gets a second certificate, with which kube-controller-manager would not start"
        )]
    );
    for _ in 0..2 {
        let said = refused(&node.install(&project, "cp1", &[]), 1);
        assert!(
            said.contains(&format!("/{MANIFEST} makes kube-controller-manager sign with /{CA}")),
            "{said}"
        );
        assert!(
            said.contains(&format!("set --cluster-signing-cert-file=/{SIGNING} in it")),
            "{said}"
        );
        assert_eq!(fs::read(node.path(CA)).unwrap(), before);
        assert!(node.path(SIGNING).exists());
    }
    node.put(MANIFEST, pod(SIGNING), 0o600);
    node.installed(&project, "cp1");
    assert_ne!(fs::read(node.path(CA)).unwrap(), before);
    assert!(node.installed(&project, "cp1").starts_with("nothing to do: "));

    // On the way back the file stays as long as the manifest names it.
    go(&project, version, "promote", PROMOTE);
    node.installed(&project, "cp1");
    go(&project, version, "distrust", DISTRUST);
    for _ in 0..2 {
        node.installed(&project, "cp1");
        assert!(node.path(SIGNING).exists());
    }
    node.put(MANIFEST, pod(CA), 0o600);
    node.installed(&project, "cp1");
    assert!(!node.path(SIGNING).exists());
    assert!(node.installed(&project, "cp1").starts_with("nothing to do: "));
    // A manifest that nobody can read may sign with anything.
    let project = FolderProject::described(&described(version, "keypair 1")).applied();
    let node = Node::new();
    node.installed(&project, "cp1");
    node.put(MANIFEST, "kind: Pod\nspec: {}\n", 0o600);
    go(&project, version, "trust", TRUST);
    let said = refused(&node.install(&project, "cp1", &[]), 1);
    assert!(said.contains(&format!("/{MANIFEST} cannot be read, and may make")), "{said}");
}

/// A node that missed trust gets promote at once: while the old pod may start, the certificate beside the old
/// key is the old one.
#[test]
fn a_node_that_missed_a_stage() {
    let version = "1.36.2";
    let project = FolderProject::described(&described(version, "keypair 1")).applied();
    let node = Node::new();
    node.installed(&project, "cp1");
    go(&project, version, "trust", TRUST);
    go(&project, version, "promote", PROMOTE);
    let said = node.installed(&project, "cp1");
    let notes = lines(&said, &["note: "]);
    assert!(notes[0].starts_with(&format!("note: /{SIGNING}, /{MANIFEST} first; ")), "{said}");
    assert!(
        notes[1].contains("/etc/kubernetes/pki/ca.key change one right after the other"),
        "{said}"
    );
    assert!(node.installed(&project, "cp1").starts_with("nothing to do: "));
    // Its manifest was moved away, so nothing starts that would have to be handed over.
    let node = Node::new();
    let project = FolderProject::described(&described(version, "keypair 1")).applied();
    node.installed(&project, "cp1");
    fs::remove_file(node.path(MANIFEST)).unwrap();
    go(&project, version, "trust", TRUST);
    let said = node.installed(&project, "cp1");
    assert_eq!(lines(&said, &["note: "]), [""; 0], "{said}");
}
