//! A project folder and the `kpki` binary, as a user has them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::commands::{self, done, printed, tool};
use super::files::{copy, put, set_mode};

pub struct FolderProject {
    folder: PathBuf,
    /// The folder goes with it.
    _temporary: Option<tempfile::TempDir>,
}

/// A file or folder below `out/`.
#[derive(Debug)]
pub struct Entry {
    /// Relative to `out/`; empty for `out/` itself.
    pub path: String,
    pub mode: u32,
    pub is_folder: bool,
}

impl FolderProject {
    /// Nothing is in it yet.
    pub fn empty() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    pub fn within(temporary: tempfile::TempDir) -> Self {
        FolderProject { folder: temporary.path().to_owned(), _temporary: Some(temporary) }
    }

    /// In a folder that somebody else keeps.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        FolderProject { folder: folder.into(), _temporary: None }
    }

    /// A copy of `examples/NAME`.
    pub fn example(name: &str) -> Self {
        let project = Self::empty();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        copy(&from, project.folder());
        // Git keeps no modes; outside of it nobody else may read a seed.
        let seed = project.path("lab.seed");
        if seed.exists() {
            set_mode(seed, 0o600);
        }
        project
    }

    pub fn described(description: &str) -> Self {
        let project = Self::empty();
        project.describe(description);
        project
    }

    pub fn applied(self) -> Self {
        self.applied_with(&[])
    }

    pub fn applied_with(self, more: &[&str]) -> Self {
        self.done(&[&["apply"], more].concat());
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = commands::kpki(self.folder());
        command.args(arguments);
        command
    }

    pub fn kpki(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A command as one types it: words are split at spaces.
    pub fn typed(&self, words: &str) -> Command {
        self.command(&words.split(' ').collect::<Vec<_>>())
    }

    /// What a command that is typed prints; it must succeed.
    #[track_caller]
    pub fn says(&self, words: &str) -> String {
        printed(&mut self.typed(words))
    }

    /// What `kpki` printed; it must have succeeded.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        done(self.kpki(arguments))
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.done(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// A script of the shell; `$0` is `kpki`.
    pub fn shell(&self, script: &str) -> Command {
        commands::shell(self.folder(), script)
    }

    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        commands::git(self.folder(), arguments)
    }

    /// Everything that Git does not ignore; the commit's name.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Words are split at spaces.
    #[track_caller]
    pub fn openssl(&self, words: &str) -> String {
        printed(tool("openssl").args(words.split(' ')).current_dir(self.folder()))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of the project's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// With the folders on the way to it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        put(self.path(name), bytes);
    }

    pub fn describe(&self, description: &str) {
        self.write("cluster.kdl", description);
    }

    /// Adds to what is described.
    pub fn describe_more(&self, more: &str) {
        self.describe(&(self.text("cluster.kdl") + more));
    }

    /// Exchanges what must be there.
    #[track_caller]
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name} lacks {from}");
        self.write(name, text.replace(from, to));
    }

    pub fn out(&self, path: &str) -> PathBuf {
        self.folder().join("out").join(path)
    }

    /// A file below `/etc/kubernetes` of a node.
    pub fn on_node(&self, node: &str, path: &str) -> PathBuf {
        self.out(&format!("nodes/{node}/etc/kubernetes/{path}"))
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.out(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Everything below `out/`, sorted by path.
    pub fn entries(&self) -> Vec<Entry> {
        let mut found = Vec::new();
        let mut waiting = vec![String::new()];
        while let Some(path) = waiting.pop() {
            let full = self.out(&path);
            let facts = fs::symlink_metadata(&full).unwrap();
            if facts.is_dir() {
                for entry in fs::read_dir(&full).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    waiting.push(format!("{path}/{name}").trim_start_matches('/').to_owned());
                }
            }
            found.push(Entry {
                path,
                mode: facts.permissions().mode() & 0o7777,
                is_folder: facts.is_dir(),
            });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// The files below `out/` whose names end in `suffix`.
    pub fn files(&self, suffix: &str) -> Vec<String> {
        let entries = self.entries().into_iter().filter(|entry| !entry.is_folder);
        entries.map(|entry| entry.path).filter(|path| path.ends_with(suffix)).collect()
    }
}
