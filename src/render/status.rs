//! Every certificate by expiry, and what is wrong with the files, as a report.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::expiry::{LifeReport, State, lives};
use super::exposure::{ExposureReport, exposure_report};
use super::plan::orphans;
use super::remarks;
use super::report::FORMAT_VERSION;
use super::rotating::{RotatingReport, rotating};
use super::text::out;
use super::turns::{TurnsReport, turns_report, waits_in_words};
use super::waiting::{WaitingReport, waiting_reports};
use crate::graph::DerivationId;
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::{Change, Plan, Reason, World};
use crate::spec::Spec;
use crate::time::{Span, Timestamp};

/// What `kpki status --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StatusReport<'a> {
    /// Version of this format.
    pub format_version: u32,
    pub cluster: String,
    /// The time that the status is of (RFC 3339).
    pub now: Timestamp,
    /// What needs attention, the worst first.
    pub attention: Vec<AttentionReport>,
    /// Certificates that the cluster has yet to sign.
    pub waiting: Vec<WaitingReport>,
    /// Whose certificates `kpki apply` renews first, and which are due and wait for their turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<TurnsReport>,
    /// Roots of trust with several key pairs.
    pub rotations: Vec<RotatingReport>,
    /// By expiry, the soonest first.
    pub certificates: Vec<LifeReport<'a>>,
    /// When the first certificate comes up for renewal (RFC 3339).
    pub next_renewal: Option<Timestamp>,
    /// Artifacts that the description asks for and `kpki apply` would make or change.
    pub changes: usize,
    /// Whether `kpki apply` has something to do.
    pub apply: bool,
    #[serde(flatten)]
    pub exposure: ExposureReport,
    /// Artifacts whose private key is known and not here.
    pub absent: Vec<String>,
    /// Files and lock lines that the description no longer mentions.
    pub orphans: Vec<String>,
    /// Files under out/ that kpki did not make.
    pub foreign: Vec<String>,
    /// What always holds and should be known.
    pub notes: Vec<String>,
    /// Certificates that were asked to be left out.
    #[serde(skip)]
    pub(super) hidden: usize,
    /// The key of the first root of trust: no two clusters have one.
    #[serde(skip)]
    pub(super) root: Option<Digest>,
    /// Dates are written in the description.
    #[serde(skip)]
    pub(super) is_reproducible: bool,
}

/// What is wrong. The order is that of a person whose cluster is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    Expired,
    /// Valid only later: a wrong clock, here or where it was issued.
    NotYetValid,
    Mixed,
    Blocked,
    Exposed,
    /// A secret lies in the clear that is to be sealed.
    InTheClear,
    /// A file is missing, modified or unreadable.
    Drift,
    Expiring,
    Other,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AttentionReport {
    pub code: Trouble,
    /// The artifact, where there is one.
    pub name: Option<String>,
    pub text: String,
}

pub fn status_report<'a>(world: World<'a>, spec: &Spec, plan: &Plan) -> StatusReport<'a> {
    let name = |id: DerivationId| world.graph.get(id).name.to_string();
    let turns = turns_report(world, plan);
    let waiting = turns.as_ref().map(TurnsReport::names).unwrap_or_default();
    let first = turns.as_ref().map_or(&[][..], |turns| &turns.now);
    let mut lives = lives(world, plan);
    let mut attention: Vec<AttentionReport> =
        lives.iter().filter_map(|life| trouble(life, &waiting, first)).collect();
    // A brought CA is nothing that kpki renews.
    let renewals = lives.iter().filter(|life| !life.is_brought);
    let next_renewal = renewals.filter_map(|life| life.renewal).min();
    lives.sort_by_key(|life| (life.expires, life.name));
    attention.extend(standing_in_the_way(world, plan));
    attention.extend(plan.steps.iter().flat_map(|step| {
        step.reasons.iter().filter_map(|reason| {
            Some(AttentionReport {
                code: drift(reason)?,
                name: Some(name(step.derivation)),
                text: reason.to_string(),
            })
        })
    }));
    attention.extend(plan.seals.iter().filter_map(|seal| {
        let clear = matches!(seal.change, Change::Seal | Change::RemoveTwin);
        clear.then(|| AttentionReport {
            code: Trouble::InTheClear,
            name: Some(name(seal.derivation)),
            text: out(&seal.path),
        })
    }));
    attention.extend(plan.notes.iter().filter_map(|note| match note {
        note if remarks::is_counted(note) => None,
        note => Some(AttentionReport {
            code: Trouble::Other,
            name: None,
            text: remarks::text(world, note),
        }),
    }));
    // Stable: within one kind of trouble the order of building stays.
    attention.sort_by_key(|trouble| trouble.code);
    StatusReport {
        format_version: FORMAT_VERSION,
        cluster: spec.cluster.name.to_string(),
        now: world.now,
        attention,
        waiting: waiting_reports(world, &plan.waiting),
        turns,
        rotations: rotating(world),
        certificates: lives,
        next_renewal,
        changes: changed(plan),
        apply: !plan.is_empty(),
        exposure: exposure_report(world.graph, plan),
        absent: plan.absent.iter().map(|id| name(*id)).collect(),
        orphans: orphans(plan),
        foreign: plan.foreign.iter().map(|path| format!("out/{path}")).collect(),
        notes: remarks::seed(world, spec, plan),
        hidden: 0,
        root: root(world),
        is_reproducible: spec.reproducible.is_some(),
    }
}

/// `first`: the nodes before which those of `waiting` are not renewed.
fn trouble(
    life: &LifeReport<'_>,
    waiting: &BTreeSet<&ArtifactName>,
    first: &[String],
) -> Option<AttentionReport> {
    let code = match life.state {
        State::Expired => Trouble::Expired,
        State::NotYetValid => Trouble::NotYetValid,
        State::Expiring => Trouble::Expiring,
        State::Valid => return None,
    };
    let left = life.left.clone();
    Some(AttentionReport {
        code,
        name: Some(life.name.to_string()),
        text: match code {
            Trouble::Expiring => {
                let waits =
                    waiting.contains(life.name).then(|| format!("; {}", waits_in_words(first)));
                let waits = waits.unwrap_or_default();
                format!("expires {}, in {left}{waits}", life.expires.date())
            }
            _ => left,
        },
    })
}

fn root(world: World<'_>) -> Option<Digest> {
    world.graph.ids().find_map(|id| {
        let key = world.survey.public_part(id).public_key()?;
        world.graph.get(id).recipe.is_anchor().then(|| key.digest())
    })
}

impl StatusReport<'_> {
    pub fn needs_attention(&self) -> bool {
        !self.attention.is_empty()
    }

    /// Something has expired, or does within this span; what cannot be renewed here counts, too.
    pub fn ends_within(&self, span: Span) -> bool {
        let last = self.now.plus(span);
        self.certificates.iter().any(|life| life.expires <= last)
    }
}

/// Artifacts that apply would make, change, or keep in another form.
fn changed(plan: &Plan) -> usize {
    let steps = plan
        .steps
        .iter()
        .filter(|step| step.reasons.iter().any(is_change))
        .map(|step| step.derivation);
    let seals = plan.seals.iter().map(|seal| seal.derivation);
    steps.chain(seals).collect::<BTreeSet<_>>().len()
}

fn standing_in_the_way(world: World<'_>, plan: &Plan) -> Vec<AttentionReport> {
    let name = |id: DerivationId| Some(world.graph.get(id).name.to_string());
    let mixed = plan.key_mismatches.iter().map(|mixed| AttentionReport {
        code: Trouble::Mixed,
        name: name(mixed.derivation),
        text: format!("out/{} has another key than cluster.lock says", mixed.path),
    });
    let blocked = plan.blocked.iter().map(|blocked| AttentionReport {
        code: Trouble::Blocked,
        name: name(blocked.derivation),
        text: blocked.why.clone(),
    });
    mixed.chain(blocked).collect()
}

/// Files that are not as they were built.
fn drift(reason: &Reason) -> Option<Trouble> {
    match reason {
        Reason::Exposed { .. } => Some(Trouble::Exposed),
        Reason::OutputMissing { .. }
        | Reason::OutputModified { .. }
        | Reason::OutputUnreadable { .. }
        | Reason::SecretChanged { .. } => Some(Trouble::Drift),
        _ => None,
    }
}

/// What the description wants otherwise: no trouble, but not applied yet.
fn is_change(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::New | Reason::InputChanged { .. } | Reason::NotInLock | Reason::LockOutdated
    )
}
