//! Holding a secret file against the public part of its artifact.

use super::reading::key_file;
use crate::content::bundle_content;
use crate::facts::{CertificateFacts, KubeconfigFacts, certificates_in_pem, is_signed_by};
use crate::graph::{DerivationId, Placement, Recipe};
use crate::hash::Digest;
use crate::holdings::KeyFile;
use crate::plan::{PublicPart, World};
use crate::secret::Secret;

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
    let Some(ca) = world.graph.ca_in(recipe.bundle) else {
        return Ok(());
    };
    let authority = world.survey.public_part(ca);
    match (entry, authority.der()) {
        (Some(_), Some(der)) if !trusts(world, recipe.bundle, der, config) => {
            Err(format!("embeds another CA certificate than {}", shown(authority)))
        }
        _ => Ok(()),
    }
}

/// It embeds the CA alone, or what the lock has, if that is the CA and those that issued it: what is above a
/// brought CA may be described otherwise by now.
fn trusts(world: World<'_>, bundle: DerivationId, der: &[u8], config: &KubeconfigFacts) -> bool {
    let embedded = config.certificate_authority.as_slice();
    let graph = world.graph;
    let described = [&[], graph.above_in(bundle)];
    if described.iter().any(|above| bundle_content(der, above).as_bytes() == embedded) {
        return true;
    }
    let entry = world.lock.entries.get(&graph.get(bundle).name);
    let all = certificates_in_pem(embedded).unwrap_or_default();
    entry.and_then(|entry| entry.content) == Some(Digest::of(embedded))
        && all.first().is_some_and(|first| first == der)
        && all.windows(2).all(|pair| matches!(pair, [lower, upper] if issued(upper, lower)))
}

fn issued(upper: &[u8], lower: &[u8]) -> bool {
    CertificateFacts::from_der(upper).is_ok_and(|upper| is_signed_by(lower, &upper.public_key))
}

fn shown(public_part: &PublicPart) -> String {
    public_part.path().map_or_else(|| "its witness".to_owned(), |path| format!("out/{path}"))
}
