//! `kpki diff` opens with who gains and loses power, described or not.

use std::fs;

use serde_json::Value;

use super::repository::{LAB, Repository, line, named};
use crate::testkit::said;

const ADMINS: &str = "kubeadm:cluster-admins";

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout /dev/null";

/// A certificate that the cluster's CA signed, but not by kpki.
fn forge(repository: &Repository, key: &str, subject: &str, path: &str) {
    let file = repository.path(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    repository.openssl(&format!(
            "req -x509 {key} -subj {subject} -days 365 \
             -CA out/ca/kubernetes.crt -CAkey out/ca/kubernetes.key -addext extendedKeyUsage=clientAuth \
             -addext basicConstraints=critical,CA:FALSE -out {path}"
        ),
    );
}

#[test]
fn what_is_described_is_told_with_its_line() {
    let repository = Repository::new(".");
    let text = LAB.replace(
        "group \"dev\"",
        &format!("group \"dev\" \"{ADMINS}\"; bind cluster-role=\"view\""),
    );
    repository.describe(&format!(
        "{text}node \"w1\" address=\"10.0.0.21\"\nuser \"bob\" {{ group \"ops\" }}\n"
    ));
    let text = repository.diff(&[], 2);
    let first: Vec<&str> = text.lines().take(5).collect();
    assert_eq!(
        first,
        [
            "authority",
            "! jane gains the group kubeadm:cluster-admins (cluster.kdl:4)",
            "! bob is new: bob, in ops (cluster.kdl:6)",
            "+ w1 joins as a worker (cluster.kdl:5)",
            "+ jane gains cluster-role view everywhere (cluster.kdl:4)",
        ],
        "{text}"
    );
    // Built, it has an end.
    let consents = ["--allow", "escalation:jane", "--allow", "escalation:bob"];
    repository.done(&[&["apply"], &consents[..]].concat());
    let text = repository.diff(&[], 2);
    let jane = line(&text, "! jane gains the group ");
    assert!(jane.contains("; nothing can revoke it until 20"), "{text}");
    assert_eq!(text.matches("gains the group").count(), 1, "{text}");
    repository.commit("more");
    let back = repository.diff(&["HEAD..HEAD^"], 2);
    let lost = line(&back, "- jane loses the group ");
    assert!(lost.contains("the old certificate is good until 20"), "{back}");
    line(&back, "- bob is described no longer, was in ops");
    let json = repository.diff(&["HEAD^..HEAD", "--format", "json"], 2);
    let report: Value = serde_json::from_str(&json).unwrap();
    let jane = &report["authority"][0];
    assert_eq!((&jane["holder"], &jane["code"]), (&"jane".into(), &"group".into()));
    assert_eq!(
        (&jane["direction"], &jane["consent"]),
        (&"escalation".into(), &"not-needed".into())
    );
}

/// One escalation among hundreds of harmless changes is what is read first.
#[test]
fn nothing_is_hidden_behind_many_changes() {
    let repository = Repository::new(".");
    let users = |validity: &str| -> String {
        let user = |n| format!("user \"u{n}\" validity=\"{validity}\"");
        (0..400).map(user).collect::<Vec<_>>().join("\n")
    };
    repository.describe(&format!("{LAB}{}\n", users("60d")));
    repository.commit("many");
    let jane = LAB.replace("group \"dev\"", "group \"dev\" \"system:nodes\"");
    repository.describe(&format!("{jane}{}\n", users("30d")));
    let text = repository.diff(&[], 2);
    let second = text.lines().nth(1).unwrap();
    assert_eq!(second, "! jane gains the group system:nodes (cluster.kdl:4)");
}

#[test]
fn what_was_built_and_not_described_is_told() {
    let repository = Repository::new(".");
    forge(&repository, NEW_KEY, "/O=dev/O=system:masters/CN=jane", "out/users/jane/jane.crt");
    forge(&repository, NEW_KEY, "/O=system:masters/CN=evil", "out/users/evil/evil.crt");
    // Another CA in one node's trust.
    let bundle = "out/nodes/cp1/etc/kubernetes/pki/etcd/ca.crt";
    repository.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout /dev/null -subj /CN=etcd-ca -days 3650 \
             -out {bundle}"
        ),
    );
    repository.commit("Nothing to see");
    let text = repository.diff(&["HEAD^..HEAD"], 2);
    let jane = line(&text, "! jane gains the group system:masters; nothing can revoke it until 20");
    assert!(!jane.contains("cluster.kdl"), "{text}");
    line(
        &text,
        "! out/users/evil/evil.crt is new: evil, in system:masters; nothing can revoke it ",
    );
    line(&text, "! etcd is replaced as a root of trust");
    assert!(text.starts_with("authority\n! "), "{text}");
    assert!(text.ends_with("\ncertificates: 1 added, 2 changed\n"), "{text}");
}

/// Described with one group, built with another: both in one commit.
#[test]
fn somebody_new_is_held_against_what_is_described_of_them() {
    let repository = Repository::new(".");
    repository.describe(&format!("{LAB}user \"bob\" {{ group \"ops\" }}\n"));
    repository.done(&["apply", "--allow", "escalation:bob"]);
    let text = repository.diff(&[], 2);
    let bob = line(&text, "! bob is new: bob, in ops; ");
    assert!(bob.contains("nothing can revoke it until 20"), "{text}");
    assert_eq!(text.matches("! ").count(), 1, "{text}");
    let key = "-key out/users/bob/bob.key";
    forge(&repository, key, "/O=ops/O=system:masters/CN=bob", "out/users/bob/bob.crt");
    let text = repository.diff(&[], 2);
    line(&text, "! bob gains the group system:masters; ");
}

/// To the cluster eve is jane from then on.
#[test]
fn whoever_takes_a_common_name_is_told() {
    let repository = Repository::new(".");
    repository.describe(&LAB.replace("user \"jane\" {", "user \"eve\" { common-name \"jane\";"));
    let text = repository.diff(&[], 2);
    line(&text, "! eve is new: jane, in dev, to Kubernetes the same as users/jane before (");
}

#[test]
fn a_name_out_of_a_certificate_does_nothing_to_the_terminal() {
    let repository = Repository::new(".");
    forge(
        &repository,
        "-key out/users/jane/jane.key",
        "/O=dev/O=\u{1b}[31mred/CN=jane",
        "out/users/jane/jane.crt",
    );
    for words in [&["diff"][..], &["plan"]] {
        let output = repository.kpki(words);
        let text = said(&output);
        assert!(text.contains("\\u{1b}[31mred"), "{text}");
        assert!(!text.contains('\u{1b}'), "{words:?}\n{text}");
    }
}

#[test]
fn anchors_names_and_endpoints() {
    let repository = Repository::new(".");
    let text = named().replace("user \"jane\"", "ca \"etcd\" revision=2\nuser \"jane\"");
    let text = text
        .replace("kubernetes \"1.36.2\"", "kubernetes \"1.36.2\"; endpoint \"api.lab.internal\"");
    repository.describe(&text);
    let text = repository.diff(&[], 2);
    for start in [
        "! etcd is replaced as a root of trust (cluster.kdl:4)",
        "! apiserver can serve as cp1.lab.internal (cluster.kdl:3)",
        "! apiserver can serve as api.lab.internal (cluster.kdl:2)",
        "! endpoint moves: kubeconfigs lead to https://api.lab.internal:6443, led to https://10.0.0.11:6443",
    ] {
        line(&text, start);
    }
    assert!(!text.contains("only with --allow"), "{text}");
}
