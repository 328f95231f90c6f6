//! A plan as a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::base::BaseReport;
use super::entry::Entry;
use super::follow_up::{MembershipReport, RestartReport, membership, restarts};
use super::interruption::{InterruptedReport, interrupted_report};
use super::privilege::{PrivilegeReport, ViolationReport, privilege_report, violation_report};
use super::remarks;
use super::report::FORMAT_VERSION;
use super::secrets::{SecretsReport, secrets_report};
use super::text::out;
use super::waiting::{WaitingReport, waiting_reports};
use crate::graph::{DerivationId, Recipe};
use crate::hash::Digest;
use crate::name::{ArtifactName, TreePath};
use crate::plan::{Action, Blocked, KeyMismatch, Orphan, Plan, Reason, Step, World};
use crate::review::Review;
use crate::spec::Spec;
use crate::time::Timestamp;

/// What `kpki plan --format json` prints.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlanReport {
    /// Version of this format.
    pub format_version: u32,
    pub cluster: String,
    /// The resolved Kubernetes version.
    pub kubernetes: String,
    /// The time that the plan was made for (RFC 3339).
    pub now: Timestamp,
    /// Nothing to do and nothing in the way.
    pub empty: bool,
    /// What the description was held against, with `--base`: `authority` is what changes against that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseReport>,
    /// A change before this one that is recorded and not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<InterruptedReport>,
    pub summary: Summary,
    /// Who gains and loses power, what stops apply first.
    pub authority: Vec<PrivilegeReport>,
    /// Digest of the policy that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// What the policy forbids.
    pub violations: Vec<ViolationReport>,
    /// What stops apply until a person decides.
    pub blocked: Vec<BlockedReport>,
    /// Identities whose files do not belong together.
    pub mixed: Vec<MixedReport>,
    /// In build order.
    pub steps: Vec<StepReport>,
    /// Changes in the lock's head.
    pub lock: Vec<LockReport>,
    /// Changes in how secrets rest: sealed or in the clear.
    pub secrets: SecretsReport,
    /// Certificates that the cluster has yet to sign. No change: they wait.
    pub waiting: Vec<WaitingReport>,
    /// Artifacts whose private key is known and not here.
    pub absent: Vec<String>,
    /// Files and lock lines that the description no longer mentions.
    pub orphans: Vec<String>,
    /// Files under out/ that kpki did not make.
    pub foreign: Vec<String>,
    pub notes: Vec<String>,
    /// What to tell etcd before a manifest reaches its node.
    pub etcd_members: Vec<MembershipReport>,
    /// Pods and services, in the order of their restarts: one node at a time.
    pub restarts: Vec<RestartReport>,
}

/// How many artifacts each action touches.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    pub create: usize,
    pub replace: usize,
    pub rekey: usize,
    pub reissue: usize,
    pub render: usize,
    pub repair: usize,
    pub record: usize,
    /// Waiting for a decision.
    pub blocked: usize,
    pub unchanged: usize,
}

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

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MixedReport {
    pub name: String,
    pub path: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LockReport {
    pub field: String,
    pub old: String,
    pub new: String,
}

pub fn plan_report(
    world: World<'_>,
    spec: &Spec,
    plan: &Plan,
    review: &Review,
    description_notes: &[String],
) -> PlanReport {
    let name = |id: DerivationId| world.graph.get(id).name.to_string();
    let count = |action| plan.steps.iter().filter(|step| step.action == action).count();
    let mut notes = description_notes.to_vec();
    notes.extend(remarks::all(world, spec, plan));
    PlanReport {
        format_version: FORMAT_VERSION,
        cluster: spec.cluster.name.to_string(),
        kubernetes: spec.cluster.kubernetes.value.to_string(),
        now: world.now,
        empty: plan.is_empty(),
        base: None,
        interrupted: plan.interruption.as_ref().map(interrupted_report),
        summary: Summary {
            create: count(Action::Create),
            replace: count(Action::Replace),
            rekey: count(Action::Rekey),
            reissue: count(Action::Reissue),
            render: count(Action::Render),
            repair: count(Action::Repair),
            record: count(Action::Record),
            blocked: plan.blocked.len() + plan.key_mismatches.len(),
            unchanged: world.graph.len().saturating_sub(
                plan.steps.len()
                    + plan.waiting.len()
                    + plan.blocked.len()
                    + plan.key_mismatches.len(),
            ),
        },
        authority: review.changes.iter().map(privilege_report).collect(),
        policy: review.policy,
        violations: review.violations.iter().map(violation_report).collect(),
        blocked: plan.blocked.iter().map(|blocked| blocked_report(world, blocked)).collect(),
        mixed: plan.key_mismatches.iter().map(|mixed| mixed_report(world, mixed)).collect(),
        steps: plan.steps.iter().map(|step| step_report(world, step)).collect(),
        lock: plan
            .header
            .iter()
            .map(|change| LockReport {
                field: change.field.to_owned(),
                old: change.old.clone(),
                new: change.new.clone(),
            })
            .collect(),
        secrets: secrets_report(world, spec, plan),
        waiting: waiting_reports(world, &plan.waiting),
        absent: plan.absent.iter().map(|id| name(*id)).collect(),
        orphans: orphans(plan),
        foreign: plan.foreign.iter().map(|path| format!("out/{path}")).collect(),
        notes,
        etcd_members: membership(plan),
        restarts: restarts(plan),
    }
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

pub(super) fn mixed_report(world: World<'_>, mixed: &KeyMismatch) -> MixedReport {
    MixedReport { name: world.graph.get(mixed.derivation).name.to_string(), path: out(&mixed.path) }
}

impl MixedReport {
    pub(super) fn entry(&self, guess: &str) -> Entry {
        let why = format!("{} has another key than cluster.lock says{guess}", self.path);
        Entry::decision(&self.name, why, None)
    }
}

impl BlockedReport {
    pub(super) fn entry(&self) -> Entry {
        Entry::decision(&self.name, self.why.clone(), self.allow.as_deref())
    }
}

pub(super) fn orphans(plan: &Plan) -> Vec<String> {
    let text = |orphan: &Orphan| match orphan {
        Orphan::File { path, .. } => out(path),
        Orphan::Line(name) => format!("cluster.lock: {name}"),
    };
    plan.orphans.iter().map(text).collect()
}

fn step_report(world: World<'_>, step: &Step) -> StepReport {
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

impl PlanReport {
    /// What waits now that the plan was carried out.
    pub fn update_waiting(&mut self, world: World<'_>, plan: &Plan) {
        self.waiting = waiting_reports(world, &plan.waiting);
    }
}
