//! A plan as a comment on a pull request: what a reviewer must not miss stands open, everything else is
//! folded.

use std::fmt::Write as _;

use super::action::ChangeRow;
use super::base::BaseReport;
use super::entries::{markdown, powers, prose, rows};
use super::follow_up::restart_lines;
use super::if_allowed::IfAllowedReport;
use super::interruption::InterruptedReport;
use super::leavers::leaver_lines;
use super::left_over::left_over;
use super::markdown::{COLUMNS, Section, comment, line};
use super::plan::PlanReport;
use super::privilege::ViolationReport;
use super::rotation::RotationReport;
use super::step::BlockedReport;
use super::text::{counted, paragraph};
use super::turns::TurnsReport;
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
            self.whole_rows().into_iter().partition(|row| row.is_final);
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
                powers(weighed.iter().copied()),
            ),
            Section::open(
                format!("`kpki apply` stops: {} to decide", self.summary.blocked),
                self.decided_first(),
            ),
            Section::open(
                "Authority that needs consent, too, once that is allowed",
                self.gains_then(),
            ),
            Section::open("Cannot be taken back", self.taken_back_by_nobody(cannot)),
        ];
        let [absent, orphans, foreign] = left_over(&self.absent, &self.orphans, &self.foreign)
            .map(|names| Section::folded(names.title(), prose(names.names)));
        let foreseen = self.if_allowed.as_ref();
        let folded = [
            Section::folded(
                foreseen.map(IfAllowedReport::title).unwrap_or_default(),
                foreseen.map(IfAllowedReport::markdown).unwrap_or_default(),
            ),
            Section::folded(
                format!("{} in authority that stop nothing", counted(others.len(), "change")),
                powers(others.iter().copied()),
            ),
            Section::folded(
                counted(changes.len(), "change"),
                rows(changes.into_iter().map(ChangeRow::cells)),
            ),
            Section::folded("Of what was named only", prose(self.left_out().as_slice())),
            Section::folded(
                "What only the cluster can take away",
                prose(&leaver_lines(&self.leavers)),
            ),
            Section::folded("Tell etcd first", self.members()),
            Section::folded("Members of etcd that join again, in this order", self.rejoining()),
            Section::folded(
                "Restarts, in this order, one node at a time",
                prose(&restart_lines(&self.restarts)),
            ),
            Section::folded(
                "What must hold for each stage of a rotation, and what follows",
                prose(&self.rotation_lines()),
            ),
            Section::folded(
                format!("{} to be signed by the cluster", counted(self.waiting.len(), "request")),
                self.submissions(),
            ),
            Section::folded(
                self.turns.as_ref().map(TurnsReport::total).unwrap_or_default(),
                self.turns_in_order(),
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

    fn gains_then(&self) -> Vec<String> {
        let foreseen = self.if_allowed.iter().flat_map(|then| &then.authority);
        powers(foreseen.filter(|change| change.stops()))
    }

    /// Roots of trust that go, and secrets that others get to see or saw.
    fn taken_back_by_nobody(&self, changes: Vec<ChangeRow>) -> Vec<String> {
        let mut entries = rows(changes.into_iter().map(ChangeRow::cells));
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

    fn rotation_lines(&self) -> Vec<String> {
        self.rotations.iter().flat_map(RotationReport::lines).collect()
    }

    fn members(&self) -> Vec<String> {
        let lines = self.etcd_members.iter().flat_map(|change| {
            [Some(change.command.clone()), change.hint.clone()].into_iter().flatten()
        });
        prose(&lines.collect::<Vec<_>>())
    }

    fn rejoining(&self) -> Vec<String> {
        let lines = self.rejoin.iter().flat_map(|rejoin| rejoin.lines().chain(rejoin.hint.clone()));
        prose(&lines.collect::<Vec<_>>())
    }

    fn turns_in_order(&self) -> Vec<String> {
        let lines =
            self.turns.iter().flat_map(|turns| turns.lines().into_iter().chain(turns.flags()));
        prose(&lines.collect::<Vec<_>>())
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

/// Its lines are as long as they are: commands and files.
fn interrupted_apply(report: &InterruptedReport) -> String {
    let aside = "kpki discard sets it aside; nothing of it is deleted";
    let aside = report.stops.then(|| aside.to_owned());
    report.entry().copied(aside).markdown(usize::MAX)
}
