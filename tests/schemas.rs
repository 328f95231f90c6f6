//! The committed JSON Schemas are those of the types, and what kpki really prints and writes obeys them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

use std::path::{Path, PathBuf};

use kpki::install::RecordDocument;
use kpki::render::{
    CheckReport, DiffReport, InstallReport, PlaintextReport, PlanReport, ReportData, SavedPlan,
    ShowReport, StatusReport, VerifyReport, WhyReport,
};
use serde_json::{Value, json};

fn schemas() -> [(&'static str, schemars::Schema); 13] {
    [
        ("plan", schemars::schema_for!(PlanReport)),
        ("check", schemars::schema_for!(CheckReport)),
        ("saved-plan", schemars::schema_for!(SavedPlan<'static>)),
        ("lock", kpki::lock::schema()),
        ("status", schemars::schema_for!(StatusReport)),
        ("show", schemars::schema_for!(ShowReport)),
        ("verify", schemars::schema_for!(VerifyReport)),
        ("why", schemars::schema_for!(WhyReport)),
        ("diff", schemars::schema_for!(DiffReport)),
        ("install", schemars::schema_for!(InstallReport)),
        ("installed", schemars::schema_for!(RecordDocument)),
        ("plaintext", schemars::schema_for!(PlaintextReport)),
        ("report", schemars::schema_for!(ReportData)),
    ]
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"))
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
            "{name} differs; UPDATE_EXPECTED=1 cargo test --test schemas rewrites it"
        );
    }
}

struct Validator(jsonschema::Validator);

impl Validator {
    fn of(name: &str) -> Self {
        let schema: Value =
            serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap();
        Validator(jsonschema::validator_for(&schema).unwrap())
    }

    fn accept(&self, text: &str) -> Value {
        let document: Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = self
            .0
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        document
    }

    /// Each change alone makes the document a broken one.
    fn refuse(&self, document: &Value, changes: &[(&str, Option<Value>)]) {
        for (field, value) in changes {
            let mut broken = document.clone();
            let object = broken.as_object_mut().unwrap();
            match value {
                Some(value) => object.insert((*field).to_owned(), value.clone()),
                None => object.remove(*field),
            };
            assert!(!self.0.is_valid(&broken), "{field} = {value:?}");
        }
    }
}

struct Project(tempfile::TempDir);

impl Project {
    fn new(description: &str) -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        project.describe(description);
        project
    }

    fn describe(&self, description: &str) {
        std::fs::write(self.0.path().join("cluster.kdl"), description).unwrap();
    }

    fn kpki(&self, arguments: &str) -> String {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_kpki"))
            .args(arguments.split(' '))
            .arg("-C")
            .arg(self.0.path())
            .assert()
            .success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    }
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
    let project = Project::new(BEFORE);

    let new = plan.accept(&project.kpki("plan --format json"));
    assert_eq!(new["empty"], json!(false));
    status.accept(&project.kpki("status --format json"));
    plan.accept(&project.kpki("apply --format json"));
    let applied = plan.accept(&project.kpki("plan --format json"));
    assert_eq!(applied["empty"], json!(true));
    assert_eq!(applied["waiting"][0]["name"], json!("users/jane"));
    assert_eq!(applied["notes"].as_array().unwrap().len(), 1);

    let text = std::fs::read_to_string(project.0.path().join("cluster.lock")).unwrap();
    for line in text.lines() {
        lock.accept(line);
    }

    let verify = Validator::of("verify").accept(&project.kpki("verify --format json"));
    assert_eq!(verify["findings"], json!([]));

    project.describe(AFTER);
    std::fs::remove_file(
        project
            .0
            .path()
            .join("out/nodes/cp1/etc/kubernetes/pki/apiserver.crt"),
    )
    .unwrap();
    std::fs::write(project.0.path().join("out/stranger"), "").unwrap();
    let changed = plan.accept(&project.kpki("plan --format json"));
    assert_eq!(changed["blocked"][0]["allow"], json!("replace:ca/etcd"));
    assert!(!changed["orphans"].as_array().unwrap().is_empty());
    for now in ["2026-06-01", "2027-06-01", "2036-01-01", "2060-01-01"] {
        status.accept(&project.kpki(&format!("status --format json --now {now}")));
        plan.accept(&project.kpki(&format!("plan --format json --now {now}")));
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
        show.accept(&project.kpki(&format!("show --format json {name}")));
        why.accept(&project.kpki(&format!("why --format json {name}")));
    }
    for path in [
        "out/ca/etcd.crt",
        "out/ca/sa.key",
        "out/ca/sa.pub",
        "out/users/root/root.kubeconfig",
    ] {
        show.accept(&project.kpki(&format!("show --format json {path}")));
    }
}

#[test]
fn what_goes_to_a_node_obeys_its_schemas() {
    let [install, installed, check] = ["install", "installed", "plaintext"].map(Validator::of);
    let project = Project::new(BEFORE);
    project.kpki("apply");
    let node = tempfile::tempdir().unwrap();
    let root = node.path().to_str().unwrap();
    let order = format!("install cp1 --root {root} --format json");
    let told = install.accept(&project.kpki(&format!("{order} --dry-run")));
    assert_eq!(
        (&told["dry-run"], &told["empty"]),
        (&json!(true), &json!(false))
    );
    let done = install.accept(&project.kpki(&order));
    assert_eq!(told["writes"], done["writes"]);
    assert_eq!(told["restarts"], done["restarts"]);
    assert_eq!(done["root"], json!(root));
    let record = node.path().join("var/lib/kpki/installed.json");
    let record = std::fs::read_to_string(record).unwrap();
    let document = installed.accept(&record);
    installed.refuse(
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
    let again = install.accept(&project.kpki(&order));
    assert_eq!(again["writes"][0]["reason"], json!("foreign"));
    assert_eq!(install.accept(&project.kpki(&order))["empty"], json!(true));

    // Without a repository everything is told.
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_kpki"))
        .args(["check", "--no-plaintext", "--format", "json", "-C"])
        .arg(project.0.path())
        .assert()
        .code(1);
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let found = check.accept(&text);
    assert_eq!(found["repository"], json!(false));
    assert!(found["plaintext"].as_array().unwrap().len() > 10);
    check.refuse(
        &found,
        &[
            ("clean", None),
            (
                "plaintext",
                Some(json!([{ "path": "a", "where": "tracked", "kinds": ["x"] }])),
            ),
        ],
    );

    for words in ["init -q", "add -A", "commit -q -m all"] {
        let git = std::process::Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e@example.com"])
            .args(words.split(' '))
            .current_dir(project.0.path())
            .status();
        assert!(git.unwrap().success());
    }
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_kpki"))
        .args(["check", "--no-plaintext", "--history", "--format", "json"])
        .arg("-C")
        .arg(project.0.path())
        .assert()
        .code(1);
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let found = check.accept(&text);
    assert!(found["history"]["keys"].as_array().unwrap().len() > 10);
    let key = |change: Value| json!({ "files": 1, "keys": [change], "rekey": [] });
    check.refuse(
        &found,
        &[
            ("history", Some(key(json!({ "artifact": "ca/etcd" })))),
            ("history", Some(json!({ "keys": [], "rekey": [] }))),
        ],
    );
}

#[test]
fn what_diff_prints_obeys_its_schema() {
    let (before, after) = (Project::new(BEFORE), Project::new(BEFORE));
    before.kpki("apply");
    after.kpki("apply");
    let compare = |below: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kpki"))
            .args(["diff", "--format", "json"])
            .args([before.0.path().join(below), after.0.path().join(below)])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stdout).unwrap()
    };
    let diff = Validator::of("diff");
    let locks = diff.accept(&compare("cluster.lock"));
    assert_eq!(locks["sections"][0]["of"], json!("lock"));
    let folders = diff.accept(&compare("out"));
    assert_eq!(folders["sections"][0]["of"], json!("files"));
    assert_eq!(
        folders["sections"][0]["changed"][0]["same-key"],
        json!(false)
    );
    diff.refuse(
        &folders,
        &[
            ("equal", None),
            ("sections", Some(json!([{ "of": "files" }]))),
            ("sections", Some(json!([{ "of": "bytes", "added": [], "removed": [], "changed": [], "follows": [] }]))),
        ],
    );
}

#[test]
fn a_broken_document_is_refused() {
    let project = Project::new(BEFORE);
    let plan = Validator::of("plan");
    let document = plan.accept(&project.kpki("plan --format json"));
    plan.refuse(
        &document,
        &[
            ("steps", None),
            ("format-version", None),
            ("format-version", Some(json!("1"))),
            ("steps", Some(json!([{ "name": "ca/etcd" }]))),
        ],
    );
    let status = Validator::of("status");
    let document = status.accept(&project.kpki("status --format json"));
    status.refuse(
        &document,
        &[
            ("certificates", None),
            (
                "attention",
                Some(json!([{ "code": "fine", "name": null, "text": "" }])),
            ),
        ],
    );
    let verify = Validator::of("verify");
    let folder = project.0.path().join("handmade");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("old.crt"), "").unwrap();
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_kpki"))
        .args(["verify", "--format", "json"])
        .arg(&folder)
        .assert()
        .code(2);
    let document = verify.accept(&String::from_utf8(output.get_output().stdout.clone()).unwrap());
    assert_eq!(
        document["findings"][0]["id"],
        json!("unreadable-certificate")
    );
    verify.refuse(
        &document,
        &[
            ("errors", Some(json!("1"))),
            ("findings", Some(json!([{ "id": "expired" }]))),
            ("now", None),
        ],
    );
    let lock = Validator::of("lock");
    let line = lock.accept(&format!(
        r#"{{"name":"ca/etcd","hash":"{}"}}"#,
        "0".repeat(32)
    ));
    lock.refuse(
        &line,
        &[
            ("hash", None),
            ("hash", Some(json!("short"))),
            ("size", Some(json!(-1))),
            ("secret", Some(json!("x"))),
        ],
    );
}
