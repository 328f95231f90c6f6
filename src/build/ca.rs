//! Building or loading a certificate authority.

use std::collections::BTreeSet;

use super::certificate::{Issuer, Purpose, Template};
use super::context::{BuildContext, CaState, HeldKey};
use super::held_key::{Belongs, held_key};
use crate::error::{Error, Kind, Result};
use crate::facts::{CertificateFacts, certificate_pem};
use crate::graph::{Artifact, DerivationId, OwnCa, Recipe};
use crate::plan::{Action, Step, subject_on_record};

/// `None`: it is neither here nor planned, and nothing needs it.
pub(super) fn build_ca(
    context: &BuildContext<'_>,
    id: DerivationId,
    recipe: &Recipe,
    step: Option<&Step>,
    must_sign: bool,
) -> Result<Option<CaState>> {
    let made = match (recipe, step) {
        (Recipe::OwnCa(own), Some(step)) if step.action.signs() => {
            Some(issued(context, id, own, step.action)?)
        }
        (Recipe::ImportedCa(imported), Some(_)) => {
            let brought = &imported.brought;
            Some(CaState { facts: brought.facts.clone(), der: brought.der.clone(), key: None })
        }
        _ => on_record(context, id),
    };
    let Some(mut state) = made else {
        return Ok(None);
    };
    // A step of its own opens the key too: what it copies or records is checked first.
    let opens = step.is_some_and(|step| context.opens_key(id, step));
    if state.key.is_none() && (must_sign || opens) {
        state.key = held_key(context, id, Belongs::To(&state.facts.public_key))?;
    }
    if must_sign && state.key.is_none() {
        return Err(key_is_gone(context, id));
    }
    if let Some(step) = step {
        let certificate = certificate_pem(&state.der);
        context.write_pair(step, state.key.as_ref(), certificate.as_bytes())?;
    }
    Ok(Some(state))
}

/// Its certificate as it is here.
fn on_record(context: &BuildContext<'_>, id: DerivationId) -> Option<CaState> {
    let public_part = context.world.survey.public_part(id);
    let (der, facts) = (public_part.der()?.to_vec(), public_part.certificate()?.clone());
    Some(CaState { der, facts, key: None })
}

/// A new certificate, over a new key or over the one that it has.
fn issued(
    context: &BuildContext<'_>,
    id: DerivationId,
    own: &OwnCa,
    action: Action,
) -> Result<CaState> {
    if action.makes_key() {
        let held = context.new_key(id, own.key.value)?;
        return self_signed(context, id, own, held, action != Action::Create);
    }
    let entry = context.world.lock.entries.get(&context.world.graph.get(id).name);
    let recorded = entry.and_then(|entry| entry.public_key);
    let belongs = match (context.world.survey.public_part(id).certificate(), recorded) {
        (Some(facts), _) => Belongs::To(&facts.public_key),
        (None, Some(digest)) => Belongs::ToRecorded(digest),
        (None, None) => Belongs::Anything,
    };
    let held = held_key(context, id, belongs)?.ok_or_else(|| key_is_gone(context, id))?;
    refuse_another_algorithm(context, id, own, &held)?;
    self_signed(context, id, own, held, false)
}

/// Where the certificate is lost, only the opened key tells its algorithm.
fn refuse_another_algorithm(
    context: &BuildContext<'_>,
    id: DerivationId,
    own: &OwnCa,
    held: &HeldKey,
) -> Result<()> {
    let public_key = held.key.public_key();
    let wished = own.key.value;
    if !own.explicit_key || public_key.algorithm() == Some(wished) {
        return Ok(());
    }
    let name = &context.world.graph.get(id).name;
    Err(Error::new(
        Kind::NeedsAllow,
        format!(
            "{name}: the description asks for {wished}, the key on record is {}",
            public_key.kind()
        ),
    )
    .help(format!("to replace it: kpki apply --allow replace:{name}")))
}

fn self_signed(
    context: &BuildContext<'_>,
    id: DerivationId,
    own: &OwnCa,
    held: HeldKey,
    is_another: bool,
) -> Result<CaState> {
    let subject =
        if is_another { &own.subject } else { &subject_on_record(context.world, id, &own.subject) };
    let public_key = held.key.public_key();
    let der = context.issue(
        &context.world.graph.get(id).name,
        &Template {
            subject,
            public_key,
            not_before: context.not_before(),
            not_after: context.issued_at.plus(own.validity.value),
            purpose: Purpose::Authority,
            sans: &BTreeSet::new(),
        },
        &Issuer {
            subject,
            key: &*context.entropy.signer(&held.key),
            key_id: &public_key.key_identifier(),
        },
    )?;
    super::verify::verify(&der, &der, None, context.issued_at).map_err(|error| {
        Error::internal(format!("{}: {error}", Artifact::Ca(own.ca, own.number)))
    })?;
    Ok(CaState { facts: read(&der)?, der, key: Some(held) })
}

fn read(der: &[u8]) -> Result<CertificateFacts> {
    CertificateFacts::from_der(der).map_err(|error| Error::internal(error.to_string()))
}

fn key_is_gone(context: &BuildContext<'_>, id: DerivationId) -> Error {
    let name = &context.world.graph.get(id).name;
    Error::new(Kind::NeedsAllow, format!("the key of {name} is not here"))
}
