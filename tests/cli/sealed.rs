//! Sealed secrets from outside: identities of every kind, refusals, damage, a kill at any moment, and what is
//! never shown. `age` and `ssh-keygen` make the keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use kpki::state::is_read;

use crate::testkit::age::{Key, open, seal};
use crate::testkit::leaks::{Search, holds};
use crate::testkit::{FolderProject, contents, ended, files_below, printed, said, set_mode, tool};

const CLUSTER: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
node "w1" address="10.0.1.1"
user "jane" { group "dev" }
"#;

fn described(recipients: &[&Key]) -> String {
    let names: Vec<String> = recipients.iter().map(|key| format!("{:?}", key.recipient)).collect();
    format!("{CLUSTER}secrets {{ recipient {} }}\n", names.join(" "))
}

/// A change that only the CA's key can carry out.
fn ask_for_a_signature(project: &FolderProject, name: &str) {
    let path = project.path("cluster.kdl");
    let text = fs::read_to_string(&path).unwrap();
    let base = text.split("component").next().unwrap();
    fs::write(path, format!("{base}component \"apiserver\" {{ san {name:?} }}\n")).unwrap();
}

fn apply(project: &FolderProject, identity: &Path) -> Output {
    project.kpki(&["apply", "--identity", identity.to_str().unwrap()])
}

/// Refused with all of this said, and nothing was written.
#[track_caller]
fn refuses(project: &FolderProject, says: &[&str], run: impl FnOnce() -> Output) -> String {
    let before = contents(project.folder());
    let output = run();
    let text = ended(&output, 1);
    assert!(before == contents(project.folder()), "something was written\n{text}");
    for part in says {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    text
}

#[track_caller]
fn converged(project: &FolderProject) {
    ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
}

/// On a terminal of its own, with answers to its questions.
fn on_a_terminal(folder: &Path, answers: &str, command: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/on_terminal.py");
    tool("python3").arg(script).arg(answers).args(command).current_dir(folder).output().unwrap()
}

/// An age identity file behind a passphrase.
fn locked(key: &Key, folder: &Path, armor: bool) -> PathBuf {
    let path = folder.join(if armor { "locked.txt" } else { "locked.age" });
    let (from, to) = (key.file(), path.clone());
    let mut command = vec!["age", "-p"];
    if armor {
        command.push("-a");
    }
    command.extend(["-o", to.to_str().unwrap(), from.to_str().unwrap()]);
    ended(&on_a_terminal(folder, "open sesame,open sesame", &command), 0);
    path
}

const KPKI: &str = env!("CARGO_BIN_EXE_kpki");

#[test]
fn identities_of_every_kind_open() {
    let keys = [
        Key::age(),
        Key::ssh("ed25519", "alice@laptop", ""),
        Key::ssh("rsa", "bob@desk", ""),
        Key::ssh("ed25519", "carol", "open sesame"),
        Key::ssh("rsa", "dave", "open sesame"),
    ];
    let all: Vec<&Key> = keys.iter().collect();
    let project = FolderProject::described(&described(&all)).applied();
    converged(&project);
    let files = project.files(".age");
    assert!(project.files(".key").is_empty() && project.files(".conf").is_empty());
    for path in files {
        let sealed = fs::read(project.out(&path)).unwrap();
        let inside = open(&sealed, &keys[0]).unwrap();
        for key in &keys[1..3] {
            assert!(open(&sealed, key).unwrap() == inside, "{path}");
        }
    }
    for (number, key) in keys.iter().take(3).enumerate() {
        ask_for_a_signature(&project, &format!("10.8.1.{number}"));
        ended(&apply(&project, &key.file()), 0);
        ask_for_a_signature(&project, &format!("10.8.2.{number}"));
        let output = Command::new(KPKI)
            .arg("apply")
            .env("KPKI_IDENTITY", key.file())
            .current_dir(project.folder())
            .output()
            .unwrap();
        ended(&output, 0);
        converged(&project);
    }
    let locked = [
        keys[3].file(),
        keys[4].file(),
        locked(&keys[0], project.folder(), false),
        locked(&keys[0], project.folder(), true),
    ];
    for (number, file) in locked.iter().enumerate() {
        let file = file.to_str().unwrap();
        ask_for_a_signature(&project, &format!("10.8.3.{number}"));
        let command = [KPKI, "apply", "--identity", file];
        let wrong = ended(&on_a_terminal(project.folder(), "let me in", &command), 1);
        assert!(wrong.contains("does not open with this passphrase"));
        let output = on_a_terminal(project.folder(), "open sesame", &command);
        ended(&output, 0);
        let text = said(&output);
        assert_eq!(text.matches("Passphrase of").count(), 1, "{text}");
        assert!(!text.contains("sesame"), "the passphrase is shown\n{text}");
        converged(&project);
        // Nothing to open, nothing to ask.
        let output = on_a_terminal(project.folder(), "", &command);
        ended(&output, 0);
        assert!(!said(&output).contains("Passphrase"));
        // Nobody to ask.
        ask_for_a_signature(&project, "10.8.4.1");
        refuses(
            &project,
            &[
                "has a passphrase, and this is no terminal",
                "elsewhere give an identity without one",
            ],
            || project.kpki(&["apply", "--identity", file]),
        );
    }
    // One that does not fit, and one that does.
    let stranger = Key::age();
    let (other, own) = (stranger.file(), keys[0].file());
    let [other, own] = [&other, &own].map(|file| file.to_str().unwrap());
    ended(&project.kpki(&["apply", "--identity", other, "--identity", own]), 0);
}

#[test]
fn an_identity_that_will_not_do_is_named_and_nothing_is_written() {
    let (operator, bob) = (Key::age(), Key::ssh("ed25519", "bob@desk", ""));
    let project = FolderProject::described(&described(&[&operator, &bob])).applied();
    ask_for_a_signature(&project, "10.8.4.2");
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let of_two =
        "ca/kubernetes: out/ca/kubernetes.key.age is sealed for 2 recipients (X25519, ssh-ed25519)";
    let text = refuses(&project, &[of_two, "no identity was given", "--identity FILE"], || {
        project.kpki(&["apply"])
    });
    assert!(text.contains("KPKI_IDENTITY=FILE"));
    let stranger = Key::age();
    refuses(&project, &[of_two, "the identity given is none of them"], || {
        apply(&project, &stranger.file())
    });
    let ecdsa = Key::ssh("ecdsa", "erin", "");
    let sealed_to_a_key = seal(stranger.secret().as_bytes(), &[&operator]);
    let cases = [
        (folder.path().join("missing"), "no such file"),
        (folder.path().to_owned(), "a folder, not a file"),
        (put("public", operator.recipient.as_bytes()), "has a public key, which opens nothing"),
        (put("ssh.pub", bob.recipient.as_bytes()), "has a public key, which opens nothing"),
        (put("plugin", b"AGE-PLUGIN-YUBIKEY-1QQPQQQQQQQQQQQQ\n"), "an identity of a plugin"),
        (put("empty", b"# nothing\n\n"), "holds no identity"),
        (put("noise", &[0xff, 0xfe, 0, 1]), "is no identity file"),
        (put("words", b"# key\nsesame\n"), "has something else than an identity in line 2"),
        (put("large", &vec![b'#'; 70_000]), "larger than 64 KiB"),
        (put("sealed", &sealed_to_a_key), "is an age file sealed to a key"),
        (put("cut", &sealed_to_a_key[..60]), "is a damaged age file"),
        (
            put("ssh", b"-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n"),
            "a damaged or unknown kind of ssh key",
        ),
        (ecdsa.file(), "ssh-ed25519 and ssh-rsa can"),
    ];
    for (path, says) in &cases {
        let shown = format!("identity {}", path.display());
        let text = refuses(&project, &[shown.as_str(), says], || apply(&project, path));
        assert!(!text.contains("sesame"), "{text}");
    }
    // None of them is even looked at where nothing must be opened.
    project.describe(&described(&[&operator, &bob]));
    ended(&apply(&project, &cases[0].0), 0);
}

#[test]
fn readers_need_no_identity_and_open_nothing() {
    let operator = Key::age();
    let project = FolderProject::described(&described(&[&operator])).applied();
    // Unreadable inside, and as large as before: nobody looks.
    let path = project.out("users/jane/jane.key.age");
    let shown = project.kpki(&["show", "out/users/jane/jane.key.age"]);
    ended(&shown, 0);
    assert!(said(&shown).contains("sealed secret (age)"), "{}", said(&shown));
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    for words in [
        "plan",
        "plan --format json",
        "status",
        "status --format json",
        "show users/jane",
        "show nodes/w1/kubelet.conf",
        "show out/ca/kubernetes.key.age",
        "why users/jane",
        "why nodes/w1/kubelet.conf --format json",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let output = project.kpki(&words);
        ended(&output, 0);
        if words == ["plan"] || words[0] == "status" {
            let text = said(&output);
            assert!(text.contains("out/users/jane/jane.key.age was modified"), "{text}");
        }
    }
}

#[test]
fn cut_and_changed_files_are_named_and_nothing_is_written() {
    let operator = Key::age();
    let project = FolderProject::described(&described(&[&operator])).applied();
    let path = project.out("ca/kubernetes.key.age");
    let copy = project.on_node("cp1", "pki/ca.key.age");
    let whole = fs::read(&path).unwrap();
    fs::remove_file(copy).unwrap();
    ask_for_a_signature(&project, "10.8.4.2");
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let cases: [(&str, Vec<u8>, &[&str]); 7] = [
        ("payload", changed(whole.len() - 30), &["is damaged"]),
        ("tag", changed(whole.len() - 1), &["is damaged"]),
        ("end", whole[..whole.len() - 1].to_vec(), &["is damaged"]),
        ("stanza", changed(40), &[]),
        ("header", whole[..50].to_vec(), &["is no age file, or a damaged one"]),
        ("nothing", Vec::new(), &["is no age file"]),
        ("clear", b"-----BEGIN AGE ENCRYPTED FILE-----\n".to_vec(), &["is in ASCII armor"]),
    ];
    for (name, bytes, says) in cases {
        fs::write(&path, &bytes).unwrap();
        let before = contents(project.folder());
        let output = apply(&project, &operator.file());
        let text = said(&output);
        assert_ne!(output.status.code(), Some(0), "{name}: {text}");
        assert_ne!(output.status.code(), Some(70), "{name}: {text}");
        assert!(text.contains("out/ca/kubernetes.key.age"), "{name}: {text}");
        assert!(text.contains("nothing was written"), "{name}: {text}");
        for part in says {
            assert!(text.contains(part), "{name}: {text}");
        }
        assert!(before == contents(project.folder()), "{name}: something was written");
    }
    fs::write(&path, whole).unwrap();
    ended(&apply(&project, &operator.file()), 0);
    converged(&project);
}

#[test]
fn files_of_the_age_command_are_taken_over() {
    let (operator, bob) = (Key::age(), Key::ssh("ed25519", "bob@desk", ""));
    let project = FolderProject::described(&described(&[&operator, &bob])).applied();
    let path = project.out("ca/etcd.key.age");
    let inside = open(&fs::read(&path).unwrap(), &operator).unwrap();
    // For one recipient only, and without grease.
    fs::write(&path, seal(&inside, &[&operator])).unwrap();
    ended(&apply(&project, &operator.file()), 0);
    converged(&project);
    assert!(open(&fs::read(&path).unwrap(), &bob).unwrap() == inside);
}

#[test]
fn a_reviewed_plan_takes_an_identity_and_knows_the_recipients() {
    let (operator, bob) = (Key::age(), Key::ssh("ed25519", "bob@desk", ""));
    let project = FolderProject::described(&described(&[&operator, &bob])).applied();
    project.describe(&described(&[&operator]));
    ended(&project.kpki(&["plan", "--out", "reviewed.plan"]), 0);
    let identity = operator.file();
    let arguments = ["apply", "reviewed.plan", "--identity", identity.to_str().unwrap()];
    let carol = Key::age();
    project.describe(&described(&[&operator, &carol]));
    let says = ["is stale", "the description means something else"];
    refuses(&project, &says, || project.kpki(&arguments));
    project.describe(&described(&[&operator]));
    ended(&project.kpki(&arguments), 0);
    converged(&project);
}

#[test]
fn what_follows_from_a_seed_is_compared_inside_of_sealed_files() {
    let operator = Key::age();
    let text = format!(
        "{}reproducible {{ seed-file \"lab.seed\"; not-before \"2026-01-01T00:00:00Z\" }}\n",
        described(&[&operator])
    );
    let project = FolderProject::described(&text);
    let seed = project.path("lab.seed");
    let digits = printed(tool("openssl").args(["rand", "-hex", "32"]));
    fs::write(&seed, digits).unwrap();
    set_mode(&seed, 0o600);
    let project = project.applied();
    converged(&project);
    let identity = operator.file();
    let check = ["apply", "--check", "--identity", identity.to_str().unwrap()];
    ended(&project.kpki(&check), 0);
    refuses(&project, &["no identity was given"], || project.kpki(&check[..2]));
    // Another key under the same name, sealed as it should be.
    let path = project.out("users/jane/jane.key.age");
    let other = fs::read(project.out("ca/etcd.key.age")).unwrap();
    fs::write(&path, other).unwrap();
    let output = project.kpki(&check);
    let text = ended(&output, 2);
    assert!(text.contains("out/users/jane/jane.key.age differs"), "{text}");
    // Lost, it follows from the seed again, and nothing is opened for it.
    fs::remove_file(&path).unwrap();
    ended(&project.kpki(&["apply"]), 0);
    ended(&project.kpki(&check), 0);
}

#[test]
fn nothing_that_is_printed_or_kept_shows_a_secret() {
    let (operator, bob) = (Key::age(), Key::ssh("ed25519", "bob@desk", ""));
    let project = FolderProject::described(CLUSTER);
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let mut secrets: Vec<Vec<u8>> = vec![operator.secret().into_bytes()];
    let mut run = |words: &[&str]| {
        let output = project.kpki(words);
        let name = words.join(" ");
        seen.push((name.clone(), output.stdout.clone()));
        seen.push((name, output.stderr.clone()));
        for (path, bytes) in contents(project.folder()) {
            // All but secrets in the clear, whose place that is.
            if !path.starts_with("out/") || is_read(&path) || path.contains(".pending") {
                seen.push((path, bytes));
            }
        }
        output.status.code()
    };
    let identity = operator.file();
    let identity = identity.to_str().unwrap();
    let readers: [&[&str]; 9] = [
        &["plan"],
        &["plan", "--format", "json"],
        &["status"],
        &["status", "--format", "json"],
        &["show", "ca/kubernetes"],
        &["show", "nodes/w1/kubelet.conf", "--format", "json"],
        &["show", "out/ca/kubernetes.key.age"],
        &["why", "users/jane"],
        &["plan", "--out", "saved.plan"],
    ];
    let take = |secrets: &mut Vec<Vec<u8>>| {
        for path in project.files("") {
            let bytes = fs::read(project.out(&path)).unwrap();
            if path.ends_with("age") {
                secrets.push(open(&bytes, &operator).unwrap());
            } else if path.ends_with("key")
                || path.ends_with("conf")
                || path.ends_with("kubeconfig")
            {
                secrets.push(bytes);
            }
        }
    };
    run(&["apply"]);
    take(&mut secrets);
    let in_the_clear = secrets.len();
    for recipients in [&[&operator, &bob][..], &[&operator]] {
        project.describe(&described(recipients));
        for words in readers {
            run(words);
        }
        run(&["apply"]);
        run(&["apply", "--identity", "/nowhere"]);
        assert_eq!(
            run(&[
                "apply",
                "--identity",
                identity,
                "--format",
                "json",
                "--allow",
                "escalation:secrets"
            ]),
            Some(0)
        );
        assert_eq!(run(&["apply", "--identity", identity, "--rekey", "users/jane"]), Some(0));
        take(&mut secrets);
    }
    // A damaged one, and one beside its sealed form that is another.
    let path = project.out("ca/kubernetes.key.age");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    run(&["apply", "--identity", identity]);
    fs::write(&path, whole).unwrap();
    fs::write(project.out("ca/etcd.key"), secrets.last().unwrap()).unwrap();
    run(&["plan"]);
    run(&["apply", "--identity", identity]);
    fs::remove_file(project.out("ca/etcd.key")).unwrap();
    project.describe(CLUSTER);
    run(&["apply", "--identity", identity]);
    assert_eq!(run(&["apply", "--identity", identity, "--allow", "plaintext"]), Some(0));
    take(&mut secrets);
    assert!(secrets.len() > 4 * in_the_clear / 2 && in_the_clear > 10);
    let search = Search::of(&secrets);
    // The search finds what is there.
    assert!(search.finds_in(&secrets[1]));
    let mut shown = Vec::new();
    for (name, bytes) in &seen {
        if search.finds_in(bytes) {
            shown.push(name);
        }
    }
    assert!(shown.is_empty(), "{shown:?}");
    println!("{} texts, {} secrets", seen.len(), secrets.len());
}

/// Every secret below `out/`, wherever a killed apply has left it; of sealed ones what is inside.
fn secrets_of(project: &FolderProject, key: &Key) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for path in project.files("") {
        let bytes = || fs::read(project.out(&path)).unwrap();
        if let Some(secret) = path.strip_suffix(".age") {
            all.insert(secret.to_owned(), open(&bytes(), key).unwrap());
        } else if [".key", ".conf", ".kubeconfig"].iter().any(|end| path.ends_with(end)) {
            all.insert(path.clone(), bytes());
        }
    }
    all
}

#[test]
fn a_killed_apply_that_seals_loses_no_key() {
    let operator = Key::age();
    let before = FolderProject::described(CLUSTER).applied();
    let expected = secrets_of(&before, &operator);
    let started = Instant::now();
    let first = copy_of(&before);
    first.describe(&described(&[&operator]));
    ended(&first.kpki(&["apply", "--allow", "escalation:secrets"]), 0);
    let typical = started.elapsed();
    let mut landed = [0; 3];
    for round in 0..45_u32 {
        let project = copy_of(&before);
        project.describe(&described(&[&operator]));
        let mut child = Command::new(KPKI)
            .args(["apply", "--allow", "escalation:secrets"])
            .current_dir(project.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let journal = project.out(".pending/journal");
        if round % 3 == 2 {
            while !journal.exists() && child.try_wait().unwrap().is_none() {}
            std::thread::sleep(Duration::from_micros(u64::from(round) * 20));
        } else {
            std::thread::sleep(typical * round / 45);
        }
        let _ = child.kill();
        child.wait().unwrap();
        let pending = project.out(".pending").exists();
        landed[usize::from(pending) + usize::from(journal.exists())] += 1;
        // What was staged is sealed already.
        let staged = project.out(".pending/tree");
        if staged.exists() {
            for path in files_below(&staged) {
                let bytes = fs::read(&path).unwrap();
                assert!(!holds(&bytes, b"PRIVATE KEY"), "{path:?}");
            }
        }
        ended(&project.kpki(&["apply", "--allow", "escalation:secrets"]), 0);
        converged(&project);
        assert!(secrets_of(&project, &operator) == expected, "round {round}");
        for path in project.files("") {
            let public = [".age", ".crt", ".pub", ".yaml"];
            assert!(public.iter().any(|end| path.ends_with(end)), "{path} is in the clear");
        }
    }
    println!("outside, staged, committed: {landed:?}");
    assert!(landed[2] > 0, "{landed:?}");
}

fn copy_of(project: &FolderProject) -> FolderProject {
    let copied = FolderProject::described("");
    crate::testkit::copy(project.folder(), copied.folder());
    copied
}

#[test]
fn what_a_removed_recipient_could_read_is_listed_until_its_commands_were_run() {
    let (alice, bob) = (Key::age(), Key::age());
    let mut cluster = CLUSTER.to_owned();
    for number in 2..=65 {
        let _ = writeln!(cluster, "node \"w{number}\" address=\"10.0.1.{number}\"");
    }
    let secrets = |keys: &[&Key]| described(keys).replace(CLUSTER, &cluster);
    let project = FolderProject::described(&secrets(&[&alice, &bob])).applied();
    project.describe(&secrets(&[&alice]));
    ended(&apply(&project, &alice.file()), 0);
    let identity = alice.file();
    let identity = identity.to_str().unwrap();
    let run = |command: &str| {
        let words = command.strip_prefix("kpki ").unwrap();
        let words = words.split(' ').map(|word| word.trim_matches('\''));
        let words: Vec<&str> = words.chain(["--identity", identity]).collect();
        ended(&project.kpki(&words), 0);
    };
    run("kpki apply --rekey nodes/w7/*");
    converged(&project);
    let status = project.kpki(&["status", "--detailed-exitcode"]);
    ended(&status, 0);
    let text = said(&status);
    // Three of CAs, the service account's, jane's, one of each worker but one, and twelve of cp1.
    assert!(text.contains("could read 81 keys ("), "{text}");
    assert!(text.contains("and 2 more (kpki plan lists what is left)"), "{text}");
    assert_eq!(text.matches("kpki apply --rekey").count(), 3, "{text}");
    let listed = |command: &str| {
        let output = project.kpki(&[command, "--format", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report
    };
    let (status, plan) = (listed("status"), listed("plan"));
    for field in ["exposed", "exposed-to", "rekey"] {
        assert_eq!(status[field], plan["secrets"][field]);
    }
    assert_eq!(status["exposed"].as_array().unwrap().len(), 81);
    assert_eq!(status["exposed-to"], serde_json::json!([bob.recipient]));
    for command in status["rekey"].as_array().unwrap() {
        run(command.as_str().unwrap());
    }
    converged(&project);
    assert_eq!(listed("status")["exposed"], serde_json::json!([]));
    let lock = project.text("cluster.lock");
    assert!(!lock.contains("exposed"), "{lock}");
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    pairs.map(byte).collect()
}

fn bytes(digits: &str) -> [u8; 32] {
    hex(digits).try_into().unwrap()
}

fn age_key(u: [u8; 32]) -> String {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("age").unwrap(), &u).unwrap()
}

fn ssh_key(kind: &str, parts: &[&[u8]]) -> String {
    use base64::Engine as _;
    let mut blob = Vec::new();
    for part in [&[kind.as_bytes()], parts].concat() {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    let key = base64::engine::general_purpose::STANDARD.encode(blob);
    format!("{kind} {key} carol@desk")
}

/// Whether `age -R` seals to it.
fn age_takes(recipient: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recipients");
    fs::write(&file, recipient).unwrap();
    let mut age = tool("age");
    let output = crate::testkit::fed(age.arg("-R").arg(file), b"secret");
    output.status.success()
}

/// The u-coordinates of points of small order, from <https://cr.yp.to/ecdh.html#validate>; those of 255 bits
/// are second encodings.
const SMALL_U: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// The y-coordinates of the eight points of small order (Tor's and libsodium's list), and second encodings of
/// them.
const SMALL_Y: [&str; 7] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// Each way in which a recipient gets into kpki.
#[test]
fn an_unusable_recipient_is_a_mistake_wherever_it_is_named() {
    let key = Key::age();
    let one = age_key(bytes(SMALL_U[1]));
    let identity = ssh_key("ssh-ed25519", &[&bytes(SMALL_Y[0])]);
    let why = "is nobody's key: what is sealed to it is open to all or to none";
    for bad in [&one, &identity] {
        let good = described(&[&key]);
        let node = format!("node \"w1\" address=\"10.0.1.1\" {{ recipient {bad:?} }}");
        for (text, place) in [
            (
                good.replace(&format!("{:?}", key.recipient), &format!("{bad:?}")),
                " --> cluster.kdl:6:21\n",
            ),
            (good.replace("node \"w1\" address=\"10.0.1.1\"", &node), " --> cluster.kdl:4:42\n"),
            (
                format!("{CLUSTER}secrets {{ recipients-file \"keys\" }}\n"),
                " --> cluster.kdl:6:27\n",
            ),
        ] {
            let project = FolderProject::described(&text);
            project.write("keys", format!("{}\n{bad}\n", key.recipient));
            for words in [&["plan"][..], &["apply"], &["status"]] {
                let output = project.kpki(words);
                assert_eq!(output.status.code(), Some(1), "{}", said(&output));
                assert!(said(&output).contains(why), "{}", said(&output));
                assert!(said(&output).contains(place), "{}", said(&output));
            }
        }
        let project =
            FolderProject::described(&good).applied_with(&["--allow", "escalation:secrets"]);
        project.write("keys", bad);
        for (words, code) in [(["--recipient", bad], 64), (["--recipients-file", "keys"], 1)] {
            let output =
                project.kpki(&[&["export", "w1", "-o", "w1.tar.age"], &words[..]].concat());
            assert_eq!(output.status.code(), Some(code), "{}", said(&output));
            assert!(said(&output).contains(why), "{}", said(&output));
            assert!(!project.path("w1.tar.age").exists());
        }
    }
}

fn with_top_bit(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[31] |= 0x80;
    bytes
}

#[test]
fn what_age_refuses_as_a_recipient_is_refused() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION};
    use kpki::sealed::Recipient;
    let mut open_to_all = Vec::new();
    for u in SMALL_U.map(bytes) {
        open_to_all.push(age_key(u));
        open_to_all.push(age_key(with_top_bit(u)));
    }
    let ed25519 = |y: [u8; 32]| ssh_key("ssh-ed25519", &[&y]);
    for y in SMALL_Y.map(bytes) {
        open_to_all.push(ed25519(y));
        open_to_all.push(ed25519(with_top_bit(y)));
    }
    for recipient in &open_to_all {
        assert!(!age_takes(recipient), "age takes {recipient}");
    }

    // What age may take, and what nobody or everybody opens then.
    let mut others = Vec::new();
    others.push(age_key([0xff; 32]));
    others.push(age_key(with_top_bit(BASE.to_montgomery().to_bytes())));
    // 2 is the u of a point of the twist: 2^3 + 486662 * 2^2 + 2 is no square.
    others.push(age_key(bytes(&format!("02{}", "0".repeat(62)))));
    for torsion in &EIGHT_TORSION[1..] {
        let mixed = BASE + torsion;
        others.push(age_key(mixed.to_montgomery().to_bytes()));
        others.push(ed25519(mixed.compress().to_bytes()));
    }
    // No point has this y.
    others.push(ed25519(bytes(&format!("02{}", "0".repeat(62)))));
    // p + 3 as a second encoding of 3.
    others.push(ed25519(bytes(&format!("f0{}7f", "ff".repeat(30)))));
    let good = Key::ssh("rsa", "carol@desk", "");
    let blob = good.recipient.split(' ').nth(1).unwrap();
    let blob = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(blob).unwrap()
    };
    let modulus = blob[blob.len() - 257..].to_vec();
    let rsa = |exponent: &[u8], modulus: &[u8]| ssh_key("ssh-rsa", &[exponent, modulus]);
    assert_eq!(rsa(&[1, 0, 1], &modulus), good.recipient);
    for exponent in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[0, 3],
        &[0x80],
        &[1, 0, 0],
        &[1, 0, 0, 1],
        &[1, 0, 0, 0, 0, 1],
    ] {
        others.push(rsa(exponent, &modulus));
    }
    let mut changed = modulus.clone();
    changed[256] &= 0xfe;
    others.push(rsa(&[1, 0, 1], &changed));
    // 2^2048 - 1 is a multiple of 3.
    let mersenne = [&[0][..], &[0xff; 256]].concat();
    others.push(rsa(&[1, 0, 1], &mersenne));
    others.push(rsa(&[1, 0, 1], &modulus[1..]));
    others.push(rsa(&[1, 0, 1], &[&[0][..], &modulus].concat()));
    others.push(rsa(&[1, 0, 1], &[0x7f; 255]));
    others.push(rsa(&[1, 0, 1], &[0x7f; 513]));
    others.push(ssh_key("ssh-rsa", &[&[1, 0, 1], &modulus, b"more"]));
    others.push(ssh_key("ssh-rsa", &[&modulus, &[1, 0, 1]]));
    others.push(ssh_key("ssh-ed25519", &[BASE.compress().as_bytes(), b"more"]));
    others.push(ssh_key("ssh-ed25519", &[&BASE.compress().as_bytes()[..31]]));
    // Of a prime everybody knows the secret exponent.
    let prime = printed(tool("openssl").args(["prime", "-generate", "-bits", "2048", "-hex"]));
    others.push(rsa(&[1, 0, 1], &[&[0][..], &hex(prime.trim_end())].concat()));

    for recipient in open_to_all.iter().chain(&others) {
        let parsed = recipient.parse::<Recipient>();
        assert!(parsed.is_err(), "{recipient} is taken");
    }
    let longer = Key::ssh("ed25519", "carol@desk", "");
    for recipient in
        [&Key::age().recipient, &longer.recipient, &good.recipient, &rsa(&[3], &modulus)]
    {
        assert!(age_takes(recipient), "{recipient}");
        assert!(recipient.parse::<Recipient>().is_ok(), "{recipient}");
    }
    for _ in 0..50 {
        assert!(Key::age().recipient.parse::<Recipient>().is_ok());
    }
}

/// A commit can hold any file that looks like a key, and `check --history` reads it.
#[test]
fn an_ssh_private_key_with_a_number_of_zero_bytes_is_only_unreadable() {
    use base64::Engine as _;
    use kpki::sealed::recipient_of;
    use kpki::secret::Secret;
    let joined = |parts: &[&[u8]]| {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            bytes.extend(*part);
        }
        bytes
    };
    let read = |public: &[u8], private: &[u8]| {
        let key = [
            b"openssh-key-v1\0",
            &*joined(&[b"none", b"none", b""]),
            &[0, 0, 0, 1],
            &joined(&[public, &[&[7; 8], private].concat()]),
        ]
        .concat();
        let text = base64::engine::general_purpose::STANDARD.encode(key);
        let (begin, end) = ("-----BEGIN OPENSSH ", "-----END OPENSSH ");
        let text = format!("{begin}PRIVATE KEY-----\n{text}\n{end}PRIVATE KEY-----\n");
        recipient_of(&Secret::new(text.into_bytes()))
    };
    let good = joined(&[b"ssh-rsa", &[1, 0, 1], &[0x7f; 256]]);
    for zero in [&[0][..], &[0; 9]] {
        let public = joined(&[b"ssh-rsa", zero, &[0x7f; 256]]);
        let private = joined(&[b"ssh-rsa", &[3], &[1, 0, 1], zero, &[3], &[3], &[3], b"a"]);
        assert!(read(&public, &private).is_none());
        assert!(read(&good, &private).is_none());
        assert!(read(&public, &[]).is_none());
    }
    for key in [Key::ssh("rsa", "a", ""), Key::ssh("ed25519", "", "")] {
        let secret = Secret::new(key.secret().into_bytes());
        let recipient = recipient_of(&secret).unwrap();
        assert_eq!(recipient, key.recipient.parse().unwrap());
    }
}
