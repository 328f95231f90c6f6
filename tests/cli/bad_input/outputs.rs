//! Files that a command writes where it is told: a new one or an earlier one of its own, and nothing else.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use super::project::{BASE, Damaged, Ended};
use crate::testkit::shell;

/// Each command that is told a file, up to its name.
const COMMANDS: [&[&str]; 3] = [&["plan", "--out"], &["report", "-o"], &["export", "cp1", "-o"]];

fn prepared() -> Damaged {
    let project = Damaged::copy_of(&BASE);
    project.change("cluster.kdl", |text| {
        format!("{text}include \"more.kdl\"\nmanifests \"manifests\"\n")
    });
    project.write("more.kdl", "");
    fs::create_dir_all(project.path("real")).unwrap();
    fs::create_dir_all(project.path("apart")).unwrap();
    symlink("real", project.path("manifests")).unwrap();
    let etcd = "out/nodes/cp1/etc/kubernetes/manifests/etcd.yaml";
    fs::copy(project.path(etcd), project.path("real/etcd.yaml")).unwrap();
    project.kpki(&["apply", "--prune"]).expect(0, &[]);
    fs::create_dir_all(project.path(".git/objects")).unwrap();
    project.write(".git/config", "[core]\n");
    fs::create_dir_all(project.path("bare/objects")).unwrap();
    fs::create_dir_all(project.path("bare/refs")).unwrap();
    project.write("bare/HEAD", "ref: refs/heads/main\n");
    fs::create_dir_all(project.path("other/out/nodes")).unwrap();
    project.write("other/cluster.kdl", "cluster \"other\"\n");
    project.write("mine.txt", "mine");
    project.write("mine.sealed", "age-encryption.org/v1\n-> X25519 mine\n");
    symlink("mine.txt", project.path("link")).unwrap();
    symlink("new.txt", project.path("dangling")).unwrap();
    symlink("apart", project.path("folder-link")).unwrap();
    symlink("out", project.path("out-link")).unwrap();
    project.fifo("fifo");
    project
}

#[test]
fn what_no_command_writes_over() {
    let project = prepared();
    let absolute = project.path("out/report").display().to_string();
    let places: &[&str] = &[
        "out/ca/kubernetes.key",
        "out/new",
        "./out/nodes/new",
        "apart/../out/new",
        &absolute,
        "out-link/new",
        "out",
        "other/out/nodes/new",
        "cluster.kdl",
        "cluster.lock",
        "cluster.lock.new",
        "CLUSTER.KDL",
        "other/cluster.lock",
        // Read, looked for and not found, and by the name that it really has.
        "more.kdl",
        "real/etcd.yaml",
        "real/kube-scheduler.yaml",
        "real/cp1/etcd.yaml",
        "manifests/new",
        ".git",
        ".git/config",
        ".git/hooks",
        ".GIT/new",
        "bare/config",
        "mine.txt",
        "mine.sealed",
        "link",
        "dangling",
        "folder-link/new",
        "folder-link/../new",
        "fifo",
        "apart",
        "/dev/null",
        "/dev/full",
        "..",
    ];
    // Not the times of folders: what was named as a way out was there and went again.
    let files = || {
        let mut all = project.snapshot();
        all.retain(|_, says| !says.starts_with("40"));
        all
    };
    let before = files();
    // Another place that a bind mount or a disk without capitals would show is the same folder by its number.
    for command in COMMANDS {
        for place in places.iter().filter(|place| !place.contains(".GIT/")) {
            let ended = project.kpki(&[command, &[place]].concat());
            ended.expect(64, &["error: ", "nothing was written"]);
            assert!(ended.0.stdout.is_empty(), "{command:?} {place}");
            if command != COMMANDS[0] {
                continue;
            }
            let text = ended.text();
            let works = text.split("such as ").nth(1);
            let works = works.unwrap_or_else(|| panic!("{place} names no way out: {text}"));
            let works = works.lines().next().unwrap().trim();
            // What is named works; it goes again, for the next case.
            project.kpki(&[command, &[works]].concat()).expect(0, &[works]);
            fs::remove_file(project.path(works)).unwrap();
        }
        assert!(before == files(), "{command:?}");
    }
}

#[test]
fn what_a_command_wrote_it_writes_again() {
    let project = prepared();
    for command in COMMANDS {
        project.kpki(&[command, &["mine"]].concat()).expect(0, &[]);
        let first = project.get("mine");
        project.kpki(&[command, &["mine"]].concat()).expect(0, &[]);
        assert_eq!(first.len(), project.get("mine").len());
        // But no other command does.
        for other in COMMANDS.into_iter().filter(|other| *other != command) {
            project.kpki(&[other, &["mine"]].concat()).expect(64, &["mine is there and is no "]);
        }
        assert_eq!(first.len(), project.get("mine").len());
        // As mktemp(1) leaves one.
        project.write("mine", "");
        project.kpki(&[command, &["mine"]].concat()).expect(0, &[]);
        project.remove("mine");
        let absolute = project.path("apart/mine").display().to_string();
        project.kpki(&[command, &[absolute.as_str()]].concat()).expect(0, &[]);
        fs::remove_file(absolute).unwrap();
    }
}

#[test]
fn names_that_an_attacker_prepared_are_not_used() {
    let project = prepared();
    for name in ["change.new", ".change.kpki-new", "change.plan.new"] {
        symlink("../victim", project.path(name)).unwrap();
    }
    project.kpki(&["plan", "--out", "change.plan"]).expect(0, &["saved as change.plan"]);
    let facts = project.path("change.plan").symlink_metadata().unwrap();
    assert!(facts.is_file());
    for name in ["change.new", ".change.kpki-new", "change.plan.new"] {
        assert_eq!(fs::read_link(project.path(name)).unwrap(), Path::new("../victim"));
    }
    assert!(!project.path("../victim").exists());
    let left = fs::read_dir(project.folder()).unwrap();
    let left = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".kpki-new"));
    assert_eq!(left.collect::<Vec<_>>(), [".change.kpki-new"]);
}

/// A link that the user made may lead through one that came with the repository.
#[test]
fn a_link_behind_a_link_is_seen() {
    let project = prepared();
    let outside = tempfile::tempdir().unwrap();
    symlink(project.path("folder-link"), outside.path().join("way")).unwrap();
    symlink("way", outside.path().join("first")).unwrap();
    symlink(project.path("apart"), outside.path().join("straight")).unwrap();
    symlink("round", outside.path().join("round")).unwrap();
    let place = |name: &str| outside.path().join(name).display().to_string();
    for command in COMMANDS {
        for through in ["way/new", "first/new"] {
            let ended = project.kpki(&[command, &[place(through).as_str()]].concat());
            ended.expect(64, &["folder-link, a symbolic link", "nothing was written"]);
        }
        let ended = project.kpki(&[command, &[place("round/new").as_str()]].concat());
        ended.expect(1, &["symbolic link"]);
        project.kpki(&[command, &[place("straight/new").as_str()]].concat()).expect(0, &[]);
        project.remove("apart/new");
    }
}

#[test]
fn nothing_is_suggested_among_devices() {
    let project = prepared();
    for place in ["/dev/null", "/proc/version", "/dev/shm/../null"] {
        let ended = project.kpki(&["plan", "--out", place]);
        ended.expect(64, &["such as change.plan"]);
    }
    project.kpki(&["plan", "--out", "-"]).expect(64, &["not saved to stdout", "--format json"]);
    assert!(!project.path("-").exists());
    project.kpki(&["plan", "--out", "./-"]).expect(0, &[]);
    assert!(project.path("-").exists());
}

#[test]
fn a_file_that_was_made_private_stays_so() {
    let project = prepared();
    for command in COMMANDS {
        project.kpki(&[command, &["mine"]].concat()).expect(0, &[]);
        for (mode, after) in [(0o600, 0o600), (0o640, 0o640), (0o444, 0o644)] {
            project.mode("mine", mode);
            project.kpki(&[command, &["mine"]].concat()).expect(0, &[]);
            let is = project.path("mine").metadata().unwrap().mode() & 0o777;
            // Never wider than this command makes one, under whatever umask.
            assert_eq!(is & !after, 0, "{command:?} {mode:o} {is:o}");
        }
        project.remove("mine");
    }
}

/// A shell's limit ends who writes beyond it (SIGXFSZ).
#[test]
fn a_limit_on_files_leaves_no_empty_one() {
    let empty = tempfile::tempdir().unwrap();
    for words in [&["init"][..], &["init", "--lab"]] {
        let mut command = shell(empty.path(), "ulimit -f 0; \"$0\" \"$@\"");
        let ended = Ended(command.args(words).output().unwrap());
        ended.expect(1, &["cluster.kdl: File too large", "nothing was written"]);
        assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    }
}

/// The same of an apply that was interrupted before its commit point.
#[test]
fn nobody_listens_to_what_was_set_aside() {
    let project = Damaged::copy_of(&BASE);
    fs::create_dir(project.path("out/.pending")).unwrap();
    project.write("out/.pending/journal", "cut");
    project.run(project.shell("\"$0\" discard > /dev/full")).expect(
        1,
        &["the interrupted apply was set aside in out/.discarded/1, but cannot write to stdout"],
    );
    assert!(project.path("out/.discarded/1").is_dir());
}

/// What was done is said even where the rest cannot be.
#[test]
fn nobody_listens() {
    let words: [(&[&str], &str); 6] = [
        (&["apply", "--renew", "users/jane"], "everything was applied"),
        (&["report", "-o", "page"], "page was written"),
        (&["export", "cp1", "-o", "cp1.tar"], "cp1.tar was written"),
        (&["plan", "--out", "change"], "change was written"),
        (&["install", "cp1", "--root", "node"], "cp1 was installed below node"),
        (&["setup", "git"], "Git was set up"),
    ];
    for (words, says) in words {
        let project = Damaged::copy_of(&BASE);
        fs::create_dir(project.path("node")).unwrap();
        project.git(&["init", "-q"]);
        let mut command = project.shell("\"$0\" \"$@\" > /dev/full");
        command.args(words);
        project.run(command).expect(1, &[says, "cannot write to stdout: No space left"]);
    }
}
