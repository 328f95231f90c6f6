//! Holding a secret file against the public part of its artifact.

use std::collections::BTreeSet;

use super::reading::key_file;
use crate::content::bundle_content;
use crate::facts::{CertificateFacts, KubeconfigFacts, certificates_in_pem, is_signed_by};
use crate::graph::{DerivationId, Placement, Recipe};
use crate::hash::Digest;
use crate::holdings::KeyFile;
use crate::plan::{PublicPart, World, keypairs_on_record};
use crate::secret::Secret;
use crate::spec::Root;

/// A private key must be that of the public part, and a kubeconfig must embed its identity's very certificate
/// with the key of it. The error reads after the file's name.
pub fn check_secret(world: World<'_>, place: &Placement, bytes: &Secret) -> Result<(), String> {
    let identity = world.graph.identity_in(place.derivation);
    let public_part = world.survey.public_part(identity);
    let Some(public) = public_part.public_key() else {
        return Err(match public_part.path() {
            Some(path) => format!("cannot be checked: out/{path} cannot be read"),
            None => "cannot be checked: its certificate or public key is not here".to_owned(),
        });
    };
    let file = key_file(place, bytes).map_err(|error| error.0)?;
    if let KeyFile::Kubeconfig(config) = &file {
        let embedded = certificates_in_pem(&config.client_certificate)
            .map_err(|error| format!("embeds a file that {error}"))?;
        let own = public_part.certificate().map(|facts| facts.digest);
        if embedded.first().map(|der| Digest::of(der)) != own {
            return Err(format!("embeds another certificate than {}", shown(public_part)));
        }
        says_what_was_built(world, place, config)?;
        // Somebody else's, and not in this file.
        if config.client_key.is_none() && !has_its_key(world, identity) {
            return Ok(());
        }
    }
    let key = file.key()?;
    if key.public_key() == public {
        Ok(())
    } else {
        Err(format!("does not hold the private key of {}", shown(public_part)))
    }
}

/// One whose certificate the cluster has yet to sign may still be of a key that its user brought.
fn has_its_key(world: World<'_>, identity: DerivationId) -> bool {
    let recipe = &world.graph.get(identity).recipe;
    matches!(recipe, Recipe::Leaf(leaf) if leaf.brought.is_none())
}

/// Where a client connects and whom it believes there: as the lock and the trust bundle have it, whatever is
/// described by now.
fn says_what_was_built(
    world: World<'_>,
    place: &Placement,
    config: &KubeconfigFacts,
) -> Result<(), String> {
    let derivation = world.graph.get(place.derivation);
    let entry = world.lock.entries.get(&derivation.name);
    let server = entry.and_then(|entry| entry.server.as_ref());
    if let Some(server) = server.filter(|server| **server != config.server) {
        return Err(format!("names the server {:?}, not {server}", config.server));
    }
    let Recipe::Kubeconfig(recipe) = &derivation.recipe else {
        return Ok(());
    };
    let cas = world.graph.cas_in(recipe.bundle);
    let authorities: Vec<&PublicPart> =
        cas.iter().map(|ca| world.survey.public_part(*ca)).collect();
    let ders: Option<Vec<&[u8]>> = authorities.iter().map(|authority| authority.der()).collect();
    match (entry, ders, authorities.first()) {
        (Some(_), Some(ders), Some(first)) if !trusts(world, recipe.bundle, &ders, config) => {
            Err(format!("embeds another CA certificate than {}", shown(first)))
        }
        _ => Ok(()),
    }
}

/// It embeds the CA's certificates alone, or what the lock has, if those are certificates of the CA and of
/// those that issued them: which key pairs the CA has, and what is above a brought one, may be described
/// otherwise by now.
fn trusts(
    world: World<'_>,
    bundle: DerivationId,
    ders: &[&[u8]],
    config: &KubeconfigFacts,
) -> bool {
    let embedded = config.certificate_authority.as_slice();
    let graph = world.graph;
    let described = [&[], graph.above_in(bundle)];
    let as_described = |above| bundle_content(ders.iter().copied(), above).as_bytes() == embedded;
    if described.into_iter().any(as_described) {
        return true;
    }
    let all = certificates_in_pem(embedded).unwrap_or_default();
    let own = own_certificates(world, bundle);
    let is_own = |der: &[u8]| own.contains(&Digest::of(der));
    let follows =
        |pair: &[Vec<u8>]| matches!(pair, [lower, upper] if is_own(upper) || issued(upper, lower));
    on_record(world, bundle) == Some(Digest::of(embedded))
        && all.first().is_some_and(|first| is_own(first))
        && all.windows(2).all(follows)
}

fn on_record(world: World<'_>, bundle: DerivationId) -> Option<Digest> {
    world.lock.entries.get(&world.graph.get(bundle).name)?.content
}

/// Certificates of the CA's key pairs: those that are described and here, and those on record.
fn own_certificates(world: World<'_>, bundle: DerivationId) -> BTreeSet<Digest> {
    let graph = world.graph;
    let roots = graph.cas_in(bundle).iter().filter_map(|ca| graph.get(*ca).artifact.root());
    let roots: BTreeSet<Root> = roots.map(|(root, _)| root).collect();
    let described = roots.iter().flat_map(|root| graph.keypairs(*root));
    let described = described.filter_map(|ca| world.survey.public_part(*ca).der());
    let recorded = roots.iter().flat_map(|root| keypairs_on_record(world.lock, *root));
    let recorded = recorded.filter_map(|(_, entry)| entry.certificate);
    described.map(Digest::of).chain(recorded).collect()
}

fn issued(upper: &[u8], lower: &[u8]) -> bool {
    CertificateFacts::from_der(upper).is_ok_and(|upper| is_signed_by(lower, &upper.public_key))
}

fn shown(public_part: &PublicPart) -> String {
    public_part.path().map_or_else(|| "its witness".to_owned(), |path| format!("out/{path}"))
}
