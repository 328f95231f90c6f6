//! What somebody knows before they consent: what follows, how many gains there are, the whole command.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::testkit::{FolderProject, ended, kpki, printed, said, tool};

const LAB: &str = r#"
cluster "lab" { endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21"
user "jane" { group "dev" }
"#;

/// As on a terminal of 80 columns; it must end with this code.
#[track_caller]
fn shown(project: &FolderProject, arguments: &[&str], code: i32) -> String {
    let output = project.command(arguments).env("COLUMNS", "80").output().unwrap();
    ended(&output, code);
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn plan(project: &FolderProject, more: &[&str]) -> String {
    shown(project, &[&["plan"], more].concat(), 0)
}

fn names(steps: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = steps.as_array().unwrap().iter();
    steps.map(|step| (text(&step["name"]), text(&step["action"]))).collect()
}

/// The kinds of what an `--allow` lifts: how it comes to that, the arguments of the plan, and what its last
/// line must allow.
type Kind = (&'static str, fn(&FolderProject), &'static [&'static str], &'static [&'static str]);

const KINDS: [Kind; 8] = [
    ("asked for", |_| {}, &["--rekey", "ca/kubernetes"], &["replace:ca/kubernetes"]),
    (
        "two at once",
        |_| {},
        &["--rekey", "ca/etcd", "--rekey", "service-account"],
        &["replace:ca/etcd", "replace:service-account"],
    ),
    (
        "a CA that is lost",
        |project| {
            for file in ["ca/etcd.key", "ca/etcd.crt"] {
                fs::remove_file(project.out(file)).unwrap();
            }
            let copies = ["pki/etcd/ca.crt", "pki/etcd/ca.key"];
            for copy in copies.map(|copy| project.on_node("cp1", copy)) {
                let _ = fs::remove_file(copy);
            }
        },
        &[],
        &["replace:ca/etcd"],
    ),
    (
        "a CA key that is not here, and something to sign",
        |project| {
            fs::remove_file(project.out("ca/kubernetes.key")).unwrap();
            let _ = fs::remove_file(project.on_node("cp1", "pki/ca.key"));
            project.describe_more("node \"w2\" address=\"10.0.0.22\"");
        },
        &[],
        &["replace:ca/kubernetes"],
    ),
    (
        "a leaf's key that is lost",
        |project| {
            for file in ["jane.key", "jane.kubeconfig"] {
                fs::remove_file(project.out(&format!("users/jane/{file}"))).unwrap();
            }
            // Without something to do for it, a key that is absent is no loss.
            project.edit("cluster.kdl", "\"dev\"", "\"dev\"; namespace \"shop\"");
        },
        &[],
        &["lost-key:users/jane"],
    ),
    (
        "gains alone",
        |project| {
            project.edit("cluster.kdl", "\"dev\"", "\"system:nodes\"");
            project.describe_more("component \"apiserver\" { san \"api.example.com\" }");
        },
        &[],
        &["escalation:apiserver", "escalation:jane"],
    ),
    (
        // Nothing below a CA is planned while it is in the way.
        "a gain behind a CA",
        |project| {
            project.edit("cluster.kdl", "\"dev\"", "\"system:nodes\"");
            project.describe_more("ca \"kubernetes\" revision=2");
        },
        &[],
        &["escalation:jane", "replace:ca/kubernetes"],
    ),
    (
        "issuers behind a CA",
        |project| project.describe_more("ca \"front-proxy\" common-name=\"other\""),
        &[],
        &["escalation:front-proxy-client", "replace:ca/front-proxy"],
    ),
];

/// The last line, pasted into a shell, carries it all out: nothing asks again, and nothing is left to do.
#[test]
fn the_last_line_is_the_whole_consent() {
    for (what, change, arguments, allows) in KINDS {
        let project = FolderProject::described(LAB).applied();
        change(&project);
        let text = plan(&project, arguments);
        let last = text.lines().last().unwrap();
        let given: BTreeSet<&str> = last.split(" --allow ").skip(1).collect();
        assert_eq!(given, allows.iter().copied().collect(), "{what}\n{text}");
        let begins = [&["  kpki apply"], arguments].concat().join(" ");
        assert!(last.starts_with(&begins), "{what}\n{text}");
        let stops = shown(&project, &[&["plan", "--detailed-exitcode"], arguments].concat(), 3);
        assert_eq!(stops, text);

        // What was foreseen is what the plan with the consent does.
        let before = project.json(&[&["plan"], arguments].concat());
        let consent: Vec<&str> = allows.iter().flat_map(|allow| ["--allow", allow]).collect();
        let with = project.json(&[&["plan"][..], arguments, &consent].concat());
        let mut foreseen = names(&before["steps"]);
        if let Some(then) = before.get("if-allowed") {
            let then = names(&then["steps"]);
            foreseen.retain(|(name, _)| !then.iter().any(|(other, _)| other == name));
            foreseen.extend(then);
        }
        assert_eq!(foreseen, names(&with["steps"]), "{what}");
        assert!(with.get("if-allowed").is_none(), "{what}");

        let refused = project.kpki(&[&["apply"], arguments].concat());
        let refused = ended(&refused, 3);
        for allow in allows {
            assert!(refused.contains(&format!("--allow {allow}")), "{what}\n{refused}");
        }
        let command = last.trim().replacen("kpki", env!("CARGO_BIN_EXE_kpki"), 1);
        printed(&mut project.shell(&command));
        let left = shown(&project, &["plan", "--detailed-exitcode"], 0);
        assert!(left.starts_with("nothing to do"), "{what}\n{left}");
        assert!(!left.contains("if allowed"), "{what}\n{left}");
    }
}

#[test]
fn what_follows_stands_below_the_question() {
    let project = FolderProject::described(LAB).applied();
    let text = plan(&project, &["--rekey", "ca/kubernetes"]);
    let expected = "\
x ca/kubernetes
    a new CA key replaces every certificate below it
    only with --allow replace:ca/kubernetes

if allowed: 1 to REPLACE, 9 to reissue, 10 to render
  ! ca/kubernetes                               replace  replacement allowed
  ~ bundle/kubernetes                           render
  ~ nodes/cp1/apiserver                         reissue
";
    assert!(text.contains(expected), "{text}");
    for line in [
        "  restarts kubelet (service): cp1, w1\n",
        "\n1 to decide, 32 unchanged\n",
        "next: put back what is lost or undo the change; to go on all the same:\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // What is copied is whole; all else fits.
    for line in text.lines().filter(|line| !line.contains("kpki apply")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    // Apply says the same where it stops.
    let refused = project.command(&["apply", "--rekey", "ca/kubernetes"]);
    let refused = { refused }.env("COLUMNS", "80").output().unwrap();
    assert!(said(&refused).contains(expected), "{}", said(&refused));
    let comment = shown(&project, &["plan", "--rekey", "ca/kubernetes", "--format", "markdown"], 0);
    let fold = "<details><summary>if allowed: 1 to REPLACE, 9 to reissue, 10 to render</summary>";
    assert!(comment.contains(fold), "{comment}");
}

/// A gain that a CA hides asks as loudly as any other.
#[test]
fn a_gain_behind_a_ca_stands_open_in_a_comment() {
    let project = FolderProject::described(LAB).applied();
    project.edit("cluster.kdl", "\"dev\"", "\"system:nodes\"");
    project.describe_more("ca \"kubernetes\" revision=2");
    let comment = shown(&project, &["plan", "--format", "markdown"], 0);
    let (open, _) = comment.split_once("<details>").unwrap();
    assert!(open.contains("! jane gains the group system:nodes"), "{comment}");
    let text = plan(&project, &[]);
    assert!(text.contains("x jane gains the group system:nodes"), "{text}");
}

/// `-C`, a policy and other words of the plan are words of the command, too.
#[test]
fn the_command_is_as_kpki_was_called() {
    let project = FolderProject::described(LAB).applied();
    project.write("my policy.kdl", "policy {}\n");
    let folder = project.folder();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let policy = format!("{name}/my policy.kdl");
    let output = kpki(folder.parent().unwrap())
        .args(["-C", name, "plan", "--policy", &policy, "--renew", "users/*"])
        .args(["--rekey", "ca/etcd"])
        .output()
        .unwrap();
    let text = ended(&output, 0);
    let line = format!(
        "  kpki -C {name} apply --policy '{policy}' --renew 'users/*' --rekey ca/etcd --allow replace:ca/etcd\n"
    );
    assert!(text.contains(&line), "{text}");
    // A plan that is saved takes its consent in the file.
    let text = plan(&project, &["--rekey", "ca/etcd", "--out", "a plan"]);
    let line = "  kpki plan --out 'a plan' --rekey ca/etcd --allow replace:ca/etcd\n";
    assert!(text.ends_with(line), "{text}");
    let refused = ended(&project.kpki(&["apply", "a plan"]), 3);
    assert!(refused.contains("if allowed: 1 to REPLACE"), "{refused}");
    assert!(refused.ends_with(&line[2..]), "{refused}");
    let text = plan(&project, &["--renew", "users/*"]);
    assert!(text.ends_with("next: kpki apply --renew 'users/*'\n"), "{text}");
}

/// Where one of several has no consent, no line pretends that there is one.
#[test]
fn no_line_where_no_consent_helps() {
    let project = FolderProject::described(LAB).applied();
    project.write("none.kdl", "policy { forbid-group \"dev\" }\n");
    let text = shown(&project, &["plan", "--policy", "none.kdl", "--rekey", "ca/etcd"], 1);
    assert!(
        text.ends_with("next: change what the policy forbids; apply refuses until then\n"),
        "{text}"
    );
    let arguments = ["plan", "--policy", "none.kdl", "--detailed-exitcode", "--rekey", "ca/etcd"];
    shown(&project, &arguments, 1);
    ended(&project.kpki(&["apply", "--policy", "none.kdl", "--rekey", "ca/etcd"]), 1);
}

/// Sealed secrets that the description has in the clear.
#[test]
fn plaintext_is_one_of_the_consents() {
    let project = FolderProject::empty();
    printed(tool("age-keygen").arg("-o").arg(project.path("identity")));
    let recipient = printed(tool("age-keygen").arg("-y").arg(project.path("identity")));
    let sealed = format!("{LAB}secrets {{ recipient \"{}\" }}\n", recipient.trim());
    project.describe(&sealed);
    project.done(&["apply"]);
    project.describe(LAB);
    let text = plan(&project, &[]);
    assert!(text.ends_with("  kpki apply --allow plaintext\n"), "{text}");
    shown(&project, &["plan", "--detailed-exitcode"], 3);
    ended(&project.kpki(&["apply"]), 3);
}

/// A clock that is not believed stops an apply; a look ahead is no apply.
#[test]
fn exit_codes_of_a_plan_are_those_of_an_apply_that_stops() {
    let project = FolderProject::described(LAB).applied();
    shown(&project, &["plan", "--detailed-exitcode"], 0);
    project.describe_more("node \"w2\" address=\"10.0.0.22\"");
    shown(&project, &["plan"], 0);
    shown(&project, &["plan", "--detailed-exitcode"], 2);
    shown(&project, &["plan", "--detailed-exitcode", "--format", "json"], 2);
    project.edit("cluster.kdl", "\"dev\"", "\"system:nodes\"");
    shown(&project, &["plan"], 0);
    shown(&project, &["plan", "--detailed-exitcode", "--format", "markdown"], 3);
    shown(&project, &["plan", "--detailed-exitcode", "--allow", "escalation:jane"], 2);
    // Of two changes: no consent helps.
    let lock = project.text("cluster.lock");
    let other = FolderProject::described(LAB).applied();
    project.write("cluster.lock", other.text("cluster.lock"));
    shown(&project, &["plan", "--detailed-exitcode"], 1);
    shown(&project, &["plan"], 0);
    ended(&project.kpki(&["apply"]), 1);
    project.write("cluster.lock", lock);
}

/// Where much is alike, a screen is enough; what stops is listed, each.
#[test]
fn many_that_are_alike_are_told_once() {
    let project = FolderProject::example("large");
    let text = plan(&project, &[]);
    assert!(text.lines().count() <= 60, "{text}");
    assert!(text.contains("new; and 302 more: cp2, cp3, worker-a001, ..."), "{text}");
    assert!(text.contains("--full lists each of these 973\n"), "{text}");
    let full = plan(&project, &["--full"]);
    assert!(
        full.lines().count() > 970 && full.contains("nodes/worker-c100/kubelet.conf"),
        "{full}"
    );
    let steps = project.json(&["plan"])["steps"].as_array().unwrap().len();
    assert_eq!(steps, 972);

    let users = |group: &str| {
        (0..45).fold(LAB.to_owned(), |mut text, n| {
            writeln!(text, "user \"u{n}\" {{ group \"{group}\" }}").unwrap();
            text
        })
    };
    let project = FolderProject::described(&users("dev")).applied();
    project.describe(&users("system:nodes"));
    let text = plan(&project, &[]);
    for n in 0..45 {
        assert!(text.contains(&format!("x u{n} gains the group system:nodes")), "{text}");
    }
    assert!(
        text.contains("\n45 gains of power stand at the top, and 45 changes that stop nothing\n")
    );
    assert_eq!(text.lines().last().unwrap().matches(" --allow escalation:u").count(), 45);
    for n in 0..45 {
        for file in ["key", "kubeconfig"] {
            fs::remove_file(project.out(&format!("users/u{n}/u{n}.{file}"))).unwrap();
        }
    }
    project.describe(&users("dev\"; namespace \"shop"));
    let text = plan(&project, &[]);
    assert_eq!(text.matches("only with --allow lost-key:users/u").count(), 45, "{text}");
    assert!(text.contains("45 to decide"), "{text}");
    assert!(text.contains("if allowed: 45 to get a new key, 45 to render"), "{text}");
}

/// One who differs is no member of the crowd.
#[test]
fn what_is_not_alike_is_never_folded_away() {
    let workers = |extra: &str| {
        (1..=60).fold(LAB.replace("node \"w1\" address=\"10.0.0.21\"\n", ""), |mut text, n| {
            let san = if n == 33 { extra.to_owned() } else { format!("w{n}.rack.lab") };
            writeln!(text, "node \"w{n}\" address=\"10.0.1.{n}\" {{ san \"{san}\" }}").unwrap();
            text
        }) + "component \"kubelet\" serving=#true\n"
    };
    let project = FolderProject::described(&workers("w33.rack.lab").replace(".rack", "")).applied();
    project.describe(&workers("w34.rack.lab"));
    let text = plan(&project, &[]);
    assert!(text.contains("~ nodes/w1/kubelet-server"), "{text}");
    let odd = text.lines().position(|line| line.starts_with("~ nodes/w33/kubelet-server"));
    let odd: Vec<&str> = text.lines().skip(odd.unwrap()).take(2).collect();
    assert!(odd.concat().contains("+w34.rack.lab"), "{text}");
    assert!(!text.contains("~ nodes/w32/kubelet-server"), "{text}");
}

#[test]
fn status_can_be_a_check() {
    let project = FolderProject::described(&format!(
        "{LAB}user \"short\" {{ validity \"20d\"; renew-before \"2d\" }}\n"
    ));
    project.done(&["apply"]);
    let day = |days: i64| {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let now = kpki::time::Timestamp::from_unix(i64::try_from(now).unwrap() + days * 86_400);
        now.to_string()
    };
    let now = day(0);
    let text = shown(&project, &["status", "--now", &now], 0);
    for (check, code) in [
        ("--check", 2),
        ("--check=30d", 2),
        ("--check=19d", 0),
        ("--check=10d12h", 0),
        ("--check=1s", 0),
        ("--check=2y", 2),
    ] {
        assert_eq!(shown(&project, &["status", "--now", &now, check], code), text, "{check}");
    }
    let json = ["status", "--format", "json", "--now", &now];
    let checked = [&json[..], &["--check"]].concat();
    assert_eq!(shown(&project, &checked, 2), shown(&project, &json, 0));
    shown(&project, &["status", "--check=1s", "--now", &day(26)], 2);
    for wrong in ["--check=0d", "--check=soon", "--check=", "--check=-1d"] {
        ended(&project.kpki(&["status", wrong]), 64);
    }
    // A word behind it is not taken for the span.
    ended(&project.kpki(&["status", "--check", "30d"]), 64);
}
