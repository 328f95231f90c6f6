//! Nodes whose kubelets renew their own client certificates.

use std::fs;
use std::os::unix::fs::symlink;

use super::node::{LAB, Node};
use crate::testkit::{FolderProject, done};

const CONF: &str = "etc/kubernetes/kubelet.conf";
const PAIR: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";
const RECORD: &str = "var/lib/kpki";

fn self_rotated() -> FolderProject {
    let described = LAB.replace("config=#true", "config=#true client=\"self-rotated\"");
    FolderProject::described(&described).applied()
}

/// kubelet.conf is public, and its name is that of a secret: plan reads it all the same.
#[test]
fn kubelet_conf_is_compared_by_its_bytes() {
    let project = self_rotated();
    assert!(project.done(&["plan"]).contains("nothing to do"));
    let path = project.on_node("w1", "kubelet.conf");
    let text = fs::read_to_string(&path).unwrap();
    // As long as it was, and at another server.
    let other = text.replace("https://api.lab:6443", "https://bad.lab:6443");
    assert_ne!(text, other);
    fs::write(&path, &other).unwrap();
    let plan = project.done(&["plan"]);
    assert!(plan.contains("nodes/w1/etc/kubernetes/kubelet.conf was modified"), "{plan}");
    project.done(&["apply"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// An adopted node: everything is there as described, and kpki was never here.
#[test]
fn on_a_node_that_runs_so_already_nothing_is_to_do() {
    let project = self_rotated();
    let node = Node::new();
    node.put(CONF, "", 0o600);
    node.put("var/lib/kubelet/pki/kubelet-client-2026-01-01.pem", "public here", 0o600);
    symlink("/var/lib/kubelet/pki/kubelet-client-2026-01-01.pem", node.path(PAIR)).unwrap();
    node.installed(&project, "w1");
    fs::remove_dir_all(node.path(RECORD)).unwrap();
    let before = node.files();
    let looked = node.install(&project, "w1", &["--dry-run"]);
    assert_eq!(String::from_utf8_lossy(&looked.stderr), "");
    let said = done(looked);
    assert!(said.starts_with("nothing to do: "), "{said}");
    assert!(
        said.ends_with(" as described; kpki install writes nothing but its own record\n"),
        "{said}"
    );
    assert_eq!(node.files(), before);
    let said = node.installed(&project, "w1");
    assert!(said.ends_with(" as described; only the record is written\n"), "{said}");
    let mut after = node.files();
    after.retain(|path, _| !path.starts_with(RECORD));
    assert_eq!(after, before);
    assert!(node.installed(&project, "w1").starts_with("nothing to do: "));
    // kubeadm's modes.
    let mode = |path: &str| before[path].0;
    assert_eq!((mode(CONF), mode("etc/kubernetes/pki/ca.crt")), (0o600, 0o644));
}

/// Without its pair the kubelet does not start: said, and not refused, since a bootstrap token may do.
#[test]
fn a_missing_pair_is_told() {
    let project = self_rotated();
    let node = Node::new();
    for more in [&["--dry-run"][..], &[]] {
        let output = node.install(&project, "w1", more);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            told.contains(&format!("/{CONF} names /{PAIR}, which is not on this node")),
            "{told}"
        );
        done(output);
    }
    assert!(!node.path(PAIR).exists());
}

/// A node that kpki's embedded pair runs on: the key there is kpki's own, so no consent is asked for.
#[test]
fn a_node_goes_over_to_its_own_pair() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "w1");
    project.edit("cluster.kdl", "config=#true", "config=#true client=\"self-rotated\"");
    let plan = project.done(&["plan"]);
    for told in ["nodes/cp1/kubelet.conf and 2 more will name", "rotateCertificates: true"] {
        assert!(plan.replace("\n  ", " ").replace('\n', " ").contains(told), "{told}\n{plan}");
    }
    project.done(&["apply"]);
    let said = node.installed(&project, "w1");
    assert!(said.contains("~ changed  0600  /etc/kubernetes/kubelet.conf"), "{said}");
    assert!(said.contains("next: systemctl restart kubelet"), "{said}");
    assert!(fs::read_to_string(node.path(CONF)).unwrap().contains(PAIR));
}
