//! What the reading commands do to the machine, as the kernel sees it: they open no socket, start no program, open no secret
//! and write nothing. Whoever reviews somebody else's change runs them over a tree that somebody else made.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests and benchmarks may panic"
)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use common::age::Key;
use common::project::{Project, printed, said, tool};

/// Every call by which a process could reach a file, a program or another machine. A ring carries calls that no trace shows.
const CALLS: &str = "trace=%network,execve,execveat,open,openat,openat2,creat,open_by_handle_at,io_uring_setup,\
                     io_uring_enter,truncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,\
                     symlink,symlinkat,chmod,fchmodat";

/// One traced call.
#[derive(Debug)]
struct Call {
    name: String,
    /// The line, with the paths of descriptors.
    line: String,
}

impl Call {
    fn is_open(&self) -> bool {
        self.name.starts_with("open") || self.name == "creat"
    }

    /// The file that was really opened, links followed.
    fn opened(&self) -> Option<PathBuf> {
        let (_, result) = self.line.rsplit_once(" = ")?;
        let path = result.split_once('<')?.1.strip_suffix('>')?;
        self.is_open().then(|| PathBuf::from(path))
    }

    fn writes(&self) -> bool {
        let opens_to_write = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"];
        let changes = [
            "creat", "truncate", "rename", "unlink", "mkdir", "link", "symlink", "chmod",
            "fchmodat",
        ];
        self.is_open() && opens_to_write.iter().any(|flag| self.line.contains(flag))
            || changes.iter().any(|name| self.name.starts_with(name))
    }
}

#[derive(Debug)]
struct Trace {
    calls: Vec<Call>,
    code: Option<i32>,
    said: String,
}

fn trace(
    program: impl AsRef<OsStr>,
    arguments: &[&str],
    folder: &Path,
    identity: Option<&Path>,
) -> Trace {
    let desk = tempfile::tempdir().unwrap();
    let log = desk.path().join("log");
    let mut strace = tool("strace");
    strace.args([
        "--follow-forks",
        "--quiet=all",
        "--decode-fds=path",
        "--string-limit=4096",
    ]);
    strace
        .args(["-e", CALLS, "--output"])
        .arg(&log)
        .arg("--")
        .arg(program)
        .args(arguments);
    strace.current_dir(folder).env_remove("KPKI_IDENTITY");
    if let Some(identity) = identity {
        strace.env("KPKI_IDENTITY", identity);
    }
    let output = strace.output().unwrap();
    let log = fs::read_to_string(&log).unwrap_or_else(|error| panic!("{error}\n{}", said(&output)));
    let calls = calls(&log);
    assert!(
        calls[0].name == "execve",
        "strace saw no program start: {}",
        said(&output)
    );
    Trace {
        calls,
        code: output.status.code(),
        said: said(&output),
    }
}

/// `123 openat(AT_FDCWD</tmp>, "a", O_RDONLY) = 3</tmp/a>`; a call that another thread interrupts is in two pieces.
fn calls(log: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut unfinished = std::collections::HashMap::new();
    for line in log.lines() {
        let (process, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        let line = if let Some(first) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, first);
            continue;
        } else if line.starts_with("<... ") {
            let (_, last) = line.split_once(" resumed>").unwrap();
            format!("{}{last}", unfinished.remove(process).unwrap())
        } else {
            line.to_owned()
        };
        if let Some((name, _)) = line.split_once('(') {
            calls.push(Call {
                name: name.to_owned(),
                line,
            });
        }
    }
    // The process ended meanwhile.
    for first in unfinished.into_values() {
        calls.push(Call {
            name: first.split('(').next().unwrap().to_owned(),
            line: first.to_owned(),
        });
    }
    // A thread of which nothing more is to be had: it ended with the process before it made any call.
    calls.retain(|call| call.name != "???");
    calls
}

impl Trace {
    fn count(&self, name: &str) -> usize {
        self.calls.iter().filter(|call| call.name == name).count()
    }

    fn has_opened(&self, path: &Path) -> bool {
        self.calls
            .iter()
            .any(|call| call.opened().as_deref() == Some(path))
    }

    /// What none of the reading commands does.
    fn forbidden<'a>(&'a self, secrets: &'a [PathBuf]) -> impl Iterator<Item = &'a Call> {
        // strace starts the command itself.
        self.calls.iter().skip(1).filter(move |call| {
            !call.is_open()
                || call.writes()
                || call.opened().is_some_and(|path| secrets.contains(&path))
        })
    }
}

/// By what they hold, not by what kpki calls them.
fn secrets(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![fs::canonicalize(folder).unwrap()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            let marks = ["PRIVATE KEY-----", "client-key-data:", "AGE-SECRET-KEY-"];
            let is_seed = path.ends_with("lab.seed");
            if is_seed || marks.iter().any(|mark| text.contains(mark)) {
                found.push(path);
            }
        }
    }
    found
}

/// With every change that could tempt: certificates that are gone, over keys that are here.
fn reading_commands_only_read(project: &Project, identity: Option<&Path>, least_secrets: usize) {
    let folder = fs::canonicalize(project.folder()).unwrap();
    let mut secrets = secrets(&folder);
    assert!(secrets.len() >= least_secrets, "{secrets:?}");
    secrets.extend(identity.map(|path| fs::canonicalize(path).unwrap()));
    let commands: [&[&str]; 7] = [
        &["plan"],
        &["plan", "--format", "json"],
        &["plan", "--format", "markdown", "--detailed-exitcode"],
        &["plan", "--rekey", "nodes/*"],
        &["status"],
        &["why", "nodes/cp1/apiserver"],
        &["why", "ca/kubernetes", "--format", "json"],
    ];
    // A seed decides; no command asks for another key.
    let seeded = folder.join("lab.seed").exists();
    for round in ["as applied", "without certificates"] {
        for arguments in commands {
            let trace = trace(env!("CARGO_BIN_EXE_kpki"), arguments, &folder, identity);
            let expected = match arguments {
                ["plan", "--rekey", _] if seeded => 64,
                [.., "--detailed-exitcode"] if round == "without certificates" => 2,
                _ => 0,
            };
            assert_eq!(trace.code, Some(expected), "{arguments:?}: {}", trace.said);
            for public in [
                "cluster.kdl",
                "cluster.lock",
                "out/ca/sa.pub",
                "out/ca/etcd.crt",
            ] {
                let path = folder.join(public);
                assert!(
                    trace.has_opened(&path),
                    "{arguments:?}: {public} is not in the trace"
                );
            }
            // kpki's own key and index, outside of the project: what it knows of secrets it need not open.
            let knows = |path: &Path| path.parent().is_some_and(|p| p.ends_with("kpki/index"));
            let mut opened = trace.calls.iter().filter_map(Call::opened);
            assert_eq!(opened.any(|path| knows(&path)), least_secrets > 0);
            let forbidden: Vec<_> = trace.forbidden(&secrets).collect();
            assert!(
                forbidden.is_empty(),
                "{arguments:?}, {round}: {forbidden:#?}"
            );
        }
        for path in project.files(".crt") {
            if path.starts_with("nodes/") || path.starts_with("identities/") {
                fs::remove_file(project.out(&path)).unwrap();
            }
        }
    }
}

#[test]
fn over_an_ordinary_project() {
    reading_commands_only_read(&Project::example("ha").applied(), None, 20);
}

#[test]
fn over_one_with_users_and_their_requests() {
    reading_commands_only_read(&Project::example("users").applied(), None, 15);
}

#[test]
fn over_one_with_manifests_of_its_own() {
    reading_commands_only_read(&Project::example("static-pods").applied(), None, 15);
}

/// The seed is a key, too.
#[test]
fn over_a_seeded_one() {
    let project = Project::example("lab").applied();
    reading_commands_only_read(&project, None, 15);
}

/// Nothing is in the clear there, and nobody asks for the identity that is offered.
#[test]
fn over_a_sealed_one() {
    let key = Key::age();
    let project = Project::example("gitops");
    fs::write(project.folder().join("recipients.txt"), &key.recipient).unwrap();
    let project = project.applied();
    assert_eq!(secrets(project.folder()), Vec::<PathBuf>::new());
    reading_commands_only_read(&project, Some(&key.file()), 0);
}

/// The measure itself: each thing that must not happen is seen where it does.
#[test]
fn a_trace_shows_what_is_looked_for() {
    let project = Project::example("users").applied();
    let folder = fs::canonicalize(project.folder()).unwrap();
    let kpki = env!("CARGO_BIN_EXE_kpki");
    fs::remove_file(project.out("users/ci/ci.crt")).unwrap();
    let applied = trace(kpki, &["apply"], &folder, None);
    assert_eq!(applied.code, Some(0), "{}", applied.said);
    let key = folder.join("out/ca/kubernetes.key");
    let secrets = secrets(&folder);
    assert!(secrets.contains(&key), "{secrets:?}");
    assert!(applied.has_opened(&key));
    let forbidden = |trace: &Trace| trace.forbidden(&secrets).count();
    assert!(forbidden(&applied) > 2, "{applied:?}");
    // git is a program.
    printed(tool("git").args(["init", "--quiet"]).current_dir(&folder));
    let checked = trace(kpki, &["check", "--no-plaintext"], &folder, None);
    assert!(
        checked.count("execve") > 1 && forbidden(&checked) > 0,
        "{checked:?}"
    );
    let socket = "import socket; socket.socket()";
    let python = trace(
        tool("python3").get_program(),
        &["-c", socket],
        &folder,
        None,
    );
    assert_eq!(python.count("socket"), 1, "{python:?}");
    assert!(python.forbidden(&[]).any(|call| call.name == "socket"));
}
