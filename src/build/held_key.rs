//! Finding the private key of an artifact among the files that may hold it.

use super::context::{BuildContext, HeldKey};
use super::reading::{Trouble, file_here, key_file};
use crate::algorithm::KeyAlgorithm;
use crate::error::{Error, Kind, Result};
use crate::facts::PublicKey;
use crate::graph::{DerivationId, FilePart, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::plan::{Step, World, key_on_record};

/// A key for an artifact of this algorithm.
///
/// One that nothing on record vouches for is taken over only if it is of the wished kind: else the next plan
/// would want another at once.
pub(super) fn key_for(
    context: &BuildContext<'_>,
    id: DerivationId,
    algorithm: KeyAlgorithm,
    step: &Step,
) -> Result<Option<HeldKey>> {
    let generate = || context.new_key(id, algorithm).map(Some);
    if step.action.makes_key() {
        return generate();
    }
    let belongs = Belongs::on_record(context.world, id);
    let held = held_key(context, id, belongs)?;
    let wished = |held: &HeldKey| held.key.public_key().algorithm() == Some(algorithm);
    match (belongs, &held) {
        // Without a certificate the algorithm is known only now; plan would have asked for a new key.
        (Belongs::Anything | Belongs::ToRecorded(_), Some(found)) if !wished(found) => generate(),
        _ => Ok(held),
    }
}

/// What a key must belong to.
#[derive(Clone, Copy)]
pub(super) enum Belongs<'a> {
    To(&'a PublicKey),
    /// The digest that the lock has.
    ToRecorded(Digest),
    /// Nothing is on record.
    Anything,
}

impl<'a> Belongs<'a> {
    /// What an artifact's public part, or else the lock, says of its key.
    pub fn on_record(world: World<'a>, id: DerivationId) -> Self {
        let entry = world.lock.entries.get(&world.graph.get(id).name);
        match (key_on_record(world, id), entry.and_then(|entry| entry.public_key)) {
            (Some(key), _) => Belongs::To(key),
            (None, Some(digest)) => Belongs::ToRecorded(digest),
            (None, None) => Belongs::Anything,
        }
    }

    pub fn check(self, key: &PublicKey) -> bool {
        match self {
            Belongs::To(public) => public == key,
            Belongs::ToRecorded(digest) => digest == key.digest(),
            Belongs::Anything => true,
        }
    }
}

/// The first file here that holds the key. A node's file that holds another one, or none, is an error only
/// when no other place has the right one: a damaged copy never hides the master. A damaged master is an error
/// in any case: it may be the only copy of some other key, so nothing is put over it. One that no identity
/// opens is passed over, too: another may be sealed to others.
pub(super) fn held_key(
    context: &BuildContext<'_>,
    id: DerivationId,
    belongs: Belongs<'_>,
) -> Result<Option<HeldKey>> {
    let mut problem: Option<(String, bool)> = None;
    let mut closed = None;
    for place in context.world.graph.key_places(id) {
        match context.world.inventory.secret_size(place.path.as_str()) {
            None | Some(0) => continue,
            Some(_) => {}
        }
        match read(context, place) {
            Ok(held) if belongs.check(held.key.public_key()) => {
                return match problem {
                    Some((why, master)) if master => {
                        Err(unusable(context.world, id, &why, Some(place)))
                    }
                    _ => Ok(Some(held)),
                };
            }
            Ok(_) => {
                let public_part = context.world.survey.public_part(id).path();
                let public_part = public_part.map_or_else(
                    || "the lock's record of it".to_owned(),
                    |path| format!("out/{path}"),
                );
                let why = format!(
                    "out/{} does not hold the private key of {public_part}",
                    file_here(context.world, place)
                );
                problem.get_or_insert((why, place.node.is_none()));
            }
            Err(Trouble::Damaged(why)) => {
                let why = format!("out/{} {why}", file_here(context.world, place));
                problem.get_or_insert((why, place.node.is_none()));
            }
            Err(Trouble::Closed(error)) => {
                closed.get_or_insert(error);
            }
            // Another copy may be right; which one is, only somebody who can read all of them may say.
            Err(Trouble::Unreadable(error)) => return Err(error),
        }
    }
    if let Some(path) = context.world.survey.found_key(id) {
        return found_key(context, id, path, belongs).map(Some);
    }
    match (closed, problem) {
        // What follows from a seed need not be opened.
        (Some(error), _) => match from_seed(context, id, belongs)? {
            Some(held) => Ok(Some(held)),
            None => Err(error),
        },
        (None, None) => from_seed(context, id, belongs),
        (None, Some((why, _))) => Err(unusable(context.world, id, &why, None)),
    }
}

/// A key that lies where the public file beside it says that it is this one.
fn found_key(
    context: &BuildContext<'_>,
    id: DerivationId,
    path: &TreePath,
    belongs: Belongs<'_>,
) -> Result<HeldKey> {
    let place = Placement {
        derivation: id,
        content: FilePart::PrivateKey,
        path: path.clone(),
        mode: 0,
        on_node: None,
        node: None,
        recipients: None,
    };
    let why = match read(context, &place) {
        Ok(held) if belongs.check(held.key.public_key()) => return Ok(held),
        Ok(_) => "is not, whatever the file beside it says".to_owned(),
        Err(Trouble::Damaged(why)) => why,
        Err(Trouble::Closed(error) | Trouble::Unreadable(error)) => return Err(error),
    };
    let name = &context.world.graph.get(id).name;
    let message = format!("out/{path} should be the missing key of {name}: it {why}");
    Err(Error::refused(message)
        .help("move it out of out/, or put the right key there; then run the command again"))
}

/// A key of a reproducible cluster that is nowhere here, if it is the one on record.
fn from_seed(
    context: &BuildContext<'_>,
    id: DerivationId,
    belongs: Belongs<'_>,
) -> Result<Option<HeldKey>> {
    let algorithm = match belongs {
        Belongs::To(key) => key.algorithm(),
        Belongs::ToRecorded(_) | Belongs::Anything => None,
    };
    let algorithm = algorithm.or(context.world.graph.get(id).recipe.key_algorithm());
    let Some(algorithm) = algorithm else {
        return Ok(None);
    };
    match context.key_from_seed(id, algorithm)? {
        Some(held) if !belongs.check(held.key.public_key()) => {
            let name = &context.world.graph.get(id).name;
            Err(Error::refused(format!(
                "{name}: its key is not here, and the one that follows from the seed is another"
            ))
            .help("put back the key, or the seed that it was made from"))
        }
        held => Ok(held),
    }
}

pub(super) fn unusable(
    world: World<'_>,
    id: DerivationId,
    why: &str,
    copy: Option<&Placement>,
) -> Error {
    let derivation = world.graph.get(id);
    let name = &derivation.name;
    let error = Error::refused(format!("{name}: {why}"));
    if let Some(copy) = copy {
        error.help(format!(
            "out/{} holds the right key; move the other one away, and kpki apply restores it from there",
            file_here(world, copy)
        ))
    } else if matches!(derivation.recipe, Recipe::ImportedCa(_)) {
        error.help("put there the key of the certificate that the description brings")
    } else if derivation.recipe.is_anchor() {
        let kind = Kind::NeedsAllow;
        Error { kind, ..error }.help(format!(
            "put the right key back; or give it up and replace everything below it: \
             kpki apply --rekey {name} --allow replace:{name}"
        ))
    } else {
        error.help(format!("put the right key back; or make a new one: kpki apply --rekey {name}"))
    }
}

fn read(context: &BuildContext<'_>, place: &Placement) -> Result<HeldKey, Trouble> {
    let bytes = context.open(place)?;
    let file = key_file(place, &bytes).map_err(|error| Trouble::Damaged(error.to_string()))?;
    let key = file.key().map_err(Trouble::Damaged)?;
    let pem = file.pem().cloned().unwrap_or(bytes);
    Ok(HeldKey { key, pem, is_new: false })
}
