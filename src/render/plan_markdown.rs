//! A plan as a comment on a pull request: what a reviewer must not miss stands open, everything else is
//! folded.

use crate::shell;
use std::fmt::Write as _;

use super::interruption::InterruptedReport;
use super::markdown::{COLUMNS, Section, comment, line};
use super::plan::{BlockedReport, PlanReport};
use super::privilege::{PrivilegeReport, in_words};
use super::style::DANGER;
use super::text::{Cell, Table, counted, paragraph};

impl PlanReport {
    /// Its bytes change with the plan and not with the clock; its first line finds the comment again.
    pub fn markdown(&self) -> String {
        // A cluster's name has nothing that Markdown or a comment's end could be made of.
        let cluster = &self.cluster;
        let head = format!("<!-- kpki plan {cluster} -->\n### kpki plan: `{cluster}`\n\n");
        let (weighed, others): (Vec<_>, Vec<_>) = self.authority.iter().partition(|change| {
            // A root of trust asks for another consent, below.
            change.consent != "not-needed" || change.code == "anchor-replaced"
        });
        let interrupted = self.interrupted.as_ref();
        let open = [
            Section::open(
                "An apply was interrupted",
                interrupted.map_or_else(Vec::new, InterruptedReport::entries),
            ),
            Section::open("Against the policy: `kpki apply` refuses", self.against_the_policy()),
            Section::open(
                if weighed.iter().any(|change| change.consent == "missing") {
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
            Section::open("Cannot be taken back", self.taken_back_by_nobody()),
        ];
        let changes = self.change_rows(usize::MAX, false);
        let changes: Vec<_> = changes.into_iter().filter(|row| !is_final(row)).collect();
        let folded = [
            Section::folded(
                format!("{} in authority that stop nothing", counted(others.len(), "change")),
                powers(&others),
            ),
            Section::folded(counted(changes.len(), "change"), rows(&changes)),
            Section::folded("Tell etcd first", self.members()),
            Section::folded(
                "Restarts, in this order, one node at a time",
                prose(&self.restart_lines()),
            ),
            Section::folded(
                format!("{} to be signed by the cluster", counted(self.waiting.len(), "request")),
                self.submissions(),
            ),
            Section::folded(counted(self.notes.len(), "note"), prose(&self.notes)),
            named("private key", "known, but not here", &self.absent),
            named("orphan", "no longer described", &self.orphans),
            named("file", "under out/ that kpki did not make", &self.foreign),
        ];
        comment(&head, &open, &self.in_short(), &folded)
    }

    fn against_the_policy(&self) -> Vec<String> {
        let violations = self.violations.iter();
        violations.map(|violation| signed("!", &violation.in_words())).collect()
    }

    fn decided_first(&self) -> Vec<String> {
        let mixed = self.mixed.iter().map(|mixed| {
            let why = format!("{} has another key than cluster.lock says", mixed.path);
            decision(&mixed.name, &why, None)
        });
        let blocked = self.blocked.iter();
        mixed
            .chain(
                blocked.map(|BlockedReport { name, why, allow }| {
                    decision(name, why, allow.as_deref())
                }),
            )
            .collect()
    }

    /// Roots of trust that go, and secrets that others get to see or saw.
    fn taken_back_by_nobody(&self) -> Vec<String> {
        let all = self.change_rows(usize::MAX, false);
        let all: Vec<_> = all.into_iter().filter(is_final).collect();
        let mut entries = rows(&all);
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
            format!("{}\n{}", line(&one.name), commands.collect::<String>())
        });
        waiting.collect()
    }
}

fn powers(changes: &[&PrivilegeReport]) -> Vec<String> {
    let entry = |change: &&PrivilegeReport| {
        let sign = match change.direction.as_str() {
            "escalation" => "!",
            "gain" => "+",
            _ => "-",
        };
        let mut text = signed(sign, &in_words(change));
        match (change.consent.as_str(), &change.allow) {
            ("missing", Some(allow)) => {
                let _ = writeln!(text, "    only with --allow {}", line(&shell::quoted(allow)));
            }
            ("given", Some(allow)) => {
                let _ = writeln!(text, "    allowed: {}", line(allow));
            }
            _ => {}
        }
        text
    };
    changes.iter().map(entry).collect()
}

fn signed(sign: &str, text: &str) -> String {
    paragraph(&format!("{sign} "), 2, &line(text), COLUMNS)
}

fn is_final(row: &[Cell; 3]) -> bool {
    let [name, ..] = row;
    name.style() == DANGER
}

/// Columns line up in the whole section; each row is an entry.
fn rows(rows: &[[Cell; 3]]) -> Vec<String> {
    let mut table = Table::new();
    for row in rows {
        table.row(row.each_ref().map(|cell| cell.plain(line)));
    }
    table.lines("", COLUMNS)
}

fn decision(name: &str, why: &str, allow: Option<&str>) -> String {
    let mut text = format!("! {}\n", line(name));
    text.push_str(&paragraph("    ", 4, &line(why), COLUMNS));
    if let Some(allow) = allow {
        let _ = writeln!(text, "    only with --allow {}", line(&shell::quoted(allow)));
    }
    text
}

fn prose(texts: &[String]) -> Vec<String> {
    let entry = |text: &String| paragraph("", 4, &line(text), COLUMNS);
    texts.iter().map(entry).collect()
}

fn named(noun: &str, what: &str, names: &[String]) -> Section {
    let title = format!("{} {what}", counted(names.len(), noun));
    Section::folded(title, prose(names))
}
