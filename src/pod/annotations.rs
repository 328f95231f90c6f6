//! Wished annotations against those that are there.

use super::PodError;
use super::extend::{create, sorted_index};
use super::tree::{Kind, Tree};
use super::value::{Change, Entry, Value, below};

pub(super) fn read(tree: &Tree) -> Result<Vec<(String, String)>, PodError> {
    let Some(metadata) = tree.get_map(&tree.root, "metadata")? else {
        return Ok(Vec::new());
    };
    let Some(annotations) = tree.get_map(metadata, "annotations")? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if let Kind::Map { entries, .. } = &annotations.kind {
        for pair in entries {
            let value = tree.follow(&pair.value).text();
            let (Some(key), Some(value)) = (pair.key.text(), value) else {
                return Err(PodError::at(pair.key.line, "an annotation is not a text"));
            };
            found.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(found)
}

pub(super) fn plan(
    tree: &Tree,
    wishes: &[(String, String)],
    changes: &mut Vec<Change>,
) -> Result<(), PodError> {
    let mut wishes = wishes.to_vec();
    wishes.sort();
    wishes.dedup();
    for pair in wishes.windows(2) {
        if let [(one, _), (two, _)] = pair
            && one == two
        {
            return Err(PodError::whole(format!("two values are wished for annotation {one}")));
        }
    }
    let metadata_path = below(&[], "metadata");
    let path = below(&metadata_path, "annotations");
    let metadata = tree.get_map(&tree.root, "metadata")?;
    let annotations = match metadata {
        Some(metadata) => tree.get_map(metadata, "annotations")?,
        None => None,
    };
    let names: Vec<&str> = match annotations.map(|annotations| &annotations.kind) {
        Some(Kind::Map { entries, .. }) => {
            entries.iter().map(|pair| pair.key.text().unwrap_or_default()).collect()
        }
        _ => Vec::new(),
    };
    let mut new = Vec::new();
    for (key, value) in wishes {
        match annotations.and_then(|annotations| annotations.pair(&key)) {
            Some(pair) if Value::of(tree.follow(&pair.value)).is_text(&value) => {}
            Some(_) => changes
                .push(Change::Replace { path: below(&path, &key), value: Value::Text(value) }),
            None => new.push((key, value)),
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    if !names.is_empty() {
        changes.extend(new.into_iter().map(|(key, value)| Change::Insert {
            path: path.clone(),
            index: sorted_index(&names, &key),
            entry: Entry::Pair(key, Value::Text(value)),
        }));
        return Ok(());
    }
    let entries =
        new.into_iter().map(|(key, value)| (Value::Text(key), Value::Text(value))).collect();
    let new = Value::Map(entries);
    changes.push(match metadata {
        Some(metadata) if !metadata.is_nothing() => {
            create(metadata, &metadata_path, "annotations", new)
        }
        _ => create(&tree.root, &[], "metadata", Value::map([("annotations", new)])),
    });
    Ok(())
}
