//! The command line of a process: `command` and `args` as flags.

use std::ops::Range;

use super::locate::Pod;
use super::tree::{Node, Tree};
use super::{PodError, Process, variables};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Command,
    Args,
}

impl List {
    pub(super) fn key(self) -> &'static str {
        match self {
            List::Command => "command",
            List::Args => "args",
        }
    }
}

/// How a flag is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `--flag=value`
    Joined,
    /// `--flag`, `value`
    TwoItems,
    /// `--flag`, which means true
    Bare,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without dashes; an underscore of a Kubernetes process's flag is a dash.
    pub name: String,
    pub value: String,
    pub form: Form,
    pub list: List,
    /// Of the item that holds the value.
    pub line: usize,
    /// Bytes of the item that holds the value, with its quotes.
    pub span: Range<usize>,
    /// As in the file, with dashes.
    pub(super) spelled: String,
    /// Of the flag's first item in its list.
    pub(super) index: usize,
}

impl Flag {
    /// The index after the flag's last item.
    pub(super) fn end(&self) -> usize {
        self.index + if self.form == Form::TwoItems { 2 } else { 1 }
    }
}

pub(super) struct Argv {
    /// As it is spelled, with a wrapper before it: a path may lead to another one than the image's.
    pub binary: Option<String>,
    pub flags: Vec<Flag>,
    /// Where a flag may be added, and the first index after all flags there.
    pub list: List,
    pub end: usize,
    /// Whether the list that takes new flags is there and has items.
    pub exists: bool,
}

struct Word<'a> {
    text: &'a str,
    node: &'a Node,
    list: List,
    index: usize,
}

pub(super) fn read(tree: &Tree, pod: &Pod<'_>) -> Result<Argv, PodError> {
    let mut words = Vec::new();
    let mut lengths = [0, 0];
    for (list, length) in [List::Command, List::Args].into_iter().zip(&mut lengths) {
        let items = tree.get_list(pod.container, list.key())?;
        *length = items.len();
        for (index, node) in items.iter().enumerate() {
            let Some(text) = tree.follow(node).text() else {
                let message = format!("an item of {} is not a text", list.key());
                return Err(PodError::at(node.line, message));
            };
            words.push(Word { text, node, list, index });
        }
    }
    let [in_command, in_args] = lengths;
    let list = if in_args > 0 || in_command == 0 { List::Args } else { List::Command };
    let length =
        in_command * usize::from(list == List::Command) + in_args * usize::from(list == List::Args);
    let before: Vec<&str> = words.iter().take(pod.before_flags).map(|word| word.text).collect();
    let mut argv = Argv {
        binary: (!before.is_empty()).then(|| before.join(" ")),
        flags: Vec::new(),
        list,
        end: length,
        exists: length > 0,
    };
    let mut rest = words.iter().skip(pod.before_flags).peekable();
    while let Some(word) = rest.next() {
        variables::check(tree, pod, word.text, word.node.line)?;
        if word.text == "--" {
            if let Some(behind) = rest.next() {
                let message = "a word after `--`, where flags end";
                return Err(PodError::at(behind.node.line, message).help("remove both"));
            }
            if word.list == list {
                argv.end = word.index;
            }
            break;
        }
        let (spelled, joined) = match word.text.split_once('=') {
            Some((spelled, value)) => (spelled, Some(value)),
            None => (word.text, None),
        };
        let Some(name) = name(spelled, pod.process) else {
            let message = "a word that is neither a flag nor the value of one";
            return Err(PodError::at(word.node.line, message)
                .help(format!("write {}, and its flags as --flag=value", pod.process.name())));
        };
        let is_boolean = pod.process.is_boolean(&name);
        let (text, form, item) = match (joined, rest.peek()) {
            (Some(value), _) => (value, Form::Joined, word.node),
            (None, Some(next)) if is_boolean && !next.text.starts_with('-') => {
                // The process takes it for true, and the next item for nothing.
                let message = format!("{spelled} has its value in the next item");
                return Err(
                    PodError::at(next.node.line, message).help(format!("write {spelled}=VALUE"))
                );
            }
            (None, Some(next)) if !is_boolean => {
                if next.text.starts_with('-') || next.list != word.list {
                    let message = format!("{spelled} has no value: it would take the next word");
                    return Err(PodError::at(word.node.line, message)
                        .help(format!("write {spelled}=VALUE")));
                }
                variables::check(tree, pod, next.text, next.node.line)?;
                (next.text, Form::TwoItems, next.node)
            }
            (None, _) => ("true", Form::Bare, word.node),
        };
        argv.flags.push(Flag {
            name,
            value: text.to_owned(),
            form,
            list: word.list,
            line: item.line,
            span: item.span.clone(),
            spelled: spelled.to_owned(),
            index: word.index,
        });
        if form == Form::TwoItems {
            rest.next();
        }
    }
    Ok(argv)
}

/// Of a flag as it is spelled with its dashes. etcd's may have one dash; of the others' short ones there is
/// only `-v`.
fn name(spelled: &str, process: Process) -> Option<String> {
    let bare = match spelled.strip_prefix("--") {
        Some(bare) => bare,
        None if process == Process::Etcd || spelled == "-v" => spelled.strip_prefix('-')?,
        None => return None,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = bare.bytes().all(plain) && bare.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_name.then(|| normalised(bare, process))
}

pub(super) fn normalised(name: &str, process: Process) -> String {
    if process == Process::Etcd { name.to_owned() } else { name.replace('_', "-") }
}
