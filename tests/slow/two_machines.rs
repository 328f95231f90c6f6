//! Reviewer, CI and operator must speak of the same plan. So it is made in two environments that have nothing
//! in common but the project's files, and its bytes are compared.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::testkit::age::Key;
use crate::testkit::{FolderProject, said, set_mode};

/// A folder and an environment.
struct Machine {
    desk: tempfile::TempDir,
    /// As this machine names the project.
    directory: PathBuf,
    umask: &'static str,
    variables: &'static [(&'static str, &'static str)],
}

const ONE: &[(&str, &str)] = &[
    ("HOME", "/root"),
    ("USER", "root"),
    ("LANG", "C"),
    ("TZ", "UTC"),
    ("RAYON_NUM_THREADS", "1"),
    ("PATH", "/usr/bin:/bin"),
];

const OTHER: &[(&str, &str)] = &[
    ("HOME", "/nonexistent"),
    ("USER", "jenkins"),
    ("LOGNAME", "jenkins"),
    ("LANG", "tr_TR.UTF-8"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("TZ", "Asia/Kathmandu"),
    ("RAYON_NUM_THREADS", "7"),
    ("CI", "true"),
    ("TERM", "xterm-256color"),
    ("HTTPS_PROXY", "http://proxy.example.com:3128"),
];

impl Machine {
    fn one(project: &Path) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let directory = desk.path().join("project");
        put(project, &directory, false);
        Machine { desk, directory, umask: "022", variables: ONE }
    }

    /// Another checkout: files come in another order, at another time, closed to others, behind a link.
    fn other(project: &Path) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let real = desk.path().join("where it really is");
        put(project, &real, true);
        let directory = desk.path().join("link");
        symlink(&real, &directory).unwrap();
        Machine { desk, directory, umask: "077", variables: OTHER }
    }

    fn kpki(&self, arguments: &[&str], more: &[(&str, &str)]) -> Vec<u8> {
        let output = Command::new("/bin/sh")
            .args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", self.umask])
            .args([env!("CARGO_BIN_EXE_kpki"), "-C"])
            .arg(&self.directory)
            .args(arguments)
            .current_dir(self.desk.path())
            .env_clear()
            .envs(self.variables.iter().copied())
            .envs(more.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(output.stderr.is_empty(), "{}", said(&output));
        output.stdout
    }

    /// The command that a plan ends with names the folder that it was given.
    fn printed(&self, arguments: &[&str], more: &[(&str, &str)]) -> String {
        let text = String::from_utf8(self.kpki(arguments, more)).unwrap();
        text.replace(self.directory.to_str().unwrap(), "FOLDER")
    }

    fn saved(&self, now: &str) -> String {
        self.kpki(&["plan", "--now", now, "--out", "the.plan"], &[]);
        fs::read_to_string(self.desk.path().join("the.plan")).unwrap()
    }
}

/// A copy: of names in the one order or the other.
fn put(from: &Path, to: &Path, other: bool) {
    fs::create_dir(to).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    if other {
        names.reverse();
    }
    for name in names {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            put(&from, &to, other);
            continue;
        }
        fs::copy(&from, &to).unwrap();
        if other {
            let closed = fs::metadata(&to).unwrap().permissions().mode() & 0o700;
            set_mode(&to, closed);
            let file = fs::File::options().write(true).open(&to).unwrap();
            let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
            file.set_modified(long_ago).unwrap();
        }
    }
}

/// Projects of every kind, with something to do in each.
fn projects() -> Vec<(&'static str, FolderProject)> {
    let key = Key::age();
    ["ha", "users", "static-pods", "external-etcd", "dual-stack", "lab", "gitops"]
        .into_iter()
        .map(|name| {
            let project = FolderProject::example(name);
            if name == "gitops" {
                let recipients = project.path("recipients.txt");
                fs::write(recipients, &key.recipient).unwrap();
            }
            let project = project.applied();
            let description = project.path("cluster.kdl");
            let text = fs::read_to_string(&description).unwrap();
            let more = "user \"new\" { group \"b\" \"a\"; bind cluster-role=\"view\" }\n\
                        node \"new\" address=\"10.0.0.200\"\n";
            fs::write(description, format!("{text}\n{more}")).unwrap();
            // Two that a plan finds in whatever order it looks.
            for path in project.files(".crt").iter().take(2) {
                fs::remove_file(project.out(path)).unwrap();
            }
            fs::write(project.out("nodes/a stranger"), "").unwrap();
            (name, project)
        })
        .collect()
}

const NOW: &str = "2026-12-01T00:00:00Z";

#[test]
fn the_same_plan_in_every_format() {
    for (name, project) in projects() {
        let one = Machine::one(project.folder());
        let other = Machine::other(project.folder());
        let same = |arguments: &[&str], a: &[(&str, &str)], b: &[(&str, &str)]| {
            let arguments = [arguments, &["--now", NOW]].concat();
            let [a, b] = [one.printed(&arguments, a), other.printed(&arguments, b)];
            assert!(!a.is_empty());
            assert_eq!(a, b, "{name}: {arguments:?}");
        };
        // A width is for the eye alone, and so is colour.
        let wide = &[("COLUMNS", "200"), ("CLICOLOR_FORCE", "1")];
        same(&["plan", "--format", "json"], &[], wide);
        same(&["plan", "--format", "markdown"], &[], wide);
        same(&["plan"], &[], &[]);
        same(&["plan"], &[("COLUMNS", "70")], &[("COLUMNS", "70"), ("NO_COLOR", "1")]);
        same(&["status"], &[], &[]);
        same(&["status", "--format", "json"], &[], wide);
        same(&["why", "nodes/new/kubelet", "--format", "json"], &[], wide);
        let [a, b] = [one.saved(NOW), other.saved(NOW)];
        assert!(a.contains("\"hash\": \""), "{a}");
        assert_eq!(a, b, "{name}: the saved plan and its hash");
        // The words are the same at any width.
        let words = |machine: &Machine, columns| {
            let text = machine.printed(&["plan", "--now", NOW], &[("COLUMNS", columns)]);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&one, "60"), words(&other, "300"), "{name}");
    }
}

/// What may follow the clock while nothing becomes due: the words of `status` ("29 days"); in JSON and in a
/// saved plan `now`, of which it is the plan, `until`, since what is new is good from then on, and so the
/// hash. Text and a comment on a pull request tell the day of `until` and nothing else of it, or they would
/// change without a change.
#[test]
fn only_the_time_of_a_plan_follows_the_clock() {
    for (name, project) in projects() {
        let machine = Machine::one(project.folder());
        let later = "2026-12-01T13:14:15Z";
        let at = |now: &str, format: &str| {
            let text = machine.kpki(&["plan", "--now", now, "--format", format], &[]);
            String::from_utf8(text).unwrap()
        };
        for format in ["text", "markdown"] {
            assert_eq!(at(NOW, format), at(later, format), "{name}: {format}");
            assert!(!at(NOW, format).contains("2026-12-01"), "{name}: {format}");
        }
        let differing = |one: &str, other: &str| -> BTreeSet<String> {
            assert_eq!(one.lines().count(), other.lines().count(), "{name}");
            let lines = one.lines().zip(other.lines());
            let lines = lines.filter(|(one, other)| one != other);
            lines.map(|(one, _)| one.trim().split(':').next().unwrap().to_owned()).collect()
        };
        let may = ["\"hash\"", "\"now\"", "\"until\""].map(str::to_owned).into();
        let json = differing(&at(NOW, "json"), &at(later, "json"));
        assert!(json.contains("\"now\"") && json.is_subset(&may), "{name}: {json:?}");
        let one = machine.saved(NOW);
        let saved = differing(&one, &machine.saved(later));
        assert!(saved.contains("\"hash\"") && saved.is_subset(&may), "{name}: {saved:?}");
        // Its own time is all that it needs: made again whenever, it is the same.
        assert_eq!(one, machine.saved(NOW), "{name}");
    }
}
