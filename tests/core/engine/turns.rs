//! What is due on several nodes is renewed node by node: who is next, what waits, and what never does.
//! Written by hand.

use std::collections::{BTreeMap, BTreeSet};

use kpki::plan::{Intent, Plan};
use kpki::time::Span;
use proptest::prelude::*;

use super::convergence::cluster;
use crate::testkit::memory_project::{MemoryProject, everything};

const THREE: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
node "cp2" role="control-plane" address="10.0.0.12"
node "cp3" role="control-plane" address="10.0.0.13"
node "w1" address="10.0.0.21"
node "w2" address="10.0.0.22"
component "kubelet" serving=#true
certificate "web" { san "web.lab"; node "w1" }
user "jane" { group "dev" }
"#;

const EXTERNAL: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
component "etcd" topology="external"
node "cp1" role="control-plane" address="10.0.0.11"
node "e1" role="etcd" address="10.0.0.31"
node "e2" role="etcd" address="10.0.0.32"
node "w1" address="10.0.0.21"
"#;

fn days(days: u64) -> Span {
    Span::days(days)
}

fn renewing(patterns: &[&str]) -> Intent {
    let renew = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
    Intent { renew, ..Intent::default() }
}

/// The nodes that a plan issues certificates for, and `others` where it does for what is no node's.
fn issued(project: &MemoryProject, intent: &Intent) -> Vec<String> {
    let planned = project.plan_with(intent);
    let signed = planned.plan.steps.iter().filter(|step| step.action.signs());
    let names = signed.map(|step| planned.graph.get(step.derivation).name.to_string());
    let homes = names.map(|name| match name.strip_prefix("nodes/") {
        Some(rest) => rest.split('/').next().unwrap().to_owned(),
        None => "others".to_owned(),
    });
    homes.collect::<BTreeSet<_>>().into_iter().collect()
}

fn waiting(plan: &Plan) -> Vec<String> {
    let nodes = plan.turns.iter().flat_map(|turns| turns.nodes());
    nodes.map(ToString::to_string).collect()
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

/// Who is renewed by one apply after the other, until the plan is empty.
fn turns(project: &mut MemoryProject) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    while !project.plan_with(&Intent::default()).plan.is_empty() {
        all.push(issued(project, &Intent::default()));
        project.apply_with(&Intent::default(), false).unwrap();
        assert!(all.len() < 40, "{all:?}");
    }
    // Nothing was left out.
    project.assert_converged();
    all
}

/// What is described, how long ago it was applied, and who is renewed by each apply.
#[test]
fn nodes_are_renewed_one_after_the_other() {
    let five = |node: &str| format!("node \"{node}\" address=\"10.0.1.{}\"\n", &node[1..]);
    let workers = |count: usize| {
        let lines = (0..count).map(|n| five(&format!("n{}", n + 10)));
        let head = THREE.lines().filter(|line| !line.contains("\"w"));
        head.map(|line| format!("{line}\n")).chain(lines).collect::<String>()
    };
    let table: &[(&str, String, u64, &[&str])] = &[
        ("nothing is due", THREE.into(), 300, &[]),
        ("due", THREE.into(), 340, &["cp1 others", "cp2", "cp3", "w1", "w2"]),
        ("etcd first", EXTERNAL.into(), 340, &["e1", "e2", "cp1", "w1"]),
        ("a week is left", THREE.into(), 358, &["cp1 cp2 cp3 others w1 w2"]),
        ("a day more", THREE.into(), 357, &["cp1 others", "cp2", "cp3", "w1", "w2"]),
        ("all has expired", THREE.into(), 400, &["cp1 cp2 cp3 others w1 w2"]),
        ("long ago", THREE.into(), 1100, &["cp1 cp2 cp3 others w1 w2"]),
        (
            "a tenth of the workers at once",
            workers(11),
            340,
            &[
                "cp1 others",
                "cp2",
                "cp3",
                "n10 n11",
                "n12 n13",
                "n14 n15",
                "n16 n17",
                "n18 n19",
                "n20",
            ],
        ),
        (
            "a short life: a third of it is the window, a sixth the last call",
            format!("{THREE}defaults validity=\"6d\"\n"),
            4,
            &["cp1 others", "cp2", "cp3", "w1", "w2"],
        ),
        (
            "and then it is nearly over",
            format!("{THREE}defaults validity=\"6d\"\n"),
            5,
            &["cp1 cp2 cp3 others w1 w2"],
        ),
        (
            "one node's end sooner than the others'",
            THREE.replace("10.0.0.22\"", "10.0.0.22\" validity=\"345d\""),
            340,
            &["others w2", "cp1", "cp2", "cp3", "w1"],
        ),
    ];
    for (what, description, wait, expected) in table {
        let mut project = MemoryProject::applied(description);
        project.later(days(*wait));
        let said: Vec<String> = turns(&mut project).iter().map(|turn| turn.join(" ")).collect();
        // What is no node's comes first, in the alphabet's place.
        let sorted = |turn: &&str| {
            let mut words: Vec<&str> = turn.split(' ').collect();
            words.sort_unstable();
            words.join(" ")
        };
        assert_eq!(said, expected.iter().map(sorted).collect::<Vec<_>>(), "{what}");
    }
}

#[test]
fn what_waits_is_not_touched_and_told() {
    let mut project = MemoryProject::applied(THREE);
    let before = project.clone();
    project.later(days(340));
    let planned = project.plan_with(&Intent::default());
    let turns = planned.plan.turns.as_ref().unwrap();
    assert_eq!(texts(&turns.now), ["cp1"]);
    assert_eq!(waiting(&planned.plan), ["cp2", "cp3", "w1", "w2"]);
    assert!(turns.renew.is_empty());
    let reasons: BTreeSet<String> = turns
        .waiting
        .iter()
        .flat_map(|waiting| &waiting.reasons)
        .map(ToString::to_string)
        .collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons.iter().all(|reason| reason.starts_with("expires 20")), "{reasons:?}");
    assert!(!planned.plan.is_empty());
    project.apply_with(&Intent::default(), false).unwrap();
    let touched: BTreeSet<&str> = project
        .out
        .iter()
        .filter(|(path, file)| before.out.get(*path) != Some(*file))
        .map(|(path, _)| {
            match path.strip_prefix("nodes/").or(path.strip_prefix("identities/nodes/")) {
                Some(rest) => rest.split('/').next().unwrap(),
                None => "others",
            }
        })
        // The web server's certificate is no node's, wherever it lies.
        .collect();
    assert_eq!(touched, BTreeSet::from(["cp1", "others", "w1"]));
    let lines = |project: &MemoryProject| -> BTreeMap<String, String> {
        let entries = project.lock().entries;
        entries.iter().map(|(name, entry)| (name.to_string(), format!("{entry:?}"))).collect()
    };
    let (old, new) = (lines(&before), lines(&project));
    for node in ["cp2", "cp3", "w1", "w2"] {
        let of_node = |(name, _): &(&String, &String)| name.starts_with(&format!("nodes/{node}/"));
        assert!(old.iter().filter(of_node).eq(new.iter().filter(of_node)), "{node}");
    }
    // No restart is told where nothing is renewed.
    let restarts = planned.plan.restarts.iter().map(|restart| restart.node.to_string());
    assert_eq!(restarts.collect::<BTreeSet<_>>(), BTreeSet::from(["cp1".to_owned()]));
}

/// Beside certificates that are due: what else the description, a person or damage asks for, and on which
/// nodes something is issued.
#[test]
fn only_what_time_asks_for_waits() {
    type Change = fn(&mut MemoryProject, &mut Intent);
    let table: &[(&str, Change, &[&str])] = &[
        ("nothing else", |_, _| {}, &["cp1", "others"]),
        (
            "a name in every API server's certificate",
            |project, _| {
                project.description.push_str("component \"apiserver\" { san \"b.lab\" }\n")
            },
            &["cp1", "cp2", "cp3", "others"],
        ),
        (
            "a new worker",
            |project, _| project.description.push_str("node \"w3\" address=\"10.0.0.23\"\n"),
            &["cp1", "others", "w3"],
        ),
        (
            "a lost certificate",
            |project, _| {
                let path = "nodes/w2/etc/kubernetes/pki/kubelet.crt";
                project.out.remove(path).unwrap();
            },
            &["cp1", "others", "w2"],
        ),
        (
            "another revision of a node",
            |project, _| {
                project.description =
                    project.description.replace("10.0.0.13\"", "10.0.0.13\" revision=2");
            },
            &["cp1", "cp3", "others"],
        ),
        (
            "new keys by an order",
            |_, intent| intent.rekey = vec!["nodes/cp2/*".parse().unwrap()],
            &["cp1", "cp2", "others"],
        ),
        (
            "another CA",
            |_, intent| {
                intent.rekey = vec!["ca/kubernetes".parse().unwrap()];
                intent.allow = vec!["replace:ca/kubernetes".parse().unwrap()];
            },
            &["cp1", "cp2", "cp3", "others", "w1", "w2"],
        ),
        (
            "all by an order",
            |_, intent| intent.all = true,
            &["cp1", "cp2", "cp3", "others", "w1", "w2"],
        ),
        // What is named comes before what is merely due.
        (
            "a node by an order",
            |_, intent| intent.renew = vec!["nodes/cp3/*".parse().unwrap()],
            &["cp3", "others"],
        ),
        (
            "one certificate by an order",
            |_, intent| intent.renew = vec!["nodes/w2/kubelet".parse().unwrap()],
            &["others", "w2"],
        ),
        (
            "a member of etcd that joins again",
            |_, intent| intent.rejoin = vec!["cp3".parse().unwrap()],
            &["cp3", "others"],
        ),
    ];
    for (what, change, expected) in table {
        let mut project = MemoryProject::applied(THREE);
        project.later(days(340));
        let mut intent = Intent::default();
        change(&mut project, &mut intent);
        assert_eq!(issued(&project, &intent), *expected, "{what}");
        project.apply_with(&intent, false).unwrap();
        project.apply().unwrap();
        project.assert_converged();
    }
}

type Names = &'static [&'static str];

/// What is ordered, and what each apply issues when it is ordered what the one before it left.
#[test]
fn an_order_for_several_nodes_is_followed_node_by_node() {
    let table: &[(Names, &[(Names, Names)])] = &[
        (
            &["nodes/*"],
            &[
                (&["cp1"], &["nodes/cp2/*", "nodes/cp3/*", "nodes/w1/*", "nodes/w2/*"]),
                (&["cp2"], &["nodes/cp3/*", "nodes/w1/*", "nodes/w2/*"]),
                (&["cp3"], &["nodes/w1/*", "nodes/w2/*"]),
                (&["w1"], &["nodes/w2/*"]),
                (&["w2"], &[]),
            ],
        ),
        (
            &["nodes/w2/kubelet", "nodes/cp3/apiserver", "nodes/cp2/apiserver", "users/*"],
            &[
                (&["cp2", "others"], &["nodes/cp3/apiserver", "nodes/w2/kubelet"]),
                (&["cp3"], &["nodes/w2/kubelet"]),
                (&["w2"], &[]),
            ],
        ),
        (&["nodes/cp2/*", "nodes/cp1/etcd-peer"], &[(&["cp1"], &["nodes/cp2/*"]), (&["cp2"], &[])]),
        (&["nodes/cp2/*"], &[(&["cp2"], &[])]),
        (&["users/*"], &[(&["others"], &[])]),
    ];
    for (ordered, rounds) in table {
        let mut project = MemoryProject::applied(THREE);
        project.later(days(1));
        let mut intent = renewing(ordered);
        for (expected, left) in *rounds {
            assert_eq!(issued(&project, &intent), *expected, "{ordered:?}");
            let plan = project.plan_with(&intent).plan;
            let rest = plan.turns.map(|turns| turns.renew).unwrap_or_default();
            assert_eq!(
                texts(&rest).into_iter().collect::<BTreeSet<_>>(),
                left.iter().map(ToString::to_string).collect(),
                "{ordered:?}"
            );
            project.apply_with(&intent, false).unwrap();
            intent = Intent { renew: rest, ..Intent::default() };
        }
        project.assert_converged();
        let all = Intent { all: true, ..renewing(ordered) };
        let mut nodes: BTreeSet<String> = BTreeSet::new();
        nodes.extend(rounds.iter().flat_map(|(nodes, _)| nodes.iter().map(ToString::to_string)));
        assert_eq!(
            issued(&project, &all).into_iter().collect::<BTreeSet<_>>(),
            nodes,
            "{ordered:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// At any clock the turns end, and then all is as one apply for everything would have left it. A CA's
    /// renewal is one turn more.
    #[test]
    fn turns_end(cluster in cluster(), wait in 1u64..40_000_000) {
        let mut project = MemoryProject::new(&cluster.description());
        project.identity = None;
        let described = cluster.description();
        prop_assume!(!described.contains("secrets {"));
        project.apply().unwrap();
        project.later(Span::seconds(wait));
        let mut at_once = project.clone();
        let possible = at_once.apply_with(&everything(), false).is_ok();
        let nodes = described.matches("node \"").count();
        let mut applies = 0;
        while !project.plan_with(&Intent::default()).plan.is_empty() {
            let done = project.apply_with(&Intent::default(), false);
            prop_assert_eq!(done.is_ok(), possible);
            if !possible {
                return Ok(());
            }
            applies += 1;
            prop_assert!(applies <= nodes + 1, "{} applies for {} nodes", applies, nodes);
        }
        project.assert_converged();
        let dates = |project: &MemoryProject| -> Vec<(String, Option<kpki::time::Timestamp>)> {
            let entries = project.lock().entries;
            entries.iter().map(|(name, entry)| (name.to_string(), entry.not_after)).collect()
        };
        prop_assert_eq!(dates(&at_once), dates(&project));
    }
}
