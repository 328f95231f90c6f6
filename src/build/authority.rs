//! Building or loading a certificate authority.

use std::collections::BTreeSet;

use super::certificate::{Issuer, Purpose, Template};
use super::held_key::{Belongs, held_key};
use super::job::{AuthorityState, HeldKey, Job};
use crate::error::{Error, Kind, Result};
use crate::facts::{CertificateFacts, certificate_pem};
use crate::graph::{Artifact, Authority, DerivationId, Issuance};
use crate::plan::{Action, Step, subject_on_record};
use crate::state::Entry;

impl AuthorityState {
    pub fn entry(&self, job: &Job<'_>, id: DerivationId) -> Entry {
        let derivation = job.world.graph.get(id);
        Entry::of_certificate(derivation.hash, derivation.recipe.revision(), &self.facts)
    }
}

/// `None`: it is neither here nor planned, and nothing needs it.
pub(super) fn build_authority(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &Authority,
    step: Option<&Step>,
    must_sign: bool,
) -> Result<Option<AuthorityState>> {
    let witness = job.world.survey.witness(id);
    let action = step.map(|step| step.action);
    let recorded = job
        .world
        .lock
        .entries
        .get(&job.world.graph.get(id).name)
        .and_then(|entry| entry.public_key);
    let state = match (&recipe.issuance, action) {
        (_, Some(Action::Create | Action::Rekey | Action::Replace)) => {
            let Issuance::SelfSigned { key, .. } = &recipe.issuance else {
                return Err(Error::internal("a brought CA cannot be made"));
            };
            let held = job.new_key(id, key.value)?;
            let is_another = action != Some(Action::Create);
            self_signed(job, id, recipe, held, is_another)?
        }
        (_, Some(Action::Reissue)) => {
            let belongs = match (witness.certificate(), recorded) {
                (Some(facts), _) => Belongs::To(&facts.public_key),
                (None, Some(digest)) => Belongs::ToRecorded(digest),
                (None, None) => Belongs::Anything,
            };
            let held = held_key(job, id, belongs)?.ok_or_else(|| key_is_gone(job, id))?;
            refuse_another_algorithm(job, id, recipe, &held)?;
            self_signed(job, id, recipe, held, false)?
        }
        (Issuance::Brought(brought), Some(_)) => {
            AuthorityState { facts: brought.facts.clone(), der: brought.der.clone(), key: None }
        }
        _ => match (witness.der(), witness.certificate()) {
            (Some(der), Some(facts)) => {
                AuthorityState { der: der.to_vec(), facts: facts.clone(), key: None }
            }
            _ => return Ok(None),
        },
    };
    let mut state = state;
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

/// Where the certificate is lost, only the opened key tells its algorithm.
fn refuse_another_algorithm(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &Authority,
    held: &HeldKey,
) -> Result<()> {
    let Issuance::SelfSigned { key, explicit_key: true, .. } = &recipe.issuance else {
        return Ok(());
    };
    let public_key = held.key.public_key();
    if public_key.algorithm() == Some(key.value) {
        return Ok(());
    }
    let name = &job.world.graph.get(id).name;
    Err(Error::new(
        Kind::NeedsAllow,
        format!(
            "{name}: the description asks for {}, the key on record is {}",
            key.value,
            public_key.kind()
        ),
    )
    .help(format!("to replace it: kpki apply --allow replace:{name}")))
}

fn self_signed(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &Authority,
    held: HeldKey,
    is_another: bool,
) -> Result<AuthorityState> {
    let Issuance::SelfSigned { subject, validity, .. } = &recipe.issuance else {
        return Err(Error::internal("a brought CA cannot be issued"));
    };
    let subject = if is_another { subject } else { &subject_on_record(job.world, id, subject) };
    let public_key = held.key.public_key();
    let der = job.issue(
        &job.world.graph.get(id).name,
        &Template {
            subject,
            public_key,
            not_before: job.not_before(),
            not_after: job.issued_at.plus(validity.value),
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
        .map_err(|error| Error::internal(format!("{}: {error}", Artifact::Ca(recipe.ca))))?;
    Ok(AuthorityState { facts: read(&der)?, der, key: Some(held) })
}

fn read(der: &[u8]) -> Result<CertificateFacts> {
    CertificateFacts::from_der(der).map_err(|error| Error::internal(error.to_string()))
}

fn key_is_gone(job: &Job<'_>, id: DerivationId) -> Error {
    let name = &job.world.graph.get(id).name;
    Error::new(Kind::NeedsAllow, format!("the key of {name} is not here"))
}
