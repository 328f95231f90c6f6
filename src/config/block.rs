//! Reads one node by its shape: which words it knows and whether each takes one value or a list.
//!
//! A property and a child node mean the same wherever one value is meant: `node "w1" role="worker"` and
//! `node "w1" { role "worker" }`.

use super::problem::{At, Problem, quoted, suggestion};
use super::shape::{Field, Many, One, Shape, Takes, written};
use super::tree::{Node, Value, Word};

/// A node's values, sorted by word.
#[derive(Debug)]
pub struct Block<'n> {
    pub shape: &'static Shape,
    /// The name's place, else that of the node's word.
    pub at: At,
    pub name: Option<&'n Value>,
    values: Vec<Vec<&'n Value>>,
    /// Where each word was first written.
    places: Vec<Option<At>>,
    /// In the order written.
    pub blocks: Vec<Block<'n>>,
}

impl<'n> Block<'n> {
    pub fn read(node: &'n Node, shape: &'static Shape, problems: &mut Vec<Problem>) -> Self {
        let mut block = Block {
            shape,
            at: node.values.first().map_or(node.word.at, |name| name.at),
            name: None,
            values: vec![Vec::new(); shape.fields.len()],
            places: vec![None; shape.fields.len()],
            blocks: Vec::new(),
        };
        block.read_name(node, problems);
        for (word, value) in &node.properties {
            if let Some(field) = block.field(word, problems) {
                if let Some(inner) = shape.fields.get(field).and_then(|field| field.shape) {
                    problems.push(as_property(inner, word));
                    continue;
                }
                if shape.fields.get(field).map(|f| f.takes) == Some(Takes::Pairs) {
                    problems.push(no_pair(word));
                    continue;
                }
                let known = block.place(field);
                if let Some(first) = known {
                    let list = shape.fields.get(field).is_some_and(|f| f.takes == Takes::Many);
                    let help = if list {
                        format!("write several in the block: {} \"a\" \"b\"", word.text)
                    } else {
                        "delete one of the two".to_owned()
                    };
                    problems.push(twice(word, first).help(help));
                } else {
                    block.put(field, word.at, value);
                }
            }
        }
        for child in &node.children {
            if let Some(field) = block.field(&child.word, problems) {
                block.read_child(child, field, problems);
            }
        }
        block
    }

    fn read_name(&mut self, node: &'n Node, problems: &mut Vec<Problem>) {
        let word = self.shape.word;
        let mut values = node.values.iter();
        if let Some(example) = self.shape.example {
            self.name = values.next();
            if self.name.is_none() {
                problems.push(
                    Problem::new(node.word.at, format!("`{word}` needs a name"))
                        .help(format!("write {word} {}", written(example))),
                );
            }
        }
        if let Some(extra) = values.next() {
            let message = match self.name {
                Some(_) => format!("`{word}` takes one name"),
                None => format!("`{word}` takes no name"),
            };
            problems.push(
                Problem::new(extra.at, message).label("one too many").help(self.example_of_use()),
            );
        }
    }

    fn example_of_use(&self) -> String {
        let first = self.shape.fields.first().map_or("", |field| field.word);
        format!("settings are written as {first}=\"…\", or in a block as {first} \"…\"")
    }

    fn place(&self, field: usize) -> Option<At> {
        self.places.get(field).copied().flatten()
    }

    fn put(&mut self, field: usize, at: At, value: &'n Value) {
        if let Some(place) = self.places.get_mut(field) {
            place.get_or_insert(at);
        }
        if let Some(values) = self.values.get_mut(field) {
            values.push(value);
        }
    }

    /// Which field a word names, or a problem.
    fn field(&self, word: &Word, problems: &mut Vec<Problem>) -> Option<usize> {
        let shape = self.shape;
        let found = shape.fields.iter().position(|field| field.word == &*word.text);
        if found.is_none() {
            let problem = unknown(word, &format!("on `{}`", shape.word));
            problems.push(problem.help(if shape.fields.is_empty() {
                format!("`{}` has no settings", shape.word)
            } else {
                suggestion(&word.text, shape.fields.iter().map(|field| field.word))
            }));
        }
        found
    }

    fn read_child(&mut self, child: &'n Node, field: usize, problems: &mut Vec<Problem>) {
        let word = &child.word;
        if let Some(shape) = self.shape.fields.get(field).and_then(|field| field.shape) {
            if let Some(place) = self.places.get_mut(field) {
                place.get_or_insert(word.at);
            }
            self.blocks.push(Block::read(child, shape, problems));
            return;
        }
        if let Some((property, _)) = child.properties.first() {
            problems.push(
                Problem::new(property.at, format!("`{}` takes plain values", word.text))
                    .label("not a setting of it")
                    .help(format!("write {} \"…\"", word.text)),
            );
            return;
        }
        if let Some(grandchild) = child.children.first() {
            problems.push(
                Problem::new(grandchild.word.at, format!("`{}` takes no block", word.text))
                    .help("is a `}` missing before this line?"),
            );
            return;
        }
        if child.values.is_empty() {
            problems.push(
                Problem::new(word.at, format!("`{}` needs a value", word.text))
                    .help(format!("write {} \"…\"", word.text)),
            );
            return;
        }
        let takes = self.shape.fields.get(field).map(|field| field.takes);
        if takes == Some(Takes::Pairs) && child.values.len() != 2 {
            problems.push(no_pair(word));
            return;
        }
        if takes == Some(Takes::One) {
            if let Some(first) = self.place(field) {
                problems.push(twice(word, first).help("delete one of the two"));
                return;
            }
            if let Some(extra) = child.values.get(1) {
                problems.push(
                    Problem::new(extra.at, format!("`{}` takes one value", word.text))
                        .label("one too many")
                        .help("delete the others"),
                );
            }
        }
        let wanted = if takes == Some(Takes::One) { 1 } else { usize::MAX };
        for value in child.values.iter().take(wanted) {
            self.put(field, word.at, value);
        }
    }

    /// None where this kind of node does not have the word.
    fn index(&self, field: Field) -> Option<usize> {
        self.shape.fields.iter().position(|known| known.word == field.word)
    }

    fn values(&self, field: Field) -> &[&'n Value] {
        self.index(field).and_then(|index| self.values.get(index)).map_or(&[], Vec::as_slice)
    }

    /// The value of a word that takes one.
    pub fn one<T>(&self, one: One<T>) -> Option<&'n Value> {
        self.values(one.field).first().copied()
    }

    /// All values of a word, in the order written.
    pub fn many<T>(&self, many: Many<T>) -> &[&'n Value] {
        self.values(many.field)
    }

    /// Where a word is written, if it is.
    pub fn written(&self, field: Field) -> Option<At> {
        self.index(field).and_then(|index| self.place(index))
    }

    /// Every word that is written, and where.
    pub fn words(&self) -> impl Iterator<Item = (&'static str, At)> {
        let fields = self.shape.fields.iter().map(|field| field.word);
        fields.zip(&self.places).filter_map(|(word, at)| at.map(|at| (word, at)))
    }
}

/// `user "jane" bind="edit"`
fn as_property(shape: &Shape, word: &Word) -> Problem {
    let first = shape.fields.first().map_or("", |field| field.word);
    let message = format!("`{}` takes settings of its own", shape.word);
    let name = shape.example.map_or_else(String::new, |name| format!(" {}", written(name)));
    let help = format!("write it in the block: {}{name} {first}=\"…\"", shape.word);
    Problem::new(word.at, message).help(help)
}

pub fn unknown(word: &Word, place: &str) -> Problem {
    Problem::new(word.at, format!("unknown word {} {place}", quoted(&word.text)))
        .label("not known here")
}

fn no_pair(word: &Word) -> Problem {
    let word_text = &word.text;
    Problem::new(word.at, format!("`{word_text}` takes a name and a value"))
        .help(format!("write it in the block: {word_text} \"name\" \"value\""))
}

fn twice(word: &Word, first: At) -> Problem {
    Problem::new(word.at, format!("`{}` is given twice", word.text)).label("again").first(first)
}
