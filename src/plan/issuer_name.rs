//! Under which name a CA is known: its certificates hold the bytes, the description only says the text.

use super::World;
use crate::facts::DistinguishedName;
use crate::graph::DerivationId;

/// The subject in the bytes that are here already: what a CA issued names its subject byte for byte, and
/// other tools than kpki write the same text in another string type.
pub fn subject_on_record(
    world: World<'_>,
    id: DerivationId,
    wished: &DistinguishedName,
) -> DistinguishedName {
    let own = world.survey.public_part(id).certificate();
    own.map(|facts| &facts.subject)
        .into_iter()
        .chain(issuers(world, id))
        .find(|known| known.says_the_same(wished))
        .unwrap_or(wished)
        .clone()
}

/// A certificate that the lost one issued tells its subject: the description must mean the same one.
pub(super) fn issued_by_another(
    world: World<'_>,
    id: DerivationId,
    subject: &DistinguishedName,
) -> Option<String> {
    let another = issuers(world, id).find(|issuer| !issuer.says_the_same(subject));
    another.map(|issuer| {
        format!("the description names the subject {subject}, its certificates are from {issuer}")
    })
}

/// What the certificates of a CA call it.
fn issuers(world: World<'_>, id: DerivationId) -> impl Iterator<Item = &DistinguishedName> {
    let issued = world.graph.dependents(id);
    issued.filter_map(move |id| Some(&world.survey.public_part(id).certificate()?.issuer))
}
