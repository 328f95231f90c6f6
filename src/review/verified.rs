//! What an artifact's certificate lets its principal do before a change, as far as its file proves that.
//!
//! Whoever proposes a change can put any file under `out/`: only a CA's signature proves that somebody had a
//! power, and only as long as the certificate is good.

use super::Credential;
use super::powerful::is_powerful_group;
use crate::facts::{CertificateFacts, is_signed_by};
use crate::graph::DerivationId;
use crate::plan::{PublicPart, World};

pub(super) fn of(world: World<'_>, id: DerivationId) -> Option<Credential> {
    if world.graph.get(id).recipe.is_anchor() {
        // The survey checked the signature of one that signs itself; a brought one has its file's word alone.
        let certificate = world.survey.public_part(id).certificate();
        return certificate.map(Credential::of_certificate);
    }
    let answer = world.graph.answer_to(id).unwrap_or(id);
    if let PublicPart::Certificate { der, facts, .. } = world.survey.public_part(answer) {
        return of_certificate(world, id, der, facts);
    }
    match world.survey.public_part(id) {
        PublicPart::Request { facts, .. } => {
            let mut wished = Credential::of_request(facts);
            // Its own key signed it: whoever asked need not have got it.
            wished.groups.retain(|group| !is_powerful_group(group));
            Some(wished)
        }
        _ => None,
    }
}

fn of_certificate(
    world: World<'_>,
    id: DerivationId,
    der: &[u8],
    facts: &CertificateFacts,
) -> Option<Credential> {
    let mut before = Credential::of_certificate(facts);
    let is_somebodys = world.graph.get(id).artifact.node().is_none();
    if is_somebodys && before.client && facts.not_after < world.now {
        return None;
    }
    let issuer = authorities(world)
        .filter(|issuer| issuer.subject == facts.issuer)
        .find(|issuer| is_signed_by(der, &issuer.public_key))?;
    if issuer.not_after == facts.not_after {
        // Cut at its CA's end: its length says nothing about what was wanted.
        before.life = None;
    }
    Some(before)
}

/// Whichever of them signed it: a change may name another.
fn authorities(world: World<'_>) -> impl Iterator<Item = &CertificateFacts> {
    let graph = world.graph;
    graph
        .ids()
        .filter(|id| graph.get(*id).recipe.is_ca())
        .filter_map(move |id| world.survey.public_part(id).certificate())
}
