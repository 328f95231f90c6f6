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
    /// `rotation of ca/etcd: ca/etcd/2 signs; trusted, too: ca/etcd; the newest is of 2026-11-28`
    pub(super) fn line(&self) -> String {
        let named = |names: &[ArtifactName]| {
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let others = |what: &str, names: &[ArtifactName]| {
            (!names.is_empty()).then(|| format!("; {what}: {}", named(names)))
        };
        let parts = [
            Some(format!("rotation of {}: {} signs", self.root, self.signs)),
            others("trusted, too", &self.trusted),
            others("for servers alone", &self.serving_only),
            self.since.map(|since| format!("; the newest is of {}", since.date())),
        ];
        parts.into_iter().flatten().collect()
    }
}
