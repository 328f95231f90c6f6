//! What packaging/ needs of this repository, in a repository of its own, and a runner for the steps of its
//! workflow.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::script_of;
use crate::testkit::{copy, git, printed, put, tool};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
pub const REPOSITORY: &str = "https://github.com/acme/kpki";
const TEXTS: [&str; 5] =
    ["Cargo.toml", "README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

pub struct Checkout {
    desk: tempfile::TempDir,
}

impl Checkout {
    /// As it stands.
    pub fn new() -> Self {
        let checkout = Checkout { desk: tempfile::tempdir().unwrap() };
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in TEXTS {
            put(checkout.path(name), fs::read(own.join(name)).unwrap());
        }
        for name in ["docs", "packaging"] {
            fs::create_dir(checkout.path(name)).unwrap();
            copy(&own.join(name), &checkout.path(name));
        }
        git(&checkout.folder(), &["init", "--quiet"]);
        checkout.commit();
        checkout
    }

    /// With what somebody must have written before the first tag.
    pub fn released() -> Self {
        let checkout = Checkout::new();
        checkout.edit("Cargo.toml", "https://git.example.com/kpki", REPOSITORY);
        checkout.edit("Cargo.toml", "kpki@example.com", "kpki@acme.test");
        let heading = format!("## [Unreleased]\n\n## [{VERSION}]\n");
        checkout.edit("CHANGELOG.md", "## [Unreleased]\n", &heading);
        checkout.commit();
        checkout
    }

    pub fn folder(&self) -> PathBuf {
        self.desk.path().join("checkout")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// RUNNER_TEMP.
    pub fn temp(&self) -> PathBuf {
        self.desk.path().join("temp")
    }

    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let path = self.path(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{name}: {old}");
        fs::write(path, text.replace(old, new)).unwrap();
    }

    fn commit(&self) {
        git(&self.folder(), &["add", "--all"]);
        git(&self.folder(), &["commit", "--quiet", "--message", "A release"]);
    }

    /// The kpki under test, without what only a debugger reads: it is packed several times.
    pub fn stripped(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        printed(tool("strip").arg("-o").arg(&path).arg(env!("CARGO_BIN_EXE_kpki")));
        path
    }

    /// A script of packaging/.
    pub fn script(&self, words: &[&str]) -> Command {
        let mut command = tool("sh");
        command
            .args(words)
            .current_dir(self.folder())
            // Squeezing takes the most time, and is not what is under test.
            .env("DPKG_DEB_COMPRESSOR_TYPE", "gzip")
            .env("DPKG_DEB_COMPRESSOR_LEVEL", "1")
            .env_remove("SOURCE_DATE_EPOCH");
        command
    }

    /// A step of a job, as `shell: sh` runs it.
    pub fn step(&self, workflow: &Value, job: &str, step: &str, env: &[(&str, &str)]) -> Output {
        fs::create_dir_all(self.temp()).unwrap();
        let script = self.temp().join("script");
        fs::write(&script, script_of(workflow, job, step)).unwrap();
        self.script(&["-e", script.to_str().unwrap()])
            .env("RUNNER_TEMP", self.temp())
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }
}
