//! Several projects in one run.

use crate::testkit::{FolderProject, ended, refused};

const ONE: &str = "cluster \"NAME\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";

fn fleet() -> FolderProject {
    let fleet = FolderProject::empty();
    for name in ["east", "west"] {
        fleet.write(&format!("clusters/{name}/cluster.kdl"), ONE.replace("NAME", name));
    }
    // None of these is a project of the pattern.
    fleet.write("clusters/README.md", "");
    fleet.write("clusters/empty/notes", "");
    fleet.write("clusters/.old/cluster.kdl", "broken");
    fleet
}

#[test]
fn each_is_headed_by_its_folder_and_the_worst_counts() {
    let fleet = fleet();
    fleet.done(&["-C", "clusters/east", "apply"]);
    let text = fleet.done(&["-C", "clusters/*", "plan"]);
    assert!(text.starts_with("clusters/east:\nnothing to do"), "{text}");
    assert!(text.contains("\n\nclusters/west:\n+ ca/"), "{text}");
    ended(&fleet.kpki(&["-C", "clusters/*", "plan", "--detailed-exitcode"]), 2);
    ended(&fleet.kpki(&["-C", "clusters/eas?", "plan", "--detailed-exitcode"]), 0);
    let text = fleet.done(&["-C", "clusters/west", "-C", "clusters/east", "status"]);
    assert!(text.starts_with("clusters/west:\n") && text.contains("\nclusters/east:\n"), "{text}");
    // JSON stays JSON, one after the other.
    let text = fleet.done(&["-C", "clusters/*", "status", "--format", "json"]);
    let all = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    let names: Vec<_> = all.map(|status| status.unwrap()["cluster"].clone()).collect();
    assert_eq!(names, ["east", "west"]);
    // One that fails says which, and the others are looked at all the same.
    fleet.write("clusters/east/cluster.kdl", "broken");
    let output = fleet.kpki(&["-C", "clusters/*", "validate"]);
    let text = ended(&output, 1);
    assert!(text.contains("no mistake in the description of west"), "{text}");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("error: clusters/east: "), "{err}");
}

#[test]
fn what_writes_or_is_for_one_takes_one() {
    let fleet = fleet();
    for words in [
        &["apply"][..],
        &["plan", "--out", "x.plan"],
        &["status", "--format", "prometheus"],
        &["verify", "clusters"],
        &["graph"],
        &["fmt"],
        &["init"],
    ] {
        let output = fleet.kpki(&[&["-C", "clusters/*"], words].concat());
        let err = refused(&output, 64);
        assert!(err.contains("take several"), "{words:?}: {err}");
    }
    assert!(!fleet.path("clusters/east/out").exists());
    let err = refused(&fleet.kpki(&["-C", "clusters/n*", "plan"]), 1);
    assert!(err.contains("no folder with a cluster.kdl is clusters/n*"), "{err}");
    // A name is taken as it is where there is such a folder.
    fleet.write("odd*/cluster.kdl", ONE.replace("NAME", "odd"));
    fleet.write("odder/cluster.kdl", ONE.replace("NAME", "odder"));
    assert!(fleet.done(&["-C", "odd*", "validate"]).contains("description of odd:"));
}
