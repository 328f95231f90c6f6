//! Building or loading the service-account key pair.

use super::context::BuildContext;
use super::held_key::{Belongs, held_key};
use crate::content::public_key_entry;
use crate::error::{Error, Result};
use crate::facts::PublicKey;
use crate::graph::{DerivationId, SigningKey};
use crate::plan::Step;
use crate::state::Entry;

pub(super) fn build_signing_key(
    context: &BuildContext<'_>,
    id: DerivationId,
    recipe: &SigningKey,
    step: &Step,
) -> Result<(Entry, PublicKey)> {
    let derivation = context.world.graph.get(id);
    let public_part = context.world.survey.public_part(id).public_key();
    let recorded =
        context.world.lock.entries.get(&derivation.name).and_then(|entry| entry.public_key);
    let held = if step.action.makes_key() {
        Some(context.new_key(id, recipe.key.value)?)
    } else if public_part.is_some() && !context.opens_key(id, step) {
        None
    } else {
        let belongs = match (public_part, recorded) {
            (Some(key), _) => Belongs::To(key),
            (None, Some(digest)) => Belongs::ToRecorded(digest),
            (None, None) => Belongs::Anything,
        };
        held_key(context, id, belongs)?
    };
    let public_key = match (&held, public_part) {
        (Some(held), _) => held.key.public_key().clone(),
        (None, Some(key)) => key.clone(),
        (None, None) => return Err(Error::internal("the service-account key is not here")),
    };
    context.write_pair(step, held.as_ref(), public_key.to_pem().as_bytes())?;
    Ok((public_key_entry(derivation, &public_key), public_key))
}
