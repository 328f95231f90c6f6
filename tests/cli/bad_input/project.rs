//! A project folder that is damaged and then handed to the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

pub const DESCRIPTION: &str = r#"
cluster "lab"
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { group "dev" }
"#;
pub const PKI: &str = "out/nodes/cp1/etc/kubernetes/pki";
pub const APISERVER: &str = "out/nodes/cp1/etc/kubernetes/pki/apiserver";
pub const ADMIN: &str = "out/nodes/cp1/etc/kubernetes/admin.conf";

/// A case's project folder.
pub struct Project(pub TempDir);

impl Project {
    pub fn applied() -> Project {
        let project = Project(tempfile::tempdir().unwrap());
        project.put("cluster.kdl", DESCRIPTION);
        project.kpki(&["apply"]).expect(0, &["applied"]);
        project
    }

    pub fn copy_of(base: &Project) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let done =
            Command::new("cp").arg("-a").arg(base.at(".")).arg(folder.path()).status().unwrap();
        assert!(done.success());
        Project(folder)
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn get(&self, path: &str) -> Vec<u8> {
        fs::read(self.at(path)).unwrap()
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.get(path)).unwrap()
    }

    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.at(path), bytes).unwrap();
    }

    pub fn edit(&self, path: &str, change: impl Fn(String) -> String) {
        let before = self.text(path);
        let after = change(before.clone());
        assert_ne!(before, after, "{path} is not damaged");
        self.put(path, after);
    }

    pub fn mode(&self, path: &str, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.at(path), mode).unwrap();
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.at(path)).unwrap();
    }

    pub fn fifo(&self, path: &str) {
        let _ = fs::remove_file(self.at(path));
        mkfifoat(CWD, self.at(path), Mode::from_raw_mode(0o600)).unwrap();
    }

    pub fn folder(&self, path: &str) {
        let _ = fs::remove_file(self.at(path));
        fs::create_dir(self.at(path)).unwrap();
    }

    /// Moves a file or folder aside and leaves a link to it.
    pub fn link(&self, path: &str) {
        let aside = self.at("aside");
        fs::rename(self.at(path), &aside).unwrap();
        symlink(&aside, self.at(path)).unwrap();
    }

    /// One bit of a certificate's signature.
    pub fn flip(&self, path: &str) {
        let mut der = pem::parse(self.get(path)).unwrap().into_contents();
        let at = der.len() - 3;
        der[at] ^= 1;
        self.put(path, pem::encode(&pem::Pem::new("CERTIFICATE", der)));
    }

    pub fn openssl(&self, arguments: &str) {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .expect("these tests need the `openssl` binary on the PATH");
        assert!(done.status.success(), "openssl {arguments}: {done:?}");
    }

    pub fn kpki(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpki"));
        command.args(arguments);
        self.run(command)
    }

    pub fn run(&self, mut command: Command) -> Ended {
        let started = Instant::now();
        let mut child = command
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > LIMIT {
                child.kill().unwrap();
                panic!("{command:?} did not end within {LIMIT:?}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = Ended(child.wait_with_output().unwrap());
        ended.assert_discreet(&self.secrets());
        ended
    }

    /// All below the folder: kind, mode, times and bytes. The times of `out/` and above may change: what
    /// is being built stands there until it is thrown away.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        self.walk(Path::new(""), &mut |path, found| {
            let mut says = format!("{:o} {}", found.mode(), found.size());
            if path != Path::new("out") && path != Path::new("") {
                write!(says, " {}.{}", found.mtime(), found.mtime_nsec()).unwrap();
            }
            if found.is_file() && found.size() < 1 << 20 {
                let bytes = fs::read(self.0.path().join(path)).unwrap();
                write!(says, " {}", blake3::hash(&bytes)).unwrap();
            }
            all.insert(path.to_owned(), says);
        });
        all
    }

    pub fn walk(&self, path: &Path, visit: &mut impl FnMut(&Path, &fs::Metadata)) {
        let whole = self.0.path().join(path);
        let found = fs::symlink_metadata(&whole).unwrap();
        visit(path, &found);
        if found.is_dir() {
            for entry in fs::read_dir(&whole).unwrap() {
                self.walk(&path.join(entry.unwrap().file_name()), visit);
            }
        }
    }

    /// Every line of base64 that a private key here is written in.
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        self.walk(Path::new(""), &mut |path, found| {
            if !found.is_file() || found.size() > 1 << 20 {
                return;
            }
            let bytes = fs::read(self.0.path().join(path)).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            if let Some((_, key)) = text.split_once("client-key-data: ") {
                let key = key.trim();
                lines.insert(key.to_owned());
                let pem = STANDARD.decode(key).unwrap_or_default();
                collect_key_lines(&String::from_utf8_lossy(&pem), &mut lines);
            }
            collect_key_lines(&text, &mut lines);
        });
        assert!(!lines.is_empty() || !self.at("out").is_dir());
        lines
    }
}

pub fn collect_key_lines(pem: &str, lines: &mut BTreeSet<String>) {
    let mut inside = false;
    for line in pem.lines() {
        if line.contains("PRIVATE KEY-----") {
            inside = line.contains("BEGIN");
        } else if inside && line.len() > 20 {
            lines.insert(line.to_owned());
        }
    }
}

pub const LIMIT: Duration = Duration::from_secs(2);

pub struct Ended(pub Output);

impl Ended {
    pub fn text(&self) -> String {
        let both = [self.0.stdout.as_slice(), &self.0.stderr].concat();
        String::from_utf8(both).expect("prints UTF-8")
    }

    #[track_caller]
    pub fn expect(&self, code: i32, says: &[&str]) {
        // What stands in the way is told in a line below its name.
        let text = self.text().replace("\n    ", ": ");
        assert_eq!(self.0.status.code(), Some(code), "{text}");
        for part in says {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }

    pub fn assert_discreet(&self, secrets: &BTreeSet<String>) {
        let text = self.text();
        assert!(!text.contains("panicked"), "{text}");
        assert!(!text.contains("PRIVATE KEY-----"), "a key is shown");
        assert!(!text.contains('\x1b'), "drives the terminal: {text:?}");
        for secret in secrets {
            assert!(!text.contains(secret.as_str()), "a key is shown");
        }
    }
}

pub static BASE: LazyLock<Project> = LazyLock::new(Project::applied);
/// Another cluster of the same description.
pub static OTHER: LazyLock<Project> = LazyLock::new(Project::applied);
