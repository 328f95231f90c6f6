//! Building a leaf certificate, its key and the kubeconfig around them.

use super::certificate::{Issuer, Purpose, Template};
use super::held_key::{Belongs, held_key, key_for};
use super::job::{HeldKey, Job};
use super::kubeconfig::{ClientKey, KubeconfigContents, render};
use super::verify::verify;
use crate::error::{Error, Result};
use crate::facts::{CertificateFacts, PublicKey, certificate_pem};
use crate::graph::{DerivationId, Kubeconfig, Leaf, Recipe};
use crate::hash::Digest;
use crate::name::DnsName;
use crate::plan::{Action, Resting, Step, bundle_content, kubeconfig_content, leaf_entry, resting};
use crate::state::Entry;

/// The lines of a leaf and, with `config`, of its kubeconfig.
pub(super) fn build_identity(
    job: &Job<'_>,
    id: DerivationId,
    leaf: &Leaf,
    step: &Step,
    config: Option<&Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let derivation = job.world.graph.get(id);
    let witness = job.world.survey.witness(id);
    // A sealed kubeconfig that stays as it is needs a line, and no key.
    let settled = config
        .filter(|config| config.action == Action::Record && !step.action.signs())
        .zip(witness.certificate())
        .and_then(|(config, facts)| {
            let id = config.derivation;
            recorded_kubeconfig(job, id, facts.digest).map(|entry| (id, entry))
        });
    let embedded = config.is_some() && settled.is_none();
    let held = match leaf.brought {
        None if embedded || witness.public_key().is_none() || job.opens_key(id, step) => {
            key_for(job, id, leaf.policy.key.value, step)?
        }
        _ => None,
    };
    let public_key = held
        .as_ref()
        .map(|held| held.key.public_key())
        .or(leaf.brought.as_ref().map(|brought| &brought.facts.public_key))
        .or(witness.public_key())
        .ok_or_else(|| Error::internal(format!("{}: its key is not here", derivation.name)))?;
    let (der, facts) = match (step.action.signs(), witness.der(), witness.certificate()) {
        (false, Some(der), Some(facts)) => (der.to_vec(), facts.clone()),
        _ => sign(job, id, leaf, public_key)?,
    };
    let certificate = certificate_pem(&der);
    // A copy is the master's bytes: they may carry a text that a person put there.
    let master = witness
        .path()
        .and_then(|path| job.world.inventory.public(path.as_str()))
        .filter(|_| !step.action.signs());
    let public_half = master.unwrap_or(certificate.as_bytes());
    job.write_pair(step, held.as_ref(), public_half)?;
    let mut lines = vec![(id, leaf_entry(job.world, id, leaf, &facts))];
    if let Some(line) = settled {
        lines.push(line);
    } else if let Some(step) = config
        && let Recipe::Kubeconfig(recipe) = &job.world.graph.get(step.derivation).recipe
    {
        let entry = write_kubeconfig(job, recipe, step, &certificate, facts.digest, held.as_ref())?;
        lines.push((step.derivation, entry));
    }
    Ok(lines)
}

/// A kubeconfig whose identity stays as it is.
pub(super) fn build_kubeconfig(
    job: &Job<'_>,
    id: DerivationId,
    recipe: &Kubeconfig,
    step: &Step,
) -> Result<Entry> {
    // It may be of an earlier key, as long as its certificate waits: the check has seen to it.
    let recorded = job.world.lock.entries.get(&job.world.graph.get(id).name);
    if let Some(entry) = recorded.filter(|_| step.only_checks()) {
        let hash = job.world.graph.get(id).hash;
        return Ok(Entry { hash, ..entry.clone() });
    }
    let witness = job.world.survey.witness(recipe.identity);
    let (Some(der), Some(facts)) = (witness.der(), witness.certificate()) else {
        let name = &job.world.graph.get(id).name;
        return Err(Error::internal(format!("{name}: its certificate is not here")));
    };
    // What a sealed one says is on record with the lock's line; without a line it must be opened.
    if step.action == Action::Record
        && let Some(entry) = recorded_kubeconfig(job, id, facts.digest)
    {
        return Ok(entry);
    }
    let held = match recipe.client_key {
        Some(_) => None,
        None => held_key(job, recipe.identity, Belongs::To(&facts.public_key))?,
    };
    let certificate = certificate_pem(der);
    write_kubeconfig(job, recipe, step, &certificate, facts.digest, held.as_ref())
}

/// The new line of a sealed kubeconfig that stays as it is.
fn recorded_kubeconfig(job: &Job<'_>, id: DerivationId, certificate: Digest) -> Option<Entry> {
    let graph = job.world.graph;
    let Recipe::Kubeconfig(recipe) = &graph.get(id).recipe else {
        return None;
    };
    let place = graph.placements(id).first()?;
    let entry = job.world.lock.entries.get(&graph.get(id).name)?;
    let Recipe::Bundle(bundle) = &graph.get(recipe.bundle).recipe else {
        return None;
    };
    let authorities = bundle_content(job.authority_der(bundle.authority).ok()?);
    let content = kubeconfig_content(recipe, certificate, Digest::of(authorities.as_bytes()));
    let secret = job.world.inventory.secret(place.path.as_str())?;
    let same = entry.content == Some(content) && entry.size == Some(secret.size());
    (same && secret.sealed.is_some()).then(|| Entry {
        hash: graph.get(id).hash,
        server: Some(recipe.server.url()),
        ..entry.clone()
    })
}

fn write_kubeconfig(
    job: &Job<'_>,
    recipe: &Kubeconfig,
    step: &Step,
    certificate: &str,
    certificate_digest: Digest,
    held: Option<&HeldKey>,
) -> Result<Entry> {
    let graph = job.world.graph;
    let id = step.derivation;
    let Recipe::Bundle(bundle) = &graph.get(recipe.bundle).recipe else {
        return Err(Error::internal("a kubeconfig without a bundle"));
    };
    let client_key = match (&recipe.client_key, held) {
        (Some(path), _) => ClientKey::File(path),
        (None, Some(held)) => ClientKey::Embedded(&held.pem),
        (None, None) => {
            let name = &graph.get(id).name;
            return Err(Error::internal(format!("{name}: its key is not here")));
        }
    };
    let authorities = bundle_content(job.authority_der(bundle.authority)?);
    let server = recipe.server.url();
    let bytes = render(&KubeconfigContents {
        cluster: recipe.cluster.as_str(),
        server: &server,
        certificate_authority: authorities.as_bytes(),
        user: &recipe.user,
        namespace: recipe.namespace.as_ref().map(DnsName::as_str),
        client_certificate: certificate.as_bytes(),
        client_key,
    });
    for place in graph.placements(id) {
        // What is right already is not written again: a rebuilt lock changes no file.
        let path = place.path.as_str();
        let resting = resting(job.world, place);
        let as_described =
            matches!(resting, Resting::Clear | Resting::Sealed(_) | Resting::Unrecorded(_));
        let same = step.action != Action::Create
            && as_described
            && job.world.inventory.secret_size(path) == Some(bytes.expose().len() as u64)
            && job.open(place).is_ok_and(|old| old.expose() == bytes.expose());
        if same && resting == Resting::Clear {
            job.files.set_mode(&place.path, place.mode)?;
        } else if !same {
            job.put(place, bytes.expose())?;
        }
    }
    Ok(Entry {
        content: Some(kubeconfig_content(
            recipe,
            certificate_digest,
            Digest::of(authorities.as_bytes()),
        )),
        size: Some(bytes.expose().len() as u64),
        server: Some(server),
        ..Entry::new(graph.get(id).hash)
    })
}

fn sign(
    job: &Job<'_>,
    id: DerivationId,
    leaf: &Leaf,
    public_key: &PublicKey,
) -> Result<(Vec<u8>, CertificateFacts)> {
    let name = &job.world.graph.get(id).name;
    let failed = |error: &dyn std::fmt::Display| Error::internal(format!("{name}: {error}"));
    let authority =
        job.authorities.get(&leaf.issuer).ok_or_else(|| failed(&"its CA is not here"))?;
    let signer = authority.key.as_ref().ok_or_else(|| failed(&"the key of its CA is not here"))?;
    let der = job.issue(
        name,
        &Template {
            subject: &leaf.subject,
            public_key,
            not_before: job.not_before(),
            not_after: job
                .issued_at
                .plus(leaf.policy.validity.value)
                .min(authority.facts.not_after),
            purpose: Purpose::Leaf(leaf.usage),
            sans: &leaf.sans,
        },
        &Issuer {
            subject: &authority.facts.subject,
            key: &*job.entropy.signer(&signer.key),
            key_id: &authority.facts.key_id(),
        },
    )?;
    verify(&der, &authority.der, Some(leaf.usage), job.issued_at)
        .map_err(|error| failed(&error))?;
    let facts = CertificateFacts::from_der(&der).map_err(|error| failed(&error))?;
    Ok((der, facts))
}
