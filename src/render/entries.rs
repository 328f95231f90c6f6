//! Entries of a comment's sections.

use super::entry::Entry;
use super::markdown::{COLUMNS, line};
use super::privilege::PrivilegeReport;
use super::text::{Cell, Table, paragraph};
use crate::review::Consent;

pub(super) fn markdown(entries: impl Iterator<Item = Entry>) -> Vec<String> {
    entries.map(|entry| entry.markdown(COLUMNS)).collect()
}

pub(super) fn powers<'a>(changes: impl IntoIterator<Item = &'a PrivilegeReport>) -> Vec<String> {
    markdown(changes.into_iter().map(|change| match (change.consent, &change.allow) {
        (Consent::Given, Some(allow)) => change.entry().copied([format!("allowed: {allow}")]),
        (Consent::Missing, allow) => change.entry().only_with(allow.as_deref()),
        _ => change.entry(),
    }))
}

/// Columns line up in the whole section; each row is an entry.
pub(super) fn rows(rows: impl IntoIterator<Item = [Cell; 3]>) -> Vec<String> {
    let mut table = Table::new();
    for cells in rows {
        table.row(cells.map(|cell| cell.plain(line)));
    }
    table.lines("", COLUMNS)
}

pub(super) fn prose(texts: &[String]) -> Vec<String> {
    let entry = |text: &String| paragraph("", 4, &line(text), COLUMNS);
    texts.iter().map(entry).collect()
}
