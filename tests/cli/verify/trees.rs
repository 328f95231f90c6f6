//! Whole trees: kubeadm's, kpki's, several nodes', and what is no tree.

use std::path::Path;
use std::process::Command;

use super::tree::{
    APISERVER, AUTHORITY_EXTENSIONS, FRONT_PROXY_CLIENT, KUBEADM, STRICT, Tree, ids, verify,
};
use crate::testkit::{FolderProject, commands};

fn kpki(arguments: &[&str]) -> std::process::Output {
    commands::kpki(Path::new(".")).args(arguments).env("COLUMNS", "80").output().unwrap()
}

/// kubeadm sets key encipherment on EC keys: a habit, no error. Nothing else is found, from wherever one
/// looks.
#[test]
fn kubeadms_own_tree_has_no_error() {
    let tree = Tree::kubeadm(KUBEADM);
    for folder in ["", "pki"] {
        let (report, code) = verify(&tree.path(folder), &[]);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(ids(&report), ["ec-key-encipherment"], "{report:#}");
    }
    for folder in ["pki/etcd", "manifests"] {
        let (report, code) = verify(&tree.path(folder), &[]);
        assert_eq!((code, &report["errors"]), (0, &0.into()), "{report:#}");
    }
    let mut verify = commands::kpki(&tree.0.path(""));
    let output = verify.args(["verify", "kubernetes"]).env("COLUMNS", "80").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.starts_with("warning ec-key-encipherment: "), "{text}");
    assert!(text.contains("  and 4 more\n"), "{text}");
    assert!(text.contains("0 errors, 12 warnings in "), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour into a pipe");
}

/// A copy of each node's folder beside the others: what one node has says nothing about another.
#[test]
fn several_nodes_in_one_tree() {
    let tree = Tree::right();
    let nodes = tempfile::tempdir().unwrap();
    for node in ["cp1", "cp2"] {
        let to = nodes.path().join(node);
        std::fs::create_dir(&to).unwrap();
        let copied = Command::new("cp").arg("-a").args([tree.folder(), to]).status();
        assert!(copied.unwrap().success());
    }
    assert_eq!(ids(&verify(nodes.path(), &[]).0), [""; 0]);
    std::fs::remove_file(nodes.path().join("cp2/kubernetes/pki/etcd/peer.crt")).unwrap();
    let (report, _) = verify(nodes.path(), &[]);
    assert_eq!(ids(&report), ["flag-missing-file"]);
    assert_eq!(report["findings"][0]["path"], "cp2/kubernetes/manifests/etcd.yaml");
}

/// kubeadm lets kubelet.conf name the file that the kubelet renews; a worker has little more than that.
#[test]
fn a_worker_whose_kubelet_renews_its_certificate() {
    let tree = Tree::right();
    let text = tree.read("kubelet.conf");
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.trim_start().split(':').next().unwrap() {
            "client-certificate-data" => format!("    client-certificate: {current}"),
            "client-key-data" => format!("    client-key: {current}"),
            _ => line.to_owned(),
        })
        .collect();
    let worker = tempfile::tempdir().unwrap();
    let folder = worker.path().join("pki");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(tree.path("pki/ca.crt"), folder.join("ca.crt")).unwrap();
    let config = worker.path().join("kubelet.conf");
    std::fs::write(&config, lines.join("\n")).unwrap();
    let (report, code) = verify(worker.path(), &[]);
    assert_eq!((ids(&report), code), (vec![], 0), "{report:#}");
    assert_eq!(report["kubeconfigs"], 1);
}

/// Kubernetes takes keys that kpki does not make: their pairs and chains are judged all the same.
#[test]
fn keys_of_other_kinds() {
    for command in [
        "ecparam -name secp521r1 -genkey -noout",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    ] {
        let tree = Tree::right();
        tree.key_by(APISERVER.0, command);
        tree.leaf(APISERVER, STRICT);
        assert_eq!(ids(&verify(&tree.folder(), &[]).0), [""; 0], "{command}");
        tree.key_by(APISERVER.0, command);
        assert_eq!(ids(&verify(&tree.folder(), &[]).0), ["key-mismatch"]);
    }
    // The CA of the front proxy, whose signatures nothing here can check.
    let tree = Tree::right();
    tree.key_by("pki/front-proxy-ca", "ecparam -name secp521r1 -genkey -noout");
    tree.authority("pki/front-proxy-ca", "/CN=front-proxy-ca", AUTHORITY_EXTENSIONS);
    let (report, _) = verify(&tree.folder(), &[]);
    assert_eq!(ids(&report), ["wrong-ca"], "the old CA's identifier");
    tree.leaf(FRONT_PROXY_CLIENT, STRICT);
    let (report, _) = verify(&tree.folder(), &[]);
    assert_eq!(ids(&report), [""; 0], "{report:#}");
}

/// While a CA is rotated, two of one name stand in one bundle.
#[test]
fn a_bundle_of_two_cas() {
    let tree = Tree::right();
    let old = tree.read("pki/ca.crt");
    tree.key("new");
    tree.authority("new", "/CN=kubernetes", AUTHORITY_EXTENSIONS);
    let new = tree.read("new.crt");
    std::fs::remove_file(tree.path("new.crt")).unwrap();
    std::fs::rename(tree.path("new.key"), tree.path("pki/new-ca.key")).unwrap();
    tree.put("pki/ca.crt", format!("{old}{new}"), 0o644);
    tree.put("pki/signer.crt", &old, 0o644);
    tree.edit(
        "manifests/kube-controller-manager.yaml",
        "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt",
        "--cluster-signing-cert-file=/etc/kubernetes/pki/signer.crt",
    );
    let (report, _) = verify(&tree.folder(), &[]);
    assert_eq!(ids(&report), [""; 0], "{report:#}");
}

/// A sealed key is there, though it cannot be read.
#[test]
fn sealed_secrets_are_not_missing() {
    let tree = Tree::right();
    for name in ["pki/apiserver.key", "scheduler.conf"] {
        std::fs::remove_file(tree.path(name)).unwrap();
        tree.put(&format!("{name}.age"), "age-encryption.org/v1\n", 0o644);
    }
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec![], 0), "{report:#}");
}

/// A link within the tree leads to its file; one in the place of a file is that file.
#[test]
fn links_inside_a_tree_are_files() {
    let tree = Tree::right();
    std::fs::rename(tree.path("pki/apiserver.crt"), tree.path("pki/apiserver-2.crt")).unwrap();
    std::os::unix::fs::symlink("apiserver-2.crt", tree.path("pki/apiserver.crt")).unwrap();
    // As the kubelet shows a Secret.
    let (name, real) = (tree.path("pki/etcd/ca.crt"), tree.path("pki/etcd/..2026"));
    std::fs::create_dir(&real).unwrap();
    std::fs::rename(&name, real.join("ca.crt")).unwrap();
    std::os::unix::fs::symlink("..2026", tree.path("pki/etcd/..data")).unwrap();
    std::os::unix::fs::symlink("..data/ca.crt", name).unwrap();
    let (report, _) = verify(&tree.folder(), &[]);
    assert_eq!(ids(&report), [""; 0], "{report:#}");
}

#[test]
fn every_example_has_no_finding() {
    let mut count = 0;
    for entry in std::fs::read_dir("examples").unwrap() {
        let entry = entry.unwrap();
        if !entry.path().join("cluster.kdl").exists() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let project = FolderProject::example(&name).applied();
        // The lab's dates are written down.
        let now: &[&str] = if name == "lab" { &["--now", "2026-02-01"] } else { &[] };
        let (report, code) = verify(&project.path("out"), now);
        assert_eq!((ids(&report), code), (vec![], 0), "{name}: {report:#}");
        assert!(report["certificates"].as_u64().unwrap() > 10, "{name}");
        // out/ is what is judged where no folder is named.
        let words = [&["verify"], now].concat();
        let output = project.kpki(&words);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("nothing found in "), "{text}");
        count += 1;
    }
    assert!(count >= 8, "{count} examples");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_str().unwrap();
    std::fs::write(empty.path().join("ca.crt"), "").unwrap();
    for (arguments, says) in [
        (vec!["verify", "/nowhere/at/all"], "cannot read the folder /nowhere/at/all"),
        (vec!["-C", path, "verify"], "there is no out/ here to verify"),
        (vec!["verify", &format!("{path}/ca.crt")], "is a file, not a folder"),
    ] {
        let output = kpki(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(output.stdout.is_empty());
    }
}

/// Files that nobody can read from: pipes are passed by, folders in folders have an end.
#[test]
fn a_hostile_tree_ends() {
    let tree = Tree::right();
    let fifo = Command::new("mkfifo").arg(tree.path("pki/pipe.crt")).status();
    assert!(fifo.unwrap().success());
    std::os::unix::fs::symlink(".", tree.path("pki/itself")).unwrap();
    std::os::unix::fs::symlink("b.crt", tree.path("pki/a.crt")).unwrap();
    std::os::unix::fs::symlink("a.crt", tree.path("pki/b.crt")).unwrap();
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec!["unread".to_owned()], 0), "{report:#}");
    let deep = tree.path("pki").join("d/".repeat(80));
    std::fs::create_dir_all(deep).unwrap();
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec!["unread".to_owned()], 0), "{report:#}");
    let text = report.to_string();
    assert!(text.contains("lies more than 64 folders deep"), "{text}");
}

/// Where nothing is judged, nothing is right: a mistyped path in a nightly job must not stay green.
#[test]
fn a_tree_with_nothing_to_judge_is_no_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let says = |words: &[&str]| {
        for format in ["text", "json"] {
            let output = kpki(&["verify", path, "--format", format]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{said}");
            for word in words {
                assert!(said.contains(word), "{said}");
            }
        }
    };
    let nothing = "no certificate, key, kubeconfig or manifest was found in ";
    says(&[nothing, path, "kpki verify /etc/kubernetes"]);
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    std::fs::write(folder.path().join("manifests/web.yaml"), "kind: Deployment\n").unwrap();
    says(&[nothing]);
    std::fs::write(folder.path().join("a.age"), "age-encryption.org/v1\n").unwrap();
    says(&[nothing, "one sealed file was not looked into"]);
    std::fs::write(folder.path().join("b"), "age-encryption.org/v1\n").unwrap();
    says(&[nothing, "2 sealed files were not looked into"]);
    std::os::unix::fs::symlink("/nowhere", folder.path().join("link")).unwrap();
    says(&[nothing]);
    // What cannot be read is found, not nothing.
    std::fs::write(folder.path().join("ca.crt"), "").unwrap();
    assert_eq!(verify(folder.path(), &[]).1, 2);
}

/// Of a sealed tree is said what was not looked into.
#[test]
fn sealed_files_are_counted() {
    let tree = Tree::right();
    for name in ["pki/apiserver.key", "scheduler.conf"] {
        std::fs::remove_file(tree.path(name)).unwrap();
        tree.put(&format!("{name}.age"), "age-encryption.org/v1\n", 0o644);
    }
    let armored = "-----BEGIN AGE ENCRYPTED FILE-----\nYQ==\n-----END AGE ENCRYPTED FILE-----\n";
    tree.put("x.age", armored, 0o644);
    let (report, _) = verify(&tree.folder(), &[]);
    assert_eq!(report["sealed"], 3, "{report:#}");
    let output = kpki(&["verify", tree.folder().to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap().replace("\n  ", " ");
    assert!(text.contains("manifests; 3 sealed files were not looked into ("), "{text}");
}
