//! Half a record: bytes that a CA of the cluster signed and that no line of the lock names, or a line whose
//! bytes are gone. Whoever proposes a change can delete the other half, and plant either: a half waives
//! nothing, and only makes more stop.

use super::access_change::AccessChange;
use super::verified::{line, on_record, signed};
use super::{Credential, compare};
use crate::graph::{Artifact, DerivationId, Scope};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::World;

/// What is left of one artifact.
#[derive(Debug)]
pub(super) enum Half {
    /// No line names it, or it ran out.
    Bytes(Box<Credential>),
    Line {
        public_key: Option<Digest>,
        /// It was built from what is described still: to lose its file is damage, and no more.
        is_as_described: bool,
    },
    /// Other artifacts of the same user are on record.
    Others,
}

/// Of what is to have a certificate and has no whole record.
pub(super) fn of(world: World<'_>, asked: &Artifact) -> Vec<Half> {
    let Some(id) = world.graph.find(&asked.name()) else {
        return Vec::new();
    };
    let holders: Vec<DerivationId> =
        [Some(id), world.graph.answer_to(id)].into_iter().flatten().collect();
    let is_here = |id: &DerivationId| {
        line(world, *id).is_some() || world.survey.public_part(*id).path().is_some()
    };
    if !holders.iter().any(is_here) && has_others(world, asked) {
        return vec![Half::Others];
    }
    holders.into_iter().flat_map(|holder| of_one(world, holder)).collect()
}

fn of_one(world: World<'_>, id: DerivationId) -> impl Iterator<Item = Half> + use<> {
    let found = world.survey.public_part(id);
    let bytes = found.certificate().zip(found.der());
    let bytes = bytes.and_then(|(facts, der)| signed(world, der, facts));
    let is_gone = on_record(world, id).is_none();
    let line = line(world, id).filter(|_| is_gone).map(|line| Half::Line {
        public_key: line.public_key,
        is_as_described: line.hash == world.graph.get(id).hash,
    });
    bytes.map(|credential| Half::Bytes(Box::new(credential))).into_iter().chain(line)
}

fn has_others(world: World<'_>, artifact: &Artifact) -> bool {
    let Artifact::User(user, _) = artifact else {
        return false;
    };
    let is_theirs =
        |name: &ArtifactName| matches!(Scope::of(name), Scope::User(name) if name == user.as_str());
    world.lock.entries.iter().any(|(name, line)| !line.left && is_theirs(name))
}

impl Half {
    /// What stops because of it, whatever else is told of `after`.
    pub fn escalations(&self, after: &Credential) -> Vec<AccessChange> {
        match self {
            Half::Bytes(before) => compare(before, after),
            Half::Line { public_key, is_as_described } => {
                let keys = public_key.zip(after.key);
                let is_another = keys.is_some_and(|(old, new)| old != new);
                let another = is_another.then_some(AccessChange::AnotherKey);
                let unknown = (!is_as_described).then_some(AccessChange::Unknown);
                another.into_iter().chain(unknown).collect()
            }
            Half::Others => vec![AccessChange::Unknown],
        }
    }
}
