//! Building or loading a certificate authority.

use std::collections::BTreeSet;

use super::certificate::{Issuer, Purpose, Template};
use super::held_key::{Belongs, held_key};
use super::job::{CaState, HeldKey, Job};
use crate::error::{Error, Kind, Result};
use crate::facts::{CertificateFacts, certificate_pem};
use crate::graph::{Artifact, DerivationId, OwnCa, Recipe};
use crate::plan::{Action, Step, subject_on_record};

/// `None`: it is neither here nor planned, and nothing needs it.
pub(super) fn build_ca(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &Recipe,
    step: Option<&Step>,
    must_sign: bool,
) -> Result<Option<CaState>> {
    let made = match (recipe, step) {
        (Recipe::OwnCa(own), Some(step)) if step.action.signs() => {
            Some(issued(job, id, own, step.action)?)
        }
        (Recipe::ImportedCa(imported), Some(_)) => {
            let brought = &imported.brought;
            Some(CaState { facts: brought.facts.clone(), der: brought.der.clone(), key: None })
        }
        _ => on_record(job, id),
    };
    let Some(mut state) = made else {
        return Ok(None);
    };
    // A step of its own opens the key too: what it copies or records is checked first.
    let opens = step.is_some_and(|step| job.opens_key(id, step));
    if state.key.is_none() && (must_sign || opens) {
        state.key = held_key(job, id, Belongs::To(&state.facts.public_key))?;
    }
    if must_sign && state.key.is_none() {
        return Err(key_is_gone(job, id));
    }
    if let Some(step) = step {
        let certificate = certificate_pem(&state.der);
        job.write_pair(step, state.key.as_ref(), certificate.as_bytes())?;
    }
    Ok(Some(state))
}

/// Its certificate as it is here.
fn on_record(job: &Job<'_>, id: DerivationId) -> Option<CaState> {
    let witness = job.world.survey.witness(id);
    let (der, facts) = (witness.der()?.to_vec(), witness.certificate()?.clone());
    Some(CaState { der, facts, key: None })
}

/// A new certificate, over a new key or over the one that it has.
fn issued(job: &Job<'_>, id: DerivationId, own: &OwnCa, action: Action) -> Result<CaState> {
    if action.makes_key() {
        let held = job.new_key(id, own.key.value)?;
        return self_signed(job, id, own, held, action != Action::Create);
    }
    let entry = job.world.lock.entries.get(&job.world.graph.get(id).name);
    let recorded = entry.and_then(|entry| entry.public_key);
    let belongs = match (job.world.survey.witness(id).certificate(), recorded) {
        (Some(facts), _) => Belongs::To(&facts.public_key),
        (None, Some(digest)) => Belongs::ToRecorded(digest),
        (None, None) => Belongs::Anything,
    };
    let held = held_key(job, id, belongs)?.ok_or_else(|| key_is_gone(job, id))?;
    refuse_another_algorithm(job, id, own, &held)?;
    self_signed(job, id, own, held, false)
}

/// Where the certificate is lost, only the opened key tells its algorithm.
fn refuse_another_algorithm(
    job: &Job<'_>,
    id: DerivationId,
    own: &OwnCa,
    held: &HeldKey,
) -> Result<()> {
    let public_key = held.key.public_key();
    let wished = own.key.value;
    if !own.explicit_key || public_key.algorithm() == Some(wished) {
        return Ok(());
    }
    let name = &job.world.graph.get(id).name;
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
    job: &Job<'_>,
    id: DerivationId,
    own: &OwnCa,
    held: HeldKey,
    is_another: bool,
) -> Result<CaState> {
    let subject =
        if is_another { &own.subject } else { &subject_on_record(job.world, id, &own.subject) };
    let public_key = held.key.public_key();
    let der = job.issue(
        &job.world.graph.get(id).name,
        &Template {
            subject,
            public_key,
            not_before: job.not_before(),
            not_after: job.issued_at.plus(own.validity.value),
            purpose: Purpose::Authority,
            sans: &BTreeSet::new(),
        },
        &Issuer {
            subject,
            key: &*job.entropy.signer(&held.key),
            key_id: &public_key.key_identifier(),
        },
    )?;
    super::verify::verify(&der, &der, None, job.issued_at)
        .map_err(|error| Error::internal(format!("{}: {error}", Artifact::Ca(own.ca))))?;
    Ok(CaState { facts: read(&der)?, der, key: Some(held) })
}

fn read(der: &[u8]) -> Result<CertificateFacts> {
    CertificateFacts::from_der(der).map_err(|error| Error::internal(error.to_string()))
}

fn key_is_gone(job: &Job<'_>, id: DerivationId) -> Error {
    let name = &job.world.graph.get(id).name;
    Error::new(Kind::NeedsAllow, format!("the key of {name} is not here"))
}
