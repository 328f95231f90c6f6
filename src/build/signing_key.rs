//! Building or loading the service-account key pair.

use super::held_key::{Belongs, held_key};
use super::job::Job;
use crate::error::{Error, Result};
use crate::graph::{DerivationId, SigningKey};
use crate::plan::Step;
use crate::state::Entry;

pub(super) fn build_signing_key(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &SigningKey,
    step: &Step,
) -> Result<Entry> {
    let derivation = job.world.graph.get(id);
    let witness = job.world.survey.witness(id).public_key();
    let recorded = job.world.lock.entries.get(&derivation.name).and_then(|entry| entry.public_key);
    let held = if step.action.makes_key() {
        Some(job.new_key(id, recipe.key.value)?)
    } else if witness.is_some() && !job.opens_key(id, step) {
        None
    } else {
        let belongs = match (witness, recorded) {
            (Some(key), _) => Belongs::To(key),
            (None, Some(digest)) => Belongs::ToRecorded(digest),
            (None, None) => Belongs::Anything,
        };
        held_key(job, id, belongs)?
    };
    let public_key = match (&held, witness) {
        (Some(held), _) => held.key.public_key().clone(),
        (None, Some(key)) => key.clone(),
        (None, None) => return Err(Error::internal("the service-account key is not here")),
    };
    job.write_pair(step, held.as_ref(), public_key.to_pem().as_bytes())?;
    Ok(Entry {
        revision: derivation.recipe.revision(),
        public_key: Some(public_key.digest()),
        ..Entry::new(derivation.hash)
    })
}
