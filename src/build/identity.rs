//! Building a leaf certificate, its key and the kubeconfig around them.

use super::BuildError;
use super::certificate::{Issuer, Purpose, Template};
use super::context::{BuildContext, HeldKey};
use super::held_key::{Belongs, held_key, key_for};
use super::kubeconfig::{ClientKey, KubeconfigContents, render};
use super::verify::verify;
use crate::content::{certificate_entry, kubeconfig_content, kubeconfig_entry};
use crate::error::{Error, Result};
use crate::facts::{CertificateFacts, PublicKey, certificate_pem};
use crate::graph::{DerivationId, Kubeconfig, Leaf, Recipe};
use crate::hash::Digest;
use crate::name::DnsName;
use crate::plan::{Action, AtRest, Step, at_rest};
use crate::state::Entry;

/// The lines of a leaf and, with `config`, of its kubeconfig.
pub(super) fn build_identity(
    context: &BuildContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    step: &Step,
    config: Option<&Step>,
) -> Result<Vec<(DerivationId, Entry)>> {
    let derivation = context.world.graph.get(id);
    let public_part = context.world.survey.public_part(id);
    // A sealed kubeconfig that stays as it is needs a line, and no key.
    let settled = config
        .filter(|config| config.action == Action::Record && !step.action.signs())
        .zip(public_part.certificate())
        .and_then(|(config, facts)| {
            let id = config.derivation;
            recorded_kubeconfig(context, id, facts.digest).map(|entry| (id, entry))
        });
    let embedded = config.is_some() && settled.is_none();
    let held = match leaf.brought {
        None if embedded || public_part.public_key().is_none() || context.opens_key(id, step) => {
            key_for(context, id, leaf.policy.key.value, step)?
        }
        _ => None,
    };
    let public_key = held
        .as_ref()
        .map(|held| held.key.public_key())
        .or(leaf.brought.as_ref().map(|brought| &brought.facts.public_key))
        .or(public_part.public_key())
        .ok_or_else(|| Error::internal(format!("{}: its key is not here", derivation.name)))?;
    let (der, facts) = match (step.action.signs(), public_part.der(), public_part.certificate()) {
        (false, Some(der), Some(facts)) => (der.to_vec(), facts.clone()),
        _ => sign(context, id, leaf, public_key)?,
    };
    let certificate = certificate_pem(&der);
    // A copy is the master's bytes: they may carry a text that a person put there.
    let master = public_part
        .path()
        .and_then(|path| context.world.inventory.public(path.as_str()))
        .filter(|_| !step.action.signs());
    let public_half = master.unwrap_or(certificate.as_bytes());
    context.write_pair(step, held.as_ref(), public_half)?;
    let mut lines = vec![(id, certificate_entry(derivation, &facts))];
    if let Some(line) = settled {
        lines.push(line);
    } else if let Some(step) = config
        && let Recipe::Kubeconfig(recipe) = &context.world.graph.get(step.derivation).recipe
    {
        let entry =
            write_kubeconfig(context, recipe, step, &certificate, facts.digest, held.as_ref())?;
        lines.push((step.derivation, entry));
    }
    Ok(lines)
}

/// A kubeconfig whose identity stays as it is.
pub(super) fn build_kubeconfig(
    context: &BuildContext<'_>,
    id: DerivationId,
    recipe: &Kubeconfig,
    step: &Step,
) -> Result<Entry> {
    // It may be of an earlier key, as long as its certificate waits: the check has seen to it.
    let recorded = context.world.lock.entries.get(&context.world.graph.get(id).name);
    if let Some(entry) = recorded.filter(|_| step.only_checks()) {
        let hash = context.world.graph.get(id).hash;
        return Ok(Entry { hash, ..entry.clone() });
    }
    let public_part = context.world.survey.public_part(recipe.identity);
    let (Some(der), Some(facts)) = (public_part.der(), public_part.certificate()) else {
        let name = &context.world.graph.get(id).name;
        return Err(Error::internal(format!("{name}: its certificate is not here")));
    };
    // What a sealed one says is on record with the lock's line; without a line it must be opened.
    if step.action == Action::Record
        && let Some(entry) = recorded_kubeconfig(context, id, facts.digest)
    {
        return Ok(entry);
    }
    let held = match recipe.client_key {
        Some(_) => None,
        None => held_key(context, recipe.identity, Belongs::To(&facts.public_key))?,
    };
    let certificate = certificate_pem(der);
    write_kubeconfig(context, recipe, step, &certificate, facts.digest, held.as_ref())
}

/// The new line of a sealed kubeconfig that stays as it is.
fn recorded_kubeconfig(
    context: &BuildContext<'_>,
    id: DerivationId,
    certificate: Digest,
) -> Option<Entry> {
    let graph = context.world.graph;
    let Recipe::Kubeconfig(recipe) = &graph.get(id).recipe else {
        return None;
    };
    let place = graph.placements(id).first()?;
    let entry = context.world.lock.entries.get(&graph.get(id).name)?;
    let bundle = context.bundle(recipe.bundle).ok()?;
    let content = kubeconfig_content(recipe, certificate, Digest::of(bundle.as_bytes()));
    let secret = context.world.inventory.secret(place.path.as_str())?;
    let same = entry.content == Some(content) && entry.size == Some(secret.size());
    (same && secret.sealed.is_some()).then(|| Entry {
        hash: graph.get(id).hash,
        server: Some(recipe.server.url()),
        ..entry.clone()
    })
}

fn write_kubeconfig(
    context: &BuildContext<'_>,
    recipe: &Kubeconfig,
    step: &Step,
    certificate: &str,
    certificate_digest: Digest,
    held: Option<&HeldKey>,
) -> Result<Entry> {
    let graph = context.world.graph;
    let id = step.derivation;
    let client_key = match (&recipe.client_key, held) {
        (Some(path), _) => ClientKey::File(path),
        (None, Some(held)) => ClientKey::Embedded(&held.pem),
        (None, None) => {
            let name = &graph.get(id).name;
            return Err(Error::internal(format!("{name}: its key is not here")));
        }
    };
    let bundle = context.bundle(recipe.bundle)?;
    let server = recipe.server.url();
    let bytes = render(&KubeconfigContents {
        cluster: recipe.cluster.as_str(),
        server: &server,
        certificate_authority: bundle.as_bytes(),
        user: &recipe.user,
        namespace: recipe.namespace.as_ref().map(DnsName::as_str),
        client_certificate: certificate.as_bytes(),
        client_key,
    });
    for place in graph.placements(id) {
        // What is right already is not written again: a rebuilt lock changes no file.
        let path = place.path.as_str();
        let found = at_rest(context.world, place);
        let as_described =
            matches!(found, AtRest::Clear | AtRest::Sealed(_) | AtRest::Unrecorded(_));
        let same = step.action != Action::Create
            && as_described
            && context.world.inventory.secret_size(path) == Some(bytes.expose().len() as u64)
            && context.open(place).is_ok_and(|old| old.expose() == bytes.expose());
        if same && found == AtRest::Clear {
            context.files.set_mode(&place.path, place.mode)?;
        } else if !same {
            context.put(place, bytes.expose())?;
        }
    }
    let bundle = Digest::of(bundle.as_bytes());
    let content = kubeconfig_content(recipe, certificate_digest, bundle);
    Ok(kubeconfig_entry(graph.get(id), recipe, content, bytes.expose().len() as u64))
}

fn sign(
    context: &BuildContext<'_>,
    id: DerivationId,
    leaf: &Leaf,
    public_key: &PublicKey,
) -> Result<(Vec<u8>, CertificateFacts)> {
    let name = &context.world.graph.get(id).name;
    let failed = |error: &dyn std::fmt::Display| Error::internal(format!("{name}: {error}"));
    let ca = context.cas.get(&leaf.issuer).ok_or_else(|| failed(&"its CA is not here"))?;
    let signer = ca.key.as_ref().ok_or_else(|| failed(&"the key of its CA is not here"))?;
    let der = context.issue(
        name,
        &Template {
            subject: &leaf.subject,
            public_key,
            not_before: context.not_before(),
            not_after: context.issued_at.plus(leaf.policy.validity.value).min(ca.facts.not_after),
            purpose: Purpose::Leaf(leaf.usage),
            sans: &leaf.sans,
        },
        &Issuer {
            subject: &ca.facts.subject,
            key: &*context.entropy.signer(&signer.key),
            key_id: &ca.facts.key_id(),
        },
    )?;
    verify(&der, &ca.der, Some(leaf.usage), context.issued_at).map_err(|error| match error {
        BuildError::Authority(_) => Error::refused(format!("{name} {error}")).help(
            "bring another CA certificate, or ask whoever issued it for one without that limit",
        ),
        error => failed(&error),
    })?;
    let facts = CertificateFacts::from_der(&der).map_err(|error| failed(&error))?;
    Ok((der, facts))
}
