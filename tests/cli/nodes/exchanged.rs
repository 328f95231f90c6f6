//! A secret in the clear that was exchanged is noticed without being opened, is named, and is never written
//! over.

use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

use super::node::{LAB, Node, apply, files};
use crate::testkit::{
    FolderProject, copy, done, ended, path_with_kpki, printed, refused, said, set_mode, tool,
};

const SA_KEY: &str = "nodes/cp1/etc/kubernetes/pki/sa.key";

/// A new P-256 key as kpki writes it: PEMs of these are all of one size.
fn another_key() -> String {
    printed(
        tool("openssl")
            .args(["genpkey", "-algorithm", "EC", "-pkeyopt"])
            .arg("ec_paramgen_curve:P-256"),
    )
}

/// In place: the same inode.
fn put(project: &FolderProject, path: &str, text: &str) {
    let path = project.out(path);
    let before = fs::metadata(&path).unwrap().len();
    assert_eq!(text.len() as u64, before, "plan would see it by its size");
    fs::write(path, text).unwrap();
}

/// What OpenSSL says of the public half: SHA-256 of the SPKI.
fn fingerprint(project: &FolderProject, path: &str) -> String {
    let desk = tempfile::tempdir().unwrap();
    let der = desk.path().join("der");
    let key = project.out(path);
    printed(
        tool("openssl")
            .args(["pkey", "-pubout", "-outform", "DER", "-in"])
            .arg(key)
            .arg("-out")
            .arg(&der),
    );
    let sum = printed(tool("sha256sum").arg(der));
    format!("sha256:{}", sum.split(' ').next().unwrap())
}

fn plan(project: &FolderProject) -> String {
    project.done(&["plan"])
}

fn nothing_to_do(project: &FolderProject) {
    let text = plan(project);
    assert!(text.contains("nothing to do:") && !text.contains("verified"), "{text}");
    let code = project.kpki(&["plan", "--detailed-exitcode"]).status.code();
    assert_eq!(code, Some(0));
}

/// What changed is in the plan, which has something to do.
fn is_noticed(project: &FolderProject, path: &str, words: &str) {
    let output = project.kpki(&["plan", "--detailed-exitcode"]);
    let text = ended(&output, 2);
    assert!(text.contains(&format!("out/{path} {words}")), "{text}");
}

const CHANGED: &str = "changed since it was verified";

/// Apply refuses with these words and changes nothing.
fn apply_refuses(project: &FolderProject, code: i32, words: &[&str]) -> String {
    let before = files(&project.path("out"));
    let error = refused(&project.kpki(&["apply"]), code);
    for word in words {
        assert!(error.contains(word), "{word}: {error}");
    }
    assert_eq!(files(&project.path("out")), before);
    error
}

/// The command after `help: …: `, as a person types it.
fn follow(project: &FolderProject, error: &str) -> Output {
    let help = error.lines().find(|line| line.starts_with("help: ")).unwrap();
    let from = ["rm ", "kpki apply"].iter().filter_map(|word| help.find(word)).min().unwrap();
    let command = help[from..].split(" writes it").next().unwrap();
    let mut shell = project.shell(command);
    let output = shell.env("PATH", path_with_kpki()).output().unwrap();
    assert!(output.status.success(), "{command}: {}", said(&output));
    output
}

fn install_refuses(project: &FolderProject, node: &str, words: &[&str]) -> String {
    let error = refused(&Node::new().install(project, node, &["--dry-run"]), 1);
    for word in words {
        assert!(error.contains(word), "{word}: {error}");
    }
    error
}

#[test]
fn a_key_of_the_same_size_is_noticed_named_and_put_back_by_the_command_that_is_told() {
    let project = FolderProject::described(LAB).applied();
    nothing_to_do(&project);
    put(&project, SA_KEY, &another_key());
    is_noticed(&project, SA_KEY, CHANGED);
    let (theirs, ours) = (fingerprint(&project, SA_KEY), fingerprint(&project, "ca/sa.key"));
    let words = [
        "out/nodes/cp1/etc/kubernetes/pki/sa.key does not hold the private key of out/ca/sa.pub",
        theirs.as_str(),
        ours.as_str(),
        "rm out/nodes/cp1/etc/kubernetes/pki/sa.key && kpki apply",
    ];
    let error = apply_refuses(&project, 1, &words);
    assert!(error.contains("nothing was written"), "{error}");
    install_refuses(&project, "cp1", &words);
    // It stays so until somebody decides.
    is_noticed(&project, SA_KEY, CHANGED);
    follow(&project, &error);
    nothing_to_do(&project);
    assert_eq!(project.read(SA_KEY), project.read("ca/sa.key"));
    Node::new().installed(&project, "cp1");
}

#[test]
fn neither_a_time_that_is_set_back_nor_a_rename_hides_it() {
    let project = FolderProject::described(LAB).applied();
    let key = project.out("nodes/w1/etc/kubernetes/pki/kubelet.key");
    let right = fs::read(&key).unwrap();
    let time = fs::metadata(&key).unwrap().modified().unwrap();
    let set_back = |path: &Path| {
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    let path = "nodes/w1/etc/kubernetes/pki/kubelet.key";

    put(&project, path, &another_key());
    set_back(&key);
    is_noticed(&project, path, CHANGED);
    let error = apply_refuses(&project, 1, &["pki/kubelet.key does not hold the private key of"]);
    // It lies nowhere else.
    assert!(
        error.contains("put the right key back; or make a new one: kpki apply --rekey nodes/w1/"),
        "{error}"
    );
    fs::write(&key, &right).unwrap();
    apply(&project, &[]);
    nothing_to_do(&project);

    let aside = project.path("aside");
    fs::write(&aside, another_key()).unwrap();
    set_mode(&aside, 0o600);
    set_back(&aside);
    fs::rename(&aside, &key).unwrap();
    is_noticed(&project, path, CHANGED);
    let error = apply_refuses(&project, 1, &["pki/kubelet.key does not hold"]);
    follow(&project, &error);
    nothing_to_do(&project);
}

#[test]
fn a_file_that_was_only_touched_is_opened_once_and_stays() {
    let project = FolderProject::described(LAB).applied();
    let before = files(&project.path("out"));
    for path in [SA_KEY, "ca/etcd.key", "nodes/cp1/etc/kubernetes/admin.conf"] {
        let path = project.out(path);
        fs::write(&path, fs::read(&path).unwrap()).unwrap();
    }
    is_noticed(&project, SA_KEY, CHANGED);
    is_noticed(&project, "ca/etcd.key", CHANGED);
    is_noticed(&project, "nodes/cp1/etc/kubernetes/admin.conf", CHANGED);
    // As good as it was: nothing keeps it from a node.
    done(Node::new().install(&project, "cp1", &["--dry-run"]));
    apply(&project, &[]);
    nothing_to_do(&project);
    assert_eq!(files(&project.path("out")), before);
}

#[test]
fn a_kubeconfig_of_the_same_size() {
    let project = FolderProject::described(LAB).applied();
    let path = "nodes/cp1/etc/kubernetes/scheduler.conf";
    let right = project.read(path);
    // Another server for the same key: what is public of it is written as described.
    let evil = right.replace("https://10.0.0.11:6443", "https://10.6.6.66:6443");
    assert_ne!(evil, right);
    put(&project, path, &evil);
    is_noticed(&project, path, CHANGED);
    install_refuses(
        &project,
        "cp1",
        &["scheduler.conf names the server", "kpki apply --renew nodes/cp1/scheduler"],
    );
    apply(&project, &[]);
    assert_eq!(project.read(path), right);
    nothing_to_do(&project);

    // Another one's: the key in it is somebody's.
    let others =
        project.read("nodes/cp2/etc/kubernetes/scheduler.conf").replace("10.0.0.12", "10.0.0.11");
    if others.len() == right.len() {
        put(&project, path, &others);
    } else {
        fs::write(project.out(path), others).unwrap();
    }
    let error = apply_refuses(
        &project,
        1,
        &["scheduler.conf does not hold the private key of out/identities/"],
    );
    follow(&project, &error);
    nothing_to_do(&project);
}

/// Pulled from Git: the certificate and the lock of a colleague who rekeyed, and the key of before.
#[test]
fn a_certificate_that_was_exchanged_under_its_key() {
    let project = FolderProject::described(LAB).applied();
    let colleague = FolderProject::described(LAB);
    copy(project.folder(), colleague.folder());
    apply(&colleague, &["--rekey", "nodes/w1/kubelet-server", "--rekey", "nodes/cp1/etcd-peer"]);
    let pki = "nodes/w1/etc/kubernetes/pki";
    for public in [
        "cluster.lock",
        &format!("out/{pki}/kubelet.crt"),
        "out/nodes/cp1/etc/kubernetes/pki/etcd/peer.crt",
    ] {
        fs::copy(colleague.path(public), project.path(public)).unwrap();
    }
    let key = format!("{pki}/kubelet.key");
    is_noticed(&project, &key, "was verified with another public half");
    let error = apply_refuses(
        &project,
        1,
        &["pki/kubelet.key does not hold", "etcd/peer.key does not hold"],
    );
    assert!(error.contains("kpki apply --rekey nodes/w1/kubelet-server"), "{error}");
    // The right keys arrive, too.
    for key in [key.as_str(), "nodes/cp1/etc/kubernetes/pki/etcd/peer.key"] {
        fs::copy(colleague.out(key), project.out(key)).unwrap();
    }
    apply(&project, &[]);
    nothing_to_do(&project);
}

/// Today's repair put the master's bytes over it.
#[test]
fn a_copy_of_another_size_that_holds_another_key_is_not_written_over() {
    let project = FolderProject::described(LAB).applied();
    let rsa = printed(tool("openssl").args([
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ]));
    fs::write(project.out(SA_KEY), rsa).unwrap();
    let error =
        apply_refuses(&project, 1, &["sa.key does not hold the private key of out/ca/sa.pub"]);
    follow(&project, &error);
    nothing_to_do(&project);
    // What is no key at all is.
    fs::write(project.out(SA_KEY), "garbage").unwrap();
    apply(&project, &[]);
    nothing_to_do(&project);
}

#[test]
fn a_master_is_moved_away_not_deleted() {
    let project = FolderProject::described(LAB).applied();
    for (master, copy) in [("ca/kubernetes.key", "pki/ca.key"), ("ca/sa.key", "pki/sa.key")] {
        put(&project, master, &another_key());
        is_noticed(&project, master, CHANGED);
        apply_refuses(
            &project,
            1,
            &[
                &format!("out/{master} does not hold"),
                copy,
                "holds the right key; move the other one away",
            ],
        );
        fs::rename(project.out(master), project.path("aside")).unwrap();
        apply(&project, &[]);
        nothing_to_do(&project);
    }
    put(&project, "ca/etcd.key", &another_key());
    apply_refuses(
        &project,
        3,
        &["put the right key back", "--rekey ca/etcd --allow replace:ca/etcd"],
    );
}

/// Two clusters' worth of tokens, after a botched join.
#[test]
fn nodes_that_came_with_different_service_account_keys() {
    let (project, other) =
        (FolderProject::described(LAB).applied(), FolderProject::described(LAB).applied());
    for file in ["sa.key", "sa.pub"] {
        let file = format!("nodes/cp2/etc/kubernetes/pki/{file}");
        fs::copy(other.out(&file), project.out(&file)).unwrap();
    }
    let theirs = "nodes/cp2/etc/kubernetes/pki/sa.key";
    let (their_print, our_print) =
        (fingerprint(&project, theirs), fingerprint(&project, "ca/sa.key"));
    // With its lock: the public half is not repaired either while the key is another's.
    apply_refuses(
        &project,
        1,
        &["cp2/etc/kubernetes/pki/sa.key does not hold", &their_print, &our_print],
    );
    // Taken over, without one.
    fs::remove_file(project.path("cluster.lock")).unwrap();
    let words = [
        "out/ca/sa.pub",
        "out/nodes/cp2/etc/kubernetes/pki/sa.pub",
        &their_print,
        &our_print,
        "move out/nodes/cp2",
    ];
    let text = plan(&project).replace('\n', " ");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    let error = apply_refuses(&project, 3, &words);
    assert!(error.contains("--allow escalation:cluster"), "{error}");
    for file in ["sa.key", "sa.pub"] {
        let path = project.on_node("cp2", &format!("pki/{file}"));
        fs::rename(path, project.path(file)).unwrap();
    }
    apply(&project, &["--allow", "escalation:cluster"]);
    nothing_to_do(&project);

    // The key alone is another's.
    fs::copy(other.out(theirs), project.out(theirs)).unwrap();
    fs::remove_file(project.path("cluster.lock")).unwrap();
    let unrecorded = ["apply", "--allow", "escalation:cluster"];
    let error = refused(&project.kpki(&unrecorded), 1);
    assert!(error.contains("cp2/etc/kubernetes/pki/sa.key does not hold"), "{error}");
    follow(&project, &error.replace("kpki apply", &format!("kpki {}", unrecorded.join(" "))));
    nothing_to_do(&project);
}

#[test]
fn a_key_that_follows_from_a_seed() {
    let project = FolderProject::example("lab").applied();
    let path = "nodes/cp1/etc/kubernetes/pki/apiserver.key";
    let right = project.read(path);
    put(&project, path, &another_key());
    is_noticed(&project, path, CHANGED);
    let error = apply_refuses(&project, 1, &["follows from the seed"]);
    follow(&project, &error);
    assert_eq!(project.read(path), right);
    nothing_to_do(&project);
}

/// The machine, as the state folder of its user.
fn on(machine: &Path, project: &FolderProject, arguments: &[&str]) -> Output {
    project.command(arguments).env("XDG_STATE_HOME", machine).output().unwrap()
}

/// Without a state folder.
const CANNOT_BE: &str = "whether secrets were exchanged cannot be told here: ";
const UNVERIFIED: &str = "were not verified on this machine yet; kpki apply verifies them";

/// The plan is as empty as it was, and says what it cannot know.
fn is_unverified(machine: &Path, project: &FolderProject) {
    let output = on(machine, project, &["plan", "--detailed-exitcode"]);
    let text = ended(&output, 0);
    assert!(
        (text.contains(UNVERIFIED) || text.contains(CANNOT_BE)) && text.contains("nothing to do"),
        "{text}"
    );
}

fn is_verified(machine: &Path, project: &FolderProject) {
    let text = said(&on(machine, project, &["plan"]));
    assert!(text.contains("nothing to do:") && !text.contains("verified"), "{text}");
}

fn indexes(machine: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(machine.join("kpki/index")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn an_index_that_is_gone_or_another_s_is_as_none() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (one.path(), other.path());
    let project = FolderProject::described(LAB);
    done(on(one, &project, &["apply"]));
    is_verified(one, &project);
    // Deleted: the next apply writes it anew, though it has nothing else to do.
    fs::remove_file(&indexes(one)[0]).unwrap();
    is_unverified(one, &project);
    let lock = fs::read(project.path("cluster.lock")).unwrap();
    let applied = done(on(one, &project, &["apply"]));
    assert!(applied.contains("nothing to do:"), "{applied}");
    assert_eq!(fs::read(project.path("cluster.lock")).unwrap(), lock);
    is_verified(one, &project);

    // Another machine's, put in this one's place.
    is_unverified(other, &project);
    done(on(other, &project, &["apply"]));
    is_verified(other, &project);
    fs::copy(&indexes(other)[0], &indexes(one)[0]).unwrap();
    is_unverified(one, &project);
    done(on(one, &project, &["apply"]));
    is_verified(one, &project);

    // Another project's, of the same machine.
    let second = FolderProject::described(LAB);
    copy(project.folder(), second.folder());
    is_unverified(one, &second);
    let first = indexes(one)[0].clone();
    done(on(one, &second, &["apply"]));
    is_verified(one, &second);
    let of_second = indexes(one).into_iter().find(|path| *path != first).unwrap();
    fs::copy(&first, &of_second).unwrap();
    is_unverified(one, &second);

    // And without one, apply itself finds what does not belong.
    put(&second, SA_KEY, &another_key());
    is_unverified(one, &second);
    let error = refused(&on(one, &second, &["apply"]), 1);
    assert!(error.contains("sa.key does not hold"), "{error}");
    let right = project.read("nodes/cp1/etc/kubernetes/scheduler.conf");
    fs::copy(project.out(SA_KEY), second.out(SA_KEY)).unwrap();
    put(
        &second,
        "nodes/cp1/etc/kubernetes/scheduler.conf",
        &right.replace("10.0.0.11", "10.6.6.66"),
    );
    let error = refused(&on(one, &second, &["apply"]), 1);
    assert!(error.contains("scheduler.conf names the server"), "{error}");
    follow(&second, &error);
}

#[test]
fn without_a_state_folder_apply_works_and_says_what_is_missing() {
    const NOTE: &str = "kpki plan will not notice secrets that are exchanged here";
    let nowhere = Path::new("/dev/null/state");
    let project = FolderProject::described(LAB);
    let without_home = |arguments: &[&str]| {
        project.command(arguments).env_remove("XDG_STATE_HOME").env_remove("HOME").output().unwrap()
    };
    for output in [on(nowhere, &project, &["apply"]), without_home(&["apply"])] {
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(said(&output).matches(NOTE).count(), 1, "{}", said(&output));
    }
    is_unverified(nowhere, &project);
    let text = done(without_home(&["plan"]));
    assert!(text.contains(CANNOT_BE), "{text}");
    put(&project, SA_KEY, &another_key());
    let error = refused(&without_home(&["apply"]), 1);
    assert!(error.contains("sa.key does not hold"), "{error}");
}
