//! The hooks, run by the real pre-commit.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{HOOKS, yaml};
use crate::testkit::{FolderProject, ended, path_with_kpki, printed, said, tool};

struct Repository(FolderProject);

impl Repository {
    fn new() -> Self {
        let project = FolderProject::example("minimal");
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(HOOKS[0]);
        project.write(".pre-commit-config.yaml", fs::read(own).unwrap());
        let repository = Repository(project);
        printed(repository.command("git").args(["init", "--quiet"]));
        printed(repository.command("pre-commit").arg("install"));
        repository
    }

    /// With kpki and pre-commit on the PATH, as git hands it to its hooks.
    fn command(&self, name: &str) -> Command {
        let mut command = tool(name);
        command
            .current_dir(self.0.folder())
            .env("PATH", path_with_kpki())
            .env("HOME", self.0.path(".git"))
            .env_remove("GIT_DIR");
        command
    }

    fn commit(&self) -> Output {
        printed(self.command("git").args(["add", "--all"]));
        let somebody = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"];
        let mut git = self.command("git");
        git.args(somebody).args(["commit", "--message", "A change"]);
        git.output().unwrap()
    }
}

#[test]
fn a_commit_with_a_key_or_a_mistake_is_refused() {
    let repository = Repository::new();
    let first = ended(&repository.commit(), 0);
    // Both ran.
    assert_eq!(first.matches("Passed").count(), 2, "{first}");

    printed(
        tool("openssl")
            .args(["genpkey", "-algorithm", "ed25519", "-out"])
            .arg(repository.0.path("notes.txt")),
    );
    let refused = repository.commit();
    assert!(!refused.status.success(), "{}", said(&refused));
    assert!(said(&refused).contains("private key  notes.txt"), "{}", said(&refused));
    printed(repository.command("git").args(["rm", "--quiet", "--force", "notes.txt"]));

    repository.0.describe("cluster \"lab\"\nnod \"cp1\"\n");
    let refused = repository.commit();
    assert!(!refused.status.success(), "{}", said(&refused));
    assert!(said(&refused).contains("unknown"), "{}", said(&refused));
}

#[test]
fn both_files_name_the_same_hooks() {
    let [config, manifest] = HOOKS.map(yaml);
    printed(tool("pre-commit").args(["validate-config", HOOKS[0]]));
    printed(tool("pre-commit").args(["validate-manifest", HOOKS[1]]));
    let known = |hooks: &serde_json::Value| -> Vec<_> {
        let hooks = hooks.as_array().unwrap().iter();
        hooks
            .map(|hook| {
                ["id", "entry", "files", "always_run", "pass_filenames"]
                    .map(|key| hook[key].clone())
            })
            .collect()
    };
    assert_eq!(known(&config["repos"][0]["hooks"]), known(&manifest));
}
