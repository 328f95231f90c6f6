//! examples/ci, .github/workflows and packaging/: the scripts in their files are run, in real repositories
//! and with the real `gh`, and every command line of kpki in them is one.

mod checkout;
mod github;
mod hooks;
mod install;
mod packages;
mod release;
mod world;

use std::fs;
use std::path::Path;

use clap::Parser as _;
use serde_json::Value;

use github::GitHub;
use world::{Clone, World, script_of, steps_of};

use crate::testkit::ended;

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const GITHUB: &str = "examples/ci/github.yaml";
const GITLAB: &str = "examples/ci/gitlab.yaml";
const CI: &str = ".github/workflows/ci.yaml";
const RELEASE: &str = ".github/workflows/release.yaml";
const HOOKS: [&str; 2] = ["examples/ci/.pre-commit-config.yaml", ".pre-commit-hooks.yaml"];

/// Every text below a key of this name.
fn texts_of<'a>(value: &'a Value, keys: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if keys.contains(&key.as_str()) {
                    match member {
                        Value::String(text) => found.push(text),
                        Value::Array(texts) => found.extend(texts.iter().filter_map(Value::as_str)),
                        _ => {}
                    }
                }
                texts_of(member, keys, found);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| texts_of(member, keys, found)),
        _ => {}
    }
}

#[test]
fn every_command_line_is_one_of_kpki() {
    let mut seen = Vec::new();
    for file in [&[GITHUB, GITLAB], &HOOKS[..]].concat() {
        let yaml = yaml(file);
        let mut scripts = Vec::new();
        texts_of(&yaml, &["run", "script", "before_script", "entry"], &mut scripts);
        assert!(!scripts.is_empty(), "{file}");
        for line in scripts.iter().flat_map(|script| script.lines()) {
            let Some(command) = line.trim().strip_prefix("kpki ") else {
                continue;
            };
            let words: Vec<String> = command
                .split(' ')
                .take_while(|word| !matches!(*word, ">" | ">>" | "|" | "||" | "&&"))
                .filter(|word| *word != "\"$@\"")
                .map(|word| word.trim_matches('"').to_owned())
                .collect();
            let line = [vec!["kpki".to_owned()], words].concat();
            if let Err(error) = kpki::cli::Cli::try_parse_from(&line) {
                panic!("{file}: {line:?}: {error}");
            }
            seen.push(line[1].clone());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["apply", "check", "plan"]);
}

/// A pull request chooses its branch's name and its title: none of its texts may be pasted into a script.
#[test]
fn no_expression_is_pasted_into_a_script() {
    let yaml = yaml(GITHUB);
    let mut scripts = Vec::new();
    texts_of(&yaml, &["run"], &mut scripts);
    assert!(scripts.len() >= 5);
    for script in scripts {
        assert!(!script.contains("${{"), "{script}");
    }
}

#[test]
fn a_pull_request_has_no_secret_and_no_right_but_to_comment() {
    let yaml = yaml(GITHUB);
    // Not pull_request_target, which would give a fork's change the secrets of this repository.
    let events: Vec<_> = yaml["on"].as_object().unwrap().keys().collect();
    assert_eq!(events, ["pull_request", "push", "workflow_dispatch"]);
    assert_eq!(yaml["permissions"], serde_json::json!({ "contents": "read" }));
    let jobs = &yaml["jobs"];
    assert_eq!(jobs["plan"].get("permissions"), None);
    assert_eq!(jobs["comment"]["permissions"], serde_json::json!({ "pull-requests": "write" }));
    assert_eq!(jobs["apply"]["environment"], "pki");
    for job in ["plan", "comment"] {
        assert!(!jobs[job].to_string().contains("secrets."), "{job}");
    }
    assert!(!steps_of(jobs, "comment").iter().any(|step| step.get("uses").is_some()));
    let mut used = Vec::new();
    texts_of(&yaml, &["uses"], &mut used);
    assert_eq!(used.len(), 2);
    for action in used {
        let commit = action.strip_prefix("actions/checkout@").unwrap();
        assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{action}");
    }
    // What runs before the checkout cannot be steered by what is checked out.
    for job in ["plan", "apply"] {
        let steps = steps_of(jobs, job);
        assert_eq!(steps[0]["name"], "Install kpki");
        assert!(steps[1].get("uses").is_some());
    }
    // What kpki reads finds no token in the checkout, and only the step that pushes has one.
    let checkouts: Vec<_> = ["plan", "apply"].map(|job| &steps_of(jobs, job)[1]["with"]).to_vec();
    assert!(checkouts.iter().all(|with| with["persist-credentials"] == false));
    let with_token: Vec<_> = steps_of(jobs, "apply")
        .iter()
        .filter(|step| step.to_string().contains("github.token"))
        .map(|step| &step["name"])
        .collect();
    assert_eq!(with_token, ["Commit"]);
}

const SHORTER: &str = "component \"scheduler\" validity=\"91d\"\n";
const CLIENT_OF_ETCD: &str =
    "certificate \"backup\" { ca \"etcd\"; usage \"client\"; common-name \"backup\" }\n";
const MASTER: &str = "user \"mallory\" { group \"system:masters\"; allow-masters #true }\n";

/// One pull request: its first push, another one, and one that is broken.
#[test]
fn a_pull_request_on_github_gets_one_comment_that_follows_it() {
    let yaml = yaml(GITHUB);
    let world = World::new();
    let config = tempfile::tempdir().unwrap();
    let github = GitHub::start(config.path());
    // Anybody can write what looks like ours.
    let forged = "<!-- kpki plan prod -->\nnothing to do";
    github.comment("mallory", forged);
    let branch = world.branch("change");

    let push = |description: &str, code: i32| -> Vec<(String, String)> {
        branch.describe(description);
        branch.commit("A change");
        let plan = script_of(&yaml, "plan", "Plan");
        let planned = branch.run(&plan, &[("BASE", "main")]);
        assert_eq!(planned.code, Some(code), "{}", planned.said);
        let comment = planned.output("comment");
        assert_eq!(planned.summary, format!("{comment}\n"));
        let post = script_of(&yaml, "comment", "Post the comment, or update it");
        let posted = branch.run(
            &post,
            &[
                ("COMMENT", &comment),
                ("REPOSITORY", "acme/pki"),
                ("NUMBER", "7"),
                ("GH_TOKEN", "t"),
                ("GH_CONFIG_DIR", config.path().to_str().unwrap()),
            ],
        );
        assert_eq!(posted.code, Some(0), "{}", posted.said);
        github.comments()
    };

    let comments = push(SHORTER, 0);
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert_eq!(comments[1].0, "github-actions[bot]");
    assert!(comments[1].1.starts_with("<!-- kpki plan prod -->\n"), "{comments:?}");
    assert!(comments[1].1.contains("-> 91d"), "{comments:?}");
    let comments = push("", 0);
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[1].1.contains("nothing to do"), "{comments:?}");
    let comments = push("nod \"w9\"\n", 1);
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[1].1.contains("kpki plan failed"), "{comments:?}");
    let comments = push(SHORTER, 0);
    assert!(comments[1].1.contains("-> 91d"), "{comments:?}");
    assert_eq!(comments[0], ("mallory".to_owned(), forged.to_owned()));
}

/// The rules are read from where the pull request is to be merged into.
#[test]
fn a_pull_request_cannot_loosen_its_own_rules() {
    for (file, job, step, variables) in [
        (GITHUB, "plan", "Plan", &[("BASE", "main")]),
        (GITLAB, "plan", "", &[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")]),
    ] {
        let yaml = yaml(file);
        let world = World::new();
        let branch = world.branch("change");
        branch.describe(MASTER);
        branch.write("policy.kdl", "policy {}\n");
        branch.commit("A harmless change");
        let script = script_of(&yaml, job, step);
        let planned = branch.run(&script, variables);
        assert_eq!(planned.code, Some(1), "{file}: {}", planned.said);
        let shown = planned.everything();
        assert!(shown.contains("Against the policy"), "{file}: {shown}");
        assert!(shown.contains("system:masters"), "{file}: {shown}");
    }
}

/// A plan that needs a person is told from one that goes on, and from a mistake.
#[test]
fn what_needs_consent_is_a_warning() {
    let base = [("BASE", "main"), ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
    let scripts = [(GITHUB, "Plan", 0), (GITLAB, "", 3)];
    for (file, step, consent) in scripts {
        let script = script_of(&yaml(file), "plan", step);
        for (change, code) in [(SHORTER, 0), (CLIENT_OF_ETCD, consent), ("nonsense", 1)] {
            let world = World::new();
            let branch = world.branch("change");
            branch.describe(change);
            branch.commit("A change");
            let planned = branch.run(&script, &base);
            assert_eq!(planned.code, Some(code), "{file} {change}: {}", planned.said);
            let warns = planned.said.contains("::warning");
            assert_eq!(warns, file == GITHUB && change == CLIENT_OF_ETCD, "{}", planned.said);
        }
    }
    assert_eq!(yaml(GITLAB)["plan"]["allow_failure"]["exit_codes"], 3);
}

/// What says how it was before must be what apply wrote.
#[test]
fn a_pull_request_cannot_rewrite_what_was_before() {
    let github = yaml(GITHUB);
    let gitlab = yaml(GITLAB);
    for path in ["cluster.lock", "out/users/jane/jane.crt", "out/users/new.crt"] {
        let world = World::new();
        let branch = world.branch("change");
        let guard = script_of(&github, "plan", "Nobody but apply writes cluster.lock and out");
        let script = script_of(&gitlab, "plan", "");
        let base = [("BASE", "main"), ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
        branch.describe(SHORTER);
        branch.commit("A change");
        for script in [&guard, &script] {
            let ran = branch.run(script, &base);
            assert_eq!(ran.code, Some(0), "{}", ran.said);
        }
        let file = branch.path(path);
        let text = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, text + "\n").unwrap();
        branch.commit("A harmless change");
        for script in [&guard, &script] {
            let ran = branch.run(script, &base);
            assert_eq!(ran.code, Some(1), "{path}: {}", ran.said);
            assert!(ran.said.contains(path.rsplit('/').next().unwrap()), "{path}: {}", ran.said);
        }
    }
}

/// It was applied in the proposal's own tree: the lock and the files there say that all was agreed.
#[test]
fn a_pull_request_cannot_bring_its_own_consent() {
    for (file, step, variables) in [
        (GITHUB, "Plan", &[("BASE", "main")]),
        (GITLAB, "", &[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")]),
    ] {
        let world = World::new();
        let branch = world.branch("change");
        branch.describe("user \"eve\" { bind cluster-role=\"cluster-admin\" }\n");
        let identity = world.identity();
        let identity = identity.to_str().unwrap();
        branch.done(&["apply", "--identity", identity, "--allow", "escalation:eve"]);
        branch.commit("A harmless change");
        let planned = branch.run(&script_of(&yaml(file), "plan", step), variables);
        assert_eq!(planned.code, Some(1), "{file}: {}", planned.said);
        let shown = planned.everything();
        for words in [
            "**Against the base: this changes what only `kpki apply` writes**",
            "+ cluster.lock: users/eve/rbac.yaml is new",
            "+ out/users/eve/rbac.yaml is new",
            "apply would not ask for 1 gain of those below",
            "! eve gains cluster-role cluster-admin everywhere",
        ] {
            assert!(shown.contains(words), "{file}: {words}: {shown}");
        }
    }
}

#[test]
fn what_is_merged_is_applied_and_committed() {
    let github = yaml(GITHUB);
    let gitlab = yaml(GITLAB);
    for on_github in [true, false] {
        let world = World::new();
        let merge = |description: &str| {
            let main = world.branch("main");
            main.describe(description);
            main.commit("Merge a change");
            main.git(&["push", "--quiet", "origin", "main"]);
            main
        };
        let last = |main: &Clone| main.git(&["log", "-1", "--format=%s"]).trim().to_owned();
        let identity = fs::read_to_string(world.identity()).unwrap();
        let apply = |main: &Clone, allow: &str| {
            if on_github {
                let step = script_of(&github, "apply", "Apply");
                let applied = main.run(&step, &[("IDENTITY", &identity), ("ALLOW", allow)]);
                assert!(!main.temp().join("identity").exists(), "the identity is left behind");
                if applied.code != Some(0) {
                    return applied;
                }
                let commit = script_of(&github, "apply", "Commit");
                main.run(&commit, &[])
            } else {
                let path = world.identity();
                main.run(
                    &script_of(&gitlab, "apply", ""),
                    &[
                        ("KPKI_IDENTITY", path.to_str().unwrap()),
                        ("ALLOW", allow),
                        ("CI_JOB_TOKEN", "t"),
                        ("CI_SERVER_HOST", "git.example.com"),
                        ("CI_PROJECT_PATH", "acme/pki"),
                        ("CI_COMMIT_BRANCH", "main"),
                    ],
                )
            }
        };
        let applied = apply(&merge(SHORTER), "");
        assert_eq!(applied.code, Some(0), "{}", applied.said);
        let merged = world.branch("main");
        assert_eq!(last(&merged), "kpki apply");
        let changed = merged.git(&["diff", "--name-only", "HEAD~1", "HEAD"]);
        assert!(changed.contains("cluster.lock"), "{changed}");
        assert!(changed.contains("nodes/cp1/etc/kubernetes/scheduler.conf.age"), "{changed}");
        ended(&merged.kpki(&["plan", "--detailed-exitcode"]), 0);
        // What needs consent stops it, and nothing is committed, until somebody gives it.
        let main = merge(CLIENT_OF_ETCD);
        let refused = apply(&main, "");
        assert_eq!(refused.code, Some(3), "{}", refused.said);
        assert!(refused.said.contains("--allow escalation:backup"), "{}", refused.said);
        assert_eq!(last(&world.branch("main")), "Merge a change");
        let allowed = apply(&main, "escalation:backup");
        assert_eq!(allowed.code, Some(0), "{}", allowed.said);
        let merged = world.branch("main");
        assert_eq!(last(&merged), "kpki apply");
        // Once more: nothing to commit.
        let before = merged.git(&["rev-parse", "HEAD"]);
        let applied = apply(&merged, "");
        assert_eq!(applied.code, Some(0), "{}", applied.said);
        assert_eq!(world.branch("main").git(&["rev-parse", "HEAD"]), before);
    }
}
