//! Who left, is not pruned yet, and is described again: somebody new.

use std::fs;

use crate::testkit::{FolderProject, ended, said, tool};

const HA: &str = "cluster \"lab\" { endpoint \"api.lab.internal:6443\" }\n\
                  node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\" primary=#true\n\
                  node \"cp2\" role=\"control-plane\" address=\"10.0.0.12\"\n\
                  node \"cp3\" role=\"control-plane\" address=\"10.0.0.13\"\n\
                  user \"jane\" { group \"dev\" }\n\
                  user \"bob\" { group \"ops\"; bind cluster-role=\"cluster-admin\" }\n\
                  certificate \"web\" { san \"web.example.com\"; node \"cp1\" }\n";

/// What goes from the description and comes back, and what then stops.
const MEMBERS: [(&str, &str, &str, &str); 6] = [
    (
        "; bind cluster-role=\"cluster-admin\"",
        "",
        "bob gains cluster-role cluster-admin everywhere",
        "escalation:bob",
    ),
    (
        "user \"bob\" { group \"ops\"; bind cluster-role=\"cluster-admin\" }\n",
        "",
        "bob is new: bob, in ops",
        "escalation:bob",
    ),
    ("user \"jane\" { group \"dev\" }\n", "", "jane is new: jane, in dev", "escalation:jane"),
    (
        "node \"cp3\" role=\"control-plane\" address=\"10.0.0.13\"\n",
        "",
        "cp3 joins as a control-plane node",
        "escalation:cp3",
    ),
    (
        "node \"cp3\" role=\"control-plane\"",
        "node \"cp3\"",
        "cp3 joins as a control-plane node",
        "escalation:cp3",
    ),
    (
        "certificate \"web\" { san \"web.example.com\"; node \"cp1\" }\n",
        "",
        "web can serve as web.example.com",
        "escalation:web",
    ),
];

#[test]
fn whoever_left_and_is_described_again_is_new() {
    for (from, to, gain, allow) in MEMBERS {
        let project = FolderProject::described(HA).applied();
        project.describe(&HA.replacen(from, to, 1));
        project.done(&["apply"]);
        assert!(project.text("cluster.lock").contains("\"left\":true"), "{gain}");
        let marked = project.text("cluster.lock");
        project.done(&["apply"]);
        assert_eq!(project.text("cluster.lock"), marked);
        ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
        project.describe(HA);
        let plan = project.kpki(&["plan", "--detailed-exitcode"]);
        let text = ended(&plan, 3).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(gain), "{gain}: {}", said(&plan));
        ended(&project.kpki(&["apply"]), 3);
        project.done(&["apply", "--allow", allow]);
        ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
        assert!(!project.text("cluster.lock").contains("\"left\""), "{gain}");
    }
}

/// Its time does not make another key the same one.
#[test]
fn what_ran_out_is_renewed_as_it_was() {
    let project = FolderProject::described(HA).applied();
    let late = ["plan", "--detailed-exitcode", "--now", "2040-01-01"];
    let plan = ended(&project.kpki(&late), 2);
    assert!(plan.contains("! bob is new: bob, in ops"), "{plan}");
    let bob = "user \"bob\" {";
    let request = format!("{bob} csr \"bob.csr\";");
    for (with, gain) in [
        (request.as_str(), "bob goes to whoever holds another key"),
        ("user \"bob\" { validity \"2y\";", "bob lives longer: 2y, was 365d"),
        ("user \"bob\" { common-name \"jane2\";", "bob becomes jane2, was bob"),
    ] {
        let words =
            "req -new -newkey rsa:2048 -nodes -keyout ../bob.key -subj /O=ops/CN=bob -out bob.csr";
        let made = tool("openssl").args(words.split(' ')).current_dir(project.folder()).output();
        assert!(made.unwrap().status.success());
        project.describe(&HA.replacen(bob, with, 1));
        let plan = ended(&project.kpki(&late), 3);
        assert!(plan.contains(gain), "{gain}: {plan}");
        fs::remove_file(project.path("bob.csr")).unwrap();
    }
    // And whoever had left before it ran out is nobody who renews.
    project.describe(&HA.replacen("user \"jane\" { group \"dev\" }\n", "", 1));
    project.done(&["apply"]);
    project.describe(HA);
    let plan = ended(&project.kpki(&late), 3);
    assert!(plan.contains("x jane is new: jane, in dev"), "{plan}");
}
