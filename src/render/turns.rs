//! What is due and waits for its turn, as a report.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::{ReasonReport, reason_report};
use super::style::{STRONG, paint};
use super::text::{listed, paragraph};
use crate::name::ArtifactName;
use crate::plan::{NamePattern, Plan, World};
use crate::shell::quoted;

/// Whose certificates are renewed now, and whose after that.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TurnsReport {
    /// The nodes whose turn it is.
    pub now: Vec<String>,
    /// Those that come after them, in order.
    pub next: Vec<String>,
    /// Every certificate that is due and waits, in that order.
    pub waiting: Vec<DueReport>,
    /// What `--renew` must be given for the next turn, where it was given for this one.
    pub renew: Vec<String>,
}

/// A certificate that is due and waits for its turn.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DueReport {
    pub name: ArtifactName,
    pub node: String,
    pub reasons: Vec<ReasonReport>,
}

pub(super) fn turns_report(world: World<'_>, plan: &Plan) -> Option<TurnsReport> {
    let turns = plan.turns.as_ref()?;
    let waiting = turns.waiting.iter().map(|waiting| DueReport {
        name: world.graph.get(waiting.derivation).name.clone(),
        node: waiting.node.to_string(),
        reasons: waiting.reasons.iter().map(reason_report).collect(),
    });
    Some(TurnsReport {
        now: turns.now.iter().map(ToString::to_string).collect(),
        next: turns.nodes().into_iter().map(ToString::to_string).collect(),
        waiting: waiting.collect(),
        renew: turns.renew.iter().map(NamePattern::to_string).collect(),
    })
}

/// So many patterns are written out for the next command.
const WRITTEN: usize = 12;

impl TurnsReport {
    /// `44 due, waiting for their turn`
    pub(super) fn total(&self) -> String {
        let count = self.waiting.len();
        format!("{count} due, waiting for {} turn", if count == 1 { "its" } else { "their" })
    }

    /// Every artifact that waits.
    pub(super) fn names(&self) -> BTreeSet<&ArtifactName> {
        self.waiting.iter().map(|due| &due.name).collect()
    }

    pub(super) fn text(&self, columns: usize) -> String {
        let [head, then] = self.lines();
        let mut text = paragraph("", 2, &paint(STRONG, &head), columns);
        text.push_str(&paragraph("  ", 4, &then, columns));
        if let Some(flags) = self.flags() {
            // Whole in a line of its own: it is copied.
            let _ = writeln!(text, "    {flags}");
        }
        text
    }

    /// What waits, and what to do about it.
    pub(super) fn lines(&self) -> [String; 2] {
        let more = if self.now.is_empty() { "" } else { "more " };
        let (node, wait) = match self.next.len() {
            1 => ("node is", "waits for its turn"),
            _ => ("nodes are", "wait for their turn"),
        };
        let count = self.next.len();
        let head = format!("{count} {more}{node} due and {wait}: {}", listed(&self.next));
        let first = if self.now.is_empty() {
            "when etcd is whole again, apply again".to_owned()
        } else {
            format!("install and check {} first, then apply again", listed(&self.now))
        };
        let how = match self.renew.len() {
            0 => "(--all renews all at once)",
            1..=WRITTEN => "(--all: all at once) with:",
            _ => "with --renew for these, or --all at once",
        };
        let then = format!("{first} {how}");
        [head, then]
    }

    pub(super) fn flags(&self) -> Option<String> {
        let flags = self.renew.iter().map(|pattern| format!("--renew {}", quoted(pattern)));
        (1..=WRITTEN).contains(&self.renew.len()).then(|| flags.collect::<Vec<_>>().join(" "))
    }
}

/// What is said of one certificate that waits.
pub(super) fn waits_in_words(now: &[String]) -> String {
    if now.is_empty() {
        return "due, waits for its turn".to_owned();
    }
    let verb = if now.len() == 1 { "is" } else { "are" };
    format!("due, waits for its turn: {} {verb} first", listed(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(now: &[&str], next: &[&str], renew: &[&str]) -> TurnsReport {
        let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        TurnsReport { now: texts(now), next: texts(next), waiting: Vec::new(), renew: texts(renew) }
    }

    #[test]
    fn a_turn_says_who_is_next_and_how() {
        for (turns, text) in [
            (
                report(&["cp1"], &["cp2", "cp3", "w1"], &[]),
                "3 more nodes are due and wait for their turn: cp2, cp3, w1\n\
                 \x20 install and check cp1 first, then apply again (--all renews all at once)\n",
            ),
            (
                report(&["cp1"], &["cp2"], &["nodes/cp2/*"]),
                "1 more node is due and waits for its turn: cp2\n\
                 \x20 install and check cp1 first, then apply again (--all: all at once) with:\n\
                 \x20   --renew 'nodes/cp2/*'\n",
            ),
            (
                report(&[], &["cp1"], &[]),
                "1 node is due and waits for its turn: cp1\n\
                 \x20 when etcd is whole again, apply again (--all renews all at once)\n",
            ),
        ] {
            assert_eq!(anstream_plain(&turns.text(100)), text);
        }
    }

    fn anstream_plain(text: &str) -> String {
        text.replace(&STRONG.to_string(), "").replace("\u{1b}[0m", "")
    }
}
