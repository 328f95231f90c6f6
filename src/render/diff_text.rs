//! What differs, as text: the same change of many things is said once.

use std::fmt::Write as _;

use anstyle::Style;

use super::diff::{ChangeReport, ChangedReport, DiffReport, NamedReport, Section, SectionReport};
use super::privilege::privilege_text;
use super::report::Report;
use super::style::{CHANGE, DANGER, GOOD, MINOR, STRONG, paint};
use super::text::{Cell, Table, counted, paragraph, some};
use crate::first_few::more;

/// Members of one field that a line has room for.
const MEMBERS: usize = 4;
/// What is told of a thing when it changes, but not of every new one.
const DETAILS: [&str; 11] = [
    "files",
    "sealed-for",
    "renew-before",
    "bundle",
    "identity",
    "key-usage",
    "critical",
    "signature",
    "not-before",
    "revision",
    "node-revision",
];
/// A digest is told by its beginning.
const DIGITS: usize = 8;

impl Report for DiffReport {
    fn text(&self, columns: usize) -> String {
        let mut text = privilege_text(&self.authority, columns);
        let mut sections = self.sections.iter().filter(|section| !section.is_empty());
        for (index, section) in sections.by_ref().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            if let Some(title) = section.of.title() {
                let _ = writeln!(text, "{}", paint(STRONG, title));
            }
            text.push_str(&section.text(columns));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            text.push_str(&paragraph("", 2, &format!("note: {note}"), columns));
        }
        let last = if self.equal {
            format!("nothing differs in meaning: {} and {}", self.before, self.after)
        } else {
            self.totals()
        };
        let _ = writeln!(text, "{last}");
        text
    }
}

impl DiffReport {
    fn totals(&self) -> String {
        let sections = self.sections.iter().filter(|section| !section.is_empty());
        let totals: Vec<String> = sections
            .map(|section| {
                let counts = [
                    (section.added.len(), "added"),
                    (section.removed.len(), "removed"),
                    (section.changed.len(), "changed"),
                ];
                let counts = counts.iter().filter(|(count, _)| *count > 0);
                let counts: Vec<String> =
                    counts.map(|(count, what)| format!("{count} {what}")).collect();
                let counts = match counts.as_slice() {
                    [] => "nothing itself changed".to_owned(),
                    some => some.join(", "),
                };
                match section.of.title() {
                    Some(title) => format!("{title}: {counts}"),
                    None => counts,
                }
            })
            .collect();
        totals.join("; ")
    }
}

impl Section {
    fn title(self) -> Option<&'static str> {
        match self {
            Section::Description => Some("description"),
            Section::Files => Some("certificates"),
            Section::Lock => None,
        }
    }
}

impl SectionReport {
    fn is_empty(&self) -> bool {
        let own = self.added.len() + self.removed.len() + self.changed.len();
        own + self.follows.len() == 0
    }

    fn text(&self, columns: usize) -> String {
        let mut table = Table::new();
        for (sign, style, all) in [("-", DANGER, &self.removed), ("+", GOOD, &self.added)] {
            let rows = all.iter().map(|one| (one.name.as_str(), one.text()));
            rows_of(&mut table, sign, style, rows);
        }
        let rows = self.changed.iter().map(|one| (one.name.as_str(), one.text()));
        rows_of(&mut table, "~", CHANGE, rows);
        let rows = self.follows.iter().map(|one| {
            let text = format!("follows {}", some(&one.inputs));
            (one.name.as_str(), text)
        });
        rows_of(&mut table, "=", MINOR, rows);
        table.render("", columns)
    }
}

/// One row for all that have the same to tell, and one for their names.
fn rows_of<'a>(
    table: &mut Table,
    sign: &str,
    style: Style,
    all: impl Iterator<Item = (&'a str, String)>,
) {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for (name, text) in all {
        let at = *known.entry(text.clone()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, names)) => names.push(name.to_owned()),
            None => groups.push((text, vec![name.to_owned()])),
        }
    }
    for (text, names) in groups {
        let Some((first, others)) = names.split_first() else {
            continue;
        };
        table.row([Cell::new(style, format!("{sign} {first}")), text.into()]);
        if !others.is_empty() {
            let more = more(others.len(), 0).unwrap_or_default();
            table.row([Cell::new(style, format!("  {more}")), some(others).into()]);
        }
    }
}

impl NamedReport {
    fn text(&self) -> String {
        let told = self
            .fields
            .iter()
            .filter(|field| !field.minor && !DETAILS.contains(&field.field.as_str()));
        let told: Vec<String> =
            told.map(|field| format!("{} {}", field.field, day(&field.value))).collect();
        match told.as_slice() {
            [] => self.kind.clone(),
            some => format!("{}: {}", self.kind, some.join("; ")),
        }
    }
}

impl ChangedReport {
    fn text(&self) -> String {
        let is_told = |change: &&ChangeReport| !change.is_within_a_day();
        let mut told: Vec<String> =
            (self.changes.iter().filter(is_told)).map(ChangeReport::text).collect();
        if told.is_empty() {
            told = self.changes.iter().map(ChangeReport::text).collect();
        }
        if self.same_key == Some(true) {
            told.push("same key".to_owned());
        }
        told.join("; ")
    }
}

/// Of a time (RFC 3339) its day, which is what people count in.
fn day(text: &str) -> &str {
    match text.split_once('T') {
        Some((date, time)) if date.len() == 10 && time.ends_with('Z') => date,
        _ => text,
    }
}

impl ChangeReport {
    /// Issued again on the same day: told only where nothing else is.
    fn is_within_a_day(&self) -> bool {
        let both = self.before.as_deref().zip(self.after.as_deref());
        both.is_some_and(|(before, after)| day(before) == day(after))
    }

    fn text(&self) -> String {
        let field = &self.field;
        let short = |text: &Option<String>| {
            let text = text.clone().unwrap_or_default();
            if self.minor {
                text.chars().take(DIGITS).collect()
            } else if self.is_within_a_day() {
                text
            } else {
                day(&text).to_owned()
            }
        };
        match (short(&self.before).as_str(), short(&self.after).as_str()) {
            ("", "") => {
                let shown = |sign: &str, all: &[String]| {
                    let shown = all.iter().take(MEMBERS).map(|text| signed(sign, text));
                    let more = all.len().saturating_sub(MEMBERS);
                    let more = (more > 0).then(|| format!("{sign}{}", counted(more, "other")));
                    shown.chain(more).collect::<Vec<_>>()
                };
                let all = [shown("-", &self.removed), shown("+", &self.added)].concat();
                format!("{field}: {}", all.join(", "))
            }
            ("", after) => format!("{field}: {}", signed("+", after)),
            (before, "") => format!("{field}: {}", signed("-", before)),
            (before, after) if self.minor => format!("another {field} ({before} -> {after})"),
            (before, after) => format!("{field}: {before} -> {after}"),
        }
    }
}

/// A flag has dashes of its own: they stay apart.
fn signed(sign: &str, text: &str) -> String {
    let gap = if text.starts_with('-') { " " } else { "" };
    format!("{sign}{gap}{text}")
}
