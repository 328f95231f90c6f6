//! What stands in the way of an apply stops the plan, in the same words.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::project::{APISERVER, BASE, Damaged, Ended, PKI};

type Damage = fn(&Damaged, &str);

#[test]
fn plan_and_apply_refuse_the_same() {
    let damages: [(&str, Damage); 5] = [
        ("is a symbolic link", |p, path| {
            p.remove(path);
            symlink("/nowhere", p.path(path)).unwrap();
        }),
        ("is not a regular file", |p, path| p.fifo(path)),
        ("is not a regular file", |p, path| {
            p.remove(path);
            // The name of a socket has at most 108 bytes (unix(7)).
            let short = tempfile::tempdir().unwrap();
            symlink(p.path(path).parent().unwrap(), short.path().join("s")).unwrap();
            let name = p.path(path).file_name().unwrap().to_owned();
            drop(UnixListener::bind(short.path().join("s").join(name)).unwrap());
        }),
        ("is not a regular file", |p, path| p.make_folder(path)),
        ("is not a regular file", |p, path| {
            p.make_folder(path);
            p.write(&format!("{path}/mine"), "mine");
        }),
    ];
    let places = [
        "out/ca/etcd.crt".to_owned(),
        "out/ca/etcd.key".to_owned(),
        "out/ca/sa.pub".to_owned(),
        format!("{APISERVER}.crt"),
        format!("{APISERVER}.key"),
        format!("{PKI}/ca.crt"),
        "out/nodes/cp1/etc/kubernetes/manifests/etcd.yaml".to_owned(),
        "out/nodes/cp1/etc/kubernetes/kubelet.conf".to_owned(),
        "out/identities/nodes/cp1/kubelet.crt".to_owned(),
    ];
    let mut tried = 0;
    for place in &places {
        if !BASE.path(place).exists() {
            println!("{place} is not here");
            continue;
        }
        for (says, damage) in damages {
            let project = Damaged::copy_of(&BASE);
            damage(&project, place);
            let before = project.snapshot();
            let plan = project.kpki(&["plan"]);
            plan.expect(1, &[place, says]);
            let apply = project.kpki(&["apply"]);
            apply.expect(1, &[place, says, "nothing was written"]);
            assert_eq!(before, project.snapshot(), "{place} {says}");
            let line = |text: String| text.lines().next().unwrap_or_default().to_owned();
            assert_eq!(line(plan.text()), line(apply.text()));
            tried += 1;
        }
    }
    assert!(tried >= 40, "{tried}");
}

#[test]
fn a_folder_where_nothing_was_yet() {
    let project = Damaged::copy_of(&BASE);
    project.change("cluster.kdl", |text| format!("{text}user \"eve\" {{ group \"dev\" }}\n"));
    fs::create_dir_all(project.path("out/users/eve/eve.crt")).unwrap();
    for words in ["plan", "apply"] {
        project.kpki(&[words]).expect(1, &["out/users/eve/eve.crt is not a regular file"]);
    }
    // Nothing else is there.
    let project = Damaged::copy_of(&BASE);
    fs::remove_dir_all(project.path("out")).unwrap();
    project.remove("cluster.lock");
    fs::create_dir_all(project.path("out/ca/kubernetes.key")).unwrap();
    for words in ["plan", "apply"] {
        let output = project.typed(words).output();
        Ended(output.unwrap()).expect(1, &["out/ca/kubernetes.key is not a regular file"]);
    }
    // A file where a folder must be.
    let project = Damaged::copy_of(&BASE);
    fs::remove_dir_all(project.path("out/nodes/cp1/etc/kubernetes/pki/etcd")).unwrap();
    project.write("out/nodes/cp1/etc/kubernetes/pki/etcd", "mine");
    for words in ["plan", "apply"] {
        project.kpki(&[words]).expect(1, &["pki/etcd is a file where a folder must be"]);
    }
}
