//! `status` and `plan` of a part, and from another time.

use crate::testkit::{FolderProject, ended, refused};

const TWO: &str = r#"
cluster "lab" { endpoint "api.lab.internal" }
node "cp1" role="control-plane" address="10.0.0.11"
node "cp2" role="control-plane" address="10.0.0.12"
user "jane" { group "dev"; validity "90d" }
"#;

fn names(status: &serde_json::Value) -> Vec<&str> {
    let all = status["certificates"].as_array().unwrap();
    all.iter().map(|life| life["name"].as_str().unwrap()).collect()
}

#[test]
fn status_of_what_is_named() {
    let lab = FolderProject::described(TWO).applied();
    let all = lab.json(&["status"]);
    for (words, test) in [
        (
            &["nodes/cp1/apiserver"][..],
            &(|name: &str| name == "nodes/cp1/apiserver") as &dyn Fn(&str) -> bool,
        ),
        (&["apiserver"], &|name| name.ends_with("/apiserver")),
        (&["cp1"], &|name| name.starts_with("nodes/cp1/")),
        (&["nodes/cp1/*"], &|name| name.starts_with("nodes/cp1/")),
        (&["nodes"], &|name| name.starts_with("nodes/")),
        (&["jane", "ca/etcd"], &|name| name == "users/jane" || name == "ca/etcd"),
        (&["ca"], &|name| name.starts_with("ca/")),
    ] {
        let part = lab.json(&[&["status"], words].concat());
        let expected: Vec<_> = names(&all).into_iter().filter(|name| test(name)).collect();
        assert!(!expected.is_empty());
        assert_eq!(names(&part), expected, "{words:?}");
    }
    let text = lab.says("status cp1");
    let others = names(&all).iter().filter(|name| !name.starts_with("nodes/cp1/")).count();
    assert!(text.contains(&format!("\n{others} other certificates not shown\n")), "{text}");
    let err = refused(&lab.kpki(&["status", "cp9"]), 64);
    assert!(err.contains("no artifact is named cp9") && err.contains("did you mean"), "{err}");
    // The exit code is about the same.
    ended(&lab.kpki(&["status", "--check=100d"]), 2);
    ended(&lab.kpki(&["status", "cp1", "--check=100d"]), 0);
    ended(&lab.kpki(&["status", "jane", "--check=100d"]), 2);
    std::fs::remove_file(lab.on_node("cp2", "pki/apiserver.crt")).unwrap();
    ended(&lab.kpki(&["status", "cp1", "--detailed-exitcode"]), 0);
    assert!(
        ended(&lab.kpki(&["status", "cp2", "--detailed-exitcode"]), 2).contains("apiserver.crt")
    );
}

#[test]
fn status_of_what_ends_soon() {
    let lab = FolderProject::described(TWO).applied();
    assert_eq!(names(&lab.json(&["status", "--before", "91d"])), ["users/jane"]);
    assert!(names(&lab.json(&["status", "--before", "89d"])).is_empty());
    assert_eq!(
        names(&lab.json(&["status", "--before", "2500-01-01"])),
        names(&lab.json(&["status"]))
    );
    assert!(
        lab.says("status --before 89d").starts_with("no certificate is among those asked for (")
    );
    // A shorter list hides no trouble from the exit code.
    ended(&lab.kpki(&["status", "--before", "1d", "--check=100d"]), 2);
    let err = refused(&lab.kpki(&["status", "--before", "soon"]), 64);
    assert!(err.contains("365d") && err.contains("2027-01-31"), "{err}");
}

#[test]
fn now_may_be_a_span_ahead() {
    let lab = FolderProject::described(TWO).applied();
    let expiring = |words: &[&str]| lab.json(words)["attention"].as_array().unwrap().len();
    assert_eq!(expiring(&["status"]), 0);
    // 90 days, and renewed in the last third or so; then gone.
    assert_eq!(expiring(&["status", "--now", "+85d"]), 1);
    let gone = lab.json(&["status", "--now", "+91d"]);
    assert_eq!(gone["attention"][0]["code"], "expired");
    assert!(lab.says("plan --now +91d").contains("users/jane"));
    for text in ["+", "+0d", "-1d", "90d"] {
        let err = refused(&lab.kpki(&["plan", &format!("--now={text}")]), 64);
        assert!(err.contains("--now"), "{text}: {err}");
    }
}

#[test]
fn plan_of_what_is_named_shows_less_and_plans_the_same() {
    let lab = FolderProject::described(TWO);
    let all = lab.json(&["plan"]);
    let part = lab.json(&["plan", "cp1"]);
    let steps = |plan: &serde_json::Value| plan["steps"].as_array().unwrap().clone();
    let own = |step: &serde_json::Value| step["name"].as_str().unwrap().starts_with("nodes/cp1/");
    let expected: Vec<_> = steps(&all).into_iter().filter(own).collect();
    assert_eq!(steps(&part), expected);
    let others = steps(&all).len() - expected.len();
    assert_eq!(part["others"], others);
    assert!(all.get("others").is_none());
    assert_eq!(part["summary"], all["summary"]);
    let text = lab.says("plan cp1");
    assert!(
        text.contains(&format!("\n{others} other changes not shown; an apply makes them, too\n")),
        "{text}"
    );
    assert!(!text.contains("users/jane"), "{text}");
    assert!(text.ends_with("next: kpki apply\n"), "{text}");
    ended(&lab.kpki(&["plan", "cp1", "--detailed-exitcode"]), 2);
    // Who gains power is never left out, and what stops an apply stops it.
    lab.done(&["apply"]);
    lab.edit("cluster.kdl", "group \"dev\"", "group \"ops\"");
    let text = ended(&lab.kpki(&["plan", "cp1", "--detailed-exitcode"]), 3);
    assert!(text.contains("jane") && text.contains("--allow escalation:jane"), "{text}");
    assert!(text.contains("nothing to do about what is named"), "{text}");
    // A plan that is saved is a whole one.
    let err = refused(&lab.kpki(&["plan", "cp1", "--out", "x.plan"]), 64);
    assert!(err.contains("--out"), "{err}");
    refused(&lab.kpki(&["plan", "nothing-like-this"]), 64);
}
