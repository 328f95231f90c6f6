//! No sequence of edits, deleted files, deleted locks or clones without keys replaces a CA's or the
//! service-account's key without `--allow replace:NAME`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kpki::facts::{CertificateFacts, PublicKey, certificates_in_pem};
use kpki::plan::Intent;
use kpki::time::Span;
use proptest::prelude::*;

use crate::testkit::memory_project::MemoryProject;

const ANCHORS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];

fn description(choice: &Choice) -> String {
    let mut text = String::from(
        "cluster \"lab\" { endpoint \"api.lab\" }\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n",
    );
    if choice.second_node {
        text.push_str("node \"cp2\" role=\"control-plane\" address=\"10.0.0.12\"\n");
    }
    if let Some(key) = choice.default_key {
        writeln!(text, "defaults {{ key {key:?} }}").unwrap();
    }
    if let Some(key) = choice.ca_key {
        writeln!(text, "ca \"kubernetes\" key={key:?}").unwrap();
    }
    if let Some(name) = choice.common_name {
        writeln!(text, "ca \"etcd\" common-name={name:?}").unwrap();
    }
    if let Some(revision) = choice.revision {
        writeln!(text, "ca \"front-proxy\" revision={revision}").unwrap();
        writeln!(text, "component \"service-account\" revision={revision}\n").unwrap();
    }
    text
}

#[derive(Debug, Clone, Default)]
struct Choice {
    second_node: bool,
    default_key: Option<&'static str>,
    ca_key: Option<&'static str>,
    common_name: Option<&'static str>,
    revision: Option<u32>,
}

prop_compose! {
    fn choice()(
        second_node in any::<bool>(),
        default_key in prop::option::of(prop::sample::select(vec!["ecdsa-p256", "ecdsa-p384", "ed25519"])),
        ca_key in prop::option::of(prop::sample::select(vec!["ecdsa-p256", "ecdsa-p384"])),
        common_name in prop::option::of(prop::sample::select(vec!["etcd-ca", "my-etcd-ca"])),
        revision in prop::option::of(1u32..3),
    ) -> Choice {
        Choice { second_node, default_key, ca_key, common_name, revision }
    }
}

#[derive(Debug, Clone)]
enum Event {
    Redescribe(Choice),
    DeleteAny(prop::sample::Index),
    DeleteAnchorFile(prop::sample::Index),
    EmptyAny(prop::sample::Index),
    DeleteLock,
    CloneWithoutKeys,
    DeleteNodes,
    DeleteCaFolder,
    SwapAnchorKeys,
    Wait(u64),
    RekeyEverything,
    LoseEveryKey,
    Prune,
}

fn event() -> impl Strategy<Value = Event> {
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        3 => choice().prop_map(Event::Redescribe),
        2 => index().prop_map(Event::DeleteAny),
        3 => index().prop_map(Event::DeleteAnchorFile),
        1 => index().prop_map(Event::EmptyAny),
        2 => Just(Event::DeleteLock),
        1 => Just(Event::CloneWithoutKeys),
        1 => Just(Event::DeleteNodes),
        1 => Just(Event::DeleteCaFolder),
        1 => Just(Event::SwapAnchorKeys),
        2 => (1u64..400_000_000).prop_map(Event::Wait),
        1 => Just(Event::RekeyEverything),
        1 => Just(Event::LoseEveryKey),
        1 => Just(Event::Prune),
    ]
}

/// The public key of each anchor wherever one of its files says it.
fn anchors(project: &MemoryProject) -> BTreeMap<&'static str, Vec<PublicKey>> {
    let mut found: BTreeMap<&str, Vec<PublicKey>> = BTreeMap::new();
    for (path, (bytes, _)) in &project.out {
        let anchor = if path.ends_with("etcd/ca.crt") || path == "ca/etcd.crt" {
            "ca/etcd"
        } else if path.ends_with("front-proxy-ca.crt") || path == "ca/front-proxy.crt" {
            "ca/front-proxy"
        } else if path.ends_with("pki/ca.crt") || path == "ca/kubernetes.crt" {
            "ca/kubernetes"
        } else if path.ends_with("sa.pub") {
            "service-account"
        } else {
            continue;
        };
        let key = if anchor == "service-account" {
            PublicKey::from_pem(bytes).ok()
        } else {
            certificates_in_pem(bytes)
                .ok()
                .and_then(|all| CertificateFacts::from_der(all.first()?).ok())
                .map(|facts| facts.public_key)
        };
        found.entry(anchor).or_default().extend(key);
    }
    found
}

fn is_anchor_file(path: &str) -> bool {
    path.starts_with("ca/")
        || ["ca.crt", "ca.key", "sa.key", "sa.pub"].iter().any(|end| path.ends_with(end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_replaces_an_anchor_by_accident(events in prop::collection::vec(event(), 1..7)) {
        let mut project = MemoryProject::new(&description(&Choice::default()));
        project.apply().unwrap();
        let original: BTreeMap<_, _> = anchors(&project)
            .into_iter()
            .map(|(name, keys)| (name, keys[0].clone()))
            .collect();
        prop_assert_eq!(original.len(), ANCHORS.len());
        for event in events {
            let mut intent = Intent::default();
            let mut prune = false;
            let paths: Vec<String> = project.out.keys().cloned().collect();
            match event {
                Event::Redescribe(choice) => project.description = description(&choice),
                Event::DeleteAny(index) if !paths.is_empty() => {
                    project.out.remove(&paths[index.index(paths.len())]);
                }
                Event::DeleteAnchorFile(index) => {
                    let anchors: Vec<_> = paths.iter().filter(|path| is_anchor_file(path)).collect();
                    if !anchors.is_empty() {
                        project.out.remove(anchors[index.index(anchors.len())]);
                    }
                }
                Event::EmptyAny(index) if !paths.is_empty() => {
                    project.out.get_mut(&paths[index.index(paths.len())]).unwrap().0.clear();
                }
                Event::DeleteLock => project.lock = None,
                Event::CloneWithoutKeys => project.out.retain(|path, _| kpki::state::is_public(path)),
                Event::DeleteNodes => project.out.retain(|path, _| !path.starts_with("nodes/")),
                Event::DeleteCaFolder => project.out.retain(|path, _| !path.starts_with("ca/")),
                Event::SwapAnchorKeys => {
                    let one = project.out.get("ca/etcd.key").cloned();
                    let two = project.out.get("ca/front-proxy.key").cloned();
                    if let (Some(one), Some(two)) = (one, two) {
                        project.out.insert("ca/etcd.key".into(), two);
                        project.out.insert("ca/front-proxy.key".into(), one);
                    }
                }
                Event::Wait(seconds) => project.later(Span::seconds(seconds)),
                Event::RekeyEverything => {
                    intent.rekey = ["ca/*", "nodes/*", "service-account"].map(|p| p.parse().unwrap()).into();
                }
                Event::LoseEveryKey => {
                    intent.allow = ["nodes/*", "ca/*", "service-account"]
                        .map(|name| format!("lost-key:{name}").parse().unwrap())
                        .into();
                }
                Event::Prune => prune = true,
                Event::DeleteAny(_) | Event::EmptyAny(_) => {}
            }
            // Deleting all that mentions an anchor is a new project, and not an accident that a tool could
            // see.
            let mentions: BTreeMap<_, _> = anchors(&project);
            let gone = project.lock.is_none()
                && ANCHORS.iter().any(|anchor| !mentions.contains_key(anchor));
            if gone {
                break;
            }
            let _ = project.apply_with(&intent, prune);
            for (anchor, keys) in anchors(&project) {
                for key in keys {
                    prop_assert_eq!(&key, &original[anchor], "{} was replaced", anchor);
                }
            }
        }
    }
}

type Damage = fn(&mut MemoryProject);

/// Each way to lose or change an anchor, what it says, and what brings it back.
#[test]
fn replacement_needs_its_name() {
    let base = MemoryProject::applied(&description(&Choice::default()));
    let cases: &[(&str, Damage, &str)] = &[
        (
            "another algorithm asked",
            |p| {
                p.description.push_str("ca \"kubernetes\" key=\"ecdsa-p384\"\n");
            },
            "ca/kubernetes",
        ),
        (
            "another subject asked",
            |p| {
                p.description.push_str("ca \"etcd\" common-name=\"other\"\n");
            },
            "ca/etcd",
        ),
        (
            "a revision asked",
            |p| {
                p.description.push_str("component \"service-account\" revision=2\n");
            },
            "service-account",
        ),
        ("an empty key file", |p| p.out.get_mut("ca/etcd.key").unwrap().0.clear(), "ca/etcd"),
        (
            "both halves of a CA lost",
            |p| {
                p.out.retain(|path, _| {
                    !path.contains("front-proxy-ca") && !path.contains("ca/front-proxy")
                });
            },
            "ca/front-proxy",
        ),
        (
            "both halves of the service-account key lost",
            |p| p.out.retain(|path, _| !path.contains("/sa.")),
            "service-account",
        ),
    ];
    for (what, damage, name) in cases {
        let mut project = base.clone();
        damage(&mut project);
        let blocked = project.plan().blocked();
        assert_eq!(blocked, [format!("{name} replace:{name}")], "{what}");
        let before = project.out.clone();
        assert!(project.apply().is_err(), "{what}");
        assert_eq!(before, project.out, "{what}: something was written");
        let intent =
            Intent { allow: vec![format!("replace:{name}").parse().unwrap()], ..Intent::default() };
        project.apply_with(&intent, false).unwrap();
        project.assert_converged();
    }
}

/// The permission does nothing where nothing is wrong: it may stay in a script.
#[test]
fn a_permission_is_no_order() {
    let mut project = MemoryProject::applied(&description(&Choice::default()));
    let before = project.out.clone();
    let intent = Intent {
        allow: ANCHORS.map(|name| format!("replace:{name}").parse().unwrap()).into(),
        ..Intent::default()
    };
    project.apply_with(&intent, false).unwrap();
    assert_eq!(before, project.out);
}
