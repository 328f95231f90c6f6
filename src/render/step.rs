//! What is done to one artifact, or is in the way of it, as a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::text::out;
use crate::graph::Recipe;
use crate::name::{ArtifactName, TreePath};
use crate::plan::{Action, Allow, Blocked, Reason, Step, World};
use crate::time::Timestamp;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    pub name: ArtifactName,
    /// Certificate, kubeconfig and so on.
    pub kind: String,
    /// create, replace, rekey, reissue, render, repair or record.
    #[schemars(with = "String")]
    pub action: Action,
    pub reasons: Vec<ReasonReport>,
    /// Files to be written.
    pub writes: Vec<String>,
    /// Files whose mode is mended.
    pub modes: Vec<String>,
    /// Until when the certificate that is replaced stays good (RFC 3339): nobody can revoke it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_certificate_until: Option<Timestamp>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReasonReport {
    pub code: String,
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BlockedReport {
    pub name: String,
    pub why: String,
    /// What `--allow` takes, where it helps.
    pub allow: Option<String>,
}

/// The file that holds what is placed there.
fn file(world: World<'_>, path: &TreePath) -> String {
    let place = world.graph.placed_at(path);
    place.map_or_else(|| out(path), |place| out(&place.file()))
}

pub(super) fn blocked_report(world: World<'_>, blocked: &Blocked) -> BlockedReport {
    BlockedReport {
        name: world.graph.get(blocked.derivation).name.to_string(),
        why: blocked.why.clone(),
        allow: blocked.allow.as_ref().map(ToString::to_string),
    }
}

impl BlockedReport {
    pub(super) fn entry(&self) -> Entry {
        Entry::decision(&self.name, self.why.clone(), self.allow.as_deref())
    }

    /// Nothing is lost: a rotation goes on.
    pub(super) fn is_stage(&self) -> bool {
        let allow = self.allow.as_deref().and_then(|allow| allow.parse().ok());
        matches!(allow, Some(Allow::Stage(..)))
    }
}

pub(super) fn step_report(world: World<'_>, step: &Step) -> StepReport {
    let derivation = world.graph.get(step.derivation);
    StepReport {
        name: derivation.name.clone(),
        kind: derivation.recipe.kind().to_owned(),
        action: step.action,
        reasons: step.reasons.iter().map(reason_report).collect(),
        writes: step.writes.iter().map(|path| file(world, path)).collect(),
        modes: step.modes.iter().map(out).collect(),
        old_certificate_until: old_certificate_until(world, step),
    }
}

/// Of a leaf that is issued again, unless its whole CA goes: then nobody trusts the old one.
fn old_certificate_until(world: World<'_>, step: &Step) -> Option<Timestamp> {
    let derivation = world.graph.get(step.derivation);
    let ca_goes =
        step.reasons.iter().any(|reason| matches!(reason, Reason::DependencyRebuilt { .. }));
    if !matches!(derivation.recipe, Recipe::Leaf(_)) || !step.action.signs() || ca_goes {
        return None;
    }
    let old = world.survey.public_part(step.derivation).certificate()?;
    (old.not_after > world.now).then_some(old.not_after)
}

pub(super) fn reason_report(reason: &Reason) -> ReasonReport {
    let (field, old, new) = match reason {
        Reason::InputChanged { field, old, new } => {
            (Some((*field).to_owned()), Some(old.clone()), Some(new.clone()))
        }
        _ => (None, None, None),
    };
    ReasonReport { code: reason.code().to_owned(), text: reason.to_string(), field, old, new }
}
