//! The lines of what a plan changes, for text and Markdown.

use super::action::ChangeRow;
use super::plan::PlanReport;
use super::step_rows::{REASONS, step_rows};
use super::style::MINOR;

impl PlanReport {
    /// Name, action and the first few reasons.
    pub(super) fn change_rows(&self, done: bool) -> Vec<ChangeRow> {
        self.rows(REASONS, done)
    }

    /// With every reason.
    pub(super) fn whole_rows(&self) -> Vec<ChangeRow> {
        self.rows(usize::MAX, false)
    }

    fn rows(&self, most: usize, done: bool) -> Vec<ChangeRow> {
        let lock: Vec<String> = self
            .lock
            .iter()
            .map(|change| {
                let old = if change.old.is_empty() { "" } else { " -> " };
                format!("{}: {}{old}{}", change.field, change.old, change.new)
            })
            .collect();
        let mut rows = step_rows(&self.steps, most, done);
        rows.extend(self.secrets.rows(done));
        if !lock.is_empty() {
            rows.push(ChangeRow {
                name: "= cluster.lock".to_owned(),
                action: if done { "recorded" } else { "record" },
                style: MINOR,
                why: lock.join("; "),
                is_final: false,
                family: None,
            });
        }
        rows
    }
}
