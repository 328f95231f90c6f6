//! A status as text, for someone whose cluster may be down.

use std::fmt::Write as _;

use anstyle::Style;

use super::expiry::State;
use super::left_over::left_over;
use super::report::Report;
use super::status::{AttentionReport, StatusReport, Trouble};
use super::style::{CHANGE, DANGER, PLAIN, STRONG, paint};
use super::text::{Cell, Table, counted, harmless, paragraph};
use super::waiting::waiting_lines;
use crate::first_few::more;

/// More certificates than this are not all listed.
const ALL: usize = 40;
/// Then only so many are, the soonest first.
const SOONEST: usize = 20;

impl Report for StatusReport<'_> {
    fn text(&self, columns: usize) -> String {
        let mut text = String::new();
        for group in self.attention.chunk_by(|one, other| one.code == other.code) {
            trouble(&mut text, group, columns);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&waiting_lines(&self.waiting, columns));
        text.push_str(&self.lives(columns));
        for rotation in &self.rotations {
            text.push_str(&paragraph("", 2, &harmless(&rotation.line()), columns));
        }
        if self.changes > 0 {
            let count = counted(self.changes, "artifact");
            let _ = writeln!(text, "{count} not as cluster.kdl asks yet (kpki plan tells)");
        }
        let left = left_over(&self.absent, &self.orphans, &self.foreign);
        text.extend(left.iter().map(|names| names.text(columns)));
        text.push_str(&self.exposure.text(columns));
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        let _ = writeln!(text, "{STRONG}next:{STRONG:#} {}", self.next());
        text
    }
}

impl StatusReport<'_> {
    fn lives(&self, columns: usize) -> String {
        if self.certificates.is_empty() {
            return match self.hidden {
                0 => "no certificate is here yet\n".to_owned(),
                hidden => format!(
                    "no certificate is among those asked for ({} not shown)\n\n",
                    counted(hidden, "other")
                ),
            };
        }
        let shown = if self.certificates.len() > ALL { SOONEST } else { ALL };
        let whole = self.table(shown, true);
        // Who signed it, a reader needs more.
        let table = if whole.fits(columns) { whole } else { self.table(shown, false) };
        let mut text = table.render("", columns);
        let hidden = self.certificates.len().saturating_sub(shown);
        if let (1.., Some(last)) = (hidden, self.certificates.last()) {
            let _ = writeln!(text, "and {hidden} more by {}", last.expires.date());
        }
        if self.hidden > 0 {
            let _ = writeln!(text, "{} not shown", counted(self.hidden, "other certificate"));
        }
        text.push('\n');
        text
    }

    fn table(&self, shown: usize, with_key: bool) -> Table {
        let mut table = Table::tight();
        let row = |[name, expires, left, key, issuer]: [Cell; 5]| {
            let key = with_key.then_some(key);
            let cells = [name, expires, left].into_iter().chain(key);
            cells.chain([issuer]).collect::<Vec<_>>()
        };
        let heads = ["name", "expires", "left", "key", "issuer"];
        table.row(row(heads.map(|head| Cell::new(STRONG, head))));
        for life in self.certificates.iter().take(shown) {
            let style = match life.state {
                State::Expired => DANGER,
                State::NotYetValid | State::Expiring => CHANGE,
                State::Valid => PLAIN,
            };
            let left = match life.state {
                State::Expired => "EXPIRED",
                State::NotYetValid => "not yet",
                State::Expiring | State::Valid => &life.left,
            };
            table.row(row([
                life.name.as_str().into(),
                life.expires.date().into(),
                Cell::new(style, left),
                life.key.as_str().into(),
                life.issuer.as_str().into(),
            ]));
        }
        table
    }

    fn next(&self) -> String {
        let has = |code| self.attention.iter().any(|trouble| trouble.code == code);
        if has(Trouble::Mixed) {
            "check out one side of cluster.lock and out/ together, then kpki plan".to_owned()
        } else if has(Trouble::Blocked) {
            "kpki plan, which says what each decision takes".to_owned()
        } else if self.apply && self.needs_attention() {
            "kpki apply renews and repairs; kpki plan shows it first".to_owned()
        } else if self.apply {
            "kpki apply".to_owned()
        } else if let Some(first) = self.waiting.first() {
            format!("submit and approve {} (kpki show {} tells how)", first.request, first.name)
        } else if self.needs_attention() {
            "see the above; kpki apply cannot help there".to_owned()
        } else if let Some(when) = &self.next_renewal {
            format!("nothing until {}, when the first renewal is due", when.date())
        } else {
            "nothing".to_owned()
        }
    }
}

/// One kind of trouble. The certificates of the first kinds stand at the top of the list below: counted here.
fn trouble(text: &mut String, group: &[AttentionReport], columns: usize) {
    let Some(first) = group.first() else { return };
    let heading = heading(first.code, group.len());
    let style: Style = match first.code {
        Trouble::Drift | Trouble::Expiring | Trouble::Other => CHANGE,
        _ => DANGER,
    };
    let listed = !matches!(first.code, Trouble::Expired | Trouble::NotYetValid | Trouble::Expiring);
    let _ = writeln!(text, "{}", paint(style, &heading));
    if !listed {
        return;
    }
    let mut table = Table::new();
    for trouble in group.iter().take(SOONEST) {
        let what: Cell = trouble.text.as_str().into();
        match (&trouble.name, trouble.code) {
            // The path in the text says which.
            (Some(name), Trouble::Mixed | Trouble::Blocked) => {
                table.row([name.as_str().into(), what]);
            }
            _ => table.row([what]),
        }
    }
    text.push_str(&table.render("  ", columns));
    if let Some(more) = more(group.len(), SOONEST) {
        let _ = writeln!(text, "  {more}");
    }
}

/// What is wrong with so many.
pub(super) fn heading(code: Trouble, count: usize) -> String {
    let certificates = counted(count, "certificate");
    let artifacts = counted(count, "artifact");
    let files = counted(count, "file");
    match code {
        Trouble::Expired => format!("{certificates} expired: connections that use them fail"),
        Trouble::NotYetValid => format!("{certificates} not valid yet: is the clock right?"),
        Trouble::Mixed => format!("{artifacts} of mixed versions (a bad merge?)"),
        Trouble::Blocked => format!("{artifacts} waiting for a decision"),
        Trouble::Exposed => format!("{files} with a secret that others can read"),
        Trouble::InTheClear => format!("{files} in the clear, to be sealed"),
        Trouble::Drift => format!("{files} not as built"),
        Trouble::Expiring => format!("{certificates} due for renewal"),
        Trouble::Other => format!("{} more", counted(count, "thing")),
    }
}
