//! What a manifest says, without where it stands; and what a change means for it.

use granit_parser::ScalarStyle;

use super::PodError;
use super::scalar::reads_as_text;
use super::tree::{Kind, Node};

/// Comments, quotes and blanks are gone; everything that any reader could tell apart is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// A plain scalar that may be a null, a boolean or a number.
    Plain(String),
    List(Vec<Value>),
    /// In the order of the file, which nobody has to keep but kpki does.
    Map(Vec<(Value, Value)>),
    Alias(usize),
    Marked {
        anchor: Option<usize>,
        tag: Option<String>,
        value: Box<Value>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

pub(super) type Path = Vec<Step>;

pub(super) fn below(path: &[Step], key: &str) -> Path {
    let mut path = path.to_vec();
    path.push(Step::Key(key.to_owned()));
    path
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Item(Value),
    Pair(String, Value),
}

/// One step from the manifest as it is to the wished one. Paths and indices are of the old manifest;
/// of several insertions at one index the first one given comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A scalar by a text, or something empty by a collection.
    Replace {
        path: Path,
        value: Value,
    },
    Insert {
        path: Path,
        index: usize,
        entry: Entry,
    },
}

impl Value {
    /// Whatever the order of keys.
    pub fn means_the_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Map(one), Value::Map(other)) => {
                let same = |(key, value): &(Value, Value)| {
                    let mut found = other.iter().filter(|(known, _)| known == key);
                    found.any(|(_, other)| value.means_the_same(other))
                };
                one.len() == other.len() && one.iter().all(same)
            }
            (Value::List(one), Value::List(other)) => {
                let mut pairs = one.iter().zip(other);
                one.len() == other.len() && pairs.all(|(one, other)| one.means_the_same(other))
            }
            (one, other) => one == other,
        }
    }

    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    pub fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        let entry = |(key, value): (&str, Value)| (Value::text(key), value);
        Value::Map(entries.into_iter().map(entry).collect())
    }

    pub fn is_text(&self, wanted: &str) -> bool {
        matches!(self, Value::Text(text) if text == wanted)
    }

    pub fn of(node: &Node) -> Value {
        let value = match &node.kind {
            Kind::Empty => Value::Plain(String::new()),
            Kind::Scalar { text, style: ScalarStyle::Plain } if !reads_as_text(text) => {
                Value::Plain(text.clone())
            }
            Kind::Scalar { text, .. } => Value::Text(text.clone()),
            Kind::List { items, .. } => Value::List(items.iter().map(Value::of).collect()),
            Kind::Map { entries, .. } => {
                let pair =
                    |pair: &super::tree::Pair| (Value::of(&pair.key), Value::of(&pair.value));
                Value::Map(entries.iter().map(pair).collect())
            }
            Kind::Alias(anchor) => Value::Alias(*anchor),
        };
        if node.anchor.is_none() && node.tag.is_none() {
            return value;
        }
        Value::Marked { anchor: node.anchor, tag: node.tag.clone(), value: Box::new(value) }
    }

    fn child(&mut self, step: &Step) -> Option<&mut Value> {
        match (self, step) {
            (Value::List(items), Step::Index(index)) => items.get_mut(*index),
            (Value::Map(entries), Step::Key(key)) => entries
                .iter_mut()
                .find(|(name, _)| matches!(name, Value::Text(name) | Value::Plain(name) if name == key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    fn at(&mut self, path: &[Step]) -> Option<&mut Value> {
        path.iter().try_fold(self, |value, step| value.child(step))
    }

    fn apply(&mut self, change: &Change) -> Option<()> {
        match change {
            Change::Replace { path, value } => *self.at(path)? = value.clone(),
            Change::Insert { path, index, entry } => match (self.at(path)?, entry) {
                (Value::List(items), Entry::Item(item)) if *index <= items.len() => {
                    items.insert(*index, item.clone());
                }
                (Value::Map(entries), Entry::Pair(key, value)) if *index <= entries.len() => {
                    entries.insert(*index, (Value::text(key), value.clone()));
                }
                _ => return None,
            },
        }
        Some(())
    }
}

/// The manifest as it must be after the changes.
pub(super) fn expected(root: &Node, changes: &[Change]) -> Result<Value, PodError> {
    let mut value = Value::of(root);
    let (replace, mut insert): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| matches!(change, Change::Replace { .. }));
    // From the last index to the first, so that none moves before it was used.
    insert.sort_by_key(|change| match change {
        Change::Insert { index, .. } => *index,
        Change::Replace { .. } => 0,
    });
    insert.reverse();
    for change in replace.into_iter().chain(insert) {
        value
            .apply(change)
            .ok_or_else(|| PodError::failed("a change has no place in the manifest"))?;
    }
    Ok(value)
}
