//! Every folder of `manifests/` is a static pod, a wish, and the pod that comes of it or the refusal.
//! `UPDATE_EXPECTED=1 cargo test` rewrites the results; read each one that changed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kpki::pod::{Business, FlagWish, MountWish, PathKind, PodError, PodWish, Process, patch, read};
use proptest::prelude::*;

use crate::testkit::entries_of;

const PROCESSES: [Process; 4] =
    [Process::Apiserver, Process::ControllerManager, Process::Scheduler, Process::Etcd];

/// A line a wish: `process NAME`, `own FLAG=VALUE`, `default FLAG=VALUE`, `folder PATH`, `file PATH`,
/// `annotate KEY=VALUE`. `\n` is a line break.
fn wish(text: &str) -> PodWish {
    let mut wish = PodWish {
        process: Process::Apiserver,
        flags: Vec::new(),
        mounts: Vec::new(),
        annotations: Vec::new(),
    };
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').expect("a word and its value");
        let rest = rest.replace("\\n", "\n");
        let pair = || {
            let (name, value) = rest.split_once('=').expect("NAME=VALUE");
            (name.to_owned(), value.to_owned())
        };
        let flag = |business| {
            let (name, value) = pair();
            FlagWish { name, value, business }
        };
        let mount = |kind| MountWish { path: rest.clone(), kind };
        match word {
            "process" => {
                let found = PROCESSES.into_iter().find(|known| known.name() == rest);
                wish.process = found.expect("a process");
            }
            "own" => wish.flags.push(flag(Business::Own)),
            "default" => wish.flags.push(flag(Business::Default)),
            "folder" => wish.mounts.push(mount(PathKind::Folder)),
            "file" => wish.mounts.push(mount(PathKind::File)),
            "annotate" => wish.annotations.push(pair()),
            _ => panic!("unknown word {word}"),
        }
    }
    wish
}

fn cases() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    entries_of(all).into_iter().filter(|path| path.is_dir()).collect()
}

fn input(case: &Path) -> Vec<u8> {
    std::fs::read(case.join("input.yaml")).unwrap()
}

fn wish_of(case: &Path) -> PodWish {
    wish(&std::fs::read_to_string(case.join("wish.txt")).unwrap())
}

fn refusal(error: &PodError) -> String {
    let mut text = format!("{error}\n");
    if let Some(help) = &error.help {
        let _ = writeln!(text, "help: {help}");
    }
    text
}

#[test]
fn every_manifest_becomes_what_is_expected() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let cases = cases();
    assert!(cases.len() >= 45);
    let mut wrong = Vec::new();
    for case in cases {
        let (input, wish) = (input(&case), wish_of(&case));
        let mut found: [(&str, Option<Vec<u8>>); 3] = [
            ("expected.yaml", None),
            ("expected-findings.txt", None),
            ("expected-error.txt", None),
        ];
        match patch(&input, &wish) {
            Ok(patched) => {
                let mut findings = String::new();
                for finding in &patched.findings {
                    let _ = writeln!(findings, "{finding}");
                }
                let again = patch(&patched.bytes, &wish).expect("the result is a manifest");
                assert!(again.bytes == patched.bytes, "{}: not idempotent", case.display());
                found[1].1 = (!findings.is_empty()).then_some(findings.into_bytes());
                found[0].1 = Some(patched.bytes);
            }
            Err(error) => found[2].1 = Some(refusal(&error).into_bytes()),
        }
        for (name, found) in found {
            let path = case.join(name);
            match found {
                Some(found) if update => std::fs::write(&path, found).unwrap(),
                None if update => drop(std::fs::remove_file(&path)),
                found => {
                    if std::fs::read(&path).ok() != found {
                        let text = String::from_utf8_lossy(&found.unwrap_or_default()).into_owned();
                        wrong.push(format!("--- {}\n{text}", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn kubeadm(name: &str) -> Vec<u8> {
    input(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(name))
}

#[test]
fn facts_of_kubeadm_manifests() {
    let facts = read(&kubeadm("apiserver-unchanged"), Process::Apiserver).unwrap();
    assert_eq!(facts.values("client-ca-file").collect::<Vec<_>>(), ["/etc/kubernetes/pki/ca.crt"]);
    assert!(facts.host_network);
    let mount = facts.mounts.iter().find(|mount| mount.name == "k8s-certs").unwrap();
    assert_eq!(mount.path, "/etc/kubernetes/pki");
    assert!(mount.read_only && mount.sub_path.is_none());
    let host = facts.host_paths.iter().find(|host| host.name == "k8s-certs").unwrap();
    assert_eq!(
        (host.path.as_str(), host.kind.as_str()),
        ("/etc/kubernetes/pki", "DirectoryOrCreate")
    );
    assert!(facts.annotations.iter().any(|(key, _)| key.starts_with("kubeadm.kubernetes.io/")));
    let flag = &facts.flags[0];
    let source = kubeadm("apiserver-unchanged");
    assert_eq!(&source[flag.span.clone()], b"--advertise-address=192.168.5.11");
}

#[test]
fn hostile_manifests_are_refused_in_time() {
    let wish = wish_of(&cases()[0]);
    let bomb = {
        let mut text = String::from("a0: &a0 [x, x]\n");
        for n in 1..100 {
            let _ = writeln!(text, "a{n}: &a{n} [*a{0}, *a{0}]", n - 1);
        }
        text
    };
    for text in [
        "[".repeat(1_000_000),
        "- ".repeat(500_000),
        "{a: ".repeat(250_000),
        "#\n".repeat(500_000),
        "&a ".repeat(300_000),
        "a: b\n".repeat(200_000),
        "x".repeat(1_048_577),
        bomb,
    ] {
        let started = std::time::Instant::now();
        assert!(patch(text.as_bytes(), &wish).is_err());
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", text.get(..20));
    }
}

/// How many lines of the old text are not in the new one, in order.
fn lost(old: &str, new: &str) -> usize {
    let new: Vec<&str> = new.lines().collect();
    // The longest common subsequence, a row for every old line.
    let mut common = vec![0; new.len() + 1];
    for line in old.lines() {
        let above = common.clone();
        for (column, other) in new.iter().enumerate() {
            common[column + 1] = if *other == line {
                above[column] + 1
            } else {
                above[column + 1].max(common[column])
            };
        }
    }
    old.lines().count() - common[new.len()]
}

/// One of the good cases, and small damage of the kind that a hand or a template does.
fn mutated() -> impl Strategy<Value = (Vec<u8>, PodWish)> {
    let cases: Vec<_> = cases().into_iter().map(|case| (input(&case), wish_of(&case))).collect();
    let piece = prop_oneof![
        Just(""),
        Just("\n"),
        Just("  "),
        Just("\t"),
        Just("\""),
        Just("'"),
        Just("- "),
        Just(": "),
        Just(" # x"),
        Just("&a "),
        Just("*a"),
        Just("!!str "),
        Just("|\n"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just("\r"),
        Just("ü"),
        Just("---\n"),
        Just("? "),
        Just("<<: "),
        Just("\u{feff}"),
        Just("--"),
        Just("="),
    ];
    let damage = (any::<prop::sample::Index>(), 0_usize..12, piece);
    (prop::sample::select(cases), prop::collection::vec(damage, 0..4)).prop_map(
        |((mut input, wish), damages)| {
            for (at, length, piece) in damages {
                let at = at.index(input.len() + 1);
                let end = (at + length).min(input.len());
                input.splice(at..end, piece.bytes());
            }
            (input, wish)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", lines in "([ -]{0,6}[a-z&*!|>{\\[#\"']{0,3}(: ?)?[a-z]{0,4}\n){0,20}") {
        let wish = wish_of(&cases()[0]);
        let _ = patch(text.as_bytes(), &wish);
        let _ = patch(lines.as_bytes(), &wish);
        let _ = read(lines.as_bytes(), Process::Etcd);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = patch(&bytes, &wish_of(&cases()[0]));
    }

    #[test]
    fn twice_is_once_and_other_lines_survive((input, wish) in mutated()) {
        if let Ok(once) = patch(&input, &wish) {
            let twice = patch(&once.bytes, &wish).unwrap();
            prop_assert_eq!(&twice.bytes, &once.bytes);
            let old = String::from_utf8(input).unwrap();
            let new = String::from_utf8(once.bytes).unwrap();
            // A line per finding, per annotation, per emptied collection (two lists, two mappings, args),
            // and the last of a file or of brackets, which may get a comma or a line break.
            let changed = once.findings.len() + wish.annotations.len() + 8;
            prop_assert!(lost(&old, &new) <= changed, "{old}\n=>\n{new}");
        }
    }
}
