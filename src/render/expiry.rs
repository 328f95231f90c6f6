//! The life of every certificate that is here: what status, metrics, calendar and page are made of.

use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::left;
use crate::facts::CertificateFacts;
use crate::graph::{Artifact, DerivationId, Recipe};
use crate::name::{ArtifactName, TreePath};
use crate::plan::{Plan, PublicPart, Reason, World, renewal};
use crate::spec::Keypair;
use crate::time::Timestamp;

/// One certificate's life.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LifeReport<'a> {
    pub name: &'a ArtifactName,
    /// End of its validity (RFC 3339).
    pub expires: Timestamp,
    /// `29 days`, `expired 3 days ago`.
    pub left: String,
    /// expired, not-yet-valid, expiring or valid.
    pub state: State,
    /// The public key's algorithm.
    pub key: String,
    /// The CA's name in the description, `itself`, or the issuer's name in the certificate.
    pub issuer: String,
    #[serde(skip)]
    pub(super) facts: &'a CertificateFacts,
    /// Where it was read, below `out/`.
    #[serde(skip)]
    pub(super) path: &'a TreePath,
    /// A CA that somebody else renews.
    #[serde(skip)]
    pub(super) is_brought: bool,
    /// From when on it is renewed.
    #[serde(skip)]
    pub(super) renewal: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Expired,
    NotYetValid,
    Expiring,
    Valid,
}

/// In build order.
pub(super) fn lives<'a>(world: World<'a>, plan: &Plan) -> Vec<LifeReport<'a>> {
    let lives = world.graph.ids().filter_map(|id| {
        let PublicPart::Certificate { path, facts, .. } = world.survey.public_part(id) else {
            return None;
        };
        let renewal = renewal(world.graph, id, facts);
        Some(LifeReport {
            name: &world.graph.get(id).name,
            expires: facts.not_after,
            left: left(facts, world.now).to_string(),
            state: state(world, plan, id, facts, renewal),
            key: facts.public_key.kind().to_string(),
            issuer: issuer(world, id, facts),
            facts,
            path,
            is_brought: matches!(world.graph.get(id).recipe, Recipe::ImportedCa(_)),
            renewal,
        })
    });
    lives.collect()
}

fn state(
    world: World<'_>,
    plan: &Plan,
    id: DerivationId,
    facts: &CertificateFacts,
    renewal: Option<Timestamp>,
) -> State {
    let now = world.now;
    let planned = || {
        plan.steps.iter().any(|step| {
            step.derivation == id
                && step.reasons.iter().any(|reason| matches!(reason, Reason::Expiring { .. }))
        })
    };
    // Whether an authority's renewal would help, only the plan knows.
    let anchor = world.graph.get(id).recipe.is_anchor();
    if now >= facts.not_after {
        State::Expired
    } else if now < facts.not_before {
        State::NotYetValid
    } else if renewal.filter(|_| !anchor).map_or_else(planned, |from| now >= from) {
        State::Expiring
    } else {
        State::Valid
    }
}

fn issuer(world: World<'_>, id: DerivationId, facts: &CertificateFacts) -> String {
    if let Some(issuer) = world.graph.get(id).recipe.issuer()
        && let Some(ca) = world.survey.public_part(issuer).certificate()
        && facts.authority_key_id.as_ref() == Some(&ca.key_id())
    {
        let issuer = world.graph.get(issuer);
        return match &issuer.artifact {
            Artifact::Ca(ca, Keypair::FIRST) => ca.to_string(),
            Artifact::Ca(ca, keypair) => format!("{ca}/{keypair}"),
            _ => issuer.name.to_string(),
        };
    }
    if facts.is_self_issued() { "itself".to_owned() } else { facts.issuer.to_string() }
}
