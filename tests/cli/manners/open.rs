//! `kpki open`: one secret for whoever may have it.

use crate::testkit::{FolderProject, age, ended, mode, refused};

const ONE: &str = r#"
cluster "lab"
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { group "dev"; validity "90d" }
"#;

#[test]
fn a_users_kubeconfig_is_handed_out() {
    let lab = FolderProject::described(ONE).applied();
    let kubeconfig = lab.read("users/jane/jane.kubeconfig");
    for name in ["users/jane", "jane", "users/jane/kubeconfig", "out/users/jane/jane.kubeconfig"] {
        assert_eq!(lab.done(&["open", name]), kubeconfig, "{name}");
    }
    assert_eq!(lab.done(&["open", "out/users/jane/jane.key"]), lab.read("users/jane/jane.key"));
    assert_eq!(lab.done(&["open", "ca/etcd"]), lab.read("ca/etcd.key"));
    let text = lab.done(&["open", "users/jane", "-o", "jane.kubeconfig"]);
    assert_eq!(text, "wrote users/jane/kubeconfig in the clear to jane.kubeconfig\n");
    assert_eq!(lab.text("jane.kubeconfig"), kubeconfig);
    assert_eq!(mode(lab.path("jane.kubeconfig")), 0o600);
    // Never over anything, never into out/, and no public file under a secret's name.
    for (words, what) in [
        (&["users/jane", "-o", "jane.kubeconfig"][..], "is not overwritten"),
        (&["users/jane", "-o", "out/x"], "inside of out/"),
        (&["users/jane", "-o", "cluster.kdl"], "a project's own"),
        (&["bundle/kubernetes"], "is no secret"),
        (&["out/ca/etcd.crt"], "is no secret"),
        (&["users/joe"], "no artifact is named users/joe"),
    ] {
        let err = refused(&lab.kpki(&[&["open"], words].concat()), 64);
        assert!(err.contains(what), "{words:?}: {err}");
    }
    refused(&lab.kpki(&["open"]), 64);
    // Whoever looks for it among the archives is told where it is.
    let err = refused(&lab.kpki(&["export", "users/jane", "-o", "-"]), 64);
    assert!(err.contains("kpki open users/jane"), "{err}");
}

#[test]
fn a_sealed_one_takes_its_identity() {
    let (key, other) = (age::Key::age(), age::Key::age());
    let lab =
        FolderProject::described(&format!("{ONE}secrets {{ recipient \"{}\" }}\n", key.recipient))
            .applied();
    let err = refused(&lab.kpki(&["open", "users/jane"]), 1);
    assert!(err.contains("is sealed for 1 recipient") && err.contains("--identity FILE"), "{err}");
    let open = |key: &age::Key| {
        lab.kpki(&["open", "users/jane", "--identity", key.file().to_str().unwrap()])
    };
    refused(&open(&other), 1);
    let kubeconfig = ended(&open(&key), 0);
    let sealed = std::fs::read(lab.out("users/jane/jane.kubeconfig.age")).unwrap();
    assert_eq!(kubeconfig.as_bytes(), age::open(&sealed, &key).unwrap());
    let mut set = lab.command(&["open", "out/users/jane/jane.kubeconfig.age"]);
    assert_eq!(ended(&set.env("KPKI_IDENTITY", key.file()).output().unwrap(), 0), kubeconfig);
}

/// What leaves is held against its public half.
#[test]
fn an_exchanged_secret_is_not_handed_out() {
    let lab = FolderProject::described(ONE).applied();
    let key = lab.read("ca/etcd.key");
    lab.write("out/users/jane/jane.key", key);
    let err = refused(&lab.kpki(&["open", "out/users/jane/jane.key"]), 1);
    assert!(err.contains("nothing was handed out"), "{err}");
}
