//! Secrets in the clear that may be others than those that were held against their public parts.

use super::{Reason, World};
use crate::graph::{DerivationId, FilePart, Graph, Placement};
use crate::hash::Digest;
use crate::state::{File, Lock, PlainFile, Seen};

/// What can be said of a secret in the clear without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is none, or it is sealed: then the lock has its digest.
    Absent,
    /// The very file that belonged to what is here now.
    Verified,
    /// This machine has not opened it, as far as that is known: a fresh copy, or no index.
    Unverified,
    /// This machine has held it against its public part, and one of the two is another now.
    Changed(Reason),
}

impl Standing {
    /// Whether only opening it can tell that it is the one that belongs there.
    pub fn is_doubtful(&self) -> bool {
        matches!(self, Standing::Unverified | Standing::Changed(_))
    }
}

pub fn standing(world: World<'_>, place: &Placement) -> Standing {
    let Some(plain) = plain(world, place) else {
        return Standing::Absent;
    };
    let changed = |what| {
        let path = place.path.clone();
        Standing::Changed(Reason::SecretChanged { path, what })
    };
    match plain.seen {
        Seen::Never => Standing::Unverified,
        Seen::Changed => changed("changed since it was verified"),
        Seen::Unchanged(then) => match belongs_to(world.graph, world.lock, place) {
            Some(now) if then == now => Standing::Verified,
            Some(_) => changed("was verified with another public half"),
            None => Standing::Unverified,
        },
    }
}

fn plain<'a>(world: World<'a>, place: &Placement) -> Option<&'a PlainFile> {
    if !place.content.is_secret() {
        return None;
    }
    let secret = world.inventory.secret(place.path.as_str())?;
    let plain = secret.plain.as_ref().filter(|_| secret.sealed.is_none());
    // An empty file is none: a key is said to be lost with it.
    plain.filter(|plain| plain.size > 0)
}

/// What a lock says that a secret belongs to: the public half of a key, the content of a kubeconfig. Where
/// the files say otherwise than the lock, that is a step already.
pub fn belongs_to(graph: &Graph, lock: &Lock, place: &Placement) -> Option<Digest> {
    let entry = lock.entries.get(&graph.get(place.derivation).name)?;
    match place.content {
        FilePart::Kubeconfig => entry.content,
        _ => entry.public_key,
    }
}

/// Why apply opens an artifact's secrets, though nothing else is to be done.
pub(super) fn changed(world: World<'_>, id: DerivationId) -> Vec<Reason> {
    let places = world.graph.placements(id).iter();
    places
        .filter_map(|place| match standing(world, place) {
            Standing::Changed(reason) => Some(reason),
            _ => None,
        })
        .collect()
}

/// How many secrets the next apply opens, though nothing says that they changed.
pub fn unverified(world: World<'_>) -> usize {
    let never = world.inventory.files.iter().filter(|(_, file)| match file {
        File::Secret(secret) => secret.plain.is_some_and(|plain| plain.seen == Seen::Never),
        _ => false,
    });
    never
        .filter_map(|(path, _)| world.graph.placed(path))
        .filter(|place| standing(world, place) == Standing::Unverified)
        .count()
}
