//! What examples/lab-up/README.md says: nobody starts machines for it here, but its paths, descriptions and
//! shell blocks can be held against the rest.

use std::collections::BTreeSet;
use std::process::Command;

use crate::testkit::{FolderProject, said};

const README: &str = include_str!("../../examples/lab-up/README.md");
const DESCRIPTION: &str = include_str!("../../examples/lab-up/cluster.kdl");

/// The code blocks of a language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let parts = README.split("\n```").enumerate();
    // Every other one is inside.
    let blocks = parts.filter(|(number, _)| number % 2 == 1);
    blocks.filter_map(|(_, block)| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// Paths that start with this, as far as they are plain.
fn named(start: &str) -> BTreeSet<&'static str> {
    let name = |c: char| c.is_ascii_alphanumeric() || "/.-".contains(c);
    README
        .match_indices(start)
        .filter(|(at, _)| !README[..*at].ends_with(name))
        .map(|(at, _)| README[at..].split(|c| !name(c)).next().unwrap())
        .map(|path| path.trim_end_matches('.'))
        .collect()
}

/// The description with other lines in the place of its first control-plane node and what is above.
fn with_head(head: &str) -> String {
    let (_, rest) = DESCRIPTION.split_once("\nnode \"w1\"").unwrap();
    format!("{head}\nnode \"w1\"{rest}")
}

fn plan(project: &FolderProject) -> serde_json::Value {
    project.json(&["plan"])
}

#[test]
fn every_path_is_there() {
    let project = FolderProject::example("lab-up").applied();
    let mut ours = named("out/");
    // The beginning of `out/nodes/$1`.
    for part in ["out/", "out/nodes/"] {
        assert!(ours.remove(part), "{part}");
    }
    assert!(ours.len() >= 9, "{ours:?}");
    for path in ours {
        assert!(project.path(path).exists(), "{path}");
    }
    let mut nodes = named("/etc/kubernetes/");
    nodes.extend(named("/var/lib/kubelet/"));
    assert!(nodes.len() >= 6, "{nodes:?}");
    for path in nodes {
        assert!(project.out(&format!("nodes/cp1{path}")).exists(), "{path}");
    }
}

#[test]
fn the_shell_reads_every_block() {
    let blocks = blocks("sh");
    assert!(blocks.len() >= 8, "{blocks:?}");
    for block in blocks {
        let output = Command::new("sh").args(["-n", "-c", block]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{block}\n{}", said(&output));
    }
}

/// What the README says of the files that reach a worker, and of those that stay.
#[test]
fn a_worker_gets_no_key_of_a_ca() {
    let project = FolderProject::example("lab-up").applied();
    let keys: Vec<_> =
        project.files("ca.key").into_iter().filter(|path| path.starts_with("nodes/")).collect();
    assert_eq!(keys, ["nodes/cp1/etc/kubernetes/pki/ca.key"]);
}

#[test]
fn a_worker_joins_by_its_line() {
    let worker = blocks("kdl")[0];
    let project = FolderProject::example("lab-up").applied();
    project.describe(&format!("{DESCRIPTION}{worker}"));
    let plan = plan(&project);
    assert_eq!(plan["restarts"], serde_json::json!([]));
    let project = project.applied();
    for file in ["etc/kubernetes/kubelet.conf", "var/lib/kubelet/config.yaml"] {
        assert!(project.out(&format!("nodes/w2/{file}")).exists(), "{file}");
    }
}

#[test]
fn three_nodes_are_a_description_and_grow_one_by_one() {
    let head = blocks("kdl")[1];
    let grown: Vec<&str> = head.split_inclusive('\n').collect();
    let without = |names: &[&str]| {
        let gone =
            |line: &&&str| !names.iter().any(|name| line.starts_with(&format!("node \"{name}\"")));
        with_head(&grown.iter().filter(gone).copied().collect::<String>())
    };
    let project = FolderProject::described(&without(&[])).applied();
    assert_eq!(project.files("manifests/etcd.yaml").len(), 3);
    assert_eq!(project.files("super-admin.conf"), ["nodes/cp1/etc/kubernetes/super-admin.conf"]);

    let project = FolderProject::described(&without(&["cp2", "cp3"])).applied();
    let before = project.read("nodes/cp1/etc/kubernetes/manifests/etcd.yaml");
    project.describe(&without(&["cp3"]));
    let order = plan(&project)["etcd-members"][0]["command"].clone();
    let order = order.as_str().unwrap().strip_prefix("etcdctl ").unwrap();
    assert!(README.contains(&format!("    {order}\n")), "{order}");
    let project = project.applied_with(&["--allow", "escalation:cp2"]);
    let after = project.read("nodes/cp1/etc/kubernetes/manifests/etcd.yaml");
    assert_eq!(before, after);
}
