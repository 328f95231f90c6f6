//! A plan as text: what needs a decision first, one line a changed artifact, the next command last.

use std::fmt::Write as _;

use serde::Serialize;

use super::families::{self, MANY};
use super::follow_up::follow_up_text;
use super::if_allowed::IfAllowedReport;
use super::interruption::InterruptedReport;
use super::leavers::leavers_text;
use super::left_over::left_over;
use super::plan::PlanReport;
use super::privilege::{PrivilegeReport, privilege_text, violations_text};
use super::report::Report;
use super::step::BlockedReport;
use super::step_rows::counts_in_words;
use super::style::STRONG;
use super::text::{counted, harmless, paragraph};
use super::turns::TurnsReport;
use super::waiting::waiting_text;
use crate::plan::Action;
use crate::shell;

/// A plan, and how it goes on from there.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ShownPlan<'a> {
    pub plan: &'a PlanReport,
    /// Every consent that is missing, as `--allow` takes them.
    #[serde(skip)]
    pub lacking: Vec<String>,
    /// The command that carries it out, or with these consents would, as a shell reads it.
    #[serde(skip)]
    pub command: String,
    /// What is said of the file that it was written to.
    #[serde(skip)]
    pub saved: Option<String>,
    /// Nothing is left out.
    #[serde(skip)]
    pub full: bool,
}

impl Report for ShownPlan<'_> {
    fn text(&self, columns: usize) -> String {
        let plan = self.plan;
        let base = plan.base.as_ref();
        let mut text = base.map_or_else(String::new, |base| base.text(columns));
        text.push_str(&plan.objections(columns, self.full));
        text.push_str(&plan.changes(columns, false, self.full));
        if let Some(left_out) = plan.left_out() {
            let _ = writeln!(text, "{left_out}\n");
        }
        text.push_str(&plan.remarks(&plan.orphans, columns));
        let _ = writeln!(text, "{}", plan.totals(false));
        text.push_str(&plan.secrets.exposure.text(columns));
        text.push_str(&plan.old_certificates(columns));
        text.push_str(&waiting_text(&plan.waiting, columns));
        text.push_str(&leavers_text(&plan.leavers, false, columns));
        text.push_str(&plan.follow_up(columns));
        text.push_str(&plan.rotations_text(columns, false, self.full));
        text.push_str(&plan.turns_text(columns));
        if let Some(saved) = &self.saved {
            let _ = writeln!(text, "{saved}");
        }
        if let Some(gains) = plan.gains_above() {
            let _ = writeln!(text, "{gains}");
        }
        match self.next() {
            Next::Nothing => {}
            Next::Do(next) => {
                let _ = writeln!(text, "{STRONG}next:{STRONG:#} {next}");
            }
            // Whole in a line of its own: it is copied.
            Next::Consent(words) => {
                let allows: Vec<String> = (self.lacking.iter())
                    .map(|allow| format!(" --allow {}", shell::quoted(&harmless(allow))))
                    .collect();
                let head = paragraph(
                    &format!("{STRONG}next:{STRONG:#} "),
                    2,
                    &format!("{words}:"),
                    columns,
                );
                let _ = writeln!(text, "{head}  {}{}", self.command, allows.concat());
            }
        }
        text
    }
}

/// What a person does now.
enum Next {
    Nothing,
    Do(String),
    /// The command with each consent, after these words.
    Consent(&'static str),
}

impl ShownPlan<'_> {
    fn next(&self) -> Next {
        let plan = self.plan;
        if let Some(base) = plan.base.as_ref().filter(|base| base.hides()) {
            return Next::Do(base.restore());
        }
        if let Some(next) = plan.interrupted.as_ref().and_then(InterruptedReport::next) {
            return Next::Do(next);
        }
        if !plan.mixed.is_empty() {
            return Next::Do("check out one side of cluster.lock and out/ together".into());
        }
        if plan.blocked.iter().any(|blocked| blocked.allow.is_none()) {
            return Next::Do("decide the above; apply refuses until then".into());
        }
        if !plan.violations.is_empty() {
            return Next::Do("change what the policy forbids; apply refuses until then".into());
        }
        match (self.lacking.len(), plan.blocked.is_empty()) {
            (0, _) if plan.empty || self.saved.is_some() => Next::Nothing,
            (0, _) => Next::Do(self.command.clone()),
            (_, false) if plan.blocked.iter().all(BlockedReport::is_stage) => {
                Next::Consent("if this is wanted, and what comes first holds")
            }
            (_, false) => {
                Next::Consent("put back what is lost or undo the change; to go on all the same")
            }
            (1, true) => Next::Consent("if this is wanted"),
            (_, true) => Next::Consent("if all of this is wanted"),
        }
    }
}

/// A plan that was carried out.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct AppliedReport<'a> {
    pub plan: &'a PlanReport,
    /// A node of a cluster that nothing was made for before.
    #[serde(skip)]
    pub first_node: Option<String>,
    /// Orphans were deleted, too.
    #[serde(skip)]
    pub pruned: bool,
    /// Nothing is left out.
    #[serde(skip)]
    pub full: bool,
}

impl Report for AppliedReport<'_> {
    fn text(&self, columns: usize) -> String {
        let AppliedReport { plan, first_node, pruned, full } = self;
        let (pruned, full) = (*pruned, *full);
        let mut text = plan.changes(columns, true, full);
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
        text.push_str(&leavers_text(&plan.leavers, pruned, columns));
        text.push_str(&plan.follow_up(columns));
        text.push_str(&plan.rotations_text(columns, true, full));
        if plan.did_something() {
            let _ = writeln!(text, "{}", plan.applied());
        }
        text.push_str(&plan.turns_text(columns));
        text.push_str(&waiting_text(&plan.waiting, columns));
        if let Some(node) = first_node {
            let _ = writeln!(
                text,
                "{STRONG}next:{STRONG:#} kpki install {node} --root DIR, or kpki export {node} -o {node}.tar"
            );
        }
        text
    }
}

impl PlanReport {
    /// What a reviewer reads first: power, then what stands in the way otherwise, and what comes after it.
    pub fn objections(&self, columns: usize, full: bool) -> String {
        let interrupted = self.interrupted.as_ref();
        let mut text =
            interrupted.map_or_else(String::new, |report| report.entry().text(columns) + "\n");
        text.push_str(&violations_text(&self.violations, columns));
        text.push_str(&privilege_text(&self.authority, columns));
        text.push_str(&self.decisions(columns));
        let foreseen = self.if_allowed.as_ref();
        text.push_str(
            &foreseen.map_or_else(String::new, |then: &IfAllowedReport| then.text(columns, full)),
        );
        text
    }

    /// Apply does not go on before a person decides.
    pub fn stops(&self) -> bool {
        let interrupted = self.interrupted.as_ref().is_some_and(|report| report.stops);
        interrupted
            || !(self.blocked.is_empty() && self.mixed.is_empty() && self.violations.is_empty())
            || self.authority.iter().any(PrivilegeReport::stops)
    }

    /// So much may stand between them and the end that a reader has not seen them.
    fn gains_above(&self) -> Option<String> {
        let stopping = self.authority.iter().filter(|change| change.stops()).count();
        (stopping > 0).then(|| {
            let stand = if stopping == 1 { "stands" } else { "stand" };
            let others = match self.authority.len() - stopping {
                0 => String::new(),
                1 => ", and 1 change that stops nothing".to_owned(),
                others => format!(", and {others} changes that stop nothing"),
            };
            format!("{} of power {stand} at the top{others}", counted(stopping, "gain"))
        })
    }

    /// What stands in the way: never shortened.
    fn decisions(&self, columns: usize) -> String {
        let mixed = self.mixed.iter().map(|mixed| mixed.entry(" (a bad merge?)"));
        let blocked = self.blocked.iter().map(BlockedReport::entry);
        let mut text: String = mixed.chain(blocked).map(|entry| entry.text(columns)).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn changes(&self, columns: usize, done: bool, full: bool) -> String {
        let rows = self.change_rows(done);
        let all = full || rows.len() <= MANY;
        let mut text = families::table(rows, all, "", columns);
        if !text.is_empty() {
            text.push('\n');
        }
        text
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
        let mut text = follow_up_text(&self.etcd_members, &self.restarts, columns);
        text.extend(self.rejoin.as_ref().map(|rejoin| rejoin.text(columns)));
        text
    }

    fn rotations_text(&self, columns: usize, done: bool, full: bool) -> String {
        self.rotations.iter().map(|rotation| rotation.text(columns, done, full)).collect()
    }

    fn turns_text(&self, columns: usize) -> String {
        self.turns.as_ref().map_or_else(String::new, |turns| turns.text(columns))
    }

    /// What waits for its turn makes a plan, too, though nothing of it was done.
    fn did_something(&self) -> bool {
        let idle = self.steps.is_empty()
            && self.lock.is_empty()
            && self.interrupted.is_none()
            && self.secrets.totals(true).is_empty();
        !(self.empty || self.turns.is_some() && idle)
    }

    fn applied(&self) -> &'static str {
        if self.turns.is_some() {
            "applied; out/ and cluster.lock agree, and what is due elsewhere waits"
        } else {
            "applied; out/ and cluster.lock are up to date"
        }
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
        let mut parts = counts_in_words(&counts, done);
        parts.extend(self.secrets.totals(done));
        if parts.is_empty() && self.empty {
            return format!("nothing to do: {} up to date", counted(summary.unchanged, "artifact"));
        }
        if summary.blocked > 0 {
            parts.push(format!("{} to decide", summary.blocked));
        }
        parts.extend(self.turns.as_ref().map(TurnsReport::total));
        parts.push(format!("{} unchanged", summary.unchanged));
        parts.join(", ")
    }
}
