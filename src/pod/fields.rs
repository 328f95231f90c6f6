//! What a manifest means to Kubernetes: every field of the Pod by its path, and the process's flags.
//!
//! A null and an empty list are nothing to Kubernetes, an empty mapping is something. Values are as in the
//! file where they are texts; a text that a reader could take for a number or a boolean keeps quotes.

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::ScalarStyle;

use super::field_path::{CONTAINERS, FieldPath, FieldStep, KEYS};
use super::scalar::reads_as_text;
use super::tree::{Kind, Node, Pair, Tree};
use super::{PodError, Process, argv, locate, parse};

/// One manifest as a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFields {
    /// Of the container that runs the process.
    pub container: String,
    /// Of the process, by name without dashes; of one that is given several times all
    /// values, with a comma and a blank between them.
    pub flags: BTreeMap<String, String>,
    /// All else.
    pub fields: BTreeMap<FieldPath, String>,
}

/// Aliases are followed: what stands once may be read many times.
const NODES: usize = 20_000;

pub fn fields(source: &[u8], process: Process) -> Result<PodFields, PodError> {
    of_tree(&parse::parse(source)?, process)
}

pub(super) fn of_tree(tree: &Tree, process: Process) -> Result<PodFields, PodError> {
    let pod = locate::pod(tree, process)?;
    let argv::Argv { binary, flags: given, .. } = argv::read(tree, &pod)?;
    let mut flags: BTreeMap<String, String> = BTreeMap::new();
    for flag in given {
        let values = flags.entry(flag.name).or_default();
        if !values.is_empty() {
            // Not as in one list: of most flags the last one counts.
            values.push_str(", ");
        }
        values.push_str(&flag.value);
    }
    let container = tree.get_text(pod.container, "name")?.unwrap_or_default().to_owned();
    let mut reader = Reader { tree, container, fields: BTreeMap::new(), nodes: 0 };
    reader.node(&tree.root, &FieldPath::default())?;
    if let Some(binary) = binary {
        let container = FieldPath::default().key("spec").key("containers").item(&reader.container);
        reader.fields.insert(container.key("command"), binary);
    }
    Ok(PodFields { container: reader.container, flags, fields: reader.fields })
}

struct Reader<'t> {
    tree: &'t Tree,
    container: String,
    fields: BTreeMap<FieldPath, String>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn node(&mut self, node: &'t Node, path: &FieldPath) -> Result<(), PodError> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(PodError::at(node.line, "aliases say more than any Pod does")
                .help("write the values out"));
        }
        let node = self.tree.follow(node);
        if is_null(node) {
            return Ok(());
        }
        let before = self.fields.len();
        match &node.kind {
            Kind::Alias(_) => {
                return Err(PodError::at(node.line, "an alias stands for what it is in"));
            }
            Kind::Empty | Kind::Scalar { .. } => {
                self.fields.insert(path.clone(), scalar(node));
            }
            Kind::List { items, .. } => self.list(items, path)?,
            Kind::Map { entries, .. } => {
                for Pair { key, value } in entries {
                    let Some(name) = key.text() else {
                        return Err(PodError::at(key.line, "a key that is no text"));
                    };
                    let path = path.key(name);
                    // Read as a binary and its flags.
                    if !self.is_command_line(&path) {
                        self.node(value, &path)?;
                    }
                }
                if self.fields.len() == before {
                    self.fields.insert(path.clone(), "{}".to_owned());
                }
            }
        }
        Ok(())
    }

    fn is_command_line(&self, path: &FieldPath) -> bool {
        path.in_container().is_some_and(|(list, name, rest)| {
            let is_list = |key: &str| matches!(key, "command" | "args");
            list == "containers"
                && name == self.container
                && matches!(rest, [FieldStep::Key(key)] if is_list(key))
        })
    }

    fn list(&mut self, items: &'t [Node], path: &FieldPath) -> Result<(), PodError> {
        let own = match path.0.last() {
            Some(FieldStep::Key(name)) => name.as_str(),
            _ => "",
        };
        let key = KEYS.iter().find(|(list, _)| *list == own).map(|(_, key)| *key);
        let tree = self.tree;
        if let Some(key) = key {
            let mut names = BTreeSet::new();
            for item in items {
                let found = tree.follow(item);
                if !matches!(found.kind, Kind::Map { .. }) {
                    return Err(PodError::at(
                        item.line,
                        format!("an item of {own} is not a mapping"),
                    ));
                }
                let mut name = tree.get_text(found, key)?.unwrap_or_default().to_owned();
                if let Some(protocol) = tree.get_text(found, "protocol")?
                    && own == "ports"
                    && protocol != "TCP"
                {
                    name = format!("{name}/{protocol}");
                }
                if !names.insert(name.clone()) {
                    let message = format!("two items of {own} have the {key} {name:?}");
                    return Err(PodError::at(item.line, message).help("keep one of the two"));
                }
                self.node(item, &path.item(&name))?;
            }
            // They run one after the other.
            if own == CONTAINERS[0] && items.len() > 1 {
                let names = items.iter().map(|item| {
                    let name = tree.get_text(tree.follow(item), key);
                    name.ok().flatten().unwrap_or_default().to_owned()
                });
                self.fields.insert(path.clone(), in_brackets(names));
            }
            return Ok(());
        }
        let is_scalar = |item: &Node| {
            let item = tree.follow(item);
            is_null(item) || matches!(item.kind, Kind::Empty | Kind::Scalar { .. })
        };
        if items.iter().all(is_scalar) {
            if !items.is_empty() {
                let words = items.iter().map(|item| {
                    let item = tree.follow(item);
                    if is_null(item) { "null".to_owned() } else { scalar(item) }
                });
                self.fields.insert(path.clone(), in_brackets(words));
            }
            return Ok(());
        }
        for (index, item) in items.iter().enumerate() {
            self.node(item, &path.item(&index.to_string()))?;
        }
        Ok(())
    }
}

/// `!!str` makes a text even of nothing.
fn is_null(node: &Node) -> bool {
    node.tag.is_none() && node.is_null()
}

fn scalar(node: &Node) -> String {
    let text = node.text().unwrap_or_default();
    let is_plain = matches!(node.kind, Kind::Scalar { style: ScalarStyle::Plain, .. });
    if reads_as_text(text) {
        return text.to_owned();
    }
    if !is_plain || node.tag.is_some() {
        return format!("{text:?}");
    }
    // As Kubernetes' reader resolves them (YAML 1.1).
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "True" | "TRUE" => "true",
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "False" | "FALSE" => "false",
        other => other,
    }
    .to_owned()
}

/// `[sh, -c, "a, b"]`
fn in_brackets(words: impl Iterator<Item = String>) -> String {
    let quoted = words.map(|word| {
        let plain = !word.contains([',', '"', '[', ']']) && word.trim() == word;
        if plain || word.starts_with('"') { word } else { format!("{word:?}") }
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}
