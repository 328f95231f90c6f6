//! New entries in block style: whole lines, indented as the manifest indents.

use granit_parser::ScalarStyle;

use super::scalar::{self, Place};
use super::tree::{Kind, Node};
use super::value::{Entry, Value};

/// How a manifest indents below a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indent {
    pub mapping: usize,
    /// kubeadm puts the dashes of a sequence under its key: 0.
    pub sequence: usize,
}

const BLOCK: Place = Place { json: false, flow: false };

impl Indent {
    /// Taken from the top of the file: `spec` and its `containers` are always there.
    pub fn of(root: &Node) -> Indent {
        let spec = root.pair("spec");
        let children = spec.and_then(|spec| match &spec.value.kind {
            Kind::Map { flow: false, .. } => Some(&spec.value),
            _ => None,
        });
        let items = children.and_then(|children| children.pair("containers"));
        let sequence = items.and_then(|items| match &items.value.kind {
            Kind::List { flow: false, .. } => items.value.column.checked_sub(items.key.column),
            _ => None,
        });
        let mapping = children.and_then(|children| children.column.checked_sub(root.column));
        Indent {
            mapping: mapping.filter(|columns| *columns > 0).unwrap_or(2),
            sequence: sequence.unwrap_or(0),
        }
    }

    /// The lines of a collection whose keys or dashes stand in a column.
    pub fn lines(self, value: &Value, column: usize) -> Vec<String> {
        match value {
            Value::List(items) => items
                .iter()
                .flat_map(|item| self.item(item, column, 1, ScalarStyle::Plain))
                .collect(),
            Value::Map(entries) => entries
                .iter()
                .flat_map(|(key, value)| self.pair(&scalar(key, ScalarStyle::Plain), value, column))
                .collect(),
            _ => vec![format!("{}{}", spaces(column), scalar(value, ScalarStyle::Plain))],
        }
    }

    /// The lines of one entry; `gap` is the number of blanks after a dash.
    pub fn entry(
        self,
        entry: &Entry,
        column: usize,
        gap: usize,
        style: ScalarStyle,
    ) -> Vec<String> {
        match entry {
            Entry::Item(item) => self.item(item, column, gap, style),
            Entry::Pair(key, value) => {
                self.pair(&scalar::write(key, ScalarStyle::Plain, BLOCK), value, column)
            }
        }
    }

    fn item(self, item: &Value, column: usize, gap: usize, style: ScalarStyle) -> Vec<String> {
        let inner = column + 1 + gap;
        let mut lines = match item {
            Value::Text(_) | Value::Plain(_) => {
                vec![format!("{}{}", spaces(inner), scalar(item, style))]
            }
            _ => self.lines(item, inner),
        };
        if let Some(first) = lines.first_mut() {
            *first = format!("{}-{}{}", spaces(column), spaces(gap), first.trim_start());
        }
        lines
    }

    fn pair(self, key: &str, value: &Value, column: usize) -> Vec<String> {
        let key = format!("{}{key}:", spaces(column));
        let (columns, value) = match value {
            Value::List(_) => (self.sequence, value),
            Value::Map(_) => (self.mapping, value),
            _ => return vec![format!("{key} {}", scalar(value, ScalarStyle::Plain))],
        };
        let mut lines = vec![key];
        lines.extend(self.lines(value, column + columns));
        lines
    }
}

pub(super) fn spaces(columns: usize) -> String {
    " ".repeat(columns)
}

fn scalar(value: &Value, style: ScalarStyle) -> String {
    match value {
        Value::Text(text) => scalar::write(text, style, BLOCK),
        // Only kpki's own words get here.
        Value::Plain(word) => word.clone(),
        _ => String::new(),
    }
}
