//! The policy that docs/review/policy.md shows, held against every example: it refuses what a person chose,
//! never what Kubernetes and kpki themselves ask for.

use std::path::Path;

use crate::testkit::{FolderProject, entries_of, said};

fn policy() -> String {
    let page = include_str!("../../docs/review/policy.md");
    let (_, rest) = page.split_once("```kdl policy.kdl\n").expect("the page has a policy");
    rest.split_once("```").expect("a fence closes").0.to_owned()
}

/// By hand: what each example has that the policy refuses.
const REFUSED: [(&str, &[&str]); 1] = [(
    "lab",
    &[
        "x nodes/cp1/apiserver, nodes/cp1/apiserver-kubelet-client, nodes/cp1/apiserver-etcd-client, ... is valid \
         for 5y, at most 400d is allowed (cluster.kdl:13); the rule is policy.kdl:2",
    ],
)];

#[test]
fn what_the_page_forbids_is_what_somebody_chose() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for example in entries_of(folder) {
        if !example.join("cluster.kdl").is_file() {
            continue;
        }
        let name = example.file_name().unwrap().to_str().unwrap();
        let project = FolderProject::example(name);
        project.write("policy.kdl", policy());
        let output = project.kpki(&["plan", "--policy", "policy.kdl"]);
        let text = said(&output);
        let refused: Vec<&str> = text.lines().filter(|line| line.starts_with("x ")).collect();
        let expected =
            REFUSED.iter().find(|(known, _)| *known == name).map_or(&[][..], |row| row.1);
        if refused != expected {
            wrong.push(format!("{name}: {refused:#?}"));
        }
        seen += 1;
    }
    assert!(seen > 8 && wrong.is_empty(), "{seen}: {}", wrong.join("\n"));
}

/// One more machine of the kind that is there already.
#[test]
fn a_large_cluster_grows() {
    let project = FolderProject::example("large").applied();
    let described = project.text("cluster.kdl");
    for (node, asks) in [
        (
            "node \"worker-z1\" address=\"10.40.1.250\" { san \"worker-z1.rack-a.fleet.example.com\"; }",
            0,
        ),
        ("node \"worker-z1\" address=\"10.40.1.250\"", 0),
        ("node \"cp4\" role=\"control-plane\" address=\"10.40.0.14\"", 1),
    ] {
        project.write("cluster.kdl", format!("{described}\n{node}\n"));
        let text = said(&project.kpki(&["plan"]));
        let found = text.lines().filter(|line| line.contains("only with --allow")).count();
        assert!(text.contains(" joins as a ") && found == asks, "{node}\n{text}");
    }
}
