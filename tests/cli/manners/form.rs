//! `validate` and `fmt`: the description alone.

use std::os::unix::fs::MetadataExt as _;

use crate::testkit::{FolderProject, ended, files_below, refused};

#[test]
fn validate_judges_the_description_alone() {
    let lab = FolderProject::example("ha");
    lab.write("cluster.lock", "no lock");
    let text = lab.says("validate");
    assert!(
        text.contains("no mistake in the description of prod: 5 nodes, 3 users, 94 artifacts"),
        "{text}"
    );
    // Every mistake, where plan shows the first five.
    let lab = FolderProject::empty();
    let nodes = (1..=9).map(|n| format!("node \"w{n}\" adress=\"10.0.0.{n}\"\n"));
    lab.describe(&format!("cluster \"lab\"\n{}", nodes.collect::<String>()));
    let plan = refused(&lab.kpki(&["plan"]), 1);
    assert!(
        plan.contains("more problems") && plan.contains("kpki validate tells all of them"),
        "{plan}"
    );
    let all = refused(&lab.kpki(&["validate"]), 1);
    assert_eq!(all.matches("unknown word \"adress\"").count(), 9, "{all}");
    assert!(!all.contains("more problems") && !all.contains("nothing was written"), "{all}");
}

/// Every example is in the form that the command gives it, but for what is too ragged to be one.
#[test]
fn fmt_changes_white_space_only() {
    let lab = FolderProject::example("ha");
    let neat = lab.text("cluster.kdl");
    assert!(lab.says("fmt --check").starts_with("nothing to do"));
    let ragged = neat.replace("\n    ", "\n\t ").replace("\nnode", "\n\n\n  node") + "\n\n";
    lab.describe(&ragged);
    let text = ended(&lab.kpki(&["fmt", "--check"]), 2);
    assert!(text.contains("cluster.kdl is not formatted\n"), "{text}");
    assert_eq!(lab.text("cluster.kdl"), ragged);
    let plan = lab.json(&["plan"])["steps"].clone();
    assert_eq!(lab.says("fmt"), "formatted cluster.kdl\n");
    assert!(lab.says("fmt").starts_with("nothing to do"));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&lab.text("cluster.kdl")), words(&neat));
    let names = |steps: &serde_json::Value| -> Vec<String> {
        steps.as_array().unwrap().iter().map(|step| step["name"].to_string()).collect()
    };
    assert_eq!(names(&lab.json(&["plan"])["steps"]), names(&plan));
}

#[test]
fn fmt_writes_nothing_where_something_is_wrong() {
    let lab = FolderProject::described("cluster \"lab\" {\n foo\n}\n");
    let before = (lab.text("cluster.kdl"), lab.path("cluster.kdl").metadata().unwrap().ino());
    assert!(refused(&lab.kpki(&["fmt"]), 1).contains("foo"));
    assert_eq!(
        (lab.text("cluster.kdl"), lab.path("cluster.kdl").metadata().unwrap().ino()),
        before
    );
    assert_eq!(files_below(lab.folder()).len(), 1);
}

#[test]
fn fmt_takes_every_file_of_the_description() {
    let lab = FolderProject::described("cluster \"lab\"\n  include \"nodes.kdl\"\n");
    lab.write("nodes.kdl", "node \"cp1\" {\n  role \"control-plane\"\naddress \"10.0.0.11\"\n}\n");
    assert_eq!(lab.says("fmt"), "formatted cluster.kdl\nformatted nodes.kdl\n");
    assert_eq!(
        lab.text("nodes.kdl"),
        "node \"cp1\" {\n    role \"control-plane\"\n    address \"10.0.0.11\"\n}\n"
    );
}
