//! Hashes are for ever: a change of one of these is a change of the encoding, and reissues nothing only
//! because a differing hash never does.

use kpki::graph::Graph;

use crate::testkit::memory_project::MemoryProject;

const DESCRIPTION: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab.internal:6443" }
ca "etcd" key="ecdsa-p384" validity="20y"
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21" revision=2
component "kubelet" serving=#true config=#true
user "jane" { group "dev" "ops"; validity "90d" }
certificate "web" { ca "front-proxy"; usage "server" "client"; san "web.lab" "10.9.9.9" }
"#;

#[test]
fn hashes_of_a_fixed_description() {
    let graph = Graph::derive(&MemoryProject::new(DESCRIPTION).spec());
    let mut hashes: Vec<String> = graph
        .ids()
        .map(|id| {
            let derivation = graph.get(id);
            format!("{} {}", derivation.hash, derivation.name)
        })
        .collect();
    hashes.sort_by(|a, b| a[33..].cmp(&b[33..]));
    let hashes = hashes.join("\n");
    let golden = include_str!("hashes.txt").trim_end();
    assert_eq!(hashes, golden, "got:\n{hashes}");
}

/// What is not about the bytes of an artifact is not in its hash.
#[test]
fn places_and_renewal_windows_change_no_hash() {
    let hash = |description: &str, name: &str| {
        let graph = Graph::derive(&MemoryProject::new(description).spec());
        let id = graph.find(&name.parse().unwrap()).unwrap();
        graph.get(id).hash
    };
    let moved = DESCRIPTION.replace("san \"web.lab\"", "node \"w1\"; san \"web.lab\"");
    assert_eq!(hash(DESCRIPTION, "certificates/web"), hash(&moved, "certificates/web"));
    let window = DESCRIPTION.replace("validity \"90d\"", "validity \"90d\"; renew-before \"9d\"");
    assert_eq!(hash(DESCRIPTION, "users/jane"), hash(&window, "users/jane"));
    let validity = DESCRIPTION.replace("validity \"90d\"", "validity \"91d\"");
    assert_ne!(hash(DESCRIPTION, "users/jane"), hash(&validity, "users/jane"));
    // A CA's validity is its own matter: nothing that it issued depends on it.
    let longer = DESCRIPTION.replace("validity=\"20y\"", "validity=\"21y\"");
    assert_ne!(hash(DESCRIPTION, "ca/etcd"), hash(&longer, "ca/etcd"));
    assert_eq!(hash(DESCRIPTION, "nodes/cp1/etcd-peer"), hash(&longer, "nodes/cp1/etcd-peer"));
}
