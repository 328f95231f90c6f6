//! `plan --base`: before is what a revision holds, whatever a proposal brings of lock and files.

use std::fs;
use std::path::Path;

use crate::testkit::{FolderProject, copy, ended, said};

const LAB: &str = "cluster \"lab\" { endpoint \"api.lab.internal:6443\" }\n\
                   node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\" primary=#true\n\
                   node \"w1\" address=\"10.0.0.21\"\n\
                   certificate \"web\" { san \"web.lab.internal\"; node \"w1\" }\n\
                   user \"jane\" { group \"dev\" }\n";

/// What only an apply writes, all of it, as Git would take it.
fn committed() -> FolderProject {
    committed_as(FolderProject::described(LAB).applied())
}

fn committed_as(project: FolderProject) -> FolderProject {
    project.write(".gitignore", "*.key\n*.conf\n*.kubeconfig\n");
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.commit("The PKI of lab");
    project.git(&["switch", "--quiet", "--create", "proposal"]);
    project
}

/// What a job of CI has checked out: no secret in the clear.
fn checked_out(project: &FolderProject) -> FolderProject {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("clone");
    let from = project.folder().to_str().unwrap();
    project.git(&["clone", "--quiet", "--branch", "proposal", from, to.to_str().unwrap()]);
    let clone = FolderProject::within(folder);
    copy(&to, clone.folder());
    fs::remove_dir_all(to).unwrap();
    clone
}

/// The proposal brings everything as an apply would have left it: its own lock says that all was agreed.
fn brought(description: &str) -> FolderProject {
    let project = committed();
    project.describe(description);
    super::forgery::all_allowed(project.folder());
    project.commit("A harmless change");
    checked_out(&project)
}

struct Member {
    what: &'static str,
    edit: (&'static str, &'static str),
    gain: &'static str,
    allow: &'static str,
    file: &'static str,
}

const MEMBERS: [Member; 7] = [
    Member {
        what: "bindings",
        edit: ("group \"dev\" }", "group \"dev\"; bind cluster-role=\"cluster-admin\" }"),
        gain: "jane gains cluster-role cluster-admin everywhere",
        allow: "escalation:jane",
        file: "+ out/users/jane/rbac.yaml is new",
    },
    Member {
        what: "an identity",
        edit: ("user \"jane\"", "user \"eve\" { group \"kubeadm:cluster-admins\" }\nuser \"jane\""),
        gain: "eve is new: eve, in kubeadm:cluster-admins",
        allow: "escalation:eve",
        file: "+ out/users/eve/eve.crt is new",
    },
    Member {
        what: "a group",
        edit: ("group \"dev\"", "group \"dev\" \"kubeadm:cluster-admins\""),
        gain: "jane gains the group kubeadm:cluster-admins",
        allow: "escalation:jane",
        file: "~ out/users/jane/jane.crt is another",
    },
    Member {
        what: "a node",
        edit: (
            "node \"w1\"",
            "node \"cp9\" role=\"control-plane\" address=\"10.6.6.6\"\nnode \"w1\"",
        ),
        gain: "cp9 joins as a control-plane node",
        allow: "escalation:cp9",
        file: "more",
    },
    Member {
        what: "kubeconfigs",
        edit: ("api.lab.internal:6443", "evil.example.com:6443"),
        gain: "endpoint moves: kubeconfigs lead to https://evil.example.com:6443",
        allow: "escalation:endpoint",
        file: "~ cluster.lock: users/jane/kubeconfig is another",
    },
    Member {
        what: "a manifest",
        edit: (
            "node \"w1\"",
            "component \"apiserver\" { flag \"authorization-mode\" \"AlwaysAllow\" }\nnode \"w1\"",
        ),
        gain: "--authorization-mode=AlwaysAllow",
        allow: "escalation:apiserver",
        file: "~ out/nodes/cp1/etc/kubernetes/manifests/kube-apiserver.yaml is another",
    },
    Member {
        what: "a server's name",
        edit: ("san \"web.lab.internal\"", "san \"web.lab.internal\" \"www.example.com\""),
        gain: "web can serve as www.example.com",
        allow: "escalation:web",
        file: "~ cluster.lock: certificates/web is another",
    },
];

#[test]
fn a_proposal_that_brings_its_own_lock_and_files_is_told_and_stops() {
    let mut wrong = Vec::new();
    for Member { what, edit: (from, to), gain, allow, file } in MEMBERS {
        let description = LAB.replacen(from, to, 1);
        assert_ne!(description, LAB);
        let project = brought(&description);
        // Its own word.
        ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
        let output = project.kpki(&["plan", "--base", "origin/main"]);
        let text = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [gain, file, "only kpki apply writes these", "against origin/main ("] {
            if !text.contains(words) {
                wrong.push(format!("{what}: {words}: {}", said(&output)));
            }
        }
        if output.status.code() != Some(1) {
            wrong.push(format!("{what}: {:?}", output.status.code()));
        }
        let allowed = project.kpki(&["plan", "--base", "origin/main", "--allow", allow]);
        if allowed.status.code() != Some(0) && what != "a node" && what != "kubeconfigs" {
            wrong.push(format!("{what}, allowed: {}", said(&allowed)));
        }
        // As the plan says.
        let advice = "git restore --source=origin/main --staged --worktree -- cluster.lock out";
        assert!(text.contains(advice), "{what}: {text}");
        project.git(&advice.split(' ').skip(1).collect::<Vec<_>>());
        let plan = ended(&project.kpki(&["plan", "--base", "origin/main"]), 0);
        let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in ["= nothing of cluster.lock and out/ is changed", gain, allow] {
            if !plan.contains(words) {
                wrong.push(format!("{what}, put back: {words}: {plan}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Nothing asks for it yet; whoever is described later would have been there.
#[test]
fn what_a_proposal_brings_of_nobody_who_is_described() {
    let eve = "user \"eve\" { bind cluster-role=\"cluster-admin\" }\n";
    let project = brought(&format!("{LAB}{eve}"));
    project.describe(LAB);
    project.commit("Nobody");
    ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
    let text = ended(&project.kpki(&["plan", "--base", "origin/main"]), 1);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("of nothing that is described"), "{text}");
    // A file alone, or a line alone.
    project.git(&[
        "restore",
        "--source=origin/main",
        "--staged",
        "--worktree",
        "--",
        "cluster.lock",
    ]);
    ended(&project.kpki(&["plan", "--base", "origin/main"]), 1);
}

#[test]
fn a_root_of_trust_that_a_proposal_brings() {
    let project = committed();
    let other = FolderProject::described(LAB).applied();
    // All of another cluster of the same names, and its lock.
    fs::remove_dir_all(project.path("out")).unwrap();
    copy(&other.path("out"), &project.path("out"));
    project.write("cluster.lock", other.text("cluster.lock"));
    project.commit("A harmless change");
    let project = checked_out(&project);
    ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
    let text = ended(&project.kpki(&["plan", "--base", "origin/main"]), 1);
    assert!(text.contains("~ cluster.lock: ca/kubernetes is another"), "{text}");
    assert!(text.contains("kubernetes is replaced as a root of trust"), "{text}");
}

/// No recipe makes it, so the description says nothing of it.
#[test]
fn an_answer_of_the_cluster_that_a_proposal_brings() {
    let project = FolderProject::described(&format!("{LAB}user \"carl\" {{ via \"csr\" }}\n"));
    let project = committed_as(project.applied());
    fs::copy(
        project.out("identities/nodes/cp1/super-admin.crt"),
        project.out("users/carl/carl.crt"),
    )
    .unwrap();
    super::forgery::all_allowed(project.folder());
    project.commit("A harmless change");
    let project = checked_out(&project);
    ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
    let text = ended(&project.kpki(&["plan", "--base", "origin/main"]), 1);
    assert!(text.contains("carl is new: kubernetes-super-admin, in system:masters"), "{text}");
}

#[test]
fn the_review_is_the_same_for_an_honest_proposal() {
    let project = committed();
    project.describe(&LAB.replacen("group \"dev\"", "group \"dev\" \"ops\"", 1));
    project.commit("jane is of ops");
    let plain = ended(&project.kpki(&["plan"]), 0);
    let based = ended(&project.kpki(&["plan", "--base", "main"]), 0);
    let (head, rest) = based.split_once("\n\n").expect(&based);
    assert_eq!(rest, plain);
    let lines: Vec<&str> = head.lines().collect();
    assert!(lines[0].starts_with("against main ("), "{head}");
    assert_eq!(lines[1..], ["= nothing of cluster.lock and out/ is changed"]);

    let json = project.json(&["plan", "--base", "main"]);
    assert_eq!(json["base"]["revision"], "main");
    assert_eq!(json["base"]["changes"], serde_json::json!([]));
    assert_eq!(json["base"]["hidden"], 0);
    assert_eq!(project.json(&["plan"]).get("base"), None);
    let markdown = ended(&project.kpki(&["plan", "--base", "main", "--format", "markdown"]), 0);
    assert!(
        markdown.contains("**Against the base: what only `kpki apply` writes is as it is there**")
    );
}

#[test]
fn what_the_base_has_since_is_not_taken_for_the_proposals() {
    let project = committed();
    project.git(&["switch", "--quiet", "main"]);
    project.describe_more("user \"omar\" { group \"dev\" }\n");
    project.done(&["apply", "--allow", "escalation:omar"]);
    project.commit("kpki apply");
    project.git(&["switch", "--quiet", "proposal"]);
    let text = said(&project.kpki(&["plan", "--base", "main"])).replace("\n  ", " ");
    assert!(text.contains("what is checked out does not come from main"), "{text}");
    assert!(text.contains("- cluster.lock: users/omar is gone"), "{text}");
}

#[test]
fn a_base_that_cannot_be_read_is_an_error_with_what_to_do() {
    let refused = |project: &FolderProject, revision: &str, words: &[&str]| {
        let text = ended(&project.kpki(&["plan", "--base", revision]), 1);
        for word in words {
            assert!(text.contains(word), "{revision}: {word}: {text}");
        }
    };
    let project = committed();
    let unknown = ["names no commit that is here", "fetch-depth: 0"];
    for revision in ["origin/main", "nothing", "--output=x", "main:cluster.kdl"] {
        let text = ended(&project.kpki(&["plan", &format!("--base={revision}")]), 1);
        for word in unknown {
            assert!(text.contains(word), "{revision}: {text}");
        }
    }
    refused(&project, "", &["--base names no revision: it is empty", "--base origin/main"]);
    // As a checkout in CI is without more.
    let shallow = tempfile::tempdir().unwrap();
    let from = format!("file://{}", project.folder().display());
    let to = shallow.path().join("clone");
    project.git(&["clone", "--quiet", "--depth", "1", &from, to.to_str().unwrap()]);
    refused(&FolderProject::at(&to), "origin/main", &unknown);
    refused(&FolderProject::described(LAB).applied(), "main", &["no Git repository here"]);
    // Nothing was ever applied there, as far as it says.
    project.git(&["switch", "--quiet", "main"]);
    project.git(&["rm", "--quiet", "--cached", "cluster.lock"]);
    project.git(&["switch", "--quiet", "--create", "without"]);
    fs::rename(project.path("cluster.lock"), project.path("kept")).unwrap();
    project.git(&["commit", "--quiet", "--message", "No lock"]);
    fs::rename(project.path("kept"), project.path("cluster.lock")).unwrap();
    refused(&project, "without", &["there is no cluster.lock in it", "only kpki apply writes"]);
    let output = project.kpki(&["plan", "--base", "main", "--out", "x.plan"]);
    ended(&output, 64);
    assert!(!Path::new(&project.path("x.plan")).exists());
}
