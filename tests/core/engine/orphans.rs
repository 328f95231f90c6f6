//! What `--prune` may delete: what a lock of this project named, and nothing else below `out/`.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use kpki::error::Kind;
use kpki::facts::{CertificateFacts, certificates_in_pem};
use kpki::graph::{Graph, origins, tree_of};
use kpki::hash::Digest;
use kpki::keys::Entropy;
use kpki::keys::PrivateKey;
use kpki::name::TreePath;
use kpki::plan::{Intent, Orphan};
use kpki::sealed::SUFFIX;
use kpki::state::REMOVED_BINDINGS;
use kpki::state::{Made, looks_like_own};
use kpki::time::Span;
use proptest::prelude::*;
use proptest::sample::Index;

use super::convergence::cluster;
use crate::testkit::age::Key;
use crate::testkit::memory_project::{MemoryProject, Tree};

const WHOLE: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
node "w1" address="10.0.1.1"
component "kubelet" config=#true
user "jane" { group "dev"; bind cluster-role="view" }
user "bob" { via "csr"; group "dev" }
certificate "web" { san "web.lab"; node "cp1" "cp2"; folder "/etc/web" }
"#;
const REST: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
component "kubelet" config=#true
certificate "web" { san "web.lab"; node "cp1"; folder "/etc/web" }
"#;
const PKI: &str = "nodes/cp1/etc/kubernetes/pki";

static CLEAR: LazyLock<MemoryProject> = LazyLock::new(|| MemoryProject::applied(WHOLE));
static OPERATOR: LazyLock<Key> = LazyLock::new(Key::age);
static SEALED: LazyLock<MemoryProject> = LazyLock::new(|| {
    let mut project = MemoryProject::new(&sealed(WHOLE));
    project.identity = Some(OPERATOR.secret());
    project.apply().unwrap();
    project
});

fn sealed(description: &str) -> String {
    format!("{description}\nsecrets {{ recipient {:?} }}", OPERATOR.recipient)
}

fn new_key() -> Vec<u8> {
    let algorithm = "ecdsa-p256".parse().unwrap();
    let key = PrivateKey::generate(algorithm, &Entropy::system()).unwrap();
    key.to_pem().expose().to_vec()
}

fn orphaned(project: &MemoryProject) -> Vec<String> {
    let files = project.plan().plan.orphans.into_iter();
    files
        .filter_map(|orphan| match orphan {
            Orphan::File { path, .. } => Some(path.to_string()),
            Orphan::Line(_) => None,
        })
        .collect()
}

fn prune(project: &mut MemoryProject) -> kpki::error::Result<()> {
    project.apply_with(&Intent::default(), true)
}

/// What no CA of the project ever signed for: whose key and request it is, the lock alone says.
fn is_unproven(path: &str) -> bool {
    path.starts_with("users/bob/")
}

/// All that lies where the rest of the description places nothing.
fn left_by(project: &MemoryProject) -> Vec<String> {
    let graph = Graph::derive(&project.spec());
    let mut left: Vec<String> = project.out.keys().cloned().collect();
    // What the cluster must lose is kept until somebody has told it.
    left.retain(|path| {
        path != REMOVED_BINDINGS && !graph.is_placed(path.strip_suffix(SUFFIX).unwrap_or(path))
    });
    left
}

/// The paths of a name are told by two tables; each file of each description is found by both.
fn assert_origins_cover(project: &MemoryProject) {
    let graph = Graph::derive(&project.spec());
    for place in graph.all_placements() {
        let derivation = graph.get(place.derivation);
        let name = &derivation.name;
        let path = place.path.as_str();
        assert!(
            path.starts_with("ca/") || looks_like_own(path),
            "{path} does not look like kpki's"
        );
        // The anchors' own files are never anybody's orphans.
        if derivation.recipe.is_anchor() && place.node.is_none() {
            continue;
        }
        let mut origins = origins(place.path.as_str()).into_iter();
        assert!(
            origins
                .any(|origin| origin.artifact == derivation.artifact
                    && origin.content == place.content),
            "{} is not known as a place of {name}",
            place.path
        );
    }
}

/// Nothing but its spelling is kept of an artifact in the lock.
fn assert_names_are_read_back(project: &MemoryProject) {
    let graph = Graph::derive(&project.spec());
    let mut seen = HashSet::new();
    for id in graph.ids() {
        let derivation = graph.get(id);
        assert_eq!(derivation.name.as_str().parse(), Ok(derivation.artifact.clone()));
        assert!(seen.insert(&derivation.artifact), "{} is there twice", derivation.name);
        assert_eq!(graph.find(&derivation.name), Some(id));
    }
}

/// Wherever the description has its certificates, the places of any other are known by their ends.
#[test]
fn every_folder_of_certificates_is_known_by_its_files() {
    let moved = WHOLE.replace("{ endpoint", "{ certificates-dir \"/srv/tls\"; endpoint");
    let mut project = MemoryProject::new(&moved);
    assert_origins_cover(&project);
    assert_eq!(
        origins("nodes/cp1/srv/tls/etcd/ca.crt").len(),
        2,
        "etcd's, or a certificate of this name"
    );
    project.apply().unwrap();
    let pki = project.out.keys().filter(|path| path.contains("/etc/kubernetes/pki/")).count();
    assert_eq!(pki, 0);
    for file in ["ca.crt", "ca.key", "sa.key", "sa.pub", "apiserver.crt", "etcd/peer.key"] {
        assert!(project.out.contains_key(&format!("nodes/cp1/srv/tls/{file}")), "{file}");
    }
    assert!(project.out.contains_key("nodes/cp1/etc/kubernetes/admin.conf"));
    // Back again, with the files where they are described: nothing is issued, and what lies in the other
    // folder is known and goes.
    let files = |project: &MemoryProject, folder: &str| -> Tree {
        let all = project.out.iter().filter(|(path, _)| path.contains(folder));
        all.map(|(path, file)| (path.replace(folder, "/"), file.clone())).collect()
    };
    let before = files(&project, "/srv/tls/");
    for (path, file) in project.out.clone() {
        project.out.insert(path.replace("/srv/tls/", "/etc/kubernetes/pki/"), file);
    }
    project.description = WHOLE.to_owned();
    project.apply().unwrap();
    assert_eq!(files(&project, "/etc/kubernetes/pki/"), before);
    assert_eq!(orphaned(&project).len(), before.len());
    prune(&mut project).unwrap();
    assert_eq!(files(&project, "/srv/tls/"), Tree::new());
    project.assert_converged();
}

#[test]
fn the_places_of_a_name_are_those_of_the_graph() {
    assert_origins_cover(&CLEAR);
    assert_names_are_read_back(&CLEAR);
    for elsewhere in ["ca/kubernetes.key", "nodes/cp1/etc/kubernetes/manifests/kube-vip.yaml"] {
        assert_eq!(origins(elsewhere), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_places_of_every_name_are_those_of_the_graph(cluster in cluster()) {
        let project = MemoryProject::new(&cluster.description());
        assert_origins_cover(&project);
        assert_names_are_read_back(&project);
    }
}

/// Whatever was applied is found again by the lock of that apply alone, as an older kpki wrote it.
#[test]
fn everything_that_was_placed_is_an_orphan_once_it_is_not_described() {
    for (base, rest) in [(&*CLEAR, REST.to_owned()), (&*SEALED, sealed(REST))] {
        let mut project = base.clone();
        project.description = rest;
        let mut left = left_by(&project);
        let mut unproven = left.clone();
        unproven.retain(|path| is_unproven(path));
        left.retain(|path| !is_unproven(path));
        assert!(left.len() > 30, "{left:?}");
        assert_eq!(unproven.len(), 3, "{unproven:?}");
        assert_eq!(project.plan().plan.foreign, unproven);
        assert_eq!(orphaned(&project), left);
        // Nothing but a notice, and the lock is as it was until something changes.
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(orphaned(&project), left);
        prune(&mut project).unwrap();
        project.assert_converged();
        assert_eq!(left_by(&project), unproven);
        assert!(!project.lock.unwrap().contains("orphan"));
    }
}

/// What several nodes share moves on; what was left of it is still known, byte for byte.
#[test]
fn an_orphan_is_remembered_while_its_artifact_changes() {
    let mut project = CLEAR.clone();
    project.description = REST.into();
    project.apply().unwrap();
    let left = orphaned(&project);
    let intent = Intent {
        rekey: vec!["certificates/web".parse().unwrap()],
        renew: vec!["ca/kubernetes".parse().unwrap()],
        ..Intent::default()
    };
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
    assert_eq!(orphaned(&project), left);
    let lock = project.lock.clone().unwrap();
    assert!(lock.starts_with("{\"kpki-lock\":3"), "{lock}");
    assert!(lock.contains("{\"orphan\":\"nodes/cp2/etc/web/web.key\",\"public-key\":"), "{lock}");
    assert!(
        lock.contains("{\"orphan\":\"nodes/w1/etc/kubernetes/pki/ca.crt\",\"content\":"),
        "{lock}"
    );
    // A clone without private keys forgets none of them; a public file that is gone is gone.
    let mut clone = project.clone();
    clone.out.retain(|path, _| kpki::state::is_public(path));
    clone.out.remove("nodes/w1/etc/kubernetes/pki/ca.crt");
    clone.out.remove("nodes/cp1/etc/kubernetes/pki/ca.crt");
    clone.apply().unwrap();
    let lock = clone.lock.unwrap();
    assert!(lock.contains("{\"orphan\":\"nodes/cp2/etc/web/web.key\""), "{lock}");
    assert!(!lock.contains("{\"orphan\":\"nodes/w1/etc/kubernetes/pki/ca.crt\""), "{lock}");
    // Described again, nothing is remembered of it.
    let mut back = project.clone();
    back.description = WHOLE.into();
    back.apply().unwrap();
    let lock = back.lock.unwrap();
    assert!(!lock.contains("{\"orphan\":\"nodes/cp2"), "{lock}");
    prune(&mut project).unwrap();
    assert!(left_by(&project).iter().all(|path| is_unproven(path)));
    assert!(project.lock.unwrap().starts_with("{\"kpki-lock\":1"));
}

/// The report's own case, and others of its kind.
#[test]
fn files_of_others_are_never_pruned() {
    let mut project = CLEAR.clone();
    let etc = "nodes/cp1/etc/kubernetes";
    let strangers: Tree = [
        (format!("{etc}/manifests/kube-vip.yaml"), b"kind: Pod\n".to_vec()),
        (format!("{etc}/enc.yaml"), b"kind: EncryptionConfiguration\n".to_vec()),
        (format!("{etc}/pki/oidc.key"), new_key()),
        (format!("{etc}/pki/oidc-ca.crt"), project.out["ca/etcd.crt"].0.clone()),
        (format!("{etc}/pki/etcd/ca.key"), project.out["ca/etcd.key"].0.clone()),
        // A node that no lock ever named, with kpki's own bytes.
        (
            "nodes/ghost/etc/kubernetes/pki/ca.crt".to_owned(),
            project.out["ca/kubernetes.crt"].0.clone(),
        ),
        // Kpki's own place, and not its bytes any more.
        ("users/jane/rbac.yaml".to_owned(), b"mine".to_vec()),
        ("users/ann/ann.key".to_owned(), new_key()),
        ("cluster/notes.yaml".to_owned(), b"a: b\n".to_vec()),
    ]
    .map(|(path, bytes)| (path, (bytes, 0o600)))
    .into();
    project.out.extend(strangers.clone());
    project.description = REST.into();
    let planned = project.plan().plan;
    for path in strangers.keys() {
        assert!(planned.foreign.contains(path), "{path}");
    }
    prune(&mut project).unwrap();
    for (path, file) in strangers {
        assert_eq!(project.out.get(&path), Some(&file), "{path}");
    }
    project.assert_converged();
}

/// As it is for a kubeadm cluster whose keys were copied as they lay.
#[test]
fn the_missing_key_of_a_ca_is_found_where_kubeadm_puts_it() {
    for (ca, stem) in [("etcd", "etcd/ca"), ("front-proxy", "front-proxy-ca")] {
        for base in [&*CLEAR, &*SEALED] {
            let mut project = base.clone();
            let key = project.secret(&format!("ca/{ca}.key")).unwrap();
            project.out.remove(&format!("ca/{ca}.key"));
            project.out.remove(&format!("ca/{ca}.key.age"));
            let path = format!("{PKI}/{stem}.key");
            project.out.insert(path.clone(), (key.clone(), 0o600));
            let planned = project.plan();
            assert_eq!(planned.steps(), [format!("Repair ca/{ca}")]);
            assert_eq!(orphaned(&project), Vec::<String>::new());
            // Needed at once: what it signs is issued again, and nobody is asked to replace the CA.
            let intent =
                Intent { rekey: vec!["nodes/cp1/*".parse().unwrap()], ..Intent::default() };
            project.apply_with(&intent, true).unwrap();
            assert_eq!(project.secret(&format!("ca/{ca}.key")).unwrap(), key);
            assert_eq!(project.out[&path].0, key, "it is not kpki's to delete");
            project.assert_converged();
            // Another key under that name is not taken, and changes nothing.
            let mut wrong = base.clone();
            wrong.out.remove(&format!("ca/{ca}.key"));
            wrong.out.remove(&format!("ca/{ca}.key.age"));
            wrong.out.insert(path.clone(), (new_key(), 0o600));
            let before = wrong.clone();
            let error = wrong.apply().unwrap_err();
            assert_eq!(error.kind, Kind::Refused);
            assert!(error.message.contains(&path), "{error}");
            assert_eq!(before.out, wrong.out);
        }
    }
}

/// The lock lies in a repository: a line of it is not enough for a key.
#[test]
fn a_forged_line_deletes_no_key_and_no_file_that_kpki_never_makes() {
    let mut project = CLEAR.clone();
    let vip = "nodes/cp1/etc/kubernetes/manifests/kube-vip.yaml";
    let key = "nodes/cp1/etc/mine/mine.key";
    let public = |project: &MemoryProject| project.lock().entries["users/jane"].public_key;
    project.out.insert(vip.into(), (b"kind: Pod\n".to_vec(), 0o644));
    project.out.insert(key.into(), (new_key(), 0o600));
    let mut lock = project.lock();
    let mut forge = |path: &str, made| lock.orphans.insert(TreePath::of(path), made);
    forge(vip, Made::Content(Digest::of(b"kind: Pod\n")));
    forge(key, Made::Key(public(&project).unwrap()));
    // The master of a CA, and a file that is described.
    let ca = lock_key(&project, "ca/kubernetes");
    forge("ca/kubernetes.key", Made::Key(ca));
    forge("ca/other.key", Made::Key(ca));
    project.lock = Some(kpki::lock::render(&lock));
    let master = project.out["ca/kubernetes.key"].clone();
    project.out.insert("ca/other.key".into(), master);
    assert_eq!(orphaned(&project), Vec::<String>::new());
    // Beside a certificate of the project's own, which is of another key.
    let beside = "nodes/cp1/etc/mine/mine.crt";
    let copied = project.out["users/jane/jane.crt"].clone();
    project.out.insert(beside.into(), copied);
    let before = project.clone();
    assert_eq!(orphaned(&project), [key]);
    let error = prune(&mut project).unwrap_err();
    assert!(error.message.contains("holds another key"), "{error}");
    assert_eq!(before.out, project.out);
    project.out.remove(beside);
    prune(&mut project).unwrap();
    for path in [vip, key, "ca/other.key"] {
        assert!(project.out.contains_key(path), "{path}");
    }
}

/// A key and certificate that no CA of the project signed: another cluster's, and one that signs itself.
static STRANGERS: LazyLock<[(Vec<u8>, Vec<u8>); 2]> = LazyLock::new(|| {
    let other = MemoryProject::applied(WHOLE);
    let pair = |stem: &str| {
        let file = |end: &str| other.out[&format!("{stem}.{end}")].0.clone();
        (file("key"), file("crt"))
    };
    [pair("users/jane/jane"), pair("ca/kubernetes")]
});

fn public_half(key: &[u8]) -> Digest {
    PrivateKey::from_pem(key).unwrap().public_key().digest()
}

/// Every line is as kpki itself would have written it, had it made these files.
#[test]
fn a_true_line_of_a_stranger_s_file_deletes_nothing() {
    let sealed_too = [(&*CLEAR, REST.to_owned()), (&*SEALED, sealed(REST))];
    for (key, certificate) in &*STRANGERS {
        for (base, rest) in &sealed_too {
            let mut project = (*base).clone();
            project.description = rest.clone();
            let seals = project.identity.is_some();
            let mut lock = project.lock();
            let mut put: Tree = Tree::new();
            for stem in [
                format!("{PKI}/oidc"),
                "nodes/cp2/etc/kubernetes/pki/oidc".to_owned(),
                "users/ann/ann".to_owned(),
                "certificates/db/db".to_owned(),
            ] {
                let secret = if seals {
                    let file = crate::testkit::age::seal(key, &[&OPERATOR]);
                    (format!("{stem}.key{SUFFIX}"), file)
                } else {
                    (format!("{stem}.key"), key.clone())
                };
                let made = if seals {
                    Made::Content(Digest::of(&secret.1))
                } else {
                    Made::Key(public_half(key))
                };
                lock.orphans.insert(TreePath::of(&secret.0), made);
                let public = format!("{stem}.crt");
                let made = Made::Content(Digest::of(certificate));
                lock.orphans.insert(TreePath::of(&public), made);
                put.insert(secret.0, (secret.1, 0o600));
                put.insert(public, (certificate.clone(), 0o644));
            }
            // By an artifact's line too.
            let mut entry = lock.entries["certificates/web"].clone();
            entry.public_key = Some(public_half(key));
            entry.certificate = Some(CertificateFacts::from_der(&der(certificate)).unwrap().digest);
            lock.entries.insert("certificates/db".parse().unwrap(), entry);
            project.lock = Some(kpki::lock::render(&lock));
            project.out.extend(put.clone());
            let foreign = project.plan().plan.foreign;
            assert!(put.keys().all(|path| foreign.contains(path)), "{foreign:?}");
            prune(&mut project).unwrap();
            for (path, file) in &put {
                assert_eq!(project.out.get(path), Some(file), "{path}");
            }
            assert!(!project.out.contains_key("users/jane/jane.crt"));
        }
    }
}

fn der(certificate: &[u8]) -> Vec<u8> {
    certificates_in_pem(certificate).unwrap().remove(0)
}

/// A sealed key is opened: the certificate beside it is the project's, and not over it.
#[test]
fn a_sealed_key_beside_another_s_certificate_stops_the_prune() {
    let mut project = SEALED.clone();
    project.description = sealed(REST);
    let file = crate::testkit::age::seal(&new_key(), &[&OPERATOR]);
    let path = "nodes/cp1/etc/mine/mine.key.age";
    let mut lock = project.lock();
    let made = Made::Content(Digest::of(&file));
    lock.orphans.insert(TreePath::of(path), made);
    project.lock = Some(kpki::lock::render(&lock));
    let copied = project.out["users/jane/jane.crt"].clone();
    project.out.insert(path.into(), (file, 0o600));
    project.out.insert("nodes/cp1/etc/mine/mine.crt".into(), copied);
    let before = project.clone();
    let error = prune(&mut project).unwrap_err();
    assert!(error.message.contains("mine.key.age holds another key"), "{error}");
    assert_eq!(before.out, project.out);
}

/// Its own kubeconfig, request and text in the places of kpki's.
#[test]
fn a_forged_line_deletes_no_kubeconfig_request_or_manifest_of_others() {
    let other = MemoryProject::applied(WHOLE);
    let mut project = CLEAR.clone();
    let jane = CertificateFacts::from_der(&der(&other.out["users/jane/jane.crt"].0)).unwrap();
    let config = other.out["users/jane/jane.kubeconfig"].0.clone();
    let request = other.out["users/bob/request/bob.csr"].0.clone();
    let text = |bytes: &[u8]| Made::Content(Digest::of(bytes));
    let cases = [
        ("users/ann/ann.kubeconfig", config.clone(), Made::Key(jane.public_key.digest())),
        (
            "nodes/cp9/etc/kubernetes/kubelet.conf",
            config.clone(),
            Made::Key(jane.public_key.digest()),
        ),
        ("users/ann/request/ann.csr", request.clone(), text(&request)),
        ("users/ann/rbac.yaml", config.clone(), text(&config)),
        ("users/ann/kustomization.yaml", b"resources: []\n".to_vec(), text(b"resources: []\n")),
    ];
    let mut lock = project.lock();
    for (path, bytes, made) in &cases {
        lock.orphans.insert(TreePath::of(path), *made);
        project.out.insert((*path).into(), (bytes.clone(), 0o600));
    }
    project.lock = Some(kpki::lock::render(&lock));
    assert_eq!(orphaned(&project), Vec::<String>::new());
    prune(&mut project).unwrap();
    for (path, bytes, _) in &cases {
        assert_eq!(&project.out[*path].0, bytes, "{path}");
    }
}

/// The cluster's answer proves whose the request and its key are.
#[test]
fn a_user_whom_the_cluster_answered_is_pruned_with_key_and_request() {
    for (base, rest) in [(&*CLEAR, REST.to_owned()), (&*SEALED, sealed(REST))] {
        let mut project = base.clone();
        let answer = project.signed("bob", Span::days(1));
        project.accept("bob", &answer).unwrap();
        project.apply().unwrap();
        project.description = rest;
        prune(&mut project).unwrap();
        assert_eq!(left_by(&project), Vec::<String>::new());
    }
}

/// What an earlier CA signed stays; what the same key signed before its CA was renewed does not.
#[test]
fn the_leaves_of_a_renewed_ca_are_orphans_and_those_of_a_replaced_one_stay() {
    for renewed in [true, false] {
        let mut project = CLEAR.clone();
        project.description = REST.into();
        let ca = vec!["ca/kubernetes".parse().unwrap()];
        let mut intent = Intent::default();
        if renewed {
            intent.renew = ca;
        } else {
            intent.rekey = ca;
            intent.allow = vec!["replace:ca/kubernetes".parse().unwrap()];
        }
        project.apply_with(&intent, false).unwrap();
        project.assert_converged();
        prune(&mut project).unwrap();
        project.assert_converged();
        for path in ["users/jane/jane.key", "nodes/cp2/etc/kubernetes/pki/apiserver.crt"] {
            assert_eq!(project.out.contains_key(path), !renewed, "{path}");
        }
        // The other CAs are as they were.
        assert!(!project.out.contains_key("nodes/cp2/etc/kubernetes/pki/etcd/peer.key"));
    }
}

fn lock_key(project: &MemoryProject, name: &str) -> Digest {
    project.lock().entries[name].public_key.unwrap()
}

/// A copy of a CA key goes with its node only where the key rests in its place.
#[test]
fn the_last_copy_of_a_described_key_is_not_pruned() {
    for (name, master, copy) in [
        ("ca/kubernetes", "ca/kubernetes.key", "nodes/cp2/etc/kubernetes/pki/ca.key"),
        ("service-account", "ca/sa.key", "nodes/cp2/etc/kubernetes/pki/sa.key"),
        ("certificates/web", "certificates/web/web.key", "nodes/cp2/etc/web/web.key"),
    ] {
        let mut project = CLEAR.clone();
        project.description = REST.into();
        project.apply().unwrap();
        let key = project.out[copy].clone();
        let at_cp1 = copy.replace("cp2", "cp1");
        for path in [master, &at_cp1] {
            project.out.remove(path);
        }
        // No public half beside it: nothing says what it is.
        for beside in ["crt", "pub"] {
            project.out.remove(&copy.replace(".key", &format!(".{beside}")));
        }
        let before = project.clone();
        let error = prune(&mut project).unwrap_err();
        assert!(error.message.contains(name) && error.message.contains(copy), "{error}");
        assert!(error.message.contains(master), "{error}");
        assert_eq!(before.out, project.out);
        project.out.insert(master.into(), key);
        prune(&mut project).unwrap();
        assert!(!project.out.contains_key(copy));
        project.assert_converged();
    }
}

/// What somebody put over an orphan is theirs.
#[test]
fn another_key_in_an_orphan_s_place_stops_the_prune() {
    let mut project = CLEAR.clone();
    project.description = REST.into();
    let path = "users/jane/jane.key";
    project.out.insert(path.into(), (new_key(), 0o600));
    let before = project.clone();
    let error = prune(&mut project).unwrap_err();
    assert_eq!(error.kind, Kind::Refused);
    assert!(error.message.contains("out/users/jane/jane.key"), "{error}");
    assert_eq!(before.out, project.out);
    project.apply().unwrap();
}

#[derive(Debug, Clone)]
enum Put {
    /// Bytes at a place that kpki uses, below a node or user that may exist.
    At(Index, Index, Vec<u8>),
    /// A copy of one of kpki's files somewhere else that looks like kpki's.
    Copy(Index, Index, Index),
    /// A key nobody knows.
    Key(Index, Index),
    /// Over one of kpki's own.
    Over(Index, Vec<u8>),
    /// A stranger's key and certificate, and lines of the lock that are true of them.
    Forged(Index, Index, Index),
}

fn put() -> impl Strategy<Value = Put> {
    let index = any::<Index>;
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (index(), index(), bytes()).prop_map(|(place, name, bytes)| Put::At(place, name, bytes)),
        (index(), index(), index()).prop_map(|(place, name, of)| Put::Copy(place, name, of)),
        (index(), index()).prop_map(|(place, name)| Put::Key(place, name)),
        (index(), bytes()).prop_map(|(over, bytes)| Put::Over(over, bytes)),
        (index(), index(), index()).prop_map(|(place, name, of)| Put::Forged(place, name, of)),
    ]
}

const NAMES: [&str; 8] = ["cp1", "cp2", "w1", "jane", "bob", "web", "mine", "ann"];

/// A path of kpki's own, with another node's or user's name in it.
fn elsewhere(project: &MemoryProject, place: Index, name: Index) -> String {
    let all: Vec<&String> = project.out.keys().collect();
    let path = all[place.index(all.len())];
    let name = NAMES[name.index(NAMES.len())];
    let mut path = path.clone();
    for known in &NAMES[..6] {
        path = path.replace(&format!("/{known}"), &format!("/{name}"));
    }
    path
}

/// One path below two nodes' roots.
fn on_another_node(one: &str, other: &str) -> bool {
    tree_of(one).zip(tree_of(other)).is_some_and(|((_, one), (_, other))| one == other)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn prune_deletes_only_what_a_lock_named(
        puts in prop::collection::vec(put(), 0..8),
        seals in any::<bool>(),
        records in any::<bool>(),
    ) {
        let (base, rest) = if seals { (&*SEALED, sealed(REST)) } else { (&*CLEAR, REST.into()) };
        let made: BTreeMap<String, Vec<u8>> =
            base.out.iter().map(|(path, (bytes, _))| (path.clone(), bytes.clone())).collect();
        let mut project = base.clone();
        project.description = rest;
        if records {
            // What was left is on record now.
            let intent = Intent { rekey: vec!["nodes/cp1/*".parse().unwrap()], ..Intent::default() };
            project.apply_with(&intent, false).unwrap();
        }
        let described = Graph::derive(&project.spec());
        let mut lock = project.lock();
        for put in puts {
            let (path, bytes) = match put {
                Put::Forged(place, name, of) => {
                    let path = elsewhere(base, place, name);
                    let (key, certificate) = &STRANGERS[of.index(STRANGERS.len())];
                    let is_clear_key = path.strip_suffix(".key").is_some();
                    let (bytes, made) = match kpki::state::is_public(&path) {
                        false if is_clear_key => (key, Made::Key(public_half(key))),
                        false => (key, Made::Content(Digest::of(key))),
                        true => (certificate, Made::Content(Digest::of(certificate))),
                    };
                    lock.orphans.insert(TreePath::of(&path), made);
                    if let Some(stem) = path.strip_suffix(".key") {
                        let beside = format!("{stem}.crt");
                        if !described.is_placed(&beside) {
                            project.out.insert(beside, (certificate.clone(), 0o600));
                        }
                    }
                    (path, bytes.clone())
                }
                Put::At(place, name, bytes) => (elsewhere(base, place, name), bytes),
                Put::Key(place, name) => (elsewhere(base, place, name), new_key()),
                Put::Over(over, bytes) => {
                    (made.keys().nth(over.index(made.len())).unwrap().clone(), bytes)
                }
                Put::Copy(place, name, of) => (
                    elsewhere(base, place, name),
                    made.values().nth(of.index(made.len())).unwrap().clone(),
                ),
            };
            if !described.is_placed(path.strip_suffix(SUFFIX).unwrap_or(&path)) {
                project.out.insert(path, (bytes, 0o600));
            }
        }
        project.lock = Some(kpki::lock::render(&lock));
        let before = project.clone();
        let done = prune(&mut project);
        for (path, (bytes, _)) in &before.out {
            if project.out.contains_key(path) {
                continue;
            }
            prop_assert!(done.is_ok());
            let clear = path.strip_suffix(SUFFIX).unwrap_or(path);
            prop_assert!(!described.is_placed(clear), "{path} is described");
            // A public file that nodes share, where another node has it, is kpki's on every node.
            let is_shared = kpki::state::is_public(path)
                && made.iter().any(|(other, made)| made == bytes && on_another_node(other, path));
            prop_assert!(is_shared || made.get(path) == Some(bytes), "{path} is not as kpki made it");
        }
        // What kpki made of them is not needed: every key that is described is where it was.
        for (path, file) in &before.out {
            if described.is_placed(path.strip_suffix(SUFFIX).unwrap_or(path)) && !kpki::state::is_public(path) {
                prop_assert!(project.out.contains_key(path) || file.0.is_empty());
            }
        }
    }
}
