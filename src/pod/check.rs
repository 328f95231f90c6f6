//! The new text must say what was intended, and nothing else must have changed.

use super::PodError;
use super::block::Indent;
use super::parse;
use super::tree::Tree;
use super::value::{self, Change, Entry, Path, Step, Value};

pub(super) fn same(
    old: &Tree,
    new: &str,
    changes: &[Change],
    more: &dyn Fn(&Tree) -> Result<Vec<Change>, PodError>,
) -> Result<Tree, PodError> {
    let expected = value::expected(&old.root, changes)?;
    let new = parse::parse(new.as_bytes()).map_err(|error| PodError::failed(&error.to_string()))?;
    if Value::of(&new.root) != expected {
        return Err(PodError::failed("the result would say something else than intended"));
    }
    if new.comments != old.comments {
        return Err(PodError::failed("a comment would change"));
    }
    if new.json != old.json {
        return Err(PodError::failed("the result would not be JSON"));
    }
    if !more(&new)?.is_empty() {
        return Err(PodError::failed("the result would need another change"));
    }
    Ok(new)
}

/// The changes as a person makes them.
pub(super) fn by_hand(changes: &[Change]) -> String {
    let indent = Indent { mapping: 2, sequence: 0 };
    let mut text = String::from("write it by hand:");
    for change in changes {
        let (title, lines) = match change {
            Change::Replace { path, value } => {
                (format!("set {} to", name(path)), indent.lines(value, 4))
            }
            Change::Insert { path, entry, .. } => {
                let lines = match entry {
                    Entry::Item(item) => indent.lines(&Value::List(vec![item.clone()]), 4),
                    Entry::Pair(key, value) => {
                        indent.lines(&Value::map([(key.as_str(), value.clone())]), 4)
                    }
                };
                (format!("add to {}", name(path)), lines)
            }
        };
        text += &["\n  ", &title, ":\n", &lines.join("\n")].concat();
    }
    text
}

fn name(path: &Path) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Index(index) => format!("[{index}]"),
            Step::Key(key) if key.contains(['.', '/']) => format!("[{key}]"),
            Step::Key(key) => format!(".{key}"),
        })
        .collect();
    let name = steps.concat();
    match name.strip_prefix('.') {
        Some(name) => name.to_owned(),
        None => "the top".to_owned(),
    }
}
