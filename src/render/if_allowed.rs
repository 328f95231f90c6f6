//! What would follow if what a plan lacks were allowed: nobody consents to what is not shown.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::ChangeRow;
use super::entries::{markdown, powers, prose, rows};
use super::families;
use super::follow_up::{MembershipReport, RestartReport, membership, restart_lines, restarts};
use super::privilege::{PrivilegeReport, privilege_report, privilege_text};
use super::step::{BlockedReport, ReasonReport, StepReport, blocked_report, step_report};
use super::step_rows::{REASONS, counts_in_words, step_row};
use super::style::{STRONG, paint};
use super::text::paragraph;
use crate::engine::{Consequences, lacking};
use crate::plan::{Action, Plan, World};
use crate::review::Review;

/// Beside what the plan does anyway.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct IfAllowedReport {
    /// All that `--allow` must be given, with what the steps below need in turn.
    pub allow: Vec<String>,
    /// What is done besides, or in another way, in build order.
    pub steps: Vec<StepReport>,
    /// Who gains and loses power besides.
    pub authority: Vec<PrivilegeReport>,
    /// What is in the way even then: no `--allow` helps.
    pub blocked: Vec<BlockedReport>,
    /// What to tell etcd then, before a manifest reaches its node.
    pub etcd_members: Vec<MembershipReport>,
    /// All that restarts then, in its order.
    pub restarts: Vec<RestartReport>,
}

pub(super) fn if_allowed_report(
    world: World<'_>,
    (plan, review): (&Plan, &Review),
    foreseen: &Consequences,
) -> IfAllowedReport {
    let steps = foreseen.plan.steps.iter().filter(|step| {
        // What this machine has not seen yet stands beside it, in the plan itself.
        !step.is_of_this_machine() && !plan.steps.contains(step)
    });
    let changes = foreseen.review.changes.iter().filter(|change| {
        let known = |told: &&crate::review::ReviewedChange| {
            (&told.principal, &told.access) == (&change.principal, &change.access)
        };
        !review.changes.iter().any(|told| known(&told))
    });
    let blocked = foreseen.plan.blocked.iter().filter(|blocked| !plan.blocked.contains(blocked));
    IfAllowedReport {
        allow: lacking(review, Some(foreseen)).iter().map(ToString::to_string).collect(),
        steps: steps.map(|step| step_report(world, step)).collect(),
        authority: changes.map(privilege_report).collect(),
        blocked: blocked.map(|blocked| blocked_report(world, blocked)).collect(),
        etcd_members: besides(membership(&foreseen.plan), &membership(plan)),
        restarts: besides(restarts(&foreseen.plan), &restarts(plan)),
    }
}

/// All of them, unless they are those of the plan itself.
fn besides<T: PartialEq>(then: Vec<T>, now: &[T]) -> Vec<T> {
    if then == now { Vec::new() } else { then }
}

impl IfAllowedReport {
    fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.authority.is_empty()
            && self.blocked.is_empty()
            && self.etcd_members.is_empty()
            && self.restarts.is_empty()
    }

    /// `1 to REPLACE, 22 to reissue`
    fn totals(&self) -> String {
        let count = |action| self.steps.iter().filter(|step| step.action == action).count();
        let counts = Action::ALL.map(|action| (count(action), action));
        match counts_in_words(&counts, false).as_slice() {
            [] => "this follows".to_owned(),
            parts => parts.join(", "),
        }
    }

    pub(super) fn title(&self) -> String {
        format!("if allowed: {}", self.totals())
    }

    /// What follows one of them needs no reason.
    fn rows(&self) -> Vec<ChangeRow> {
        let row = |step: &StepReport| {
            let row = step_row(step, REASONS, false);
            let follows = |reason: &ReasonReport| reason.code == "dependency-rebuilt";
            let why = if step.reasons.iter().all(follows) { String::new() } else { row.why };
            ChangeRow { why, ..row }
        };
        self.steps.iter().map(row).collect()
    }

    fn follow_up(&self) -> Vec<String> {
        let members = self.etcd_members.iter().map(|change| &change.command);
        let restarts = restart_lines(&self.restarts);
        let restarts = restarts.into_iter().map(|line| format!("restarts {line}"));
        members.map(|command| format!("first {command}")).chain(restarts).collect()
    }

    /// `all`: none of many that are alike is left out.
    pub(super) fn text(&self, columns: usize, all: bool) -> String {
        if self.is_empty() {
            return String::new();
        }
        let mut text = format!("{}\n", paint(STRONG, &self.title()));
        text.push_str(&families::table(self.rows(), all, "  ", columns));
        for line in self.follow_up() {
            text.push_str(&paragraph("  ", 4, &line, columns));
        }
        let gains = privilege_text(&self.authority, columns);
        let decisions = self.blocked.iter().map(|blocked| blocked.entry().text(columns));
        let _ = writeln!(text, "\n{gains}{}", decisions.collect::<String>());
        text.truncate(text.trim_end().len());
        text + "\n\n"
    }

    /// Of the section's entries, changes that are alike are one.
    pub(super) fn markdown(&self) -> Vec<String> {
        let mut entries = rows(families::cells(self.rows(), false));
        entries.extend(prose(&self.follow_up()));
        // What asks for consent stands open.
        entries.extend(powers(self.authority.iter().filter(|change| !change.stops())));
        entries.extend(markdown(self.blocked.iter().map(BlockedReport::entry)));
        entries
    }
}
