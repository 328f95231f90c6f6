//! YAML as nodes that know where they stand.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::PodError;

#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Without anchor and tag. Of a block scalar only the lines below its `|`.
    pub span: Range<usize>,
    pub line: usize,
    /// Of the first character (of a block sequence: the first dash), from 0.
    pub column: usize,
    pub anchor: Option<usize>,
    pub tag: Option<String>,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Nothing at all after a key or a dash.
    Empty,
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    List {
        flow: bool,
        items: Vec<Node>,
    },
    Map {
        flow: bool,
        entries: Vec<Pair>,
    },
    Alias(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub key: Node,
    pub value: Node,
}

pub(super) struct Tree {
    pub text: String,
    pub json: bool,
    pub root: Node,
    pub comments: Vec<String>,
    /// What aliases stand for.
    pub anchored: BTreeMap<usize, Node>,
}

impl Node {
    /// The text of a scalar, however it is quoted.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Scalar { text, style: ScalarStyle::Plain } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// Null, `[]` or `{}`.
    pub fn is_nothing(&self) -> bool {
        match &self.kind {
            Kind::List { items, .. } => items.is_empty(),
            Kind::Map { entries, .. } => entries.is_empty(),
            _ => self.is_null(),
        }
    }

    pub fn is_block_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. })
    }

    /// The entry of a mapping itself, aliases not followed.
    pub fn pair(&self, key: &str) -> Option<&Pair> {
        match &self.kind {
            Kind::Map { entries, .. } => entries.iter().find(|pair| pair.key.text() == Some(key)),
            _ => None,
        }
    }
}

impl Tree {
    /// What an alias stands for.
    pub fn follow<'a>(&'a self, node: &'a Node) -> &'a Node {
        match &node.kind {
            // An alias cannot stand for an alias.
            Kind::Alias(anchor) => self.anchored.get(anchor).unwrap_or(node),
            _ => node,
        }
    }

    /// The value of a key that is there and not null.
    pub fn get<'a>(&'a self, map: &'a Node, key: &str) -> Option<&'a Node> {
        map.pair(key).map(|pair| self.follow(&pair.value)).filter(|value| !value.is_null())
    }

    /// The text of a key that is there.
    pub fn get_text<'a>(&'a self, map: &'a Node, key: &str) -> Result<Option<&'a str>, PodError> {
        match self.get(map, key) {
            None => Ok(None),
            Some(node) => match node.text() {
                Some(text) => Ok(Some(text)),
                None => Err(PodError::at(node.line, format!("{key} is not a text"))),
            },
        }
    }

    /// The mapping under a key that is there.
    pub fn get_map<'a>(&'a self, map: &'a Node, key: &str) -> Result<Option<&'a Node>, PodError> {
        match self.get(map, key) {
            Some(node) if !matches!(node.kind, Kind::Map { .. }) => {
                Err(PodError::at(node.line, format!("{key} is not a mapping")))
            }
            found => Ok(found),
        }
    }

    /// The items of the sequence under a key, aliases not followed.
    pub fn get_list<'a>(&'a self, map: &'a Node, key: &str) -> Result<&'a [Node], PodError> {
        match self.get(map, key) {
            None => Ok(&[]),
            Some(node) => match &node.kind {
                Kind::List { items, .. } => Ok(items),
                _ => Err(PodError::at(node.line, format!("{key} is not a sequence"))),
            },
        }
    }
}
