//! Roots of trust that have several key pairs, as a report: a rotation is under way.

use schemars::JsonSchema;
use serde::Serialize;

use crate::graph::DerivationId;
use crate::name::ArtifactName;
use crate::plan::World;
use crate::spec::{KeypairState, Root};
use crate::time::Timestamp;

/// A root of trust with several key pairs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RotatingReport {
    /// `ca/kubernetes`, `ca/etcd`, `ca/front-proxy` or `service-account`.
    pub root: String,
    /// The key pair that signs.
    pub signs: ArtifactName,
    /// The others that are trusted.
    pub trusted: Vec<ArtifactName>,
    /// Those by which servers are believed and clients are not.
    pub serving_only: Vec<ArtifactName>,
    /// When the newest of their certificates begins (RFC 3339); none where a root has no certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

pub(super) fn rotating(world: World<'_>) -> Vec<RotatingReport> {
    let graph = world.graph;
    let reports = Root::ALL.into_iter().filter_map(|root| {
        let (signs, others) = graph.keypairs(root).split_first()?;
        let in_state = |state: KeypairState| {
            let is = |id: &&DerivationId| graph.get(**id).recipe.keypair_state() == Some(state);
            others.iter().filter(is).map(|id| graph.get(*id).name.clone()).collect()
        };
        let certificates = graph.keypairs(root).iter();
        let certificates =
            certificates.filter_map(|id| world.survey.public_part(*id).certificate());
        (!others.is_empty()).then(|| RotatingReport {
            root: root.to_string(),
            signs: graph.get(*signs).name.clone(),
            trusted: in_state(KeypairState::Trusted),
            serving_only: in_state(KeypairState::ServingOnly),
            since: certificates.map(|facts| facts.not_before).max(),
        })
    });
    reports.collect()
}

impl RotatingReport {
    /// `ca/etcd/2 signs; trusted, too: ca/etcd; both since 2026-11-28 (kpki rotate ca/etcd goes on)`
    pub(super) fn line(&self) -> String {
        let named = |names: &[ArtifactName]| {
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let mut text = format!("rotation of {}: {} signs", self.root, self.signs);
        if !self.trusted.is_empty() {
            text.push_str("; trusted, too: ");
            text.push_str(&named(&self.trusted));
        }
        if !self.serving_only.is_empty() {
            text.push_str("; for servers alone: ");
            text.push_str(&named(&self.serving_only));
        }
        if let Some(since) = self.since {
            text.push_str("; the newest is of ");
            text.push_str(&since.date().to_string());
        }
        text
    }
}
