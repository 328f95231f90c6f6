//! `kpki export`: judged by Debian's tar.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::node::{LAB, Node};
use crate::testkit::age::{Key, open};
use crate::testkit::{FolderProject, done, mode, printed, refused, said, tool};

#[test]
fn the_archive_is_the_tree_that_install_makes() {
    let project = FolderProject::described(LAB).applied();
    for name in ["cp1", "w1"] {
        let (installed, unpacked) = (Node::new(), Node::new());
        installed.installed(&project, name);
        let archive = unpacked.path("node.tar");
        let text = project.done(&["export", name, "-o", archive.to_str().unwrap()]);
        assert!(
            text.ends_with(&format!(
                "which holds private keys\nnext: unpack it as root on {name}: tar -xpf {} -C /\n",
                archive.display()
            )),
            "{text}"
        );
        assert_eq!(mode(&archive), 0o600);
        printed(tool("tar").args(["-xpf", "node.tar", "-C", "."]).current_dir(unpacked.root()));
        fs::remove_file(&archive).unwrap();
        assert_eq!(installed.files(), unpacked.files(), "{name}");
        // The record is in it: a later install knows the files.
        let text = unpacked.installed(&project, name);
        assert!(text.starts_with("nothing to do"), "{text}");
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let project = FolderProject::described(LAB).applied();
    let export = |environment: &str| {
        let output =
            project.shell(&format!("{environment} exec \"$0\" export cp1 -o -")).output().unwrap();
        assert!(output.status.success());
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(talk, "unpack as root on cp1: tar -xpf - -C /\n");
        output.stdout
    };
    let first = export("");
    assert_eq!(export("umask 0; TZ=Asia/Kolkata"), first);
    // Neither times nor modes of out/ are in it: Git keeps none.
    printed(
        Command::new("sh")
            .args(["-c", "find . -type f -exec chmod 644 {} + -exec touch -d 2001-01-01 {} +"])
            .current_dir(project.out("nodes")),
    );
    assert_eq!(export(""), first);
    let archive = project.path("node.tar");
    project.done(&["export", "cp1", "-o", "node.tar"]);
    assert_eq!(fs::read(&archive).unwrap(), first);
    project.done(&["export", "cp1", "-o", "node.tar"]);
    assert_eq!(fs::read(&archive).unwrap(), first);
}

#[test]
fn members_come_in_the_order_in_which_they_may_be_seen() {
    let project = FolderProject::described(LAB).applied();
    project.done(&["export", "cp1", "-o", "node.tar"]);
    let listing = printed(
        tool("tar")
            .args(["--utc", "--numeric-owner", "-tvf", "node.tar"])
            .current_dir(project.folder()),
    );
    let lines: Vec<Vec<&str>> =
        listing.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in &lines {
        assert_eq!((line[1], line[3], line[4]), ("0/0", "1970-01-01", "00:00"), "{line:?}");
        let expected = match line[5] {
            "etc/kubernetes/manifests/" => "drwx------",
            path if path.ends_with('/') => "drwxr-xr-x",
            path if path.ends_with(".crt") || path.starts_with("var/") => "-rw-r--r--",
            _ => "-rw-------",
        };
        assert_eq!(line[0], expected, "{line:?}");
    }
    let paths: Vec<&str> = lines.iter().map(|line| line[5]).collect();
    assert_eq!(
        paths[..5],
        [
            "etc/kubernetes/",
            "etc/kubernetes/manifests/",
            "etc/kubernetes/pki/",
            "etc/kubernetes/pki/etcd/",
            "var/lib/kpki/installed.json",
        ]
    );
    let at = |path: &str| paths.iter().position(|member| *member == path).unwrap();
    let order = [
        "etc/backup/backup.crt",
        "etc/kubernetes/pki/sa.pub",
        "etc/kubernetes/admin.conf",
        "etc/kubernetes/super-admin.conf",
        "var/lib/kubelet/config.yaml",
        "etc/kubernetes/manifests/etcd.yaml",
    ];
    assert!(order.is_sorted_by_key(|path| at(path)), "{paths:?}");
    assert_eq!(at("etc/kubernetes/manifests/kube-scheduler.yaml"), paths.len() - 1);
    // The format is the POSIX one, and not one of its many dialects.
    let bytes = fs::read(project.path("node.tar")).unwrap();
    assert_eq!(&bytes[257..265], b"ustar\x0000");
}

#[test]
fn where_an_archive_does_not_belong() {
    let project = FolderProject::described(LAB).applied();
    let export = |to: &str| project.kpki(&["export", "w1", "-o", to]);
    let error = refused(&export("out/node.tar"), 64);
    assert!(error.contains("out/node.tar is inside of out/"), "{error}");
    fs::create_dir(project.path("folder")).unwrap();
    let error = refused(&export("folder"), 64);
    assert!(error.contains("folder is there and is no plain file"), "{error}");
    refused(&export("nowhere/node.tar"), 1);
    refused(&export("folder/.."), 64);
    project.write("real", "mine");
    std::os::unix::fs::symlink("real", project.path("link")).unwrap();
    let error = refused(&export("link"), 64);
    assert!(error.contains("link is a symbolic link"), "{error}");
    assert_eq!(fs::read(project.path("real")).unwrap(), b"mine");
    let terminal = printed(
        tool("script")
            .args([
                "-qec",
                &format!("{} export w1 -o - || true", env!("CARGO_BIN_EXE_kpki")),
                "/dev/null",
            ])
            .current_dir(project.folder()),
    );
    assert!(terminal.contains("is not written to a terminal"), "{terminal}");
    assert!(!terminal.contains("PRIVATE KEY"));
}

#[test]
fn a_sealed_archive_is_the_plain_one_for_its_recipients_alone() {
    let operator = Key::age();
    let secrets = format!("{LAB}secrets {{ recipient {:?} }}\n", operator.recipient);
    let project = FolderProject::described(&secrets).applied();
    let identity = operator.file();
    let temporary = tempfile::tempdir().unwrap();
    let export = |to: &str, more: &[&str]| {
        let words = ["export", "w1", "-o", to, "--identity"];
        project
            .command(&words)
            .arg(&identity)
            .args(more)
            .env("TMPDIR", temporary.path())
            .output()
            .unwrap()
    };
    let plain = export("-", &[]).stdout;
    assert!(plain.starts_with(b"etc/kubernetes/"));
    let (age, ssh, listed) =
        (Key::age(), Key::ssh("ed25519", "carol", ""), Key::ssh("rsa", "dave", ""));
    project.write("more", format!("# those of the site\n\n{}\n", listed.recipient));
    let recipients =
        ["--recipient", &age.recipient, "--recipient", &ssh.recipient, "--recipients-file", "more"];
    let before: Vec<_> = fs::read_dir(project.folder()).unwrap().collect();
    let text = done(export("w1.tar.age", &recipients));
    assert!(text.contains("sealed for ") && text.contains("carol"), "{text}");
    assert!(
        text.ends_with(
            "next: unpack it as root on w1: age -d -i KEY w1.tar.age | tar -xpf - -C /\n"
        ),
        "{text}"
    );
    // Nothing but the sealed file.
    let after = fs::read_dir(project.folder()).unwrap().count();
    assert_eq!(after, before.len() + 1);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    let file = project.path("w1.tar.age");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let sealed = fs::read(&file).unwrap();
    for key in [&age, &ssh, &listed] {
        assert!(open(&sealed, key) == Ok(plain.clone()));
    }
    // Whom the project is sealed to is another matter.
    assert!(open(&sealed, &operator).is_err());
    // As it says, without the root.
    let node = Node::new();
    let command =
        format!("age -d -i {} w1.tar.age | tar -xpf - -C {}", age.file().display(), node.root());
    printed(tool("sh").args(["-c", &command]).current_dir(project.folder()));
    let installed = Node::new();
    let words = ["--identity", identity.to_str().unwrap()];
    done(installed.install(&project, "w1", &words));
    assert_eq!(installed.files(), node.files());
    // Through a pipe.
    let output = export("-", &["--recipient", &age.recipient]);
    assert!(open(&output.stdout, &age) == Ok(plain));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(talk, "unpack as root on w1: age -d -i KEY | tar -xpf - -C /\n");
}

#[test]
fn a_name_that_promises_too_much_and_recipients_that_are_none() {
    let project = FolderProject::described(LAB).applied();
    let key = Key::age();
    let secret = key.secret();
    let secret = secret.lines().last().unwrap();
    assert!(secret.starts_with("AGE-SECRET-KEY-"));
    let file = |name: &str, text: &str| project.write(name, text);
    file("empty", "# nobody\n");
    file("secret", secret);
    file("wrong", &format!("{}\nage1nonsense\n", key.recipient));
    let cases: [(&str, &[&str], i32, &str); 8] = [
        ("w1.tar.age", &[], 64, "add --recipient"),
        ("w1.AGE", &[], 64, "as if it were sealed"),
        ("a", &["--recipient", "bob"], 64, "--recipient \"bob\" is not a recipient"),
        ("a", &["--recipient", secret], 64, "is given a secret key"),
        ("a", &["--recipients-file", "none"], 1, "none cannot be read"),
        ("a", &["--recipients-file", "empty"], 1, "empty holds no recipient"),
        ("a", &["--recipients-file", "secret"], 1, "secret holds a secret key"),
        ("a", &["--recipients-file", "wrong"], 1, "wrong:2 "),
    ];
    for (to, more, code, says) in cases {
        let output = project.kpki(&[&["export", "w1", "-o", to], more].concat());
        let error = refused(&output, code);
        assert!(error.contains(says), "{says}\n{error}");
        assert!(!said(&output).contains(&secret[15..]), "{error}");
        assert!(!project.path(to).exists(), "{says}");
    }
    // Sealed under any name.
    project.done(&["export", "w1", "-o", "w1.tar", "--recipient", &key.recipient]);
    let sealed = fs::read(project.path("w1.tar")).unwrap();
    assert!(open(&sealed, &key).is_ok());
}
