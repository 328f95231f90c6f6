//! How a job comes by its kpki: the release whose checksum it names, or else a build. `curl` and `cargo` are
//! stand-ins that tell what they were asked for; the archive, its checksum and kpki are real.

use std::fs;
use std::process::{Command, Output};

use super::checkout::{Checkout, VERSION};
use super::{GITHUB, GITLAB, script_of, yaml};
use crate::testkit::{ended, printed, put, said, set_mode, tool};

/// Gives a file of the folder of releases, as `--fail` does: nothing and 22 where there is none.
const CURL: &str = r#"#!/bin/sh
echo "curl $*" >> "$ASKED"
while [ "$1" != --output ]; do shift; done
cp "$RELEASES/${3##*/}" "$2" 2>/dev/null || exit 22
"#;

const CARGO: &str = r#"#!/bin/sh
echo "cargo $*" >> "$ASKED"
while [ "$1" != --root ]; do shift; done
mkdir -p "$2/bin"
cp "$RELEASES/built" "$2/bin/kpki"
"#;

const BUILT: &str = "#!/bin/sh\necho built\n";
const REVISION: &str = "1111111111111111111111111111111111111111";

struct Runner {
    checkout: Checkout,
    sum: String,
}

/// What a job's installation left: what it asked for, and what `kpki --version` says then.
struct Installed {
    output: Output,
    asked: String,
    version: String,
}

impl Runner {
    /// With a release.
    fn new() -> Self {
        let runner = Runner::without_release();
        runner.checkout.stripped("kpki");
        let target = "x86_64-unknown-linux-musl";
        let pack = ["packaging/archive.sh", "kpki", target, "releases"];
        let archive = printed(&mut runner.checkout.script(&pack));
        let sum = printed(tool("sha256sum").arg(archive.trim_end()));
        Runner { sum: sum[..64].to_owned(), ..runner }
    }

    fn without_release() -> Self {
        let checkout = Checkout::new();
        for (name, text) in [("bin/curl", CURL), ("bin/cargo", CARGO), ("releases/built", BUILT)] {
            put(checkout.path(name), text);
            set_mode(checkout.path(name), 0o755);
        }
        Runner { checkout, sum: String::new() }
    }

    fn install(&self, file: &str, version: &str, sum: &str) -> Installed {
        let desk = tempfile::tempdir().unwrap();
        let path = |name: &str| desk.path().join(name);
        let yaml = yaml(file);
        // GitLab runs `script` behind `before_script`; GitHub's next step has what GITHUB_PATH names.
        let script = if file == GITHUB {
            let install = script_of(&yaml, "plan", "Install kpki");
            assert_eq!(
                without_comments(&install),
                without_comments(&script_of(&yaml, "apply", "Install kpki"))
            );
            install
        } else {
            let lines = yaml[".kpki"]["before_script"].as_array().unwrap();
            let lines = lines.iter().map(|line| line.as_str().unwrap().to_owned() + "\n");
            lines.collect::<String>() + "echo \"$PATH\" > \"$GITHUB_PATH\"\n"
        };
        fs::write(path("script"), script).unwrap();
        for name in ["checkout", "runner"] {
            fs::create_dir(path(name)).unwrap();
        }
        let system = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .arg("-e")
            .arg(path("script"))
            .current_dir(path("checkout"))
            .env_clear()
            .env("PATH", format!("{}:{system}", self.checkout.path("bin").display()))
            .env("TMPDIR", path("runner"))
            .env("RUNNER_TEMP", path("runner"))
            .env("GITHUB_PATH", path("path"))
            .env("ASKED", path("asked"))
            .env("RELEASES", self.checkout.path("releases"))
            .env("KPKI_SOURCE", "https://git.example.com/kpki")
            .env("KPKI_VERSION", version)
            .env("KPKI_SHA256", sum)
            .env("KPKI_REVISION", REVISION)
            .output()
            .unwrap();
        // Nothing is put where the change is checked out.
        assert_eq!(fs::read_dir(path("checkout")).unwrap().count(), 0);
        let read = |name: &str| fs::read_to_string(path(name)).unwrap_or_default();
        let found = read("path");
        let version = if found.is_empty() {
            String::new()
        } else {
            let mut kpki = Command::new("sh");
            printed(
                kpki.args(["-c", "kpki --version"])
                    .env("PATH", format!("{}:{system}", found.trim_end())),
            )
        };
        Installed { asked: read("asked"), output, version }
    }
}

fn without_comments(script: &str) -> Vec<&str> {
    script.lines().filter(|line| !line.trim_start().starts_with('#')).collect()
}

#[test]
fn a_job_runs_the_release_whose_checksum_it_names_and_no_other() {
    let runner = Runner::new();
    for file in [GITHUB, GITLAB] {
        let installed = runner.install(file, VERSION, &runner.sum);
        ended(&installed.output, 0);
        assert_eq!(installed.version, format!("kpki {VERSION}\n"), "{file}");
        let url = format!(
            "https://git.example.com/kpki/releases/download/v{VERSION}/kpki-{VERSION}-x86_64-unknown-linux-musl.tar.gz"
        );
        assert!(installed.asked.ends_with(&format!(" {url}\n")), "{}", installed.asked);
        assert!(installed.asked.contains("--fail") && installed.asked.contains("--proto =https"));

        // Another archive, and none: nothing is run, and nothing is built in its place.
        let mut other = runner.sum.clone();
        other.replace_range(..1, if other.starts_with('0') { "1" } else { "0" });
        for (version, sum) in [(VERSION, &other), ("99.0.0", &runner.sum)] {
            let installed = runner.install(file, version, sum);
            assert!(!installed.output.status.success(), "{file}: {}", said(&installed.output));
            assert_eq!(installed.version, "", "{file}");
            assert_eq!(installed.asked.lines().count(), 1, "{file}: {}", installed.asked);
        }
    }
}

#[test]
fn without_a_checksum_a_job_builds_the_commit_that_it_names() {
    let runner = Runner::without_release();
    for file in [GITHUB, GITLAB] {
        let installed = runner.install(file, VERSION, &runner.sum);
        ended(&installed.output, 0);
        assert_eq!(installed.version, "built\n", "{file}");
        let asked = format!(
            "cargo install --locked --git https://git.example.com/kpki --rev {REVISION} --root "
        );
        assert!(installed.asked.starts_with(&asked), "{file}: {}", installed.asked);
        assert_eq!(installed.asked.lines().count(), 1, "{file}: {}", installed.asked);
    }
}
