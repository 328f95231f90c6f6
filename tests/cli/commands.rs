//! The binary from outside: init, status, show, why, and how every command behaves in a shell.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::testkit::{Desk, FolderProject, files_below, mode, set_mode};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(lab: &FolderProject, words: &str) -> Ran {
    ran(&mut lab.typed(words))
}

/// Exit code and the talk of a command that fails.
fn fails(lab: &FolderProject, words: &str) -> (i32, String) {
    let ran = run(lab, words);
    assert_ne!(ran.code, 0, "{words}\n{}", ran.out);
    assert_eq!(ran.out, "", "{words}: nothing but talk");
    (ran.code, ran.err)
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("not ended by a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const TWO_NODES: &str = r#"
cluster "lab" { endpoint "api.lab.internal" }
node "cp1" role="control-plane" address="10.0.0.11"
node "cp2" role="control-plane" address="10.0.0.12"
user "jane" { group "dev"; validity "90d" }
"#;

#[test]
fn init_writes_a_project_that_plans_and_never_overwrites() {
    let lab = FolderProject::empty();
    let out = lab.says("-C new/prod-1 init");
    assert!(out.ends_with("next: edit new/prod-1/cluster.kdl, then kpki plan\n"), "{out}");
    let text = lab.text("new/prod-1/cluster.kdl");
    assert!(text.contains("cluster \"prod-1\""), "{text}");
    assert!(lab.says("-C new/prod-1 plan").contains("ca/kubernetes"));

    // Again: the description stays, and so does all that is complete.
    let before = files_below(&lab.path("new"));
    let contents = || -> Vec<Vec<u8>> {
        let files = before.iter();
        files.map(|path| std::fs::read(path).unwrap()).collect()
    };
    let first = contents();
    let out = lab.says("-C new/prod-1 init");
    assert_eq!(
        out,
        "nothing to do: new/prod-1/cluster.kdl is there, and Git knows what to ignore\n"
    );
    assert_eq!((files_below(&lab.path("new")), contents()), (before.clone(), first));
    // A folder that began without init is topped up.
    std::fs::create_dir(lab.path("old")).unwrap();
    lab.write("old/cluster.kdl", "not even a description {");
    lab.write("old/.gitignore", "mine\nout/**/*.key\n");
    let out = lab.says("-C old init");
    assert_eq!(
        out,
        "wrote .gitattributes in old\nadded what was missing to .gitignore\nleft old/cluster.kdl as it is\n"
    );
    let kept = lab.text("old/cluster.kdl");
    assert_eq!(kept, "not even a description {");
    let ignored = lab.text("old/.gitignore");
    assert_eq!(ignored.matches("out/**/*.key\n").count(), 1, "{ignored}");
    assert!(ignored.contains("out/**/*.conf\n"), "{ignored}");
    // A lab's seed is for a new description; and what only has its name is in the way.
    let (code, err) = fails(&lab, "-C old init --lab");
    assert_eq!(code, 1);
    assert!(err.contains("old/cluster.kdl exists already"), "{err}");
    assert!(!lab.path("old/lab.seed").exists());
    std::fs::create_dir(lab.path("odd")).unwrap();
    std::os::unix::fs::symlink("nowhere", lab.path("odd/cluster.kdl")).unwrap();
    let (code, err) = fails(&lab, "-C odd init");
    assert_eq!(code, 1);
    assert!(err.contains("odd/cluster.kdl exists already"), "{err}");
    assert!(!lab.path("odd/.gitignore").exists());

    std::fs::create_dir(lab.path("other")).unwrap();
    lab.write("other/.gitignore", "mine");
    let out = lab.says("-C other init");
    assert!(
        out.starts_with(
            "wrote cluster.kdl and .gitattributes in other\nadded what was missing to .gitignore\n"
        ),
        "{out}"
    );
    assert!(lab.path("other/cluster.kdl").exists());
    let ignored = lab.text("other/.gitignore");
    assert!(ignored.starts_with("mine\n\n# "), "{ignored}");
    assert!(ignored.ends_with("*.tar\n.*.kpki-new\n\n# From a seed follow all private keys of a reproducible cluster.\n*.seed\n"), "{ignored}");

    // Where everything is there already, not a byte is added; what is no file is left alone.
    std::fs::create_dir(lab.path("third")).unwrap();
    lab.write("third/.gitignore", &ignored);
    std::os::unix::fs::symlink("elsewhere", lab.path("third/.gitattributes")).unwrap();
    let out = lab.says("-C third init");
    assert!(
        out.starts_with("wrote cluster.kdl in third\nleft .gitattributes as it is; add to it:\n"),
        "{out}"
    );
    assert_eq!(lab.text("third/.gitignore"), ignored);
    assert!(!lab.path("third/elsewhere").exists());
}

#[test]
fn git_ignores_secrets_and_nothing_else() {
    let lab = FolderProject::empty();
    lab.says("init");
    lab.says("apply");
    let git = |words: &str| lab.git(&words.split(' ').collect::<Vec<_>>());
    git("init -q");
    let ignored = git("ls-files --others --ignored --exclude-standard");
    let kept = git("ls-files --others --exclude-standard");
    for path in files_below(&lab.path("out")) {
        let path = path.strip_prefix(lab.folder()).unwrap().to_str().unwrap().to_owned();
        let secret = !kpki::state::is_public(&path);
        assert_eq!(ignored.lines().any(|line| line == path), secret, "{path}");
        assert_eq!(kept.lines().any(|line| line == path), !secret, "{path}");
    }
    assert!(kept.contains("cluster.lock"));
    lab.says("export cp1 -o cp1.tar");
    // Sealed, the same secrets belong to Git; what is exported for a node never does.
    for path in files_below(&lab.path("out")) {
        let mut sealed = path.clone().into_os_string();
        sealed.push(".age");
        std::fs::write(sealed, "sealed").unwrap();
    }
    let kept = git("ls-files --others --exclude-standard");
    for path in files_below(&lab.path("out")) {
        let path = path.strip_prefix(lab.folder()).unwrap();
        let sealed = path.extension().is_some_and(|extension| extension == "age");
        let open = kpki::state::is_public(path.to_str().unwrap());
        let kept = kept.lines().any(|line| Path::new(line) == path);
        assert_eq!(kept, sealed || open, "{path:?}");
    }
    assert!(!kept.contains("cp1.tar"), "{kept}");
    let attributes = git("check-attr text eol merge -- cluster.lock");
    assert_eq!(
        attributes,
        "cluster.lock: text: set\ncluster.lock: eol: lf\ncluster.lock: merge: text\n"
    );
}

#[test]
fn status_says_what_is_wrong_first_and_what_to_do_last() {
    let lab = FolderProject::described(TWO_NODES).applied();
    let fine = lab.says("status --detailed-exitcode");
    assert!(fine.starts_with("name"), "{fine}");
    let last = fine.lines().last().unwrap();
    assert!(last.starts_with("next: nothing until 20"), "{last}");

    let day = |days: u64| format!("status --detailed-exitcode --now {}", in_days(days));
    let expiring = run(&lab, &day(70));
    assert_eq!(expiring.code, 2);
    assert!(expiring.out.starts_with("1 certificate due for renewal\n"), "{}", expiring.out);
    let expired = run(&lab, &day(400));
    assert_eq!(expired.code, 2);
    assert!(expired.out.contains(" certificates expired: connections that use them fail\n"));
    assert!(
        expired.out.ends_with("next: kpki apply renews and repairs; kpki plan shows it first\n")
    );

    let crt = "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt";
    std::fs::remove_file(lab.path(crt)).unwrap();
    set_mode(lab.path("out/ca/sa.key"), 0o644);
    let broken = run(&lab, "status --detailed-exitcode");
    assert_eq!(broken.code, 2);
    let first: Vec<&str> = broken.out.lines().take(4).collect();
    assert_eq!(
        first,
        [
            "1 file with a secret that others can read",
            "  out/ca/sa.key is readable by others (mode 0644)",
            "1 file not as built",
            &format!("  {crt} is missing"),
        ]
    );
    assert_eq!(run(&lab, "status").code, 0);
}

#[test]
fn status_of_many_shows_the_soonest_and_json_all() {
    use std::fmt::Write as _;
    let mut description = TWO_NODES.to_owned();
    for index in 0..40 {
        let _ = writeln!(description, "user \"u{index}\" {{ validity \"{}d\" }}", 100 + index);
    }
    let lab = FolderProject::described(&description).applied();
    let text = lab.says("status");
    assert!(text.lines().count() < 30, "{text}");
    assert!(text.lines().any(|line| line.starts_with("and ") && line.contains(" more by 20")));
    let all: serde_json::Value = serde_json::from_str(&lab.says("status --format json")).unwrap();
    assert!(all["certificates"].as_array().unwrap().len() > 60);
}

#[test]
fn usual_lines_fit_eighty_columns() {
    // Of a length that machines have: kubeadm's own example is one.
    let nodes = TWO_NODES.replace("\"cp1\"", "\"kubemaster-01\"");
    let lab = FolderProject::described(&nodes).applied();
    lab.write("cluster.kdl", nodes.replace("api.lab", "kubernetes-api.lab"));
    for words in [
        "plan",
        "status",
        "show nodes/kubemaster-01/apiserver",
        "why nodes/kubemaster-01/apiserver",
        "apply --allow escalation:apiserver --allow escalation:endpoint",
    ] {
        let ran = ran(lab.typed(words).env("COLUMNS", "80"));
        assert_eq!(ran.code, 0, "{words}: {}", ran.err);
        for line in ran.out.lines() {
            assert!(line.chars().count() <= 80, "{words}: {line}");
        }
    }
}

#[test]
fn show_takes_names_and_files() {
    let lab = FolderProject::described(TWO_NODES).applied();
    let artifact = lab.says("show nodes/cp1/apiserver");
    for words in ["(default)", "(node cp1)", "(endpoint: cluster.kdl:2)", "CN=kube-apiserver"] {
        assert!(artifact.contains(words), "{words}\n{artifact}");
    }
    assert!(lab.says("show users/jane").contains("(cluster.kdl:5)"));
    assert!(lab.says("show nodes/cp1/admin.conf").starts_with("nodes/cp1/admin.conf (kubeconfig)"));
    let pki = "out/nodes/cp1/etc/kubernetes";
    let config = lab.says(&format!("show {pki}/admin.conf"));
    assert!(config.contains("belongs to the certificate"), "{config}");
    assert!(config.contains("https://api.lab.internal:6443"), "{config}");
    let key = lab.says(&format!("show {pki}/pki/apiserver.key"));
    assert!(key.contains("private key\n  artifact    nodes/cp1/apiserver\n"), "{key}");
    assert!(lab.says("show out/ca/sa.pub").contains("service-account"));
    let relative = ran(lab.typed("-C .. show out/ca/sa.pub").current_dir(lab.path("out")));
    assert_eq!(relative.code, 0, "{}", relative.err);

    let (code, err) = fails(&lab, "show nodes/cp1/apisrver");
    assert_eq!(code, 64);
    assert!(err.contains("did you mean nodes/cp1/apiserver?"), "{err}");
    let (_, err) = fails(&lab, "show apiserver");
    assert!(err.contains("2 artifacts") && err.contains("  nodes/cp2/apiserver\n"), "{err}");
}

#[test]
fn show_reads_what_openssl_writes() {
    let (lab, desk) = (FolderProject::empty(), Desk::new());
    let show = |name: &str| {
        let path = desk.path(name);
        ran(lab.typed("show").arg(path))
    };
    desk.openssl("req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.crt -days 3650 -subj /CN=old-ca");
    desk.openssl("x509 -in rsa.crt -outform DER -out rsa.der");
    desk.openssl("ecparam -name prime256v1 -genkey -out sec1.key");
    desk.openssl("pkey -in sec1.key -outform DER -out ec.der");
    desk.openssl("pkey -in sec1.key -pubout -out ec.pub");
    desk.openssl("pkcs8 -topk8 -in sec1.key -passout pass:x -out locked.key");
    desk.openssl(
        "req -new -key sec1.key -out jane.csr -subj /O=dev/CN=jane -addext subjectAltName=DNS:a.b",
    );
    desk.put("both.pem", [desk.read("rsa.crt"), desk.read("rsa.key")].concat());
    for (name, words) in [
        ("rsa.crt", &["CA certificate", "CN=old-ca", "10 years", "rsa-2048"][..]),
        ("rsa.der", &["CA certificate", "CN=old-ca"]),
        ("rsa.key", &["private key", "rsa-2048"]),
        ("sec1.key", &["private key", "ecdsa-p256"]),
        ("ec.der", &["private key", "ecdsa-p256"]),
        ("ec.pub", &["public key", "ecdsa-p256"]),
        ("locked.key", &["encrypted private key"]),
        ("jane.csr", &["certificate request", "O=dev, CN=jane", "a.b", "good"]),
        ("both.pem", &["(1 of 2)", "(2 of 2)"]),
    ] {
        let ran = show(name);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        for word in words {
            assert!(ran.out.contains(word), "{name} {word}\n{}", ran.out);
        }
        for secret in ["rsa.key", "sec1.key"] {
            assert_tells_no_secret(&ran, &body_lines(&desk.read(secret)));
        }
    }
    desk.put("empty.crt", "");
    desk.put("text.crt", "hello");
    desk.put("big.crt", vec![b'x'; (1 << 20) + 1]);
    for (name, why) in [
        ("empty.crt", "is empty"),
        ("text.crt", "holds no certificate, key or request"),
        ("big.crt", "larger than 1 MiB"),
        ("none.crt", "there is no"),
        ("", "a folder, not a file"),
    ] {
        let ran = show(name);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{name}");
        assert!(ran.err.contains(why), "{name}: {}", ran.err);
    }
}

#[test]
fn show_does_not_wait_and_draws_nothing() {
    let (lab, desk) = (FolderProject::empty(), Desk::new());
    let status = Command::new("mkfifo").arg(desk.path("pipe.crt")).status().unwrap();
    assert!(status.success());
    let pipe = ran(lab.typed("show").arg(desk.path("pipe.crt")));
    assert_eq!(pipe.code, 1);
    assert!(pipe.err.contains("named pipe"), "{}", pipe.err);

    desk.openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout e.key -out e.crt -subj /CN=a\u{1b}[31mb -utf8",
    );
    let data = |name: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(desk.read(name))
    };
    desk.put(
        "evil.conf",
        format!(
            "current-context: \"x\\e[2J\\u202e\"\ncontexts: [{{name: \"x\\e[2J\\u202e\", context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"\\a\", certificate-authority-data: {0}}}}}]\n\
             users: [{{name: u, user: {{client-certificate-data: {0}, client-key-data: {1}}}}}]\n",
            data("e.crt"),
            data("e.key")
        ),
    );
    for name in ["e.crt", "evil.conf"] {
        let ran = ran(lab.typed("show").arg(desk.path(name)));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let drawn = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.out.contains(drawn), "{:?}", ran.out);
        assert!(ran.out.contains("\\u{1b}"), "{:?}", ran.out);
    }
}

#[test]
fn a_kubeconfig_around_another_key_is_seen() {
    let lab = FolderProject::described(TWO_NODES).applied();
    let read = |node: &str| {
        let path = format!("out/nodes/{node}/etc/kubernetes/admin.conf");
        lab.text(&path)
    };
    let (one, other) = (read("cp1"), read("cp2"));
    let key = |text: &str| text.lines().last().unwrap().to_owned();
    lab.write("mixed.conf", one.replace(&key(&one), &key(&other)));
    let out = lab.says("show mixed.conf");
    assert!(out.contains("does NOT belong to the certificate"), "{out}");
}

#[test]
fn why_explains_a_change_and_its_absence() {
    let lab = FolderProject::described(TWO_NODES).applied();
    let same = lab.says("why nodes/cp1/admin.conf");
    assert!(same.contains("nothing changed"), "{same}");
    assert!(same.contains("  nodes/cp1/admin (certificate)\n    ca/kubernetes"), "{same}");
    lab.write("cluster.kdl", TWO_NODES.replace("10.0.0.11\"", "10.0.0.11\" { san \"one.lab\" }"));
    let changed = lab.says("why nodes/cp1/apiserver");
    assert!(changed.contains("~ reissue because:\n  san: +one.lab\n"), "{changed}");
    assert!(changed.contains("built from the hash "), "{changed}");
    assert!(lab.says("why jane").starts_with("users/jane (certificate)"));
    let (code, err) = fails(&lab, "why apiserver");
    assert_eq!(code, 64);
    assert!(err.contains("2 artifacts are named apiserver"), "{err}");
    assert!(
        fails(&lab, "why nodes/cp1/admin.cnf").1.contains("did you mean nodes/cp1/admin.conf?")
    );
}

#[test]
fn plan_and_apply_speak_of_what_cannot_be_taken_back() {
    let one_node =
        TWO_NODES.replace("node \"cp2\" role=\"control-plane\" address=\"10.0.0.12\"\n", "");
    let before = one_node.replace("{ endpoint", "{ kubernetes \"1.35.4\"; endpoint");
    let masters = "user \"root\" { group \"system:masters\"; allow-masters #true }\n";
    let lab = FolderProject::described(&before).applied();
    assert_eq!(lab.says("plan"), "nothing to do: 31 artifacts up to date\n");
    lab.write("cluster.kdl", format!("{one_node}{masters}"));
    let plan = lab.says("plan");
    let first = "apply out/cluster/cluster-role-bindings.yaml first";
    assert!(plan.contains(first), "{plan}");
    assert!(plan.contains("user root is in system:masters"), "{plan}");
    assert!(plan.contains("the old certificate stays valid until 20"), "{plan}");
    assert!(plan.starts_with("authority\nx root is new: root, in system:masters; "), "{plan}");
    let loses = "- apiserver-kubelet-client loses the group kubeadm:cluster-admins";
    assert!(plan.contains(loses), "{plan}");
    assert!(plan.ends_with("kpki apply --allow escalation:root\n"), "{plan}");
    let applied = lab.says("apply --allow escalation:root");
    assert!(applied.contains("1 created, 1 reissued, 6 rendered, "), "{applied}");
    assert!(applied.contains("nothing can revoke it"), "{applied}");
    let after = lab.says("plan");
    assert_eq!(after.lines().count(), 2, "the note stays, and nothing to do: {after}");
}

#[test]
fn a_decision_comes_first() {
    let lab = FolderProject::described(TWO_NODES).applied();
    lab.write("cluster.kdl", format!("{TWO_NODES}ca \"etcd\" key=\"rsa-2048\"\nuser \"new\"\n"));
    let plan = lab.says("plan");
    let (authority, decisions) = plan.split_once("\n\n").unwrap();
    assert!(
        authority.starts_with("authority\n! etcd is replaced as a root of trust (cluster.kdl:6)\n"),
        "{plan}"
    );
    assert!(decisions.starts_with("x ca/etcd\n    the description asks for rsa-2048"), "{plan}");
    let status = lab.says("status");
    assert!(status.starts_with("1 artifact waiting for a decision\n  ca/etcd  "), "{status}");
    assert!(status.ends_with("next: kpki plan, which says what each decision takes\n"), "{status}");
    assert!(lab.says("why ca/etcd").contains("apply stops here"));
    let (code, err) = fails(&lab, "apply");
    assert_eq!(code, 3);
    assert!(err.contains("add --allow replace:ca/etcd"), "{err}");

    lab.write("cluster.kdl", TWO_NODES);
    let pki = |node: &str| lab.path(&format!("out/nodes/{node}/etc/kubernetes/pki/apiserver.crt"));
    std::fs::copy(pki("cp2"), pki("cp1")).unwrap();
    let status = lab.says("status");
    assert!(status.starts_with("1 artifact of mixed versions (a bad merge?)\n"), "{status}");
    assert!(lab.says("plan").starts_with("x nodes/cp1/apiserver\n"));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let lab = FolderProject::empty();
    lab.write("cluster.kdl", TWO_NODES);
    let plan = |name: &str, value: &str| ran(lab.typed("plan").env(name, value)).out;
    assert!(plan("CLICOLOR_FORCE", "1").contains("\u{1b}[32m+ ca/etcd\u{1b}[0m"));
    let forced = ran(lab.typed("plan").env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")).out;
    for text in [plan("TERM", "xterm"), plan("NO_COLOR", "1"), forced] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("+ ca/etcd"));
    }
}

#[test]
fn the_shell_gets_what_it_expects() {
    let lab = FolderProject::empty();
    for shell in ["bash", "zsh", "fish"] {
        assert!(lab.says(&format!("completions {shell}")).contains("KPKI_COMPLETE"), "{shell}");
    }
    assert!(lab.says("man").contains(".TH kpki"));
    assert!(lab.says("--help").contains("status"));
    for words in ["paln", "plan --now soon", "show", "status --format yaml", "plan --allow all"] {
        assert_eq!(fails(&lab, words).0, 64, "{words}");
    }
    let (code, err) = fails(&lab, "status");
    assert_eq!(code, 1);
    assert!(err.contains("kpki init"), "{err}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let lab = FolderProject::described(TWO_NODES).applied();
    for words in ["plan", "status --format json", "completions bash", "man", "--help"] {
        let mut child =
            lab.typed(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{words}");
    }
}

/// No machine has stacks of this size, and rayon panics where it has no thread.
#[test]
fn a_panic_is_one_line_and_the_exit_code_of_a_defect() {
    let lab = FolderProject::described(TWO_NODES).applied();
    for words in ["plan", "status", "apply", "apply --rekey users/*"] {
        let mut command = lab.typed(words);
        command.env("RUST_MIN_STACK", (1_u64 << 47).to_string());
        let ran = ran(command.env_remove("RUST_BACKTRACE"));
        assert_eq!((ran.code, ran.out.as_str()), (70, ""), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        let start = "error: kpki stopped at a defect of its own in rayon-core-";
        assert!(ran.err.starts_with(start), "{}", ran.err);
        assert!(ran.err.contains("please report it"), "{}", ran.err);
        assert!(!lab.folder().join("out/.pending").exists());
    }
    lab.says("plan --detailed-exitcode");
}

#[test]
fn no_command_tells_a_secret() {
    use base64::Engine as _;
    let lab = FolderProject::described(TWO_NODES).applied();
    let mut secrets = Vec::new();
    for path in files_below(&lab.path("out")) {
        let bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "key") {
            secrets.extend(body_lines(&bytes));
        }
        let text = String::from_utf8(bytes).unwrap();
        if let Some((_, key)) = text.split_once("client-key-data: ") {
            secrets.push(key.trim().to_owned());
            let pem = base64::engine::general_purpose::STANDARD.decode(key.trim()).unwrap();
            secrets.extend(body_lines(&pem));
        }
    }
    assert!(secrets.len() > 30);
    let mut commands: Vec<String> = ["plan", "status", "plan --rekey nodes/cp1/*", "apply"]
        .into_iter()
        .flat_map(|words| [words.to_owned(), format!("{words} --format json")])
        .collect();
    for path in files_below(&lab.path("out")) {
        commands.push(format!("show {}", path.display()));
        commands.push(format!("show --format json {}", path.display()));
    }
    let lock = lab.text("cluster.lock");
    for line in lock.lines().skip(1) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = line["name"].as_str().unwrap();
        commands.extend([format!("show {name}"), format!("why {name}")]);
    }
    // Secrets in the place of public files, and damaged ones.
    let key = std::fs::read(lab.path("out/ca/etcd.key")).unwrap();
    lab.write("stray.crt", &key);
    lab.write("stray.conf", [b"users: ".as_slice(), &key].concat());
    lab.write("cut.key", &key[..key.len() - 40]);
    for path in ["stray.crt", "stray.conf", "cut.key"] {
        commands.push(format!("show {path}"));
    }
    for words in &commands {
        assert_tells_no_secret(&run(&lab, words), &secrets);
    }
    lab.write("out/ca/etcd.crt", &key);
    for words in ["plan", "status", "apply", "why ca/etcd"] {
        assert_tells_no_secret(&run(&lab, words), &secrets);
    }
}

/// The base64 lines of a PEM file.
fn body_lines(pem: &[u8]) -> Vec<String> {
    let text = String::from_utf8(pem.to_vec()).unwrap();
    let body = text.lines().filter(|line| !line.starts_with("-----") && line.len() > 16);
    body.map(str::to_owned).collect()
}

fn assert_tells_no_secret(ran: &Ran, secrets: &[String]) {
    for secret in secrets {
        let told = ran.out.contains(secret) || ran.err.contains(secret);
        assert!(!told, "a secret was printed:\n{}{}", ran.out, ran.err);
    }
}

fn in_days(days: u64) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(since.as_secs()).unwrap();
    kpki::time::Timestamp::from_unix(now).plus(kpki::time::Span::days(days)).date()
}

/// Git keeps no modes, and a umask narrows them: after an apply they are right, secret or not.
#[test]
fn modes_are_right_after_an_apply() {
    let lab = FolderProject::described(TWO_NODES).applied();
    let narrowed = [
        ("out/ca", 0o775, 0o755),
        ("out/nodes/cp1/etc/kubernetes/pki/apiserver.crt", 0o600, 0o644),
        ("out/ca/etcd.key", 0o400, 0o600),
    ];
    for (path, wrong, _) in narrowed {
        set_mode(lab.path(path), wrong);
    }
    // No mode is a finding; but a key that somebody touched may be another one.
    let plan = run(&lab, "plan --detailed-exitcode");
    assert_eq!(plan.code, 2, "{}", plan.out);
    assert!(
        plan.out.contains("out/ca/etcd.key changed since it was verified")
            && plan.out.contains("1 to record"),
        "{}",
        plan.out
    );
    lab.says("apply");
    lab.says("plan --detailed-exitcode");
    for (path, _, right) in narrowed {
        assert_eq!(mode(lab.path(path)), right, "{path}");
    }
}

/// What `--prune` would delete and has deleted is named to the last file, and nothing else of that kind is
/// touched.
#[test]
fn a_prune_names_every_file_and_leaves_what_kpki_did_not_make() {
    const ONE: &str =
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";
    let lab = FolderProject::described(&format!(
        "{ONE}node \"w1\" address=\"10.0.0.12\"\nuser \"jane\" {{ group \"dev\"; bind cluster-role=\"view\" }}\n"
    )).applied();
    let vip = "out/nodes/cp1/etc/kubernetes/manifests/kube-vip.yaml";
    lab.write(vip, "kind: Pod\n");
    lab.write("cluster.kdl", ONE);
    let orphans = [
        "out/identities/nodes/w1/kubelet.crt",
        "out/nodes/w1/etc/kubernetes/kubelet.conf",
        "out/nodes/w1/etc/kubernetes/pki/ca.crt",
        "out/users/jane/jane.crt",
        "out/users/jane/jane.key",
        "out/users/jane/jane.kubeconfig",
        "out/users/jane/kustomization.yaml",
        "out/users/jane/rbac.yaml",
    ];
    let (plan, done) = (lab.says("plan"), lab.says("apply --prune"));
    for path in orphans {
        assert!(plan.contains(path) && done.contains(path), "{path}\n{plan}\n{done}");
        assert!(!lab.path(path).exists(), "{path}");
    }
    assert!(plan.contains("1 file under out/ that kpki did not make"), "{plan}");
    assert!(lab.path(vip).exists());
    assert!(lab.says("plan").contains("nothing to do"));
}

/// A change of cluster.lock alone, which says of the operator's own files what kpki says of its own.
#[test]
fn a_forged_lock_makes_nobody_s_key_an_orphan() {
    let description =
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";
    let (lab, other) = (
        FolderProject::described(description).applied(),
        FolderProject::described(description).applied(),
    );
    let [key, certificate] =
        ["key", "crt"].map(|end| std::fs::read(other.path(&format!("out/ca/etcd.{end}"))).unwrap());
    let der = kpki::facts::certificates_in_pem(&certificate).unwrap();
    let facts = kpki::facts::CertificateFacts::from_der(&der[0]).unwrap();
    let content = kpki::hash::Digest::of(&certificate);
    let lock = lab.text("cluster.lock");
    let mut lock = lock.replacen("\"kpki-lock\":1", "\"kpki-lock\":2", 1);
    std::fs::create_dir_all(lab.path("out/users/bob")).unwrap();
    let stems = ["nodes/cp1/etc/kubernetes/pki/oidc", "users/bob/bob"];
    for stem in stems {
        lab.write(&format!("out/{stem}.key"), &key);
        lab.write(&format!("out/{stem}.crt"), &certificate);
        let public_key = facts.public_key.digest();
        lock.extend([format!(
            "{{\"orphan\":\"{stem}.crt\",\"content\":\"{content}\"}}\n\
             {{\"orphan\":\"{stem}.key\",\"public-key\":\"{public_key}\"}}\n"
        )]);
    }
    lab.write("cluster.lock", lock);
    let plan = lab.says("plan");
    assert!(plan.contains("4 files under out/ that kpki did not make"), "{plan}");
    assert!(plan.contains("--prune leaves them") && !plan.contains("orphan"), "{plan}");
    lab.says("apply --prune");
    for stem in stems {
        for end in ["key", "crt"] {
            assert!(lab.path(&format!("out/{stem}.{end}")).exists(), "{stem}.{end}");
        }
    }
}
