//! A folder that stands for a node's root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::testkit::{FolderProject, done, put, set_mode};

/// Mode, owner and bytes of every file, and the modes of folders (whose paths end in a slash).
pub type Files = BTreeMap<String, (u32, u32, Vec<u8>)>;

pub struct Node(tempfile::TempDir);

impl Node {
    pub fn new() -> Self {
        Node(tempfile::tempdir().unwrap())
    }

    pub fn root(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        put(self.path(path), bytes);
        set_mode(self.path(path), mode);
    }

    pub fn install(&self, project: &FolderProject, node: &str, more: &[&str]) -> Output {
        project.kpki(&[&["install", node, "--root", self.root()], more].concat())
    }

    /// What it printed.
    pub fn installed(&self, project: &FolderProject, node: &str) -> String {
        done(self.install(project, node, &[]))
    }

    pub fn files(&self) -> Files {
        files(self.0.path())
    }
}

pub fn files(root: &Path) -> Files {
    let mut found = Files::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let facts = fs::symlink_metadata(&path).unwrap();
            let mut name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let bytes = if facts.is_dir() {
                name.push('/');
                waiting.push(path);
                Vec::new()
            } else if facts.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(name, (facts.mode() & 0o7777, facts.uid(), bytes));
        }
    }
    found
}

pub const LAB: &str = r#"
cluster "lab" { endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "cp2" role="control-plane" address="10.0.0.12"
node "w1" address="10.0.0.21"
component "kubelet" serving=#true config=#true
component "kube-proxy"
certificate "backup" { ca "etcd"; usage "client"; node "cp1"; folder "/etc/backup" }
"#;

pub fn apply(project: &FolderProject, more: &[&str]) {
    project.done(&[&["apply"], more].concat());
}
