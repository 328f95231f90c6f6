//! `reproducible { … }`: the same description and seed make the same bytes, for ever.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use kpki::facts::CertificateFacts;
use kpki::plan::Intent;
use kpki::time::Span;
use proptest::prelude::*;
use ring::digest::{SHA256, digest};

use crate::testkit::memory_project::{MemoryProject, Tree};
use crate::testkit::{ended, fed, tool};

/// Public, as every seed of a test: the first private key of RFC 8032 7.1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

const DESCRIPTION: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
reproducible { seed-file "lab.seed"; not-before "2026-01-01T00:00:00Z" }
ca "etcd" key="ecdsa-p384"
ca "front-proxy" key="rsa-2048"
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21" key="ed25519"
node "w2" address="10.0.0.22" revision=2
component "kubelet" serving=#true config=#true
user "jane" { group "dev" }
user "joe" { via "csr"; key "ecdsa-p384"; bind cluster-role="view" }
user "old" { key "rsa-2048"; validity "90d" }
user "older" { key "rsa-3072" }
"#;

fn described(description: &str) -> MemoryProject {
    let mut project = MemoryProject::new(description);
    project.seed = Some(SEED.to_owned());
    project
}

/// What the description gives: made once, since it is always the same.
fn whole() -> MemoryProject {
    static WHOLE: LazyLock<MemoryProject> = LazyLock::new(|| applied(DESCRIPTION));
    WHOLE.clone()
}

fn applied(description: &str) -> MemoryProject {
    let mut project = described(description);
    project.apply().unwrap();
    project
}

fn has_end(path: &str, end: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == end)
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, bytes).as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn digests(out: &Tree) -> String {
    let lines =
        out.iter().map(|(path, (bytes, mode))| format!("{} {mode:04o} {path}", sha256(bytes)));
    lines.collect::<Vec<_>>().join("\n")
}

/// An RSA key of this size takes seconds to find: alone, so that no other test waits for it.
const LARGE: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
reproducible { seed-file "lab.seed"; not-before "2026-01-01T00:00:00Z" }
node "cp1" role="control-plane" address="10.0.0.11"
user "oldest" { key "rsa-4096" }
"#;

/// The published table: on every machine and in every later version. Kubeconfigs and keys are in it, so it
/// holds for what nobody should print, too.
#[test]
fn digests_are_for_ever() {
    let (mut out, large) = (whole().out, applied(LARGE).out);
    let own = |path: &String| path.starts_with("users/oldest/");
    let own: Tree = large.into_iter().filter(|(path, _)| own(path)).collect();
    // Right as well as the same.
    let (key, _) = &own["users/oldest/oldest.key"];
    let mut check = tool("openssl");
    check.args(["pkey", "-check", "-noout", "-text_pub"]);
    let output = ended(&fed(&mut check, key), 0);
    assert!(output.contains("Public-Key: (4096 bit)"));
    out.extend(own);
    let found = digests(&out);
    let golden = include_str!("reproducible.txt").trim_end();
    assert_eq!(found, golden, "got:\n{found}");
}

#[test]
fn order_threads_and_clock_make_no_difference() {
    let first = whole();
    let mut lines: Vec<&str> = DESCRIPTION.trim().lines().collect();
    lines.reverse();
    let mut other = described(&lines.join("\n"));
    other.later(Span::days(20_000));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(|| other.apply().unwrap());
    assert_eq!(first.out, other.out);
    assert_eq!(first.lock, other.lock);
}

/// Whatever is gone comes back as it was, and nothing else is touched.
#[test]
fn a_missing_file_is_rebuilt_as_it_was() {
    let whole = whole();
    whole.assert_converged();
    for path in whole.out.keys() {
        let mut project = whole.clone();
        project.out.remove(path);
        let planned = project.plan();
        assert!(!planned.steps().is_empty(), "{path}");
        assert_eq!(planned.blocked(), [""; 0], "{path}");
        project.apply().unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(digests(&project.out), digests(&whole.out), "{path}");
        assert_eq!(project.lock, whole.lock, "{path}");
    }
}

#[test]
fn a_lost_tree_or_lock_changes_nothing() {
    let whole = whole();
    let kept = |kept: &dyn Fn(&str) -> bool, with_lock: bool| {
        let mut project = whole.clone();
        project.out.retain(|path, _| kept(path));
        if !with_lock {
            project.lock = None;
        }
        project.apply().unwrap();
        assert_eq!(digests(&project.out), digests(&whole.out));
        assert_eq!(project.lock, whole.lock);
        project.assert_converged();
    };
    for with_lock in [true, false] {
        kept(&|_| true, with_lock);
        kept(&|_| false, with_lock);
        kept(&|path| !path.starts_with("ca/"), with_lock);
        kept(&|path| !path.starts_with("nodes/"), with_lock);
        kept(&|path| !has_end(path, "key"), with_lock);
        kept(&|path| !has_end(path, "crt"), with_lock);
    }
}

/// Written dates are dates: no clock renews, and the plan says what ends.
#[test]
fn the_clock_renews_nothing() {
    let mut project = whole();
    for days in [30, 100, 300, 4_000, 20_000] {
        project.later(Span::days(days));
        let planned = project.plan();
        assert_eq!(planned.steps(), [""; 0], "{days}");
        if days >= 300 {
            assert!(!planned.plan.ending.is_empty(), "{days}");
        }
    }
}

#[test]
fn another_start_keeps_every_key() {
    let mut project = whole();
    let before = project.out.clone();
    project.description = DESCRIPTION.replace("2026-01-01", "2026-06-01");
    project.apply().unwrap();
    project.assert_converged();
    for (path, (bytes, _)) in &project.out {
        let (old, _) = &before[path];
        if has_end(path, "key") || has_end(path, "pub") {
            assert_eq!(bytes, old, "{path}");
        }
        if has_end(path, "crt") && !path.ends_with("/request.crt") {
            let facts = |bytes: &[u8]| {
                let pem = kpki::facts::certificates_in_pem(bytes).unwrap();
                CertificateFacts::from_der(&pem[0]).unwrap()
            };
            let (new, old) = (facts(bytes), facts(old));
            assert_eq!(new.public_key, old.public_key, "{path}");
            assert_eq!(new.not_before.to_string(), "2026-06-01T00:00:00Z", "{path}");
            assert_ne!(new.digest, old.digest, "{path}");
        }
    }
    // And back again: the very bytes.
    project.description = DESCRIPTION.to_owned();
    project.apply().unwrap();
    assert_eq!(digests(&project.out), digests(&before));
}

/// What grew step by step is what is built at once.
#[test]
fn history_leaves_no_trace() {
    let mut project = applied(&DESCRIPTION.replace("user \"jane\" { group \"dev\" }\n", ""));
    for (from, to) in [
        ("node \"w2\"", "node \"w3\" address=\"10.0.0.23\"\nnode \"w2\""),
        ("key=\"ed25519\"", "key=\"ecdsa-p256\""),
        ("revision=2", "revision=3"),
        ("cluster \"lab\"", "defaults { validity \"100d\" }\ncluster \"lab\""),
    ] {
        project.description = DESCRIPTION.replace(from, to);
        project.apply().unwrap();
    }
    project.description = DESCRIPTION.to_owned();
    project.apply_with(&Intent::default(), true).unwrap();
    let whole = whole();
    assert_eq!(digests(&project.out), digests(&whole.out));
    assert_eq!(project.lock, whole.lock);
}

/// A cluster-signed certificate comes from outside: it stays, and its request is the same again.
#[test]
fn accepted_certificates_stay() {
    let mut project = whole();
    let signed = project.signed("joe", Span::days(200));
    project.accept("joe", &signed).unwrap();
    project.assert_converged();
    let request = project.out["users/joe/request/joe.csr"].clone();
    let lock = project.lock.clone();
    project.lock = None;
    project.apply().unwrap();
    assert_eq!(project.out["users/joe/request/joe.csr"], request);
    assert!(project.out.contains_key("users/joe/joe.crt"));
    project.lock = lock;
    project.later(Span::days(195));
    project.apply().unwrap();
    assert_eq!(project.out["users/joe/request/joe.csr"], request);
    project.assert_converged();
}

#[test]
fn another_seed_or_drawn_keys_are_refused() {
    const OTHER: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let whole = whole();
    let mut project = whole.clone();
    project.seed = Some(OTHER.to_owned());
    project.out.remove("ca/kubernetes.key");
    let error = project.apply().unwrap_err();
    assert!(error.message.contains("the seed is not the one"), "{}", error.message);
    // Without the lock, too.
    project.lock = None;
    let error = project.apply().unwrap_err();
    assert!(error.message.contains("does not follow from the seed"), "{}", error.message);
    // Where the CAs are gone with it, their leaves tell.
    project.out.retain(|path, _| {
        !path.contains("ca.") && !path.contains("sa.") && !path.starts_with("ca/")
    });
    let error = project.apply().unwrap_err();
    assert!(error.message.contains("does not follow from the seed"), "{}", error.message);
    project.seed = Some(SEED.to_owned());
    project.apply().unwrap();
    assert_eq!(digests(&project.out), digests(&whole.out));
    // Over keys that were drawn nothing is planned.
    let drawn = DESCRIPTION.replace("reproducible {", "/- reproducible {");
    let mut project = MemoryProject::applied(&drawn);
    project.description = DESCRIPTION.to_owned();
    project.seed = Some(SEED.to_owned());
    let blocked = project.plan().blocked();
    assert_eq!(blocked, ["ca/kubernetes -", "ca/etcd -", "ca/front-proxy -", "service-account -"]);
    // Nor does a lost lock help.
    project.lock = None;
    assert!(project.apply().is_err());
    // Turned off, the keys stay what they are.
    let mut project = whole.clone();
    project.description = drawn;
    project.seed = None;
    let keys = |project: &MemoryProject| -> Tree {
        let files = project.out.clone().into_iter();
        files.filter(|(path, _)| has_end(path, "key")).collect()
    };
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(keys(&project), keys(&whole));
    assert!(!project.lock.as_ref().unwrap().contains("\"seed\""));
}

/// No seed, no part of one, nowhere.
#[test]
fn the_seed_is_in_no_file() {
    let project = whole();
    let bytes = seed_bytes();
    let holds = |file: &[u8]| file.windows(16).any(|part| part == &bytes[..16]);
    let mut texts: Vec<&[u8]> = project.out.values().map(|(bytes, _)| &bytes[..]).collect();
    let lock = project.lock.clone().unwrap();
    texts.push(lock.as_bytes());
    for text in texts {
        assert!(!holds(text));
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains("9d61b19deffd5a60"), "{text}");
    }
}

fn seed_bytes() -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&SEED[at..at + 2], 16).unwrap();
    (0..64).step_by(2).map(byte).collect()
}

const SMALL: &str = r#"
cluster "lab" { kubernetes "1.36.2" }
reproducible { seed-file "lab.seed"; not-before "2026-01-01T00:00:00Z" }
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21"
user "jane" { group "dev" }
user "joe" { via "csr"; bind cluster-role="view" }
"#;

fn replaced(anchors: &[&str]) -> Intent {
    let allow = anchors.iter().map(|name| format!("replace:{name}"));
    Intent { allow: allow.map(|allow| allow.parse().unwrap()).collect(), ..Intent::default() }
}

const ANCHORS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];

/// Whoever administers one is not that of the other, and their locks do not tell that the seed is one.
#[test]
fn two_clusters_of_one_seed_share_no_key() {
    let (one, other) = (applied(SMALL), applied(&SMALL.replace("\"lab\"", "\"prod\"")));
    let keys = |project: &MemoryProject| -> Vec<Vec<u8>> {
        let files = project.out.iter();
        let keys = files.filter(|(path, _)| has_end(path, "key") || has_end(path, "pub"));
        keys.map(|(_, (bytes, _))| bytes.clone()).collect()
    };
    let (one_keys, other_keys) = (keys(&one), keys(&other));
    assert!(one_keys.len() > 10);
    assert!(one_keys.iter().all(|key| !other_keys.contains(key)));
    let mark = |project: &MemoryProject| project.lock().seed.unwrap();
    assert_ne!(mark(&one).id, mark(&other).id);
    assert_eq!(mark(&one).schedule, 2);
}

/// A renamed cluster has other keys: of the anchors only with a word, and then of all.
#[test]
fn a_renamed_cluster_gets_other_keys_with_a_word_only() {
    let mut project = applied(SMALL);
    let renamed = SMALL.replace("\"lab\"", "\"prod\"");
    project.description.clone_from(&renamed);
    let planned = project.plan();
    let expected: Vec<String> =
        ANCHORS.iter().map(|name| format!("{name} replace:{name}")).collect();
    assert_eq!(planned.blocked(), expected);
    let why = &planned.plan.blocked[0].why;
    assert!(why.starts_with("cluster: lab -> prod: keys follow from the seed"), "{why}");
    let before = project.out.clone();
    assert!(project.apply().is_err());
    assert!(project.apply_with(&replaced(&ANCHORS[..3]), false).is_err());
    // Files that are missing do not make the old keys stay.
    project.out.remove("users/jane/jane.crt");
    project.out.remove("users/joe/request/joe.csr");
    project.out.remove("nodes/cp1/etc/kubernetes/pki/apiserver.crt");
    project.apply_with(&replaced(&ANCHORS), false).unwrap();
    project.assert_converged();
    let fresh = applied(&renamed);
    assert_eq!(digests(&project.out), digests(&fresh.out));
    assert_eq!(project.lock, fresh.lock);
    assert!(project.out.iter().all(|(path, file)| !has_end(path, "key") || before[path] != *file));
    // Without the lock nothing says what they follow from, but the keys do.
    project.lock = None;
    project.description = SMALL.to_owned();
    let error = project.apply().unwrap_err();
    assert!(error.message.contains("does not follow from the seed and the cluster's name"));
    // Without a seed a name is a name.
    let mut drawn = MemoryProject::applied(&SMALL.replace("reproducible {", "/- reproducible {"));
    drawn.description = drawn.description.replace("\"lab\"", "\"prod\"");
    assert_eq!(drawn.plan().blocked(), [""; 0]);
}

/// What version 1 made is not made anew by version 2 without a word, nor with one.
#[test]
fn keys_of_another_schedule_are_refused_and_may_be_kept() {
    let mut project = applied(SMALL);
    for version in ["", ",\"schedule\":1", ",\"schedule\":3"] {
        let lock = project.lock.clone().unwrap();
        project.lock = Some(lock.replacen(",\"schedule\":2", version, 1));
        assert_ne!(project.lock.as_deref(), Some(&*lock));
        let planned = project.plan();
        let expected = ANCHORS.map(|name| format!("{name} -"));
        assert_eq!(planned.blocked(), expected);
        let why = &planned.plan.blocked[0].why;
        let version = if version.ends_with('3') { 3 } else { 1 };
        assert!(why.contains(&format!("by version {version} of the key schedule")), "{why}");
        assert_eq!(project.plan_with(&replaced(&ANCHORS)).blocked(), expected);
        let mut kept = project.clone();
        kept.description = SMALL.replace("reproducible {", "/- reproducible {");
        kept.seed = None;
        kept.apply().unwrap();
        assert_eq!(kept.out["ca/kubernetes.key"], project.out["ca/kubernetes.key"]);
        project.lock = Some(lock);
    }
}

/// Independent of kpki's code: the schedule of `keys/schedule.rs`, spelled out.
fn stream(purpose: [&str; 4], counter: &str, length: usize) -> Vec<u8> {
    let seed = seed_bytes();
    let mut input = Vec::new();
    for part in [
        &seed[..],
        b"lab",
        purpose[0].as_bytes(),
        purpose[1].as_bytes(),
        purpose[2].as_bytes(),
        purpose[3].as_bytes(),
        counter.as_bytes(),
    ] {
        input.extend((part.len() as u64).to_le_bytes());
        input.extend(part);
    }
    let mut hasher = blake3::Hasher::new_derive_key("kpki 2026-11-27 reproducible key schedule v2");
    hasher.update(&input);
    let mut out = vec![0; length];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// ring makes the public halves.
#[test]
fn keys_are_those_of_the_written_schedule() {
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    };
    let project = whole();
    let bits = |path: &str| {
        let pem = kpki::facts::certificates_in_pem(&project.out[path].0).unwrap();
        let facts = CertificateFacts::from_der(&pem[0]).unwrap();
        // The end of a SubjectPublicKeyInfo is the key: 32 bytes, or a point of 65.
        let spki = facts.public_key.spki();
        let length = if spki.len() < 60 { 32 } else { 65 };
        spki[spki.len() - length..].to_vec()
    };
    let seed = stream(["key", "nodes/w1/kubelet-server", "ed25519", "1"], "0", 32);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let path = "nodes/w1/etc/kubernetes/pki/kubelet.crt";
    assert_eq!(bits(path), pair.public_key().as_ref());

    for (name, revision, path) in [
        ("ca/kubernetes", "1", "ca/kubernetes.crt"),
        ("nodes/w2/kubelet-server", "1.2", "nodes/w2/etc/kubernetes/pki/kubelet.crt"),
        ("users/jane", "1", "users/jane/jane.crt"),
    ] {
        let scalar = stream(["key", name, "ecdsa-p256", revision], "0", 32);
        let public = bits(path);
        EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &scalar,
            &public,
            &SystemRandom::new(),
        )
        .unwrap_or_else(|_| panic!("{path} is not the key of {name}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever is said of one user, only that user's files change.
    #[test]
    fn a_changed_user_changes_only_their_files(
        group in "[a-z]{1,8}",
        days in 1_u32..300,
        key in prop::sample::select(vec!["ecdsa-p256", "ecdsa-p384", "ed25519"]),
        revision in 1_u32..9,
    ) {
        let whole = whole();
        let user = format!(
            "user \"jane\" {{ group \"{group}\"; validity \"{days}d\"; key \"{key}\"; revision {revision} }}\n"
        );
        let changed = applied(&DESCRIPTION.replace("user \"jane\" { group \"dev\" }\n", &user));
        let mut all: BTreeMap<_, _> = whole.out.clone();
        all.extend(changed.out.clone());
        for path in all.keys() {
            let same = whole.out.get(path) == changed.out.get(path);
            prop_assert!(same || path.starts_with("users/jane/"), "{path}");
        }
    }
}
