//! What the reading commands do to the machine, as the kernel sees it: they open no socket, start no program,
//! open no secret and write nothing. Whoever reviews somebody else's change runs them over a tree that
//! somebody else made.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::testkit::age::Key;
use crate::testkit::{FolderProject, files_below, printed, said, set_mode, tool};

/// Every call by which a process could reach a file, a program or another machine. A ring carries calls that
/// no trace shows.
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
    strace.args(["--follow-forks", "--quiet=all", "--decode-fds=path", "--string-limit=4096"]);
    strace.args(["-e", CALLS, "--output"]).arg(&log).arg("--").arg(program).args(arguments);
    strace.current_dir(folder).env_remove("KPKI_IDENTITY");
    if let Some(identity) = identity {
        strace.env("KPKI_IDENTITY", identity);
    }
    let output = strace.output().unwrap();
    let log = fs::read_to_string(&log).unwrap_or_else(|error| panic!("{error}\n{}", said(&output)));
    let calls = calls(&log);
    assert!(calls[0].name == "execve", "strace saw no program start: {}", said(&output));
    Trace { calls, code: output.status.code(), said: said(&output) }
}

/// `123 openat(AT_FDCWD</tmp>, "a", O_RDONLY) = 3</tmp/a>`; a call that another thread interrupts is in two
/// pieces.
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
            calls.push(Call { name: name.to_owned(), line });
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
        self.calls.iter().any(|call| call.opened().as_deref() == Some(path))
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
    let holds_a_secret = |path: &PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let marks = ["PRIVATE KEY-----", "client-key-data:", "AGE-SECRET-KEY-"];
        path.ends_with("lab.seed") || marks.iter().any(|mark| text.contains(mark))
    };
    let mut files = files_below(&fs::canonicalize(folder).unwrap());
    files.retain(holds_a_secret);
    files
}

/// With every change that could tempt: certificates that are gone, over keys that are here.
fn reading_commands_only_read(
    project: &FolderProject,
    identity: Option<&Path>,
    least_secrets: usize,
) {
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
                // What has power is issued anew, and nothing proves that it had it before.
                [.., "--detailed-exitcode"] if round == "without certificates" => 3,
                _ => 0,
            };
            assert_eq!(trace.code, Some(expected), "{arguments:?}: {}", trace.said);
            for public in ["cluster.kdl", "cluster.lock", "out/ca/sa.pub", "out/ca/etcd.crt"] {
                let path = folder.join(public);
                assert!(trace.has_opened(&path), "{arguments:?}: {public} is not in the trace");
            }
            // kpki's own key and index, outside of the project: what it knows of secrets it need not open.
            let knows = |path: &Path| path.parent().is_some_and(|p| p.ends_with("kpki/index"));
            let mut opened = trace.calls.iter().filter_map(Call::opened);
            assert_eq!(opened.any(|path| knows(&path)), least_secrets > 0);
            let forbidden: Vec<_> = trace.forbidden(&secrets).collect();
            assert!(forbidden.is_empty(), "{arguments:?}, {round}: {forbidden:#?}");
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
    reading_commands_only_read(&FolderProject::example("ha").applied(), None, 20);
}

#[test]
fn over_one_with_users_and_their_requests() {
    reading_commands_only_read(&FolderProject::example("users").applied(), None, 15);
}

#[test]
fn over_one_with_manifests_of_its_own() {
    reading_commands_only_read(&FolderProject::example("static-pods").applied(), None, 15);
}

/// The seed is a key, too.
#[test]
fn over_a_seeded_one() {
    let project = FolderProject::example("lab").applied();
    reading_commands_only_read(&project, None, 15);
}

/// Nothing is in the clear there, and nobody asks for the identity that is offered.
#[test]
fn over_a_sealed_one() {
    let key = Key::age();
    let project = FolderProject::example("gitops");
    project.write("recipients.txt", &key.recipient);
    let project = project.applied();
    assert_eq!(secrets(project.folder()), Vec::<PathBuf>::new());
    reading_commands_only_read(&project, Some(&key.file()), 0);
}

/// The measure itself: each thing that must not happen is seen where it does.
#[test]
fn a_trace_shows_what_is_looked_for() {
    let project = FolderProject::example("users").applied();
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
    assert!(checked.count("execve") > 1 && forbidden(&checked) > 0, "{checked:?}");
    let socket = "import socket; socket.socket()";
    let python = trace(tool("python3").get_program(), &["-c", socket], &folder, None);
    assert_eq!(python.count("socket"), 1, "{python:?}");
    assert!(python.forbidden(&[]).any(|call| call.name == "socket"));
}

/// What a repository can name to run, each time the same program; %s is that program.
const HOSTILE_CONFIG: &str = r#"
[core]
	repositoryFormatVersion = 1
	fsmonitor = %s
	hooksPath = %d/hooks
	pager = %s
	editor = %s
	askPass = %s
	sshCommand = %s
	gitProxy = %s
	alternateRefsCommand = %s
	attributesFile = %d/attributes
[filter "x"]
	clean = %s
	smudge = %s
	required = true
[filter "y"]
	process = %s
	required = true
[diff]
	external = %s
[diff "x"]
	command = %s
	textconv = %s
[merge "x"]
	driver = %s
[alias]
	ls-files = !%s
	rev-parse = !%s
	cat-file = !%s
	rev-list = !%s
	diff-tree = !%s
	ls-tree = !%s
	config = !%s
[pager]
	ls-files = %s
	config = %s
	rev-list = %s
[gpg]
	program = %s
[log]
	showSignature = true
[credential]
	helper = !%s
[uploadpack]
	packObjectsHook = %s
[extensions]
	partialClone = origin
[remote "origin"]
	url = ext::%s
	promisor = true
	partialCloneFilter = blob:none
	uploadpack = %s
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[submodule]
	recurse = true
[trace2]
	normalTarget = %d/canary
[include]
	path = %d/included
[includeIf "gitdir:**"]
	path = %d/included
"#;

struct Hostile {
    project: FolderProject,
    desk: tempfile::TempDir,
}

impl Hostile {
    /// `example` in a folder of a repository, whose `.git` names programs wherever one can be named.
    fn new(example: &str) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let project = FolderProject::described("");
        let this = Hostile { project, desk };
        let example = FolderProject::example(example).applied();
        fs::create_dir_all(this.folder()).unwrap();
        crate::testkit::copy(example.folder(), &this.folder());
        fs::write(this.folder().join("note.txt"), "one\n").unwrap();
        fs::write(this.folder().join("more.txt"), "one\n").unwrap();
        this.git(&["init", "--quiet"]);
        this.git(&["add", "--all"]);
        this.git(&["commit", "--quiet", "-m", "one"]);
        fs::write(
            this.folder().join(".gitattributes"),
            "* filter=x diff=x merge=x\nmore.txt filter=y\n",
        )
        .unwrap();
        fs::write(this.folder().join("note.txt"), "two\n").unwrap();
        this.git(&["add", "--all"]);
        this.git(&["commit", "--quiet", "-m", "two"]);
        // The index tells by its file's time alone that these may have changed.
        for name in ["note.txt", "more.txt", "cluster.kdl"] {
            let path = this.folder().join(name);
            let text = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, text).unwrap();
        }
        let (seed, mode) = (this.folder().join("lab.seed"), 0o644);
        if seed.exists() {
            set_mode(seed, mode);
        }
        this.write_program(&this.desk.path().join("program"));
        fs::create_dir(this.desk.path().join("hooks")).unwrap();
        for hook in ["post-index-change", "pre-auto-gc", "reference-transaction"] {
            this.write_program(&this.desk.path().join("hooks").join(hook));
            this.write_program(&this.project.path(".git/hooks").join(hook));
        }
        let attributes = "* filter=x diff=x merge=x\n";
        fs::write(this.desk.path().join("attributes"), attributes).unwrap();
        let included = "[core]\n\tfsmonitor = %s\n[filter \"x\"]\n\tclean = %s\n";
        fs::write(this.desk.path().join("included"), this.named(included)).unwrap();
        let config = this.project.path(".git/config");
        let mut text = fs::read_to_string(&config).unwrap();
        text.push_str(&this.named(HOSTILE_CONFIG));
        fs::write(config, text).unwrap();
        this
    }

    fn folder(&self) -> PathBuf {
        self.project.path("sites/prod")
    }

    fn git(&self, words: &[&str]) -> String {
        crate::testkit::git(self.project.folder(), words)
    }

    fn named(&self, text: &str) -> String {
        let desk = self.desk.path().to_str().unwrap();
        text.replace("%s", &format!("{desk}/program")).replace("%d", desk)
    }

    fn write_program(&self, path: &Path) {
        let text = format!("#!/bin/sh\necho ran >> {}/canary\ncat\n", self.desk.path().display());
        fs::write(path, text).unwrap();
        set_mode(path, 0o755);
    }

    /// A folder that Git takes for a repository before it sees the `.git` above: nothing but files that a
    /// commit holds.
    fn embed(&self, folder: &Path, settings: &str) {
        for name in ["objects/info", "objects/pack", "refs/heads", "hooks"] {
            fs::create_dir_all(folder.join(name)).unwrap();
            fs::write(folder.join(name).join("keep"), "").unwrap();
        }
        fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let config = format!(
            "[core]\n{settings}{}",
            HOSTILE_CONFIG.replace("[extensions]\n\tpartialClone = origin\n", "")
        );
        fs::write(folder.join("config"), self.named(&config)).unwrap();
    }

    /// With a PATH that begins in the project's folder, where a `git` lies.
    fn runs_nothing_but_git(&self, words: &[&str], code: i32, expected: &str) {
        self.write_program(&self.folder().join("git"));
        let path = format!("PATH=:.:{}", std::env::var("PATH").unwrap());
        let words = [&[path.as_str(), env!("CARGO_BIN_EXE_kpki")][..], words].concat();
        let trace = trace(tool("env").get_program(), &words, &self.folder(), None);
        fs::remove_file(self.folder().join("git")).unwrap();
        assert_eq!(trace.code, Some(code), "{words:?}: {}", trace.said);
        assert!(trace.said.contains(expected), "{words:?}: {}", trace.said);
        let canary = self.desk.path().join("canary");
        assert!(!canary.exists(), "{words:?} ran what the repository names");
        // strace starts env, which starts kpki.
        let started = trace.calls.iter().filter(|call| call.name.starts_with("execve"));
        for call in started.skip(1).filter(|call| call.line.ends_with(" = 0")) {
            let program = call.line.split('"').nth(1).unwrap();
            assert!(
                program == env!("CARGO_BIN_EXE_kpki") || program.ends_with("/git"),
                "{words:?}: {}",
                call.line
            );
            assert!(Path::new(program).is_absolute(), "{}", call.line);
        }
    }
}

#[test]
fn commands_that_ask_git_run_nothing_that_a_repository_names() {
    let hostile = Hostile::new("lab");
    // The measure: Git itself would run what is named there.
    let mut git = tool("git");
    git.args(["ls-files", "--modified"]).current_dir(hostile.folder());
    let _ = git.output().unwrap();
    let canary = hostile.desk.path().join("canary");
    assert!(canary.exists());
    fs::remove_file(canary).unwrap();

    let check = ["check", "--no-plaintext"];
    hostile.runs_nothing_but_git(&check, 1, "x tracked");
    let history = ["check", "--no-plaintext", "--history"];
    hostile.runs_nothing_but_git(&history, 1, "whoever has the repository has them");
    hostile.runs_nothing_but_git(&["diff", "HEAD~1"], 0, "");
    hostile.runs_nothing_but_git(&["diff", "HEAD~1", "HEAD"], 0, "");
    hostile.runs_nothing_but_git(&["plan"], 0, "");
    // The seed can be read by others, which only Git excuses.
    fs::remove_file(hostile.folder().join("out/users/ci/ci.kubeconfig")).unwrap();
    hostile.runs_nothing_but_git(&["apply"], 0, "users/ci");
    hostile.runs_nothing_but_git(&["setup", "git"], 0, "set diff.kpki.textconv");

    // An object that only the remote has: an error, and nobody is asked.
    let object =
        hostile.git(&["-c", "core.fsmonitor=false", "rev-parse", "HEAD:sites/prod/cluster.kdl"]);
    let (folder, file) = object.trim().split_at(2);
    let objects = hostile.project.path(".git/objects");
    fs::remove_file(objects.join(folder).join(file)).unwrap();
    hostile.runs_nothing_but_git(&check, 1, "git failed: ");
    hostile.runs_nothing_but_git(&history, 1, "git failed: ");
    hostile.runs_nothing_but_git(&["diff", "HEAD"], 1, "git failed: ");
}

#[test]
fn a_repository_that_a_commit_brings_is_refused() {
    for (below, settings) in [
        ("sites/prod", "\tbare = false\n\tworktree = .\n"),
        ("sites/prod", "\tbare = true\n"),
        ("sites", "\tbare = false\n\tworktree = .\n"),
        // Its working tree is the real one's.
        ("sites/prod", "\tbare = false\n\tworktree = ../..\n"),
    ] {
        let hostile = Hostile::new("lab");
        let folder = hostile.project.path(below);
        hostile.embed(&folder, settings);
        let config = fs::read(folder.join("config")).unwrap();
        let real = hostile.project.path(".git/config");
        let real = (fs::read(&real).unwrap(), real);
        let why = "is a Git repository of its own to Git";
        hostile.runs_nothing_but_git(&["check", "--no-plaintext"], 1, why);
        hostile.runs_nothing_but_git(&["check", "--no-plaintext", "--history"], 1, why);
        hostile.runs_nothing_but_git(&["diff", "HEAD~1"], 1, why);
        hostile.runs_nothing_but_git(&["diff"], 1, why);
        hostile.runs_nothing_but_git(&["setup", "git"], 1, why);
        fs::remove_file(hostile.folder().join("out/users/ci/ci.kubeconfig")).unwrap();
        hostile.runs_nothing_but_git(&["apply"], 1, why);
        assert_eq!(fs::read(folder.join("config")).unwrap(), config);
        assert_eq!(fs::read(&real.1).unwrap(), real.0);
    }
}
