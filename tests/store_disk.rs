//! The store on a real disk: what lies in its way, two writers, modes under any umask, and the scan.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, ExitCode};

use kpki::error::{Error, Kind, Result};
use kpki::keys::Entropy;
use kpki::name::TreePath;
use kpki::store::{
    Disk, FoundKind, JournalKey, Pending, RealDisk, Settled, Transaction, begin, pending, scan,
};
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

fn project() -> (TempDir, RealDisk) {
    let folder = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(folder.path()).unwrap();
    (folder, disk)
}

fn open(disk: &RealDisk) -> Result<(Transaction<'_, RealDisk>, Settled)> {
    let mut transaction = begin(disk, JournalKey::of_this_run(&Entropy::system())?)?;
    let settled = transaction.settle(None).map_err(|failed| failed.error)?;
    Ok((transaction, settled))
}

fn commit(transaction: Transaction<'_, RealDisk>) -> Result<()> {
    let done = transaction.commit(b"lock", std::collections::BTreeSet::new());
    done.map_err(|failed| failed.error)
}

fn put(disk: &RealDisk, path: &str) -> Result<()> {
    let (transaction, _) = open(disk)?;
    transaction.stage(&TreePath::of(path), b"bytes", 0o600)?;
    commit(transaction)
}

/// The kernel's own file system has no sync of a folder.
#[test]
fn a_folder_that_cannot_be_synced_is_no_place_for_a_project() {
    let proc = Path::new("/proc");
    RealDisk::of_node(proc).unwrap().sync_dir("").unwrap();
    let error = RealDisk::open(proc).unwrap().sync_dir("").unwrap_err();
    assert!(error.message.contains("sync the folder"), "{}", error.message);
}

fn refusal(folder: &TempDir, disk: &RealDisk, path: &str) -> Error {
    let error = put(disk, path).unwrap_err();
    assert_eq!(error.kind, Kind::Refused);
    assert!(!folder.path().join("cluster.lock").exists());
    if fs::symlink_metadata(folder.path().join("out")).unwrap().is_dir() {
        assert_eq!(pending(disk).unwrap(), Pending::Nothing);
    }
    error
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn out_is_no_link() {
    let (folder, disk) = project();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), folder.path().join("out")).unwrap();
    let error = refusal(&folder, &disk, "ca/ca.key");
    assert!(error.message.starts_with("out is a symbolic link"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert!(scan(folder.path(), &|_| true).is_err());
}

#[test]
fn no_link_inside_is_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    for link in ["nodes", "nodes/cp1", "nodes/cp1/a.key", ".pending"] {
        let (folder, disk) = project();
        let at = folder.path().join("out").join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(elsewhere.path(), &at).unwrap();
        if link == ".pending" {
            // Its name is ours: the link goes, what it names stays.
            drop(open(&disk));
        } else {
            let error = refusal(&folder, &disk, "nodes/cp1/a.key");
            let expected = format!("out/{link} is a symbolic link");
            assert!(error.message.starts_with(&expected), "{error}");
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_lock_is_no_link() {
    let (folder, disk) = project();
    symlink("/dev/null", folder.path().join("cluster.lock")).unwrap();
    let error = put(&disk, "a").unwrap_err();
    assert!(error.message.starts_with("cluster.lock is a symbolic link"), "{error}");
    assert_eq!(pending(&disk).unwrap(), Pending::Nothing);
}

#[test]
fn what_is_in_the_way_is_named() {
    for (made, at, said) in [
        ("fifo", "ca/ca.key", "out/ca/ca.key is not a regular file"),
        ("fifo", "ca", "out/ca is not a regular file"),
        ("file", "ca", "out/ca is not a folder"),
        ("folder", "ca/ca.key", "out/ca/ca.key is not a regular file"),
    ] {
        let (folder, disk) = project();
        let place = folder.path().join("out").join(at);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        match made {
            "fifo" => mkfifoat(CWD, &place, Mode::from_raw_mode(0o600)).unwrap(),
            "file" => fs::write(&place, "mine").unwrap(),
            _ => fs::create_dir(&place).unwrap(),
        }
        let error = refusal(&folder, &disk, "ca/ca.key");
        assert!(error.message.starts_with(said), "{made} at {at}: {error}");
    }
}

#[test]
fn a_fifo_does_not_block_a_reader() {
    let (folder, disk) = project();
    mkfifoat(CWD, folder.path().join("fifo"), Mode::from_raw_mode(0o600)).unwrap();
    assert!(disk.read("fifo").is_err());
    assert!(disk.set_mode("fifo", 0o600).is_err());
    assert!(disk.read("../fifo").is_err());
}

#[test]
fn the_second_writer_is_told_to_wait() {
    let (folder, disk) = project();
    let (first, _) = open(&disk).unwrap();
    first.stage(&TreePath::of("ca/ca.key"), b"key", 0o600).unwrap();
    let other = RealDisk::open(folder.path()).unwrap();
    for second in [&disk, &other] {
        let error = open(second).map(drop).unwrap_err();
        assert_eq!(error.kind, Kind::Busy);
        assert_eq!(error.message, "another kpki is writing to out/");
    }
    commit(first).unwrap();
    assert_eq!(fs::read(folder.path().join("out/ca/ca.key")).unwrap(), b"key");
    drop(open(&other).unwrap());
}

/// The umask belongs to the process, so one test sets it; modes are exact under any.
#[test]
fn modes_are_exact_under_any_umask() {
    for umask in [0o077, 0o000, 0o022] {
        let before = rustix::process::umask(Mode::from_raw_mode(umask));
        let (folder, disk) = project();
        let (transaction, _) = open(&disk).unwrap();
        for (path, mode) in [
            ("ca/ca.key", 0o600),
            ("nodes/cp1/manifests/etcd.yaml", 0o600),
            ("nodes/cp1/pki/ca.crt", 0o644),
        ] {
            transaction.stage(&TreePath::of(path), b"x", mode).unwrap();
        }
        let out = folder.path().join("out");
        assert_eq!(mode(&out.join(".pending")), 0o700);
        assert_eq!(mode(&out.join(".pending/tree/ca/ca.key")), 0o600);
        commit(transaction).unwrap();
        rustix::process::umask(before);
        for (path, expected) in [
            ("", 0o755),
            ("ca", 0o755),
            ("ca/ca.key", 0o600),
            ("nodes/cp1", 0o755),
            ("nodes/cp1/manifests", 0o700),
            ("nodes/cp1/pki/ca.crt", 0o644),
            ("../cluster.lock", 0o644),
        ] {
            assert_eq!(mode(&out.join(path)), expected, "{path} under {umask:o}");
        }
    }
}

#[test]
fn folders_that_git_opened_are_closed_again() {
    let (folder, disk) = project();
    put(&disk, "nodes/cp1/manifests/etcd.yaml").unwrap();
    let manifests = folder.path().join("out/nodes/cp1/manifests");
    fs::set_permissions(&manifests, fs::Permissions::from_mode(0o755)).unwrap();
    put(&disk, "nodes/cp1/manifests/etcd.yaml").unwrap();
    assert_eq!(mode(&manifests), 0o700);
}

#[test]
fn the_scan_tells_all_and_opens_no_secret() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (folder, disk) = project();
    assert!(scan(folder.path(), &|_| true).unwrap().is_empty());
    put(&disk, "ca/ca.key").unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("empty/er")).unwrap();
    fs::create_dir(out.join(".pending")).unwrap();
    fs::write(out.join(".pending/x"), "").unwrap();
    fs::write(out.join("ca/ca.crt"), "cert").unwrap();
    fs::write(out.join("big.crt"), vec![0; (1 << 20) + 1]).unwrap();
    fs::write(out.join("full.crt"), vec![0; 1 << 20]).unwrap();
    symlink("ca", out.join("link")).unwrap();
    mkfifoat(CWD, out.join("fifo.crt"), Mode::from_raw_mode(0o600)).unwrap();
    fs::write(out.join(OsStr::from_bytes(b"bad\xff")), "").unwrap();
    let found = scan(folder.path(), &|path| path.contains(".crt")).unwrap();
    let shown: Vec<(&str, &str)> = found
        .iter()
        .map(|found| {
            let kind = match &found.kind {
                FoundKind::ReadFile { bytes, size, .. } => {
                    assert_eq!(bytes.len() as u64, *size);
                    "public"
                }
                FoundKind::SecretFile { mode, size, .. } => {
                    assert_eq!((*mode, *size), (0o600, 5));
                    "secret"
                }
                FoundKind::TooLarge { .. } => "too large",
                FoundKind::Symlink => "link",
                FoundKind::Special => "special",
                FoundKind::Unreadable(_) => "unreadable",
                FoundKind::Foreign => "foreign",
            };
            (found.path.as_str(), kind)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("bad\u{fffd}", "foreign"),
            ("big.crt", "too large"),
            ("ca/ca.crt", "public"),
            ("ca/ca.key", "secret"),
            ("fifo.crt", "special"),
            ("full.crt", "public"),
            ("link", "link"),
        ]
    );
}

/// As kpki's main runs a command, in a process of its own: this test calls itself.
#[test]
fn a_panic_in_a_worker_leaves_nothing_half_written_and_says_one_line() {
    const FOLDER: &str = "KPKI_TEST_PANICS_IN";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let code = kpki::command::contain(|| {
            let disk = RealDisk::open(Path::new(&folder)).unwrap();
            let (transaction, _) = open(&disk).unwrap();
            let path = TreePath::of("ca/etcd.crt");
            transaction.stage(&path, b"staged", 0o644).unwrap();
            assert_eq!(pending(&disk).unwrap(), Pending::Staged);
            rayon::join(|| panic!("words of a test"), || ());
            ExitCode::SUCCESS
        });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)));
        return;
    }
    for (wish, lines) in [(None, 1..2), (Some("0"), 1..2), (Some("1"), 3..999)] {
        let (folder, disk) = project();
        let mut child = Command::new(std::env::current_exe().unwrap());
        let name = "a_panic_in_a_worker_leaves_nothing_half_written_and_says_one_line";
        child.args(["--exact", name, "--nocapture"]);
        child.env(FOLDER, folder.path()).env_remove("RUST_BACKTRACE");
        child.envs(wish.map(|wish| ("RUST_BACKTRACE", wish)));
        let output = child.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let first = said.lines().next().unwrap();
        assert!(
            first.starts_with("error: kpki stopped at a defect of its own in tests/store_disk.rs:"),
            "{said}"
        );
        assert!(first.contains(" (words of a test); please report it"), "{said}");
        assert!(lines.contains(&said.lines().count()), "{said}");
        assert_eq!(pending(&disk).unwrap(), Pending::Nothing);
        assert!(!folder.path().join("out/.pending").exists());
        assert!(!folder.path().join("out/ca/etcd.crt").exists());
    }
}
