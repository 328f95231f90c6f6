use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use kpki::machine::{Look, Machine};
use kpki::sources::node::{NodeCopy, Source, read_machine};

use super::text;

fn put(root: &Path, path: &str, bytes: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn read(root: &Path) -> NodeCopy {
    read_machine(&Source::named(root.to_str().unwrap())).unwrap()
}

fn files(machine: &Machine) -> Vec<&str> {
    machine.files().map(|(path, _)| path).collect()
}

#[test]
fn a_root_and_parts_of_one_give_the_same_paths() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "cp1/etc/kubernetes/pki/ca.crt", "ca");
    put(folder.path(), "cp1/etc/kubernetes/admin.conf", "admin");
    for name in ["cp1", "cp1/etc", "cp1/etc/kubernetes"] {
        let copy = read(&folder.path().join(name));
        assert_eq!(
            files(copy.machine()),
            ["etc/kubernetes/admin.conf", "etc/kubernetes/pki/ca.crt"],
            "{name}"
        );
    }
    let error = read_machine(&Source::Folder(folder.path().to_owned())).err().unwrap();
    assert!(error.to_string().contains("nothing of a node"));
    assert!(error.help.is_some());
}

#[test]
fn of_a_root_only_what_matters_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in [
        "etc/kubernetes/pki/ca.crt",
        "etc/kubernetes.bak/pki/ca.key",
        "etc/shadow",
        "var/lib/kubelet/config.yaml",
        "var/lib/kubelet/pods/x/token",
        "var/lib/kubelet/pki/kubelet.crt",
        "usr/lib/systemd/system/kubelet.service",
        "usr/lib/systemd/system/sshd.service",
        "opt/audit.yaml",
    ] {
        put(root, path, path);
    }
    symlink("usr/lib", root.join("lib")).unwrap();
    let mut copy = read(root);
    let first = [
        "etc/kubernetes.bak/pki/ca.key",
        "etc/kubernetes/pki/ca.crt",
        "usr/lib/systemd/system/kubelet.service",
        "var/lib/kubelet/config.yaml",
        "var/lib/kubelet/pki/kubelet.crt",
    ];
    assert_eq!(files(copy.machine()), first);
    assert!(text(copy.machine(), "lib/systemd/system/kubelet.service").is_some());
    copy.also(["/opt/audit.yaml", "/opt/not-there", "opt"]).unwrap();
    assert_eq!(text(copy.machine(), "opt/audit.yaml").as_deref(), Some("opt/audit.yaml"));
    assert!(matches!(copy.machine().look("opt/not-there"), Look::Absent));
}

#[test]
fn links_stay_in_the_copy() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "secret", "outside");
    put(outside.path(), "opt/ca.crt", "host's");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "data/k8s/pki/ca.crt", "ca");
    put(root, "opt/shared.crt", "shared");
    put(root, "opt/folder/a.crt", "a");
    fs::create_dir_all(root.join("etc")).unwrap();
    // As on the machine itself: absolute.
    symlink("/data/k8s", root.join("etc/kubernetes")).unwrap();
    let pki = root.join("data/k8s/pki");
    symlink("/opt/shared.crt", pki.join("shared.crt")).unwrap();
    symlink("../../../opt/folder", pki.join("folder")).unwrap();
    symlink(outside.path().join("secret"), pki.join("out.crt")).unwrap();
    let up = "../".repeat(30);
    let far = outside.path().join("secret");
    symlink(format!("{up}{}", far.strip_prefix("/").unwrap().display()), pki.join("up.crt"))
        .unwrap();
    symlink("/", pki.join("all")).unwrap();
    symlink("/etc", pki.join("etc")).unwrap();
    symlink("round", pki.join("round")).unwrap();
    put(root, "etc/shadow", "root:x");
    let copy = read(root);
    let machine = copy.machine();
    let at = |name: &str| text(machine, &format!("etc/kubernetes/pki/{name}"));
    assert_eq!(at("ca.crt").as_deref(), Some("ca"));
    assert_eq!(at("shared.crt").as_deref(), Some("shared"));
    assert_eq!(at("folder/a.crt").as_deref(), Some("a"));
    for name in ["out.crt", "up.crt", "round"] {
        assert_eq!(at(name), None, "{name}");
    }
    assert_eq!(machine.links().filter(|(path, _)| path.ends_with("/out.crt")).count(), 1);
    assert!(matches!(machine.look("etc/kubernetes/pki/out.crt"), Look::LeadsAway { .. }));
    assert!(!files(machine).contains(&"etc/shadow"));
    assert!(files(machine).iter().all(|path| !path.contains("secret")));
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "etc/kubernetes/pki/ca.crt", "ca");
    put(root, "etc/kubernetes/large", &"x".repeat((1 << 20) + 1));
    let fifo = root.join("etc/kubernetes/fifo");
    assert!(std::process::Command::new("mkfifo").arg(fifo).status().unwrap().success());
    put(root, "etc/kubernetes/pki/ca.key", "key");
    let key = root.join("etc/kubernetes/pki/ca.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read(&key).is_ok();
    let copy = read(root);
    let unread: Vec<_> = copy.machine().unread().collect();
    assert!(unread.contains(&("etc/kubernetes/large", "larger than 1 MiB")), "{unread:?}");
    assert!(unread.iter().any(|(path, why)| path.ends_with("fifo") && why.contains("pipe")));
    let hidden = unread.iter().any(|(path, _)| path.ends_with("ca.key"));
    assert_eq!(hidden, !is_root);
    let facts = copy.machine().file("etc/kubernetes/pki/ca.crt").unwrap().1;
    let metadata = fs::metadata(root.join("etc/kubernetes/pki/ca.crt")).unwrap();
    assert_eq!(facts.mode, metadata.permissions().mode() & 0o7777);
}

/// What kubeadm's tree is made of raises no finding by being read as the copy of a machine.
#[test]
fn a_copy_is_judged_as_its_folder_is() {
    let mut machine = super::machine(&[("etc/kubernetes/pki/ca.crt", "no certificate")]);
    machine.add_file("etc/kubernetes.bak/pki/ca.crt", super::file("neither"));
    machine.add_file("etc/kubernetes/tmp/x/ca.crt", super::file("neither"));
    machine.add_file("root/.kube/config", super::file("neither"));
    machine.add_unread("etc/kubernetes/etcd.db", "larger than 1 MiB");
    machine.add_unread("etc/kubernetes/pki/sa.key", "larger than 1 MiB");
    let tree = kpki::lint::tree_of(&machine);
    let findings = kpki::lint::lint(&tree, crate::testkit::now());
    let paths: std::collections::BTreeSet<&str> =
        findings.iter().map(|finding| finding.path.as_str()).collect();
    assert!(paths.contains("etc/kubernetes/pki/ca.crt"), "{paths:?}");
    assert!(paths.contains("etc/kubernetes/pki/sa.key"), "{paths:?}");
    assert!(paths.iter().all(|path| path.starts_with("etc/kubernetes/pki")), "{paths:?}");
}
