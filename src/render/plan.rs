//! A plan as a report.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::Table;
use super::{FORMAT_VERSION, json};
use crate::graph::DerivationId;
use crate::plan::{Action, Note, Orphan, Plan, Reason, Step, World};
use crate::spec::Spec;

/// What `kpki plan --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlanReport {
    /// Version of this format.
    pub format_version: u32,
    pub cluster: String,
    /// The resolved Kubernetes version.
    pub kubernetes: String,
    /// The time that the plan was made for (RFC 3339).
    pub now: String,
    /// Nothing to do and nothing in the way.
    pub empty: bool,
    pub summary: Summary,
    /// What stops apply until a person decides.
    pub blocked: Vec<BlockedReport>,
    /// Identities whose files do not belong together.
    pub mixed: Vec<MixedReport>,
    /// In build order.
    pub steps: Vec<StepReport>,
    /// Changes in the lock's head.
    pub lock: Vec<LockReport>,
    /// Artifacts whose private key is known and not here.
    pub absent: Vec<String>,
    /// Files and lock lines that the description no longer mentions.
    pub orphans: Vec<String>,
    /// Files under out/ that kpki did not make.
    pub foreign: Vec<String>,
    pub notes: Vec<String>,
}

/// How many artifacts each action touches.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    pub create: usize,
    pub replace: usize,
    pub rekey: usize,
    pub reissue: usize,
    pub render: usize,
    pub repair: usize,
    pub record: usize,
    pub unchanged: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    pub name: String,
    /// Certificate, kubeconfig and so on.
    pub kind: String,
    /// create, replace, rekey, reissue, render, repair or record.
    pub action: String,
    pub reasons: Vec<ReasonReport>,
    /// Files to be written.
    pub writes: Vec<String>,
    /// Files whose mode is mended.
    pub modes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
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

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BlockedReport {
    pub name: String,
    pub why: String,
    /// What `--allow` takes, where it helps.
    pub allow: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MixedReport {
    pub name: String,
    pub path: String,
}

#[derive(Debug, Serialize, JsonSchema)]
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
    description_notes: &[String],
) -> PlanReport {
    let name = |id: DerivationId| world.graph.get(id).name.to_string();
    let count = |action| {
        plan.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    };
    let out = |path: &crate::name::TreePath| format!("out/{path}");
    let mut notes = description_notes.to_vec();
    notes.extend(plan.notes.iter().map(|note| match note {
        Note::Clamped { derivation, until } => format!(
            "{} would outlive its CA and ends with it on {}",
            name(*derivation),
            until.date()
        ),
        Note::BroughtExpiring { derivation, until } => format!(
            "{} was brought and ends on {}; bring a renewed one in time",
            name(*derivation),
            until.date()
        ),
        Note::Unusable { path, what } => format!("out/{path} {what}"),
    }));
    PlanReport {
        format_version: FORMAT_VERSION,
        cluster: spec.cluster.name.to_string(),
        kubernetes: spec.cluster.kubernetes.value.to_string(),
        now: world.now.to_string(),
        empty: plan.is_empty(),
        summary: Summary {
            create: count(Action::Create),
            replace: count(Action::Replace),
            rekey: count(Action::Rekey),
            reissue: count(Action::Reissue),
            render: count(Action::Render),
            repair: count(Action::Repair),
            record: count(Action::Record),
            unchanged: world.graph.len().saturating_sub(plan.steps.len()),
        },
        blocked: plan
            .blocked
            .iter()
            .map(|blocked| BlockedReport {
                name: name(blocked.derivation),
                why: blocked.why.clone(),
                allow: blocked.allow.as_ref().map(ToString::to_string),
            })
            .collect(),
        mixed: plan
            .mixed
            .iter()
            .map(|mixed| MixedReport {
                name: name(mixed.derivation),
                path: out(&mixed.path),
            })
            .collect(),
        steps: plan
            .steps
            .iter()
            .map(|step| step_report(world, step))
            .collect(),
        lock: plan
            .header
            .iter()
            .map(|change| LockReport {
                field: change.field.to_owned(),
                old: change.old.clone(),
                new: change.new.clone(),
            })
            .collect(),
        absent: plan.absent.iter().map(|id| name(*id)).collect(),
        orphans: plan
            .orphans
            .iter()
            .map(|orphan| match orphan {
                Orphan::File { path, .. } => out(path),
                Orphan::Line(name) => format!("cluster.lock: {name}"),
            })
            .collect(),
        foreign: plan
            .foreign
            .iter()
            .map(|path| format!("out/{path}"))
            .collect(),
        notes,
    }
}

fn step_report(world: World<'_>, step: &Step) -> StepReport {
    let derivation = world.graph.get(step.derivation);
    StepReport {
        name: derivation.name.to_string(),
        kind: derivation.recipe.kind().to_owned(),
        action: word(step.action).to_owned(),
        reasons: step.reasons.iter().map(reason_report).collect(),
        writes: step
            .writes
            .iter()
            .map(|path| format!("out/{path}"))
            .collect(),
        modes: step
            .modes
            .iter()
            .map(|path| format!("out/{path}"))
            .collect(),
    }
}

fn reason_report(reason: &Reason) -> ReasonReport {
    let (field, old, new) = match reason {
        Reason::InputChanged { field, old, new } => (
            Some((*field).to_owned()),
            Some(old.clone()),
            Some(new.clone()),
        ),
        _ => (None, None, None),
    };
    ReasonReport {
        code: reason.code().to_owned(),
        text: reason.to_string(),
        field,
        old,
        new,
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Replace => "replace",
        Action::Rekey => "rekey",
        Action::Reissue => "reissue",
        Action::Render => "render",
        Action::Repair => "repair",
        Action::Record => "record",
    }
}

/// The sign before a line: what a reviewer looks for first.
fn sign(action: &str) -> &'static str {
    match action {
        "create" => "+",
        "replace" | "rekey" => "!",
        "record" | "repair" => "=",
        _ => "~",
    }
}

impl PlanReport {
    pub fn json(&self) -> String {
        json(self)
    }

    /// For people: what needs a decision first, one line a changed artifact, the next command last.
    pub fn text(&self) -> String {
        let mut text = self.decisions();
        text.push_str(&self.changes());
        text.push_str(&self.remarks());
        let _ = writeln!(text, "{}", self.totals());
        let next = if !self.mixed.is_empty() {
            "next: check out one side of cluster.lock and out/ together"
        } else if !self.blocked.is_empty() {
            "next: decide the above; apply refuses until then"
        } else if self.empty {
            return text;
        } else {
            "next: kpki apply"
        };
        let _ = writeln!(text, "{next}");
        text
    }

    /// After an apply: what was done.
    pub fn applied_text(&self, pruned: bool) -> String {
        let mut text = self.changes();
        text.push_str(&self.remarks());
        if pruned {
            let _ = writeln!(text, "deleted what the description no longer mentions");
        }
        let _ = writeln!(text, "{}", self.totals());
        if !self.empty {
            let _ = writeln!(text, "applied; out/ and cluster.lock are up to date");
        }
        text
    }

    /// What stands in the way.
    pub fn decisions(&self) -> String {
        let mut text = String::new();
        for blocked in &self.blocked {
            let _ = writeln!(text, "x {}: {}", blocked.name, blocked.why);
            if let Some(allow) = &blocked.allow {
                let _ = writeln!(text, "    only with --allow {allow}");
            }
        }
        for mixed in &self.mixed {
            let _ = writeln!(
                text,
                "x {}: {} has another key than cluster.lock says (a bad merge?)",
                mixed.name, mixed.path
            );
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn changes(&self) -> String {
        let mut table = Table::new();
        for change in &self.lock {
            let old = if change.old.is_empty() { "" } else { " -> " };
            table.row([
                "~ cluster.lock".to_owned(),
                "record".to_owned(),
                format!("{}: {}{old}{}", change.field, change.old, change.new),
            ]);
        }
        for step in &self.steps {
            let mut reasons: Vec<&str> = step
                .reasons
                .iter()
                .map(|reason| reason.text.as_str())
                .collect();
            let more = reasons.len().saturating_sub(3);
            reasons.truncate(3);
            let mut reason = reasons.join("; ");
            if more > 0 {
                let _ = write!(reason, "; and {more} more");
            }
            table.row([
                format!("{} {}", sign(&step.action), step.name),
                step.action.clone(),
                reason,
            ]);
        }
        let mut text = table.render("");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn remarks(&self) -> String {
        let mut text = String::new();
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        let some = |names: &[String]| {
            let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            let more = if names.len() > 3 { ", ..." } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        if !self.absent.is_empty() {
            let _ = writeln!(
                text,
                "{} known, not here: {}",
                counted(self.absent.len(), "private key"),
                some(&self.absent)
            );
        }
        if !self.orphans.is_empty() {
            let _ = writeln!(
                text,
                "{} no longer described: {} (kpki apply --prune deletes)",
                counted(self.orphans.len(), "orphan"),
                some(&self.orphans)
            );
        }
        if !self.foreign.is_empty() {
            let _ = writeln!(
                text,
                "{} under out/ that kpki did not make: {}",
                counted(self.foreign.len(), "file"),
                some(&self.foreign)
            );
        }
        text
    }

    fn totals(&self) -> String {
        let summary = &self.summary;
        let parts: Vec<String> = [
            (summary.create, "to create"),
            (summary.replace, "to REPLACE"),
            (summary.rekey, "to get a new key"),
            (summary.reissue, "to reissue"),
            (summary.render, "to render"),
            (summary.repair, "to repair"),
            (summary.record, "to record"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if parts.is_empty() {
            format!(
                "nothing to do: {} up to date",
                counted(summary.unchanged, "artifact")
            )
        } else {
            format!("{}, {} unchanged", parts.join(", "), summary.unchanged)
        }
    }
}

/// `1 orphan`, `2 orphans`
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
