//! Damaged, deleted and foreign files: apply refuses and writes nothing, or what it leaves is whole.

use std::sync::LazyLock;

use kpki::build::verify::verify;
use kpki::facts::{CertificateFacts, KubeconfigFacts, certificates_in_pem};
use kpki::graph::{DerivationId, FilePart, Graph, Recipe};
use kpki::keys::PrivateKey;
use kpki::state::is_read;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::testkit::age::Key;
use crate::testkit::memory_project::MemoryProject;

const DESCRIPTION: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
node "w1" address="10.0.1.1"
user "jane" { group "dev" }
"#;

/// Two clusters of the same description.
struct Bases {
    one: MemoryProject,
    other: MemoryProject,
}

static CLEAR: LazyLock<Bases> = LazyLock::new(|| bases(DESCRIPTION, None));
/// As a repository has it that holds every secret sealed.
static SEALED: LazyLock<Bases> = LazyLock::new(|| {
    let (operator, bob) = (Key::age(), Key::ssh("ed25519", "bob@desk", ""));
    let secrets = format!("secrets {{ recipient {:?} {:?} }}", operator.recipient, bob.recipient);
    bases(&format!("{DESCRIPTION}{secrets}"), Some(&operator.secret()))
});

fn bases(description: &str, identity: Option<&String>) -> Bases {
    let base =
        || MemoryProject { identity: identity.cloned(), ..MemoryProject::applied(description) };
    Bases { one: base(), other: base() }
}

#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, Index, u8),
    /// A bit of what the PEM armour holds, so that the armour stays whole.
    FlipInside(Index, Index, u8),
    Cut(Index, Index),
    Delete(Index),
    Swap(Index, Index),
    Foreign(Index),
    Mode(Index, u32),
    DeleteLock,
    ForeignLockLine(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), index(), 0u8..8).prop_map(|(file, at, bit)| Damage::Flip(file, at, bit)),
        5 => (index(), index(), 0u8..8).prop_map(|(file, at, bit)| Damage::FlipInside(file, at, bit)),
        1 => (index(), index()).prop_map(|(file, at)| Damage::Cut(file, at)),
        3 => index().prop_map(Damage::Delete),
        2 => (index(), index()).prop_map(|(one, two)| Damage::Swap(one, two)),
        2 => index().prop_map(Damage::Foreign),
        1 => (index(), 0u32..0o1000).prop_map(|(file, mode)| Damage::Mode(file, mode)),
        1 => Just(Damage::DeleteLock),
        1 => index().prop_map(Damage::ForeignLockLine),
    ]
}

impl Damage {
    /// To files that plan reads and to the lock; secrets in the clear are only deleted, since plan never
    /// opens one.
    fn do_to(&self, project: &mut MemoryProject, foreign: &MemoryProject) {
        let all: Vec<String> = project.out.keys().cloned().collect();
        let public: Vec<&String> = all.iter().filter(|path| is_read(path)).collect();
        if public.is_empty() {
            return;
        }
        let pick = |index: &Index| public[index.index(public.len())];
        match self {
            Damage::Flip(file, at, bit) => {
                let (bytes, _) = project.out.get_mut(pick(file)).unwrap();
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                }
            }
            Damage::FlipInside(file, at, bit) => {
                let (bytes, _) = project.out.get_mut(pick(file)).unwrap();
                if let Ok(block) = pem::parse(&*bytes) {
                    let tag = block.tag().to_owned();
                    let mut der = block.into_contents();
                    let at = at.index(der.len());
                    der[at] ^= 1 << bit;
                    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
                    *bytes = pem::encode_config(&pem::Pem::new(tag, der), config).into_bytes();
                }
            }
            Damage::Cut(file, at) => {
                let (bytes, _) = project.out.get_mut(pick(file)).unwrap();
                bytes.truncate(at.index(bytes.len() + 1));
            }
            Damage::Delete(file) => {
                project.out.remove(&all[file.index(all.len())]);
            }
            Damage::Swap(one, two) => {
                let (one, two) = (pick(one), pick(two));
                let first = project.out[one].clone();
                let second = project.out.insert(two.clone(), first).unwrap();
                project.out.insert(one.clone(), second);
            }
            Damage::Foreign(file) => {
                let path = pick(file);
                project.out.insert(path.clone(), foreign.out[path].clone());
            }
            Damage::Mode(file, mode) => {
                project.out.get_mut(&all[file.index(all.len())]).unwrap().1 = *mode;
            }
            Damage::DeleteLock => project.lock = None,
            Damage::ForeignLockLine(line) => {
                let foreign = foreign.lock.as_ref().unwrap();
                if let Some(lock) = &mut project.lock {
                    let at = line.index(foreign.lines().count());
                    let mut lines: Vec<&str> = lock.lines().collect();
                    lines[at] = foreign.lines().nth(at).unwrap();
                    *lock = lines.join("\n") + "\n";
                }
            }
        }
    }
}

fn certificate(
    project: &MemoryProject,
    graph: &Graph,
    id: DerivationId,
) -> (Vec<u8>, CertificateFacts) {
    let place = graph.placements_of(id, FilePart::Certificate).next().unwrap();
    let (pem, _) = &project.out[place.path.as_str()];
    let der = certificates_in_pem(pem).unwrap().remove(0);
    let facts = CertificateFacts::from_der(&der).unwrap();
    (der, facts)
}

/// Every certificate verifies and matches its keys.
fn assert_whole(project: &MemoryProject) {
    let graph = project.plan().graph;
    for id in graph.ids() {
        let name = &graph.get(id).name;
        let (der, facts) = match &graph.get(id).recipe {
            Recipe::OwnCa(_) | Recipe::ImportedCa(_) => {
                let (der, facts) = certificate(project, &graph, id);
                verify(&der, &der, None, project.now).unwrap_or_else(|why| panic!("{name} {why}"));
                (der, facts)
            }
            Recipe::Leaf(leaf) => {
                let (der, facts) = certificate(project, &graph, id);
                let (issuer, issuer_facts) = certificate(project, &graph, leaf.issuer);
                verify(&der, &issuer, Some(leaf.usage), project.now)
                    .unwrap_or_else(|why| panic!("{name} {why}"));
                assert!(facts.not_after <= issuer_facts.not_after, "{name}");
                (der, facts)
            }
            _ => continue,
        };
        for place in graph.key_places(id) {
            let (path, file) = (place.path.as_str(), place.file());
            let Some((_, mode)) = project.out.get(file.as_str()) else {
                assert_eq!(project.secret(path), None, "{path} rests otherwise");
                continue;
            };
            if file == place.path {
                assert_eq!(mode & 0o077, 0, "{path}");
            }
            let bytes = project.secret(path).unwrap();
            let bytes = bytes.as_slice();
            let key = if place.content == FilePart::Kubeconfig {
                let config = KubeconfigFacts::from_yaml(bytes).unwrap();
                assert_eq!(certificates_in_pem(&config.client_certificate).unwrap()[0], der);
                PrivateKey::from_pem(config.client_key.unwrap().expose()).unwrap()
            } else {
                PrivateKey::from_pem(bytes).unwrap()
            };
            assert_eq!(*key.public_key(), facts.public_key, "{}", place.path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn damage_is_refused_or_healed(damages in prop::collection::vec(damage(), 1..5)) {
        try_damages(&CLEAR, &damages);
    }

    #[test]
    fn damage_of_sealed_secrets_is_refused_or_healed(
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        try_damages(&SEALED, &damages);
    }
}

fn try_damages(bases: &Bases, damages: &[Damage]) {
    let mut project = bases.one.clone();
    for damage in damages {
        damage.do_to(&mut project, &bases.other);
    }
    let before = project.clone();
    project.plan();
    assert_eq!(before.out, project.out);
    if project.apply().is_ok() {
        project.assert_converged();
        assert_whole(&project);
    } else {
        assert_eq!(before.out, project.out);
        assert_eq!(before.lock, project.lock);
    }
}

/// A key that is still read from an incomplete file is not what other copies are written from.
#[test]
fn a_file_without_its_last_bytes_is_refused_or_healed() {
    let base = &CLEAR.one;
    for path in base.out.keys().filter(|path| is_read(path)) {
        for lost in 1..=2 {
            let mut project = base.clone();
            let (bytes, _) = project.out.get_mut(path).unwrap();
            bytes.truncate(bytes.len() - lost);
            if project.apply().is_ok() {
                let planned = project.plan();
                assert!(planned.plan.is_empty(), "{path} less {lost}: {:?}", planned.steps());
            }
        }
    }
}
