//! `kpki setup git`: what Git then shows and merges, in real repositories.

use std::fs;
use std::path::Path;

use super::repository::{APPLY_NAMED, LAB, Repository, line, named};
use crate::testkit::{ended, kpki, printed, said, tool};

#[test]
fn it_says_what_it_did_and_does_it_once() {
    for below in [".", "sites/the prod"] {
        let repository = Repository::new(below);
        let said = repository.done(&["setup", "git"]);
        for name in ["diff.kpki.textconv", "merge.kpki-lock.driver"] {
            assert!(said.contains(&format!("set {name} ")), "{said}");
        }
        assert!(said.contains("added what was missing to .gitattributes"), "{said}");
        let config = repository.git(&["config", "--local", "--list"]);
        let attributes = repository.read(".gitattributes");
        assert_eq!(repository.done(&["setup", "git"]), "nothing to do: Git is set up here\n");
        assert_eq!(repository.git(&["config", "--local", "--list"]), config);
        assert_eq!(repository.read(".gitattributes"), attributes);

        // Somebody's own value is named before it goes; another clone needs only the configuration.
        repository.git(&["config", "--add", "diff.kpki.textconv", "cat"]);
        let said = repository.done(&["setup", "git"]);
        assert!(said.contains("it was: kpki textconv --, cat"), "{said}");
        assert!(!said.contains("next:"), "{said}");
        assert_eq!(repository.git(&["config", "--local", "--list"]), config);
    }
}

#[test]
fn where_no_repository_is_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = kpki(Path::new("."))
        .args(["setup", "git", "-C"])
        .arg(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is in no Git repository"), "{}", said(&output));
    assert!(said(&output).contains("help: git init"), "{}", said(&output));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Neither the environment nor a link leads the settings into another file.
#[test]
fn settings_go_into_the_repositorys_own_file() {
    let repository = Repository::new(".");
    let other = tempfile::NamedTempFile::new().unwrap();
    let mut setup = repository.kpki_command();
    setup.args(["setup", "git"]).env("GIT_CONFIG", other.path());
    printed(&mut setup);
    let config = repository.path(".git/config");
    assert!(fs::read_to_string(&config).unwrap().contains("kpki textconv"));
    assert_eq!(fs::read(other.path()).unwrap(), b"");

    fs::copy(&config, other.path()).unwrap();
    repository.git(&["config", "--unset", "diff.kpki.textconv"]);
    fs::rename(&config, repository.path(".git/mine")).unwrap();
    std::os::unix::fs::symlink(other.path(), &config).unwrap();
    let before = fs::read(other.path()).unwrap();
    let output = repository.kpki(&["setup", "git"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("config is a symbolic link"), "{}", said(&output));
    assert_eq!(fs::read(other.path()).unwrap(), before);
}

#[test]
fn git_diff_and_log_show_words() {
    for below in [".", "sites/the prod"] {
        let repository = Repository::new(below);
        repository.done(&["setup", "git"]);
        repository.commit("Words");
        repository.describe(&named());
        repository.done(&APPLY_NAMED);
        let apiserver = "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt";
        let path = repository.path(apiserver);
        let diff = repository.git(&["diff", "-U99", "--", path.to_str().unwrap()]);
        assert!(diff.contains("\n+sans: cp1.lab.internal\n"), "{diff}");
        assert!(diff.contains("\n subject: CN=kube-apiserver\n"), "{diff}");
        let key =
            |sign: &str| diff.lines().any(|line| line.starts_with(&format!("{sign}public-key: ")));
        assert!(key(" ") && !key("+"), "the key is the same\n{diff}");
        let all = repository.git(&["diff"]);
        assert!(!all.contains("-----BEGIN"), "{all}");
        assert!(!all.contains("Binary files"), "{all}");
        // A field of the lock a line; what it belongs to stands above it.
        assert!(all.contains(" nodes/cp1/apiserver (certificate)\n"), "{all}");
        let mut files = all.split("diff --git ");
        let lock =
            files.find(|file| file.lines().any(|line| line.contains("cluster.lock"))).unwrap();
        let lock = lock.split_once("\n@@ ").unwrap().1;
        assert!(
            lock.contains("\n+    certificate ") && lock.contains("\n     public-key "),
            "{lock}"
        );
        assert!(lock.lines().all(|line| line.chars().count() <= 80), "{lock}");
        // The clock is not in it.
        assert!(!all.contains("expire") && !all.contains("days"), "{all}");
        assert_eq!(repository.git(&["diff"]), all);
        repository.commit("Another name");
        let log = repository.git(&["log", "-p", "-1"]);
        assert!(log.contains("\n+sans: cp1.lab.internal\n"), "{log}");
        // Nobody's colours get into it.
        let mut colours = repository.git_command(&["show", "--textconv", "HEAD"]);
        let shown = colours.env("CLICOLOR_FORCE", "1").output().unwrap();
        assert!(!said(&shown).contains('\u{1b}'), "{}", said(&shown));
    }
}

/// Whatever a commit holds, `git log -p` goes on and shows no secret.
#[test]
fn nothing_that_is_committed_stops_git_or_shows_a_key() {
    let repository = Repository::new(".");
    repository.done(&["setup", "git"]);
    let key = repository.read("out/ca/etcd.key");
    let certificate = repository.read("out/ca/etcd.crt");
    let config = repository.read("out/users/jane/jane.kubeconfig");
    let body = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
    let data = config.lines().find(|line| line.contains("client-key-data")).unwrap();
    let data = data.split_whitespace().last().unwrap().trim_matches('"').to_owned();
    assert!(data.len() > 100);
    for (name, content) in [
        ("empty.crt", String::new()),
        ("nonsense.crt", "neither PEM\n\u{1b}[31mnor DER\n".to_owned()),
        ("torn.crt", certificate.replace("-----END", "-----EN")),
        (
            "conflict.crt",
            format!("<<<<<<< ours\n{certificate}=======\n{certificate}>>>>>>> theirs\n"),
        ),
        ("-rf.crt", certificate.clone()),
        ("a 'name'; $(touch x) \"b.crt", certificate.clone()),
        ("both.pem", format!("{certificate}{key}")),
        ("key.pem", key.clone()),
        ("torn key.pem", key.replace("-----END", "-----EN")),
        ("out/users/jane/copy.kubeconfig", config.clone()),
        ("out/users/jane/torn.conf", config.replace("current-context", "current")),
    ] {
        fs::write(repository.path(name), content).unwrap();
    }
    fs::write(repository.path("bytes.pem"), [0xff, 0, 1, 0x80]).unwrap();
    repository.git(&["add", "-A", "--force"]);
    repository.git(&["commit", "--quiet", "-m", "hostile"]);
    let shown = repository.git(&["show", "--no-color"]);
    assert!(!shown.contains(&body(&key)), "{shown}");
    assert!(!shown.contains(&data), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(shown.contains("+private key\n"), "{shown}");
    assert!(shown.contains("+kubeconfig\n"), "{shown}");
    assert!(shown.contains("+neither PEM\n"), "{shown}");
    assert!(shown.matches("+subject: CN=etcd-ca\n").count() >= 3, "{shown}");
    assert!(!repository.path("x").exists());
}

const BOB: &str = "user \"bob\"\n";
const EVE: &str = "user \"eve\" { group \"ops\" }\n";

#[test]
fn branches_that_add_different_users_merge() {
    let repository = Repository::new("sites/prod");
    repository.done(&["setup", "git"]);
    repository.commit("Words");
    // Each where the other's lines are neighbours in the lock: as text they would conflict.
    repository.branch("bob", &format!("{BOB}{LAB}"));
    repository.branch("eve", &format!("{LAB}{EVE}"));
    repository.git(&["merge", "--quiet", "-m", "both", "bob"]);
    let lock = repository.read("cluster.lock");
    for name in ["users/bob", "users/eve", "users/jane"] {
        assert!(lock.contains(&format!("{{\"name\":\"{name}\"")), "{lock}");
    }
    // On the machine where the keys are nothing is left to do.
    ended(&repository.kpki(&["plan", "--detailed-exitcode"]), 0);
}

#[test]
fn two_anchors_of_one_name_conflict_and_what_is_left_is_understood() {
    let repository = Repository::new(".");
    repository.done(&["setup", "git"]);
    repository.commit("Words");
    let replace = ["apply", "--rekey", "ca/etcd", "--allow", "replace:ca/etcd", "--allow"];
    for (branch, user, who) in [("one", BOB, "bob"), ("other", EVE, "eve")] {
        repository.git(&["switch", "--quiet", "-c", branch, "main"]);
        // Keys are no part of a branch; each branch replaces what main has.
        repository.describe(&format!("{LAB}{user}"));
        let consent = format!("escalation:{who}");
        repository.done(&[&replace[..], &[&consent]].concat());
        repository.commit(branch);
    }
    let merged = repository.git_command(&["merge", "one"]).output().unwrap();
    assert_eq!(merged.status.code(), Some(1), "{}", said(&merged));
    assert!(said(&merged).contains("cluster.lock: both sides changed "), "{}", said(&merged));
    let lock = repository.read("cluster.lock");
    let marked = lock.split("<<<<<<< ours: ca/etcd\n").nth(1).unwrap();
    let (ours, rest) = marked.split_once("=======\n").unwrap();
    let (theirs, _) = rest.split_once(">>>>>>> theirs: ca/etcd\n").unwrap();
    let line = |revision: &str| {
        let lock = repository.git(&["show", &format!("{revision}:cluster.lock")]);
        let line = lock.lines().find(|line| line.contains("\"ca/etcd\""));
        format!("{}\n", line.unwrap())
    };
    assert_eq!((ours, theirs), (line("other").as_str(), line("one").as_str()));
    // The lines beside it are merged, and are none of the conflict.
    assert!(!lock.contains("<<<<<<< ours: users/"), "{lock}");
    // Neither side's CA was mixed with the other's.
    let status = repository.git(&["status", "--porcelain"]);
    assert!(status.contains("UU cluster.lock"), "{status}");
    assert!(status.contains("UU out/ca/etcd.crt"), "{status}");
    let certificate = repository.read("out/ca/etcd.crt");
    assert_eq!(certificate, repository.git(&["show", "other:out/ca/etcd.crt"]));

    for words in [&["plan"][..], &["apply"], &["status"]] {
        ended(&repository.kpki(words), 1);
    }
    let refused = said(&repository.kpki(&["apply"]));
    // The description of both sides conflicts as well, and it is told first.
    assert!(refused.contains("a merge conflict was left in this file"), "{refused}");
    assert!(refused.contains("help: keep one side"), "{refused}");
    repository.describe(&format!("{LAB}{BOB}{EVE}"));
    let refused = said(&repository.kpki(&["plan"]));
    assert!(refused.contains("cluster.lock:"), "{refused}");
    assert!(refused.contains("is a merge conflict"), "{refused}");
    assert!(refused.contains("help: keep one line of each pair"), "{refused}");
}

/// The lock merges line by line, and what was signed by the CA that went is found by its bytes.
#[test]
fn a_certificate_of_the_ca_that_was_replaced_elsewhere_is_issued_again() {
    let repository = Repository::new(".");
    repository.done(&["setup", "git"]);
    // Sealed, so that each branch has its own keys.
    let identity = repository.path(".git/identity");
    printed(tool("age-keygen").arg("-o").arg(&identity));
    let recipient = printed(tool("age-keygen").arg("-y").arg(&identity));
    let identity = identity.to_str().unwrap();
    let sealed = format!("{LAB}secrets {{ recipient \"{}\" }}\n", recipient.trim());
    repository.describe(&sealed);
    repository.done(&["apply", "--allow", "escalation:secrets"]);
    repository.commit("Sealed");
    let apply = |branch: &str, description: &str, words: &[&str]| {
        repository.git(&["switch", "--quiet", "-c", branch, "main"]);
        repository.describe(description);
        repository.done(&[&["apply", "--identity", identity], words].concat());
        repository.commit(branch);
    };
    apply("replaced", &sealed, &["--rekey", "ca/etcd", "--allow", "replace:ca/etcd"]);
    let backup = "certificate \"backup\" { ca \"etcd\"; usage \"client\" }\n";
    apply("backup", &format!("{sealed}{backup}"), &["--allow", "escalation:backup"]);
    repository.git(&["merge", "--quiet", "-m", "both", "replaced"]);
    let plan = repository.done(&["plan"]);
    let told = line(&plan, "~ certificates/backup ");
    assert!(told.contains("reissue"), "{plan}");
    assert!(plan.contains("1 to reissue, "), "{plan}");
    // No CA that is here signed it, so nothing tells that its holder had that power: it is asked again.
    let allow = ["--allow", "escalation:backup"];
    repository.done(&[&["apply", "--identity", identity], &allow[..]].concat());
    let plan = repository.kpki(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
}

/// A clone without `kpki setup git` merges as text does: a conflict where lines are neighbours.
#[test]
fn a_clone_that_is_not_set_up_still_merges_as_text() {
    let repository = Repository::new(".");
    repository.done(&["setup", "git"]);
    repository.commit("Words");
    for name in ["diff.kpki", "merge.kpki-lock"] {
        repository.git(&["config", "--local", "--remove-section", name]);
    }
    repository.branch("bob", &format!("{BOB}{LAB}"));
    repository.branch("eve", &format!("{LAB}{EVE}"));
    ended(&repository.git_command(&["merge", "--quiet", "bob"]).output().unwrap(), 1);
    let plan = said(&repository.kpki(&["plan"]));
    assert!(plan.contains("merge conflict"), "{plan}");
    repository.git_command(&["merge", "--abort"]).output().unwrap();
    // And shows text.
    let diff = repository.git(&["diff", "main", "eve", "--", "out"]);
    assert!(diff.contains("+-----BEGIN CERTIFICATE-----"), "{diff}");
}

#[test]
fn the_driver_writes_ours_or_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let lock =
        |name: &str| format!("{{\"kpki-lock\":1}}\n{{\"name\":\"{name}\",\"hash\":\"1\"}}\n");
    for (name, text) in [("base", lock("a")), ("ours", lock("b")), ("theirs", lock("c"))] {
        fs::write(path(name), text).unwrap();
    }
    let run = || {
        let mut command = kpki(folder.path());
        let names = ["base", "ours", "theirs"].map(path);
        let output = command.args(["merge-lock", "--marker-size=9", "--"]).args(names);
        output.arg("cluster.lock").output().unwrap()
    };
    let output = run();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    // One side moved a to b, the other to c: both went, both came.
    let merged = fs::read_to_string(path("ours")).unwrap();
    assert_eq!(merged.lines().count(), 3, "{merged}");
    fs::remove_file(path("theirs")).unwrap();
    ended(&run(), 1);
    assert_eq!(fs::read_to_string(path("ours")).unwrap(), merged);
}
