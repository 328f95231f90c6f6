//! Reproducible labs at the command line: two builds are one, `apply --check` finds every flipped byte, and
//! seeds that are none are refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::testkit::age::{Key, open};
use crate::testkit::leaks::{Search, holds, pieces};
use crate::testkit::{FolderProject, ended, printed, said, set_mode, tool};

fn lab() -> FolderProject {
    FolderProject::example("lab")
}

/// Everything below out/ and the lock.
fn bytes(project: &FolderProject) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut all: BTreeMap<_, _> = project
        .entries()
        .into_iter()
        .filter(|entry| !entry.is_folder)
        .map(|entry| {
            let bytes = fs::read(project.out(&entry.path)).unwrap();
            (entry.path, (entry.mode, bytes))
        })
        .collect();
    let lock = fs::read(project.path("cluster.lock")).unwrap();
    all.insert("cluster.lock".into(), (0, lock));
    all
}

#[test]
fn two_processes_in_two_worlds_build_the_same() {
    let first = lab().applied();
    let second = lab();
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("umask 077; exec \"$0\" apply")
        .arg(env!("CARGO_BIN_EXE_kpki"))
        .current_dir(second.folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env("TZ", "Pacific/Kiritimati")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("RAYON_NUM_THREADS", "1")
        .env("USER", "somebody-else")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let (one, other) = (bytes(&first), bytes(&second));
    for (path, (mode, bytes)) in &one {
        let found = &other[path];
        assert_eq!((mode, bytes), (&found.0, &found.1), "{path}");
    }
    assert_eq!(one.len(), other.len());
    ended(&first.kpki(&["apply", "--check"]), 0);
}

/// OpenSSL finds nothing wrong with any certificate, request and key.
#[test]
fn openssl_verifies_what_follows_from_a_seed() {
    let project = lab().applied();
    let mut seen = 0;
    for path in project.files(".crt") {
        let issuer = ["ca/kubernetes.crt", "ca/etcd.crt", "ca/front-proxy.crt"].into_iter().filter(
            |issuer| {
                let mut verify = tool("openssl");
                verify.args(["verify", "-x509_strict", "-attime", "1780000000", "-CAfile"]);
                verify.arg(project.out(issuer)).arg(project.out(&path));
                verify.output().unwrap().status.success()
            },
        );
        assert_eq!(issuer.count(), 1, "{path}");
        seen += 1;
    }
    assert!(seen >= 25, "{seen}");
    for path in project.files(".key") {
        printed(tool("openssl").args(["pkey", "-check", "-noout", "-in"]).arg(project.out(&path)));
    }
}

/// The search for RSA's primes, against OpenSSL: no candidate before them would have done.
#[test]
fn rsa_primes_are_the_first_ones() {
    let project = lab().applied();
    let text = printed(
        tool("openssl")
            .args(["rsa", "-noout", "-text", "-in"])
            .arg(project.out("users/legacy/legacy.key")),
    );
    let number = |name: &str| -> Vec<u8> {
        let digits = text.split(&format!("{name}:\n")).nth(1).unwrap();
        let lines = digits.lines().take_while(|line| line.starts_with(' '));
        let hex: String = lines.collect::<String>().replace([' ', ':'], "");
        let hex = hex.trim_start_matches("00");
        (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
            .collect()
    };
    let mut found = [number("prime1"), number("prime2")];
    found.sort();
    let mut expected = ["prime-p", "prime-q"].map(|what| {
        let mut start = stream(what, 128);
        start[0] |= 0xc0;
        start[127] |= 1;
        first_prime(start)
    });
    expected.sort();
    assert_eq!(found, expected);
}

/// As docs/guide/labs.md writes it down.
fn stream(purpose: &str, length: usize) -> Vec<u8> {
    let seed = b"the seed of kpki's public example lab";
    let mut hasher = blake3::Hasher::new_derive_key("kpki 2026-11-27 reproducible key schedule v2");
    for part in [&seed[..], b"lab", purpose.as_bytes(), b"users/legacy", b"rsa-2048", b"1", b"0"] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut out = vec![0; length];
    hasher.finalize_xof().fill(&mut out);
    out
}

fn first_prime(mut candidate: Vec<u8>) -> Vec<u8> {
    let hex = |number: &Vec<u8>| {
        let digits = number.iter().map(|byte| format!("{byte:02X}"));
        digits.collect::<Vec<_>>().concat()
    };
    loop {
        let mut batch = Vec::new();
        while batch.len() < 64 {
            let by_exponent = candidate.iter().fold(0_u32, |rest, byte| {
                u32::try_from((u64::from(rest) * 256 + u64::from(*byte)) % 65537).unwrap()
            });
            if by_exponent != 1 {
                batch.push(candidate.clone());
            }
            let mut carry = 2_u8;
            for byte in candidate.iter_mut().rev() {
                let sum = u16::from(*byte) + u16::from(carry);
                [carry, *byte] = sum.to_be_bytes();
            }
        }
        let text = printed(tool("openssl").args(["prime", "-hex"]).args(batch.iter().map(hex)));
        let primes = text.lines().map(|line| line.ends_with("is prime"));
        if let Some(at) = primes.into_iter().position(|is_prime| is_prime) {
            return batch[at].clone();
        }
    }
}

#[test]
fn a_check_finds_a_flipped_byte_in_every_kind_of_file_and_writes_nothing() {
    let project = lab().applied();
    let whole = bytes(&project);
    let check = |code: i32| ended(&project.kpki(&["apply", "--check"]), code);
    assert!(check(0).contains("are what the description and the seed make"));
    for path in [
        "ca/kubernetes.crt",
        "ca/kubernetes.key",
        "ca/sa.pub",
        "identities/nodes/w1/kubelet.crt",
        "nodes/cp1/etc/kubernetes/admin.conf",
        "nodes/cp1/etc/kubernetes/manifests/etcd.yaml",
        "nodes/cp1/etc/kubernetes/pki/ca.crt",
        "nodes/w1/var/lib/kubelet/config.yaml",
        "users/legacy/legacy.key",
        "users/jane/rbac.yaml",
        "cluster/cluster-role-bindings.yaml",
    ] {
        let file = project.out(path);
        let mut changed = fs::read(&file).unwrap();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&file, &changed).unwrap();
        let found = check(2);
        assert_eq!(found.lines().next().unwrap(), format!("out/{path} differs"));
        assert_eq!(fs::read(&file).unwrap(), changed, "{path}");
        fs::remove_file(&file).unwrap();
        assert!(check(2).starts_with(&format!("out/{path} is missing\n")));
        let (mode, right) = &whole[path];
        fs::write(&file, right).unwrap();
        set_mode(&file, *mode);
    }
    let key = project.out("users/legacy/legacy.key");
    set_mode(&key, 0o644);
    assert!(check(2).starts_with("out/users/legacy/legacy.key is right, but others can read it\n"));
    set_mode(&key, 0o600);
    check(0);
    assert_eq!(bytes(&project), whole);
    let report = project.json(&["apply", "--check"]);
    assert_eq!(report["compared"], whole.len() - 1);
    assert_eq!(report["differences"], serde_json::json!([]));
}

#[test]
fn what_is_no_seed_is_refused_and_nothing_is_written() {
    let good = "9d61b19deffd5a60ba844af492ec2cc4";
    for (seed, mode, says) in [
        (Some(good), 0o644, "lab.seed can be read by others (mode 0644)"),
        (Some(good), 0o640, "lab.seed can be read by others (mode 0640)"),
        (Some(&good[..30]), 0o600, "lab.seed is shorter than 128 bits"),
        (
            Some("correct horse battery staple, and more words"),
            0o600,
            "lab.seed is not one line of hexadecimal digits",
        ),
        (Some("00000000000000000000000000000000"), 0o600, "lab.seed repeats itself"),
        (Some("000102030405060708090a0b0c0d0e0f"), 0o600, "lab.seed counts in regular steps"),
        (Some("0123456789abcdef0123456789abcdef"), 0o600, "`openssl rand -hex 32`"),
        (Some(""), 0o600, "lab.seed is not one line"),
        (None, 0, "lab.seed cannot be read: no such file"),
    ] {
        let project = FolderProject::example("lab");
        let file = project.path("lab.seed");
        fs::remove_file(&file).unwrap();
        if let Some(seed) = seed {
            fs::write(&file, seed).unwrap();
            set_mode(&file, mode);
        }
        // plan needs no seed.
        let output = ended(&project.kpki(&["plan"]), 0);
        assert!(output.contains("every private key of this cluster follows from lab.seed"));
        let output = ended(&project.kpki(&["apply"]), 1);
        assert!(output.contains(says), "{says}\n{output}");
        assert!(output.contains("nothing was written"), "{output}");
        assert!(!project.path("cluster.lock").exists());
        for part in seed.unwrap_or_default().split(' ').filter(|part| part.len() > 3) {
            assert!(!output.contains(part), "{output}");
        }
    }
}

/// Whoever reads the repository has it anyway.
#[test]
fn a_seed_in_git_may_be_read_by_all() {
    let project = lab();
    set_mode(project.path("lab.seed"), 0o644);
    let git = |arguments: &[&str]| {
        printed(tool("git").args(arguments).current_dir(project.folder()));
    };
    git(&["init", "--quiet"]);
    assert_eq!(project.kpki(&["apply"]).status.code(), Some(1));
    git(&["add", "lab.seed"]);
    ended(&project.kpki(&["apply"]), 0);
}

#[test]
fn init_makes_a_lab() {
    let project = FolderProject::described("");
    fs::remove_file(project.path("cluster.kdl")).unwrap();
    let output = ended(&project.kpki(&["init", "--lab"]), 0);
    let seed = project.text("lab.seed");
    let digits = seed.lines().nth(1).unwrap();
    assert_eq!(digits.len(), 64);
    assert!(!output.contains(digits));
    let mode = fs::metadata(project.path("lab.seed")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let ignored = project.text(".gitignore");
    assert!(ignored.lines().any(|line| line == "*.seed"));
    let project = project.applied();
    ended(&project.kpki(&["apply", "--check"]), 0);
    for command in ["plan", "status"] {
        let output = project.kpki(&[command]);
        assert!(said(&output).contains("follows from lab.seed"), "{}", said(&output));
    }
    // It is never made a second time.
    fs::remove_file(project.path("cluster.kdl")).unwrap();
    let output = project.kpki(&["init", "--lab"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("lab.seed exists already"));
    assert!(!project.path("cluster.kdl").exists());
    assert_eq!(project.text("lab.seed"), seed);
}

#[test]
fn commands_cannot_ask_for_other_keys_or_dates() {
    let project = lab().applied();
    for arguments in [["apply", "--renew", "users/jane"], ["plan", "--rekey", "users/jane"]] {
        let output = project.kpki(&arguments);
        assert_eq!(output.status.code(), Some(64), "{}", said(&output));
        assert!(said(&output).contains("move `not-before` for new dates"), "{}", said(&output));
    }
    let drawn = FolderProject::described(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.1\"\n",
    )
    .applied();
    ended(&drawn.kpki(&["apply", "--check"]), 1);
}

/// docs/guide/labs.md prints these, so that everybody can compare.
#[test]
fn the_example_has_the_digests_that_the_page_prints() {
    let project = lab().applied();
    let page = fs::read_to_string("docs/guide/labs.md").unwrap();
    let is_digest = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let mut compared = 0;
    for line in page.lines() {
        let Some((digest, path)) = line.split_once("  ").filter(|(digest, _)| is_digest(digest))
        else {
            continue;
        };
        let found = printed(tool("sha256sum").arg(project.path(path)));
        assert!(found.starts_with(digest), "{path} has {found}");
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}

/// Not the seed, no key that follows from it: in nothing that is printed, and in no file but their own.
#[test]
fn nothing_of_a_seeded_run_shows_a_secret() {
    let operator = Key::age();
    let project = lab();
    let in_the_clear = project.text("cluster.kdl");
    let sealed = format!("{in_the_clear}\nsecrets {{ recipient {:?} }}\n", operator.recipient);
    let identity = operator.file();
    let identity = identity.to_str().unwrap();
    let seed = fs::read(project.path("lab.seed")).unwrap();
    let mut secrets = vec![seed.clone(), operator.secret().into_bytes()];
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let mut run = |words: &[&str]| {
        let output = project.kpki(words);
        seen.push((words.join(" "), output.stdout));
        seen.push((words.join(" "), output.stderr));
        for name in ["cluster.lock", "saved.plan"] {
            let bytes = fs::read(project.path(name)).unwrap_or_default();
            seen.push((format!("{name} after {words:?}"), bytes));
        }
        output.status.code()
    };
    let readers: [&[&str]; 8] = [
        &["plan"],
        &["plan", "--out", "saved.plan"],
        &["status"],
        &["show", "ca/kubernetes"],
        &["show", "users/legacy"],
        &["show", "nodes/w1/kubelet.conf"],
        &["why", "users/jane"],
        &["check", "--no-plaintext"],
    ];
    for description in [&in_the_clear, &sealed] {
        project.describe(description);
        for round in 0..2 {
            for words in readers {
                run(words);
                if words.len() < 3 {
                    run(&[words, &["--format", "json"]].concat());
                }
            }
            let apply = ["apply", "--identity", identity];
            let more: &[&str] = if round == 0 { &[] } else { &["--format", "json"] };
            // Where they are sealed for the first time.
            let allow = ["--allow", "escalation:secrets"];
            assert_eq!(run(&[&apply[..], &allow, more].concat()), Some(0));
            let check = [&apply[..], &["--check"], more].concat();
            assert_eq!(run(&check), Some(0));
            fs::write(project.out("ca/etcd.crt"), "damaged").unwrap();
            assert_eq!(run(&check), Some(2));
        }
        for path in project.files("") {
            let bytes = fs::read(project.out(&path)).unwrap();
            if path.strip_suffix(".age").is_some() {
                secrets.push(open(&bytes, &operator).unwrap());
            } else if [".key", ".conf", ".kubeconfig"].iter().any(|end| path.ends_with(end)) {
                secrets.push(bytes);
            }
        }
    }
    run(&["show", "out/users/omar/omar.key.age"]);
    // Seeds that are none, and one that is another.
    let half = &seed[..seed.len() - 20];
    let other = String::from_utf8_lossy(&seed).replace('1', "2");
    for wrong in [half, other.as_bytes(), b"correct horse battery staple"] {
        project.write("lab.seed", wrong);
        run(&["plan"]);
        run(&["apply", "--identity", identity]);
        run(&["apply", "--check", "--format", "json"]);
    }
    assert!(secrets.len() > 50, "{}", secrets.len());
    let search = Search::of(&secrets);
    assert!(secrets.iter().all(|secret| search.finds_in(secret)));
    let shown: Vec<&String> =
        seen.iter().filter(|(_, bytes)| search.finds_in(bytes)).map(|(name, _)| name).collect();
    assert!(shown.is_empty(), "{shown:?}");
}

#[test]
fn the_search_finds_every_kind_of_key_where_it_is() {
    for key in [
        &["-algorithm", "ed25519"][..],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ] {
        let mut make = tool("openssl");
        let pem = printed(make.arg("genpkey").args(key));
        let mut text = tool("openssl");
        let output = crate::testkit::fed(text.args(["pkey", "-noout", "-text"]), pem.as_bytes());
        let text = String::from_utf8(output.stdout).unwrap();
        let text = text.replace([' ', '\n'], "");
        let found = pieces(pem.as_bytes());
        assert!(found.iter().any(|piece| holds(pem.as_bytes(), piece)));
        assert!(found.iter().any(|piece| holds(text.as_bytes(), piece)), "{key:?}\n{text}");
    }
}
