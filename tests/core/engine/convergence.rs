//! The plan after an apply is empty, whatever the cluster, the clock and the history.

use std::sync::LazyLock;

use kpki::plan::{Allow, Reason};
use kpki::time::Span;
use proptest::prelude::*;

use crate::testkit::age::Key;
use crate::testkit::memory_project::{MemoryProject, everything};

/// Who opens everything, who is a recipient at times, and the control-plane nodes.
static OPERATOR: LazyLock<Key> = LazyLock::new(Key::age);
static BOB: LazyLock<Key> = LazyLock::new(|| Key::ssh("ed25519", "bob@desk", ""));
static NODE: LazyLock<Key> = LazyLock::new(Key::age);

/// The identity that opens every random cluster's secrets.
pub fn operator() -> String {
    OPERATOR.secret()
}

/// A random cluster as a description: the parts in a random order.
#[derive(Debug, Clone)]
pub struct Cluster {
    parts: Vec<String>,
}

impl Cluster {
    pub fn description(&self) -> String {
        self.parts.join("\n")
    }
}

fn duration() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["10m", "1h", "7d", "90d", "365d", "3y"])
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["ecdsa-p256", "ecdsa-p256", "ecdsa-p384", "ed25519"])
}

fn version() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["1.28", "1.29.3", "1.33", "1.35.4", "1.36.0", "1.36.2"])
}

prop_compose! {
    pub fn cluster()(
        control_planes in 1usize..4,
        workers in 0usize..4,
        version in version(),
        leaf in duration(),
        ca in duration(),
        node_validity in prop::option::of(duration()),
        key in key(),
        external in any::<bool>(),
        serving in any::<bool>(),
        config in any::<bool>(),
        proxy in any::<bool>(),
        primary in any::<bool>(),
        users in 0usize..3,
        via in prop::sample::select(vec!["ca", "csr", "csr"]),
        bound in any::<bool>(),
        brought in prop::option::of(prop::sample::select(vec!["ca", "csr"])),
        six in any::<bool>(),
        secrets in prop::option::of((any::<bool>(), any::<bool>())),
        seed in any::<u64>(),
    ) -> Cluster {
        let mut parts = vec![format!(
            "cluster \"lab\" {{ kubernetes {version:?}; endpoint \"api.lab:6443\"; service-cidr {} }}",
            if six { "\"10.96.0.0/12\" \"fd00:10::/112\"" } else { "\"10.96.0.0/12\"" },
        )];
        parts.push(format!("defaults {{ key {key:?}; validity {leaf:?} }}"));
        for name in ["kubernetes", "etcd", "front-proxy"] {
            parts.push(format!("ca {name:?} validity={ca:?}"));
        }
        if let Some((bob, _)) = secrets {
            let bob = if bob { format!("{:?}", BOB.recipient) } else { String::new() };
            parts.push(format!("secrets {{ recipient {:?} {bob} }}", OPERATOR.recipient));
        }
        let own = match secrets {
            Some((_, true)) => format!(" recipient={:?}", NODE.recipient),
            _ => String::new(),
        };
        for n in 0..control_planes {
            let primary = if primary && n == 0 { " primary=#true" } else { "" };
            parts.push(format!("node \"cp{n}\" role=\"control-plane\" address=\"10.0.0.{}\"{primary}{own}", n + 1));
        }
        for n in 0..workers {
            let validity = node_validity.map_or(String::new(), |v| format!(" validity={v:?}"));
            parts.push(format!("node \"w{n}\" address=\"10.0.1.{}\"{validity}", n + 1));
        }
        if external {
            parts.push("component \"etcd\" topology=\"external\"".into());
            parts.push("node \"e0\" role=\"etcd\" address=\"10.0.2.1\"".into());
        }
        parts.push(format!("component \"kubelet\" serving=#{serving} config=#{config}"));
        if proxy {
            parts.push("component \"kube-proxy\" revision=2".into());
        }
        for n in 0..users {
            let bind = if bound { "bind cluster-role=\"view\"" } else { "" };
            parts.push(format!(
                "user \"u{n}\" {{ via {via:?}; group \"dev\" \"ops\"; validity {leaf:?}; {bind} }}"
            ));
        }
        if let Some(via) = brought {
            parts.push(format!(
                "user \"omar\" {{ via {via:?}; csr \"omar.csr\"; common-name \"omar@example.com\"; group \"dev\"; validity {leaf:?} }}"
            ));
        }
        parts.push("certificate \"web\" { san \"web.lab\"; node \"cp0\" }".into());
        // A small shuffle of its own: the order of nodes must never matter.
        let mut state = seed;
        for index in (1..parts.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(index, (state >> 33) as usize % (index + 1));
        }
        Cluster { parts }
    }
}

/// One thing that happens to a project.
#[derive(Debug, Clone)]
enum Event {
    Wait(u64),
    Delete(prop::sample::Index),
    Expose(prop::sample::Index),
    LoseLock,
    Redescribe(Cluster),
    Renew,
    /// The cluster signs every request that waits, for this long at most.
    Sign(u64),
    Prune,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1u64..40_000_000).prop_map(Event::Wait),
        2 => (1u64..4_000).prop_map(Event::Wait),
        3 => any::<prop::sample::Index>().prop_map(Event::Delete),
        1 => any::<prop::sample::Index>().prop_map(Event::Expose),
        1 => Just(Event::LoseLock),
        3 => cluster().prop_map(Event::Redescribe),
        1 => Just(Event::Renew),
        3 => (1u64..40_000_000).prop_map(Event::Sign),
        1 => Just(Event::Prune),
    ]
}

/// A certificate changes nothing but its user's files, and leaves nothing to do.
fn sign_all(project: &mut MemoryProject, longest: Span) {
    let converged = project.plan().plan.is_empty();
    for user in project.waiting() {
        if project.secret("ca/kubernetes.key").is_none() {
            return;
        }
        let certificate = project.signed(&user, longest);
        let before = project.out.clone();
        if project.accept(&user, &certificate).is_ok() {
            assert!(!converged || !project.waiting().contains(&user), "{user} still waits");
        }
        let own = format!("users/{user}/");
        let others = |tree: &crate::testkit::memory_project::Tree| {
            let others = tree.iter().filter(|(path, _)| !path.starts_with(&own));
            others.map(|(path, file)| (path.clone(), file.clone())).collect::<Vec<_>>()
        };
        assert_eq!(others(&before), others(&project.out));
    }
    if converged {
        project.assert_converged();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_plan_after_an_apply_is_empty(
        start in cluster(),
        events in prop::collection::vec(event(), 0..8),
    ) {
        let mut project = MemoryProject::new(&start.description());
        project.identity = Some(OPERATOR.secret());
        project.apply().unwrap();
        project.assert_converged();
        for event in events {
            let mut intent = everything();
            let mut prune = false;
            match event {
                Event::Wait(seconds) => project.later(Span::seconds(seconds)),
                Event::Delete(index) => {
                    let paths: Vec<_> = project.out.keys().cloned().collect();
                    project.out.remove(&paths[index.index(paths.len())]);
                }
                Event::Expose(index) => {
                    let paths: Vec<_> = project.out.keys().cloned().collect();
                    project.out.get_mut(&paths[index.index(paths.len())]).unwrap().1 = 0o644;
                }
                Event::LoseLock => project.lock = None,
                Event::Redescribe(cluster) => project.description = cluster.description(),
                Event::Renew => intent.renew = ["nodes/*", "users/*"].map(|p| p.parse().unwrap()).into(),
                Event::Sign(seconds) => sign_all(&mut project, Span::seconds(600 + seconds)),
                Event::Prune => prune = true,
            }
            // What needs a decision is decided: every lost key is given up.
            for blocked in project.plan_with(&intent).plan.blocked {
                intent.allow.extend(blocked.allow);
            }
            for allow in project.plan_with(&intent).plan.blocked.into_iter().filter_map(|b| b.allow) {
                let allow: Allow = allow;
                intent.allow.push(allow);
            }
            for step in project.plan_with(&intent).plan.steps {
                for reason in step.reasons {
                    if let Reason::InputChanged { field, old, new } = &reason {
                        prop_assert_ne!(old, new, "{}", field);
                    }
                }
            }
            let before = project.clone();
            if project.apply_with(&intent, prune).is_ok() {
                project.assert_converged();
                // Applying again writes nothing at all.
                let again = project.clone();
                project.apply().unwrap();
                prop_assert_eq!(&again.out, &project.out);
                prop_assert_eq!(&again.lock, &project.lock);
            } else {
                prop_assert_eq!(&before.out, &project.out);
                prop_assert_eq!(&before.lock, &project.lock);
            }
        }
    }

    #[test]
    fn the_order_of_the_description_never_matters(cluster in cluster(), seed in any::<u64>()) {
        let mut project = MemoryProject::new(&cluster.description());
        project.apply().unwrap();
        let mut parts = cluster.parts.clone();
        let turn = seed as usize % parts.len();
        parts.rotate_left(turn);
        parts.reverse();
        project.description = parts.join("\n");
        project.assert_converged();
    }

    #[test]
    fn a_deleted_lock_is_rebuilt_without_changing_a_file(
        cluster in cluster(),
        wait in 0u64..300,
    ) {
        let mut project = MemoryProject::new(&cluster.description());
        project.identity = Some(OPERATOR.secret());
        project.apply().unwrap();
        project.later(Span::seconds(wait));
        let before = project.clone();
        project.lock = None;
        project.apply().unwrap();
        prop_assert_eq!(before.out, project.out);
        prop_assert_eq!(before.lock, project.lock);
    }
}
