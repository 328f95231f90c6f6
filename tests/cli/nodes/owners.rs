//! Files of processes that are not root.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use kpki::algorithm::KeyAlgorithm;
use kpki::engine::{Installed, NodeTree, Orders, install, look};
use kpki::error::Result;
use kpki::install::{Holds, Layer, Wanted};
use kpki::name::TreePath;
use kpki::store::{Disk as _, EntryKind, RECORD};

use super::decide::{graph, name, spec};
use super::node::{LAB, Node};
use crate::testkit::memory_disk::{MemoryDisk, OWN};
use crate::testkit::{FolderProject, done, generate, printed, set_mode, tool};

/// Any two as root; else this user, who can give files to nobody else.
fn somebody() -> (u32, u32) {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if user.is_root() { (65534, 65533) } else { (user.as_raw(), group.as_raw()) }
}

fn described((user, group): (u32, u32)) -> String {
    let processes = ["apiserver", "controller-manager", "scheduler", "etcd"];
    let words = processes.map(|name| format!("component {name:?} user={user} group={group}\n"));
    format!("{LAB}{}", words.concat())
}

/// What kubeadm's control plane without root reads, and no other file.
const OWNED: [&str; 11] = [
    "controller-manager.conf",
    "pki/apiserver-etcd-client.key",
    "pki/apiserver-kubelet-client.key",
    "pki/apiserver.key",
    "pki/ca.key",
    "pki/etcd/peer.key",
    "pki/etcd/server.key",
    "pki/front-proxy-client.key",
    "pki/sa.key",
    "pki/sa.pub",
    "scheduler.conf",
];

#[test]
fn each_process_owns_what_it_reads() {
    let owner = somebody();
    let project = FolderProject::described(&described(owner)).applied();
    let node = Node::new();
    node.installed(&project, "cp1");
    let root = node.path("etc/kubernetes");
    let us = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mut owned = Vec::new();
    for path in node.files().keys().filter_map(|path| path.strip_prefix("etc/kubernetes/")) {
        let facts = fs::metadata(root.join(path)).unwrap();
        let found = (facts.uid(), facts.gid());
        if OWNED.contains(&path) {
            assert_eq!((found, facts.mode() & 0o777), (owner, 0o600), "{path}");
            owned.push(path.to_owned());
        } else {
            assert_eq!(found, us, "{path}");
        }
    }
    assert_eq!(owned, OWNED);
    // Git keeps no owners.
    assert_eq!(fs::metadata(project.on_node("cp1", "pki/ca.key")).unwrap().uid(), us.0);
    let text = node.installed(&project, "cp1");
    assert!(text.starts_with("nothing to do"), "{text}");
    if us.0 == 0 {
        std::os::unix::fs::chown(root.join("pki/sa.key"), Some(0), Some(0)).unwrap();
    } else {
        set_mode(root.join("pki/sa.key"), 0o640);
    }
    for more in [&["--dry-run"][..], &[]] {
        let text = done(node.install(&project, "cp1", more));
        assert!(text.contains("= mode or owner  0600  /etc/kubernetes/pki/sa.key\n"), "{text}");
    }
    let text = node.installed(&project, "cp1");
    assert!(text.starts_with("nothing to do"), "{text}");
    // A word that goes gives the files back to whoever installs them.
    project.describe(LAB);
    let consents = ["apiserver", "controller-manager", "scheduler", "etcd"]
        .map(|name| format!("escalation:{name}"));
    let consents: Vec<&str> = consents.iter().flat_map(|one| ["--allow", one]).collect();
    project.done(&[&["apply"][..], &consents].concat());
    node.installed(&project, "cp1");
    assert_eq!(fs::metadata(root.join("pki/sa.key")).unwrap().uid(), us.0);
}

#[test]
fn the_archive_has_owners_by_number() {
    let more = "component \"apiserver\" user=1001\ncomponent \"controller-manager\" user=1002 group=1003\n\
                component \"service-account\" group=2000\n";
    let project = FolderProject::described(&format!("{LAB}{more}")).applied();
    project.done(&["export", "cp1", "-o", "node.tar"]);
    let mut tar = tool("tar");
    tar.args(["--utc", "--numeric-owner", "-tvf", "node.tar"]).current_dir(project.folder());
    let listing = printed(&mut tar);
    let line = |path: &str| {
        let end = format!(" etc/kubernetes/{path}");
        listing.lines().find(|line| line.ends_with(&end)).unwrap().to_owned()
    };
    for (path, begins) in [
        ("pki/sa.key", "-rw-r----- 0/2000 "),
        ("pki/sa.pub", "-rw------- 1001/1001 "),
        ("pki/apiserver.key", "-rw------- 1001/1001 "),
        ("pki/ca.key", "-rw------- 1002/1003 "),
        ("controller-manager.conf", "-rw------- 1002/1003 "),
        ("scheduler.conf", "-rw------- 0/0 "),
        ("admin.conf", "-rw------- 0/0 "),
        ("pki/etcd/server.key", "-rw------- 0/0 "),
        ("pki/apiserver.crt", "-rw-r--r-- 0/0 "),
        ("manifests/kube-apiserver.yaml", "-rw------- 0/0 "),
    ] {
        assert!(line(path).starts_with(begins), "{}", line(path));
    }
}

const KEY: &str = "etc/kubernetes/pki/sa.key";

fn wanted(mode: u32, owner: Option<(u32, u32)>) -> Vec<Wanted> {
    let bytes = generate(KeyAlgorithm::EcdsaP256).to_pem();
    let derivation = graph().ids().next().unwrap();
    vec![Wanted {
        path: TreePath::of(KEY),
        layer: Layer::Pki,
        derivation,
        mode,
        owner,
        secret: true,
        holds: Holds::of(&bytes),
        bytes,
    }]
}

fn put<'t>(disk: &MemoryDisk, tree: &NodeTree<'t>) -> Result<Installed<'t>> {
    let no = &|_: &TreePath| false;
    let orders = Orders {
        dry_run: false,
        overwrites: no,
        puts_back: no,
        judge: &|_| Ok(()),
        handed_over: &|_| Ok(()),
    };
    install(disk, tree, look(disk, tree)?, &orders)
}

#[test]
fn without_root_nothing_is_given_away_and_nothing_written() {
    let (spec, node) = (spec(), name());
    let files = wanted(0o640, Some((0, 2000)));
    let tree = NodeTree { spec: &spec, node: &node, files: &files };
    let disk = MemoryDisk::new().without_root();
    let error = put(&disk, &tree).err().unwrap().to_string();
    assert!(error.contains("/etc/kubernetes/pki/sa.key: user 0, group 2000"), "{error}");
    for path in ["etc", RECORD] {
        assert_eq!(disk.kind(path).unwrap(), EntryKind::Missing, "{path}");
    }
    let disk = MemoryDisk::new();
    assert!(put(&disk, &tree).unwrap().was_placed);
    assert_eq!(disk.owner(KEY).unwrap(), Some((0, 2000)));
    assert!(matches!(disk.kind(KEY).unwrap(), EntryKind::File { mode: 0o640, .. }));
    assert!(!put(&disk, &tree).unwrap().was_placed);
    // Another group of the same user counts as well.
    disk.set_owner(KEY, (0, 2001)).unwrap();
    assert!(put(&disk, &tree).unwrap().was_placed);
    assert_eq!(disk.owner(KEY).unwrap(), Some((0, 2000)));
    assert_eq!(OWN.0, 0);
}
