//! `kpki diff` between revisions of a repository.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::repository::{APPLY_NAMED, LAB, Repository, line, named};
use crate::testkit::{ended, set_mode};

#[test]
fn a_revision_is_compared_with_the_working_tree() {
    for below in [".", "sites/the prod"] {
        let repository = Repository::new(below);
        let nothing = "nothing differs in meaning: HEAD and the working tree\n";
        assert_eq!(repository.diff(&[], 0), nothing);
        assert_eq!(repository.diff(&["main"], 0), nothing.replace("HEAD", "main"));

        // Described, and not built yet.
        repository.describe(&named());
        let text = repository.diff(&["main"], 2);
        let apiserver = line(&text, "~ nodes/cp1/apiserver ");
        assert!(apiserver.ends_with("sans: +cp1.lab.internal"), "{text}");
        assert!(!text.contains("certificates"), "{text}");
        assert_eq!(repository.diff(&["main.."], 0), "nothing differs in meaning: main and HEAD\n");

        // Built over the same key.
        repository.done(&APPLY_NAMED);
        let text = repository.diff(&["HEAD"], 2);
        let apiserver = line(&text, "~ out/nodes/cp1/etc/kubernetes/pki/apiserver.crt ");
        assert!(apiserver.contains("sans: +cp1.lab.internal; "), "{text}");
        assert!(apiserver.contains("; same key"), "{text}");
        // A serial number always changes with the rest; nobody reads it.
        assert!(!text.contains("serial") && !text.contains("BEGIN"), "{text}");

        // With a new one.
        repository.commit("named");
        repository.done(&["apply", "--rekey", "users/jane"]);
        let text = repository.diff(&[], 2);
        let jane = line(&text, "~ out/users/jane/jane.crt ");
        assert!(jane.contains("another public-key ("), "{text}");
        assert!(!jane.contains("same key"), "{text}");
        assert!(!text.contains("description"), "{text}");
    }
}

#[test]
fn two_revisions_in_every_way_to_write_them() {
    let repository = Repository::new(".");
    repository.git(&["tag", "v1"]);
    repository.branch("feature", &format!("{LAB}user \"bob\" {{ group \"ops\" \"dev\" }}\n"));
    repository.git(&["switch", "--quiet", "main"]);
    repository.describe(&named());
    repository.done(&APPLY_NAMED);
    repository.commit("main goes on");

    for words in [&["v1..feature"][..], &["v1", "feature"], &["main...feature"]] {
        let text = repository.diff(words, 2);
        let bob = line(&text, "+ users/bob ");
        assert!(bob.contains("certificate: common-name bob; "), "{text}");
        assert!(bob.contains("organizations dev, ops; "), "{text}");
        line(&text, "+ out/users/bob/bob.crt ");
        assert!(!text.contains("cp1.lab.internal"), "{words:?}\n{text}");
        assert!(text.ends_with("description: 2 added; certificates: 1 added\n"), "{text}");
    }
    // As they are: what main has is not on the branch.
    let text = repository.diff(&["main..feature"], 2);
    assert!(text.contains("sans: -cp1.lab.internal"), "{text}");
    let text = repository.diff(&["feature", "v1"], 2);
    line(&text, "- users/bob ");
    for words in [&["v1..v1"][..], &["main..HEAD"], &["..main"], &["HEAD^..v1"]] {
        repository.diff(words, 0);
    }
}

#[test]
fn the_same_change_of_many_is_said_once() {
    let repository = Repository::new(".");
    let nodes = |validity: &str| {
        let node = |n| format!("node \"w{n}\" address=\"10.0.1.{n}\" validity=\"{validity}\"\n");
        format!("{LAB}{}", (1..=9).map(node).collect::<String>())
    };
    repository.describe(&nodes("90d"));
    repository.commit("nodes");
    repository.describe(&nodes("30d"));
    let text = repository.diff(&[], 2);
    let first = line(&text, "~ nodes/w1/kubelet ");
    assert!(first.contains("validity: 90 days -> 30 days"), "{text}");
    let others = line(&text, "  and 8 more ");
    assert!(
        others.ends_with("nodes/w2/kubelet, nodes/w3/kubelet, nodes/w4/kubelet, ..."),
        "{text}"
    );
    // A kubeconfig embeds it, and says nothing else itself.
    let follows = text.lines().filter(|line| line.contains("follows nodes/w")).count();
    assert_eq!(follows, 9, "{text}");
    assert!(text.ends_with("description: 9 changed\n"), "{text}");
}

#[test]
fn json_has_every_name() {
    let repository = Repository::new(".");
    repository.describe(&named());
    let report: Value = serde_json::from_str(&repository.diff(&["--format", "json"], 2)).unwrap();
    assert_eq!((&report["before"], &report["after"]), (&"HEAD".into(), &"the working tree".into()));
    assert_eq!(report["equal"], false);
    let changed = &report["sections"][0]["changed"][0];
    assert_eq!(changed["name"], "nodes/cp1/apiserver");
    assert_eq!(changed["changes"][0]["added"], serde_json::json!(["cp1.lab.internal"]));
}

#[test]
fn what_is_both_a_file_and_a_revision_is_refused() {
    let repository = Repository::new(".");
    repository.git(&["branch", "out"]);
    let said = repository.diff(&["out"], 64);
    assert!(said.contains("out is both a file or folder and a revision"), "{said}");
    assert!(said.contains("./out for what lies there, out.. for the revision"), "{said}");
    repository.diff(&["out.."], 0);
    repository.diff(&["out^0"], 0);
    repository.diff(&["./out", "./out"], 0);
    for (words, code, message) in [
        (&["./nothing"][..], 1, "there is no file or folder ./nothing"),
        (&["nothing"], 1, "nothing is neither a file or folder nor a revision"),
        (&["main..nothing"], 1, "main..nothing is neither"),
        (&["cluster.lock"], 64, "cluster.lock is compared with nothing"),
        (&["main", "./out"], 64, "two revisions, two files or two folders"),
        (&["./out", "./cluster.lock"], 64, "./out is a folder, and the other is none"),
        (&["main..", "main"], 64, "two revisions"),
    ] {
        let said = repository.diff(words, code);
        assert!(said.contains(message), "{words:?}\n{said}");
        assert!(said.contains("help: ") || code == 1, "{words:?}\n{said}");
    }
}

/// Names of other people's making reach git as data or not at all.
#[test]
fn hostile_names_never_become_options() {
    let repository = Repository::new(".");
    let marker = repository.path("ran");
    let run = format!("touch {}", marker.display());
    for name in [
        format!("--upload-pack={run}"),
        format!("--exec={run}"),
        format!("--output={}", marker.display()),
        "-h".into(),
        "--all".into(),
        "-".into(),
        "main main".into(),
        "main\nmain".into(),
        "main\u{1b}[31m".into(),
        "HEAD:cluster.kdl".into(),
        "^main".into(),
        "main^@".into(),
        format!("--upload-pack={run}..main"),
        format!("main..--output={}", marker.display()),
        "...".repeat(2000),
        "é".into(),
        String::new(),
    ] {
        let said = repository.diff(&["--", &name], 1);
        assert!(said.contains("is neither a file or folder nor a revision"), "{name:?}\n{said}");
        assert!(!said.contains('\u{1b}'), "{name:?}");
    }
    assert!(!marker.exists());
}

/// A clone's own files may name programs; none is run, and nothing stands in for a commit.
#[test]
fn nothing_of_the_repository_is_run_or_replaced() {
    let repository = Repository::new(".");
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.describe(&named());
    repository.commit("named");
    let marker = repository.path("ran");
    let program = repository.path("program.sh");
    fs::write(&program, format!("#!/bin/sh\ntouch '{}'\ncat \"$@\"\n", marker.display())).unwrap();
    set_mode(&program, 0o755);
    let program = program.to_str().unwrap();
    fs::write(repository.path(".gitattributes"), "* diff=evil filter=evil\n").unwrap();
    for name in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
        "filter.evil.clean",
    ] {
        repository.git(&["config", name, program]);
    }
    // The second commit pretends to be the first one.
    let head = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["replace", head.trim(), first.trim()]);
    let hooks = repository.path(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in
        ["post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"]
    {
        fs::copy(program, hooks.join(hook)).unwrap();
    }
    let _ = fs::remove_file(&marker);
    let text = repository.diff(&[&format!("{}..{}", first.trim(), head.trim())], 2);
    assert!(text.contains("sans: +cp1.lab.internal"), "{text}");
    repository.diff(&["HEAD"], 0);
    assert!(!marker.exists(), "a program was run");
}

/// A hook's environment speaks of its own repository.
#[test]
fn the_project_decides_which_repository_is_meant() {
    let repository = Repository::new(".");
    let other = Repository::new(".");
    let mut command = other.kpki_command();
    repository.git(&["tag", "only-here"]);
    ended(
        &command
            .env("GIT_DIR", other.path(".git"))
            .env("GIT_WORK_TREE", other.top())
            .env("GIT_INDEX_FILE", "nowhere")
            .arg("-C")
            .arg(repository.top())
            .args(["diff", "only-here"])
            .output()
            .unwrap(),
        0,
    );
}

#[test]
fn without_git_only_files_are_compared() {
    let repository = Repository::new(".");
    let run = |words: &[&str]| {
        let mut command = repository.kpki_command();
        command.env("PATH", "").arg("diff").args(words).output().unwrap()
    };
    let output = ended(&run(&["main"]), 1);
    assert!(output.contains("cannot run git: "), "{output}");
    ended(&run(&["cluster.lock", "cluster.lock"]), 0);
}

#[test]
fn a_lock_that_claims_nothing_changed_is_not_believed() {
    let repository = Repository::new(".");
    let lock = repository.read("cluster.lock");
    // Another certificate in the same place; description and lock stay as they were.
    repository.done(&["apply", "--rekey", "users/jane"]);
    fs::write(repository.path("cluster.lock"), &lock).unwrap();
    repository.commit("No changes");
    let text = repository.diff(&["HEAD^.."], 2);
    assert!(line(&text, "~ out/users/jane/jane.crt ").contains("another public-key"), "{text}");
    assert!(text.ends_with("certificates: 1 changed\n"), "{text}");

    // And what a lock says is never printed as it stands.
    for (forged, message) in [
        (lock.replace("\"cluster\":\"lab\"", "\"cluster\":\"\\u001b[31m\""), "never writes"),
        (format!("<<<<<<< ours\n{lock}"), "is a merge conflict"),
        (lock.replace("\"kpki-lock\":1", "\"kpki-lock\":9"), "newer kpki"),
    ] {
        fs::write(repository.path("cluster.lock"), forged).unwrap();
        repository.commit("Forged");
        let said = repository.diff(&["main^..main"], 1);
        assert!(said.contains("main: cluster.lock:"), "{said}");
        assert!(said.contains(message) && !said.contains('\u{1b}'), "{said}");
        repository.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    }
}

#[test]
fn a_file_that_is_brought_counts_by_what_is_in_it() {
    let repository = Repository::new(".");
    let openssl = |words: &str| repository.openssl(words);
    let ca = |name: &str| {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout /dev/null -out company.crt \
             -subj /CN={name} -days 400 -addext keyUsage=critical,keyCertSign"
        ));
    };
    let request = || {
        openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout /dev/null -out omar.csr -subj /CN=omar",
        );
    };
    ca("company");
    request();
    repository.describe(&format!(
        "{LAB}ca \"front-proxy\" certificate=\"company.crt\"\nuser \"omar\" {{ csr \"omar.csr\" }}\n"
    ));
    repository.commit("brought");
    repository.diff(&[], 0);
    ca("company");
    request();
    repository.commit("swapped, in an untouched description");
    let text = repository.diff(&["HEAD^.."], 2);
    assert!(line(&text, "~ ca/front-proxy ").contains("another public-key"), "{text}");
    assert!(line(&text, "~ users/omar ").contains("another public-key"), "{text}");
    ca("another");
    let text = repository.diff(&[], 2);
    let line = line(&text, "~ ca/front-proxy ");
    assert!(line.contains("subject: CN=company -> CN=another"), "{text}");
}

#[test]
fn links_and_other_repositories_are_not_followed() {
    let repository = Repository::new(".");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("cluster.kdl"), LAB).unwrap();
    fs::remove_file(repository.path("cluster.kdl")).unwrap();
    symlink(outside.path().join("cluster.kdl"), repository.path("cluster.kdl")).unwrap();
    repository.commit("a link");
    let said = repository.diff(&["HEAD^..HEAD"], 1);
    assert!(said.contains("in the description of HEAD"), "{said}");
    assert!(
        said.contains("cannot read cluster.kdl: a symbolic link, which is not followed"),
        "{said}"
    );

    repository.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let head = repository.git(&["rev-parse", "HEAD"]);
    let entry = format!("160000,{},parts", head.trim());
    repository.git(&["update-index", "--add", "--cacheinfo", &entry]);
    repository.describe(&format!("{LAB}include \"parts/nodes.kdl\"\n"));
    repository.git(&["add", "cluster.kdl"]);
    repository.git(&["commit", "--quiet", "-m", "a submodule"]);
    let said = repository.diff(&["HEAD^..HEAD"], 1);
    assert!(said.contains("cannot read parts/nodes.kdl: in a submodule"), "{said}");
}

#[test]
fn a_mistake_is_told_with_its_revision() {
    let repository = Repository::new(".");
    repository.describe(&LAB.replace("role", "rolle"));
    repository.commit("a mistake");
    let said = repository.diff(&["main^..main"], 1);
    assert!(said.contains("2 mistakes in the description of main"), "{said}");
    assert!(said.contains("--> cluster.kdl:3:"), "{said}");
    let said = repository.diff(&["main^"], 1);
    assert!(said.contains("2 mistakes in the description of the working tree"), "{said}");
}

#[test]
fn before_the_first_description_or_the_first_apply() {
    let repository = Repository::new("sites/prod");
    repository.git(&["switch", "--quiet", "--orphan", "empty"]);
    fs::create_dir_all(repository.path("")).unwrap();
    let said = repository.diff(&[], 1);
    assert!(said.contains("there is no commit here yet"), "{said}");
    repository.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]);
    let said = repository.diff(&["empty..empty"], 1);
    assert!(said.contains("there is no cluster.kdl in empty or empty"), "{said}");
    let text = repository.diff(&["empty..main"], 2);
    line(&text, "+ ca/kubernetes ");
    line(&text, "note: there is no cluster.kdl in empty");
    let note = line(&text, "note: there are no certificates under out/ in empty");
    assert!(note.ends_with("only descriptions are compared"), "{text}");
}

/// A few objects can describe more paths than any machine can list.
#[test]
fn a_tree_without_end_ends_in_an_error() {
    let repository = Repository::new(".");
    let object = |kind: &[&str], input: &str| {
        use std::io::Write as _;
        let mut child = repository
            .git_command(kind)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let mut tree = object(&["hash-object", "-w", "--stdin"], "x");
    for level in 0..12 {
        let kind = if level == 0 { "100644 blob" } else { "040000 tree" };
        let entry = |n| format!("{kind} {tree}\tentry-{n}");
        let entries: Vec<String> = (0..10).map(entry).collect();
        tree = object(&["mktree"], &(entries.join("\n") + "\n"));
    }
    let commit = object(&["commit-tree", &tree, "-m", "bomb"], "");
    let started = std::time::Instant::now();
    let said = repository.diff(&[&format!("main..{commit}")], 1);
    assert!(said.contains("holds more files than kpki reads"), "{said}");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
