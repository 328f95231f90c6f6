//! Secrets that rest sealed: what is written, what is kept, and what is sealed again. `age` is the judge.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kpki::build::key::PrivateKey;
use kpki::plan::{Allow, Change, Intent};
use kpki::state::{is_public, is_read, sealed_secret};
use kpki::time::Span;

use crate::testkit::age::{Key, open, seal};
use crate::testkit::memory_project::{MemoryProject, Tree};

const CLUSTER: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1" primary=#true
node "w1" address="10.0.1.1"
user "jane" { group "dev" }
certificate "web" { san "web.lab"; node "cp1" "w1" }
"#;

static OPERATOR: LazyLock<Key> = LazyLock::new(Key::age);
static BOB: LazyLock<Key> = LazyLock::new(|| Key::ssh("ed25519", "bob@desk", ""));
static NODE: LazyLock<Key> = LazyLock::new(Key::age);

const KEY: &str = ".key";

fn secrets(recipients: &[&Key]) -> String {
    let names: Vec<String> = recipients.iter().map(|key| format!("{:?}", key.recipient)).collect();
    format!("secrets {{ recipient {} }}\n", names.join(" "))
}

fn sealed() -> MemoryProject {
    let mut project = MemoryProject::applied(&format!("{CLUSTER}{}", secrets(&[&OPERATOR, &BOB])));
    project.assert_converged();
    project.identity = Some(OPERATOR.secret());
    project
}

fn sealed_files(tree: &Tree) -> BTreeMap<String, Vec<u8>> {
    let sealed = tree.iter().filter(|(path, _)| sealed_secret(path).is_some());
    sealed.map(|(path, (bytes, _))| (path.clone(), bytes.clone())).collect()
}

fn public_files(tree: &Tree) -> Tree {
    let public = tree.iter().filter(|(path, _)| is_public(path));
    public.map(|(path, file)| (path.clone(), file.clone())).collect()
}

/// Every secret in the clear, by its name in the clear; of sealed ones what `age` finds inside.
fn opened(project: &MemoryProject, key: &Key) -> BTreeMap<String, Vec<u8>> {
    let secrets = project.out.iter().filter(|(path, _)| !is_public(path));
    secrets
        .map(|(path, (bytes, _))| match sealed_secret(path) {
            Some(secret) => (secret.to_owned(), open(bytes, key).unwrap()),
            None => (path.clone(), bytes.clone()),
        })
        .collect()
}

fn assert_nothing_in_the_clear(project: &MemoryProject) {
    let clear: Vec<_> = project.out.keys().filter(|path| !is_read(path)).collect();
    assert!(clear.is_empty(), "{clear:?}");
    for (path, (bytes, mode)) in &project.out {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("PRIVATE KEY"), "{path}");
        if sealed_secret(path).is_some() {
            assert_eq!(*mode, 0o600, "{path}");
        }
    }
}

fn changes(project: &MemoryProject) -> Vec<String> {
    let seals = project.plan().plan.seals;
    let mut all: Vec<String> =
        seals.iter().map(|seal| format!("{:?} {}", seal.change, seal.path)).collect();
    all.sort();
    all
}

fn refused(project: &mut MemoryProject) -> String {
    let before = project.clone();
    let why = project.apply().unwrap_err().to_string();
    assert_eq!(before.out, project.out, "something was written");
    assert_eq!(before.lock, project.lock, "the lock was written");
    why
}

#[test]
fn every_secret_is_sealed_for_every_recipient_and_holds_what_it_should() {
    let project = sealed();
    assert_nothing_in_the_clear(&project);
    let inside = opened(&project, &OPERATOR);
    assert_eq!(inside, opened(&project, &BOB));
    let mut described: Vec<&str> = inside.keys().map(String::as_str).collect();
    let clear = MemoryProject::applied(CLUSTER);
    let mut expected: Vec<&str> = clear.secrets().into_keys().collect();
    described.sort_unstable();
    expected.sort_unstable();
    assert_eq!(described, expected);
    // Copies are copies.
    assert_eq!(inside["ca/kubernetes.key"], inside["nodes/cp1/etc/kubernetes/pki/ca.key"]);
    for (path, bytes) in &inside {
        if path.ends_with(KEY) {
            PrivateKey::from_pem(bytes).unwrap_or_else(|why| panic!("{path} {why}"));
        }
    }
    let stranger = Key::age();
    for (path, bytes) in sealed_files(&project.out) {
        assert!(open(&bytes, &stranger).is_err(), "{path}");
    }
}

#[test]
fn an_unchanged_secret_is_an_unchanged_file_at_any_clock() {
    let mut project = sealed();
    let before = sealed_files(&project.out);
    for days in [1, 30, 200] {
        project.later(Span::days(days));
        project.assert_converged();
    }
    project.description.push_str("component \"apiserver\" { san \"other.lab\" }\n");
    project.apply().unwrap();
    assert_eq!(before, sealed_files(&project.out));
    // A renewal of everything keeps the keys; kubeconfigs are others, since they embed certificates.
    project.later(Span::days(110));
    project.apply().unwrap();
    project.assert_converged();
    let after = sealed_files(&project.out);
    for (path, bytes) in before {
        let is_config = path.ends_with(".conf.age") || path.ends_with(".kubeconfig.age");
        assert_eq!(is_config, bytes != after[&path], "{path}");
    }
}

#[test]
fn sealing_keeps_every_key_and_takes_the_place_of_every_secret_in_the_clear() {
    let mut project = MemoryProject::applied(CLUSTER);
    let (secrets_before, public_before) = (opened(&project, &OPERATOR), public_files(&project.out));
    project.description.push_str(&secrets(&[&OPERATOR, &BOB]));
    let planned = project.plan();
    assert_eq!(planned.steps(), Vec::<String>::new(), "nothing is issued");
    assert_eq!(planned.plan.seals.len(), secrets_before.len());
    // Nothing must be opened: no identity is here.
    project.apply().unwrap();
    project.assert_converged();
    assert_nothing_in_the_clear(&project);
    assert_eq!(secrets_before, opened(&project, &OPERATOR));
    assert_eq!(public_before, public_files(&project.out));
}

#[test]
fn a_key_that_is_not_its_witness_s_is_not_sealed() {
    let mut project = MemoryProject::applied(CLUSTER);
    project.description.push_str(&secrets(&[&OPERATOR]));
    let other = MemoryProject::applied(CLUSTER);
    for path in [
        "ca/kubernetes.key",
        "nodes/cp1/etc/kubernetes/pki/apiserver.key",
        "nodes/w1/etc/kubernetes/pki/web.key",
    ] {
        let mut project = project.clone();
        project.out.insert(path.into(), other.out[path].clone());
        let why = refused(&mut project);
        assert!(why.contains(path) && why.contains("does not hold"), "{why}");
    }
    let config = "nodes/w1/etc/kubernetes/kubelet.conf";
    let text = String::from_utf8(project.out[config].0.clone()).unwrap();
    let key = |text: &str| {
        let (_, key) = text.split_once("client-key-data: ").unwrap();
        key.trim_end().to_owned()
    };
    let foreign = String::from_utf8(other.out[config].0.clone()).unwrap();
    let mixed = text.replace(&key(&text), &key(&foreign));
    project.out.insert(config.into(), (mixed.into_bytes(), 0o600));
    let why = refused(&mut project);
    assert!(why.contains(config), "{why}");
}

#[test]
fn secrets_in_the_clear_again_need_a_word_and_an_identity() {
    let mut project = sealed();
    let secrets_before = opened(&project, &OPERATOR);
    project.description = CLUSTER.to_owned();
    assert_eq!(project.plan().blocked(), ["ca/kubernetes plaintext"]);
    refused(&mut project);
    let intent = Intent { allow: vec![Allow::Plaintext], ..Intent::default() };
    let identity = project.identity.take();
    let why = project.apply_with(&intent, false).unwrap_err().to_string();
    assert!(why.contains("no identity was given"), "{why}");
    project.identity = identity;
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
    assert!(sealed_files(&project.out).is_empty());
    assert_eq!(secrets_before, opened(&project, &OPERATOR));
    // The lock is as if they had never been sealed.
    let lock = project.lock.clone().unwrap();
    for word in ["sealed", "recipients", "copy"] {
        assert!(!lock.contains(word), "{word}");
    }
}

#[test]
fn other_recipients_are_one_change_that_keeps_every_key() {
    let mut project = sealed();
    let (secrets_before, public_before) = (opened(&project, &OPERATOR), public_files(&project.out));
    let before = sealed_files(&project.out);
    let carol = Key::ssh("rsa", "carol", "");
    project.description = format!("{CLUSTER}{}", secrets(&[&OPERATOR, &carol]));
    let planned = project.plan();
    assert_eq!(planned.steps(), Vec::<String>::new());
    let again = |seal: &kpki::plan::Seal| seal.change == Change::SealAgain;
    assert!(planned.plan.seals.iter().all(again));
    assert_eq!(planned.plan.seals.len(), before.len());
    let names = |set: &std::collections::BTreeSet<(kpki::sealed::Owner, String)>| {
        let names = set.iter().map(|(_, name)| name.rsplit(' ').next().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&planned.plan.recipients.added), ["carol"]);
    assert_eq!(names(&planned.plan.recipients.removed), ["bob@desk"]);
    let identity = project.identity.take();
    assert!(refused(&mut project).contains("no identity was given"));
    project.identity = identity;
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(secrets_before, opened(&project, &OPERATOR));
    assert_eq!(secrets_before, opened(&project, &carol));
    assert_eq!(public_before, public_files(&project.out));
    for (path, bytes) in sealed_files(&project.out) {
        assert_ne!(bytes, before[&path], "{path}");
        assert!(open(&bytes, &BOB).is_err(), "{path}");
    }
    // Another comment is no other key.
    let renamed = carol.recipient.replace(" carol", " carol@home");
    project.description = project.description.replace(&carol.recipient, &renamed);
    project.assert_converged();
}

#[test]
fn a_node_opens_its_own_tree_and_nothing_else() {
    let mut project = sealed();
    let before = sealed_files(&project.out);
    let with_key = |line: &str| format!("{line} recipient={:?}", NODE.recipient);
    let line = "node \"cp1\" role=\"control-plane\" address=\"10.0.0.1\"";
    project.description = project.description.replace(line, &with_key(line));
    let own: Vec<String> = changes(&project);
    assert!(!own.is_empty());
    assert!(own.iter().all(|change| change.starts_with("SealAgain nodes/cp1/")), "{own:?}");
    project.apply().unwrap();
    project.assert_converged();
    for (path, bytes) in sealed_files(&project.out) {
        let own = path.starts_with("nodes/cp1/");
        assert_eq!(open(&bytes, &NODE).is_ok(), own, "{path}");
        assert!(open(&bytes, &OPERATOR).is_ok(), "{path}");
        assert_eq!(bytes == before[&path], !own, "{path}");
    }
    // The copies that it needs are there.
    let copy = &project.out["nodes/cp1/etc/kubernetes/pki/ca.key.age"].0;
    let inside = String::from_utf8(open(copy, &NODE).unwrap()).unwrap();
    assert!(inside.contains("PRIVATE KEY"));
    // Its key signs, then: it has a copy of the CA's.
    project.identity = Some(NODE.secret());
    project.description.push_str("component \"apiserver\" { san \"other.lab\" }\n");
    project.apply().unwrap();
    project.assert_converged();
}

#[test]
fn nodes_that_come_and_go_touch_no_other_secret() {
    let mut project = sealed();
    let before = sealed_files(&project.out);
    let alone = project.description.clone();
    project.description.push_str("node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\n");
    project.apply().unwrap();
    project.assert_converged();
    let kept = |project: &MemoryProject| {
        let mut files = sealed_files(&project.out);
        files.retain(|path, _| !path.starts_with("nodes/cp2/"));
        files
    };
    assert_eq!(before, kept(&project));
    project.description = alone;
    project.identity = None;
    for remove_by_hand in [true, false] {
        let mut project = project.clone();
        if remove_by_hand {
            project.out.retain(|path, _| !path.starts_with("nodes/cp2/"));
        }
        project.apply().unwrap();
        project.assert_converged();
        project.apply_with(&Intent::default(), true).unwrap();
        project.assert_converged();
        assert_eq!(before, sealed_files(&project.out));
        assert!(!project.lock.unwrap().contains("cp2"));
    }
}

#[test]
fn a_deleted_lock_changes_no_file_and_every_secret_is_checked() {
    let mut project = sealed();
    let before = project.clone();
    project.lock = None;
    project.apply().unwrap();
    assert_eq!(before.out, project.out);
    assert_eq!(before.lock, project.lock);
    // Without the lock nothing vouches for a file.
    project.lock = None;
    project.identity = None;
    assert!(refused(&mut project).contains("no identity was given"));
    // Sealed for others than described, as far as can be seen: again.
    project.identity = before.identity.clone();
    let path = "certificates/web/web.key.age";
    let key = open(&before.out[path].0, &OPERATOR).unwrap();
    project.out.insert(path.into(), (seal(&key, &[&OPERATOR]), 0o600));
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(open(&project.out[path].0, &BOB), Ok(key));
    let others = |project: &MemoryProject| {
        let mut files = project.out.clone();
        files.remove(path);
        files
    };
    assert_eq!(others(&before), others(&project));
}

/// What an upgrade does that writes a recipe's hash in another way.
#[test]
fn a_new_hash_in_the_lock_opens_nothing() {
    let mut project = sealed();
    let before = project.clone();
    let lines: Vec<String> = project
        .lock
        .unwrap()
        .lines()
        .map(|line| match line.split_once("\"hash\":\"") {
            Some((head, rest)) => format!("{head}\"hash\":\"{}{}", "0".repeat(32), &rest[32..]),
            None => line.to_owned(),
        })
        .collect();
    project.lock = Some(lines.join("\n") + "\n");
    project.identity = None;
    assert!(!project.plan().steps().is_empty());
    assert_eq!(project.plan().rebuilt_steps(), Vec::<String>::new());
    project.apply().unwrap();
    assert_eq!(before.out, project.out);
    assert_eq!(before.lock, project.lock);
}

#[test]
fn a_sealed_file_of_another_hand_is_found_opened_and_sealed_again() {
    let project = sealed();
    for path in [
        "ca/kubernetes.key.age",
        "nodes/cp1/etc/kubernetes/pki/ca.key.age",
        "nodes/w1/etc/kubernetes/kubelet.conf.age",
        "users/jane/jane.key.age",
    ] {
        let mut project = project.clone();
        let inside = open(&project.out[path].0, &OPERATOR).unwrap();
        // With the `age` command, and for the same people.
        let by_hand = seal(&inside, &[&OPERATOR, &BOB]);
        project.out.insert(path.into(), (by_hand.clone(), 0o644));
        let steps = project.plan().steps();
        assert_eq!(steps.len(), 1, "{steps:?}");
        project.apply().unwrap();
        project.assert_converged();
        let after = &project.out[path].0;
        assert_ne!(*after, by_hand);
        assert_eq!(open(after, &BOB).unwrap(), inside, "{path}");
    }
}

#[test]
fn a_cut_or_changed_file_is_refused_by_name() {
    let project = sealed();
    let path = "ca/kubernetes.key.age";
    let whole = project.out[path].0.clone();
    let mut damaged: Vec<Vec<u8>> =
        (1..whole.len()).step_by(17).map(|end| whole[..end].to_vec()).collect();
    for at in (0..whole.len()).step_by(13) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        damaged.push(changed);
    }
    damaged.push(b"age-encryption.org/v1\n--- \n".to_vec());
    damaged.push(Vec::new());
    let mut repaired = 0;
    for bytes in damaged {
        let mut project = project.clone();
        // The node's copy would do instead.
        project.out.remove("nodes/cp1/etc/kubernetes/pki/ca.key.age");
        project.description.push_str("component \"apiserver\" { san \"other.lab\" }\n");
        project.out.insert(path.into(), (bytes, 0o600));
        project.plan();
        // A changed grease stanza or stanza of another recipient is caught by the header's code, too.
        let before = project.clone();
        match project.apply() {
            Ok(()) => repaired += 1,
            Err(_) => assert_eq!(before.out, project.out),
        }
    }
    assert_eq!(repaired, 0);
}

#[test]
fn a_twin_in_the_clear_goes_if_it_is_the_same_key() {
    let project = sealed();
    let inside = opened(&project, &OPERATOR);
    let other = MemoryProject::applied(CLUSTER);
    for path in [
        "ca/kubernetes.key",
        "nodes/cp1/etc/kubernetes/pki/sa.key",
        "nodes/w1/etc/kubernetes/kubelet.conf",
    ] {
        let mut project = project.clone();
        project.identity = None;
        let before = project.out.clone();
        project.out.insert(path.into(), (inside[path].clone(), 0o644));
        assert_eq!(changes(&project), [format!("RemoveTwin {path}")]);
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(before, project.out);

        project.out.insert(path.into(), other.out[path].clone());
        let why = refused(&mut project);
        assert!(why.contains("does not hold the same key"), "{why}");
    }
}

#[test]
fn the_twin_of_a_file_that_kpki_did_not_seal_stays_until_that_is_opened() {
    let mut project = sealed();
    let path = "certificates/web/web.key";
    let key = opened(&project, &OPERATOR)[path].clone();
    let nonsense = seal(b"nothing", &[&OPERATOR, &BOB]);
    project.out.insert(format!("{path}.age"), (nonsense, 0o600));
    project.out.insert(path.into(), (key, 0o600));
    project.out.remove("nodes/cp1/etc/kubernetes/pki/web.key.age");
    project.out.remove("nodes/w1/etc/kubernetes/pki/web.key.age");
    refused(&mut project);
    project.lock = None;
    refused(&mut project);
}

#[test]
fn absent_secrets_are_absent_sealed_or_not() {
    let mut project = sealed();
    let whole = project.clone();
    project.identity = None;
    project.out.retain(|path, _| sealed_secret(path).is_none());
    project.assert_converged();
    assert!(!project.plan().plan.absent.is_empty());
    // When they come back, the lock still knows them.
    project.out = whole.out;
    project.assert_converged();
    // Away while the recipients changed, they are sealed again when they are back.
    let back = project.out.clone();
    project.out.retain(|path, _| sealed_secret(path).is_none());
    project.description = format!("{CLUSTER}{}", secrets(&[&OPERATOR]));
    project.apply().unwrap();
    project.assert_converged();
    project.out = back;
    assert_eq!(changes(&project).len(), sealed_files(&project.out).len());
    project.identity = Some(OPERATOR.secret());
    project.apply().unwrap();
    project.assert_converged();
}

/// Names of artifacts whose keys removed recipients could read.
fn exposed(project: &MemoryProject) -> Vec<String> {
    exposed_with(project, &Intent::default())
}

fn exposed_with(project: &MemoryProject, intent: &Intent) -> Vec<String> {
    let planned = project.plan_with(intent);
    let exposed = planned.plan.exposed.keys();
    let mut names: Vec<String> =
        exposed.map(|id| planned.graph.get(*id).name.to_string()).collect();
    names.sort();
    names
}

#[test]
fn keys_that_a_removed_recipient_could_read_are_listed() {
    let mut project = sealed();
    let node = "node \"w1\" address=\"10.0.1.1\"";
    let with_key = format!("{node} recipient={:?}", NODE.recipient);
    project.description = project.description.replace(node, &with_key);
    project.apply().unwrap();
    assert_eq!(exposed(&project), Vec::<String>::new());
    let mut fewer = project.clone();
    fewer.description = fewer.description.replace(&with_key, node);
    assert_eq!(exposed(&fewer), ["certificates/web", "nodes/w1/kubelet"]);
    // Still a recipient, now of everything: it reads on.
    fewer.description = fewer
        .description
        .replace("secrets { ", &format!("secrets {{ recipient {:?}; ", NODE.recipient));
    assert_eq!(exposed(&fewer), Vec::<String>::new());
    let bob = format!("{:?}", BOB.recipient);
    project.description = project.description.replace(&bob, "");
    let all = exposed(&project);
    for name in [
        "ca/etcd",
        "ca/kubernetes",
        "nodes/cp1/apiserver",
        "nodes/w1/kubelet",
        "service-account",
        "users/jane",
    ] {
        assert!(all.iter().any(|other| other == name), "{name} in {all:?}");
    }
    // With new keys at once nothing of it is left but the roots.
    let intent = Intent {
        rekey: ["nodes/*", "users/*", "certificates/*"]
            .map(|pattern| pattern.parse().unwrap())
            .into(),
        ..Intent::default()
    };
    let left = exposed_with(&project, &intent);
    assert_eq!(left, ["ca/etcd", "ca/front-proxy", "ca/kubernetes", "service-account"]);
}

fn exposed_lines(project: &MemoryProject) -> Vec<String> {
    let lock = project.lock.as_ref().unwrap();
    let lines = lock.lines().filter(|line| line.starts_with("{\"exposed\":"));
    lines.map(str::to_owned).collect()
}

fn rekey(project: &mut MemoryProject, patterns: &[&str], allow: &[&str]) {
    let intent = Intent {
        rekey: patterns.iter().map(|name| name.parse().unwrap()).collect(),
        allow: allow.iter().map(|what| what.parse().unwrap()).collect(),
        ..Intent::default()
    };
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
}

#[test]
fn an_exposed_key_is_remembered_until_it_is_another_one() {
    let mut project = sealed();
    let never = project.clone();
    assert_eq!(exposed_lines(&project), Vec::<String>::new());
    project.description = format!("{CLUSTER}{}", secrets(&[&OPERATOR]));
    let all = exposed(&project);
    assert!(all.contains(&"ca/kubernetes".to_owned()) && all.contains(&"users/jane".to_owned()));
    project.apply().unwrap();
    // A state and no step: nothing is planned, at any clock.
    project.assert_converged();
    assert_eq!(exposed(&project), all);
    assert_eq!(exposed_lines(&project).len(), all.len());
    assert!(exposed_lines(&project)[0].contains("bob@desk"));
    // Other applies keep it: a reissue keeps the key.
    project.description.push_str("component \"apiserver\" { san \"other.lab\" }\n");
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(exposed(&project), all);

    rekey(&mut project, &["users/jane", "nodes/w1/*"], &[]);
    let left: Vec<String> = all
        .iter()
        .filter(|name| *name != "users/jane" && !name.starts_with("nodes/w1/"))
        .cloned()
        .collect();
    assert_eq!(exposed(&project), left);
    assert_eq!(exposed_lines(&project).len(), left.len());
    // Whoever goes next could not read the keys of before, and can read the new ones.
    let carol = Key::age();
    let recipients = secrets(&[&OPERATOR]);
    let with_carol = secrets(&[&OPERATOR, &carol]);
    project.description = project.description.replace(&recipients, &with_carol);
    project.apply().unwrap();
    project.description = project.description.replace(&with_carol, &recipients);
    project.apply().unwrap();
    project.assert_converged();
    let lines = exposed_lines(&project);
    assert_eq!(lines.len(), all.len());
    for line in &lines {
        let new = line.contains("users/jane") || line.contains("nodes/w1/");
        assert!(line.contains(&carol.recipient), "{line}");
        assert_eq!(line.contains("bob@desk"), !new, "{line}");
    }
    // New keys for everything, and the lock is as one in which nothing ever was exposed.
    let anchors = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];
    let allow = anchors.map(|name| format!("replace:{name}"));
    let patterns = [&anchors[..], &["nodes/*", "users/*", "certificates/*"]].concat();
    rekey(&mut project, &patterns, &allow.each_ref().map(String::as_str));
    assert_eq!(exposed(&project), Vec::<String>::new());
    assert!(!project.lock.clone().unwrap().contains("exposed"));

    // Back in the list, he reads them rightly.
    let mut back = never.clone();
    back.description = format!("{CLUSTER}{}", secrets(&[&OPERATOR]));
    back.apply().unwrap();
    back.description = never.description.clone();
    back.apply().unwrap();
    back.assert_converged();
    assert!(!back.lock.unwrap().contains("exposed"));
}

#[test]
fn an_exposure_is_of_one_key_and_goes_with_its_artifact() {
    let mut project = sealed();
    project.description = format!("{CLUSTER}{}", secrets(&[&OPERATOR]));
    project.apply().unwrap();
    let all = exposed(&project);
    // A lost lock takes it along and breaks nothing.
    let mut lost = project.clone();
    lost.lock = None;
    lost.apply().unwrap();
    lost.assert_converged();
    assert_eq!(exposed(&lost), Vec::<String>::new());
    assert_eq!(lost.out, project.out);
    // The line of an exposed key beside another key, as after a merge, says nothing, and the next apply drops
    // it.
    let mut merged = project.clone();
    let old = exposed_lines(&merged);
    rekey(&mut merged, &["users/jane"], &[]);
    let line = old.iter().find(|line| line.contains("users/jane")).unwrap();
    let lock = merged.lock.as_mut().unwrap();
    *lock = format!("{lock}{line}\n");
    merged.assert_converged();
    assert!(!exposed(&merged).contains(&"users/jane".to_owned()));
    rekey(&mut merged, &["nodes/w1/kubelet"], &[]);
    assert!(!exposed_lines(&merged).contains(line));
    // What is no longer described may come back with its key, until it is pruned.
    let jane = "user \"jane\" { group \"dev\" }";
    let with_jane = project.description.clone();
    project.description = with_jane.replace(jane, "");
    project.apply().unwrap();
    assert!(!exposed(&project).contains(&"users/jane".to_owned()));
    let mut again = project.clone();
    again.description = with_jane.clone();
    again.apply().unwrap();
    assert_eq!(exposed(&again), all);
    project.apply_with(&Intent::default(), true).unwrap();
    project.description = with_jane;
    project.apply().unwrap();
    assert!(!exposed(&project).contains(&"users/jane".to_owned()));
    project.assert_converged();
}
