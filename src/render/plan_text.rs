//! A plan as text: what needs a decision first, one line a changed artifact, the next command last.

use crate::shell;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::Style;

use super::interruption::InterruptedReport;
use super::plan::{BlockedReport, PlanReport, StepReport};
use super::privilege::{privilege_text, violations_text};
use super::style::{CHANGE, DANGER, GOOD, MINOR, STRONG, paint};
use super::text::{Cell, Table, counted, harmless, paragraph, some};
use super::waiting::waiting_text;

/// Reasons that one line has room for.
const REASONS: usize = 3;
/// Decisions that a person can take in at once.
const DECISIONS: usize = 20;

impl PlanReport {
    /// In lines of at most `columns` where that is possible.
    pub fn text(&self, columns: usize) -> String {
        let mut text = self.objections(columns);
        text.push_str(&self.changes(columns, false));
        text.push_str(&self.remarks(&self.orphans, columns));
        let _ = writeln!(text, "{}", self.totals(false));
        text.push_str(&self.secrets.exposure.text(columns));
        text.push_str(&self.old_certificates(columns));
        text.push_str(&waiting_text(&self.waiting, columns));
        text.push_str(&self.orders(columns));
        if let Some(next) = self.next() {
            let _ = writeln!(text, "{STRONG}next:{STRONG:#} {next}");
        }
        text
    }

    /// What a reviewer reads first: power, then what stands in the way otherwise.
    pub fn objections(&self, columns: usize) -> String {
        let interrupted = self.interrupted.as_ref();
        let mut text = interrupted.map_or_else(String::new, |report| report.text(columns));
        text.push_str(&violations_text(&self.violations, columns));
        text.push_str(&privilege_text(&self.authority, columns));
        text.push_str(&self.decisions(columns));
        text
    }

    /// Apply does not go on before a person decides.
    pub fn stops(&self) -> bool {
        let interrupted = self.interrupted.as_ref().is_some_and(|report| report.stops);
        let mut authority = self.authority.iter();
        interrupted
            || !(self.blocked.is_empty() && self.mixed.is_empty() && self.violations.is_empty())
            || authority.any(|change| change.consent == "missing")
    }

    /// What a person does now.
    fn next(&self) -> Option<String> {
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
        let missing = self.authority.iter().filter(|change| change.consent == "missing");
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

    /// After an apply: what was done.
    pub fn applied_text(&self, pruned: bool, columns: usize) -> String {
        let mut text = self.changes(columns, true);
        text.push_str(&self.remarks(if pruned { &[] } else { &self.orphans }, columns));
        if pruned {
            text.push_str("deleted what the description no longer mentions:\n");
            for orphan in &self.orphans {
                let _ = writeln!(text, "  {}", harmless(orphan));
            }
        }
        let _ = writeln!(text, "{}", self.totals(true));
        text.push_str(&self.secrets.exposure.text(columns));
        text.push_str(&self.old_certificates(columns));
        text.push_str(&self.orders(columns));
        if !self.empty {
            let _ = writeln!(text, "applied; out/ and cluster.lock are up to date");
        }
        text.push_str(&waiting_text(&self.waiting, columns));
        text
    }

    /// What stands in the way.
    pub fn decisions(&self, columns: usize) -> String {
        let mut text = String::new();
        for mixed in self.mixed.iter().take(DECISIONS) {
            let why =
                format!("{} has another key than cluster.lock says (a bad merge?)", mixed.path);
            text.push_str(&decision(&mixed.name, &why, None, columns));
        }
        for BlockedReport { name, why, allow } in self.blocked.iter().take(DECISIONS) {
            text.push_str(&decision(name, why, allow.as_deref(), columns));
        }
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
            table.row(row);
        }
        let mut text = table.render("", columns);
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// Name, action and at most so many reasons.
    pub(super) fn change_rows(&self, most: usize, done: bool) -> Vec<[Cell; 3]> {
        let action = |action| if done { past(action) } else { action };
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
        let (worst, others): (Vec<&StepReport>, _) =
            self.steps.iter().partition(|step| sign(&step.action).0 == "!");
        for step in worst.into_iter().chain(others) {
            let (sign, style) = sign(&step.action);
            let mut reasons: Vec<&str> =
                step.reasons.iter().map(|reason| reason.text.as_str()).collect();
            let more = reasons.len().saturating_sub(most);
            reasons.truncate(most);
            let mut reason = reasons.join("; ");
            if more > 0 {
                let _ = write!(reason, "; and {more} more");
            }
            rows.push([
                Cell::new(style, format!("{sign} {}", step.name)),
                Cell::new(style, action(&step.action)),
                reason.into(),
            ]);
        }
        rows.extend(self.secrets.rows(done));
        if !lock.is_empty() {
            rows.push([
                Cell::new(MINOR, "= cluster.lock"),
                Cell::new(MINOR, action("record")),
                lock.join("; ").into(),
            ]);
        }
        rows
    }

    fn remarks(&self, orphans: &[String], columns: usize) -> String {
        let mut text = String::new();
        for note in &self.notes {
            text.push_str(&paragraph("", 2, &harmless(&format!("note: {note}")), columns));
        }
        text + &left_over(&self.absent, orphans, &self.foreign, all, columns)
    }

    fn old_certificates(&self, columns: usize) -> String {
        self.old_certificates_stay()
            .map_or_else(String::new, |text| paragraph("", 2, &text, columns))
    }

    pub(super) fn old_certificates_stay(&self) -> Option<String> {
        let until = self.steps.iter().filter_map(|step| step.old_certificate_until.as_deref());
        let last: String = until.clone().max()?.chars().take(10).collect();
        Some(if until.count() == 1 {
            format!("the old certificate stays valid until {last}: nothing can revoke it")
        } else {
            format!("the old certificates stay valid until {last} at most: nothing can revoke them")
        })
    }

    pub(super) fn totals(&self, done: bool) -> String {
        let words = if done { &DONE } else { &PLANNED };
        let summary = &self.summary;
        let counts = [
            summary.create,
            summary.replace,
            summary.rekey,
            summary.reissue,
            summary.render,
            summary.repair,
            summary.record,
        ];
        let mut parts: Vec<String> = counts
            .into_iter()
            .zip(words)
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
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

const PLANNED: [&str; 7] = [
    "to create",
    "to REPLACE",
    "to get a new key",
    "to reissue",
    "to render",
    "to repair",
    "to record",
];

const DONE: [&str; 7] =
    ["created", "REPLACED", "rekeyed", "reissued", "rendered", "repaired", "recorded"];

fn past(action: &str) -> &str {
    match action {
        "create" => "created",
        "replace" => "replaced",
        "rekey" => "rekeyed",
        "reissue" => "reissued",
        "render" => "rendered",
        "repair" => "repaired",
        "record" => "recorded",
        other => other,
    }
}

/// The sign before a line: what a reviewer looks for first.
pub(super) fn sign(action: &str) -> (&'static str, Style) {
    match action {
        "create" => ("+", GOOD),
        "replace" => ("!", DANGER),
        "rekey" => ("!", CHANGE),
        "record" | "repair" => ("=", MINOR),
        _ => ("~", CHANGE),
    }
}

fn decision(name: &str, why: &str, allow: Option<&str>, columns: usize) -> String {
    let mut text = format!("{} {}\n", paint(DANGER, "x"), paint(STRONG, name));
    text.push_str(&paragraph("    ", 4, &harmless(why), columns));
    if let Some(allow) = allow {
        let _ = writeln!(text, "    only with --allow {}", shell::quoted(allow));
    }
    text
}

/// What plan and status only count. What `--prune` would delete, plan names to the last file.
pub(super) fn left_over(
    absent: &[String],
    orphans: &[String],
    foreign: &[String],
    shown: fn(&[String]) -> String,
    columns: usize,
) -> String {
    let mut text = String::new();
    let mut line = |count: usize, names: String, noun: &str, what: &str, after: &str| {
        if count > 0 {
            let line = format!("{} {what}: {names}{after}", counted(count, noun));
            text.push_str(&paragraph("", 2, &harmless(&line), columns));
        }
    };
    line(
        absent.len(),
        some(absent),
        "private key",
        "known, but not here",
        " (restore its file, or kpki apply --rekey NAME)",
    );
    line(
        orphans.len(),
        shown(orphans),
        "orphan",
        "no longer described",
        " (kpki apply --prune deletes)",
    );
    line(foreign.len(), some(foreign), "file", "under out/ that kpki did not make", "");
    text
}

fn all(names: &[String]) -> String {
    names.join(", ")
}
