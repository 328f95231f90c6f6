//! Rotation of a root of trust: three commits, each with one word, and a plan that is empty after each.

use kpki::facts::{CertificateFacts, certificates_in_pem};
use kpki::plan::{Allow, Intent};

use crate::testkit::age::Key;
use crate::testkit::memory_project::MemoryProject;

const PKI: &str = "nodes/cp1/etc/kubernetes/pki";

fn description(root: &str, keypairs: &str) -> String {
    let block = match root {
        "service-account" => format!("component \"service-account\" {{ {keypairs} }}"),
        ca => format!("ca {:?} {{ {keypairs} }}", ca.strip_prefix("ca/").unwrap()),
    };
    format!(
        r#"
cluster "lab" {{ endpoint "api.lab" }}
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
node "w1" address="10.0.1.1"
user "jane" {{ group "dev" }}
{block}
"#
    )
}

const ROOTS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];
const STAGES: [(&str, &str); 3] = [
    ("trust", r#"keypair 1; keypair 2 state="trusted""#),
    ("promote", r#"keypair 1 state="trusted"; keypair 2"#),
    ("distrust", "keypair 2"),
];

fn allowing(words: &[&str]) -> Intent {
    let allow = words.iter().map(|word| word.parse::<Allow>().unwrap()).collect();
    Intent { allow, all: true, ..Intent::default() }
}

/// Each stage asks for its word and for nothing else, and leaves nothing to do.
#[test]
fn three_commits_rotate_each_root() {
    for root in ROOTS {
        for seals in [false, true] {
            let operator = Key::age();
            let secrets = format!("secrets {{ recipient {:?} }}\n", operator.recipient);
            let sealed = |text: String| text + if seals { &secrets } else { "" };
            let mut project = MemoryProject::new(&sealed(description(root, "keypair 1")));
            project.identity = seals.then(|| operator.secret());
            project.apply().unwrap();
            let stem = match root {
                "service-account" => "ca/sa".to_owned(),
                ca => ca.to_owned(),
            };
            let end = if root == "service-account" { "pub" } else { "crt" };
            let old = project.secret(&format!("{stem}.key")).unwrap();
            for (stage, keypairs) in STAGES {
                project.description = sealed(description(root, keypairs));
                let error = project.apply().unwrap_err();
                let word = format!("{stage}:{root}");
                let asked = project.plan().blocked();
                assert_eq!(asked.len(), 1, "{root} {stage}: {asked:?}\n{error}");
                let applied = project.apply_with(&allowing(&[&word]), false);
                applied.unwrap_or_else(|error| panic!("{root} {stage}: {error}"));
                project.assert_converged();
            }
            let new = project.secret(&format!("{stem}-2.key")).unwrap();
            assert_ne!(old, new);
            for gone in ["key", "key.age", end] {
                assert!(!project.out.contains_key(&format!("{stem}.{gone}")), "{stem}.{gone}");
            }
            assert!(project.out.values().all(|(bytes, _)| *bytes != old));
        }
    }
}

/// Who stands in a bundle, in their order, by the names of their files.
fn subjects(project: &MemoryProject, path: &str) -> Vec<String> {
    let file = &project.out.get(path).unwrap_or_else(|| panic!("{path}")).0;
    let all = certificates_in_pem(file).unwrap();
    let cas = ["ca/kubernetes.crt", "ca/kubernetes-2.crt"];
    let known = cas.iter().filter_map(|ca| {
        let der = certificates_in_pem(&project.out.get(*ca)?.0).ok()?.remove(0);
        Some((der, (*ca).to_owned()))
    });
    let known: Vec<_> = known.collect();
    let named = |der: &Vec<u8>| known.iter().find(|(known, _)| known == der).unwrap().1.clone();
    all.iter().map(named).collect()
}

#[test]
fn the_cluster_ca_s_files_follow_the_stages() {
    let mut project = MemoryProject::applied(&description("ca/kubernetes", "keypair 1"));
    let (one, two) = ("ca/kubernetes.crt", "ca/kubernetes-2.crt");
    let signing = format!("{PKI}/ca-signing.crt");
    let issuer = |project: &MemoryProject, path: &str| {
        let der = certificates_in_pem(&project.out[path].0).unwrap().remove(0);
        CertificateFacts::from_der(&der).unwrap().authority_key_id
    };
    let manager = "nodes/cp1/etc/kubernetes/manifests/kube-controller-manager.yaml";
    let leaf = format!("{PKI}/apiserver.crt");
    let first = issuer(&project, &leaf);
    for ((stage, keypairs), bundle, signs) in [
        (STAGES[0], vec![one, two], Some(one)),
        (STAGES[1], vec![two, one], Some(two)),
        (STAGES[2], vec![two], None),
    ] {
        project.description = description("ca/kubernetes", keypairs);
        let word = format!("{stage}:ca/kubernetes");
        project.apply_with(&allowing(&[&word]), true).unwrap();
        for node in ["cp1", "w1"] {
            let path = format!("nodes/{node}/etc/kubernetes/pki/ca.crt");
            assert_eq!(subjects(&project, &path), bundle, "{stage}");
        }
        let text = String::from_utf8(project.out[manager].0.clone()).unwrap();
        let flag = "--cluster-signing-cert-file=/etc/kubernetes/pki/";
        if let Some(signs) = signs {
            assert_eq!(subjects(&project, &signing), [signs]);
            assert!(text.contains(&format!("{flag}ca-signing.crt")), "{text}");
        } else {
            assert!(!project.out.contains_key(&signing));
            assert!(text.contains(&format!("{flag}ca.crt")), "{text}");
        }
        assert_eq!(issuer(&project, &leaf) == first, stage == "trust");
    }
}

/// From one key pair to another in one step: the hard replacement, with the word for that.
#[test]
fn a_key_pair_that_nobody_trusts_yet_replaces_the_other() {
    for root in ROOTS {
        for keypairs in ["keypair 2", STAGES[1].1] {
            let mut project = MemoryProject::applied(&description(root, "keypair 1"));
            project.description = description(root, keypairs);
            assert_eq!(project.plan().blocked(), [format!("{root}/2 replace:{root}")]);
            project.apply_with(&allowing(&[&format!("replace:{root}")]), false).unwrap();
            project.assert_converged();
        }
    }
}

/// What is trusted and who signs go back as they came; what went with its key does not.
#[test]
fn the_way_back() {
    for root in ROOTS {
        let mut project = MemoryProject::applied(&description(root, "keypair 1"));
        for (stage, keypairs) in [
            ("trust", STAGES[0].1),
            ("promote", STAGES[1].1),
            ("promote", STAGES[0].1),
            ("distrust", "keypair 1"),
        ] {
            project.description = description(root, keypairs);
            project.apply_with(&allowing(&[&format!("{stage}:{root}")]), false).unwrap();
            project.assert_converged();
        }
        for (stage, keypairs) in STAGES {
            project.description = description(root, keypairs);
            project.apply_with(&allowing(&[&format!("{stage}:{root}")]), false).unwrap();
        }
        project.description = description(root, STAGES[1].1);
        project.apply_with(&allowing(&[&format!("trust:{root}")]), false).unwrap();
        project.assert_converged();
    }
}

/// Two roots at once, and all stages of one at once.
#[test]
fn several_stages_ask_for_several_words() {
    let both = |keypairs: &str| {
        format!("{}ca \"etcd\" {{ {keypairs} }}\n", description("ca/kubernetes", keypairs))
    };
    let mut project = MemoryProject::applied(&both("keypair 1"));
    for (stage, keypairs) in STAGES {
        project.description = both(keypairs);
        let words = ["ca/kubernetes", "ca/etcd"].map(|root| format!("{stage}:{root}"));
        assert_eq!(project.plan().blocked().len(), 2);
        project.apply_with(&allowing(&words.each_ref().map(String::as_str)), false).unwrap();
        project.assert_converged();
    }
    let mut project = MemoryProject::applied(&description("service-account", STAGES[0].1));
    project.description = description("service-account", "keypair 2");
    let asked = project.plan().blocked();
    assert_eq!(
        asked,
        ["service-account/2 promote:service-account", "service-account/2 distrust:service-account"]
    );
}

#[test]
fn clients_of_a_leaked_ca_are_refused_before_its_servers() {
    let mut project = MemoryProject::applied(&description("ca/kubernetes", "keypair 1"));
    for (word, keypairs) in [
        ("trust:ca/kubernetes", STAGES[0].1),
        ("promote:ca/kubernetes", STAGES[1].1),
        ("distrust:ca/kubernetes", r#"keypair 1 state="serving-only"; keypair 2"#),
    ] {
        project.description = description("ca/kubernetes", keypairs);
        project.apply_with(&allowing(&[word]), true).unwrap();
        project.assert_converged();
    }
    assert_eq!(subjects(&project, &format!("{PKI}/ca.crt")), ["ca/kubernetes-2.crt"]);
    let both = ["ca/kubernetes-2.crt", "ca/kubernetes.crt"];
    assert_eq!(subjects(&project, &format!("{PKI}/ca-chain.crt")), both);
    project.description = description("ca/kubernetes", "keypair 2");
    project.apply_with(&allowing(&["distrust:ca/kubernetes"]), true).unwrap();
    project.assert_converged();
    assert!(!project.out.contains_key(&format!("{PKI}/ca-chain.crt")));
}

/// What lies in the place of a key pair that nobody described, or a lock that calls the old one a leaver,
/// hides no stage.
#[test]
fn files_and_marks_of_others_spare_no_word() {
    let other = MemoryProject::applied(&description("ca/kubernetes", TWO));
    for (keypairs, word) in [("keypair 2", "replace"), (STAGES[0].1, "trust")] {
        let mut project = MemoryProject::applied(&description("ca/kubernetes", "keypair 1"));
        for end in ["crt", "key"] {
            let path = format!("ca/kubernetes-2.{end}");
            project.out.insert(path.clone(), other.out[&path].clone());
        }
        project.description = description("ca/kubernetes", keypairs);
        let asked = project.plan().blocked();
        assert_eq!(asked, [format!("ca/kubernetes/2 {word}:ca/kubernetes")]);
        let lock = project.lock.clone().unwrap();
        let line = "{\"name\":\"ca/kubernetes\",";
        project.lock = Some(lock.replacen(line, &format!("{line}\"left\":true,"), 1));
        assert_ne!(project.lock, Some(lock));
        assert_eq!(project.plan().blocked(), asked);
    }
}

const TWO: &str = STAGES[0].1;

/// A node that leaves in the midst of a rotation, or after it, leaves nothing behind.
#[test]
fn the_tree_of_a_node_that_left_is_pruned_in_each_stage() {
    for stage in 0..STAGES.len() {
        let mut project = MemoryProject::new("");
        for root in ["ca/kubernetes", "service-account"] {
            project.description = description(root, "keypair 1");
            project.out.clear();
            project.lock = None;
            project.apply().unwrap();
            for (word, keypairs) in &STAGES[..=stage] {
                project.description = description(root, keypairs);
                project.apply_with(&allowing(&[&format!("{word}:{root}")]), true).unwrap();
            }
            let cp2 = "node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\n";
            project.description = project.description.replace(cp2, "");
            project.apply_with(&allowing(&[]), true).unwrap();
            let left = project.out.keys().filter(|path| path.starts_with("nodes/cp2/"));
            assert_eq!(left.collect::<Vec<_>>(), [""; 0], "{root} {}", STAGES[stage].0);
            project.assert_converged();
        }
    }
}
