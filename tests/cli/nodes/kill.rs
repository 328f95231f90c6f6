//! A real install, stopped by a signal while its files lie beside their places.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::node::Node;
use crate::testkit::{FolderProject, done};

/// What lies beside its place.
fn beside(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        // What is there one moment may be gone the next.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            } else if path.to_str().unwrap().ends_with(".kpki-new") {
                found.push(path);
            }
        }
    }
    found
}

/// So many files that there is time to stop in between.
fn project() -> FolderProject {
    let mut description = String::from(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n",
    );
    for number in 0..20 {
        let _ = writeln!(
            description,
            "certificate \"web{number}\" {{ san \"web{number}.lab\"; node \"cp1\"; folder \"/etc/nginx\" }}"
        );
    }
    FolderProject::described(&description).applied()
}

#[test]
fn a_signal_leaves_nothing_that_others_can_read_and_the_next_run_clears_it() {
    let project = project();
    let whole = Node::new();
    whole.installed(&project, "cp1");
    let mut seen = 0;
    for (round, signal) in
        [Signal::INT, Signal::TERM, Signal::KILL].into_iter().cycle().take(12).enumerate()
    {
        let node = Node::new();
        // Into an empty root, or over the files of before.
        if round % 2 == 1 {
            node.installed(&project, "cp1");
            for name in ["web7.key", "web8.crt", "web9.key"] {
                fs::remove_file(node.path("etc/nginx").join(name)).unwrap();
            }
        }
        let mut install = Command::new("sh");
        // Whatever the umask lets others do.
        install
            .args(["-c", "umask 0; exec \"$0\" install cp1 --root \"$1\""])
            .arg(env!("CARGO_BIN_EXE_kpki"))
            .arg(node.root())
            .current_dir(project.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = install.spawn().unwrap();
        let start = Instant::now();
        let wanted = if round % 2 == 1 { 1 } else { 1 + 7 * (round / 2) };
        while child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20) {
            if beside(Path::new(node.root())).len() >= wanted {
                let _ = kill_process(Pid::from_child(&child), signal); // it may be done by now
                break;
            }
        }
        let killed = child.wait().unwrap().signal().is_some();
        let left = beside(Path::new(node.root()));
        seen += usize::from(killed && !left.is_empty());
        for path in &left {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            let name = path.to_str().unwrap();
            let public = [".crt", ".pub", ".json"];
            let public = public.iter().any(|end| name.ends_with(&format!("{end}.kpki-new")));
            let others = mode & if public { 0o022 } else { 0o077 };
            assert_eq!(others, 0, "{name} {mode:o}");
        }
        done(node.install(&project, "cp1", &[]));
        assert_eq!(beside(Path::new(node.root())), Vec::<PathBuf>::new());
        assert_eq!(node.files(), whole.files());
    }
    assert!(seen >= 3, "only {seen} of 12 were stopped in between");
}
