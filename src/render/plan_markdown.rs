//! A plan as a comment on a pull request: what a reviewer must not miss stands open, everything else is
//! folded.

use std::fmt::Write as _;

use super::action::ChangeRow;
use super::base::BaseReport;
use super::entry::Entry;
use super::follow_up::restart_lines;
use super::interruption::InterruptedReport;
use super::left_over::left_over;
use super::markdown::{COLUMNS, Section, comment, line};
use super::plan::{BlockedReport, PlanReport};
use super::privilege::{PrivilegeReport, ViolationReport};
use super::text::{Table, counted, paragraph};
use crate::review::{AccessChange, Consent};

impl PlanReport {
    /// Its bytes change with the plan and not with the clock; its first line finds the comment again.
    pub fn markdown(&self) -> String {
        // A cluster's name has nothing that Markdown or a comment's end could be made of.
        let cluster = &self.cluster;
        let head = format!("<!-- kpki plan {cluster} -->\n### kpki plan: `{cluster}`\n\n");
        let (weighed, others): (Vec<_>, Vec<_>) = self.authority.iter().partition(|change| {
            // A root of trust asks for another consent, below.
            change.consent != Consent::NotNeeded || change.code == AccessChange::RootReplaced.code()
        });
        let (cannot, changes): (Vec<_>, Vec<_>) =
            self.change_rows(usize::MAX, false).into_iter().partition(|row| row.is_final);
        let interrupted = self.interrupted.as_ref();
        let base = self.base.as_ref().map(BaseReport::section);
        let open = [
            base.unwrap_or_else(|| Section::open("", Vec::new())),
            Section::open(
                "An apply was interrupted",
                interrupted.map(interrupted_apply).into_iter().collect(),
            ),
            Section::open("Against the policy: `kpki apply` refuses", self.against_the_policy()),
            Section::open(
                if weighed.iter().any(|change| change.stops()) {
                    "Authority: `kpki apply` stops until it is allowed"
                } else {
                    "Authority"
                },
                powers(&weighed),
            ),
            Section::open(
                format!("`kpki apply` stops: {} to decide", self.summary.blocked),
                self.decided_first(),
            ),
            Section::open("Cannot be taken back", self.taken_back_by_nobody(cannot)),
        ];
        let [absent, orphans, foreign] = left_over(&self.absent, &self.orphans, &self.foreign)
            .map(|names| Section::folded(names.title(), prose(names.names)));
        let folded = [
            Section::folded(
                format!("{} in authority that stop nothing", counted(others.len(), "change")),
                powers(&others),
            ),
            Section::folded(counted(changes.len(), "change"), rows(changes)),
            Section::folded("Tell etcd first", self.members()),
            Section::folded(
                "Restarts, in this order, one node at a time",
                prose(&restart_lines(&self.restarts)),
            ),
            Section::folded(
                format!("{} to be signed by the cluster", counted(self.waiting.len(), "request")),
                self.submissions(),
            ),
            Section::folded(counted(self.notes.len(), "note"), prose(&self.notes)),
            absent,
            orphans,
            foreign,
        ];
        comment(&head, &open, &self.in_short(), &folded)
    }

    fn against_the_policy(&self) -> Vec<String> {
        markdown(self.violations.iter().map(ViolationReport::entry))
    }

    fn decided_first(&self) -> Vec<String> {
        let mixed = self.mixed.iter().map(|mixed| mixed.entry(""));
        markdown(mixed.chain(self.blocked.iter().map(BlockedReport::entry)))
    }

    /// Roots of trust that go, and secrets that others get to see or saw.
    fn taken_back_by_nobody(&self, changes: Vec<ChangeRow>) -> Vec<String> {
        let mut entries = rows(changes);
        if let Some(exposure) = self.secrets.exposure.in_words() {
            let mut entry = paragraph("", 4, &line(&format!("! exposed: {exposure}")), COLUMNS);
            for command in &self.secrets.exposure.rekey {
                let _ = writeln!(entry, "    {}", line(command));
            }
            entries.push(entry);
        }
        entries
    }

    fn in_short(&self) -> String {
        let stay = self.old_certificates_stay();
        let stay = stay.map_or_else(String::new, |stay| format!("; {stay}"));
        format!("**{}**{stay}\n\n", self.totals(false))
    }

    fn members(&self) -> Vec<String> {
        let commands = self.etcd_members.iter().map(|change| change.command.clone());
        prose(&commands.collect::<Vec<_>>())
    }

    fn submissions(&self) -> Vec<String> {
        let waiting = self.waiting.iter().map(|one| {
            let commands = one.commands.iter().flat_map(|command| command.lines());
            let commands = commands.map(|command| format!("    {}\n", line(command)));
            format!("{}\n{}", line(one.name.as_str()), commands.collect::<String>())
        });
        waiting.collect()
    }
}

fn markdown(entries: impl Iterator<Item = Entry>) -> Vec<String> {
    entries.map(|entry| entry.markdown(COLUMNS)).collect()
}

/// Its lines are as long as they are: commands and files.
fn interrupted_apply(report: &InterruptedReport) -> String {
    let aside = "kpki discard sets it aside; nothing of it is deleted";
    let aside = report.stops.then(|| aside.to_owned());
    report.entry().copied(aside).markdown(usize::MAX)
}

fn powers(changes: &[&PrivilegeReport]) -> Vec<String> {
    markdown(changes.iter().map(|change| match (change.consent, &change.allow) {
        (Consent::Given, Some(allow)) => change.entry().copied([format!("allowed: {allow}")]),
        (Consent::Missing, allow) => change.entry().only_with(allow.as_deref()),
        _ => change.entry(),
    }))
}

/// Columns line up in the whole section; each row is an entry.
fn rows(rows: Vec<ChangeRow>) -> Vec<String> {
    let mut table = Table::new();
    for row in rows {
        table.row(row.cells().map(|cell| cell.plain(line)));
    }
    table.lines("", COLUMNS)
}

fn prose(texts: &[String]) -> Vec<String> {
    let entry = |text: &String| paragraph("", 4, &line(text), COLUMNS);
    texts.iter().map(entry).collect()
}
