//! A node whose certificates are newer than those of out/: somebody renewed them there.

use std::fs;

use super::node::{LAB, Node};
use crate::testkit::{Desk, FolderProject, done, refused};

const CRT: &str = "etc/kubernetes/pki/apiserver.crt";
const KEY: &str = "etc/kubernetes/pki/apiserver.key";

/// A certificate of the same subject by the same CA, over another key, as `kubeadm certs renew` makes one.
fn renew(desk: &Desk, project: &FolderProject, ca: &str, days: &str, subject: &str) {
    for (name, from) in [("ca.crt", "crt"), ("ca.key", "key")] {
        desk.put(name, project.read(&format!("ca/{ca}.{from}")));
    }
    desk.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out new.key");
    desk.openssl(&format!("req -new -key new.key -subj {subject} -out new.csr"));
    desk.openssl(&format!(
        "x509 -req -in new.csr -CA ca.crt -CAkey ca.key -days {days} -set_serial 7 -out new.crt"
    ));
}

fn installed(project: &FolderProject) -> Node {
    let node = Node::new();
    node.installed(project, "cp1");
    node
}

fn kubeadm_renewed(node: &Node, desk: &Desk) {
    node.put(CRT, desk.read("new.crt"), 0o644);
    node.put(KEY, desk.read("new.key"), 0o600);
}

const ALL: [&str; 2] = ["--allow", "overwrite:/etc/kubernetes/*"];

#[test]
fn a_renewed_certificate_is_not_put_back_without_its_own_consent() {
    let (desk, project) = (Desk::new(), FolderProject::described(LAB).applied());
    // Longer, or as long and later: either is somebody's renewal.
    for days in ["500", "365", "90"] {
        renew(&desk, &project, "kubernetes", days, "/CN=kube-apiserver");
        let node = installed(&project);
        kubeadm_renewed(&node, &desk);
        let before = node.files();
        for more in [&ALL[..], &["--allow", "overwrite:/etc/kubernetes/*", "--dry-run"]] {
            let error = refused(&node.install(&project, "cp1", more), 3);
            let says = [
                "the node's certificates are newer than those of out/",
                "  /etc/kubernetes/pki/apiserver.crt: issued 20",
                "; that of out/ until 20",
                "nothing was written\n",
                "then add --allow older:/etc/kubernetes/pki/apiserver.crt",
            ];
            for what in says {
                assert!(error.contains(what), "{what}\n{error}");
            }
            assert!(!error.contains("private keys that"), "{error}");
            assert_eq!(node.files(), before);
        }
        // All that would be lost is said at once.
        let error = refused(&node.install(&project, "cp1", &[]), 3);
        assert!(error.contains("  /etc/kubernetes/pki/apiserver.key\n"), "{error}");
        let add = "add --allow overwrite:/etc/kubernetes/pki/apiserver.key --allow \
                   older:/etc/kubernetes/pki/apiserver.crt";
        assert!(error.contains(add), "{error}");
        let older = [&ALL[..], &["--allow", "older:/etc/kubernetes/pki/*"]].concat();
        let told = done(node.install(&project, "cp1", &older));
        let note = "note: older certificates take the place of newer ones: /etc/kubernetes/pki/apiserver.crt\n";
        assert!(told.contains(note), "{told}");
        assert!(node.installed(&project, "cp1").starts_with("nothing to do"));
    }
}

/// kubeadm renews kubeconfigs, too.
#[test]
fn a_kubeconfig_with_a_newer_certificate() {
    let (desk, project) = (Desk::new(), FolderProject::described(LAB).applied());
    renew(&desk, &project, "kubernetes", "500", "/CN=system:kube-scheduler");
    let node = installed(&project);
    let path = "etc/kubernetes/scheduler.conf";
    let config = fs::read_to_string(node.path(path)).unwrap();
    let base64 = |name: &str| desk.openssl(&format!("base64 -A -in {name}")).trim().to_owned();
    let config: String = config
        .lines()
        .map(|line| match line.split_once("-data: ") {
            Some((field, _)) if field.ends_with("client-certificate") => {
                format!("{field}-data: {}\n", base64("new.crt"))
            }
            Some((field, _)) if field.ends_with("client-key") => {
                format!("{field}-data: {}\n", base64("new.key"))
            }
            _ => format!("{line}\n"),
        })
        .collect();
    node.put(path, config, 0o600);
    let error = refused(&node.install(&project, "cp1", &ALL), 3);
    assert!(error.contains("  /etc/kubernetes/scheduler.conf: issued 20"), "{error}");
    let older = [&ALL[..], &["--allow", "older:/etc/kubernetes/scheduler.conf"]].concat();
    done(node.install(&project, "cp1", &older));
}

/// The kubelet rotates into a file of its own, which its kubeconfig names.
#[test]
fn a_kubelet_that_looks_after_its_own_certificate() {
    let project = FolderProject::described(LAB).applied();
    let node = installed(&project);
    let path = "etc/kubernetes/kubelet.conf";
    let config = fs::read_to_string(node.path(path)).unwrap();
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let rotated = |config: &str| -> String {
        let lines = config.lines().map(|line| match line.split_once("-data: ") {
            Some((field, _)) if field.contains("client-") => format!("{field}: {current}\n"),
            _ => format!("{line}\n"),
        });
        lines.collect()
    };
    node.put(path, rotated(&config), 0o600);
    let error = refused(&node.install(&project, "cp1", &ALL), 3);
    assert!(
        error.contains(&format!("  /{path}: names {current}, which the kubelet renews")),
        "{error}"
    );
    let remedy = "component \"kubelet\" client=\"self-rotated\" for kubelet.conf";
    assert!(error.contains(remedy), "{error}");
    done(node.install(
        &project,
        "cp1",
        &[&ALL[..], &["--allow", "older:/etc/kubernetes/*"]].concat(),
    ));
    // Of another cluster's CA it is worth nothing here.
    let other = FolderProject::described(LAB).applied();
    let theirs = fs::read_to_string(other.on_node("cp1", "kubelet.conf")).unwrap();
    node.put(path, rotated(&theirs), 0o600);
    done(node.install(&project, "cp1", &ALL));
}

/// kpki put it there itself, from a tree that is newer than this one: an old checkout.
#[test]
fn an_old_checkout_does_not_put_an_old_certificate_back() {
    let project = FolderProject::described(LAB).applied();
    let node = installed(&project);
    let (old, new) = (Desk::new(), Desk::new());
    renew(&new, &project, "kubernetes", "500", "/CN=kube-apiserver");
    old.put("apiserver.crt", fs::read(project.on_node("cp1", "pki/apiserver.crt")).unwrap());
    // As an apply would have left it, and an install put there.
    node.put(CRT, new.read("new.crt"), 0o644);
    node.put(KEY, new.read("new.key"), 0o600);
    let record = node.path("var/lib/kpki/installed.json");
    let text = fs::read_to_string(&record).unwrap();
    let digest = |bytes: &[u8]| kpki::hash::Digest::of(bytes).to_string();
    let (was, is) = (old.read("apiserver.crt"), new.read("new.crt"));
    let text = text.replace(&digest(&was), &digest(&is));
    let sizes = format!("\"size\": {}", was.len());
    let at = text.find(CRT).unwrap();
    let (head, tail) = text.split_at(at);
    let tail = tail.replacen(&sizes, &format!("\"size\": {}", is.len()), 1);
    fs::write(&record, head.to_owned() + &tail).unwrap();
    let error = refused(&node.install(&project, "cp1", &ALL), 3);
    assert!(error.contains("  /etc/kubernetes/pki/apiserver.crt: issued 20"), "{error}");
}

/// What is not a newer one of the same stays a matter of `overwrite:` alone.
#[test]
fn what_is_no_newer_certificate_of_the_same() {
    let (desk, project) = (Desk::new(), FolderProject::described(LAB).applied());
    for (ca, subject) in
        [("kubernetes", "/CN=somebody-else"), ("front-proxy", "/CN=kube-apiserver")]
    {
        renew(&desk, &project, ca, "500", subject);
        let node = installed(&project);
        kubeadm_renewed(&node, &desk);
        done(node.install(&project, "cp1", &ALL));
    }
    let node = installed(&project);
    node.put(CRT, "damaged", 0o644);
    done(node.install(&project, "cp1", &[]));
    let error = refused(&node.install(&project, "cp1", &["--allow", "older:/etc/none"]), 64);
    assert!(error.contains("--allow older:/etc/none permits nothing"), "{error}");
}
