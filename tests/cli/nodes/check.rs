//! `kpki check --no-plaintext` in real repositories.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use kpki::facts::{Plaintext, plaintext_in};
use serde_json::Value;

use super::node::LAB;
use crate::testkit::{Desk, FolderProject, ended, git_command, kpki, said, set_mode};

struct Repository {
    project: FolderProject,
    /// The project's folder in it.
    below: &'static str,
}

impl Repository {
    /// With what `kpki init` writes, and nothing committed.
    fn new(below: &'static str) -> Self {
        let project = FolderProject::empty();
        project.git(&["init", "-q"]);
        project.done(&["-C", below, "init"]);
        project.write(&format!("{below}/cluster.kdl"), LAB);
        project.done(&["-C", below, "apply", "--allow", "escalation:secrets"]);
        Repository { project, below }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.project.path(self.below).join(name)
    }

    fn git_command(&self, words: &[&str]) -> Command {
        git_command(self.project.folder(), words)
    }

    fn git(&self, words: &[&str]) -> String {
        self.project.git(words)
    }

    fn check(&self) -> Output {
        self.project.kpki(&["-C", self.below, "check", "--no-plaintext", "--format", "json"])
    }

    /// Path, place and kinds.
    fn found(&self) -> Vec<(String, String, String)> {
        let output = self.check();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let found = report["plaintext"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let found: Vec<_> = found
            .iter()
            .map(|found| {
                let kinds = found["kinds"].as_array().unwrap().iter().map(text);
                (text(&found["path"]), text(&found["where"]), kinds.collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())));
        assert_eq!(report["clean"], found.is_empty());
        found
    }

    fn hook(&self) {
        let kpki = env!("CARGO_BIN_EXE_kpki");
        let script = format!("#!/bin/sh\nexec {kpki} -C {} check --no-plaintext\n", self.below);
        self.project.write(".git/hooks/pre-commit", script);
        set_mode(self.project.path(".git/hooks/pre-commit"), 0o755);
    }
}

fn finding(path: &str, place: &str, kinds: &str) -> (String, String, String) {
    (path.to_owned(), place.to_owned(), kinds.to_owned())
}

#[test]
fn what_git_would_take_and_nothing_else() {
    let repository = Repository::new(".");
    assert_eq!(repository.found(), []);
    let key = fs::read_to_string(repository.path("out/ca/etcd.key")).unwrap();
    let config =
        fs::read_to_string(repository.path("out/nodes/w1/etc/kubernetes/kubelet.conf")).unwrap();
    fs::write(repository.path("a name.txt"), &key).unwrap();
    fs::write(repository.path("config"), &config).unwrap();
    repository.project.done(&["export", "w1", "-o", "w1.tar"]);
    assert_eq!(
        repository.found(),
        [
            finding("a name.txt", "untracked", "private-key"),
            finding("config", "untracked", "kubeconfig"),
        ]
    );
    // Packed or not: by content.
    fs::rename(repository.path("w1.tar"), repository.path("w1.img")).unwrap();
    assert!(repository.found().contains(&finding("w1.img", "untracked", "private-key kubeconfig")));
    fs::remove_file(repository.path("w1.img")).unwrap();

    // Staged, and gone from the working tree.
    repository.git(&["add", "a name.txt"]);
    fs::remove_file(repository.path("a name.txt")).unwrap();
    fs::remove_file(repository.path("config")).unwrap();
    assert_eq!(repository.found(), [finding("a name.txt", "tracked", "private-key")]);
    repository.git(&["rm", "-q", "--cached", "a name.txt"]);
    assert_eq!(repository.found(), []);

    // Ignored, and taken all the same; and a harmless file that became a secret.
    repository.git(&["add", "-f", "out/ca/etcd.key"]);
    repository.git(&["add", "cluster.kdl"]);
    fs::write(repository.path("cluster.kdl"), &key).unwrap();
    assert_eq!(
        repository.found(),
        [
            finding("cluster.kdl", "changed", "private-key"),
            finding("out/ca/etcd.key", "tracked", "private-key"),
        ]
    );
    let text =
        String::from_utf8(repository.project.kpki(&["check", "--no-plaintext"]).stdout).unwrap();
    assert!(
        text.starts_with(
            "x changed, not staged  private key  cluster.kdl\n\
             x tracked              private key  out/ca/etcd.key\n\n2 secrets in the clear\n\
             next: git rm --cached what is tracked, then take the secret out of what is changed, then name it in .gitignore"
        ),
        "{text}"
    );
}

/// A hook is run at the top, with the index that is being committed in its environment.
#[test]
fn a_hook_stops_every_way_to_commit_a_secret() {
    for below in [".", "clusters/lab"] {
        let repository = Repository::new(below);
        repository.hook();
        let file = Path::new(below).join("notes.txt");
        let file = file.to_str().unwrap();
        let path = repository.path("notes.txt");
        let key = fs::read(repository.path("out/ca/etcd.key")).unwrap();
        let commit = |more: &[&str]| {
            repository.git_command(&[&["commit", "-q", "-m", "m"], more].concat()).output().unwrap()
        };
        fs::write(&path, "nothing").unwrap();
        repository.git(&["add", "."]);
        let output = ended(&commit(&[]), 0);
        assert!(output.contains("no secret in the clear: "), "{output}");
        let before = repository.git(&["rev-parse", "HEAD"]);
        fs::write(&path, &key).unwrap();
        for more in [&["-a"][..], &["--", file], &["-i", file]] {
            let output = commit(more);
            assert_eq!(output.status.code(), Some(1), "{below} {more:?}: {}", said(&output));
            assert!(said(&output).contains("notes.txt\n"), "{}", said(&output));
            repository.git(&["reset", "-q"]);
        }
        // In the index alone.
        repository.git(&["add", file]);
        fs::write(&path, "nothing").unwrap();
        let output = commit(&[]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("x tracked "), "{}", said(&output));
        repository.git(&["reset", "-q"]);
        // In another index than the repository's own, which Git names relative to the top.
        let other = |words: &[&str]| {
            let mut command = repository.git_command(words);
            command.env("GIT_INDEX_FILE", ".git/other").output().unwrap()
        };
        fs::write(&path, &key).unwrap();
        assert!(other(&["read-tree", "HEAD"]).status.success());
        assert!(other(&["add", file]).status.success());
        fs::write(&path, "nothing").unwrap();
        let output = ended(&other(&["commit", "-q", "-m", "m"]), 1);
        assert!(output.contains("x tracked "), "{output}");
        assert_eq!(repository.git(&["rev-parse", "HEAD"]), before);
    }
}

#[test]
fn other_folders_and_no_repository() {
    let repository = Repository::new("lab");
    let key = fs::read(repository.path("out/ca/etcd.key")).unwrap();
    fs::write(repository.path("a.txt"), &key).unwrap();
    assert_eq!(repository.found(), [finding("lab/a.txt", "untracked", "private-key")]);
    // From inside of the project, and from somewhere else.
    for (here, directory, shown) in [
        (repository.path("out/ca"), "../..", "../../a.txt"),
        (repository.path("."), ".", "a.txt"),
        (std::env::temp_dir(), repository.path(".").to_str().unwrap(), "a.txt"),
    ] {
        let mut check = kpki(&here);
        let output = check.args(["-C", directory, "check", "--no-plaintext"]).output().unwrap();
        let text = ended(&output, 1);
        assert!(text.contains(&format!("{shown}\n")), "{shown}: {text}");
    }
    // Beside the project is somebody else's business.
    fs::rename(repository.path("a.txt"), repository.project.path("a.txt")).unwrap();
    assert_eq!(repository.found(), []);

    let project = FolderProject::described(LAB).applied();
    let output = project.kpki(&["check", "--no-plaintext"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains("note: no Git repository is here"), "{text}");
    let secrets = project.files(".key").len() + project.files(".conf").len();
    assert!(text.contains(&format!("\n{secrets} secrets in the clear\n")), "{text}");
    // Broken in another way: an error, and never a pass.
    project.write(".git", "gitdir: nowhere\n");
    let output = project.kpki(&["check", "--no-plaintext"]);
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(project.kpki(&["check"]).status.code(), Some(64));
}

/// The forms in which OpenSSL, ssh-keygen and age write keys, and what only looks like one.
#[test]
fn kinds_of_plaintext() {
    use Plaintext::{AgeIdentity, EncodedPrivateKey, Kubeconfig, PrivateKey};
    let desk = Desk::new();
    desk.openssl("genpkey -algorithm ed25519 -out pkcs8");
    desk.openssl("ecparam -name prime256v1 -genkey -out sec1");
    desk.openssl("genrsa -traditional -out pkcs1 2048");
    desk.openssl("pkcs8 -topk8 -in pkcs8 -passout pass:x -out locked");
    desk.openssl("ec -in sec1 -aes128 -passout pass:x -out legacy-locked");
    desk.openssl("req -x509 -key pkcs8 -subj /CN=a -out certificate");
    desk.openssl("pkey -in pkcs8 -pubout -out public");
    let read = |name: &str| String::from_utf8(desk.read(name)).unwrap();
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let folded = |text: &str| {
        let encoded = base64(text);
        let lines = encoded.as_bytes().chunks(76);
        lines.fold(String::new(), |folded, line| {
            folded + "    " + std::str::from_utf8(line).unwrap() + "\n"
        })
    };
    let key = read("pkcs8");
    // Not a real one: only its form counts.
    let age = format!("AGE-{}-1{}", "SECRET-KEY", "Q".repeat(58));
    let sealed = format!(
        "-----BEGIN AGE ENCRYPTED FILE-----\n{}-----END AGE ENCRYPTED FILE-----\n",
        folded("age-encryption.org/v1\n-> X25519 what nobody can read but the one who has the key")
    );
    let ssh = key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");
    let pgp = key
        .replace("PRIVATE KEY", "PGP PRIVATE KEY BLOCK")
        .replace("BLOCK-----\nM", "BLOCK-----\nComment: a\n\nM");
    let json = |key: &str| serde_json::json!({ "private_key": key, "project": "a:b" }).to_string();
    let both = format!("{}{key}", read("certificate"));
    for (what, text, expected) in [
        ("pkcs8", key.clone(), &[PrivateKey][..]),
        ("sec1", read("sec1"), &[PrivateKey]),
        ("pkcs1", read("pkcs1"), &[PrivateKey]),
        ("openssh", ssh, &[PrivateKey]),
        ("pgp", pgp, &[PrivateKey]),
        ("after a certificate", both.clone(), &[PrivateKey]),
        ("with CR LF", key.replace('\n', "\r\n"), &[PrivateKey]),
        ("indented", key.replace('\n', "\n      "), &[PrivateKey]),
        ("in JSON", json(&key), &[PrivateKey]),
        ("under a passphrase, in JSON", json(&read("legacy-locked")), &[]),
        ("in a Secret", format!("data:\n  tls.key: {}\n", base64(&key)), &[EncodedPrivateKey]),
        ("in a folded Secret", format!("  tls.key: |\n{}", folded(&key)), &[EncodedPrivateKey]),
        (
            "after a certificate in a Secret",
            format!("  all: {}", base64(&both)),
            &[EncodedPrivateKey],
        ),
        ("a kubeconfig", format!("    client-key-data: {}\n", base64(&key)), &[Kubeconfig]),
        (
            "a kubeconfig in JSON",
            format!("{{\"client-key-data\":\"{}\"}}", base64(&key)),
            &[Kubeconfig],
        ),
        ("an age identity", age.clone(), &[AgeIdentity]),
        ("two", format!("{key}{age}"), &[PrivateKey, AgeIdentity]),
        ("PKCS#8 under a passphrase", read("locked"), &[]),
        ("a key under a passphrase", read("legacy-locked"), &[]),
        ("a certificate", read("certificate"), &[]),
        ("a certificate in base64", base64(&read("certificate")), &[]),
        ("a public key", read("public"), &[]),
        ("a sealed key", sealed, &[]),
        ("a text about keys", "a file with -----BEGIN PRIVATE KEY----- in it\n".into(), &[]),
        ("a text about kubeconfigs", "client-key-data: the key in base64".into(), &[]),
        ("a text about age", "AGE-SECRET-KEY-1... is an identity".into(), &[]),
        ("nothing", String::new(), &[]),
    ] {
        let found: Vec<Plaintext> = plaintext_in(text.as_bytes()).into_iter().collect();
        assert_eq!(found, expected, "{what}: {text}");
    }
}

proptest::proptest! {
    /// No bytes stop the search, and a key is found wherever it stands.
    #[test]
    fn a_key_is_found_in_any_surroundings(before: Vec<u8>, after: Vec<u8>) {
        let text = format!("\n-----BEGIN {} KEY-----\n{}\n", "PRIVATE", "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w");
        let bytes = [&before[..], text.as_bytes(), &after[..]].concat();
        proptest::prop_assert!(plaintext_in(&bytes).contains(&Plaintext::PrivateKey));
        let _ = plaintext_in(&before);
    }
}
