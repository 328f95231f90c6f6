//! Building a certificate request, its key and the object around them.

use super::certificate::request;
use super::context::BuildContext;
use super::held_key::key_for;
use super::writing::render;
use crate::content::{Input, request_entry};
use crate::error::{Error, Result};
use crate::facts::{RequestFacts, request_pem};
use crate::graph::{DerivationId, Request};
use crate::plan::Step;
use crate::state::Entry;

/// The lines of a request and, with `manifest`, of the object around it.
pub(super) fn build_request(
    context: &BuildContext<'_>,
    id: DerivationId,
    recipe: &Request,
    step: &Step,
    manifest: Option<&Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let world = context.world;
    let name = &world.graph.get(id).name;
    let held = match recipe.brought {
        None if step.action.signs() || context.opens_key(id, step) => {
            key_for(context, id, recipe.policy.key.value, step)?
        }
        _ => None,
    };
    let der = match (&recipe.brought, &held, world.survey.public_part(id).der()) {
        (Some(brought), ..) => brought.der.clone(),
        (None, _, Some(der)) if !step.action.signs() => der.to_vec(),
        (None, Some(held), _) => request(&recipe.subject, &*context.entropy.signer(&held.key))
            .map_err(|error| Error::internal(format!("{name}: {error}")))?,
        (None, None, _) => return Err(Error::internal(format!("{name}: its key is not here"))),
    };
    let facts = RequestFacts::from_der(&der)
        .ok()
        .filter(|facts| facts.is_signature_valid)
        .ok_or_else(|| Error::internal(format!("{name}: the request does not verify")))?;
    context.write_pair(step, held.as_ref(), request_pem(&der).as_bytes())?;
    let mut lines = vec![(id, request_entry(world.graph.get(id), recipe, &facts))];
    if let Some(step) = manifest {
        let input = Input { der: &der, public_key: &facts.public_key };
        lines.push((step.derivation, render(context, step, &[input])?));
    }
    Ok(lines)
}
