//! `kpki rotate`: three edits of the description, each of them applied, and the way back.

use crate::testkit::folder_project::FolderProject;

const DESCRIPTION: &str = "// my cluster\n\
cluster \"lab\" { endpoint \"api.lab\" }\n\
node \"cp1\" role=\"control-plane\" address=\"10.0.0.1\"\n\
ca \"etcd\" validity=\"3650d\" // ours\n";

fn with_etcd(keypairs: &str) -> String {
    let (before, _) = DESCRIPTION.split_once(" // ours").unwrap();
    format!("{before} {{ {keypairs} }} // ours\n")
}

const TRUST: &str = r#"keypair 1; keypair 2 state="trusted""#;
const PROMOTE: &str = r#"keypair 1 state="trusted"; keypair 2"#;

#[test]
fn each_stage_is_one_edit_and_one_word() {
    let project = FolderProject::described(DESCRIPTION).applied();
    for (stage, keypairs) in [("trust", TRUST), ("promote", PROMOTE), ("distrust", "keypair 2")] {
        let said = project.kpki(&["rotate", "ca/etcd"]);
        assert!(said.status.success(), "{said:?}");
        let said = String::from_utf8_lossy(&said.stdout);
        let word = format!("--allow {stage}:ca/etcd");
        assert!(said.contains(&word), "{said}");
        assert_eq!(project.text("cluster.kdl"), with_etcd(keypairs));
        let stopped = project.kpki(&["apply"]);
        assert_eq!(stopped.status.code(), Some(3), "{stopped:?}");
        project.done(&["apply", "--allow", &format!("{stage}:ca/etcd"), "--all"]);
        let plan = project.kpki(&["plan", "--detailed-exitcode"]);
        assert!(plan.status.success(), "{stage}: {plan:?}");
    }
    let back = project.kpki(&["rotate", "ca/etcd", "--back"]);
    assert_eq!(back.status.code(), Some(1), "{back:?}");
    assert!(String::from_utf8_lossy(&back.stderr).contains("no stage to go back to"), "{back:?}");
    assert_eq!(project.text("cluster.kdl"), with_etcd("keypair 2"));
}

#[test]
fn back_from_each_stage() {
    let project = FolderProject::described(DESCRIPTION).applied();
    for (stage, after, back) in [("trust", TRUST, "keypair 1"), ("promote", PROMOTE, TRUST)] {
        project.done(&["rotate", "ca/etcd"]);
        assert_eq!(project.text("cluster.kdl"), with_etcd(after));
        project.done(&["apply", "--all", "--allow", &format!("{stage}:ca/etcd")]);
        project.done(&["rotate", "ca/etcd", "--back"]);
        assert_eq!(project.text("cluster.kdl"), with_etcd(back));
        project.done(&["rotate", "ca/etcd"]);
        assert_eq!(project.text("cluster.kdl"), with_etcd(after));
    }
}

#[test]
fn what_cannot_be_rotated_is_told_and_nothing_is_written() {
    let project = FolderProject::described(DESCRIPTION).applied();
    let refused = |arguments: &[&str], code: i32, says: &str| {
        let said = project.kpki(arguments);
        assert_eq!(said.status.code(), Some(code), "{said:?}");
        assert!(String::from_utf8_lossy(&said.stderr).contains(says), "{said:?}");
    };
    refused(&["rotate", "ca/other"], 64, "ca/front-proxy");
    refused(&["rotate", "service-account", "--certificate", "x.crt"], 1, "has no certificate");
    refused(&["rotate", "ca/etcd", "--certificate", "x.crt"], 1, "x.crt");
    refused(&["rotate", "ca/kubernetes", "--back"], 1, "no stage to go back to");
    assert_eq!(project.text("cluster.kdl"), DESCRIPTION);
}
