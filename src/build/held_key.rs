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

/// The first file here that holds the key. A file that holds another one, or none, is an error only when no
/// other place has the right one: a node's damaged copy never hides the master.
pub(super) fn held_key(
    job: &Job<'_>,
    id: DerivationId,
    belongs: Belongs<'_>,
) -> Result<Option<HeldKey>> {
    let mut problem = None;
    for place in job.world.graph.key_places(id) {
        match job.world.inventory.secret_size(place.path.as_str()) {
            None | Some(0) => continue,
            Some(_) => {}
        }
        match read(job, place) {
            Ok(held) if belongs.check(held.key.public_key()) => return Ok(Some(held)),
            Ok(_) => {
                let witness = job.world.survey.witness(id).path();
                let witness = witness.map_or_else(
                    || "the lock's record of it".to_owned(),
                    |path| format!("out/{path}"),
                );
                problem.get_or_insert(format!(
                    "out/{} does not hold the private key of {witness}",
                    place.path
                ));
            }
            Err(why) => {
                problem.get_or_insert(format!("out/{} {why}", place.path));
            }
        }
    }
    match problem {
        None => Ok(None),
        Some(why) => Err(unusable(job, id, &why)),
    }
}

fn unusable(job: &Job<'_>, id: DerivationId, why: &str) -> Error {
    let derivation = job.world.graph.get(id);
    let name = &derivation.name;
    let error = Error::new(Kind::NeedsAllow, format!("{name}: {why}"));
    if derivation.recipe.is_anchor() {
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
        Content::Kubeconfig => KubeconfigFacts::from_yaml(bytes.expose())
            .map_err(|error| error.to_string())?
            .client_key
            .ok_or("holds no key: it names a file")?,
        _ => bytes,
    };
    let key = PrivateKey::from_pem(pem.expose()).map_err(|error| error.to_string())?;
    Ok(HeldKey { key, pem })
}
