//! Completion in a real bash on a terminal, and what kpki answers a shell.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::testkit::{FolderProject, kpki, printed, tool};

const TWO_NODES: &str = r#"
cluster "lab" endpoint="api.lab.internal:6443"
node "cp1" role="control-plane" address="10.0.0.11"
node "w1"
user "jane"
"#;

/// What stands on the line after each of these was typed, and Tab.
fn completed(folder: &Path, typed: &[&str]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/completes_in_bash.py");
    let mut python = tool("python3");
    python.arg(script).arg(env!("CARGO_BIN_EXE_kpki")).arg(folder).args(typed);
    printed(&mut python).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_what_the_project_has() {
    let project = FolderProject::described(TWO_NODES);
    std::fs::create_dir(project.path("empty")).unwrap();
    let cases = [
        ("kpki sta", "kpki status "),
        ("kpki show nod", "kpki show nodes/"),
        ("kpki show nodes/w", "kpki show nodes/w1/kubelet"),
        ("kpki show clus", "kpki show cluster"),
        ("kpki why nodes/cp1/sched", "kpki why nodes/cp1/scheduler"),
        ("kpki install c", "kpki install cp1 "),
        ("kpki export w", "kpki export w1 "),
        ("kpki accept u", "kpki accept users/jane "),
        ("kpki plan --renew users/jane/k", "kpki plan --renew users/jane/kubeconfig "),
        ("kpki rotate ser", "kpki rotate service-account "),
        ("kpki explain component.top", "kpki explain component.topology "),
        ("kpki explain stray", "kpki explain stray-manifest "),
        ("kpki -C empty install c", "kpki -C empty install c"),
    ];
    let typed: Vec<&str> = cases.iter().map(|(typed, _)| *typed).collect();
    let found = completed(project.folder(), &typed);
    let wanted: Vec<&str> = cases.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(found, wanted);
}

/// What bash would be offered for the last of these words.
fn offered(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut asked = kpki(folder);
    asked.args(["--", "kpki"]).args(words);
    asked.envs([("KPKI_COMPLETE", "bash"), ("_CLAP_IFS", "\n"), ("_CLAP_COMPLETE_SPACE", "true")]);
    asked.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let output = asked.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // Options are those of kpki, whatever the project.
    text.lines().filter(|word| !word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn an_absent_project_completes_nothing_and_a_broken_one_what_is_on_record() {
    let project = FolderProject::described(TWO_NODES);
    assert_eq!(offered(project.folder(), &["-C", "nowhere", "install", ""]), [] as [&str; 0]);
    project.says("apply");
    project.describe("node \"cp1\" role=");
    assert_eq!(offered(project.folder(), &["install", ""]), ["cp1", "w1"]);
    std::fs::write(project.path("cluster.lock"), "broken\n").unwrap();
    assert_eq!(offered(project.folder(), &["install", ""]), [] as [&str; 0]);
    // Nothing is there to be read, and nothing is made.
    std::fs::remove_file(project.path("cluster.kdl")).unwrap();
    assert_eq!(offered(project.folder(), &["why", ""]), [] as [&str; 0]);
    assert!(!project.path("cluster.kdl").exists());
}

/// A key that is no key, and a folder of them that nobody may enter, are never looked at.
#[test]
fn completing_opens_no_secret() {
    let project = FolderProject::described(TWO_NODES).applied();
    std::fs::remove_dir_all(project.path("out")).unwrap();
    std::fs::write(project.path("out"), "no folder").unwrap();
    assert_eq!(offered(project.folder(), &["install", "c"]), ["cp1"]);
    assert_eq!(offered(project.folder(), &["why", "users/jane/kub"]), ["users/jane/kubeconfig"]);
}

/// Of thousands of names a shell is offered the next part, and soon.
#[test]
fn many_names_are_completed_part_by_part() {
    let workers = (0..400).map(|number| format!("node \"worker-{number}\"\n"));
    let text: String = [TWO_NODES.to_owned()].into_iter().chain(workers).collect();
    let project = FolderProject::described(&text);
    let started = Instant::now();
    assert_eq!(offered(project.folder(), &["why", "nod"]), ["nodes/"]);
    // Unoptimized, and on a busy machine; a person waits for a tenth of a second at most.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(
        offered(project.folder(), &["why", "nodes/worker-77/"]),
        ["nodes/worker-77/kubelet", "nodes/worker-77/kubelet.conf"]
    );
}

#[test]
fn each_shell_has_a_script_that_asks_kpki() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(kpki(Path::new(".")).args(["completions", shell]));
        assert!(script.contains("KPKI_COMPLETE"), "{shell}: {script}");
        assert!(!script.contains("target/"), "{shell}: {script}");
    }
}
