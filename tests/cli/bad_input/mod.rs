//! The binary against damaged projects: it refuses with the right exit code, names what and where, shows
//! no secret, waits for nothing and writes nothing; or it heals, and the plan after is empty.

mod cases;
mod forge;
mod forged;
mod interrupted;
mod obstacles;
mod outputs;
mod project;
mod sources;
mod terminal;
mod unreadable;

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, FlockOperation, Mode, flock, mknodat};

use cases::{APPLY, Case, NOTHING, PLAN, all};
use project::{APISERVER, BASE, DESCRIPTION, Damaged, Ended};

use crate::testkit::printed;

#[test]
fn damage_is_refused_or_healed() {
    let cases = all();
    println!("{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let tried = std::panic::catch_unwind(|| try_case(case));
        if tried.is_err() {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn try_case(case: &Case) {
    let project = Damaged::copy_of(&BASE);
    (case.damage)(&project);
    let before = project.snapshot();
    let ended = project.kpki(case.command);
    ended.expect(case.code, case.says);
    let after = project.snapshot();
    if case.code != 0 || case.command[0] != "apply" {
        for (path, was) in &before {
            let is = after.get(path);
            assert_eq!(is, Some(was), "{}: {}", case.name, path.display());
        }
        assert_eq!(before.len(), after.len(), "{}", case.name);
        if case.code != 0 {
            assert!(ended.0.stdout.is_empty(), "{}: not on stderr", case.name);
        }
        return;
    }
    let plan = project.kpki(&["plan", "--detailed-exitcode"]);
    plan.expect(0, &["nothing to do"]);
}

#[test]
fn the_second_of_two_applies_is_busy() {
    let project = Damaged::copy_of(&BASE);
    let out = fs::File::open(project.path("out")).unwrap();
    flock(out.as_fd(), FlockOperation::LockExclusive).unwrap();
    let before = project.snapshot();
    let busy = project.kpki(&["apply", "--renew", "nodes/cp1/apiserver"]);
    busy.expect(75, &["another kpki is writing to out/", "wait until it has finished"]);
    assert_eq!(before, project.snapshot());
    // Readers take no lock.
    project.kpki(PLAN).expect(0, &["nothing to do"]);
    drop(out);
    project.kpki(&["apply", "--renew", "nodes/cp1/apiserver"]).expect(0, &["applied"]);
}

/// Modes are the same under any umask, and nothing is ever wider than it should be.
#[test]
fn the_umask_changes_nothing() {
    let modes = |umask: &str| {
        let project = Damaged::described(DESCRIPTION);
        let mut shell = project.shell("umask $1; exec $0 apply");
        shell.arg(umask);
        project.run(shell).expect(0, &["applied"]);
        let mut modes = BTreeMap::new();
        project.walk(Path::new("out"), &mut |path, found| {
            let mode = found.mode() & 0o7777;
            let secret = path
                .extension()
                .is_some_and(|end| ["key", "conf", "kubeconfig"].iter().any(|one| *one == end));
            assert!(!secret || mode == 0o600, "{} {mode:o}", path.display());
            assert_eq!(mode & 0o022, 0, "{}", path.display());
            modes.insert(path.to_owned(), mode);
        });
        modes
    };
    let usual = modes("022");
    assert_eq!(usual, modes("000"));
    assert_eq!(usual, modes("077"));
}

#[test]
fn a_full_disk_changes_nothing() {
    let project = Damaged::copy_of(&BASE);
    fs::rename(project.path("out"), project.path("kept")).unwrap();
    fs::create_dir(project.path("out")).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(project.path("out"))
        .output();
    if !mount.is_ok_and(|done| done.status.success()) {
        println!("skipped: a tmpfs cannot be mounted here");
        return;
    }
    let unmount = Unmount(project.path("out"));
    let fill = "cp -a kept/. out && { cat /dev/zero > out/filler 2>/dev/null; true; }";
    printed(&mut project.shell(fill));
    let before = project.snapshot();
    let full = project.kpki(&["apply", "--renew", "nodes/cp1/*"]);
    full.expect(1, &["No space left", "out/.pending", NOTHING]);
    assert_eq!(before, project.snapshot());
    project.remove("out/filler");
    project.kpki(&["apply", "--renew", "nodes/cp1/*"]).expect(0, &["applied"]);
    project.kpki(&["plan", "--detailed-exitcode"]).expect(0, &[]);
    drop(unmount);
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// What was applied stays applied when the report about it cannot be printed.
#[test]
fn a_full_stdout_is_said_and_undoes_nothing() {
    let project = Damaged::copy_of(&BASE);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut apply = project.command(&["apply", "--renew", "nodes/cp1/apiserver"]);
    let ended = Ended(apply.stdout(full).output().unwrap());
    ended.expect(1, &["cannot write to stdout"]);
    assert!(!ended.text().contains(NOTHING));
    project.kpki(&["plan", "--detailed-exitcode"]).expect(0, &[]);
}

/// A device needs root to make.
#[test]
fn a_device_as_a_key_is_refused() {
    let project = Damaged::copy_of(&BASE);
    let path = project.path(&format!("{APISERVER}.key"));
    fs::remove_file(&path).unwrap();
    let zero = rustix::fs::makedev(1, 5);
    let mode = Mode::from_raw_mode(0o600);
    if mknodat(CWD, &path, FileType::CharacterDevice, mode, zero).is_err() {
        println!("skipped: no device can be made here");
        return;
    }
    assert!(fs::metadata(&path).unwrap().file_type().is_char_device());
    for command in [APPLY, PLAN] {
        project.kpki(command).expect(1, &["pki/apiserver.key is not a regular file"]);
    }
}
