//! Any YAML or JSON of Kubernetes as settings that know their lines, read as manifests are: what two readers
//! may take in two ways (tags, merge keys, keys given twice) is an error with its line.

use granit_parser::ScalarStyle;

use super::scalar::reads_as_text;
use super::tree::{Kind, Node, Tree};
use super::{PodError, parse};

/// One document of a file.
pub struct Document {
    tree: Tree,
    lines: Lines,
}

/// Which lines of a file a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Its own, with so many before them.
    After(usize),
    /// All in one, since it is written with escapes or folded.
    In(usize),
}

impl Lines {
    fn of(self, line: usize) -> usize {
        match self {
            Lines::After(before) => before + line,
            Lines::In(line) => line,
        }
    }
}

/// A value in a document.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    document: &'a Document,
    node: &'a Node,
}

/// The documents of a file, each with its own error. The separator is that of Kubernetes' reader
/// (apimachinery, `util/yaml`, `NewYAMLReader`): a line that starts with `---`. Empty ones are left out.
/// `lines` are those of the text in its file.
pub fn documents(source: &[u8], lines: Lines) -> Vec<Result<Document, PodError>> {
    let mut found = Vec::new();
    let mut own: Vec<u8> = Vec::new();
    let mut is_empty = true;
    let mut count = 0;
    let mut finish = |own: &mut Vec<u8>, is_empty: &mut bool| {
        if !*is_empty {
            let document = parse::parse(own).map(|tree| Document { tree, lines });
            found.push(document.map_err(|error| PodError {
                line: error.line.map(|line| lines.of(line)),
                ..error
            }));
        }
        own.clear();
        *is_empty = true;
    };
    for line in source.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii();
        count += 1;
        if let Some(rest) = line.strip_prefix(b"---") {
            finish(&mut own, &mut is_empty);
            // So that lines keep their numbers.
            own.resize(count - 1, b'\n');
            own.extend(rest);
            is_empty = rest.trim_ascii().is_empty() || rest.trim_ascii().starts_with(b"#");
        } else {
            own.extend(line);
            is_empty &= content.is_empty() || content.starts_with(b"#");
        }
    }
    finish(&mut own, &mut is_empty);
    found
}

impl Document {
    pub fn root(&self) -> Setting<'_> {
        Setting { document: self, node: self.tree.follow(&self.tree.root) }
    }
}

impl<'a> Setting<'a> {
    pub fn line(self) -> usize {
        self.document.lines.of(self.node.line)
    }

    pub fn is_mapping(self) -> bool {
        matches!(self.node.kind, Kind::Map { .. })
    }

    /// What is under a key and not null.
    pub fn get(self, key: &str) -> Option<Setting<'a>> {
        let node = self.document.tree.get(self.node, key)?;
        Some(Setting { node, ..self })
    }

    /// A text, as Kubernetes reads it: `1.36` and `true` are none unless they are quoted.
    pub fn text(self) -> Option<&'a str> {
        let text = self.node.text()?;
        let is_plain = matches!(&self.node.kind, Kind::Scalar { style: ScalarStyle::Plain, .. });
        (!is_plain || self.node.tag.is_some() || reads_as_text(text)).then_some(text)
    }

    /// A boolean, as YAML 1.1 spells them.
    pub fn boolean(self) -> Option<bool> {
        let is_plain = matches!(&self.node.kind, Kind::Scalar { style: ScalarStyle::Plain, .. });
        match self.node.text().filter(|_| is_plain && self.node.tag.is_none())? {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "y" | "Y" | "on" | "On" | "ON" => {
                Some(true)
            }
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "n" | "N" | "off" | "Off"
            | "OFF" => Some(false),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(self) -> Option<impl Iterator<Item = Setting<'a>>> {
        match &self.node.kind {
            Kind::List { items, .. } => {
                let tree = &self.document.tree;
                Some(items.iter().map(move |item| Setting { node: tree.follow(item), ..self }))
            }
            _ => None,
        }
    }

    /// The entries of a mapping; keys that are no text are errors of the document.
    pub fn entries(self) -> Option<impl Iterator<Item = (&'a str, Setting<'a>)>> {
        match &self.node.kind {
            Kind::Map { entries, .. } => {
                let tree = &self.document.tree;
                Some(entries.iter().filter_map(move |pair| {
                    let value = Setting { node: tree.follow(&pair.value), ..self };
                    Some((pair.key.text()?, value))
                }))
            }
            _ => None,
        }
    }

    /// Which lines of the file a text has that is a document itself.
    pub fn text_lines(self) -> Lines {
        let lines = self.document.lines;
        match (&self.node.kind, lines) {
            (Kind::Scalar { style: ScalarStyle::Literal, .. }, Lines::After(before)) => {
                let start = self.document.tree.text.get(..self.node.span.start).unwrap_or_default();
                Lines::After(before + start.matches('\n').count())
            }
            _ => Lines::In(self.line()),
        }
    }
}
