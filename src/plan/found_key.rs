//! Where the missing key of an anchor lies, when it is not where kpki looks: in `etcd/ca.key` of a node's
//! tree that came from kubeadm, say. The public file beside it says whose it is; whether that is true, only
//! apply can tell.

use std::collections::HashMap;

use super::public_part::PublicPart;
use super::{Note, Plan, World};
use crate::facts::{CertificateFacts, PublicKey, certificates_in_pem};
use crate::graph::{DerivationId, Graph};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::state::{File, Inventory, Lock};

/// The first file of each anchor whose key is in none of its own places.
pub(super) fn find<'s>(
    graph: &Graph,
    lock: &Lock,
    inventory: &Inventory,
    public_part: impl Fn(DerivationId) -> &'s PublicPart,
) -> HashMap<DerivationId, TreePath> {
    let mut missing: HashMap<Digest, DerivationId> = HashMap::new();
    for id in graph.ids().filter(|id| graph.get(*id).recipe.is_anchor()) {
        let mut places = graph.key_places(id);
        let is_here = places.any(|place| inventory.secret(place.path.as_str()).is_some());
        if !is_here
            && !graph.is_key_derived(id)
            && let Some(key) = known_key(graph, lock, public_part(id), id)
        {
            missing.insert(key, id);
        }
    }
    let mut found: HashMap<DerivationId, TreePath> = HashMap::new();
    let unread = |file: &File| matches!(file, File::Unreadable { .. });
    // What is missing may only be out of sight.
    if missing.is_empty() || inventory.files.values().any(unread) {
        return found;
    }
    for path in inventory.files.keys() {
        let Some(stem) = path.strip_suffix(".key") else {
            continue;
        };
        if graph.is_placed(path) || inventory.secret_size(path).is_none_or(|size| size == 0) {
            continue;
        }
        let Some(id) = public_half(inventory, stem).and_then(|key| missing.get(&key)) else {
            continue;
        };
        let Ok(path) = path.parse::<TreePath>() else {
            continue;
        };
        let first = found.entry(*id).or_insert_with(|| path.clone());
        if path < *first {
            *first = path;
        }
    }
    found
}

/// Says of each where it lies.
pub(super) fn notes(plan: &mut Plan, world: World<'_>) {
    for derivation in world.graph.ids() {
        let found = world.survey.found_key(derivation).cloned();
        plan.notes.extend(found.map(|path| Note::KeyFound { derivation, path }));
    }
}

fn known_key(
    graph: &Graph,
    lock: &Lock,
    public_part: &PublicPart,
    id: DerivationId,
) -> Option<Digest> {
    let recorded = || lock.entries.get(&graph.get(id).name)?.public_key;
    graph
        .brought_certificate(id)
        .map(|facts| facts.public_key.digest())
        .or_else(|| public_part.public_key().map(PublicKey::digest))
        .or_else(recorded)
}

/// What lies beside a key under the same name.
pub fn public_half(inventory: &Inventory, stem: &str) -> Option<Digest> {
    let certificate = inventory.public(&format!("{stem}.crt")).and_then(|bytes| {
        let all = certificates_in_pem(bytes).ok()?;
        CertificateFacts::from_der(all.first()?).ok()
    });
    let certificate = certificate.map(|facts| facts.public_key.digest());
    certificate.or_else(|| {
        let bytes = inventory.public(&format!("{stem}.pub"))?;
        PublicKey::from_pem(bytes).ok().map(|key| key.digest())
    })
}
