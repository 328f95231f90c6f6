//! The Pod of a file, and in it the container that runs the process.

use super::tree::{Kind, Node, Tree};
use super::value::{Path, Step, below};
use super::{PodError, Process};

pub(super) struct Pod<'a> {
    pub process: Process,
    pub spec: &'a Node,
    pub container: &'a Node,
    /// Of the container.
    pub path: Path,
    /// How many words of the command line stand before the process's flags: a wrapper's, and the binary.
    pub before_flags: usize,
}

impl Pod<'_> {
    pub fn below(&self, key: &str) -> Path {
        below(&self.path, key)
    }
}

const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "busybox"];

pub(super) fn pod(tree: &Tree, process: Process) -> Result<Pod<'_>, PodError> {
    let root = &tree.root;
    if !matches!(root.kind, Kind::Map { .. }) {
        return Err(PodError::at(root.line, "the manifest is not a mapping"));
    }
    let kind = tree.get_text(root, "kind")?;
    let version = tree.get_text(root, "apiVersion")?;
    match (version, kind) {
        (Some("v1"), Some("Pod")) => {}
        (_, Some(list)) if list.ends_with("List") => {
            let help = "the kubelet reads one Pod from a file; give every Pod its own";
            return Err(PodError::at(root.line, format!("a {list}, not a Pod")).help(help));
        }
        (version, kind) => {
            let message = format!(
                "not a Pod: apiVersion {}, kind {}",
                version.unwrap_or("missing"),
                kind.unwrap_or("missing")
            );
            return Err(PodError::at(root.line, message)
                .help("a static pod starts with apiVersion: v1 and kind: Pod"));
        }
    }
    let Some(spec) = tree.get_map(root, "spec")? else {
        return Err(PodError::at(root.line, "the Pod has no spec"));
    };
    let (index, container) = container(tree, spec, process)?;
    let mut path = below(&below(&[], "spec"), "containers");
    path.push(Step::Index(index));
    let before_flags = before_flags(tree, container, process)?;
    Ok(Pod { process, spec, container, path, before_flags })
}

/// Who starts the binary counts; a name only where that does not decide.
fn container<'a>(
    tree: &'a Tree,
    spec: &'a Node,
    process: Process,
) -> Result<(usize, &'a Node), PodError> {
    let wanted = process.name();
    let mut by_binary = Vec::new();
    let mut by_name = Vec::new();
    for (index, item) in tree.get_list(spec, "containers")?.iter().enumerate() {
        let item = tree.follow(item);
        if !matches!(item.kind, Kind::Map { .. }) {
            return Err(PodError::at(item.line, "a container is not a mapping"));
        }
        let Some(name) = tree.get_text(item, "name")? else {
            return Err(PodError::at(item.line, "a container has no name")
                .help("Kubernetes refuses such a Pod: name it"));
        };
        let named = name == wanted;
        let binary = program(&words(tree, item)?, process).is_some();
        if binary {
            by_binary.push((index, item, named));
        }
        if named {
            by_name.push((index, item, named));
        }
    }
    let mut found = if by_binary.is_empty() { by_name } else { by_binary };
    if found.len() > 1 && found.iter().any(|(_, _, named)| *named) {
        found.retain(|(_, _, named)| *named);
    }
    match found.as_slice() {
        [(index, container, _)] => Ok((*index, container)),
        [] => Err(PodError::at(spec.line, format!("no container runs {wanted}"))
            .help(format!("a container's command starts with {wanted}, or its name is {wanted}"))),
        [(_, first, _), (_, second, _), ..] => {
            let message =
                format!("two containers could be {wanted}, the first in line {}", first.line);
            Err(PodError::at(second.line, message)
                .help(format!("name exactly one of them {wanted}")))
        }
    }
}

/// Which of the four processes the Pod of a file runs, if any: by the binary, or by a container's name.
pub(super) fn process(tree: &Tree) -> Result<Option<Process>, PodError> {
    let root = &tree.root;
    if !matches!(root.kind, Kind::Map { .. }) {
        return Err(PodError::at(root.line, "the manifest is not a mapping"));
    }
    if (tree.get_text(root, "apiVersion")?, tree.get_text(root, "kind")?)
        != (Some("v1"), Some("Pod"))
    {
        return Err(PodError::at(root.line, "not a Pod of apiVersion v1"));
    }
    let Some(spec) = tree.get_map(root, "spec")? else {
        return Err(PodError::at(root.line, "the Pod has no spec"));
    };
    for item in tree.get_list(spec, "containers")? {
        let item = tree.follow(item);
        let words = words(tree, item)?;
        let name = tree.get_text(item, "name")?;
        let found = Process::ALL
            .into_iter()
            .find(|process| program(&words, *process).is_some() || name == Some(process.name()));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Of command and args; what is no text ends them.
fn words<'a>(tree: &'a Tree, container: &'a Node) -> Result<Vec<&'a str>, PodError> {
    let command = tree.get_list(container, "command")?;
    let args = tree.get_list(container, "args")?;
    Ok(command.iter().chain(args).map_while(|word| tree.follow(word).text()).collect())
}

/// A program that only starts the one behind its own flags.
struct Wrapper {
    name: &'static str,
    /// Flags that take the next word, or a value behind `=`.
    valued: &'static [&'static str],
    /// Flags that stand alone, or with a value behind `=`.
    alone: &'static [&'static str],
}

/// In images of Kubernetes (kubernetes/release, `images/build/go-runner`; hyperkube until 1.18).
const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        name: "go-runner",
        valued: &["log-file"],
        alone: &["also-stdout", "redirect-stderr"],
    },
    Wrapper { name: "hyperkube", valued: &[], alone: &[] },
];

/// The index of the word that is the process's own binary.
fn program(words: &[&str], process: Process) -> Option<usize> {
    let is_binary = |word: &&str| base_name(word) == process.name();
    let first = words.first()?;
    if is_binary(first) {
        return Some(0);
    }
    let wrapper = WRAPPERS.iter().find(|wrapper| base_name(first) == wrapper.name)?;
    let mut index = 1;
    while let Some(flag) = words.get(index)?.strip_prefix('-') {
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        let (name, joined) = match flag.split_once('=') {
            Some((name, _)) => (name, true),
            None => (flag, false),
        };
        index += match (wrapper.valued.contains(&name), wrapper.alone.contains(&name)) {
            (true, _) if !joined => 2,
            (true, _) | (_, true) => 1,
            // `--` ends its flags; another one is not known.
            _ if flag.is_empty() && words.get(index) == Some(&"--") => {
                index += 1;
                break;
            }
            _ => return None,
        };
    }
    words.get(index).filter(|word| is_binary(word)).map(|_| index)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Checks that the command line is the process's own, and says how many words are before its flags. Another
/// wrapper could do anything with the words after it.
fn before_flags(tree: &Tree, container: &Node, process: Process) -> Result<usize, PodError> {
    let wanted = process.name();
    let words = words(tree, container)?;
    if let Some(index) = program(&words, process) {
        return Ok(index + 1);
    }
    let command = tree.get_list(container, "command")?;
    let Some(word) = words.first() else {
        return Ok(0);
    };
    if command.is_empty() && word.starts_with('-') {
        return Ok(0);
    }
    let line = command.first().map_or(container.line, |first| first.line);
    let help = format!("let the command start with {wanted}: [{wanted}, --flag=value, ...]");
    if SHELLS.contains(&base_name(word)) {
        return Err(
            PodError::at(line, "the command is a line for a shell, not a list of flags").help(help)
        );
    }
    let message = format!("the container starts {}, not {wanted}", base_name(word));
    Err(PodError::at(line, message).help(help))
}
