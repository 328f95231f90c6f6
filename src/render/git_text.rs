//! A file in words for Git to compare: the same for the same file at any time, one value a line, no colour.

use std::collections::BTreeSet;
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

/// A lock: one line for each field, below its artifact. Git's line above a piece of a diff is the last one
/// that begins with a letter: it says whose the fields are.
pub fn lock_in_words(lock: &Side) -> String {
    let shared = shared_recipients(lock);
    let mut text = String::new();
    for (name, items) in lock {
        for item in items {
            let _ = writeln!(text, "{name} ({})", item.kind);
            for field in &item.fields {
                let value = plain(&field.value);
                if field.name == RECIPIENTS && shared.as_ref() == Some(&value) {
                    continue;
                }
                match &field.value {
                    Value::Set(members) => {
                        for member in members {
                            let _ = writeln!(text, "    {} {}", field.name, harmless(member));
                        }
                    }
                    _ => {
                        let _ = writeln!(text, "    {} {}", field.name, harmless(&value));
                    }
                }
            }
        }
    }
    text
}

/// What all secrets are sealed for is told once, by those recipients themselves.
fn shared_recipients(lock: &Side) -> Option<String> {
    let fields = lock.values().flatten().flat_map(|item| &item.fields);
    let digests: BTreeSet<String> =
        fields.filter(|field| field.name == RECIPIENTS).map(|field| plain(&field.value)).collect();
    let mut digests = digests.into_iter();
    digests.next().filter(|_| digests.next().is_none())
}

const RECIPIENTS: &str = "recipients";
