//! Building a certificate request, its key and the object around them.

use super::certificate::request;
use super::held_key::key_for;
use super::job::Job;
use super::writing::render;
use crate::error::{Error, Result};
use crate::facts::{RequestFacts, request_pem};
use crate::graph::{DerivationId, Recipe, Request, SigningRequest};
use crate::plan::{Step, request_entry, signing_request, signing_request_on_disk};
use crate::state::Entry;

/// The lines of a request and, with `manifest`, of the object around it.
pub(super) fn build_request(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &Request,
    step: &Step,
    manifest: Option<&Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let world = job.world;
    let name = &world.graph.get(id).name;
    let held = match recipe.brought {
        None if step.action.signs() || job.opens_key(id, step) => {
            key_for(job, id, recipe.policy.key.value, step)?
        }
        _ => None,
    };
    let der = match (&recipe.brought, &held, world.survey.witness(id).der()) {
        (Some(brought), ..) => brought.der.clone(),
        (None, _, Some(der)) if !step.action.signs() => der.to_vec(),
        (None, Some(held), _) => request(&recipe.subject, &*job.entropy.signer(&held.key))
            .map_err(|error| Error::internal(format!("{name}: {error}")))?,
        (None, None, _) => return Err(Error::internal(format!("{name}: its key is not here"))),
    };
    let facts = RequestFacts::from_der(&der)
        .ok()
        .filter(|facts| facts.is_signature_valid)
        .ok_or_else(|| Error::internal(format!("{name}: the request does not verify")))?;
    job.write_pair(step, held.as_ref(), request_pem(&der).as_bytes())?;
    let mut lines = vec![(id, request_entry(world, id, recipe, &facts))];
    if let Some(step) = manifest
        && let Recipe::SigningRequest(recipe) = &world.graph.get(step.derivation).recipe
    {
        let yaml = signing_request(recipe, &der, &facts.public_key).yaml();
        lines.push((step.derivation, render(job, step, yaml.as_bytes())?));
    }
    Ok(lines)
}

/// The object around a request that stays as it is.
pub(super) fn render_manifest(
    job: &Job<'_>,
    recipe: &SigningRequest,
    step: &Step,
) -> Result<Entry> {
    let manifest = signing_request_on_disk(job.world, recipe.request)
        .ok_or_else(|| Error::internal(format!("the request of {} is not here", recipe.user)))?;
    render(job, step, manifest.yaml().as_bytes())
}
