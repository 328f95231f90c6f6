//! A node's file system as far as it matters here, in memory until it is written to a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    File { mode: u32, bytes: Vec<u8> },
    Folder { mode: u32 },
    Link { to: String },
    Fifo,
}

/// By path below the node's root: `etc/kubernetes/pki/ca.crt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTree(pub BTreeMap<String, Entry>);

impl NodeTree {
    pub fn file(&mut self, path: &str, mode: u32, bytes: impl AsRef<[u8]>) {
        self.0.insert(path.to_owned(), Entry::File { mode, bytes: bytes.as_ref().to_vec() });
    }

    pub fn folder(&mut self, path: &str, mode: u32) {
        self.0.insert(path.to_owned(), Entry::Folder { mode });
    }

    pub fn link(&mut self, path: &str, to: &str) {
        self.0.insert(path.to_owned(), Entry::Link { to: to.to_owned() });
    }

    #[track_caller]
    pub fn bytes(&self, path: &str) -> &[u8] {
        match self.0.get(path) {
            Some(Entry::File { bytes, .. }) => bytes,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path).to_vec()).unwrap()
    }

    /// The file keeps its mode.
    #[track_caller]
    pub fn set(&mut self, path: &str, bytes: impl AsRef<[u8]>) {
        match self.0.get_mut(path) {
            Some(Entry::File { bytes: old, .. }) => *old = bytes.as_ref().to_vec(),
            other => panic!("{path}: {other:?}"),
        }
    }

    /// The path and what lies below it; it must have been there.
    #[track_caller]
    pub fn remove(&mut self, path: &str) {
        let before = self.0.len();
        let below = format!("{path}/");
        self.0.retain(|name, _| name != path && !name.starts_with(&below));
        assert!(self.0.len() < before, "{path} is not there");
    }

    /// Folders that no entry names are 0755.
    pub fn write(&self, root: &Path) {
        fs::create_dir_all(root).unwrap();
        for (path, entry) in &self.0 {
            let at = root.join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            let set_mode = |mode| fs::set_permissions(&at, fs::Permissions::from_mode(mode));
            match entry {
                Entry::File { mode, bytes } => {
                    fs::write(&at, bytes).unwrap();
                    set_mode(*mode).unwrap();
                }
                Entry::Folder { mode } => {
                    fs::create_dir_all(&at).unwrap();
                    set_mode(*mode).unwrap();
                }
                Entry::Link { to } => symlink(to, &at).unwrap(),
                Entry::Fifo => assert!(Command::new("mkfifo").arg(&at).status().unwrap().success()),
            }
        }
    }
}

/// Everything below a folder: kind, mode, time of the last change, bytes. Nothing is followed and no pipe
/// is opened.
pub fn snapshot(root: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let facts = fs::symlink_metadata(&path).unwrap();
        let kind = facts.file_type();
        let bytes = if kind.is_symlink() {
            fs::read_link(&path).unwrap().to_str().unwrap().as_bytes().to_vec()
        } else if kind.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        if kind.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let about =
            format!("{:o} {:?} {kind:?}", facts.permissions().mode(), facts.modified().unwrap());
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        found.insert(name, (about, bytes));
    }
    found
}
