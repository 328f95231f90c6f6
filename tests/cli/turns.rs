//! Renewal node by node, and a member of etcd that joins again, as a person at a terminal sees them.

use serde_json::json;

use crate::testkit::{FolderProject, ended};

const LAB: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "k8s.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
node "cp2" role="control-plane" address="10.0.0.12"
node "cp3" role="control-plane" address="10.0.0.13"
node "w1" address="10.0.0.21"
"#;

fn says(lab: &FolderProject, words: &str, code: i32) -> String {
    ended(&lab.typed(words).output().unwrap(), code)
}

/// The day on which so many days have gone by.
fn in_days(days: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = kpki::time::Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap());
    now.plus(kpki::time::Span::days(days)).to_string()
}

#[test]
fn every_command_says_who_waits() {
    let lab = FolderProject::described(LAB).applied();
    let due = in_days(340);
    let plan = says(&lab, &format!("plan --now {due}"), 0);
    let told = "3 more nodes are due and wait for their turn: cp2, cp3, w1\n  \
                install and check cp1 first, then apply again (--all renews all at once)\n";
    assert!(plan.contains(told), "{plan}");
    assert!(plan.contains(" due, waiting for their turn, "), "{plan}");
    assert!(!plan.contains("nothing to do") && !plan.contains("nodes/cp2"), "{plan}");
    assert!(plan.ends_with("next: kpki apply\n"), "{plan}");
    says(&lab, &format!("plan --detailed-exitcode --now {due}"), 2);
    let all = says(&lab, &format!("plan --all --now {due}"), 0);
    assert!(all.contains("cp3, w1") && !all.contains("turn"), "{all}");
    assert!(all.ends_with("next: kpki apply --all\n"), "{all}");
    let markdown = says(&lab, &format!("plan --format markdown --now {due}"), 0);
    assert!(markdown.contains("3 more nodes are due and wait for their turn"), "{markdown}");

    let json: serde_json::Value =
        serde_json::from_str(&lab.says(&format!("plan --format json --now {due}"))).unwrap();
    let turns = &json["turns"];
    assert_eq!(turns["now"], json!(["cp1"]));
    assert_eq!(turns["next"], json!(["cp2", "cp3", "w1"]));
    assert_eq!(json["empty"], json!(false));
    let waiting = turns["waiting"].as_array().unwrap();
    let of_node = |node: &str| waiting.iter().filter(|due| due["node"] == node).count();
    // Of a control-plane node: 5 leaves of the API server and its clients, 3 of etcd, 5 of kubeconfigs.
    assert!(of_node("cp2") > 8 && of_node("cp2") == of_node("cp3"), "{waiting:?}");
    assert_eq!((of_node("w1"), of_node("cp1")), (1, 0), "{waiting:?}");
    assert_eq!(waiting[0]["reasons"][0]["code"], json!("expiring"));
    let status: serde_json::Value =
        serde_json::from_str(&lab.says(&format!("status --format json --now {due}"))).unwrap();
    assert_eq!(status["turns"], *turns);
    let attention = status["attention"].to_string();
    assert!(attention.contains("; due, waits for its turn: cp1 is first"), "{attention}");
    let why = says(&lab, &format!("why nodes/cp3/apiserver --now {due}"), 0);
    assert!(why.contains("due, waits for its turn: cp1 is first:\n  expires 20"), "{why}");
    // What is over waits for nobody.
    let late = says(&lab, &format!("plan --now {}", in_days(400)), 0);
    assert!(!late.contains("turn"), "{late}");
}

#[test]
fn an_order_goes_on_as_the_last_apply_says() {
    let lab = FolderProject::described(LAB).applied();
    let serial = |node: &str| lab.read(&format!("nodes/{node}/etc/kubernetes/pki/apiserver.crt"));
    let before = ["cp1", "cp2", "cp3"].map(serial);
    let mut next = "apply --renew nodes/*".to_owned();
    let mut renewed = Vec::new();
    for _ in 0..4 {
        let text = says(&lab, &next, 0);
        let nodes = ["cp1", "cp2", "cp3"];
        let changed = nodes.iter().zip(&before).filter(|(node, old)| serial(node) != **old).count();
        renewed.push(changed);
        let Some(flags) = text.lines().find(|line| line.starts_with("    --renew ")) else {
            assert!(text.ends_with("applied; out/ and cluster.lock are up to date\n"), "{text}");
            break;
        };
        assert!(!text.contains("up to date"), "{text}");
        next = format!("apply {}", flags.trim().replace('\'', ""));
    }
    assert_eq!(renewed, [1, 2, 3, 3]);
    assert!(says(&lab, "plan --detailed-exitcode", 0).contains("nothing to do"));
    let all = says(&lab, "apply --all --renew nodes/*", 0);
    assert!(!all.contains("turn"), "{all}");
    // A plan remembers both.
    says(&lab, "plan --all --renew nodes/* --out all.plan", 0);
    assert!(lab.text("all.plan").contains("\"all\": true"));
    let done = says(&lab, "apply all.plan", 0);
    assert!(!done.contains("turn") && done.contains("cp3, w1"), "{done}");
    says(&lab, "plan --renew nodes/* --out one.plan", 0);
    assert!(says(&lab, "apply one.plan", 0).contains("3 more nodes are due"));
    for more in ["--all", "--rejoin cp3"] {
        says(&lab, &format!("apply one.plan {more}"), 64);
        says(&lab, &format!("apply --check {more}"), 64);
    }
}

const LINES: &str = "
cp3 joins etcd again, in this order:
  etcdctl member list                                             # shows the ID
  etcdctl member remove ID-OF-cp3
  etcdctl member add cp3 --peer-urls=https://10.0.0.13:2380
  rm -rf /var/lib/etcd/member                                     # on cp3
  kpki install cp3                                                # on cp3
  etcdctl endpoint health --cluster                               # until all are healthy
";

#[test]
fn a_member_joins_again() {
    let lab = FolderProject::described(LAB).applied();
    let plan = says(&lab, "plan --rejoin cp3", 0);
    assert!(plan.contains(LINES), "{plan}");
    assert!(
        plan.contains("it joins etcd again; flag: with --initial-cluster-state=existing"),
        "{plan}"
    );
    assert!(plan.contains("1 to render") && !plan.contains("restarts"), "{plan}");
    assert!(plan.ends_with("next: kpki apply --rejoin cp3\n"), "{plan}");
    says(&lab, "plan --rejoin cp3 --out joins.plan", 0);
    let done = says(&lab, "apply joins.plan", 0);
    assert!(done.contains(LINES), "{done}");
    assert!(
        lab.text("cluster.lock")
            .contains("\"initial-cluster\":\"existing:cp1=https://10.0.0.11:2380")
    );
    assert!(says(&lab, "plan --detailed-exitcode", 0).contains("nothing to do"));
    let out = lab.read("nodes/cp3/etc/kubernetes/manifests/etcd.yaml");
    let again = says(&lab, "apply --rejoin cp3", 0);
    assert!(again.contains("nothing to do") && again.contains(LINES), "{again}");
    assert_eq!(lab.read("nodes/cp3/etc/kubernetes/manifests/etcd.yaml"), out);
    let json = lab.json(&["plan", "--rejoin", "cp3"]);
    assert_eq!(json["rejoin"]["nodes"], json!(["cp3"]));
    assert_eq!(
        json["rejoin"]["commands"][4],
        json!({ "command": "kpki install cp3", "on": "cp3" })
    );
    let markdown = says(&lab, "plan --rejoin cp3 --format markdown", 0);
    assert!(markdown.contains("etcdctl member remove ID-OF-cp3"), "{markdown}");
    // With two of three gone nobody can vote.
    let lost = says(&lab, "plan --rejoin cp3 --rejoin cp2", 0);
    assert!(lost.contains("1 of 3 members is no majority"), "{lost}");
}

#[test]
fn what_cannot_join_again_is_told_what_to_do() {
    let lab = FolderProject::described(LAB).applied();
    for (words, code, told) in [
        ("plan --rejoin cp33", 64, "no member of etcd is called cp33\nhelp: did you mean cp3?"),
        ("apply --rejoin w1", 64, "help: the members are cp1, cp2, cp3"),
        ("apply --rejoin CP3", 64, "CP3"),
        ("apply --rejoin", 64, "--rejoin"),
        (
            "apply --rejoin cp1 --rejoin cp2 --rejoin cp3",
            1,
            "etcdutl snapshot restore SNAPSHOT.db --data-dir /var/lib/etcd --name cp1 --initial-cluster 'cp1=https://10.0.0.11:2380'",
        ),
    ] {
        let text = says(&lab, words, code);
        assert!(text.replace("\n  ", " ").contains(told), "{words}\n{text}");
    }
    lab.describe_more("node \"cp4\" role=\"control-plane\" address=\"10.0.0.14\"\n");
    let text = says(&lab, "apply --rejoin cp4", 64);
    assert!(text.contains("cp4 was never a member"), "{text}");

    // The operator's own manifests: the flags are theirs.
    let own = FolderProject::described(LAB).applied();
    std::fs::create_dir(own.path("manifests")).unwrap();
    for process in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        for node in ["cp1", "cp2", "cp3"] {
            let text = own.read(&format!("nodes/{node}/etc/kubernetes/manifests/{process}.yaml"));
            std::fs::create_dir_all(own.path(&format!("manifests/{node}"))).unwrap();
            own.write(&format!("manifests/{node}/{process}.yaml"), text);
        }
    }
    own.describe_more("manifests \"manifests\"\n");
    says(&own, "apply", 0);
    let text = says(&own, "apply --rejoin cp3", 1).replace("\n  ", " ");
    let flag = "--initial-cluster=cp1=https://10.0.0.11:2380,cp2=https://10.0.0.12:2380,cp3=https://10.0.0.13:2380";
    for told in ["manifests/cp3/etcd.yaml", flag, "--initial-cluster-state=existing"] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    let line = own.text("manifests/cp3/etcd.yaml");
    let line = line.lines().find(|line| line.contains("- --initial-cluster=")).unwrap().to_owned();
    let indent = &line[..line.find('-').unwrap()];
    let with = format!("{line}\n{indent}- --initial-cluster-state=existing");
    own.edit("manifests/cp3/etcd.yaml", &line, &with);
    let done = says(&own, "apply --rejoin cp3", 0);
    assert!(done.contains(LINES), "{done}");
    says(&own, "plan --detailed-exitcode", 0);
    // One file for all: this node needs its own.
    for node in ["cp1", "cp2", "cp3"] {
        std::fs::remove_file(own.path(&format!("manifests/{node}/etcd.yaml"))).unwrap();
    }
    let shared = own.read("nodes/cp1/etc/kubernetes/manifests/etcd.yaml");
    let of_no_node = shared.lines().filter(|line| {
        line.contains("--initial-cluster=") || !(line.contains("10.0.0.11") || line.contains("cp1"))
    });
    own.write("manifests/etcd.yaml", of_no_node.collect::<Vec<_>>().join("\n") + "\n");
    let text = says(&own, "plan --rejoin cp3", 1).replace("\n  ", " ");
    assert!(text.contains("copy manifests/etcd.yaml to manifests/cp3/etcd.yaml"), "{text}");
}
