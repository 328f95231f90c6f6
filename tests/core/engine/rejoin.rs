//! A member of etcd that joins again after its data was lost: what its manifest says then, and that nothing
//! else changes. By hand, after etcd's "Runtime reconfiguration" and kubeadm's `--initial-cluster-state`.

use kpki::plan::{Intent, NoRejoin, rejoin};
use kpki::pod;
use kpki::profile::Process;

use crate::testkit::memory_project::MemoryProject;

const THREE: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
node "cp2" role="control-plane" address="10.0.0.12"
node "cp3" role="control-plane" address="10.0.0.13"
node "w1" address="10.0.0.21"
"#;

fn rejoining(nodes: &[&str]) -> Intent {
    let rejoin = nodes.iter().map(|node| node.parse().unwrap()).collect();
    Intent { rejoin, ..Intent::default() }
}

fn etcd_manifest(node: &str) -> String {
    format!("nodes/{node}/etc/kubernetes/manifests/etcd.yaml")
}

/// `--initial-cluster` without ports and networks: `cp1=11,cp2=12`; with a `+` in front for `existing`.
fn told(project: &MemoryProject, node: &str) -> String {
    let facts = pod::read(&project.out[&etcd_manifest(node)].0, Process::Etcd).unwrap();
    let members = facts.values("initial-cluster").next().unwrap();
    let existing = match facts.values("initial-cluster-state").next() {
        Some("existing") => "+",
        Some(other) => panic!("{other}"),
        None => "",
    };
    format!("{existing}{}", members.replace("https://10.0.0.", "").replace(":2380", ""))
}

fn line(project: &MemoryProject, node: &str) -> String {
    let name = format!("nodes/{node}/manifests/etcd");
    project.lock().entries[name.as_str()].initial_cluster.clone().unwrap()
}

type Row<'a> = (&'static str, &'a [&'a str], &'a [(&'a str, &'a str)]);

/// What may be changed before, who joins again, and what each of them is told.
#[test]
fn a_member_is_told_of_those_that_are_there() {
    const FOURTH: &str = "node \"cp4\" role=\"control-plane\" address=\"10.0.0.14\"\n";
    const FIFTH: &str = "node \"cp5\" role=\"control-plane\" address=\"10.0.0.15\"\n";
    let second = THREE.lines().find(|line| line.contains("cp2")).unwrap();
    let replaced = THREE.replace(second, FOURTH.trim());
    let table: &[Row<'_>] = &[
        ("the last", &[THREE], &[("cp3", "+cp1=11,cp2=12,cp3=13")]),
        ("the first", &[THREE], &[("cp1", "+cp1=11,cp2=12,cp3=13")]),
        ("after another was replaced", &[THREE, &replaced], &[("cp3", "+cp1=11,cp3=13,cp4=14")]),
        (
            "beside one that came later",
            &[THREE, &format!("{THREE}{FOURTH}")],
            &[("cp3", "+cp1=11,cp2=12,cp3=13,cp4=14")],
        ),
        (
            "two of five: the second is not there when the first is added",
            &[&format!("{THREE}{FOURTH}{FIFTH}")],
            &[
                ("cp3", "+cp1=11,cp2=12,cp3=13,cp4=14"),
                ("cp5", "+cp1=11,cp2=12,cp3=13,cp4=14,cp5=15"),
            ],
        ),
    ];
    for (what, descriptions, joining) in table {
        let mut project = MemoryProject::applied(descriptions[0]);
        for description in &descriptions[1..] {
            project.description = (*description).to_owned();
            project.apply_with(&Intent::default(), true).unwrap();
        }
        let before = project.clone();
        let names: Vec<&str> = joining.iter().map(|(node, _)| *node).collect();
        let intent = rejoining(&names);
        let planned = project.plan_with(&intent);
        let steps: Vec<String> =
            names.iter().map(|node| format!("Render nodes/{node}/manifests/etcd")).collect();
        assert_eq!(planned.steps(), steps, "{what}");
        assert_eq!(planned.plan.rejoins.len(), names.len(), "{what}");
        assert!(planned.plan.membership.is_empty() && planned.plan.restarts.is_empty(), "{what}");
        project.apply_with(&intent, false).unwrap();
        for (node, expected) in *joining {
            assert_eq!(told(&project, node), *expected, "{what}");
            let members = told(&project, node);
            let lock = line(&project, node).replace("https://10.0.0.", "").replace(":2380", "");
            assert_eq!(lock, members.replace('+', "existing:"), "{what}");
        }
        // Nothing else, neither file nor line.
        let manifests: Vec<String> = names.iter().map(|node| etcd_manifest(node)).collect();
        for (path, file) in &project.out {
            assert_eq!(manifests.contains(path), before.out[path] != *file, "{what}: {path}");
        }
        for (name, entry) in &project.lock().entries {
            let is_joining =
                names.iter().any(|node| name.as_str() == format!("nodes/{node}/manifests/etcd"));
            assert_eq!(is_joining, before.lock().entries[name] != *entry, "{what}: {name}");
        }
        // It is remembered, by the lock and by the manifest; the same order again changes nothing.
        project.assert_converged();
        let again = project.plan_with(&intent);
        assert!(again.plan.is_empty(), "{what}: {:?}", again.steps());
        assert_eq!(again.plan.rejoins, planned.plan.rejoins, "{what}");
        let joined = project.clone();
        project.lock = None;
        project.apply().unwrap();
        assert_eq!((&project.out, &project.lock), (&joined.out, &joined.lock), "{what}");
        project.out.retain(|path, _| !manifests.contains(path));
        project.apply().unwrap();
        assert_eq!((&project.out, &project.lock), (&joined.out, &joined.lock), "{what}");
    }
}

/// The last one that came was told of all when it joined: its manifest stays, and etcd must be told.
#[test]
fn a_manifest_that_says_so_already_stays() {
    let mut project = MemoryProject::applied(THREE);
    project.description.push_str("node \"cp4\" role=\"control-plane\" address=\"10.0.0.14\"\n");
    project.apply().unwrap();
    let planned = project.plan_with(&rejoining(&["cp4"]));
    assert!(planned.plan.is_empty(), "{:?}", planned.steps());
    assert_eq!(planned.plan.rejoins[0].peer_url, "https://10.0.0.14:2380");
}

#[test]
fn a_member_of_an_external_etcd_joins_again() {
    let description = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
component "etcd" topology="external" { flag "data-dir" "/srv/etcd"; flag "wal-dir" "/srv/wal" }
node "cp1" role="control-plane" address="10.0.0.11"
node "e1" role="etcd" address="10.0.0.31"
node "e2" role="etcd" address="10.0.0.32"
node "e3" role="etcd" address="10.0.0.33"
"#;
    let mut project = MemoryProject::applied(description);
    let planned = project.plan_with(&rejoining(&["e2"]));
    assert_eq!(planned.steps(), ["Render nodes/e2/manifests/etcd"]);
    let [rejoin] = planned.plan.rejoins.as_slice() else { panic!() };
    assert_eq!(rejoin.data, ["/srv/etcd/member", "/srv/wal"]);
    assert_eq!((rejoin.members, rejoin.left, rejoin.has_quorum()), (3, 2, true));
    project.apply_with(&rejoining(&["e2"]), false).unwrap();
    assert_eq!(told(&project, "e2"), "+e1=31,e2=32,e3=33");
    assert_eq!(told(&project, "e1"), "e1=31,e2=32,e3=33");
    project.assert_converged();
}

/// An address that changed with the machine: the certificates follow, and etcd is told once.
#[test]
fn a_member_joins_again_with_another_address() {
    let mut project = MemoryProject::applied(THREE);
    project.description = THREE.replace("10.0.0.13", "10.0.0.93");
    let planned = project.plan_with(&rejoining(&["cp3"]));
    assert_eq!(planned.plan.membership, []);
    assert_eq!(planned.plan.rejoins[0].peer_url, "https://10.0.0.93:2380");
    project.apply_with(&rejoining(&["cp3"]), false).unwrap();
    assert_eq!(told(&project, "cp3"), "+cp1=11,cp2=12,cp3=93");
    project.assert_converged();
}

fn refused(project: &MemoryProject, nodes: &[&str]) -> NoRejoin {
    let opened = project.opened();
    let intent = rejoining(nodes);
    // Nothing is planned for what cannot be done.
    assert_eq!(project.plan_with(&intent).plan.rejoins, []);
    rejoin(opened.world(project.now), &opened.spec, &intent, &intent.rejoin[0]).unwrap_err()
}

#[test]
fn what_cannot_join_again_is_told_from_what_can() {
    let applied = MemoryProject::applied(THREE);
    let members = ["cp1", "cp2", "cp3"].map(|node| node.parse().unwrap()).to_vec();
    for node in ["w1", "cp4"] {
        assert_eq!(refused(&applied, &[node]), NoRejoin::NoMember { members: members.clone() });
    }
    let mut fourth = applied.clone();
    fourth.description.push_str("node \"cp4\" role=\"control-plane\" address=\"10.0.0.14\"\n");
    assert_eq!(refused(&fourth, &["cp4"]), NoRejoin::NotMade);
    // Nobody has made anything yet.
    assert_eq!(refused(&MemoryProject::new(THREE), &["cp3"]), NoRejoin::NotMade);
    let sole = NoRejoin::Sole { peer_url: "https://10.0.0.11:2380".into() };
    assert_eq!(refused(&applied, &["cp1", "cp2", "cp3"]), sole);
    let one: Vec<&str> =
        THREE.lines().filter(|line| !line.contains("cp2") && !line.contains("cp3")).collect();
    let one = one.join("\n");
    assert_eq!(refused(&MemoryProject::applied(&one), &["cp1"]), sole);
    // An etcd without an image is none that kpki starts.
    let unknown = THREE.replace("1.36.2", "1.38.0");
    assert_eq!(refused(&MemoryProject::applied(&unknown), &["cp3"]), NoRejoin::NoManifest);
    for (flag, value) in [
        (
            "initial-cluster",
            "cp1=https://10.0.0.11:2380,cp2=https://10.0.0.12:2380,cp3=https://10.0.0.13:2380",
        ),
        ("initial-cluster-state", "new"),
    ] {
        let description = format!("{THREE}component \"etcd\" {{ flag \"{flag}\" \"{value}\" }}\n");
        let project = MemoryProject::applied(&description);
        assert_eq!(refused(&project, &["cp3"]), NoRejoin::Given { flag });
        // Without it the order can be followed, and nobody else restarts for the list.
        let mut without = project.clone();
        THREE.clone_into(&mut without.description);
        without.apply().unwrap();
        without.apply_with(&rejoining(&["cp3"]), false).unwrap();
        assert_eq!(told(&without, "cp3"), "+cp1=11,cp2=12,cp3=13");
        if flag == "initial-cluster" {
            assert_eq!(without.out[&etcd_manifest("cp1")], project.out[&etcd_manifest("cp1")]);
        }
    }
}
