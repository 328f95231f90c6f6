//! A file in words for Git to compare: the same for the same file at any time, one value a line, no colour.

use std::fmt::Write as _;

use super::text::harmless;
use crate::diff::{Item, Side, Value, plain};

/// All that a file holds.
pub fn file_in_words(items: &[Item]) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "{}", item.kind);
        for field in &item.fields {
            let name = field.name;
            match &field.value {
                // One line each, so that a new one is one new line.
                Value::Set(members) => {
                    for member in members {
                        let _ = writeln!(text, "{name}: {}", harmless(member));
                    }
                }
                value => {
                    let _ = writeln!(text, "{name}: {}", harmless(&plain(value)));
                }
            }
        }
    }
    text
}

/// A lock: one line for each of its own.
pub fn lock_in_words(lock: &Side) -> String {
    let mut text = String::new();
    for (name, items) in lock {
        for item in items {
            let fields = item.fields.iter();
            let fields: Vec<String> = fields
                .map(|field| format!("{} {}", field.name, harmless(&plain(&field.value))))
                .collect();
            let _ = writeln!(text, "{name} ({}): {}", item.kind, fields.join("; "));
        }
    }
    text
}
