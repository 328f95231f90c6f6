//! Folders in which somebody else could exchange what kpki puts there: told by what reads, refused by what
//! writes.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use super::node::{LAB, Node};
use crate::testkit::{FolderProject, ended, mode, said, set_mode};

/// Only root can give a folder away.
fn give_away(path: &Path) -> bool {
    chown(path, Some(65534), None).is_ok()
}

fn take_back(path: &Path) {
    chown(path, Some(0), None).unwrap();
}

fn run(project: &FolderProject, words: &[&str]) -> (Option<i32>, String) {
    let output = project.kpki(words);
    (output.status.code(), said(&output))
}

const MANIFESTS: &str = "nodes/cp1/etc/kubernetes/manifests";

#[test]
fn a_folder_of_out_that_everybody_can_write_to_is_refused() {
    let project = FolderProject::described(LAB).applied();
    for folder in ["", "ca", "nodes", MANIFESTS, "identities/nodes/cp1"] {
        let path = project.out(folder);
        let before = mode(&path);
        for open in [0o777, 0o1777, 0o703] {
            set_mode(&path, open);
            let shown = format!("out/{folder}");
            let shown = shown.trim_end_matches('/');
            let what = format!("{shown} can be written to by everybody (mode {open:04o})");
            let (code, text) = run(&project, &["apply"]);
            assert_eq!(code, Some(1), "{text}");
            assert!(text.contains(&what), "{text}");
            assert!(text.contains(&format!("then: chmod go-w {shown}\n")), "{text}");
            assert!(text.contains("nothing was written"), "{text}");
            for reading in ["plan", "status"] {
                let (code, text) = run(&project, &[reading]);
                assert_eq!(code, Some(0), "{text}");
                assert!(text.contains(&format!("note: {what}; apply is refused")), "{text}");
            }
            let (code, text) = run(&project, &["verify"]);
            assert_eq!(code, Some(2), "{text}");
            assert!(text.contains("folder-writable-by-others"), "{text}");
            assert_eq!(mode(&path), open);
        }
        set_mode(&path, before);
    }
    assert!(run(&project, &["apply"]).1.contains("nothing to do"));
}

/// Git makes folders so under a umask of 002, and that is no reason to stop anybody.
#[test]
fn a_folder_that_our_group_can_write_to_is_closed() {
    let project = FolderProject::described(LAB).applied();
    for folder in ["", "nodes", MANIFESTS] {
        set_mode(project.out(folder), 0o775);
    }
    let (code, text) = run(&project, &["plan", "--detailed-exitcode"]);
    assert_eq!(code, Some(0), "{text}");
    // Whoever only reads a checkout, again and again, need not hear of it.
    assert!(!text.contains("group"), "{text}");
    let (code, text) = run(&project, &["apply"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("closed 3 folders of out/"), "{text}");
    for folder in ["", "nodes", MANIFESTS] {
        assert_eq!(mode(&project.out(folder)) & 0o022, 0, "{folder}");
    }
    assert!(!run(&project, &["apply"]).1.contains("closed"));
    // What kpki does not write to is not its business.
    fs::create_dir(project.out("notes")).unwrap();
    set_mode(project.out("notes"), 0o777);
    let (code, text) = run(&project, &["apply"]);
    assert_eq!((code, text.contains("out/notes")), (Some(0), false), "{text}");
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let project = FolderProject::described(LAB);
    let out = project.out("");
    fs::create_dir(&out).unwrap();
    if !give_away(&out) {
        println!("skipped: giving a folder away takes root");
        return;
    }
    // Before the first apply.
    let (code, text) = run(&project, &["apply"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("out belongs to another user (uid 65534)"), "{text}");
    assert!(text.contains("then: chown -h 0 out\n"), "{text}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    take_back(&out);
    let project = project.applied();
    for folder in ["ca", "nodes/w1", MANIFESTS] {
        let path = project.out(folder);
        assert!(give_away(&path));
        let (code, text) = run(&project, &["apply"]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(&format!("then: chown -h 0 out/{folder}\n")), "{text}");
        for reading in ["plan", "status"] {
            let (code, text) = run(&project, &[reading]);
            assert_eq!(code, Some(0), "{text}");
            assert!(
                text.contains(&format!("note: out/{folder} belongs to another user")),
                "{text}"
            );
        }
        let (code, text) = run(&project, &["verify"]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("folder-of-another-user"), "{text}");
        take_back(&path);
    }
    assert_eq!(run(&project, &["apply"]).0, Some(0));
}

#[test]
fn folders_on_a_node_are_looked_at_before_anything_is_put_there() {
    let project = FolderProject::described(LAB).applied();
    for (folder, open) in [
        ("etc/backup", 0o777),
        ("etc/backup", 0o775),
        ("var/lib/kpki", 0o1777),
        ("var/lib/kubelet", 0o703),
    ] {
        let node = Node::new();
        let path = node.path(folder);
        fs::create_dir_all(&path).unwrap();
        set_mode(&path, open);
        for more in [&["--dry-run"][..], &[]] {
            let output = node.install(&project, "cp1", more);
            let text = ended(&output, 1);
            assert!(text.contains(&format!("/{folder} can be written to by")), "{text}");
            assert!(text.contains(&format!("then: chmod go-w {}\n", path.display())), "{text}");
            assert!(text.contains("nothing was written"), "{text}");
        }
        assert!(node.files().values().all(|(_, _, bytes)| bytes.is_empty()));
        set_mode(&path, 0o755);
        node.installed(&project, "cp1");
    }
    // The distribution's own are the administrator's business.
    let node = Node::new();
    fs::create_dir_all(node.path("var/lib")).unwrap();
    fs::create_dir_all(node.path("etc")).unwrap();
    set_mode(node.path("etc"), 0o775);
    set_mode(node.path("var/lib"), 0o777);
    node.installed(&project, "cp1");
    for folder in [
        "etc/kubernetes",
        "etc/kubernetes/pki",
        "etc/kubernetes/manifests",
        "etc/backup",
        "var/lib/kpki",
        "var/lib/kubelet",
    ] {
        let path = node.path(folder);
        if !give_away(&path) {
            println!("skipped: giving a folder away takes root");
            return;
        }
        let output = node.install(&project, "cp1", &[]);
        let text = ended(&output, 1);
        assert!(text.contains(&format!("/{folder} belongs to another user")), "{text}");
        assert!(text.contains(&format!("then: chown -h 0 {}\n", path.display())), "{text}");
        take_back(&path);
    }
    assert!(node.installed(&project, "cp1").starts_with("nothing to do"));
}
