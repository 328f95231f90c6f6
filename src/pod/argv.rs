//! The command line of a process: `command` and `args` as flags.

use std::ops::Range;

use super::locate::Pod;
use super::tree::{Node, Tree};
use super::{PodError, Process};

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
    let mut argv = Argv { flags: Vec::new(), list, end: length, exists: length > 0 };
    let mut rest = words.iter().skip(usize::from(pod.starts_with_binary)).peekable();
    while let Some(word) = rest.next() {
        if word.text == "--" {
            // Everything after it is for the process's own use.
            if word.list == list {
                argv.end = word.index;
            } else {
                return Err(PodError::at(
                    word.node.line,
                    "`--` in command ends the flags before args",
                )
                .help("remove it"));
            }
            break;
        }
        let Some(flag) = spelled(word.text, pod.process) else {
            continue;
        };
        let value = rest.peek().filter(|value| {
            !flag.contains('=') && value.list == word.list && !value.text.starts_with('-')
        });
        let (spelled, text, form, item) = match (flag.split_once('='), value) {
            (Some((name, value)), _) => (name, value, Form::Joined, word.node),
            (None, Some(value)) => (flag, value.text, Form::TwoItems, value.node),
            (None, None) => (flag, "true", Form::Bare, word.node),
        };
        argv.flags.push(Flag {
            name: normalised(spelled.trim_start_matches('-'), pod.process),
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

/// etcd's flags may have one dash, the others' are then short ones.
fn spelled(word: &str, process: Process) -> Option<&str> {
    let long = word.len() > 2 && word.starts_with("--");
    let short = process == Process::Etcd && word.len() > 1 && word.starts_with('-');
    (long || short).then_some(word)
}

pub(super) fn normalised(name: &str, process: Process) -> String {
    if process == Process::Etcd { name.to_owned() } else { name.replace('_', "-") }
}
