//! New entries in flow style: between brackets, which is also how JSON is written.

use granit_parser::ScalarStyle;

use crate::edit::Edit;

use super::scalar::{self, Place};
use super::value::{Entry, Value};

/// A collection between brackets, as far as an insertion has to know it.
pub(super) struct Brackets<'a> {
    pub text: &'a str,
    /// The first byte after the opening bracket.
    pub open: usize,
    /// Where each entry starts and ends.
    pub entries: &'a [(usize, usize)],
}

pub(super) fn write(value: &Value, style: ScalarStyle, json: bool) -> String {
    let place = Place { json, flow: true };
    match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| write(item, style, json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| {
                    let key = write(key, ScalarStyle::Plain, json);
                    format!("{key}: {}", write(value, style, json))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Text(text) => scalar::write(text, style, place),
        // Only kpki's own words get here.
        Value::Plain(word) => word.clone(),
        Value::Alias(_) | Value::Marked { .. } => String::new(),
    }
}

pub(super) fn entry(entry: &Entry, style: ScalarStyle, json: bool) -> String {
    match entry {
        Entry::Item(item) => write(item, style, json),
        Entry::Pair(key, value) => {
            let key = write(&Value::text(key), ScalarStyle::Plain, json);
            format!("{key}: {}", write(value, ScalarStyle::Plain, json))
        }
    }
}

impl Brackets<'_> {
    /// Puts entries before the one with this index, or behind the last one.
    pub fn insert(&self, index: usize, new: &[String]) -> Vec<Edit> {
        match (index.checked_sub(1), self.entries.get(index)) {
            // Before an entry: what stands above it or behind the one before stays with that.
            (previous, Some((start, _))) => {
                // The blanks in front of the first entry say nothing about those between two.
                let blanks = match previous.or(self.entries.get(1).map(|_| 0)) {
                    Some(before) => self.blanks_before(before + 1),
                    None => " ".to_owned(),
                };
                let separator = format!(",{blanks}");
                vec![Edit::insert(*start, new.join(&separator) + &separator)]
            }
            (previous, None) => self.append(previous, new),
        }
    }

    fn append(&self, last: Option<usize>, new: &[String]) -> Vec<Edit> {
        let Some((last, end)) = last.and_then(|last| Some((last, self.entries.get(last)?.1)))
        else {
            return vec![Edit::insert(self.open, new.join(", "))];
        };
        let mut blanks = self.blanks_before(last);
        if last == 0 && !blanks.contains('\n') {
            " ".clone_into(&mut blanks);
        }
        let rest = self.text.get(end..).unwrap_or_default();
        let trailing_comma = rest.trim_start().starts_with(',');
        if !blanks.contains('\n') && !trailing_comma {
            let separator = format!(",{blanks}");
            return vec![Edit::insert(end, separator.clone() + &new.join(&separator))];
        }
        // A comment behind the last entry stays there: the comma before it, the new lines after it.
        let mut edits = Vec::new();
        let mut at = end;
        if trailing_comma {
            at += rest.find(',').map_or(0, |comma| comma + 1);
        } else {
            edits.push(Edit::insert(end, ","));
        }
        let line = self.text.get(at..).unwrap_or_default();
        let line = line.split_inclusive('\n').next().unwrap_or_default();
        if blanks.contains('\n') && line.trim_start().starts_with('#') {
            at += line.trim_end_matches(['\r', '\n']).len();
        }
        let comma = if trailing_comma { "," } else { "" };
        let lines: Vec<String> = new.iter().map(|entry| format!("{blanks}{entry}")).collect();
        edits.push(Edit::insert(at, lines.join(",") + comma));
        edits
    }

    /// The blanks in front of an entry: one line break at most, and the indentation after it.
    fn blanks_before(&self, index: usize) -> String {
        let start = self.entries.get(index).map_or(self.open, |entry| entry.0);
        let before = self.text.get(self.open..start).unwrap_or_default();
        let content = before.trim_end_matches([' ', '\t', '\r', '\n']);
        let blanks = before.get(content.len()..).unwrap_or_default();
        match blanks.rfind('\n') {
            None => blanks.to_owned(),
            Some(last) => {
                let line_break = if blanks.contains("\r\n") { "\r\n" } else { "\n" };
                format!("{line_break}{}", blanks.get(last + 1..).unwrap_or_default())
            }
        }
    }
}
