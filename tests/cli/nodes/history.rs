//! `kpki check --no-plaintext --history` in real repositories.

use std::fmt::Write as _;
use std::fs;
use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::testkit::age::Key;
use crate::testkit::{FolderProject, done, git_command, printed, said, tool};

const CLUSTER: &str = r#"
cluster "lab"
node "cp1" role="control-plane" address="10.0.0.11"
user "jane"
user "joe"
"#;

/// Git's answers are trimmed.
struct Repository(FolderProject);

impl std::ops::Deref for Repository {
    type Target = FolderProject;

    fn deref(&self) -> &FolderProject {
        &self.0
    }
}

impl Repository {
    /// Every secret ignored, the rest committed.
    fn new() -> Self {
        let project = FolderProject::empty();
        project.done(&["init"]);
        project.describe(CLUSTER);
        project.done(&["apply", "--allow", "escalation:secrets"]);
        project.git(&["init", "-q", "--initial-branch", "main"]);
        project.commit("The PKI");
        Repository(project)
    }

    fn git(&self, words: &[&str]) -> String {
        self.0.git(words).trim().to_owned()
    }

    /// Commits a file, then its removal.
    fn was_here(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        self.write(name, text);
        self.git(&["add", "-f", name]);
        let commit = self.commit("oh");
        self.git(&["rm", "-q", "-f", name]);
        self.commit("no");
        commit
    }

    fn check(&self) -> Output {
        let words = ["check", "--no-plaintext", "--history"];
        self.kpki(&[&words[..], &["--format", "json"]].concat())
    }

    fn report(&self) -> Value {
        let output = self.check();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let in_use = keys(&report).iter().any(|key| key["in-use"] == true);
        let here = !report["plaintext"].as_array().unwrap().is_empty();
        assert_eq!(output.status.code(), Some(i32::from(in_use || here)));
        assert_eq!(report["clean"], !(in_use || here));
        report
    }

    /// Of every key: whose it is, and where it was first.
    fn found(&self) -> Vec<(String, String, String)> {
        let report = self.report();
        assert_eq!(report["plaintext"], Value::Array(vec![]));
        let text = |key: &Value, field: &str| key[field].as_str().unwrap_or("-").to_owned();
        keys(&report)
            .iter()
            .map(|key| {
                let whose = text(key, "artifact");
                (whose, text(key, "path"), text(key, "commit"))
            })
            .collect()
    }

    fn says(&self) -> String {
        said(&self.kpki(&["check", "--no-plaintext", "--history"]))
    }
}

fn keys(report: &Value) -> &Vec<Value> {
    report["history"]["keys"].as_array().unwrap()
}

fn found(whose: &str, path: &str, commit: &str) -> (String, String, String) {
    (whose.into(), path.into(), commit.into())
}

#[test]
fn a_key_that_was_committed_is_told_until_it_is_another_one() {
    let repository = Repository::new();
    assert_eq!(repository.found(), []);
    let (ca, jane) = ("out/ca/kubernetes.key", "out/users/jane/jane.key");
    repository.git(&["add", "-f", ca, jane]);
    let first = repository.commit("With keys");
    repository.git(&["rm", "-q", "--cached", ca, jane]);
    repository.commit("Without them");
    let both = [found("ca/kubernetes", ca, &first), found("users/jane", jane, &first)];
    assert_eq!(repository.found(), both);

    // Sealing takes nothing back, and the plan that seals says what to ask.
    let operator = Key::age();
    let sealed = format!("{CLUSTER}secrets {{ recipient {:?} }}\n", operator.recipient);
    repository.describe(&sealed);
    let plan = repository.done(&["plan"]);
    let plan = plan.replace("\n  ", " ");
    assert!(plan.contains("kpki check --no-plaintext --history"), "{plan}");
    repository.done(&["apply", "--allow", "escalation:secrets"]);
    repository.commit("Sealed");
    assert_eq!(repository.found(), both);

    // Its commands are the ones that help.
    let report = repository.report();
    let identity = operator.file();
    let mut commands: Vec<&str> =
        keys(&report).iter().map(|key| key["rekey"].as_str().unwrap()).collect();
    assert_eq!(
        commands,
        [
            "kpki apply --rekey ca/kubernetes --allow replace:ca/kubernetes",
            "kpki apply --rekey users/jane"
        ]
    );
    let said = repository.says();
    for part in commands.iter().chain(&["x in use", &first[..16], ca, jane]) {
        assert!(said.contains(part), "{part}\n{said}");
    }
    commands.reverse();
    for (left, command) in [1, 0].into_iter().zip(commands) {
        let mut words: Vec<&str> = command.split(' ').skip(1).collect();
        words.extend(["--identity", identity.to_str().unwrap()]);
        repository.done(&words);
        repository.commit("New keys");
        let used = repository.found();
        let used = used.iter().filter(|(whose, ..)| whose != "-");
        assert_eq!(used.count(), left);
    }
    assert_eq!(repository.found(), [found("-", ca, &first), found("-", jane, &first)]);
    let said = repository.says();
    assert!(said.contains("2 other private keys in it"), "{said}");
}

#[test]
fn sealed_from_the_start_nothing_is_found() {
    let repository = Repository::new();
    let operator = Key::age();
    repository.describe(&format!("{CLUSTER}secrets {{ recipient {:?} }}\n", operator.recipient));
    repository.done(&["apply", "--allow", "escalation:secrets"]);
    repository.commit("Sealed");
    let tracked = repository.git(&["ls-files"]);
    assert!(tracked.contains("out/ca/kubernetes.key.age"), "{tracked}");
    assert_eq!(repository.found(), []);
    let said = repository.says();
    assert!(said.contains("no private key in the history"), "{said}");
}

#[test]
fn a_key_is_found_wherever_git_still_has_it() {
    let repository = Repository::new();
    let key = repository.text("out/users/jane/jane.key");
    let mut expected = Vec::new();
    let mut meant = |name: &str, commit: &str| {
        assert_eq!(repository.found(), [found("users/jane", name, commit)], "{name}");
        expected.push(name.to_owned());
    };
    // Only in another branch, and there deleted under another name.
    repository.git(&["checkout", "-q", "-b", "side"]);
    let commit = repository.was_here("notes/old name.txt", format!("Her key:\n{key}\nbye\n"));
    repository.git(&["checkout", "-q", "main"]);
    meant("notes/old name.txt", &commit);
    // A merge that has nothing of it.
    repository.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    meant("notes/old name.txt", &commit);
    repository.git(&["reset", "-q", "--hard", "HEAD^"]);
    // The branch is gone; reflogs have it.
    repository.git(&["branch", "-q", "-D", "side"]);
    meant("notes/old name.txt", &commit);
    repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    assert_eq!(repository.found(), []);
    // In a stash, and as a file that a tag alone names.
    repository.write("cluster.kdl", format!("{CLUSTER}/*\n{key}*/\n"));
    repository.git(&["stash", "-q"]);
    let stash = repository.git(&["rev-parse", "stash"]);
    let found_now = repository.found();
    let (whose, path, _) = &found_now[0];
    assert_eq!((whose.as_str(), path.as_str()), ("users/jane", "cluster.kdl"));
    assert!(!stash.is_empty());
    repository.git(&["stash", "drop", "-q"]);
    // What stands in its place hides nothing.
    let commit = repository.was_here("a.pem", &key);
    let blob = repository.git(&["rev-parse", &format!("{commit}:a.pem")]);
    repository.write("empty", "");
    let empty = repository.git(&["hash-object", "-w", "empty"]);
    repository.git(&["replace", &blob, &empty]);
    fs::remove_file(repository.path("empty")).unwrap();
    meant("a.pem", &commit);
    assert_eq!(expected.len(), 4);
}

#[test]
fn every_form_in_which_a_key_is_found_is_read() {
    let repository = Repository::new();
    let key = repository.text("out/users/jane/jane.key");
    let sec1 = {
        let path = repository.path("out/users/jane/jane.key");
        printed(tool("openssl").args(["ec", "-in"]).arg(path))
    };
    assert!(sec1.contains("BEGIN EC PRIVATE KEY"), "{sec1}");
    let encoded = STANDARD.encode(&key);
    let folded = encoded.as_bytes().chunks(60).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "    {}", String::from_utf8_lossy(line));
        text
    });
    let config = repository.text("out/users/jane/jane.kubeconfig");
    let forms = [
        ("config", config),
        ("sec1.pem", sec1),
        ("secret.yaml", format!("kind: Secret\ndata:\n  tls.key: {encoded}\n")),
        ("folded.yaml", format!("data:\n  tls.key: >\n{folded}")),
        ("key.json", serde_json::json!({ "key": key, "other": 1 }).to_string()),
        ("indented.yaml", format!("key: |\n  {}\nnext: 1\n", key.trim_end().replace('\n', "\n  "))),
        ("dos.pem", key.replace('\n', "\r\n")),
    ];
    for (name, text) in forms {
        let before = repository.git(&["rev-parse", "HEAD"]);
        let commit = repository.was_here(name, text);
        assert_eq!(repository.found(), [found("users/jane", name, &commit)], "{name}");
        repository.git(&["reset", "-q", "--hard", &before]);
        repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    }
    // Two in one file, one of them nobody's, and one that kpki cannot read.
    let joe = repository.text("out/users/joe/joe.key");
    let other = printed(tool("openssl").args(["genpkey", "-algorithm", "ed25519"]));
    let broken = key.replace("MIG", "MIH");
    let commit = repository.was_here("all", [joe, other, broken].concat());
    assert_eq!(
        repository.found(),
        [
            found("users/joe", "all", &commit),
            found("-", "all", &commit),
            found("-", "all", &commit)
        ]
    );
    let said = repository.says();
    assert!(said.contains("not a key of kpki's"), "{said}");
    // Nothing of it is shown.
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        assert!(!said.contains(line) && !said.contains(&encoded[..40]));
    }
}

#[test]
fn an_identity_that_opens_everything_is_in_use_while_its_recipient_is() {
    let repository = Repository::new();
    let (age, ssh, other) = (Key::age(), Key::ssh("ed25519", "bob", ""), Key::age());
    let with = |keys: &[&Key]| {
        let names: Vec<String> = keys.iter().map(|key| format!("{:?}", key.recipient)).collect();
        format!("{CLUSTER}secrets {{ recipient {} }}\n", names.join(" "))
    };
    repository.describe(&with(&[&age, &ssh, &other]));
    repository.done(&["apply", "--allow", "escalation:secrets"]);
    repository.was_here("age.txt", age.secret());
    repository.was_here("id_ed25519", ssh.secret());
    let report = repository.report();
    let mut recipients: Vec<&str> =
        keys(&report).iter().map(|key| key["recipient"].as_str().unwrap()).collect();
    recipients.sort_unstable();
    assert!(recipients[0].starts_with("SHA256:"), "{recipients:?}");
    assert_eq!(recipients[1], age.recipient);
    let said = repository.says().replace("\n  ", " ");
    assert!(said.contains("take its recipient out"), "{said}");
    // As it says: and then plan lists the keys.
    repository.describe(&with(&[&other]));
    let identity = other.file();
    let words =
        ["apply", "--identity", identity.to_str().unwrap(), "--allow", "escalation:secrets"];
    repository.done(&words);
    repository.commit("Two less");
    assert_eq!(keys(&repository.report()).len(), 2);
    let status = repository.done(&["status"]);
    assert!(status.contains("could read 18 keys"), "{status}");
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let repository = Repository::new();
    let words = ["check", "--no-plaintext", "--history"];
    repository.was_here("jane", repository.text("out/users/jane/jane.key"));
    let clones = tempfile::tempdir().unwrap();
    let shallow = clones.path().join("shallow");
    let url = format!("file://{}", repository.folder().display());
    printed(tool("git").args(["clone", "-q", "--depth", "1", &url]).arg(&shallow));
    let at = |folder: &std::path::Path| {
        let folder = folder.to_str().unwrap();
        repository.kpki(&[&["-C", folder], &words[..]].concat())
    };
    let output = at(&shallow);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("git fetch --unshallow"), "{}", said(&output));
    let whole = clones.path().join("whole");
    printed(tool("git").args(["clone", "-q", &url]).arg(&whole));
    let output = at(&whole);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    // The keys themselves are not there: public halves tell.
    assert!(!whole.join("out/users/jane/jane.key").exists());
    assert!(said(&output).contains("kpki apply --rekey users/jane"));

    let alone = FolderProject::described(CLUSTER);
    let output = alone.kpki(&words);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("there is no history"), "{}", said(&output));
}

/// Where the project is a folder of a repository, the rest is not looked into, and paths are a person's.
#[test]
fn a_project_below_the_top_is_looked_into_alone() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "--orphan", "mono"]);
    repository.git(&["rm", "-q", "-r", "--cached", "."]);
    for name in ["cluster.kdl", "cluster.lock", "out", ".gitignore"] {
        fs::create_dir_all(repository.path("pki")).unwrap();
        fs::rename(repository.path(name), repository.path("pki").join(name)).unwrap();
    }
    repository.git(&["branch", "-q", "-D", "main"]);
    repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    let jane = repository.text("pki/out/users/jane/jane.key");
    let joe = repository.text("pki/out/users/joe/joe.key");
    repository.write("elsewhere/joe.pem", joe);
    repository.write("pki/jane.pem", jane);
    repository.commit("all");
    repository.git(&["mv", "pki/jane.pem", "pki/gone.pem"]);
    repository.commit("renamed");
    let output =
        repository.kpki(&["-C", "pki", "check", "--no-plaintext", "--history", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(keys(&report).len(), 1, "{report}");
    assert_eq!(keys(&report)[0]["artifact"], "users/jane");
    assert_eq!(keys(&report)[0]["path"], "pki/jane.pem");
}

/// A large history takes no more memory than its largest file.
#[test]
fn memory_is_bounded_by_one_file() {
    const FILES: usize = 4_000;
    const LARGE: usize = 40 << 20;
    let repository = Repository::new();
    let mut import = git_command(repository.folder(), &["fast-import", "--quiet"]);
    let mut import = import.stdin(Stdio::piped()).spawn().unwrap();
    {
        use std::io::Write as _;
        let mut stream = std::io::BufWriter::new(import.stdin.take().unwrap());
        let commit = |stream: &mut std::io::BufWriter<_>, number: usize| {
            writeln!(
                stream,
                "commit refs/heads/big\ncommitter n <e@example.com> {number} +0000\ndata 1\nx"
            )
            .unwrap();
        };
        // Of 16 KiB each: 64 MiB in all.
        let filler = "not a secret at all\n".repeat(800);
        for number in 0..FILES {
            if number % 100 == 0 {
                commit(&mut stream, number);
            }
            let text = format!("{number}\n{filler}");
            writeln!(stream, "M 100644 inline f{}\ndata {}\n{text}", number % 500, text.len())
                .unwrap();
        }
        commit(&mut stream, FILES);
        writeln!(stream, "M 100644 inline large\ndata {LARGE}").unwrap();
        let line = vec![b'.'; 1 << 20];
        for _ in 0..LARGE >> 20 {
            stream.write_all(&line).unwrap();
        }
        stream.write_all(b"\n").unwrap();
    }
    assert!(import.wait().unwrap().success());
    let measure = "import resource,subprocess,sys\n\
        r=subprocess.run(sys.argv[1:],capture_output=True)\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
        sys.stdout.write(r.stdout.decode()+r.stderr.decode())\n\
        sys.exit(r.returncode)";
    let output = tool("python3")
        .args(["-c", measure, env!("CARGO_BIN_EXE_kpki")])
        .args(["check", "--no-plaintext", "--history"])
        .current_dir(repository.folder())
        .output()
        .unwrap();
    let said = done(output);
    let (kib, said) = said.split_once('\n').unwrap();
    let kib: usize = kib.parse().unwrap();
    assert!(kib < (LARGE >> 10) + (40 << 10), "{kib} KiB\n{said}");
    let count = said.split("ever in the clear: ").nth(1);
    let count = count.or(said.split("in the history: ").nth(1)).unwrap();
    let count: usize = count.split(' ').next().unwrap().parse().unwrap();
    assert!(count > FILES, "{said}");
}

/// gitrepository-layout(5), git-commit-graph(1), git-replace(1): each can make a history look shorter than it
/// is.
#[test]
fn what_stands_in_for_a_commits_parents_hides_nothing() {
    let repository = Repository::new();
    let key = repository.text("out/ca/etcd.key");
    let commit = repository.was_here("notes.txt", &key);
    let expected = [found("ca/etcd", "notes.txt", &commit)];
    repository.git(&["reflog", "expire", "--expire=all", "--all"]);
    assert_eq!(repository.found(), expected);
    let head = repository.git(&["rev-parse", "HEAD"]);
    repository.write(".git/info/grafts", format!("{head}\n"));
    // The measure: Git itself believes it, and so would write it down.
    assert_eq!(repository.git(&["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(repository.found(), expected);
    fs::remove_file(repository.path(".git/info/grafts")).unwrap();
    repository.git(&["replace", "--graft", &head]);
    assert_eq!(repository.git(&["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(repository.found(), expected);
}
