//! What a description names is read in its folder, wherever a link would lead.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::project::{BASE, Damaged};

const SECRET: &str = "glcbt-64_aWhoKnowsThis";

/// A project, and beside it a file that is nobody's business.
fn beside() -> (tempfile::TempDir, Damaged) {
    let outside = tempfile::tempdir().unwrap();
    let text = format!("CI_JOB_TOKEN={SECRET}\n{SECRET} {{\n");
    for name in ["secret", "secret.kdl", "kube-apiserver.yaml"] {
        fs::write(outside.path().join(name), &text).unwrap();
    }
    (outside, Damaged::copy_of(&BASE))
}

fn add(project: &Damaged, text: &str) {
    project.change("cluster.kdl", |before| format!("{before}{text}\n"));
}

#[track_caller]
fn refused(project: &Damaged, words: &[&str], says: &[&str]) {
    let before = project.snapshot();
    let ended = project.kpki(words);
    ended.expect(1, says);
    assert!(!ended.text().contains(SECRET), "{}", ended.text());
    assert_eq!(before, project.snapshot());
}

const LEAVES: &str = "a symbolic link that leads out of the project folder";

/// Every kind of file that a description names, and itself.
#[test]
fn no_link_leads_out() {
    type Damage = fn(&Damaged, &Path);
    let kinds: &[(&str, Damage, &str)] = &[
        (
            "include",
            |p, to| {
                add(p, "include \"z.kdl\"");
                symlink(to.join("secret"), p.path("z.kdl")).unwrap();
            },
            "z.kdl",
        ),
        (
            "include, of the same name",
            |p, to| {
                add(p, "include \"z.kdl\"");
                symlink(to.join("secret.kdl"), p.path("z.kdl")).unwrap();
            },
            "z.kdl",
        ),
        (
            "include, relative",
            |p, to| {
                add(p, "include \"z.kdl\"");
                let name = to.file_name().unwrap();
                symlink(Path::new("..").join(name).join("secret.kdl"), p.path("z.kdl")).unwrap();
            },
            "z.kdl",
        ),
        (
            "include, through a folder",
            |p, to| {
                add(p, "include \"sub/secret.kdl\"");
                symlink(to, p.path("sub")).unwrap();
            },
            "sub/secret.kdl",
        ),
        (
            "include, by two links",
            |p, to| {
                add(p, "include \"a.kdl\"");
                symlink("b.kdl", p.path("a.kdl")).unwrap();
                symlink(to.join("secret.kdl"), p.path("b.kdl")).unwrap();
            },
            "a.kdl",
        ),
        (
            "include, out and in again",
            |p, _| {
                add(p, "include \"a.kdl\"");
                let own = p.folder().file_name().unwrap();
                p.write("b.kdl", "");
                symlink(Path::new("..").join(own).join("b.kdl"), p.path("a.kdl")).unwrap();
            },
            "a.kdl",
        ),
        (
            "include, absolute and inside",
            |p, _| {
                add(p, "include \"a.kdl\"");
                p.write("b.kdl", "");
                symlink(p.path("b.kdl"), p.path("a.kdl")).unwrap();
            },
            "a.kdl",
        ),
        (
            "include, by a magic link",
            |p, _| {
                add(p, "include \"a.kdl\"");
                symlink("/proc/self/environ", p.path("a.kdl")).unwrap();
            },
            "a.kdl",
        ),
        (
            "manifest",
            |p, to| {
                add(p, "manifests \"m\"");
                fs::create_dir(p.path("m")).unwrap();
                symlink(to.join("secret"), p.path("m/kube-apiserver.yaml")).unwrap();
            },
            "m/kube-apiserver.yaml",
        ),
        (
            "manifests",
            |p, to| {
                add(p, "manifests \"m\"");
                symlink(to, p.path("m")).unwrap();
            },
            "m/",
        ),
        (
            "CA",
            |p, to| {
                add(p, "ca \"etcd\" certificate=\"ca.crt\"");
                symlink(to.join("secret"), p.path("ca.crt")).unwrap();
            },
            "ca.crt",
        ),
        (
            "request",
            |p, to| {
                add(p, "user \"eve\" { csr \"eve.csr\"; group \"dev\" }");
                symlink(to.join("secret"), p.path("eve.csr")).unwrap();
            },
            "eve.csr",
        ),
        (
            "recipients",
            |p, to| {
                add(p, "secrets { recipients-file \"r.txt\" }");
                symlink(to.join("secret"), p.path("r.txt")).unwrap();
            },
            "r.txt",
        ),
        (
            "description",
            |p, to| {
                p.remove("cluster.kdl");
                symlink(to.join("secret.kdl"), p.path("cluster.kdl")).unwrap();
            },
            "cluster.kdl",
        ),
    ];
    for (what, damage, path) in kinds {
        println!("{what}");
        let (outside, project) = beside();
        damage(&project, outside.path());
        for words in [&["plan"][..], &["apply"], &["status"]] {
            refused(&project, words, &[path, LEAVES]);
        }
    }
}

/// A seed is read by what makes keys alone.
#[test]
fn nor_does_one_to_a_seed() {
    let (outside, project) = beside();
    add(&project, "reproducible { seed-file \"s\"; not-before \"2026-01-01\" }");
    symlink(outside.path().join("secret"), project.path("s")).unwrap();
    fs::remove_dir_all(project.path("out")).unwrap();
    project.remove("cluster.lock");
    refused(&project, &["apply"], &["s cannot be read", LEAVES]);
}

/// Files in the folder that are no descriptions: of them nothing is shown, by their own name or another one.
#[test]
fn files_of_other_programs_are_not_shown() {
    let (_outside, project) = beside();
    let token = format!("[http]\n\textraheader = {SECRET}\n");
    fs::create_dir(project.path(".git")).unwrap();
    for name in [".git/config", ".git/config.kdl", ".env"] {
        project.write(name, &token);
    }
    symlink(".env", project.path("env.kdl")).unwrap();
    symlink(".git/config.kdl", project.path("config.kdl")).unwrap();
    symlink(".git", project.path("git")).unwrap();
    let description = project.text("cluster.kdl");
    for (path, says) in [
        (".env", ".env is not called NAME.kdl; nothing of it is shown"),
        (".git/config", "in Git's own folder"),
        (".git/config.kdl", "in Git's own folder"),
        ("config.kdl", "in Git's own folder"),
        ("git/config.kdl", "in Git's own folder"),
        ("env.kdl", "a symbolic link to another kind of file"),
    ] {
        project.write("cluster.kdl", format!("{description}include {path:?}\n"));
        refused(&project, &["plan"], &[says]);
    }
    project.write("cluster.kdl", format!("{description}manifests \"m\"\n"));
    fs::create_dir(project.path("m")).unwrap();
    symlink("../.env", project.path("m/etcd.yaml")).unwrap();
    refused(&project, &["plan"], &["a symbolic link to another kind of file"]);
}

#[test]
fn a_link_that_stays_inside_is_followed() {
    let (_outside, project) = beside();
    add(&project, "include \"sub/users.kdl\"");
    // As a ConfigMap's volume has it.
    fs::create_dir_all(project.path("..2026/deep")).unwrap();
    symlink("..2026", project.path("..data")).unwrap();
    symlink("..data/deep", project.path("sub")).unwrap();
    symlink("../real.kdl", project.path("..2026/deep/users.kdl")).unwrap();
    project.write("..2026/real.kdl", "user \"eve\" { group \"dev\" }\n");
    project.kpki(&["plan"]).expect(0, &["users/eve"]);
    fs::remove_file(project.path("..2026/real.kdl")).unwrap();
    refused(&project, &["plan"], &["a symbolic link to nothing"]);
    symlink("real.kdl", project.path("..2026/real.kdl")).unwrap();
    refused(&project, &["plan"], &["a symbolic link that leads to itself"]);
}

/// The operator names the policy, and not what a stranger's link makes of the name.
#[test]
fn a_policy_is_the_file_that_was_named() {
    let (outside, project) = beside();
    symlink(outside.path().join("secret"), project.path("policy.kdl")).unwrap();
    symlink(outside.path(), project.path("ci")).unwrap();
    project.write(".env", format!("{SECRET} {{\n"));
    symlink(".env", project.path("env.kdl")).unwrap();
    fs::create_dir(project.path("deep")).unwrap();
    for file in ["policy.kdl", "ci/secret.kdl", "env.kdl", "deep/../ci/secret"] {
        for verb in ["plan", "apply"] {
            let words = [verb, "--policy", file];
            refused(&project, &words, &["is a symbolic link", "name the file itself"]);
        }
    }
    // Where no repository is, a link is the operator's own.
    let policy = outside.path().join("strict.kdl");
    fs::write(&policy, "policy { forbid-group \"system:masters\" }\n").unwrap();
    let own = outside.path().join("own.kdl");
    symlink("strict.kdl", &own).unwrap();
    project.kpki(&["plan", "--policy", own.to_str().unwrap()]).expect(0, &["nothing to do"]);
}
