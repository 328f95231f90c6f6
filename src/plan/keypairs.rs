//! The key pairs of a root of trust as the lock has them, and whose key a node's copy is.

use crate::graph::{Artifact, FilePart, Graph, Placement};
use crate::hash::Digest;
use crate::spec::{Keypair, Root};
use crate::state::{Entry, Lock};

/// The lock's lines of a root's key pairs, found without a look at all others.
pub fn keypairs_on_record(lock: &Lock, root: Root) -> impl Iterator<Item = (Keypair, &Entry)> {
    let first = Artifact::of_root(root, Keypair::FIRST).name();
    let near = lock.entries.range(first.clone()..);
    let near = near.take_while(move |(name, _)| name.as_str().starts_with(first.as_str()));
    near.filter_map(move |(name, entry)| {
        let (of, keypair) = name.as_str().parse::<Artifact>().ok()?.root()?;
        (of == root).then_some((keypair, entry))
    })
}

/// A node's copy of a signing key, and another key pair signed when it was put there.
pub fn holds_another_keypair(graph: &Graph, lock: &Lock, place: &Placement) -> bool {
    let is_copy = matches!(place.content, FilePart::PrivateKey | FilePart::PublicKey);
    if !is_copy || place.node.is_none() {
        return false;
    }
    graph.get(place.derivation).artifact.root().is_some_and(|(root, keypair)| {
        let mut known = keypairs_on_record(lock, root);
        known.any(|(signed, entry)| entry.keypair.is_none() && signed != keypair)
    })
}

/// A node's copy holds the key of another key pair of the same root, which is on record.
pub fn is_another_keypairs(graph: &Graph, lock: &Lock, place: &Placement, key: Digest) -> bool {
    let root = graph.get(place.derivation).artifact.root();
    holds_another_keypair(graph, lock, place)
        && root.is_some_and(|(root, _)| {
            keypairs_on_record(lock, root).any(|(_, entry)| entry.public_key == Some(key))
        })
}
