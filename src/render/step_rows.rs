//! The lines and sums of what is done, for text and Markdown.

use super::action::{ChangeRow, in_words};
use super::families::family;
use super::step::StepReport;
use crate::first_few;
use crate::plan::Action;

/// Reasons that one line has room for.
pub(super) const REASONS: usize = 3;

/// Destructive ones first; else in build order, which keeps a node's artifacts together. `most`: of reasons.
pub(super) fn step_rows(steps: &[StepReport], most: usize, done: bool) -> Vec<ChangeRow> {
    let (worst, others): (Vec<&StepReport>, _) =
        steps.iter().partition(|step| matches!(step.action, Action::Replace | Action::Rekey));
    worst.into_iter().chain(others).map(|step| step_row(step, most, done)).collect()
}

pub(super) fn step_row(step: &StepReport, most: usize, done: bool) -> ChangeRow {
    let words = in_words(step.action);
    let reasons = step.reasons.iter().map(|reason| &reason.text);
    let why = first_few::at_most(most, reasons).join("; ");
    // A root of trust that goes.
    let is_final = step.action == Action::Replace;
    ChangeRow {
        name: format!("{} {}", words.sign, step.name),
        action: if done { words.done } else { words.planned },
        style: words.style,
        family: (!is_final).then(|| family(step.name.as_str(), &all_reasons(step))),
        why,
        is_final,
    }
}

/// Also those that its line has no room for.
fn all_reasons(step: &StepReport) -> String {
    let reasons: Vec<&str> = step.reasons.iter().map(|reason| reason.text.as_str()).collect();
    reasons.join("; ")
}

/// `3 to create`, each action with a number.
pub(super) fn counts_in_words(counts: &[(usize, Action)], done: bool) -> Vec<String> {
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    counted
        .map(|(count, action)| {
            let words = in_words(*action);
            format!("{count} {}", if done { words.all_done } else { words.all_planned })
        })
        .collect()
}
