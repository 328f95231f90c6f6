//! Finding the private key of an artifact among the files that may hold it.

use super::execute::Job;
use super::key::PrivateKey;
use crate::error::{Error, Kind, Result};
use crate::facts::{KubeconfigFacts, PublicKey};
use crate::graph::{Content, DerivationId, Placement};
use crate::hash::Digest;
use crate::secret::Secret;

/// A key and the PEM that it was read from: copies are byte for byte.
pub(super) struct HeldKey {
    pub key: PrivateKey,
    pub pem: Secret,
}

impl HeldKey {
    pub fn new(key: PrivateKey) -> Self {
        HeldKey {
            pem: key.to_pem(),
            key,
        }
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

impl Belongs<'_> {
    fn check(self, key: &PublicKey) -> bool {
        match self {
            Belongs::To(public) => public == key,
            Belongs::ToRecorded(digest) => digest == key.digest(),
            Belongs::Anything => true,
        }
    }
}

/// The first file here that holds the key. A node's file that holds another one, or none, is an error only
/// when no other place has the right one: a damaged copy never hides the master. A damaged master is an
/// error in any case: it may be the only copy of some other key, so nothing is put over it.
pub(super) fn held_key(
    job: &Job<'_>,
    id: DerivationId,
    belongs: Belongs<'_>,
) -> Result<Option<HeldKey>> {
    let mut problem: Option<(String, bool)> = None;
    for place in job.world.graph.key_places(id) {
        match job.world.inventory.secret_size(place.path.as_str()) {
            None | Some(0) => continue,
            Some(_) => {}
        }
        match read(job, place) {
            Ok(held) if belongs.check(held.key.public_key()) => {
                return match problem {
                    Some((why, master)) if master => Err(unusable(job, id, &why, Some(place))),
                    _ => Ok(Some(held)),
                };
            }
            Ok(_) => {
                let witness = job.world.survey.witness(id).path();
                let witness = witness.map_or_else(
                    || "the lock's record of it".to_owned(),
                    |path| format!("out/{path}"),
                );
                let why = format!(
                    "out/{} does not hold the private key of {witness}",
                    place.path
                );
                problem.get_or_insert((why, place.node.is_none()));
            }
            Err(why) => {
                let why = format!("out/{} {why}", place.path);
                problem.get_or_insert((why, place.node.is_none()));
            }
        }
    }
    match problem {
        None => Ok(None),
        Some((why, _)) => Err(unusable(job, id, &why, None)),
    }
}

fn unusable(job: &Job<'_>, id: DerivationId, why: &str, copy: Option<&Placement>) -> Error {
    let derivation = job.world.graph.get(id);
    let name = &derivation.name;
    let error = Error::new(Kind::NeedsAllow, format!("{name}: {why}"));
    if let Some(copy) = copy {
        error.help(format!(
            "out/{} holds the right key; move the other one away, and kpki apply restores it from there",
            copy.path
        ))
    } else if derivation.recipe.is_anchor() {
        error.help(format!(
            "put the right key back; or give it up and replace everything below it: \
             kpki apply --rekey {name} --allow replace:{name}"
        ))
    } else {
        error.help(format!(
            "put the right key back; or make a new one: kpki apply --rekey {name}"
        ))
    }
}

fn read(job: &Job<'_>, place: &Placement) -> Result<HeldKey, String> {
    let bytes = job
        .files
        .read_secret(&place.path)
        .map_err(|error| format!("cannot be read: {error}"))?;
    let pem = match place.content {
        Content::Kubeconfig => {
            KubeconfigFacts::from_yaml(bytes.expose())
                .map_err(|error| error.to_string())?
                .client_key
        }
        _ => bytes,
    };
    let key = PrivateKey::from_pem(pem.expose()).map_err(|error| error.to_string())?;
    Ok(HeldKey { key, pem })
}
