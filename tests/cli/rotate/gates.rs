//! What a plan says of a rotation, stage by stage: short in a terminal, whole with `--full` and in Markdown,
//! as data in JSON. And what the other commands say meanwhile.

use std::time::{SystemTime, UNIX_EPOCH};

use kpki::time::{Span, Timestamp};
use serde_json::Value;

use crate::testkit::signer::Signer;
use crate::testkit::{FolderProject, ended, fed};

const LAB: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "k8s.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21"
user "jane" { group "dev" }
"#;

const ROOTS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];
const STAGES: [&str; 3] = ["trust", "promote", "distrust"];

fn plan(lab: &FolderProject) -> Value {
    serde_json::from_str(&lab.says("plan --format json")).unwrap()
}

/// As a terminal of 80 columns shows it.
fn narrow(lab: &FolderProject, words: &str) -> String {
    ended(&lab.typed(words).env("COLUMNS", "80").output().unwrap(), 0)
}

/// The lines to type that belong to a stage, as the documentation of Kubernetes and etcd has them.
const PROOFS: [(&str, &str, &str); 8] = [
    ("ca/kubernetes", "promote", "metadata.name=kube-root-ca.crt"),
    ("ca/kubernetes", "distrust", "kpki verify --live"),
    ("ca/etcd", "trust", "etcdctl endpoint health --cluster"),
    ("ca/etcd", "promote", "kpki verify --live"),
    ("ca/etcd", "distrust", "etcdctl endpoint health --cluster"),
    ("ca/front-proxy", "promote", "extension-apiserver-authentication -o yaml"),
    ("service-account", "promote", "kubectl get --raw /openid/v1/jwks"),
    ("service-account", "distrust", "type=kubernetes.io/service-account-token"),
];

/// That ConfigMap only grows (kubernetes/kubernetes#82429): it is deleted where a CA of clients goes.
const FORGETS: [(&str, &str); 2] = [("ca/kubernetes", "distrust"), ("ca/front-proxy", "distrust")];

#[test]
fn each_stage_says_its_gate() {
    for root in ROOTS {
        let lab = FolderProject::described(LAB).applied();
        assert!(plan(&lab).get("rotations").is_none());
        for stage in STAGES {
            let rotated = narrow(&lab, &format!("rotate {root}"));
            assert!(rotated.contains(&format!("\n{root}: {stage}\n")), "{rotated}");
            let ends = format!(
                "next: if this is wanted, and what comes first holds:\n  kpki apply --allow {stage}:{root}\n"
            );
            assert!(rotated.ends_with(&ends), "{rotated}");
            let block = rotated.split_once(&format!("\n{root}: {stage}\n")).unwrap().1;
            let block = block.split_once("\n\n").unwrap().0;
            assert!(block.lines().count() <= 12, "{block}");
            let long = |line: &&str| line.chars().count() > 80 && !line.starts_with("    k");
            assert_eq!(block.lines().find(long), None);
            let json = plan(&lab);
            let of = &json["rotations"][0];
            assert_eq!(
                (of["root"].as_str(), of["stages"].as_array().unwrap().len()),
                (Some(root), 1)
            );
            let gate = of["stages"][0]["gate"].as_array().unwrap();
            let full = lab.says("plan --full");
            let markdown = lab.says("plan --format markdown");
            for row in gate {
                for text in [&row["text"], &row["command"]].into_iter().filter_map(Value::as_str) {
                    assert!(!text.contains(['{', '}']) || text.contains("jq -r"), "{text}");
                    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                    assert!(words(&full).contains(&words(text)), "{text}\n{full}");
                    let first: String =
                        text.chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect();
                    assert!(words(&markdown).contains(first.trim()), "{text}\n{markdown}");
                }
            }
            let has = |part: &str| gate.iter().any(|row| row.to_string().contains(part));
            for (_, _, proof) in PROOFS.iter().filter(|(of, at, _)| (*of, *at) == (root, stage)) {
                assert!(has(proof), "{root} {stage}: {proof}\n{gate:#?}");
            }
            let forgets = FORGETS.contains(&(root, stage));
            assert_eq!(
                has("delete cm extension-apiserver-authentication"),
                forgets,
                "{root} {stage}"
            );
            assert_eq!(
                has("jane"),
                root == "ca/kubernetes" && stage != "distrust",
                "{root} {stage}"
            );
            let applied = lab.says(&format!("apply --allow {stage}:{root}"));
            assert!(!applied.contains("  first:") && !applied.contains("not proven"), "{applied}");
            let follows = gate.iter().any(|row| row["kind"] == "after");
            assert_eq!(applied.contains("\n  then: "), follows, "{applied}");
            meanwhile(&lab, root, stage);
        }
    }
}

/// Nothing is found wrong with the files of any stage, and status says where it stands.
fn meanwhile(lab: &FolderProject, root: &str, stage: &str) {
    for files in ["verify", "verify out/nodes/cp1", "verify out/nodes/w1"] {
        let said = lab.says(files);
        assert!(said.starts_with("nothing found in "), "{root} {stage} {files}: {said}");
    }
    let status = lab.says("status");
    let second = format!("{root}/2");
    let told = match stage {
        "trust" => Some((root, second.as_str())),
        "promote" => Some((second.as_str(), root)),
        _ => None,
    };
    let line = told
        .map(|(signs, other)| format!("rotation of {root}: {signs} signs; trusted, too: {other}"));
    let words = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words.contains("rotation of"), line.is_some(), "{status}");
    assert!(line.is_none_or(|line| words.contains(&line)), "{status}");
    let shown = lab.says(&format!("show {second}"));
    let state = match stage {
        "trust" => Some("trusted"),
        "promote" => Some("signs"),
        _ => None,
    };
    let row = shown.lines().find(|line| line.trim_start().starts_with("key pair "));
    assert_eq!(
        row.is_some_and(|row| row.contains(state.unwrap_or("?"))),
        state.is_some(),
        "{shown}"
    );
    lab.says("report --output report.html");
    lab.says("graph");
    lab.says("status --format ics");
}

/// What the cluster signed by the old key pair, kpki does not make anew: it is told, with its end.
#[test]
fn distrust_knows_what_the_old_key_pair_signed() {
    let lab =
        FolderProject::described(&format!("{LAB}user \"omar\" {{ via \"csr\"; group \"dev\" }}\n"))
            .applied();
    let read = |path: &str| std::fs::read(lab.on_node("cp1", path)).unwrap();
    let signer = Signer::new(&read("pki/ca.crt"), &read("pki/ca.key"));
    let request = lab.read("users/omar/request/omar.csr");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap());
    let certificate = signer.sign(request.as_bytes(), now, Span::days(7));
    ended(&fed(&mut lab.command(&["accept", "users/omar", "-"]), certificate.as_bytes()), 0);
    for stage in ["trust", "promote"] {
        lab.says("rotate ca/kubernetes");
        lab.says(&format!("apply --allow {stage}:ca/kubernetes"));
    }
    lab.says("rotate ca/kubernetes");
    let end = now.plus(Span::days(7)).date();
    let old = &plan(&lab)["rotations"][0]["stages"][0]["old-certificates"];
    assert_eq!(old[0]["name"], "users/omar", "{old}");
    assert_eq!(old.as_array().unwrap().len(), 1, "{old}");
    let said = lab.says("plan");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = format!("by another key pair than ca/kubernetes/2: users/omar until {end}");
    assert!(words.contains(&told), "{said}");
}

/// One key in the place of another that nobody trusted before is no rotation.
#[test]
fn a_replacement_says_that_there_is_another_way() {
    let lab = FolderProject::described(LAB).applied();
    lab.describe(&format!("{LAB}ca \"etcd\" {{ keypair 2 }}\n"));
    let said = ended(&lab.typed("plan").output().unwrap(), 0);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("nobody trusts ca/etcd/2 yet"), "{said}");
    assert!(words.contains("kpki rotate ca/etcd goes there without an outage"), "{said}");
}
