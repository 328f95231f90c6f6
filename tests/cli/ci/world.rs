//! A project in Git, clones of it, and a runner that runs the scripts of a job.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::testkit::age::Key;
use crate::testkit::{FolderProject, printed, said, tool};

pub struct World {
    desk: tempfile::TempDir,
    key: Key,
    clones: Cell<usize>,
}

/// What a job's script left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub said: String,
    pub summary: String,
    outputs: String,
    files: String,
}

impl Ran {
    /// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#multiline-strings
    pub fn output(&self, name: &str) -> String {
        let start = format!("{name}<<");
        let mut lines = self.outputs.lines().skip_while(|line| !line.starts_with(&start));
        let end = lines.next().unwrap().strip_prefix(&start).unwrap();
        assert!(end.len() == 32, "{end:?} could be guessed");
        lines.take_while(|line| *line != end).collect::<Vec<_>>().join("\n")
    }

    /// What a reviewer can see of it.
    pub fn everything(&self) -> String {
        [self.said.as_str(), &self.summary, &self.files].concat()
    }
}

pub fn steps_of<'a>(jobs: &'a Value, job: &str) -> &'a [Value] {
    jobs[job]["steps"].as_array().unwrap()
}

/// The scripts that a runner would run for a step, or for a whole job of GitLab.
pub fn script_of(yaml: &Value, job: &str, step: &str) -> String {
    if step.is_empty() {
        // GitLab's runner puts the lines of a list into one script, which ends at the first that fails.
        let lines = yaml[job]["script"].as_array().unwrap();
        return lines.iter().map(|line| line.as_str().unwrap().to_owned() + "\n").collect();
    }
    assert_eq!(yaml["defaults"]["run"]["shell"], "sh");
    let steps = steps_of(&yaml["jobs"], job);
    let step = steps.iter().find(|one| one["name"] == step);
    step.unwrap()["run"].as_str().unwrap().to_owned()
}

impl World {
    /// examples/gitops, applied and committed, with rules beside it.
    pub fn new() -> Self {
        let desk = tempfile::tempdir().unwrap();
        let world = World { desk, key: Key::age(), clones: Cell::new(0) };
        let origin = world.desk.path().join("origin.git");
        printed(
            tool("git")
                .args(["init", "--quiet", "--bare", "--initial-branch", "main"])
                .arg(&origin),
        );
        // As GitLab's servers do.
        let options = ["config", "receive.advertisePushOptions", "true"];
        printed(tool("git").arg("-C").arg(&origin).args(options));
        let project = FolderProject::example("gitops");
        project.write("recipients.txt", &world.key.recipient);
        project.write("policy.kdl", "policy { forbid-group \"system:masters\" }\n");
        let project = project.applied();
        project.git(&["init", "--quiet", "--initial-branch", "main"]);
        project.commit("The PKI of prod");
        project.git(&["push", "--quiet", origin.to_str().unwrap(), "main"]);
        world
    }

    pub fn identity(&self) -> PathBuf {
        self.key.file()
    }

    /// kpki is all that a job installs.
    fn bin(&self) -> PathBuf {
        let bin = self.desk.path().join("bin");
        if !bin.exists() {
            fs::create_dir(&bin).unwrap();
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kpki"), bin.join("kpki")).unwrap();
        }
        bin
    }

    /// A fresh clone, on a branch that may be new.
    pub fn branch(&self, name: &str) -> Clone {
        let number = self.clones.get() + 1;
        self.clones.set(number);
        let folder = self.desk.path().join(format!("clone-{number}"));
        fs::create_dir(&folder).unwrap();
        let project = FolderProject::at(folder.join("checkout"));
        let clone = Clone { project, bin: self.bin() };
        let origin = self.desk.path().join("origin.git");
        printed(tool("git").args(["clone", "--quiet"]).arg(&origin).arg(clone.folder()));
        if name != "main" {
            clone.git(&["switch", "--quiet", "--create", name]);
        }
        // A token's address leads to the same place here.
        let url = format!("url.{}.insteadOf", origin.display());
        clone.git(&["config", &url, "https://gitlab-ci-token:t@git.example.com/acme/pki.git"]);
        clone
    }
}

pub struct Clone {
    project: FolderProject,
    bin: PathBuf,
}

impl std::ops::Deref for Clone {
    type Target = FolderProject;

    fn deref(&self) -> &FolderProject {
        &self.project
    }
}

impl Clone {
    /// What main says, and this.
    pub fn describe(&self, more: &str) {
        let text = self.git(&["show", "origin/main:cluster.kdl"]);
        self.project.describe(&(text + more));
    }

    /// RUNNER_TEMP, which is no part of the checkout.
    pub fn temp(&self) -> PathBuf {
        self.folder().with_file_name("temp")
    }

    /// As a runner does: `sh -e FILE`.
    pub fn run(&self, script: &str, variables: &[(&str, &str)]) -> Ran {
        let temp = self.temp();
        let _ = fs::remove_dir_all(&temp);
        fs::create_dir(&temp).unwrap();
        let file = |name: &str| temp.join(name);
        let files = ["output", "summary"].map(file);
        for path in &files {
            fs::write(path, "").unwrap();
        }
        fs::write(file("script"), script).unwrap();
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .arg("-e")
            .arg(file("script"))
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", path)
            .env("HOME", &temp)
            .env("RUNNER_TEMP", &temp)
            .env("GITHUB_OUTPUT", &files[0])
            .env("GITHUB_STEP_SUMMARY", &files[1])
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        Ran {
            code: output.status.code(),
            said: said(&output),
            outputs: read(&files[0]),
            summary: read(&files[1]),
            files: read(&self.path("kpki-plan.md")),
        }
    }
}
