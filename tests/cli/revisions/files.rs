//! `kpki diff` between two locks, two certificates or two folders, of any origin.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::repository::{LAB, Repository, line};
use crate::testkit::{Desk, copy, ended, kpki};

fn run(folder: &Path, words: &[&str]) -> Output {
    kpki(folder)
        .arg("diff")
        .args(words)
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap())
        .output()
        .unwrap()
}

fn diff(desk: &Desk, words: &[&str], code: i32) -> String {
    ended(&run(&desk.path(""), words), code)
}

/// Certificates of OpenSSL's making: the CA `ca`, and leaves over two keys.
fn desk() -> Desk {
    let desk = Desk::new();
    for key in ["ca", "one", "two"] {
        desk.openssl(&format!("ecparam -name prime256v1 -genkey -noout -out {key}.key"));
    }
    desk.openssl("req -x509 -key ca.key -subj /CN=ca -days 400 -out ca.crt");
    for (name, key, more) in
        [("before", "one", "-days 30 -set_serial 1"), ("after", "two", "-days 90 -set_serial 3")]
    {
        let sans = if name == "after" { "DNS:a,DNS:c,IP:10.0.0.1" } else { "DNS:a,DNS:b" };
        desk.openssl(&format!(
            "req -x509 -CA ca.crt -CAkey ca.key -key {key}.key -subj /O=dev/CN={name} -addext subjectAltName={sans} \
             {more} -out {name}.crt"
        ));
    }
    desk
}

#[test]
fn two_certificates_by_meaning() {
    let desk = desk();
    assert!(
        diff(&desk, &["before.crt", "before.crt"], 0).starts_with("nothing differs in meaning")
    );
    let text = diff(&desk, &["before.crt", "after.crt"], 2);
    let told = line(&text, "~ after.crt ");
    for expected in [
        "subject: O=dev, CN=before -> O=dev, CN=after",
        "sans: -b, +10.0.0.1, +c",
        "another public-key (",
        "not-after: ",
    ] {
        assert!(told.contains(expected), "{text}");
    }
    assert!(!told.contains("serial"), "{text}");
    // PEM or DER is not a difference; text around it neither.
    desk.openssl("x509 -in before.crt -outform DER -out before.der");
    desk.openssl("x509 -in before.crt -text -out told.crt");
    for other in ["before.der", "told.crt"] {
        diff(&desk, &["before.crt", other], 0);
    }
}

#[test]
fn bundles_by_member() {
    let desk = desk();
    let read = |name: &str| String::from_utf8(desk.read(name)).unwrap();
    desk.put("old.pem", read("ca.crt") + &read("before.crt"));
    desk.put("turned.pem", read("before.crt") + &read("ca.crt"));
    desk.put("new.pem", read("after.crt") + &read("ca.crt"));
    diff(&desk, &["old.pem", "turned.pem"], 0);
    let text = diff(&desk, &["old.pem", "new.pem"], 2);
    line(&text, "- new.pem O=dev, CN=before ");
    line(&text, "+ new.pem O=dev, CN=after ");
    assert!(text.ends_with("1 added, 1 removed\n"), "{text}");
}

#[test]
fn a_private_key_is_not_compared() {
    let desk = desk();
    let text = diff(&desk, &["one.key", "two.key"], 1);
    // `openssl ecparam` writes SEC1; either form is one.
    assert!(text.contains("one.key is a private key, which is not opened"), "{text}");
    desk.openssl("pkey -in two.key -outform DER -out two.der");
    let text = diff(&desk, &["two.der", "before.crt"], 1);
    assert!(text.contains("two.der is a private key, which is not opened"), "{text}");
    let read = |name: &str| String::from_utf8(desk.read(name)).unwrap();
    desk.put("with-key.pem", read("after.crt") + &read("two.key"));
    let text = diff(&desk, &["before.crt", "with-key.pem"], 2);
    assert!(text.contains("+ with-key.pem private key"), "{text}");
    let body = read("two.key");
    assert!(!text.contains(body.lines().nth(1).unwrap()), "{text}");
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let desk = desk();
    desk.put("nonsense", "neither\u{1b}[31m this nor that");
    desk.put("empty.crt", "");
    desk.put("x.lock", "{\"kpki-lock\":1}\n{\"name\":\n");
    desk.put("good.lock", "{\"kpki-lock\":1}\n");
    for (words, message) in [
        (["nonsense", "ca.crt"], "nonsense holds no certificate"),
        (["ca.crt", "empty.crt"], "empty.crt is empty"),
        (["x.lock", "good.lock"], "x.lock:2: is not a lock line"),
        (["good.lock", "ca.crt"], "good.lock is a lock, and the other is none"),
        (["ca.crt", "good.lock"], "good.lock is a lock, and the other is none"),
        (["ca.crt", "main"], "there is no file or folder main, and no Git repository here"),
    ] {
        let text = diff(&desk, &words, 1);
        assert!(text.contains(message), "{words:?}\n{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn two_locks_by_line() {
    let repository = Repository::new(".");
    let before = repository.read("cluster.lock");
    fs::write(repository.path("old.lock"), &before).unwrap();
    repository.diff(&["old.lock", "cluster.lock"], 0);
    repository.describe(&format!("{}user \"bob\"\n", LAB.replace("1.36.2", "1.36.3")));
    repository.done(&["apply", "--rekey", "users/jane"]);
    let text = repository.diff(&["old.lock", "cluster.lock"], 2);
    assert!(line(&text, "+ users/bob ").contains("certificate: not-after "), "{text}");
    assert!(line(&text, "~ users/jane ").contains("another public-key ("), "{text}");
    assert!(line(&text, "~ cluster ").contains("kubernetes: 1.36.2 -> 1.36.3"), "{text}");
    // A key that somebody could read once.
    let exposed = "{\"exposed\":\"ca/etcd\",\"public-key\":\"000102030405060708090a0b0c0d0e0f\",\"to\":[\"age1x\"]}\n";
    fs::write(repository.path("exposed.lock"), format!("{before}{exposed}")).unwrap();
    line(&repository.diff(&["old.lock", "exposed.lock"], 2), "+ exposure of ca/etcd ");
    // A lock that lost a line.
    let short: Vec<&str> =
        before.split_inclusive('\n').filter(|line| !line.contains("\"ca/etcd\"")).collect();
    fs::write(repository.path("short.lock"), short.concat()).unwrap();
    line(&repository.diff(&["old.lock", "short.lock"], 2), "- ca/etcd ");
}

#[test]
fn two_folders_by_path() {
    let repository = Repository::new(".");
    let copied = tempfile::tempdir().unwrap();
    copy(&repository.path("out"), copied.path());
    let copied = copied.path().to_str().unwrap();
    repository.diff(&["./out", copied], 0);
    // Keys are not opened, so another one is no difference; its certificate would be.
    fs::write(Path::new(copied).join("ca/etcd.key"), "another").unwrap();
    repository.diff(&["./out", copied], 0);
    repository.done(&["apply", "--rekey", "users/jane"]);
    let text = repository.diff(&[copied, "./out"], 2);
    let told = line(&text, "~ users/jane/jane.crt ");
    assert!(told.contains("another public-key"), "{text}");
    // What a kubeconfig embeds, too.
    assert!(text.contains("users/jane/jane.kubeconfig O=dev, CN=jane"), "{text}");
    assert!(text.contains("2 changed"), "{text}");
    fs::remove_file(Path::new(copied).join("ca/sa.pub")).unwrap();
    line(&repository.diff(&[copied, "./out"], 2), "+ ca/sa.pub ");
    let another = repository.diff(&["./out/ca", "./out/nodes"], 2);
    line(&another, "- etcd.crt ");
}
