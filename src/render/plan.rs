//! A plan as a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::base::BaseReport;
use super::entry::Entry;
use super::follow_up::{MembershipReport, RestartReport, membership, restarts};
use super::if_allowed::{IfAllowedReport, if_allowed_report};
use super::interruption::{InterruptedReport, interrupted_report};
use super::leavers::{LeaverReport, leavers};
use super::privilege::{PrivilegeReport, ViolationReport, privilege_report, violation_report};
use super::rejoin::{RejoinReport, rejoin_report};
use super::remarks;
use super::report::FORMAT_VERSION;
use super::rotation::{RotationReport, rotations};
use super::secrets::{SecretsReport, secrets_report};
use super::step::{BlockedReport, StepReport, blocked_report, step_report};
use super::text::out;
use super::turns::{TurnsReport, turns_report};
use super::waiting::{WaitingReport, waiting_reports};
use crate::engine::Consequences;
use crate::graph::DerivationId;
use crate::hash::Digest;
use crate::plan::{Action, KeyMismatch, Orphan, Plan, World};
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
    /// What would follow if it were allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_allowed: Option<IfAllowedReport>,
    /// Identities whose files do not belong together.
    pub mixed: Vec<MixedReport>,
    /// In build order.
    pub steps: Vec<StepReport>,
    /// Changes that are left out of `steps`, where it was asked about some artifacts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<usize>,
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
    /// Users who lose roles that only the cluster can take away.
    #[serde(default)]
    pub leavers: Vec<LeaverReport>,
    /// What to tell etcd before a manifest reaches its node.
    pub etcd_members: Vec<MembershipReport>,
    /// How members of etcd whose data is gone join again, with `--rejoin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejoin: Option<RejoinReport>,
    /// What is due and waits for its turn: no change of this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<TurnsReport>,
    /// Pods and services, in the order of their restarts: one node at a time.
    pub restarts: Vec<RestartReport>,
    /// Roots of trust whose key pairs change, and what must hold for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotations: Vec<RotationReport>,
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
    foreseen: Option<&Consequences>,
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
                    + plan.turns.as_ref().map_or(0, |turns| turns.waiting.len())
                    + plan.waiting.len()
                    + plan.blocked.len()
                    + plan.key_mismatches.len(),
            ),
        },
        authority: review.changes.iter().map(privilege_report).collect(),
        policy: review.policy,
        violations: review.violations.iter().map(violation_report).collect(),
        blocked: plan.blocked.iter().map(|blocked| blocked_report(world, blocked)).collect(),
        if_allowed: foreseen.map(|then| if_allowed_report(world, (plan, review), then)),
        mixed: plan.key_mismatches.iter().map(|mixed| mixed_report(world, mixed)).collect(),
        steps: plan.steps.iter().map(|step| step_report(world, step)).collect(),
        others: None,
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
        leavers: leavers(world, plan),
        etcd_members: membership(plan),
        rejoin: rejoin_report(plan),
        turns: turns_report(world, plan),
        restarts: restarts(plan),
        rotations: rotations(world, spec, plan),
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

pub(super) fn orphans(plan: &Plan) -> Vec<String> {
    let text = |orphan: &Orphan| match orphan {
        Orphan::File { path, .. } => out(path),
        Orphan::Line(name) => format!("cluster.lock: {name}"),
    };
    plan.orphans.iter().map(text).collect()
}

impl PlanReport {
    /// What waits now that the plan was carried out.
    pub fn update_waiting(&mut self, world: World<'_>, plan: &Plan) {
        self.waiting = waiting_reports(world, &plan.waiting);
    }
}
