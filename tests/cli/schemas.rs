//! The committed JSON Schemas are those of the types, and what kpki really prints and writes obeys them.

use kpki::install::RecordDocument;
use kpki::render::{
    CheckReport, DiffReport, ExplainReport, InstallReport, LiveReport, PlaintextReport, PlanReport,
    ReportData, SavedPlan, ShowReport, StatusReport, VerifyReport, WhyReport,
};
use serde_json::{Value, json};

use crate::testkit::json_schema::{Validator, file};
use crate::testkit::{FolderProject, ended};

fn schemas() -> [(&'static str, schemars::Schema); 15] {
    [
        ("plan", schemars::schema_for!(PlanReport)),
        ("check", schemars::schema_for!(CheckReport)),
        ("saved-plan", schemars::schema_for!(SavedPlan)),
        ("lock", kpki::lock::schema()),
        ("status", schemars::schema_for!(StatusReport)),
        ("show", schemars::schema_for!(ShowReport)),
        ("verify", schemars::schema_for!(VerifyReport)),
        ("explain", schemars::schema_for!(ExplainReport)),
        ("live", schemars::schema_for!(LiveReport)),
        ("why", schemars::schema_for!(WhyReport)),
        ("diff", schemars::schema_for!(DiffReport)),
        ("install", schemars::schema_for!(InstallReport)),
        ("installed", schemars::schema_for!(RecordDocument)),
        ("plaintext", schemars::schema_for!(PlaintextReport)),
        ("report", schemars::schema_for!(ReportData)),
    ]
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(file(name), &text).unwrap();
        }
        let committed = std::fs::read_to_string(file(name)).unwrap_or_default();
        assert!(
            committed == text,
            "{name} differs; UPDATE_EXPECTED=1 cargo test --test cli schemas rewrites it"
        );
    }
}

/// The document, of which its schema finds nothing to say.
fn accept(validator: &Validator, text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let errors = validator.errors(&document);
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    document
}

/// Each change alone makes the document a broken one.
fn refuse(validator: &Validator, document: &Value, changes: &[(&str, Option<Value>)]) {
    for (field, value) in changes {
        let mut broken = document.clone();
        let object = broken.as_object_mut().unwrap();
        match value {
            Some(value) => object.insert((*field).to_owned(), value.clone()),
            None => object.remove(*field),
        };
        let errors = validator.errors(&broken);
        assert!(!errors.is_empty(), "{field} = {value:?}");
    }
}

/// The standard output of a command that ends with this code.
fn prints(project: &FolderProject, words: &str, code: i32) -> String {
    let output = project.typed(words).output().unwrap();
    ended(&output, code);
    String::from_utf8(output.stdout).unwrap()
}

const BEFORE: &str = r#"
cluster "lab" { kubernetes "1.35.4" }
node "cp1" role="control-plane" address="10.0.0.11"
user "root" { group "system:masters"; allow-masters #true }
user "jane" { via "csr"; bind cluster-role="view" }
user "gone"
"#;

const AFTER: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
node "cp1" role="control-plane" address="10.0.0.11" { san "cp1.lab.internal" }
user "root" { group "system:masters"; allow-masters #true; validity "30d" }
user "jane" { via "csr"; bind cluster-role="view" }
ca "etcd" key="ecdsa-p384"
"#;

#[test]
fn what_kpki_prints_and_writes_obeys_its_schemas() {
    let [plan, lock, status, show, why] =
        ["plan", "lock", "status", "show", "why"].map(Validator::of);
    let project = FolderProject::described(BEFORE);

    let new = accept(&plan, &project.says("plan --format json"));
    assert_eq!(new["empty"], json!(false));
    accept(&status, &project.says("status --format json"));
    accept(&plan, &project.says("apply --format json"));
    let applied = accept(&plan, &project.says("plan --format json"));
    assert_eq!(applied["empty"], json!(true));
    assert_eq!(applied["waiting"][0]["name"], json!("users/jane"));
    assert_eq!(applied["notes"].as_array().unwrap().len(), 1);

    let text = project.text("cluster.lock");
    for line in text.lines() {
        accept(&lock, line);
    }

    let verify = accept(&Validator::of("verify"), &project.says("verify --format json"));
    assert_eq!(verify["findings"], json!([]));

    project.describe(AFTER);
    std::fs::remove_file(project.path("out/nodes/cp1/etc/kubernetes/pki/apiserver.crt")).unwrap();
    project.write("out/stranger", "");
    let changed = accept(&plan, &project.says("plan --format json"));
    assert_eq!(changed["blocked"][0]["allow"], json!("replace:ca/etcd"));
    assert!(!changed["orphans"].as_array().unwrap().is_empty());
    for now in ["2026-06-01", "2027-06-01", "2036-01-01", "2060-01-01"] {
        accept(&status, &project.says(&format!("status --format json --now {now}")));
        accept(&plan, &project.says(&format!("plan --format json --now {now}")));
    }
    for name in [
        "nodes/cp1/apiserver",
        "users/root/kubeconfig",
        "users/jane",
        "users/jane/request",
        "users/jane/rbac.yaml",
        "ca/etcd",
        "service-account",
    ] {
        accept(&show, &project.says(&format!("show --format json {name}")));
        accept(&why, &project.says(&format!("why --format json {name}")));
    }
    for path in
        ["out/ca/etcd.crt", "out/ca/sa.key", "out/ca/sa.pub", "out/users/root/root.kubeconfig"]
    {
        accept(&show, &project.says(&format!("show --format json {path}")));
    }
}

#[test]
fn what_goes_to_a_node_obeys_its_schemas() {
    let [install, installed, check] = ["install", "installed", "plaintext"].map(Validator::of);
    let project = FolderProject::described(BEFORE);
    project.says("apply");
    let node = tempfile::tempdir().unwrap();
    let root = node.path().to_str().unwrap();
    let order = format!("install cp1 --root {root} --format json");
    let told = accept(&install, &project.says(&format!("{order} --dry-run")));
    assert_eq!((&told["dry-run"], &told["empty"]), (&json!(true), &json!(false)));
    let done = accept(&install, &project.says(&order));
    assert_eq!(told["writes"], done["writes"]);
    assert_eq!(told["restarts"], done["restarts"]);
    assert_eq!(done["root"], json!(root));
    let record = node.path().join("var/lib/kpki/installed.json");
    let record = std::fs::read_to_string(record).unwrap();
    let document = accept(&installed, &record);
    refuse(
        &installed,
        &document,
        &[
            ("files", None),
            ("format-version", None),
            ("files", Some(json!([{ "path": "etc/a" }]))),
            ("secret", Some(json!("x"))),
        ],
    );
    let conf = node.path().join("etc/kubernetes/scheduler.conf");
    std::fs::write(&conf, "").unwrap();
    let again = accept(&install, &project.says(&order));
    assert_eq!(again["writes"][0]["reason"], json!("foreign"));
    assert_eq!(accept(&install, &project.says(&order))["empty"], json!(true));

    // Without a repository everything is told.
    let found = accept(&check, &prints(&project, "check --no-plaintext --format json", 1));
    assert_eq!(found["repository"], json!(false));
    assert!(found["plaintext"].as_array().unwrap().len() > 10);
    refuse(
        &check,
        &found,
        &[
            ("clean", None),
            ("plaintext", Some(json!([{ "path": "a", "where": "tracked", "kinds": ["x"] }]))),
        ],
    );

    project.git(&["init", "-q"]);
    project.commit("all");
    let words = "check --no-plaintext --history --format json";
    let found = accept(&check, &prints(&project, words, 1));
    assert!(found["history"]["keys"].as_array().unwrap().len() > 10);
    let key = |change: Value| json!({ "files": 1, "keys": [change], "rekey": [] });
    refuse(
        &check,
        &found,
        &[
            ("history", Some(key(json!({ "artifact": "ca/etcd" })))),
            ("history", Some(json!({ "keys": [], "rekey": [] }))),
        ],
    );
}

#[test]
fn what_diff_prints_obeys_its_schema() {
    let (before, after) = (FolderProject::described(BEFORE), FolderProject::described(BEFORE));
    before.says("apply");
    after.says("apply");
    let compare = |below: &str| {
        let other = after.path(below);
        let words = format!("diff --format json {below} {}", other.display());
        prints(&before, &words, 2)
    };
    let diff = Validator::of("diff");
    let locks = accept(&diff, &compare("cluster.lock"));
    assert_eq!(locks["sections"][0]["of"], json!("lock"));
    let folders = accept(&diff, &compare("out"));
    assert_eq!(folders["sections"][0]["of"], json!("files"));
    assert_eq!(folders["sections"][0]["changed"][0]["same-key"], json!(false));
    refuse(
        &diff,
        &folders,
        &[
            ("equal", None),
            ("sections", Some(json!([{ "of": "files" }]))),
            (
                "sections",
                Some(
                    json!([{ "of": "bytes", "added": [], "removed": [], "changed": [], "follows": [] }]),
                ),
            ),
        ],
    );
}

#[test]
fn a_broken_document_is_refused() {
    let project = FolderProject::described(BEFORE);
    let plan = Validator::of("plan");
    let document = accept(&plan, &project.says("plan --format json"));
    refuse(
        &plan,
        &document,
        &[
            ("steps", None),
            ("format-version", None),
            ("format-version", Some(json!("1"))),
            ("steps", Some(json!([{ "name": "ca/etcd" }]))),
        ],
    );
    let status = Validator::of("status");
    let document = accept(&status, &project.says("status --format json"));
    refuse(
        &status,
        &document,
        &[
            ("certificates", None),
            ("attention", Some(json!([{ "code": "fine", "name": null, "text": "" }]))),
        ],
    );
    let verify = Validator::of("verify");
    project.write("handmade/old.crt", "");
    let document = accept(&verify, &prints(&project, "verify --format json handmade", 2));
    assert_eq!(document["findings"][0]["id"], json!("unreadable-certificate"));
    refuse(
        &verify,
        &document,
        &[
            ("errors", Some(json!("1"))),
            ("findings", Some(json!([{ "id": "expired" }]))),
            ("now", None),
        ],
    );
    let lock = Validator::of("lock");
    let line = accept(&lock, &format!(r#"{{"name":"ca/etcd","hash":"{}"}}"#, "0".repeat(32)));
    refuse(
        &lock,
        &line,
        &[
            ("hash", None),
            ("hash", Some(json!("short"))),
            ("size", Some(json!(-1))),
            ("secret", Some(json!("x"))),
        ],
    );
}
