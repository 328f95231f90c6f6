//! `kpki plan --out FILE` and `kpki apply FILE`: what was reviewed is done, or nothing.

use std::fs;

use crate::testkit::{FolderProject, ended, printed};

fn save(project: &FolderProject) -> String {
    ended(&project.kpki(&["plan", "--out", "reviewed.plan"]), 0);
    project.text("reviewed.plan")
}

#[test]
fn what_was_reviewed_is_done_once() {
    let project = FolderProject::example("users");
    let saved = save(&project);
    let hash = saved.lines().nth(2).unwrap();
    assert!(hash.contains("\"hash\": \""), "{hash}");
    ended(&project.kpki(&["apply", "reviewed.plan"]), 0);
    let again = ended(&project.kpki(&["apply", "reviewed.plan"]), 1);
    assert!(again.contains("it was carried out already"), "{again}");
    assert!(again.contains("nothing was written"), "{again}");
    // Nothing to do is a plan, too.
    save(&project);
    ended(&project.kpki(&["apply", "reviewed.plan"]), 0);
}

/// Intentions belong to the plan: the file is all that an apply needs.
#[test]
fn intentions_are_part_of_a_plan() {
    let project = FolderProject::example("users").applied();
    let before = project.read("users/ci/ci.crt");
    let arguments = ["plan", "--rekey", "users/ci", "--out", "reviewed.plan"];
    ended(&project.kpki(&arguments), 0);
    ended(&project.kpki(&["apply", "reviewed.plan"]), 0);
    assert_ne!(project.read("users/ci/ci.crt"), before);
    for more in [
        &["--rekey", "users/ci"][..],
        &["--renew", "users/ci"],
        &["--allow", "replace:ca/etcd"],
        &["--prune"],
        &["--check"],
    ] {
        let arguments = [&["apply", "reviewed.plan"], more].concat();
        ended(&project.kpki(&arguments), 64);
    }
}

/// An apply of a saved plan takes no `--allow`: the way on is another plan.
#[test]
fn consent_to_a_saved_plan_is_another_plan() {
    let project = FolderProject::example("users").applied();
    let more = "user \"boss\" { group \"ops\"; bind cluster-role=\"cluster-admin\" }\n";
    project.describe_more(more);
    let renew = ["plan", "--renew", "users/*", "--out", "my reviewed.plan"];
    ended(&project.kpki(&renew), 0);
    let told = ended(&project.kpki(&["apply", "my reviewed.plan"]), 3);
    let command = "kpki plan --out 'my reviewed.plan' --renew 'users/*' --allow escalation:boss\n";
    assert!(told.ends_with(command), "{told}");
    assert!(!told.contains("add --allow"), "{told}");
    // As a shell reads it.
    let command = command.replace("kpki", env!("CARGO_BIN_EXE_kpki"));
    printed(&mut project.shell(&command));
    ended(&project.kpki(&["apply", "my reviewed.plan"]), 0);
}

/// Time alone makes no plan stale: it is made again for its own time.
#[test]
fn an_untouched_tree_never_makes_a_plan_stale() {
    let project = FolderProject::example("users").applied();
    project.edit("cluster.kdl", "validity \"30d\"", "validity \"40d\"");
    let now = ["plan", "--now", "2026-01-01T00:00:00Z", "--out", "old.plan"];
    let arguments = [&now[..], &["--allow", "escalation:ci"]].concat();
    ended(&project.kpki(&arguments), 0);
    ended(&project.kpki(&["apply", "old.plan"]), 0);
}

#[test]
fn what_moved_is_named_and_nothing_is_written() {
    type Change = fn(&FolderProject);
    let changes: [(Change, &[&str]); 6] = [
        (
            |p| p.edit("cluster.kdl", "validity \"40d\"", "validity \"41d\""),
            &["the description means something else", "users/ci: now reissue"],
        ),
        (
            |p| {
                p.edit(
                    "cluster.kdl",
                    "user \"ci\"",
                    "user \"mallory\" { group \"dev\" }\nuser \"ci\"",
                )
            },
            &["the description means something else", "users/mallory: create (new)"],
        ),
        // Nothing that a step's line would show.
        (
            |p| {
                p.edit(
                    "cluster.kdl",
                    "bind cluster-role=\"view\"",
                    "bind cluster-role=\"cluster-admin\"",
                )
            },
            &["the description means something else"],
        ),
        (
            |p| fs::remove_file(p.out("users/ci/ci.crt")).unwrap(),
            &["users/ci: now reissue (out/users/ci/ci.crt is missing"],
        ),
        (
            |p| p.edit("out/cluster/cluster-role-bindings.yaml", "cluster-admin", "cluster-amdin"),
            &[
                "cluster/cluster-role-bindings: repair (out/cluster/cluster-role-bindings.yaml was modified)",
            ],
        ),
        (|p| fs::write(p.out("users/ci/old.key"), "").unwrap(), &["the plan's foreign"]),
    ];
    for (change, says) in changes {
        let project = FolderProject::example("users").applied();
        project.edit("cluster.kdl", "validity \"30d\"", "validity \"40d\"");
        save(&project);
        change(&project);
        let lock = fs::read(project.path("cluster.lock")).unwrap();
        let output = ended(&project.kpki(&["apply", "reviewed.plan"]), 1);
        for what in says {
            assert!(output.contains(what), "{what}\n{output}");
        }
        assert!(output.contains("is stale"), "{output}");
        assert!(output.contains("nothing was written"), "{output}");
        let now = fs::read(project.path("cluster.lock")).unwrap();
        assert_eq!(now, lock);
    }
}

#[test]
fn what_is_no_plan_is_refused() {
    let project = FolderProject::example("users").applied();
    let saved = save(&project);
    for (text, says) in [
        (String::new(), "is not a plan"),
        ("{}".to_owned(), "is not a plan"),
        (saved[..saved.len() / 2].to_owned(), "is not a plan"),
        (
            saved.replacen("\"empty\": true", "\"empty\": false", 1),
            "was changed after it was written",
        ),
        (
            saved.replacen("\"renew\": []", "\"renew\": [\"users/ci\"]", 1),
            "was changed after it was written",
        ),
        (saved.replacen("\"kpki-plan\": 1", "\"kpki-plan\": 2", 1), "another version of kpki"),
    ] {
        assert_ne!(text, saved);
        project.write("reviewed.plan", text);
        let output = ended(&project.kpki(&["apply", "reviewed.plan"]), 1);
        assert!(output.contains(says), "{says}\n{output}");
    }
    let output = ended(&project.kpki(&["apply", "none.plan"]), 1);
    assert!(output.contains("none.plan cannot be read: no such file"), "{output}");
}

#[test]
fn a_plan_holds_no_secret() {
    let project = FolderProject::example("users").applied();
    project.edit("cluster.kdl", "validity \"30d\"", "validity \"40d\"");
    let saved = save(&project);
    for path in project.files(".key") {
        for line in project.read(&path).lines().filter(|line| line.len() > 40) {
            assert!(!saved.contains(line), "{path}");
        }
    }
}
