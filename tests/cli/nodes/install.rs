//! `kpki install` into a folder that stands for a node's root.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::node::{LAB, Node, apply};
use crate::testkit::{FolderProject, done, refused, said, set_mode};

const EXAMPLES: [&str; 7] =
    ["dual-stack", "external-etcd", "ha", "lab-up", "minimal", "static-pods", "users"];

/// The modes of FACTS: kubeadm's.
fn mode(path: &str) -> u32 {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap();
    if path.ends_with('/') {
        return if name == "manifests" { 0o700 } else { 0o755 };
    }
    let public = path.ends_with(".crt")
        || path == "var/lib/kubelet/config.yaml"
        || path == "var/lib/kpki/installed.json";
    if public { 0o644 } else { 0o600 }
}

#[test]
fn every_node_of_every_example() {
    let owner = user();
    for example in EXAMPLES {
        let project = FolderProject::example(example).applied();
        let nodes = fs::read_dir(project.out("nodes")).unwrap();
        for name in nodes.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let what = format!("{example}, {name}");
            let node = Node::new();
            // Whatever the umask: under this one nothing at all would be readable by others.
            let output = project
                .shell("umask 077; exec \"$0\" install \"$1\" --root \"$2\"")
                .args([&name, node.root()])
                .output()
                .unwrap();
            done(output);
            let mut files = node.files();
            for (path, (mode_now, owner_now, _)) in &files {
                assert_eq!(*mode_now, mode(path), "{what}: {path}");
                assert_eq!(*owner_now, owner, "{what}: {path}");
                assert!(!path.contains("/."), "{what}: {path}");
            }
            let again = node.installed(&project, &name);
            assert!(again.starts_with("nothing to do: "), "{what}: {again}");
            assert_eq!(node.files(), files, "{what}");

            // Nothing but what out/ has, and all of it.
            files.retain(|path, _| !path.ends_with('/') && !path.starts_with("var/lib/kpki/"));
            let tree = project.out(&format!("nodes/{name}"));
            let mut expected = super::node::files(&tree);
            expected.retain(|path, _| !path.ends_with('/'));
            let bytes = |files: super::node::Files| -> Vec<(String, Vec<u8>)> {
                let each = files.into_iter();
                each.map(|(path, (_, _, bytes))| (path, bytes)).collect()
            };
            assert_eq!(bytes(files), bytes(expected), "{what}");
        }
    }
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[test]
fn a_dry_run_tells_the_same_and_writes_nothing() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    let before = node.files();
    let told = done(node.install(&project, "cp1", &["--dry-run"]));
    assert_eq!(node.files(), before);
    let real = node.installed(&project, "cp1");
    assert_eq!(told.replace(" to write", " written"), real);
    let after = node.files();
    project.describe(&LAB.replace("api.lab:6443", "api.lab:7443"));
    apply(&project, &["--allow", "escalation:endpoint"]);
    let told = done(node.install(&project, "cp1", &["--dry-run"]));
    assert_eq!(node.files(), after);
    assert!(told.contains("~ changed  0600  /etc/kubernetes/admin.conf\n"), "{told}");
}

#[test]
fn only_what_differs_is_written() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "w1");
    let path = |path: &str| node.path(&format!("etc/kubernetes/{path}"));
    let before = fs::metadata(path("pki/ca.crt")).unwrap();
    set_mode(path("kubelet.conf"), 0o640);
    fs::write(path("pki/kubelet.crt"), "damaged").unwrap();
    let text = node.installed(&project, "w1");
    for line in [
        "= mode or owner  0600  /etc/kubernetes/kubelet.conf\n",
        "~ foreign        0644  /etc/kubernetes/pki/kubelet.crt\n",
        "2 written, 4 unchanged (w1)\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let after = fs::metadata(path("pki/ca.crt")).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    // Folders of Kubernetes' own are closed where they are too open, and left where they are closed.
    set_mode(path("pki"), 0o777);
    let text = node.installed(&project, "w1");
    assert!(text.starts_with("+ folder  0755  /etc/kubernetes/pki/\n"), "{text}");
    set_mode(path("pki"), 0o700);
    assert!(node.installed(&project, "w1").starts_with("nothing to do"));
    set_mode(node.path("etc"), 0o775);
    assert!(node.installed(&project, "w1").starts_with("nothing to do"));
}

/// A tree that was put there in some other way becomes kpki's.
#[test]
fn a_lost_record_is_written_again() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "w1");
    let before = node.files();
    fs::remove_dir_all(node.path("var/lib/kpki")).unwrap();
    assert_eq!(
        node.installed(&project, "w1"),
        "nothing to write: 6 files on w1 as described; only the record is written\n"
    );
    assert_eq!(node.files(), before);
}

#[test]
fn what_is_no_longer_described_goes_unless_it_was_changed() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "cp1");
    node.put("etc/kubernetes/pki/mine.key", "mine", 0o600);
    node.put("etc/kubernetes/manifests/mine.yaml", "mine", 0o600);
    let config = node.path("etc/kubernetes/kube-proxy.conf");
    let mut changed = fs::read_to_string(&config).unwrap();
    changed.push_str("# kept by hand\n");
    fs::write(&config, &changed).unwrap();
    let less = LAB.lines().filter(|line| !line.contains("kube-proxy") && !line.contains("backup"));
    project.describe(&less.collect::<Vec<_>>().join("\n"));
    apply(&project, &["--prune"]);
    let text = node.installed(&project, "cp1");
    assert_eq!(
        text,
        "- removed    /etc/backup/backup.key\n\
         - removed    /etc/backup/backup.crt\n\
         note: /etc/kubernetes/kube-proxy.conf is no longer described, but was changed since kpki put it there: it stays\n\
         \n\
         2 removed, 32 unchanged (cp1)\n"
    );
    assert!(!node.path("etc/backup/backup.key").exists());
    assert_eq!(fs::read_to_string(&config).unwrap(), changed);
    let read = |path: &str| fs::read_to_string(node.path(path)).unwrap();
    assert_eq!(read("etc/kubernetes/pki/mine.key"), "mine");
    assert_eq!(read("etc/kubernetes/manifests/mine.yaml"), "mine");
    // It is not kpki's any more, and so is not told again.
    assert!(node.installed(&project, "cp1").starts_with("nothing to do"));
}

/// A node that becomes a worker loses its static pods first.
#[test]
fn a_control_plane_node_becomes_a_worker() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "cp2");
    let worker = LAB.replace(r#""cp2" role="control-plane""#, r#""cp2" role="worker""#);
    project.describe(&worker);
    apply(&project, &["--prune"]);
    let text = node.installed(&project, "cp2");
    let gone: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("- removed")).collect();
    assert!(gone[0].ends_with("/manifests/kube-scheduler.yaml"), "{text}");
    assert!(gone[3].ends_with("/manifests/etcd.yaml"), "{text}");
    assert!(gone[4].ends_with("scheduler.conf"), "{text}");
    assert!(gone.last().unwrap().contains("/pki/"), "{text}");
    assert!(
        text.contains("the kubelet stops by itself: etcd, kube-apiserver, kube-controller-manager, kube-scheduler\n"),
        "{text}"
    );
    assert!(!node.path("etc/kubernetes/pki/ca.key").exists());
    assert!(node.path("etc/kubernetes/pki/ca.crt").exists());
}

/// What changes, and what that restarts on cp1: the table "Static pods" of the facts, from the outside.
#[test]
fn restarts() {
    for (what, description, arguments, expected) in [
        ("a serving certificate is read again", LAB.into(), "--renew nodes/cp1/apiserver", ""),
        (
            "the service-account key",
            LAB.replace(
                "component \"kube-proxy\"",
                "component \"kube-proxy\"\ncomponent \"service-account\" revision=2",
            ),
            "--allow replace:service-account",
            "the kubelet restarts by itself: kube-apiserver, kube-controller-manager\n",
        ),
        (
            "where clients dial",
            LAB.replace("api.lab:6443", "other.lab:6443"),
            "--allow escalation:endpoint --allow escalation:apiserver",
            "next: systemctl restart kube-proxy\n",
        ),
        (
            "a flag",
            LAB.replace(
                "component \"kube-proxy\"",
                "component \"kube-proxy\"\ncomponent \"scheduler\" { flag \"v\" \"3\" }",
            ),
            "",
            "the kubelet restarts by itself: kube-scheduler\n",
        ),
        (
            "the kubelet's file",
            LAB.replace("lab\" {", "lab\" { dns-domain \"a.b\";"),
            "--allow escalation:apiserver",
            "next: systemctl restart kubelet\n",
        ),
    ] {
        let project = FolderProject::described(LAB).applied();
        let node = Node::new();
        node.installed(&project, "cp1");
        project.describe(&description);
        let words: Vec<&str> = arguments.split_whitespace().collect();
        apply(&project, &words);
        let text = node.installed(&project, "cp1");
        let (_, orders) = text.split_once(" unchanged (cp1)\n").expect(&text);
        // A change of the cluster's domain is one of the API server's names and flags, too.
        let orders: Vec<&str> = orders
            .lines()
            .filter(|line| what != "the kubelet's file" || line.starts_with("next"))
            .take_while(|line| !line.starts_with("before the next node"))
            .collect();
        let expected: Vec<&str> = expected.lines().collect();
        assert_eq!(orders, expected, "{what}: {text}");
    }
}

/// A file that was exchanged on the node alone: the manifest stays, so the kubelet notices nothing.
#[test]
fn a_restored_file_restarts_its_reader_by_hand() {
    let project = FolderProject::described(LAB).applied();
    let (node, other) = (Node::new(), Node::new());
    node.installed(&project, "cp1");
    let stranger = FolderProject::described(LAB).applied();
    other.installed(&stranger, "cp1");
    let path = "etc/kubernetes/pki/etcd/ca.crt";
    fs::copy(other.path(path), node.path(path)).unwrap();
    let text = node.installed(&project, "cp1");
    assert!(
        text.ends_with(
            "restart yourself, for their manifests stay as they are: etcd, kube-apiserver\nbefore the next node this one \
             must answer:\n  etcdctl endpoint health --cluster\n  kubectl get --raw /readyz --server \
             https://10.0.0.11:6443\n"
        ),
        "{text}"
    );
}

/// As a user that may only read out/: the files are that user's.
#[test]
fn neither_root_nor_write_access_to_out_is_needed() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    let run = |command: &str| {
        let output = Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    };
    let (folder, root) = (project.folder().display(), node.root());
    let mut kpki = Command::new(env!("CARGO_BIN_EXE_kpki"));
    let mut uid = user();
    if uid == 0 {
        uid = 65534;
        run(&format!("chown -R 65534 {folder} {root}"));
        // The binary may lie in a folder of root's alone: it is opened before the user changes.
        let copy = project.path("kpki");
        fs::copy(env!("CARGO_BIN_EXE_kpki"), &copy).unwrap();
        kpki = Command::new(copy);
        kpki.uid(uid).gid(uid);
    }
    run(&format!("chmod -R a-w {folder}"));
    let output = kpki
        .args(["install", "w1", "--root", root])
        .current_dir(project.folder())
        .output()
        .unwrap();
    run(&format!("chmod -R u+w {folder}"));
    done(output);
    for (path, (mode_now, owner, _)) in node.files() {
        assert_eq!((mode_now, owner), (mode(&path), uid), "{path}");
    }
}

#[test]
fn the_root_itself_may_be_a_link_and_nothing_below_it() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    fs::create_dir_all(node.path("disk/etc")).unwrap();
    std::os::unix::fs::symlink("disk", node.path("root")).unwrap();
    let root = node.path("root").display().to_string();
    project.done(&["install", "w1", "--root", &root]);
    assert!(node.path("disk/etc/kubernetes/kubelet.conf").exists());

    for (link, target) in [
        ("etc", "../outside"),
        ("etc/kubernetes", "../outside"),
        ("etc/kubernetes/pki/kubelet.key", "/outside"),
        ("var/lib/kpki", "../../outside"),
        ("var/lib/kpki/installed.json", "outside"),
    ] {
        let node = Node::new();
        fs::create_dir_all(node.path("outside")).unwrap();
        let path = node.path(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        let before = node.files();
        let error = refused(&node.install(&project, "w1", &[]), 1);
        assert!(
            error.contains(&format!("{link} is a symbolic link, which kpki does not follow")),
            "{error}"
        );
        assert_eq!(node.files(), before, "{link}");
    }
    for (path, what) in [
        ("etc/kubernetes/pki", "etc/kubernetes/pki is not a folder"),
        ("etc/kubernetes/kubelet.conf/x", "etc/kubernetes/kubelet.conf is not a regular file"),
    ] {
        let node = Node::new();
        node.put(path, "", 0o600);
        let before = node.files();
        let error = refused(&node.install(&project, "w1", &[]), 1);
        assert!(error.contains(what), "{error}");
        assert_eq!(node.files(), before);
    }
}

/// kubeadm's control-plane nodes have the keys of all CAs. Who describes no `keys-on-nodes` has not asked for
/// them to be taken away, and kubeadm needs them to join another control-plane node.
#[test]
fn keys_of_cas_that_kpki_did_not_put_there_stay() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    let keys = ["etc/kubernetes/pki/etcd/ca.key", "etc/kubernetes/pki/front-proxy-ca.key"];
    for (path, master) in keys.iter().zip(["ca/etcd.key", "ca/front-proxy.key"]) {
        node.put(path, project.read(master), 0o600);
    }
    node.installed(&project, "cp1");
    let words = "ca \"etcd\" keys-on-nodes=#true\nca \"front-proxy\" keys-on-nodes=#true\n";
    for (path, master) in keys.iter().zip(["ca/etcd.key", "ca/front-proxy.key"]) {
        assert_eq!(fs::read_to_string(node.path(path)).unwrap(), project.read(master), "{path}");
    }
    // What lies there is what is described: nothing is written, and from now on it is kpki's.
    project.describe_more(words);
    apply(&project, &["--allow", "escalation:etcd", "--allow", "escalation:front-proxy"]);
    let again = node.installed(&project, "cp1");
    assert!(!again.contains("ca.key"), "{again}");
    // Who made the copies under out/, no record tells: they are the operator's to delete.
    project.describe(LAB);
    apply(&project, &["--prune"]);
    let told = refused(&node.install(&project, "cp1", &[]), 1);
    assert!(told.contains("etcd/ca.key is not described"), "{told}");
    for path in keys {
        fs::remove_file(project.out(&format!("nodes/cp1/{path}"))).unwrap();
    }
    node.installed(&project, "cp1");
    assert!(keys.iter().all(|path| !node.path(path).exists()));
}

/// kubeadm's external CA mode: nobody looks for a key that the description has nowhere.
#[test]
fn a_cluster_ca_whose_key_is_nowhere_is_installed() {
    let described = format!("{LAB}ca \"kubernetes\" keys-on-nodes=#false\n");
    let project = FolderProject::described(&described).applied();
    fs::remove_file(project.out("ca/kubernetes.key")).unwrap();
    assert!(project.done(&["plan"]).contains("nothing to do"));
    let node = Node::new();
    node.installed(&project, "cp1");
    assert!(!node.path("etc/kubernetes/pki/ca.key").exists());
    assert!(node.installed(&project, "cp1").starts_with("nothing to do: "));
    let shown = project.done(&["show", "ca/kubernetes"]);
    assert!(shown.contains("on no node") && shown.contains("cluster.kdl:"), "{shown}");
}
