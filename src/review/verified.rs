//! What an artifact's certificate lets its principal do before a change, as far as its line of the lock and
//! the bytes that the line names prove that.
//!
//! Whoever proposes a change can put any file under `out/`, and Git's history has many that were good once: a
//! file is of an artifact only where the lock names it there. Whoever proposes a line can name anything: only
//! a CA's signature proves that somebody had a power, and only as long as the certificate is good.

use super::Credential;
use super::powerful::is_powerful_group;
use crate::facts::{CertificateFacts, RequestFacts, is_signed_by};
use crate::graph::DerivationId;
use crate::plan::{PublicPart, World};
use crate::state::Entry;

pub(super) fn of(world: World<'_>, id: DerivationId) -> Option<Credential> {
    if world.graph.get(id).recipe.is_anchor() {
        // The survey checked the signature of one that signs itself; a brought one has its file's word alone.
        return on_record(world, id).map(Credential::of_certificate);
    }
    let answer = world.graph.answer_to(id).unwrap_or(id);
    if let Some(facts) = on_record(world, answer) {
        let der = world.survey.public_part(answer).der()?;
        return of_certificate(world, id, der, facts);
    }
    match world.survey.public_part(id) {
        PublicPart::Request { facts, .. } if is_request_on_record(world, id, facts) => {
            let mut wished = Credential::of_request(facts);
            // Its own key signed it: whoever asked need not have got it.
            wished.groups.retain(|group| !is_powerful_group(group));
            Some(wished)
        }
        _ => None,
    }
}

/// An artifact's certificate, where it is the one that its line of the lock names.
pub(super) fn on_record(world: World<'_>, id: DerivationId) -> Option<&CertificateFacts> {
    let recorded = line(world, id)?.certificate?;
    let certificate = world.survey.public_part(id).certificate();
    certificate.filter(|facts| facts.digest == recorded)
}

/// Of what had left and is described again there is none.
pub(super) fn line(world: World<'_>, id: DerivationId) -> Option<&Entry> {
    world.lock.entries.get(&world.graph.get(id).name).filter(|line| !line.left)
}

/// The line of a brought one names its bytes; that of kpki's own the key, which alone can have signed it.
fn is_request_on_record(world: World<'_>, id: DerivationId, facts: &RequestFacts) -> bool {
    let Some(line) = line(world, id) else {
        return false;
    };
    match line.content {
        Some(content) => content == facts.digest,
        None => facts.is_signature_valid && line.public_key == Some(facts.public_key.digest()),
    }
}

fn of_certificate(
    world: World<'_>,
    id: DerivationId,
    der: &[u8],
    facts: &CertificateFacts,
) -> Option<Credential> {
    let before = signed(world, der, facts)?;
    let is_somebodys = world.graph.get(id).artifact.node().is_none();
    (!is_somebodys || !before.client || facts.not_after >= world.now).then_some(before)
}

/// What one of the cluster's CAs signed, whoever it is of and however long ago.
pub(super) fn signed(world: World<'_>, der: &[u8], facts: &CertificateFacts) -> Option<Credential> {
    let mut before = Credential::of_certificate(facts);
    let issuer = authorities(world)
        .filter(|issuer| issuer.subject == facts.issuer)
        .find(|issuer| is_signed_by(der, &issuer.public_key))?;
    if issuer.not_after == facts.not_after {
        // Cut at its CA's end: its length says nothing about what was wanted.
        before.life = None;
    }
    Some(before)
}

/// Whichever of them signed it: a change may name another. One without a line is a decision of its own.
fn authorities(world: World<'_>) -> impl Iterator<Item = &CertificateFacts> {
    let graph = world.graph;
    graph.ids().filter(|id| graph.get(*id).recipe.is_ca()).filter_map(move |id| {
        let found = world.survey.public_part(id).certificate();
        on_record(world, id).or(found.filter(|_| line(world, id).is_none()))
    })
}
