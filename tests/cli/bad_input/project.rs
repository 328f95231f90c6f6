//! A project folder that is damaged and then handed to the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::testkit::{FolderProject, printed, set_mode};

pub const DESCRIPTION: &str = r#"
cluster "lab"
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { group "dev" }
"#;
pub const PKI: &str = "out/nodes/cp1/etc/kubernetes/pki";
pub const APISERVER: &str = "out/nodes/cp1/etc/kubernetes/pki/apiserver";
pub const ADMIN: &str = "out/nodes/cp1/etc/kubernetes/admin.conf";

/// A project folder that a case damages.
pub struct Damaged(FolderProject);

impl std::ops::Deref for Damaged {
    type Target = FolderProject;

    fn deref(&self) -> &FolderProject {
        &self.0
    }
}

impl Damaged {
    pub fn empty() -> Damaged {
        Damaged(FolderProject::empty())
    }

    pub fn described(description: &str) -> Damaged {
        Damaged(FolderProject::described(description))
    }

    pub fn applied() -> Damaged {
        let project = Damaged::described(DESCRIPTION);
        project.kpki(&["apply"]).expect(0, &["applied"]);
        project
    }

    pub fn copy_of(base: &Damaged) -> Damaged {
        let copy = Damaged::empty();
        printed(Command::new("cp").arg("-a").arg(base.path(".")).arg(copy.folder()));
        copy
    }

    pub fn get(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    pub fn change(&self, path: &str, change: impl Fn(String) -> String) {
        let before = self.text(path);
        let after = change(before.clone());
        assert_ne!(before, after, "{path} is not damaged");
        self.write(path, after);
    }

    pub fn mode(&self, path: &str, mode: u32) {
        set_mode(self.path(path), mode);
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    pub fn fifo(&self, path: &str) {
        let _ = fs::remove_file(self.path(path));
        mkfifoat(CWD, self.path(path), Mode::from_raw_mode(0o600)).unwrap();
    }

    pub fn make_folder(&self, path: &str) {
        let _ = fs::remove_file(self.path(path));
        fs::create_dir(self.path(path)).unwrap();
    }

    /// Moves a file or folder aside and leaves a link to it.
    pub fn link(&self, path: &str) {
        let aside = self.path("aside");
        fs::rename(self.path(path), &aside).unwrap();
        symlink(&aside, self.path(path)).unwrap();
    }

    /// One bit of a certificate's signature.
    pub fn flip(&self, path: &str) {
        let mut der = pem::parse(self.get(path)).unwrap().into_contents();
        let at = der.len() - 3;
        der[at] ^= 1;
        self.write(path, pem::encode(&pem::Pem::new("CERTIFICATE", der)));
    }

    pub fn kpki(&self, arguments: &[&str]) -> Ended {
        self.run(self.command(arguments))
    }

    pub fn run(&self, mut command: Command) -> Ended {
        let started = Instant::now();
        let mut child = command
            .current_dir(self.folder())
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
                let bytes = fs::read(self.folder().join(path)).unwrap();
                write!(says, " {}", blake3::hash(&bytes)).unwrap();
            }
            all.insert(path.to_owned(), says);
        });
        all
    }

    pub fn walk(&self, path: &Path, visit: &mut impl FnMut(&Path, &fs::Metadata)) {
        let whole = self.folder().join(path);
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
            let bytes = fs::read(self.folder().join(path)).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            if let Some((_, key)) = text.split_once("client-key-data: ") {
                let key = key.trim();
                lines.insert(key.to_owned());
                let pem = STANDARD.decode(key).unwrap_or_default();
                collect_key_lines(&String::from_utf8_lossy(&pem), &mut lines);
            }
            collect_key_lines(&text, &mut lines);
        });
        assert!(!lines.is_empty() || !self.path("out").is_dir());
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

pub static BASE: LazyLock<Damaged> = LazyLock::new(Damaged::applied);
/// Another cluster of the same description.
pub static OTHER: LazyLock<Damaged> = LazyLock::new(Damaged::applied);
