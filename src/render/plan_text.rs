//! A plan as text: what needs a decision first, one line a changed artifact, the next command last.

use crate::shell;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::action::{ChangeRow, in_words};
use super::follow_up::follow_up_text;
use super::interruption::InterruptedReport;
use super::left_over::left_over;
use super::plan::{BlockedReport, PlanReport, StepReport};
use super::privilege::{PrivilegeReport, privilege_text, violations_text};
use super::report::Report;
use super::style::{DANGER, MINOR, STRONG, paint};
use super::text::{Table, counted, harmless, paragraph};
use super::waiting::waiting_text;
use crate::first_few;
use crate::plan::Action;

/// Reasons that one line has room for.
const REASONS: usize = 3;
/// Decisions that a person can take in at once.
const DECISIONS: usize = 20;

impl Report for PlanReport {
    fn text(&self, columns: usize) -> String {
        let base = self.base.as_ref();
        let mut text = base.map_or_else(String::new, |base| base.text(columns));
        text.push_str(&self.objections(columns));
        text.push_str(&self.changes(columns, false));
        text.push_str(&self.remarks(&self.orphans, columns));
        let _ = writeln!(text, "{}", self.totals(false));
        text.push_str(&self.secrets.exposure.text(columns));
        text.push_str(&self.old_certificates(columns));
        text.push_str(&waiting_text(&self.waiting, columns));
        text.push_str(&self.follow_up(columns));
        if let Some(next) = self.next() {
            let _ = writeln!(text, "{STRONG}next:{STRONG:#} {next}");
        }
        text
    }
}

/// A plan that was carried out.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct AppliedReport<'a> {
    pub plan: &'a PlanReport,
    /// Orphans were deleted, too.
    #[serde(skip)]
    pub pruned: bool,
}

impl Report for AppliedReport<'_> {
    fn text(&self, columns: usize) -> String {
        let AppliedReport { plan, pruned } = *self;
        let mut text = plan.changes(columns, true);
        text.push_str(&plan.remarks(if pruned { &[] } else { &plan.orphans }, columns));
        if pruned {
            text.push_str("deleted what the description no longer mentions:\n");
            for orphan in &plan.orphans {
                let _ = writeln!(text, "  {}", harmless(orphan));
            }
        }
        let _ = writeln!(text, "{}", plan.totals(true));
        text.push_str(&plan.secrets.exposure.text(columns));
        text.push_str(&plan.old_certificates(columns));
        text.push_str(&plan.follow_up(columns));
        if !plan.empty {
            let _ = writeln!(text, "applied; out/ and cluster.lock are up to date");
        }
        text.push_str(&waiting_text(&plan.waiting, columns));
        text
    }
}

impl PlanReport {
    /// What a reviewer reads first: power, then what stands in the way otherwise.
    pub fn objections(&self, columns: usize) -> String {
        let interrupted = self.interrupted.as_ref();
        let mut text =
            interrupted.map_or_else(String::new, |report| report.entry().text(columns) + "\n");
        text.push_str(&violations_text(&self.violations, columns));
        text.push_str(&privilege_text(&self.authority, columns));
        text.push_str(&self.decisions(columns));
        text
    }

    /// Apply does not go on before a person decides.
    pub fn stops(&self) -> bool {
        let interrupted = self.interrupted.as_ref().is_some_and(|report| report.stops);
        interrupted
            || !(self.blocked.is_empty() && self.mixed.is_empty() && self.violations.is_empty())
            || self.authority.iter().any(PrivilegeReport::stops)
    }

    /// What a person does now.
    fn next(&self) -> Option<String> {
        if let Some(base) = self.base.as_ref().filter(|base| base.hides()) {
            return Some(base.restore());
        }
        if let Some(next) = self.interrupted.as_ref().and_then(InterruptedReport::next) {
            return Some(next);
        }
        if !self.mixed.is_empty() {
            return Some("check out one side of cluster.lock and out/ together".into());
        }
        if !self.blocked.is_empty() {
            return Some("decide the above; apply refuses until then".into());
        }
        if !self.violations.is_empty() {
            return Some("change what the policy forbids; apply refuses until then".into());
        }
        let missing = self.authority.iter().filter(|change| change.stops());
        let allows: BTreeSet<&str> = missing.filter_map(|change| change.allow.as_deref()).collect();
        match allows.len() {
            0 if self.empty => None,
            0 => Some("kpki apply".into()),
            1 => allows.first().map(|allow| {
                format!("if this is wanted, kpki apply --allow {}", shell::quoted(allow))
            }),
            _ => Some("if all of this is wanted, kpki apply with each --allow above".into()),
        }
    }

    /// What stands in the way.
    pub fn decisions(&self, columns: usize) -> String {
        let mixed = self.mixed.iter().take(DECISIONS).map(|mixed| mixed.entry(" (a bad merge?)"));
        let blocked = self.blocked.iter().take(DECISIONS).map(BlockedReport::entry);
        let mut text: String = mixed.chain(blocked).map(|entry| entry.text(columns)).collect();
        let hidden = self.mixed.len().saturating_sub(DECISIONS)
            + self.blocked.len().saturating_sub(DECISIONS);
        if hidden > 0 {
            let _ = writeln!(text, "{} {hidden} more", paint(DANGER, "x"));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn changes(&self, columns: usize, done: bool) -> String {
        let mut table = Table::new();
        for row in self.change_rows(REASONS, done) {
            table.row(row.cells());
        }
        let mut text = table.render("", columns);
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// Name, action and at most so many reasons.
    pub(super) fn change_rows(&self, most: usize, done: bool) -> Vec<ChangeRow> {
        let mut rows = Vec::new();
        let lock: Vec<String> = self
            .lock
            .iter()
            .map(|change| {
                let old = if change.old.is_empty() { "" } else { " -> " };
                format!("{}: {}{old}{}", change.field, change.old, change.new)
            })
            .collect();
        // Destructive ones first; else in build order, which keeps a node's artifacts together.
        let (worst, others): (Vec<&StepReport>, _) = (self.steps.iter())
            .partition(|step| matches!(step.action, Action::Replace | Action::Rekey));
        for step in worst.into_iter().chain(others) {
            let words = in_words(step.action);
            let reasons = step.reasons.iter().map(|reason| &reason.text);
            let reason = first_few::at_most(most, reasons).join("; ");
            rows.push(ChangeRow {
                name: format!("{} {}", words.sign, step.name),
                action: if done { words.done } else { words.planned },
                style: words.style,
                why: reason,
                // A root of trust that goes.
                is_final: step.action == Action::Replace,
            });
        }
        rows.extend(self.secrets.rows(done));
        if !lock.is_empty() {
            rows.push(ChangeRow {
                name: "= cluster.lock".to_owned(),
                action: if done { "recorded" } else { "record" },
                style: MINOR,
                why: lock.join("; "),
                is_final: false,
            });
        }
        rows
    }

    fn remarks(&self, orphans: &[String], columns: usize) -> String {
        let mut text = String::new();
        for note in &self.notes {
            text.push_str(&paragraph("", 2, &harmless(&format!("note: {note}")), columns));
        }
        let [absent, orphans, foreign] = left_over(&self.absent, orphans, &self.foreign);
        text.push_str(&absent.text(columns));
        // What `--prune` would delete, to the last file.
        text.push_str(&orphans.text_of_all(columns));
        text.push_str(&foreign.text(columns));
        text
    }

    fn follow_up(&self, columns: usize) -> String {
        follow_up_text(&self.etcd_members, &self.restarts, columns)
    }

    fn old_certificates(&self, columns: usize) -> String {
        self.old_certificates_stay()
            .map_or_else(String::new, |text| paragraph("", 2, &text, columns))
    }

    pub(super) fn old_certificates_stay(&self) -> Option<String> {
        let until = self.steps.iter().filter_map(|step| step.old_certificate_until);
        let last = until.clone().max()?.date();
        Some(if until.count() == 1 {
            format!("the old certificate stays valid until {last}: nothing can revoke it")
        } else {
            format!("the old certificates stay valid until {last} at most: nothing can revoke them")
        })
    }

    pub(super) fn totals(&self, done: bool) -> String {
        let summary = &self.summary;
        let counts = [
            (summary.create, Action::Create),
            (summary.replace, Action::Replace),
            (summary.rekey, Action::Rekey),
            (summary.reissue, Action::Reissue),
            (summary.render, Action::Render),
            (summary.repair, Action::Repair),
            (summary.record, Action::Record),
        ];
        let mut parts: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, action)| {
                let words = in_words(action);
                format!("{count} {}", if done { words.all_done } else { words.all_planned })
            })
            .collect();
        parts.extend(self.secrets.totals(done));
        if parts.is_empty() && self.empty {
            return format!("nothing to do: {} up to date", counted(summary.unchanged, "artifact"));
        }
        if summary.blocked > 0 {
            parts.push(format!("{} to decide", summary.blocked));
        }
        parts.push(format!("{} unchanged", summary.unchanged));
        parts.join(", ")
    }
}
