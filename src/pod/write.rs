//! Changes as edits of the text. Whatever this gets wrong, `check` refuses.

use std::cmp::Reverse;

use granit_parser::ScalarStyle;

use crate::edit::Edit;

use super::PodError;
use super::block::Indent;
use super::flow::{self, Brackets};
use super::layout::Layout;
use super::scalar::{self, Place};
use super::tree::{Kind, Node, Pair, Tree};
use super::value::{Change, Entry, Step, Value};

pub(super) fn edits(tree: &Tree, changes: &[Change]) -> Result<Vec<Edit>, PodError> {
    let writer =
        Writer { tree, layout: Layout { text: &tree.text }, indent: Indent::of(&tree.root) };
    let mut edits = Vec::new();
    let mut rest = changes;
    while let [change, after @ ..] = rest {
        rest = after;
        match change {
            Change::Replace { path, value } => {
                let new = writer.replace(path, value)?;
                edits.extend(new.into_iter().map(|edit| (path.len(), edit)));
            }
            Change::Insert { path, index, entry } => {
                // Neighbours at one place share their commas.
                let mut entries = vec![entry];
                while let [Change::Insert { path: p, index: i, entry }, after @ ..] = rest
                    && (p, i) == (path, index)
                {
                    entries.push(entry);
                    rest = after;
                }
                let new = writer.insert(path, *index, &entries)?;
                edits.extend(new.into_iter().map(|edit| (path.len(), edit)));
            }
        }
    }
    // At one place the inner collection ends first. Stable: its own changes keep their order.
    edits.sort_by_key(|(depth, edit)| (edit.range.start, Reverse(*depth)));
    Ok(edits.into_iter().map(|(_, edit)| edit).collect())
}

struct Writer<'a> {
    tree: &'a Tree,
    layout: Layout<'a>,
    indent: Indent,
}

/// A node that may be changed.
struct Target<'a> {
    node: &'a Node,
    /// The entry of a mapping that the node is the value of.
    pair: Option<&'a Pair>,
    /// Somewhere between brackets.
    flow: bool,
}

impl<'a> Writer<'a> {
    fn walk(&self, path: &[Step]) -> Result<Target<'a>, PodError> {
        let mut target = Target { node: &self.tree.root, pair: None, flow: false };
        movable(target.node)?;
        for step in path {
            target = match (&target.node.kind, step) {
                (Kind::Map { flow, .. }, Step::Key(key)) => {
                    let pair = target.node.pair(key);
                    let pair = pair.ok_or_else(|| PodError::failed("a key has gone"))?;
                    Target { node: &pair.value, pair: Some(pair), flow: target.flow || *flow }
                }
                (Kind::List { flow, items }, Step::Index(index)) => Target {
                    node: items.get(*index).ok_or_else(|| PodError::failed("an item has gone"))?,
                    pair: None,
                    flow: target.flow || *flow,
                },
                _ => return Err(PodError::failed("a collection has gone")),
            };
            movable(target.node)?;
        }
        Ok(target)
    }

    fn replace(&self, path: &[Step], value: &Value) -> Result<Vec<Edit>, PodError> {
        let target = self.walk(path)?;
        let node = target.node;
        let Value::Text(text) = value else {
            return self.fill(&target, value);
        };
        let place = Place { json: self.tree.json, flow: target.flow };
        match (&node.kind, target.pair) {
            (Kind::Scalar { .. }, _) if node.is_block_scalar() => {
                Err(PodError::at(node.line, "a text that would have to change is a block (| or >)"))
            }
            (Kind::Scalar { style, .. }, _) => {
                let text = scalar::write(text, *style, place);
                Ok(vec![Edit::replace(node.span.clone(), text)])
            }
            (Kind::Empty, Some(pair)) => {
                let text = scalar::write(text, ScalarStyle::Plain, place);
                Ok(vec![Edit::insert(self.layout.after_colon(pair)?, format!(" {text}"))])
            }
            _ => Err(PodError::at(node.line, "something else than a text stands here")),
        }
    }

    /// Puts a collection where a key has nothing, `[]`, `{}` or null.
    fn fill(&self, target: &Target<'_>, value: &Value) -> Result<Vec<Edit>, PodError> {
        let pair = target.pair.ok_or_else(|| PodError::failed("no key holds the collection"))?;
        let node = target.node;
        let colon = self.layout.after_colon(pair)?;
        let empty = matches!(node.kind, Kind::Empty);
        let between = self.layout.slice(colon, node.span.start);
        let within = self.layout.slice(node.span.start, node.span.end);
        if target.flow || (!empty && (between.contains('\n') || within.contains('\n'))) {
            let text = flow::write(value, ScalarStyle::Plain, self.tree.json);
            return Ok(vec![if empty {
                Edit::insert(colon, format!(" {text}"))
            } else {
                Edit::replace(node.span.clone(), text)
            }]);
        }
        let columns = match value {
            Value::List(_) => self.indent.sequence,
            _ => self.indent.mapping,
        };
        let lines = self.indent.lines(value, pair.key.column + columns);
        let mut edits = Vec::new();
        let mut end = colon;
        if !empty {
            edits.push(Edit::replace(colon..node.span.end, ""));
            end = node.span.end;
        }
        edits.push(self.layout.lines_after(end, &lines, None)?);
        Ok(edits)
    }

    fn insert(&self, path: &[Step], index: usize, new: &[&Entry]) -> Result<Vec<Edit>, PodError> {
        let target = self.walk(path)?;
        let node = target.node;
        let entries: Vec<(usize, usize)> = match &node.kind {
            Kind::List { items, .. } => {
                items.iter().map(|item| (item.span.start, self.layout.content_end(item))).collect()
            }
            Kind::Map { entries, .. } => entries
                .iter()
                .map(|pair| (pair.key.span.start, self.layout.pair_end(pair)))
                .collect(),
            _ => return Err(PodError::failed("a collection has gone")),
        };
        let style = neighbour_style(node, index);
        if is_flow(node) {
            let brackets =
                Brackets { text: &self.tree.text, open: node.span.start + 1, entries: &entries };
            let new: Vec<String> =
                new.iter().map(|entry| flow::entry(entry, style, self.tree.json)).collect();
            return Ok(brackets.insert(index, &new));
        }
        let gap = self.layout.gap(node);
        let lines: Vec<String> = new
            .iter()
            .flat_map(|entry| self.indent.entry(entry, node.column, gap, style))
            .collect();
        let previous = index.checked_sub(1).and_then(|index| entries.get(index));
        Ok(vec![match previous {
            Some((_, end)) => self.layout.lines_after(*end, &lines, Some(node.column))?,
            None => self.layout.lines_before(node, &lines),
        }])
    }
}

/// A change of something that is named elsewhere would change that, too, or hides what it is.
fn movable(node: &Node) -> Result<(), PodError> {
    let what = match (&node.kind, node.anchor, &node.tag) {
        (Kind::Alias(_), ..) => "an alias (*)",
        (_, Some(_), _) => "an anchor (&)",
        (_, _, Some(_)) => "a tag (!)",
        _ => return Ok(()),
    };
    let message = format!("{what} stands where the manifest would have to change");
    Err(PodError::at(node.line, message))
}

fn is_flow(node: &Node) -> bool {
    matches!(node.kind, Kind::List { flow: true, .. } | Kind::Map { flow: true, .. })
}

/// How the flag before or after a new item is quoted.
fn neighbour_style(node: &Node, index: usize) -> ScalarStyle {
    let Kind::List { items, .. } = &node.kind else {
        return ScalarStyle::Plain;
    };
    let before = index.checked_sub(1).and_then(|index| items.get(index));
    let after = items.get(index);
    let is_flag = |item: &&Node| item.text().is_some_and(|text| text.starts_with('-'));
    let neighbour = before.filter(is_flag).or(after.filter(is_flag)).or(before).or(after);
    match neighbour.map(|neighbour| &neighbour.kind) {
        Some(Kind::Scalar { style, .. }) => *style,
        _ => ScalarStyle::Plain,
    }
}
