//! Where something new goes in a collection: its sorted place if the others are sorted, else the end.

use super::tree::{Kind, Node};
use super::value::{Change, Entry, Step, Value, below};

/// The index for a new name among those that are there. One name alone says nothing about an order.
pub(super) fn sorted_index(names: &[&str], new: &str) -> usize {
    let later = names.iter().position(|name| *name > new);
    match later {
        Some(index) if names.len() > 1 && names.is_sorted() => index,
        _ => names.len(),
    }
}

/// Puts a collection under a key that is missing or holds nothing.
pub(super) fn create(map: &Node, path: &[Step], key: &str, collection: Value) -> Change {
    if map.pair(key).is_some() {
        return Change::Replace { path: below(path, key), value: collection };
    }
    let names: Vec<&str> = match &map.kind {
        Kind::Map { entries, .. } => {
            entries.iter().map(|pair| pair.key.text().unwrap_or_default()).collect()
        }
        _ => Vec::new(),
    };
    Change::Insert {
        path: path.to_vec(),
        index: sorted_index(&names, key),
        entry: Entry::Pair(key.to_owned(), collection),
    }
}

/// Adds named items to the sequence under a key, which may be missing.
pub(super) fn add_items(
    map: &Node,
    path: &[Step],
    key: &str,
    there: &[&str],
    mut new: Vec<(String, Value)>,
    changes: &mut Vec<Change>,
) {
    new.sort_by(|one, two| one.0.cmp(&two.0));
    if new.is_empty() {
        return;
    }
    if there.is_empty() {
        let items = new.into_iter().map(|(_, item)| item).collect();
        changes.push(create(map, path, key, Value::List(items)));
        return;
    }
    for (name, item) in new {
        changes.push(Change::Insert {
            path: below(path, key),
            index: sorted_index(there, &name),
            entry: Entry::Item(item),
        });
    }
}
