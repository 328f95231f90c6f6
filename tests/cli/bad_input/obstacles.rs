//! What stands in the way of an apply stops the plan, in the same words.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::project::{APISERVER, BASE, Ended, PKI, Project};

type Damage = fn(&Project, &str);

#[test]
fn plan_and_apply_refuse_the_same() {
    let damages: [(&str, Damage); 5] = [
        ("is a symbolic link", |p, path| {
            p.remove(path);
            symlink("/nowhere", p.at(path)).unwrap();
        }),
        ("is not a regular file", |p, path| p.fifo(path)),
        ("is not a regular file", |p, path| {
            p.remove(path);
            // The name of a socket has at most 108 bytes (unix(7)).
            let short = tempfile::tempdir().unwrap();
            symlink(p.at(path).parent().unwrap(), short.path().join("s")).unwrap();
            let name = p.at(path).file_name().unwrap().to_owned();
            drop(UnixListener::bind(short.path().join("s").join(name)).unwrap());
        }),
        ("is not a regular file", |p, path| p.folder(path)),
        ("is not a regular file", |p, path| {
            p.folder(path);
            p.put(&format!("{path}/mine"), "mine");
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
        if !BASE.at(place).exists() {
            println!("{place} is not here");
            continue;
        }
        for (says, damage) in damages {
            let project = Project::copy_of(&BASE);
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
    let project = Project::copy_of(&BASE);
    project.edit("cluster.kdl", |text| format!("{text}user \"eve\" {{ group \"dev\" }}\n"));
    fs::create_dir_all(project.at("out/users/eve/eve.crt")).unwrap();
    for words in ["plan", "apply"] {
        project.kpki(&[words]).expect(1, &["out/users/eve/eve.crt is not a regular file"]);
    }
    // Nothing else is there.
    let project = Project::copy_of(&BASE);
    fs::remove_dir_all(project.at("out")).unwrap();
    project.remove("cluster.lock");
    fs::create_dir_all(project.at("out/ca/kubernetes.key")).unwrap();
    for words in ["plan", "apply"] {
        let output = Command::new(env!("CARGO_BIN_EXE_kpki"))
            .arg(words)
            .current_dir(project.0.path())
            .output();
        Ended(output.unwrap()).expect(1, &["out/ca/kubernetes.key is not a regular file"]);
    }
    // A file where a folder must be.
    let project = Project::copy_of(&BASE);
    fs::remove_dir_all(project.at("out/nodes/cp1/etc/kubernetes/pki/etcd")).unwrap();
    project.put("out/nodes/cp1/etc/kubernetes/pki/etcd", "mine");
    for words in ["plan", "apply"] {
        project.kpki(&[words]).expect(1, &["pki/etcd is a file where a folder must be"]);
    }
}
