//! Wished flags against the flags that are there.

use crate::visible::is_hidden;
use std::collections::BTreeMap;

use super::argv::{self, Argv, Flag, Form};
use super::extend;
use super::locate::Pod;
use super::tree::Tree;
use super::value::{Change, Entry, Step, Value};
use super::{Business, Finding, FlagWish, Outcome, PodError, PodWish, Process};

/// Given once for every key that verifies tokens.
const REPEATABLE: &[&str] = &["service-account-key-file"];

struct Addition {
    index: usize,
    name: String,
    words: Vec<String>,
}

pub(super) fn plan(
    tree: &Tree,
    pod: &Pod<'_>,
    wish: &PodWish,
    changes: &mut Vec<Change>,
) -> Result<Vec<Finding>, PodError> {
    let argv = argv::read(tree, pod)?;
    let mut wishes: BTreeMap<String, Vec<&FlagWish>> = BTreeMap::new();
    for flag in &wish.flags {
        check_wish(flag)?;
        let name = argv::normalised(&flag.name, pod.process);
        wishes.entry(name).or_default().push(flag);
    }
    if let Some(config) = argv.flags.iter().find(|flag| flag.name == "config-file")
        && pod.process == Process::Etcd
        && !wishes.is_empty()
    {
        return Err(PodError::at(config.line, "etcd ignores its flags because of --config-file")
            .help("move the settings of the file into flags"));
    }
    let mut findings = Vec::new();
    let mut additions = Vec::new();
    for (name, wishes) in &wishes {
        let there: Vec<&Flag> = argv.flags.iter().filter(|flag| flag.name == *name).collect();
        let missing = judge(name, wishes, &there, pod, changes, &mut findings)?;
        if !missing.is_empty() && there.is_empty() {
            no_variable(tree, pod, name)?;
        }
        for value in missing {
            additions.push(add(&argv, name, value));
        }
    }
    insert(pod, &argv, additions, changes);
    Ok(findings)
}

/// Changes what is there and returns the values that are missing.
fn judge<'a>(
    name: &str,
    wishes: &[&'a FlagWish],
    there: &[&Flag],
    pod: &Pod<'_>,
    changes: &mut Vec<Change>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<&'a str>, PodError> {
    let own = wishes.iter().any(|wish| wish.business == Business::Own);
    let repeatable = REPEATABLE.contains(&name);
    let mut values: Vec<&str> = Vec::new();
    for wish in wishes {
        if !values.contains(&wish.value.as_str()) {
            values.push(&wish.value);
        }
    }
    if values.len() > 1 && !repeatable {
        return Err(PodError::whole(format!("two values are wished for --{name}")));
    }
    for flag in there {
        check_flag(flag, own, &values)?;
    }
    if let [first, rest @ ..] = there
        && let Some(other) = rest.iter().find(|flag| flag.value != first.value)
        && !repeatable
    {
        let message = format!("--{name} is given twice, with another value in line {}", first.line);
        return Err(PodError::at(other.line, message).help("keep one of the two"));
    }
    let mut missing: Vec<&str> = values
        .iter()
        .copied()
        .filter(|value| !there.iter().any(|flag| flag.value == *value))
        .collect();
    let others: Vec<&&Flag> =
        there.iter().filter(|flag| !values.contains(&flag.value.as_str())).collect();
    let wished = values.join(", ");
    let mut unused = missing.clone().into_iter();
    for flag in others {
        // A flag given twice with one value changes in both places.
        let new = if repeatable { unused.next() } else { values.first().copied() };
        let outcome = match new {
            Some(new) if own => {
                changes.push(replace(pod, flag, new));
                missing.retain(|value| *value != new);
                Outcome::ChangedTo(new.to_owned())
            }
            None => Outcome::Extra,
            Some(_) => Outcome::Kept { wished: wished.clone() },
        };
        findings.push(Finding {
            line: flag.line,
            flag: name.to_owned(),
            found: flag.value.clone(),
            outcome,
        });
    }
    if !own && !there.is_empty() {
        missing.clear();
    }
    Ok(missing)
}

fn check_wish(wish: &FlagWish) -> Result<(), PodError> {
    let message = if wish.value.contains("$(") {
        "must not contain $(: the kubelet would put a variable there"
    } else if wish.value.contains(is_hidden) {
        "must not contain line breaks, tabs, controls or invisible characters"
    } else {
        return Ok(());
    };
    Err(PodError::whole(format!("--{} {message}", wish.name)))
}

/// Refuses what kpki could read in another way than the process does.
fn check_flag(flag: &Flag, own: bool, wished: &[&str]) -> Result<(), PodError> {
    let name = &flag.name;
    if own && flag.value.contains("$(") {
        let message = format!("--{name} takes its value from a variable: {}", flag.value);
        return Err(PodError::at(flag.line, message).help("write the value out"));
    }
    let boolean = wished.iter().all(|value| matches!(*value, "true" | "false"));
    let message = match flag.form {
        // The process takes the next item for the value, whatever it is.
        Form::Bare if !boolean => format!("--{name} has no value"),
        // The process takes it for true, and the next item for nothing.
        Form::TwoItems if boolean => format!("--{name} has its value in the next item"),
        _ => return Ok(()),
    };
    Err(PodError::at(flag.line, message).help(format!("write --{name}=VALUE")))
}

fn replace(pod: &Pod<'_>, flag: &Flag, value: &str) -> Change {
    let mut path = pod.below(flag.list.key());
    let (index, text) = match flag.form {
        Form::TwoItems => (flag.index + 1, value.to_owned()),
        Form::Joined | Form::Bare => (flag.index, format!("{}={value}", flag.spelled)),
    };
    path.push(Step::Index(index));
    Change::Replace { path, value: Value::Text(text) }
}

/// A new flag stands in its sorted place if the flags there are sorted, else after the last of them, and
/// is written like its neighbour.
fn add(argv: &Argv, name: &str, value: &str) -> Addition {
    let flags: Vec<&Flag> = argv.flags.iter().filter(|flag| flag.list == argv.list).collect();
    let sorted = flags.is_sorted_by(|one, two| one.name <= two.name);
    let before =
        if sorted { flags.iter().rfind(|flag| flag.name.as_str() <= name) } else { flags.last() };
    let index = match (before, flags.first()) {
        (Some(flag), _) => flag.end(),
        (None, Some(first)) => first.index,
        (None, None) => argv.end,
    };
    let two_items = before
        .or(flags.first())
        .is_some_and(|neighbour| neighbour.form == Form::TwoItems)
        // The second item would be a flag of its own; and a boolean takes no second item.
        && !value.starts_with('-')
        && !matches!(value, "true" | "false");
    let words = if two_items {
        vec![format!("--{name}"), value.to_owned()]
    } else {
        vec![format!("--{name}={value}")]
    };
    Addition { index, name: name.to_owned(), words }
}

fn insert(pod: &Pod<'_>, argv: &Argv, mut additions: Vec<Addition>, changes: &mut Vec<Change>) {
    if additions.is_empty() {
        return;
    }
    additions.sort_by(|one, two| (one.index, &one.name).cmp(&(two.index, &two.name)));
    let words = additions
        .into_iter()
        .flat_map(|added| added.words.into_iter().map(move |word| (added.index, word)));
    if argv.exists {
        changes.extend(words.map(|(index, word)| Change::Insert {
            path: pod.below(argv.list.key()),
            index,
            entry: Entry::Item(Value::Text(word)),
        }));
        return;
    }
    let items = words.map(|(_, word)| Value::Text(word)).collect();
    let list = Value::List(items);
    changes.push(extend::create(pod.container, &pod.path, argv.list.key(), list));
}

/// etcd refuses to start with a flag and its variable at once.
fn no_variable(tree: &Tree, pod: &Pod<'_>, name: &str) -> Result<(), PodError> {
    if pod.process != Process::Etcd {
        return Ok(());
    }
    let variable = format!("ETCD_{}", name.replace('-', "_").to_uppercase());
    for item in tree.get_list(pod.container, "env")? {
        let item = tree.follow(item);
        if tree.get_text(item, "name")? == Some(&variable) {
            let message =
                format!("{variable} stands for --{name}, and etcd takes only one of the two");
            return Err(PodError::at(item.line, message).help(format!("write --{name} instead")));
        }
    }
    Ok(())
}
