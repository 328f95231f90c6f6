//! A project in a real repository, and the `kpki` that Git finds in its PATH.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::testkit::{FolderProject, ended, git_command, kpki, path_with_kpki, printed, tool};

pub struct Repository {
    top: FolderProject,
    /// The project's folder in it.
    below: &'static str,
}

pub const LAB: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { group "dev" }
"#;

impl Repository {
    /// An applied and committed project on the branch `main`.
    pub fn new(below: &'static str) -> Self {
        let repository = Repository { top: FolderProject::empty(), below };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.done(&["init"]);
        repository.describe(LAB);
        repository.done(&["apply"]);
        repository.commit("The PKI of lab");
        repository
    }

    pub fn top(&self) -> &Path {
        self.top.folder()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.top.path(self.below).join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn describe(&self, text: &str) {
        fs::write(self.path("cluster.kdl"), text).unwrap();
    }

    pub fn command(&self, mut command: Command) -> Command {
        command
            .current_dir(self.top())
            .env("PATH", path_with_kpki())
            // What the person at this machine has set up is not under test.
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("CLICOLOR_FORCE");
        command
    }

    pub fn git_command(&self, words: &[&str]) -> Command {
        git_command(self.top(), words)
    }

    pub fn git(&self, words: &[&str]) -> String {
        self.top.git(words)
    }

    pub fn commit(&self, message: &str) {
        self.top.commit(message);
    }

    /// `kpki` at the top.
    pub fn kpki_command(&self) -> Command {
        self.command(kpki(self.top()))
    }

    #[track_caller]
    pub fn openssl(&self, words: &str) {
        printed(self.command(tool("openssl")).args(words.split(' ')));
    }

    pub fn kpki(&self, words: &[&str]) -> Output {
        self.kpki_command().args(["-C", self.below]).args(words).output().unwrap()
    }

    #[track_caller]
    pub fn done(&self, words: &[&str]) -> String {
        ended(&self.kpki(words), 0)
    }

    /// What `kpki diff` says; it must leave with `code`.
    #[track_caller]
    pub fn diff(&self, words: &[&str], code: i32) -> String {
        ended(&self.kpki(&[&["diff"], words].concat()), code)
    }

    /// Applies `description` on a new branch of `main`, with consent to its users, and commits all.
    pub fn branch(&self, name: &str, description: &str) {
        self.git(&["switch", "--quiet", "-c", name, "main"]);
        self.describe(description);
        let users = description.split("user \"").skip(1).filter_map(|rest| rest.split('"').next());
        let consents: Vec<String> =
            users.flat_map(|user| ["--allow".to_owned(), format!("escalation:{user}")]).collect();
        let consents: Vec<&str> = consents.iter().map(String::as_str).collect();
        self.done(&[&["apply"], &consents[..]].concat());
        self.commit(name);
    }
}

/// A name for cp1, which its servers then have, and the consent to that.
pub const NAMED: &str = "address=\"10.0.0.11\" { san \"cp1.lab.internal\" }";
pub const APPLY_NAMED: [&str; 7] = [
    "apply",
    "--allow",
    "escalation:apiserver",
    "--allow",
    "escalation:etcd-peer",
    "--allow",
    "escalation:etcd-server",
];

pub fn named() -> String {
    LAB.replace("address=\"10.0.0.11\"", NAMED)
}

/// The line of a report that begins with a sign and a name.
pub fn line<'a>(text: &'a str, start: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("no line starts with {start:?} in\n{text}"))
}
